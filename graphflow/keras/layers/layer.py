"""The base class of layers: `__init__` keeps the arguments, `build` makes the weights, `call` builds the graph."""
from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor, default_graph
from ...compiler.names import nearest
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.reduction import size_of
from ...compiler.ops.state import placeholder
from ...compiler.ops.view import reshape
from ...compiler.site import warn
from .. import backend, dtype_policies, regularizers
from ..computed import computed
from ..legacy.layer import Keras2Layer
from ..legacy.phase import note_phase
from ..legacy.stated_shapes import state_sizes
from ..naming import auto_name, scope_name
from ..nest import as_list, flatten, map_structure
from ..rematerialization import current_scope as remat_scope
from ..rematerialization import rematerialized
from ..saving.registration import ConfigError
from ..scope import (
    StepScope,
    autocast_dtype,
    autocast_to,
    calling,
    current_scope,
    in_order,
    in_training,
    ordered_graph,
    outermost_call,
    outside_steps,
    recording,
    training_as,
)
from ..variables import Variable
from .building import building, by_itself
from .call_spec import Signature, fill_masks, has_symbolic, has_tensor, shapes_for, tensor_arguments
from .connected import Connected
from .input_spec import InputSpec, Shape, given_input_shape, is_shape, shape_of
from .node import Node, mask_of, record, set_mask
from .weighted import Weighted

__all__ = ["InputSpec", "Layer", "Shape"]


