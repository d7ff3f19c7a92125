"""`tf.layers.Layer`: a function of tensors that makes its variables in a variable scope when it is first called."""
from __future__ import annotations

import copy
import importlib
import inspect
import re
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..compiler.dtypes import DType, as_dtype, float32
from ..compiler.ir import Graph, Operation, Tensor, default_graph
from ..compiler.names import named
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.state import placeholder
from ..compiler.ops.symbolic import static_value
from ..compiler.shapes import TensorShape
from ..framework import GraphKeys, get_collection_ref, is_tensor, name_scope
from ..initializers import ones, zeros
from ..nest import flatten, map_structure
from ..variable_lists import global_variables, trainable_variables
from ..variable_scope import get_variable, variable_scope
from .input_spec import InputSpec

__all__ = ["ONES", "ZEROS", "InputSpec", "Layer", "activation_function", "constant_bool", "constraint", "functional",
           "initializer", "regularizer"]

_counts: weakref.WeakKeyDictionary[Graph, dict[str, int]] = weakref.WeakKeyDictionary()

ZEROS, ONES = zeros(), ones()  # how biases and scales begin


def _named(module: str) -> Callable[[Any], Any]:
    """What an argument stands for: a function, a class, or Keras's name of one."""
    def get(identifier: Any) -> Any:
        if isinstance(identifier, (str, dict)):
            return importlib.import_module(f"..keras.{module}", __package__).get(identifier)
        return identifier() if isinstance(identifier, type) else identifier
    return get


activation_function, initializer = _named("activations"), _named("initializers")
regularizer, constraint = _named("regularizers"), _named("constraints")


def to_snake_case(name: str) -> str:
    """"BatchNormalization" as batch_normalization, "Conv2DTranspose" as conv2d_transpose."""
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)).lower()


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _unique_name(base: str) -> str:
    counts = _counts.setdefault(default_graph(), {})
    counts[base] = counts.get(base, 0) + 1
    return f"{base}_{counts[base]}"


def constant_bool(value: Any) -> bool | None:
    """A flag as it is known while the graph is built; None for one that is fed or computed. None is False."""
    if not is_tensor(value):
        return bool(value)
    known = static_value(convert_to_tensor(value))
    return None if known is None else bool(known)


