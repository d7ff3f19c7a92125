"""The base class of layers: `__init__` keeps the arguments, `build` makes the weights, `call` builds the graph."""
from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor, default_graph
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from .. import backend, constraints, dtype_policies, initializers, regularizers
from ..naming import auto_name
from ..scope import StepScope, current_scope, in_training, training_as
from ..variables import Variable
from .input_spec import InputSpec, Shape, shape_of

__all__ = ["InputSpec", "Layer", "Shape"]


def map_tensors(function: Any, value: Any) -> Any:
    """`value`, a nest of lists, tuples and dicts, with its leaves replaced."""
    if isinstance(value, (list, tuple)):
        return type(value)(map_tensors(function, v) for v in value)
    if isinstance(value, dict):
        return {k: map_tensors(function, v) for k, v in value.items()}
    return function(value)


def flatten(value: Any) -> list[Any]:
    """The leaves of a nest, in order."""
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in flatten(v)]
    if isinstance(value, dict):
        return [leaf for v in value.values() for leaf in flatten(v)]
    return [value]


class Layer:
    """A function from tensors to tensors that owns variables. Calling it adds to the graph of its input.

    Subclasses define `call(inputs)`, which may take `training`, and `build(input_shape)` to make weights. Layers,
    and lists of layers, that are attributes belong to it: their weights are among its own.
    """

    input_spec: InputSpec | None = None
    supports_masking = False
    tells_build_shape = False  # whether configs hold the input's shape although `build` makes nothing

    def __init__(self, *, activity_regularizer: Any = None, trainable: bool = True, dtype: Any = None,
                 name: str | None = None, **kwargs: Any):
        shape = _given_input_shape(kwargs)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}")
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"Argument `name` must be a string and cannot contain character `/`. "
                             f"Received: name={name!r}")
        self.name = name or auto_name(type(self).__name__)
        self.dtype_policy = dtype_policies.get(dtype)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self._batch_input_shape = shape
        self._build_shape: Shape | None = None
        self._weights: list[Variable] = []
        self._trainable = bool(trainable)
        self._calls: list[tuple[Any, Any]] = []  # (inputs, outputs) of calls outside steps
        parameters = inspect.signature(self.call).parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self._takes_training = "training" in parameters or takes_any

    if TYPE_CHECKING:  # attributes that subclasses keep their arguments in
        def __getattr__(self, name: str) -> Any: ...

    # what subclasses define

    def build(self, input_shape: Any) -> None:
        """Make the weights. `input_shape` is a tuple, None where unknown (a nest of them for several inputs)."""

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"Layer {type(self).__name__} does not have a `call()` method implemented.")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain data."""
        config: dict[str, Any] = {"name": self.name, "trainable": self._trainable, "dtype": {
            "module": "keras", "class_name": "DTypePolicy", "config": self.dtype_policy.get_config(),
            "registered_name": None}}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def get_build_config(self) -> dict[str, Any] | None:
        if self._build_shape is None or type(self).build is Layer.build and not self.tells_build_shape:
            return None
        return {"input_shape": list(self._build_shape)}

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output, found by calling the layer on a tensor of that shape."""
        from ...compiler.ops.state import placeholder
        with StepScope():
            outputs = self(placeholder(as_dtype(self.compute_dtype), tuple(input_shape)))
        return map_tensors(shape_of, outputs)

    # calling

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        inputs = map_tensors(self._to_tensor, inputs)
        tensors = flatten(inputs)
        graph = tensors[0].graph if tensors else default_graph()
        training = kwargs.pop("training", None)
        training = in_training() if training is None else bool(training)
        if self._takes_training:
            kwargs["training"] = training
        with graph.as_default(), graph.name_scope(self.name), training_as(training):
            if self.input_spec is not None:
                self.input_spec.check(tensors[0], self.name)
            self._build_once(map_tensors(shape_of, inputs))
            outputs = self.call(inputs, *args, **kwargs)
            self._add_losses(outputs, tensors[0])
        if current_scope() is None:
            self._calls.append((inputs, outputs))
        return outputs

    def _to_tensor(self, value: Any) -> Any:
        tensor = value if isinstance(value, Tensor) else convert_to_tensor(value)
        if tensor.dtype.is_floating and backend.is_float(self.compute_dtype):
            return cast(tensor, self.compute_dtype)
        return tensor

    def _build_once(self, shape: Any) -> None:
        if self.built:
            return
        self._build_shape = shape
        self.build(shape)
        self.built = True

    def _add_losses(self, outputs: Any, first: Tensor) -> None:
        scope = current_scope()
        if scope is not None and self.activity_regularizer is not None:
            from ...compiler.ops.reduction import size_of
            for output in flatten(outputs):
                scope.losses.append(self.activity_regularizer(output) / cast(size_of(first, (0,)), output.dtype))

    # weights

    def add_weight(self, shape: Any = (), initializer: Any = None, dtype: Any = None, trainable: bool = True,
                   regularizer: Any = None, constraint: Any = None, name: str | None = None) -> Variable:
        """A new variable of this layer. Without an initializer floats are Glorot-uniform, others zero."""
        dtype = dtype or self.dtype_policy.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if backend.is_float(dtype) else "zeros"
        variable = Variable(initializers.get(initializer), shape, dtype, trainable, name or "variable",
                            regularizers.get(regularizer), constraints.get(constraint))
        self._weights.append(variable)
        return variable

    def _sublayers(self) -> Iterator[Layer]:
        for value in list(vars(self).values()):
            if isinstance(value, (Layer, list, tuple, dict)):
                yield from (leaf for leaf in flatten(value) if isinstance(leaf, Layer))

    def _all_layers(self) -> list[Layer]:
        """This layer and those within it, each once."""
        found: dict[Layer, None] = {self: None}
        for layer in self._sublayers():
            found |= dict.fromkeys(layer._all_layers())
        return list(found)

    @property
    def weights(self) -> list[Variable]:
        own = [v for v in self._weights if v.trainable] + [v for v in self._weights if not v.trainable]
        inner = [w for layer in self._sublayers() for w in layer.weights]
        return list(dict.fromkeys(own + inner))

    variables = weights

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._sublayers():
            layer.trainable = value

    @property
    def trainable_weights(self) -> list[Variable]:
        if not self._trainable:
            return []
        own = [v for v in self._weights if v.trainable]
        return list(dict.fromkeys(own + [w for layer in self._sublayers() for w in layer.trainable_weights]))

    @property
    def non_trainable_weights(self) -> list[Variable]:
        trained = set(self.trainable_weights)
        return [w for w in self.weights if w not in trained]

    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        return backend.batch_get_value(self.weights)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set every weight. Raises ValueError when their number or shapes differ."""
        weights = list(weights)
        variables = self.weights
        if len(weights) != len(variables):
            raise ValueError(f"You called `set_weights(weights)` on layer {self.name!r} with a weight list of length "
                             f"{len(weights)}, but the layer was expecting {len(variables)} weights.")
        for variable, value in zip(variables, weights, strict=True):
            if np.shape(value) != variable.shape:
                raise ValueError(f"Layer {self.name} weight shape {variable.shape} is not compatible with provided "
                                 f"weight shape {np.shape(value)} (weight {variable.path!r}).")
        backend.batch_set_value(list(zip(variables, weights, strict=True)))

    def count_params(self) -> int:
        if not self.built:
            raise ValueError(f"You tried to call `count_params` on layer {self.name!r}, but the layer isn't built.")
        return sum(int(np.prod(w.shape)) for w in self.weights)

    @property
    def losses(self) -> list[Tensor]:
        """The penalties on weights."""
        return [w.regularizer(w) for w in self.trainable_weights if w.regularizer is not None]

    # what calls made of it

    @property
    def dtype(self) -> str:
        return self.dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        return self.dtype_policy.compute_dtype

    @property
    def input(self) -> Any:
        return self._called()[0]

    @property
    def output(self) -> Any:
        return self._called()[1]

    @property
    def input_shape(self) -> Any:
        return map_tensors(shape_of, self.input)

    @property
    def output_shape(self) -> Any:
        return map_tensors(shape_of, self.output)

    def _called(self) -> tuple[Any, Any]:
        if not self._calls:
            raise AttributeError(f"The layer {self.name} has never been called and thus has no defined input or "
                                 "output.")
        return self._calls[0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _given_input_shape(kwargs: dict[str, Any]) -> Shape | None:
    """Keras 2's ways to state the input's shape: input_shape, batch_input_shape, input_dim (and batch_size)."""
    batch = kwargs.pop("batch_size", None)
    full = kwargs.pop("batch_input_shape", kwargs.pop("batch_shape", None))
    shape, dim = kwargs.pop("input_shape", None), kwargs.pop("input_dim", None)
    if full is not None:
        return tuple(full)
    if shape is not None:
        return (batch, *(shape if hasattr(shape, "__iter__") else (shape,)))
    return None if dim is None else (batch, dim)