class Layer(Connected, Weighted, Keras2Layer):
    """A function from tensors to tensors that owns variables. Calling it adds to the graph of its input.

    Subclasses define `call(inputs)`, which may take `training` and `mask`, and `build(input_shape)` to make weights.
    Layers and variables that are attributes, or stand in lists and dicts that are, belong to it.
    """

    input_spec: Any = None  # an InputSpec, or one for each input; InputSpec() asks for a tensor alone
    supports_masking = False
    tells_build_shape = False  # whether configs hold the input's shape although `build` makes nothing
    autocast = True
    _arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
    _building = False
    _remat_scope: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls) and not hasattr(cls.build, "cares_for_names"):
            cls.build = by_itself(cls.build)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        layer = super().__new__(cls)
        layer._arguments = (args, kwargs)  # what get_config tells of a layer that does not define it
        return layer

    def __init__(self, *, activity_regularizer: Any = None, trainable: bool = True, dtype: Any = None,
                 autocast: bool = True, name: str | None = None, **kwargs: Any):
        shape = given_input_shape(kwargs)
        self._initial_weights = kwargs.pop("weights", None)
        if kwargs:
            known = {name for cls in type(self).__mro__ if "__init__" in vars(cls)
                     for name in inspect.signature(vars(cls)["__init__"]).parameters}
            raise ValueError(f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}."
                             f"{nearest(next(iter(kwargs)), known)}")
        if name is not None and not isinstance(name, str):  # with slashes in it as in Keras 2, which Keras 3 refuses
            raise ValueError(f"Argument `name` must be a string. Received: name={name!r}")
        self.name = name or auto_name(type(self).__name__)
        self.dtype_policy = dtype_policies.for_layer(dtype, self.name, hasattr(self, "modes"))
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self._batch_input_shape = shape
        self._build_shapes: dict[str, Any] | None = None
        self._weights: list[Variable] = []
        self._trainable = bool(trainable)
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []
        self._losses: list[Tensor] = []  # added by calls outside steps
        self._signature = Signature(self.call)
        self._remat_scope = remat_scope()

    if TYPE_CHECKING:  # attributes that subclasses keep their arguments in
        def __getattr__(self, name: str) -> Any: ...

    # what subclasses define

    def build(self, input_shape: Any) -> None:
        """Make the weights. `input_shape` is a tuple, None where unknown (a nest of them for several inputs)."""
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"Layer {type(self).__name__} does not have a `call()` method implemented.")

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the outputs. By default that of the inputs; raises TypeError for one that it does not support."""
        if self.supports_masking:
            return previous_mask
        if any(mask is not None for mask in flatten(previous_mask)):
            raise TypeError(f"Layer {self.name} does not support masking, but was passed an input_mask: "
                            f"{previous_mask}")
        return None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain data. A layer that does not define this tells those it was given."""
        config: dict[str, Any] = {"name": self.name, "trainable": self._trainable,
                                  "dtype": dtype_policies.serialize(self.dtype_policy)}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if type(self).get_config is Layer.get_config and type(self).__init__ is not Layer.__init__:
            bound = inspect.signature(type(self).__init__).bind_partial(self, *self._arguments[0], **self._arguments[1])
            given = dict(list(bound.arguments.items())[1:])
            kinds = {p.kind: n for n, p in bound.signature.parameters.items()}
            extra = given.pop(kinds.get(inspect.Parameter.VAR_KEYWORD, ""), {})
            takes = set(bound.signature.parameters)
            if inspect.Parameter.VAR_KEYWORD not in kinds:
                config = {k: v for k, v in config.items() if k in takes}
            config = {**config, **given, **{k: v for k, v in extra.items() if k not in config}}
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer with these arguments. Raises TypeError (which is a ValueError too) for others than it takes."""
        try:
            return cls(**config)
        except ConfigError:  # of an object within
            raise
        except (TypeError, ValueError) as error:
            raise ConfigError(f"Error when deserializing class {cls.__name__!r} using config={config}.\n\nException "
                              f"encountered: {error}") from error

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that `build` had."""
        if self._build_shapes is None or type(self).build is Layer.build and not self.tells_build_shape:
            return None
        if len(self._build_shapes) == 1:
            return {"input_shape": map_shapes(list, next(iter(self._build_shapes.values())))}
        return {"shapes_dict": {k: map_shapes(list, v) for k, v in self._build_shapes.items()}}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build for the shapes of `get_build_config`."""
        if not config or self.built:
            return
        shapes = config.get("shapes_dict") or {"input_shape": config.get("input_shape")}
        shapes = {k: map_shapes(tuple, v) for k, v in shapes.items()}
        names = list(inspect.signature(self.build).parameters)
        with building(self), default_graph().name_scope(scope_name(self.name)):
            if "shapes_dict" in config:
                self.build(**{k: v for k, v in shapes.items() if k in names})
            else:
                self.build(shapes["input_shape"])
        self._build_shapes, self.built = shapes, True

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output, found by calling the layer on tensors of the shapes given."""
        def entry(shape: Any) -> Tensor:
            return placeholder(as_dtype(self.compute_dtype), tuple(shape))

        with default_graph().symbolic.as_default(), outside_steps(), calling(self):  # its losses and nodes are not the
            inputs = [map_shapes(entry, a) for a in args]  # model's
            named = {k.removesuffix("_shape") if k != "input_shape" else next(iter(self._signature.parameters)):
                     map_shapes(entry, v) for k, v in kwargs.items()}
            outputs = self(*inputs, **named)
        return map_structure(shape_of, outputs)

    # calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if "_signature" not in vars(self):
            raise RuntimeError(f"In layer {type(self).__name__}, you forgot to call `super().__init__()`.")
        ordered = in_order() and (not default_graph().eager or not has_symbolic((args, kwargs)))
        if outermost_call() and ordered:
            self._forget_losses()
        elif recording() and not has_tensor((args, kwargs)) and kwargs.get("training"):
            return computed(self._at_once(args, kwargs))
        signature = self._signature
        first_name = next(iter(signature.parameters), "")
        if not args and first_name in kwargs:
            args = (kwargs.pop(first_name),)
        symbolic = recording() and not ordered and has_tensor((args, kwargs))
        given, given_keywords = args, dict(kwargs)
        args, kwargs = map_structure(self._converted, args), map_structure(self._converted, kwargs)
        bound = signature.bind(args, kwargs)
        if missing := [name for name in signature.required if name not in bound]:
            raise TypeError(f"{type(self).__name__}.call() takes {list(signature.parameters)}; missing: {missing}")
        tensors = tensor_arguments(bound)
        first = args[0] if args else next(iter(tensors.values()), None)
        graph = next((t.graph for t in flatten(list(tensors.values())) if isinstance(t, Tensor)
                      and t.eager_value is None), default_graph())
        training = bound.get("training")
        training = in_training() if training is None else training
        training = signature.default("training") if training is None else training
        if signature.takes_training and "training" not in list(signature.parameters)[:len(args)]:
            if training is not None:
                kwargs["training"] = reshape(training, ()) if isinstance(training, Tensor) else bool(training)
            elif signature.parameters["training"].default is inspect.Parameter.empty:
                kwargs["training"] = False
        elif not signature.takes_any:
            kwargs.pop("training", None)
        with graph.as_default(), training_as(training):
            self._check_input(first)
            with graph.name_scope(scope_name(self.name)) as scope:
                self._build_once(tensors)
            fill_masks(signature, bound, kwargs)
            previous = kwargs["mask"] if kwargs.get("mask") is not None else map_structure(mask_of, first)
            with graph.name_scope(scope), calling(self), autocast_to(self._reads_as()):
                outputs = rematerialized(self)(*args, **kwargs)
                if any(isinstance(output, Variable) for output in flatten(outputs)):
                    outputs = map_structure(self._converted, outputs)
                self._regularize_activity(outputs)
            if symbolic:
                outputs = record(self, given, given_keywords, outputs)
                state_sizes(self, tensors, outputs)
            elif recording():
                note_phase(self, outputs, bound.get("training"))
            self._pass_mask(first, outputs, previous)
        return outputs if has_tensor((given, given_keywords)) else computed(outputs)

    def _at_once(self, args: Any, kwargs: dict[str, Any]) -> Any:
        """A call on values in training: what it changes is changed now, and what it gives is a constant."""
        with StepScope() as scope:
            outputs = self(*args, **kwargs)
            operations = scope.assignments()
        tensors = [t for t in flatten(outputs) if isinstance(t, Tensor)]
        note_phase(self, outputs, True)
        if not operations:
            return outputs
        values = iter(backend.get_session(tensors[0].graph).run([*tensors, *operations])[:len(tensors)])
        return map_structure(lambda t: convert_to_tensor(next(values)) if isinstance(t, Tensor) else t, outputs)

    def _forget_losses(self) -> None:
        """Forget what the last call added, where calls take effect in order: each call outside others begins anew."""
        for layer in self._all_layers():
            layer._losses[:] = [loss for loss in layer._losses if ordered_graph(loss.graph) is None]

    def _converted(self, value: Any) -> Any:
        """Arrays and variables as tensors, floats in the layer's dtype; anything else as it is."""
        if not isinstance(value, Tensor):
            if not hasattr(value, "__array__") and not hasattr(value, "_as_graph_element"):
                return value
            value = convert_to_tensor(value)
        if self._casts_inputs and value.dtype.is_floating and backend.is_float(self.compute_dtype) and (
                value.dtype.name != self.compute_dtype):
            mask, value = mask_of(value), cast(value, self.compute_dtype)
            if mask is not None:
                set_mask(value, mask)
        return value

    @property
    def _casts_inputs(self) -> bool:
        return self.autocast

    def _reads_as(self) -> str | None:
        """The dtype in which `call` reads float variables, None for their own."""
        within = autocast_dtype() is not None
        if within and not (self.autocast and backend.is_float(self.compute_dtype)):
            return None
        return self.compute_dtype if within or self.compute_dtype != self.variable_dtype else None

    def _check_input(self, first: Any) -> None:
        if self.input_spec is None:
            return
        specs, tensors = as_list(self.input_spec), [t for t in flatten(first) if t is not None]
        if specs and not tensors:
            raise ValueError(f"Layer {self.name!r} expects an input. Received: {first!r}")
        for value in tensors:
            if isinstance(value, (int, float, complex, str, bytes)):
                raise ValueError(f"Layer {self.name!r} takes tensors or arrays as its inputs. Received: {value!r} "
                                 f"(of type {type(value)})")
        if len(specs) != len(tensors):
            if isinstance(self.input_spec, (list, tuple)):
                raise ValueError(f"Layer {self.name!r} expects {len(specs)} input(s), but it received {len(tensors)} "
                                 f"input tensors. Inputs received: {tensors}")
            return
        for i, (spec, tensor) in enumerate(zip(specs, tensors, strict=True)):
            if spec is not None and isinstance(tensor, Tensor) and tensor.dims is not None:
                spec.check(tensor, self.name, i)

    def _build_once(self, tensors: dict[str, Any]) -> None:
        if self.built:
            return
        self._build_shapes = shapes_for(self.build, tensors)
        with building(self):
            self.build(**self._build_shapes)
        self.built = True
        if self._initial_weights is not None:  # Keras 2's `weights=`
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def _pass_mask(self, first: Any, outputs: Any, previous: Any) -> None:
        leaves = [t for t in flatten(outputs) if isinstance(t, Tensor)]
        if self.supports_masking or type(self).compute_mask is not Layer.compute_mask:
            if leaves and all(mask_of(t) is not None for t in leaves):
                return
            mask = self.compute_mask(first, previous)
            if mask is None:
                return
            masks = flatten(mask)
            for tensor, own in zip(leaves, masks, strict=False):
                if own is not None and mask_of(tensor) is None:
                    set_mask(tensor, own)
        elif any(m is not None for m in flatten(previous)):
            warn(f"Layer {self.name!r} (of type {type(self).__name__}) was passed an input with a mask "
                 "attached to it. However, this layer does not support masking and will therefore destroy "
                 "the mask information. Downstream layers will not see the mask.")

    # losses

    def _regularize_activity(self, outputs: Any) -> None:
        if self.activity_regularizer is None:
            return
        for output in flatten(outputs):
            if isinstance(output, Tensor):
                penalty = self.activity_regularizer(output)
                self.add_loss(penalty / cast(size_of(output, (0,)), penalty.dtype) if output.dims else penalty)

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add scalars to what is minimized: tensors made from the inputs, or functions that make one."""
        scope = current_scope()
        for loss in flatten(losses):
            if loss is None:
                continue
            if isinstance(loss, (int, float)) and scope is None:
                self._given_losses += ((loss, inputs),)
            value = convert_to_tensor(loss() if callable(loss) and not isinstance(loss, (Tensor, Variable)) else loss)
            (self._losses if scope is None else scope.losses).append(value)

    @property
    def losses(self) -> list[Tensor]:
        """What calls added (within a step: those of the step), and the penalties on weights."""
        scope = current_scope()
        added = scope.losses if scope is not None else [
            loss for layer in self._all_layers() for loss in layer._losses
            if ordered_graph(loss.graph) is ordered_graph()]
        return [*added, *self._penalties()]

    def _penalties(self) -> list[Tensor]:
        return [w.regularizer(w) for w in self.trainable_weights if w.regularizer is not None]

    # what calls made of it

    @property
    def path(self) -> str:
        return self.name

    @property
    def dtype(self) -> str:
        return self.dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        return self.dtype_policy.compute_dtype

    @property
    def quantization_mode(self) -> str | None:
        """In what few bits the weights are, None for floats."""
        mode: str | None = self.dtype_policy.quantization_mode
        return mode

    def quantize(self, mode: str | None = None, config: Any = None, type_check: bool = True) -> None:
        """Keep the weights in few bits. Raises NotImplementedError: the layers that can define this."""
        raise NotImplementedError(f"Layer {type(self).__name__} does not have a `quantize` method implemented.")

    @property
    def input_dtype(self) -> str:
        """The dtype of inputs made for this layer."""
        return self.compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self.dtype_policy.variable_dtype

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def map_shapes(function: Any, value: Any) -> Any:
    """A nest of shapes with each replaced by function(shape); None stays."""
    if value is None:
        return None
    if is_shape(value):
        return function(value)
    if isinstance(value, dict):
        return {k: map_shapes(function, v) for k, v in value.items()}
    return [map_shapes(function, v) for v in value]
