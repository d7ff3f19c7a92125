"""Models: layers that are trained, saved and summarized together, given by their inputs and outputs or by a `call`."""
from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from typing import Any

from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor, default_graph
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.reduction import reduce_mean
from ...compiler.ops.state import placeholder
from ...compiler.site import warn
from ..layers.core import BATCH
from ..layers.input_spec import shape_of
from ..layers.layer import Layer, map_shapes
from ..layers.node import history_of, mask_of
from ..layers.quantizable import quantize_layers
from ..legacy.layer import before, metric_name
from ..legacy.layer_list import AppendedList, LayerList
from ..metrics import Mean
from ..naming import auto_name
from ..nest import alone, flatten, map_structure
from ..optimizers.tf_optimizer import TFOptimizer
from ..saving import saving
from ..saving.compiling import compile_model
from ..saving.serialization import serialize_keras_object
from ..scope import StepScope, calling, current_scope, in_order, outside_steps, recording
from ..utils.summary import print_summary
from .network import Network
from .network_config import network_config, network_from_config
from .pictures import Pictured, save_picture
from .training import Fitter


class Model(Pictured, Fitter):
    """`Model(inputs, outputs)`: the layers between those tensors. A subclass makes layers in `__init__` and uses them
    in `call(inputs, training=..., mask=...)`.
    """

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, trainable: bool = True,
                 dtype: Any = None, **kwargs: Any):
        inputs = kwargs.pop("input", inputs)
        outputs = kwargs.pop("output", outputs)
        super().__init__(name=name or (None if inputs is None else _functional_name(self)), dtype=dtype, **kwargs)
        self.graph = default_graph().symbolic
        self._network: Network | None = None
        self._cut: set[Layer] = set()  # no longer among `layers`
        self._added_losses: list[Tensor] = []
        self._added_metrics: list[tuple[Tensor, str, Mean]] = []
        if (inputs is None) != (outputs is None):
            raise ValueError("Provide both `inputs` and `outputs`, or neither, to Model().")
        if inputs is not None:
            self._connect(inputs, outputs)
        if not trainable:
            self.trainable = False

    def _connect(self, inputs: Any, outputs: Any) -> None:
        self.graph = flatten(inputs)[0].graph if isinstance(flatten(inputs)[0], Tensor) else self.graph
        self._network = Network(inputs, outputs)
        self.built = True
        if type(self).call is Model.call:
            self.supports_masking = True

    @property
    def is_functional(self) -> bool:
        """Whether the layers between inputs and outputs say what the model does."""
        return self._network is not None and type(self).call is Model.call

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if self._network is None:
            raise NotImplementedError(f"Model {type(self).__name__} does not have a `call()` method implemented.")
        wanted = [*self._added_losses, *(t for t, _, _ in self._added_metrics)]
        outputs, more = self._network.run(inputs, mask, wanted)
        scope = current_scope()
        (self._losses if scope is None else scope.losses).extend(more[:len(self._added_losses)])
        if scope is not None or in_order():
            for value, (_, _, metric) in zip(more[len(self._added_losses):], self._added_metrics, strict=True):
                metric.update_state(value)
        return alone(outputs)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The masks of the outputs for inputs with these masks."""
        if self._network is None:
            return None
        with StepScope(), calling(self):  # what the call adds is not the model's
            outputs, _ = self._network.run(inputs, previous_mask)
        return map_structure(mask_of, alone(outputs))

    def _pass_mask(self, first: Any, outputs: Any, previous: Any) -> None:
        if type(self).compute_mask is not Model.compute_mask:
            super()._pass_mask(first, outputs, previous)  # else the outputs carry their own

    @property
    def losses(self) -> list[Tensor]:
        """The losses of model and layers; outside steps those that follow from its inputs, and those from none."""
        found = super().losses
        if current_scope() is not None or self._network is None:
            return found
        if not in_order():
            found = [*self._added_losses, *found]
        own = set(self._network.inputs)
        return [loss for loss in found if own & (made_of := set(before(loss))) or not any(
            history_of(t) is not None for t in made_of)]

    @property
    def _casts_inputs(self) -> bool:
        return self.autocast and self._network is None  # else the layers do

    def build(self, input_shape: Any = None) -> None:
        """Make the weights of a subclassed model for inputs of this shape (with the batch axis)."""
        if self.built or input_shape is None:
            return
        if type(self).call is Model.call:
            raise ValueError(f"Model {self.name!r} cannot be built: it has neither inputs and outputs nor a `call()`.")
        with self.graph.as_default(), outside_steps(), calling(self):  # no call of a model around it
            self._build_shapes = {"input_shape": input_shape}
            self.built = True  # the layers build themselves
            self(map_shapes(lambda shape: _entry(shape, self.compute_dtype), input_shape))

    build.cares_for_names = True  # type: ignore[attr-defined]

    def _build_once(self, tensors: dict[str, Any]) -> None:
        if self.built:
            return
        if type(self).build is not Model.build:
            super()._build_once(tensors)
        elif current_scope() is not None and not in_order():  # the weights are made outside the step
            self.build(map_structure(shape_of, next(iter(tensors.values()))))
        else:
            self._build_shapes = {"input_shape": map_structure(shape_of, next(iter(tensors.values()), None))}
            self.built = True  # the layers build themselves

    # structure

    @property
    def layers(self) -> list[Layer]:
        """The layers directly within the model."""
        if self._network is not None:
            own = [op for op in self._network.operations if not getattr(op, "is_operation", False)]
            found = dict.fromkeys([*own, *super()._sublayers()])
            return LayerList((layer for layer in found if layer not in self._cut), self._cut.add)
        return list(dict.fromkeys(super()._sublayers()))

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError("`Model.layers` attribute is reserved and should not be used. Please use another name.")

    @property
    def operations(self) -> list[Any]:
        """The layers, and the graph operations between them, in order."""
        return self.layers if self._network is None else self._network.operations

    @property
    def _input_layers(self) -> list[Any]:
        return [history.operation for t in self.inputs if (history := history_of(t)) is not None]

    @property
    def _output_layers(self) -> list[Any]:
        return [history.operation for t in self.outputs if (history := history_of(t)) is not None]

    @property
    def _layers_by_depth(self) -> dict[int, list[Any]]:
        """The layers by their distance from the outputs."""
        depths = self._wired().depths
        return {depth: [op for op in depths if depths[op] == depth] for depth in sorted(set(depths.values()))}

    def _sublayers(self) -> Any:
        return iter(self.layers)

    def _wired(self) -> Network:
        if self._network is None:
            raise AttributeError(f"Model {self.name!r} has no defined inputs and outputs: it is not built from "
                                 "tensors, or not built yet.")
        return self._network

    @property
    def inputs(self) -> list[Tensor]:
        return self._wired().inputs

    @property
    def outputs(self) -> list[Tensor]:
        return self._wired().outputs

    @outputs.setter
    def outputs(self, tensors: Sequence[Tensor]) -> None:
        """Give out other tensors from now on, made from the same inputs (programs of Keras 2 cut models so)."""
        self._network = Network(self._wired().input_nest, alone(list(tensors)))
        self._forget_steps()

    @property
    def input(self) -> Any:
        return alone(self._wired().input_nest) if self._network is not None else super().input

    @property
    def output(self) -> Any:
        return alone(self._wired().output_nest) if self._network is not None else super().output

    @property
    def input_shape(self) -> Any:
        """The input's shape, a list of them where there are several (whatever nest they stand in)."""
        return super().input_shape if self._network is None else alone([shape_of(t) for t in self.inputs])

    @property
    def output_shape(self) -> Any:
        """The output's shape, a list of them where there are several."""
        return super().output_shape if self._network is None else alone([shape_of(t) for t in self.outputs])

    @property
    def input_names(self) -> list[str]:
        return [] if self._network is None else self._network.input_names

    @property
    def output_names(self) -> Any:
        """One name for each output; None as long as a subclassed model has not said how many there are."""
        if self._network is not None:
            return self._network.output_names
        return self._output_names

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or index. Raises ValueError if there is none."""
        if (name is None) == (index is None):
            both = ", and not both" if name is not None else ""
            raise ValueError(f"Provide either a layer name or layer index at `get_layer`{both}.")
        if index is not None:
            if len(self.layers) <= index:
                raise ValueError(f"Was asked to retrieve layer at index {index} but model only has "
                                 f"{len(self.layers)} layers.")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}. Existing layers are: {[layer.name for layer in self.layers]}.")

    def summary(self, line_length: int | None = None, positions: Sequence[float] | None = None, print_fn: Any = None,
                expand_nested: bool = False, show_trainable: bool = False, layer_range: Any = None) -> None:
        """Print the layers with their output shapes and numbers of weights. Warns as training does."""
        if self.compiled:
            self._to_train()
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def reset_states(self) -> None:
        """Make the states of stateful layers zero."""
        for layer in self._all_layers():
            if layer is not self and hasattr(layer, "reset_states") and getattr(layer, "stateful", False):
                layer.reset_states()

    # what training adds (Keras 2)

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add to what is minimized: in `call`, a tensor; outside, a tensor made from this model's tensors."""
        symbolic = [t for t in flatten(losses) if isinstance(t, Tensor) and t.eager_value is None]
        if _within_call() or self._network is None or len(symbolic) != len(flatten(losses)):
            super().add_loss(losses, inputs)
            return
        self._add_tensors(symbolic)
        self._added_losses += [t if t.dims == () else reduce_mean(t) for t in symbolic]
        self._add_tensors(self._added_losses)

    def add_metric(self, value: Any, name: str | None = None, aggregation: str | None = "mean", **kwargs: Any) -> None:
        """Show the mean of a tensor, made from this model's tensors or in `call`, as a metric."""
        if self._network is None or _within_call():
            super().add_metric(value, name)
            return
        tensor = convert_to_tensor(value)
        with self.graph.as_default():
            metric = Mean(name or metric_name(tensor))
        self._add_tensors([tensor])
        self._added_metrics.append((tensor, metric.name, metric))

    @property
    def metrics_tensors(self) -> list[Tensor]:
        """Keras 2's: a tensor that is appended is a metric, under the name that was appended to `metrics_names`."""
        return AppendedList((tensor for tensor, _, _ in self._added_metrics), lambda tensor: self.add_metric(
            tensor, self._new_names.pop() if self._new_names else None))

    def _add_tensors(self, tensors: Sequence[Tensor]) -> None:
        network = self._wired()
        added = [*self._added_losses, *(t for t, _, _ in self._added_metrics), *tensors]
        self._network = Network(network.input_nest, network.output_nest, added)
        self._forget_steps()

    def quantize(self, mode: str | None = None, config: Any = None, type_check: bool = True, filters: Any = None
                 ) -> None:
        """Keep the weights of all layers that can in few bits: "int8", "int4" or "float8", or as a QuantizationConfig
        says. `filters` chooses layers: regular expressions found in their names, or a function of the layer. Warns of
        layers that cannot. Raises ValueError for other filters.
        """
        quantize_layers(self._all_layers(), mode, config, type_check, filters)
        self._forget_steps()

    # configs and files

    def get_config(self) -> dict[str, Any]:
        if self.is_functional and _takes_tensors(type(self)):
            return network_config(self)
        return super().get_config()

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        if isinstance(config, dict) and {"layers", "input_layers", "output_layers"} <= set(config):
            return network_from_config(cls if _takes_tensors(cls) else Model, config, custom_objects)
        return cls(**config)

    def get_build_config(self) -> dict[str, Any] | None:
        return None if self._network is not None else super().get_build_config()

    def build_from_config(self, config: dict[str, Any]) -> None:
        if config and config.get("input_shape") is not None and not self.built:
            shape = map_shapes(tuple, config["input_shape"])
            self.build(shape)

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True,
             save_format: str | None = None, zipped: bool | None = None) -> None:
        """Write the whole model: to Keras's `.keras` archive, or to HDF5 when the name ends in .h5 or .hdf5. A name
        that ends in .svg, .png, .pdf, .html or .dot takes its drawing."""
        if save_picture(self, filepath) is not None:
            return
        saving.save_model(self, filepath, overwrite, zipped, include_optimizer=include_optimizer,
                          save_format=save_format)

    def export(self, filepath: Any, format: str = "tf_saved_model", verbose: bool | None = None,
               input_signature: Any = None, **kwargs: Any) -> None:
        """Write the model's inference, to be read without the code that made it (see keras.export)."""
        from ..export import export_model  # stands above
        export_model(self, filepath, format, verbose, input_signature, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, save_format: str | None = None,
                     max_shard_size: float | None = None) -> None:
        """Write the weights: `.weights.h5` is Keras 3's layout, another `.h5` name the older one."""
        saving.save_weights(self, filepath, overwrite, max_shard_size, save_format)

    def load_weights(self, filepath: Any, by_name: bool = False, skip_mismatch: bool = False,
                     **kwargs: Any) -> Any:
        """Read weights that `save_weights`, `save` or Keras wrote."""
        return saving.load_weights(self, filepath, by_name, skip_mismatch, **kwargs)

    def _make_train_function(self) -> None:
        """Keras 2's name for making the optimizer's variables: programs call it before they set them."""
        self.optimizer.build(self.trainable_weights)

    def _make_predict_function(self) -> None:
        """Keras 2's: programs call it before threads predict, which need nothing made here."""

    _make_test_function = _make_predict_function

    def __reduce__(self) -> Any:
        return saving.from_bytes, (saving.to_bytes(self),)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as JSON."""
        return json.dumps(serialize_keras_object(self), **kwargs)

    def to_yaml(self) -> str:
        """The architecture as YAML, as in Keras 2. Raises ImportError without PyYAML."""
        from ..legacy.models import model_to_yaml  # stands above
        return model_to_yaml(self)

    def get_compile_config(self) -> dict[str, Any]:
        """What `compile` was given, as plain data; empty before, and with an optimizer of TensorFlow's (warns)."""
        if not self.compiled:
            return {}
        if isinstance(self.optimizer, TFOptimizer):
            warn("TensorFlow's optimizers have no config: a saved model must be compiled again once it is "
                 "loaded. Prefer one of keras.optimizers.")
            return {}
        return {"optimizer": serialize_keras_object(self.optimizer),
                **{key: serialize_keras_object(value) for key, value in self._compile_arguments.items()},
                "run_eagerly": self.run_eagerly, "steps_per_execution": self.steps_per_execution, "jit_compile": False}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as a saved model was."""
        compile_model(self, config)


def _within_call() -> bool:
    """Whether what is told of tensors is told in a `call` that takes effect."""
    return current_scope() is not None or in_order() and not recording()


def _functional_name(model: Model) -> str | None:
    return auto_name("functional") if type(model) is Model else None


def _takes_tensors(cls: type) -> bool:
    """Whether a class is made as Model is: with inputs and outputs."""
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    if cls.__init__ is Model.__init__:  # type: ignore[misc]
        return True
    kinds = [p.kind for p in parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds and inspect.Parameter.VAR_KEYWORD in kinds:
        return True
    return list(parameters)[1:3] == ["inputs", "outputs"]


def _entry(shape: Any, dtype: str) -> Tensor:
    return placeholder(as_dtype(dtype), tuple(BATCH if i == 0 and d is None else d for i, d in enumerate(shape)))
