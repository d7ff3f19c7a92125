"""Layers one after the other, for data."""
from __future__ import annotations

from typing import Any

from ...nest import map_structure
from ...saving.serialization import deserialize_keras_object, serialize_keras_object
from ..node import mask_of
from .data_layer import DataLayer


class Pipeline(DataLayer):
    """Applies `layers` in turn; unlike in a Sequential model, its input may be any data."""

    def __init__(self, layers: Any, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self._pipeline_layers = list(layers)

    @property
    def layers(self) -> list[Any]:
        return self._pipeline_layers

    def call(self, inputs: Any, training: Any = True, mask: Any = None) -> Any:
        for layer in self._pipeline_layers:
            arguments = {}
            if layer._signature.takes_mask:
                arguments["mask"] = mask
            if layer._signature.takes_training and training is not None:
                arguments["training"] = training
            inputs = layer(inputs, **arguments)
            mask = map_structure(mask_of, inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {"layers": serialize_keras_object(self._pipeline_layers), "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        layers = config.get("layers")
        if not isinstance(layers, (list, tuple)):
            raise ValueError("`Pipeline` config must contain a `layers` key mapping to a list of serialized layers. "
                             f"Received config with layers={layers}.")
        return cls(**{**config, "layers": [deserialize_keras_object(x) for x in layers]})
