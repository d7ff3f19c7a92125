"""A stack of layers."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor
from ...compiler.ops.state import placeholder
from ..layers.core import InputLayer
from ..layers.input_spec import Shape
from ..layers.layer import Layer
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .model import Model


class Sequential(Model):
    """Layers, each fed the output of the one before.

    The weights are made when the input's shape is known: from an `Input` (or the first layer's `input_shape`), or from
    the first data.
    """

    def __init__(self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None,
                 **kwargs: Any):
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._stack: list[Layer] = []
        for layer in layers or ():
            self._append(layer)
        self._try_build()

    def add(self, layer: Any) -> None:
        """Put a layer on top."""
        self._append(layer)
        self._rebuild()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take off the last layer."""
        if not self.layers:
            raise TypeError("There are no layers in the model.")
        layer = self._stack.pop()
        self._rebuild()
        return layer

    def _append(self, layer: Any) -> None:
        if isinstance(layer, Tensor) and isinstance(getattr(layer, "_keras_history", (None,))[0], InputLayer):
            layer = layer._keras_history[0]  # type: ignore[attr-defined]
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

    def _rebuild(self) -> None:
        self.built, self._build_shape, self._calls = False, None, []
        self._forget_steps()
        self._try_build()

    def _try_build(self) -> None:
        first = self._stack[0] if self._stack else None
        shape = first._batch_input_shape if first is not None else None
        if shape is None and isinstance(first, Model) and first.input_shapes:
            shape = first.input_shapes[0]
        if shape is not None and len(self.layers) > 0:
            self.build(shape)

    # building

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of this shape (with the batch axis)."""
        if self.built or input_shape is None:
            return
        if not self.layers:
            raise ValueError(f"Sequential model {self.name} cannot be built because it has no layers. "
                             "Call `model.add(layer)`.")
        shape = tuple(input_shape)
        first = self._stack[0]
        with self.graph.as_default():
            entry = first.output if isinstance(first, InputLayer) else placeholder(
                as_dtype(self.compute_dtype), shape, f"{self.name}_input")
            self._build_shape = shape
            with self.graph.name_scope(self.name):
                output = self.call(entry)
        self._calls = [(entry, output)]
        self.built = True

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        x = inputs
        for layer in self.layers:
            x = layer(x, training=training)
        return x

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.built:
            tensor = self._to_tensor(inputs)
            self.build((None, *tensor.shape.as_list()[1:]))
        return super().__call__(inputs, *args, **kwargs)

    @property
    def layers(self) -> list[Layer]:
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    def _sublayers(self) -> Any:
        return iter(self.layers)

    @property
    def input_shape(self) -> Shape:
        if self._build_shape is None:
            raise AttributeError(f"Sequential model {self.name!r} has no defined input shape yet.")
        return self._build_shape

    @property
    def input_dtypes(self) -> list[str]:
        first = self._stack[0] if self._stack else self
        return [first.compute_dtype if isinstance(first, InputLayer) else self.compute_dtype]

    @property
    def output_names(self) -> list[str]:
        return [self.layers[-1].name] if self.layers else ["output"]

    # configs

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {key: value for key, value in super().get_config().items()}
        config["layers"] = [serialize_keras_object(layer) for layer in self._saved_stack()]
        if self._build_shape is not None:
            config["build_input_shape"] = list(self._build_shape)
        return config

    def _saved_stack(self) -> list[Layer]:
        """The layers with an input layer before them when the shape is known, as Keras saves them."""
        if self._build_shape is None or isinstance(self._stack[0], (InputLayer, Model)):
            return self._stack
        entry = InputLayer(batch_shape=self._build_shape, dtype=self.compute_dtype, name=f"{self.name}_input")
        return [entry, *self._stack]

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        if isinstance(config, list):  # Keras 2.0 to 2.2.4
            config = {"layers": config}
        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        for layer in config["layers"]:
            model._append(deserialize_keras_object(layer, custom_objects))
        model._try_build()
        shape = config.get("build_input_shape")
        if not model.built and isinstance(shape, (list, tuple)):
            model.build(tuple(shape))
        return model
