"""A stack of layers."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...compiler.ir import Tensor, default_graph
from .. import dtype_policies
from ..layers.core import InputLayer
from ..layers.input_spec import Shape, shape_of
from ..layers.layer import Layer
from ..layers.node import history_of
from ..legacy.layer_list import LayerList
from ..naming import scope_name
from ..nest import map_structure
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..scope import outside_steps
from .model import Model


class Sequential(Model):
    """Layers, each fed the output of the one before.

    The weights are made when the input's shape is known: from an `Input` (or the first layer's `input_shape`), or from
    the first data.
    """

    def __init__(self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None,
                 **kwargs: Any):
        self._stack: list[Layer] = []
        super().__init__(name=name, **kwargs)
        if layers is not None and not isinstance(layers, Iterable):
            raise ValueError(f"A Sequential model takes a list of layers. Received: {layers!r}")
        for layer in layers or ():
            self._append(layer)
        self._try_build()
        if not trainable:
            self.trainable = False

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top."""
        self._append(layer)
        if self._network is None:
            self._try_build()
            return
        with self.graph.as_default(), outside_steps():
            self._extend(self._stack[-1](self.output))

    def pop(self, rebuild: bool = True) -> Layer:
        """Take off the last layer."""
        if not self.layers:
            raise TypeError("There are no layers in the model.")
        layer = self._stack.pop()
        if self._network is not None:
            history = history_of(self.outputs[0])
            assert history is not None
            if self.layers:
                self._extend(history.operation._inbound_nodes[history.node_index].input_tensors[0])
            else:
                self.built, self._build_shapes, self._network = False, None, None
        self._forget_steps()
        return layer

    def _extend(self, output: Any) -> None:
        self._connect(self.input, output)
        self._forget_steps()

    def _append(self, layer: Any) -> None:
        history = history_of(layer)
        if history is not None and isinstance(history.operation, InputLayer):
            layer = history.operation
        if not isinstance(layer, Layer):
            if not callable(layer) or isinstance(layer, type):
                raise ValueError(f"Only instances of `keras.Layer` can be added to a Sequential model. "
                                 f"Received: {layer!r} (of type {type(layer)})")
            raise ValueError(f"Only layers can be added to a Sequential model. Received the function {layer!r}; wrap "
                             "it in keras.layers.Activation.")
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError(f"Sequential model {self.name!r} has already been configured to use input shape "
                             f"{self._stack[0]._batch_input_shape}. You cannot add a different Input layer to it.")
        if any(layer.name == other.name for other in self._stack):
            raise ValueError(f"All layers added to a Sequential model should have unique names. Name {layer.name!r} is "
                             "already the name of a layer in this model. Update the `name` argument to pass a unique "
                             "name.")
        self._stack.append(layer)

    def _try_build(self) -> None:
        first: Any = self._stack[0] if self._stack else None
        if getattr(first, "branches", None) and len(self._stack) == 1:  # Keras 1's Merge
            with self.graph.as_default(), outside_steps():
                self._connect(*first.joined())
            return
        shape = first._batch_input_shape if first is not None else None
        if shape is None and isinstance(first, Model) and first._network is not None:
            shape = shape_of(first.inputs[0])
        if shape is not None and self.layers:
            self.build(shape)

    # building

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of this shape (with the batch axis)."""
        if self.built or input_shape is None:
            return
        if not self.layers:
            raise ValueError(f"Sequential model {self.name} cannot be built because it has no layers. "
                             "Call `model.add(layer)`.")
        first = self._stack[0]
        with self.graph.as_default(), outside_steps(), self.graph.name_scope(scope_name(self.name)):
            if not isinstance(first, InputLayer):
                first = self._entry_for(input_shape)
            x = entry = first.output
            for layer in self.layers:
                x = layer(x)
            self._connect(entry, x)
        self._build_shapes = {"input_shape": shape_of(entry)}

    build.cares_for_names = True  # type: ignore[attr-defined]

    def _build_for_values(self, shape: Any, at_once: bool) -> None:
        """Build for data of this shape, if that can be: where operations run at once, layers may decide by values."""
        try:
            if not self.built:
                self.build((None, *shape[1:]))
                entry = history_of(self.inputs[0])
                assert entry is not None
                entry.operation.made_for_data = True
        except (TypeError, ValueError):
            if not at_once:
                raise

    def _build_once(self, tensors: dict[str, Any]) -> None:
        if not self.built and default_graph().eager:
            self.built = True  # the layers build themselves
        super()._build_once(tensors)

    def _entry_for(self, shape: Any) -> InputLayer:
        first = self._stack[0]
        dtype = first.inputs[0].dtype.name if isinstance(first, Model) and first._network else first.input_dtype
        return InputLayer(batch_shape=tuple(shape), dtype=dtype)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if self._network is not None:
            return super().call(inputs, training=training, mask=mask)
        x = inputs
        for layer in self.layers:
            x = layer(x)
        return x

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.built and self.layers:
            tensor = self._converted(inputs)
            if isinstance(tensor, Tensor) and tensor.dims is not None:
                self._build_for_values(shape_of(tensor), default_graph().eager)
        return super().__call__(inputs, *args, **kwargs)

    def predict_classes(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
        """Keras 2: the class with the highest output, int64 [samples]; of a single output whether it exceeds one half,
        int32 [samples, 1]."""
        found = self.predict(x, batch_size, verbose)
        return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")

    def predict_proba(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
        """Keras 2's name of `predict` for classifiers."""
        return self.predict(x, batch_size, verbose)

    @property  # type: ignore[misc]
    def layers(self) -> list[Layer]:
        layers = (layer for layer in self._stack if not isinstance(layer, InputLayer))
        return LayerList(layers, lambda layer: layer is self._stack[-1] and self.pop())

    def _sublayers(self) -> Any:
        return iter(self.layers)

    @property
    def input_shape(self) -> Shape:
        if self._network is None:
            raise AttributeError(f"Sequential model {self.name!r} has no defined input shape yet.")
        return shape_of(self.inputs[0])

    @property
    def output_shape(self) -> Any:
        if self._network is None:
            raise AttributeError(f"Sequential model {self.name!r} has no defined output shape yet.")
        return map_structure(shape_of, self.output)

    # configs

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"name": self.name, "trainable": self._trainable,
                                  "dtype": dtype_policies.serialize(self.dtype_policy)}
        config["layers"] = [serialize_keras_object(layer) for layer in self._saved_stack()]
        if self._network is not None:
            config["build_input_shape"] = list(self.input_shape)
        return config

    def get_build_config(self) -> dict[str, Any] | None:
        return None if self._network is None else {"input_shape": list(self.input_shape)}

    def _saved_stack(self) -> list[Layer]:
        """The layers with an input layer before them when the shape is known, as Keras saves them."""
        if self._network is None or isinstance(self._stack[0], InputLayer):
            return self._stack
        return [history_of(self.inputs[0]).operation, *self._stack]  # type: ignore[union-attr]

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        if isinstance(config, list):  # Keras 2.0 to 2.2.4
            config = {"layers": config}
        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        with outside_steps():
            for layer in config["layers"]:
                model._append(deserialize_keras_object(layer, custom_objects))
        model._try_build()
        shape = config.get("build_input_shape")
        if not model.built and isinstance(shape, (list, tuple)):
            model.build(tuple(shape))
        return model