class Layer:
    """Base of layers. Subclasses define `build(input_shape)`, which makes variables, and `call(inputs)`.

    The first call opens a variable scope named like the layer (numbered when it has no name of its own and the name is
    taken), in which its variables stand; ops of each call go into a name scope of that name. Further calls reuse the
    variables. `trainable=False` keeps the variables out of the collection of trainable ones.
    """

    input_spec: Any = None
    supports_masking = False
    stateful = False
    updates_collection: str | None = GraphKeys.UPDATE_OPS  # where the updates go; None: nowhere

    def __init__(self, trainable: bool = True, name: Any = None, dtype: Any = None, activity_regularizer: Any = None,
                 _scope: Any = None, _reuse: Any = None, **kwargs: Any):
        known = {"batch_input_shape", "batch_size", "input_shape", "weights", "autocast", "dynamic"}
        if set(kwargs) - known:
            raise TypeError(f"{type(self).__name__}: unknown keyword arguments {sorted(set(kwargs) - known)}")
        self.trainable = trainable
        self.built = False
        self.activity_regularizer = activity_regularizer
        self._base_name = getattr(name, "name", name) or to_snake_case(type(self).__name__)
        self._name = name if isinstance(name, str) and name else _unique_name(self._base_name)
        self._dtype = None if dtype is None else as_dtype(dtype)
        self._reuse = _reuse
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._updates: list[Any] = []
        self._losses: list[Any] = []
        self._scope: Any = None
        self._current_scope: Any = None
        self._input: Any = None
        self._output: Any = None
        if _scope:
            with variable_scope(_scope) as captured:
                self._scope = captured

    # what it is

    @property
    def name(self) -> str:
        return self._name

    @property
    def dtype(self) -> DType | None:
        return self._dtype

    @property
    def graph(self) -> Graph | None:
        return self._scope and default_graph()

    @property
    def scope_name(self) -> str:
        """The name of the variable scope. Raises ValueError before the first call."""
        if self._scope is None:
            raise ValueError(f'No name available for layer scope because the layer "{self._name}" has not been used '
                             "yet. The scope name is determined the first time the layer instance is called. You must "
                             "therefore call the layer before querying `scope_name`.")
        return self._scope.name

    @property
    def trainable_weights(self) -> list[Any]:
        return list(self._trainable_weights) if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        return [*([] if self.trainable else self._trainable_weights), *self._non_trainable_weights]

    @property
    def weights(self) -> list[Any]:
        return self.trainable_weights + self.non_trainable_weights

    @property
    def variables(self) -> list[Any]:
        return self.weights

    @property
    def trainable_variables(self) -> list[Any]:
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Any]:
        return self.non_trainable_weights

    @property
    def updates(self) -> list[Any]:
        """Operations to run at each training step, which are also in the collection UPDATE_OPS."""
        return list(self._updates)

    @property
    def losses(self) -> list[Any]:
        """Regularization losses, which are also in the collection REGULARIZATION_LOSSES."""
        return list(self._losses)

    @property
    def input(self) -> Any:
        """The inputs of the last call."""
        return self._called(self._input)

    @property
    def output(self) -> Any:
        """The outputs of the last call."""
        return self._called(self._output)

    @property
    def input_shape(self) -> Any:
        return map_structure(lambda t: tuple(t.shape.as_list()), self.input)

    @property
    def output_shape(self) -> Any:
        return map_structure(lambda t: tuple(t.shape.as_list()), self.output)

    def _called(self, value: Any) -> Any:
        if value is None:
            raise AttributeError(f"The layer {self._name} has never been called and thus has no defined input or "
                                 "output.")
        return value

    def count_params(self) -> int:
        """The number of elements of all variables. Raises ValueError before they are made."""
        if not self.built:
            raise ValueError(f"You tried to call `count_params` on {self._name}, but the layer isn't built.")
        return sum(v.shape.num_elements() for v in self.weights)

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """The updates that depend on `inputs`; for None, those that depend on no input."""
        return [] if inputs is None else self.updates

    def get_losses_for(self, inputs: Any) -> list[Any]:
        """The losses that depend on `inputs`; for None, those of variables."""
        return self.losses if inputs is None else []

    # what subclasses call

    def add_weight(self, name: str, shape: Any = None, dtype: Any = None, initializer: Any = None,
                   regularizer: Any = None, trainable: bool | None = None, constraint: Any = None,
                   use_resource: bool | None = None, synchronization: Any = None, aggregation: Any = None,
                   partitioner: Any = None, **kwargs: Any) -> Any:
        """A variable in the layer's scope, made or (when the layer or the scope reuses) found by its name."""
        self._set_scope(None)
        existing = set(global_variables())
        with variable_scope(self._scope, reuse=self.built or self._reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with name_scope(scope.original_name_scope):
                variable = get_variable(
                    name, () if shape is None else shape, dtype or self._dtype or float32,
                    initializer or scope.initializer, trainable=trainable is not False and self.trainable,
                    constraint=constraint, use_resource=use_resource, partitioner=partitioner)
                if regularizer is not None and variable not in existing:
                    with name_scope(f"{name}/Regularizer"):
                        self.add_loss(regularizer(variable))
        kept = self._trainable_weights if trainable is not False and (
            not self.trainable or variable in trainable_variables()) else self._non_trainable_weights
        if variable not in kept:
            kept.append(variable)
        return variable

    add_variable = add_weight

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Operations (or functions that make them) to run at each training step."""
        self._updates += [u() if callable(u) and not is_tensor(u) and not isinstance(u, Operation) else u
                          for u in as_list(updates)]

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Losses (or functions that make them) that are added to those of regularization."""
        made = [loss() if callable(loss) and not is_tensor(loss) else loss for loss in as_list(losses)]
        made = [loss for loss in made if loss is not None]
        self._losses += made
        _add_new(GraphKeys.REGULARIZATION_LOSSES, made)

    def build(self, input_shape: Any) -> None:
        """Make the variables, for inputs of this static shape."""
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The outputs as graph."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The static shape of the outputs for inputs of a static shape."""
        raise NotImplementedError(f"{type(self).__name__} does not define compute_output_shape")

    def _shape_by_calling(self, input_shape: Any) -> TensorShape:
        """What an unused copy gives in a graph of its own."""
        twin = copy.copy(self)
        twin.built, twin._scope = False, None
        twin._trainable_weights, twin._non_trainable_weights, twin._updates, twin._losses = [], [], [], []
        with Graph().as_default():
            return twin(placeholder(self._dtype or float32, input_shape)).shape

    # calling

    def _set_scope(self, scope: Any) -> None:
        if self._scope is None:
            default = None if self._reuse else self._base_name
            target = scope if scope is not None else self._base_name if self._reuse else None
            with variable_scope(target, default_name=default) as captured:
                self._scope = captured

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The outputs for `inputs`, tensors or arrays. `scope` names the variable scope of the first call."""
        self._set_scope(kwargs.pop("scope", None))
        reuse = True if self.built else self._reuse
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            if "scope" in inspect.signature(self.call).parameters:
                kwargs["scope"] = scope
            with name_scope(scope.original_name_scope):
                inputs = map_structure(_as_tensor, inputs)
                self._check(inputs)
                if not self.built:
                    self._build(inputs)
                outputs = self.call(inputs, *args, **kwargs)
                if outputs is None:
                    raise ValueError("A layer's `call` method should return a Tensor or a list of Tensors, not None "
                                     f"(layer: {self._name}).")
                if self.activity_regularizer is not None:
                    with name_scope("ActivityRegularizer"):
                        self.add_loss([self.activity_regularizer(t) for t in flatten(outputs)])
        self._input, self._output = inputs, outputs
        if self.updates_collection:
            _add_new(self.updates_collection, self._updates)
        return outputs

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The same as calling the layer."""
        return self(inputs, *args, **kwargs)

    def _build(self, inputs: Any) -> None:
        if self._dtype is None:
            first = next((t for t in flatten(inputs) if isinstance(t, Tensor) or is_tensor(t)), None)
            self._dtype = None if first is None else first.dtype
        self.build(map_structure(lambda t: t.shape, inputs))
        self.built = True

    def _check(self, inputs: Any) -> None:
        specs, given = as_list(self.input_spec), flatten(inputs)
        if self.input_spec is None:
            return
        if len(specs) != len(given):
            raise ValueError(f"Layer {self._name} expects {len(specs)} inputs, but it received {len(given)} input "
                             f"tensors. Inputs received: {given}")
        for index, (spec, tensor) in enumerate(zip(specs, given, strict=True)):
            if spec is not None and tensor.shape.dims is None:
                raise ValueError(f"Input {index} of layer {self._name} is incompatible with the layer: its rank is "
                                 "undefined, but the layer requires a defined rank.")
            if spec is not None:
                spec.check(tensor, self._name, index)


def _as_tensor(value: Any) -> Any:
    return convert_to_tensor(value) if isinstance(value, (np.ndarray, float, int)) else value


def _add_new(collection: str, items: Sequence[Any]) -> None:
    held = get_collection_ref(collection)
    held += [item for item in items if not any(item is other for other in held)]


def functional(layer: type[Layer], doc: str, call_arguments: dict[str, Any] | None = None, reuse: bool = True,
               order: Sequence[str] | None = None) -> Callable[..., Any]:
    """The function form of a layer: it takes the inputs, the layer's arguments and `reuse`, and calls a new layer.

    `call_arguments` go to the call, with their defaults. `order` says how the arguments follow each other where that
    is not the class's own order.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    own = [p.replace(annotation=inspect.Parameter.empty) for p in inspect.signature(layer).parameters.values()
           if p.kind is kind]
    extra = [inspect.Parameter(k, kind, default=v) for k, v in (call_arguments or {}).items()]
    extra += [inspect.Parameter("reuse", kind, default=None)] if reuse else []
    parameters = {p.name: p for p in (inspect.Parameter("inputs", kind), *own, *extra)}
    signature = inspect.Signature([parameters[name] for name in order or parameters])

    def function(*args: Any, **kwargs: Any) -> Any:
        try:
            options = dict(signature.bind(*args, **kwargs).arguments)
        except TypeError as error:
            raise TypeError(f"{function.__name__}(): {error}") from None
        inputs, again = options.pop("inputs"), options.pop("reuse", None)
        to_call = {k: options.pop(k) for k in call_arguments or {} if k in options}
        return layer(**options, _scope=options.get("name"), _reuse=again)(inputs, **to_call)

    function.__signature__ = signature  # type: ignore[attr-defined]
    return named(to_snake_case(layer.__name__), function, doc)
