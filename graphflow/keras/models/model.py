"""The base class of models: layers that are trained, saved and summarized together."""
from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...compiler.ir import default_graph
from ..layers.layer import Layer
from ..saving import saving
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..utils.summary import print_summary
from .training import Trainer


class Model(Trainer):
    """A layer with `compile`, `fit`, `evaluate`, `predict`, `summary`, `save`."""

    def __init__(self, *, name: str | None = None, trainable: bool = True, dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, trainable=trainable, dtype=dtype, **kwargs)
        self.graph = default_graph()

    @property
    def layers(self) -> list[Layer]:
        """The layers directly within the model."""
        return list(dict.fromkeys(self._sublayers()))

    # what fit needs to know of the inputs and outputs

    @property
    def input_shapes(self) -> list[Any] | None:
        """The shapes of the inputs with the batch axis, None when they are not known yet."""
        return None if self._build_shape is None else [self._build_shape]

    @property
    def input_dtypes(self) -> list[str]:
        return [self.compute_dtype]

    @property
    def output_names(self) -> list[str]:
        return ["output"]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or index. Raises ValueError if there is none."""
        if (name is None) == (index is None):
            raise ValueError("Provide either a layer name or layer index at `get_layer`, and not both.")
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
        """Print the layers with their output shapes and numbers of weights."""
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    # files

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True,
             save_format: str | None = None, **kwargs: Any) -> None:
        """Write the whole model: to Keras's `.keras` archive, or to HDF5 when the name ends in .h5 or .hdf5."""
        saving.save_model(self, filepath, overwrite, include_optimizer, save_format)

    def save_weights(self, filepath: Any, overwrite: bool = True, save_format: str | None = None) -> None:
        """Write the weights: `.weights.h5` is Keras 3's layout, another `.h5` name the older one."""
        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, by_name: bool = False, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Read weights that `save_weights`, `save` or Keras wrote."""
        saving.load_weights(self, filepath, by_name, skip_mismatch)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as JSON."""
        return json.dumps(serialize_keras_object(self), **kwargs)

    def get_compile_config(self) -> dict[str, Any]:
        """What `compile` was given, as plain data; empty before."""
        if not self.compiled:
            return {}
        return {"optimizer": serialize_keras_object(self.optimizer),
                **{key: serialize_keras_object(value) for key, value in self._compile_arguments.items()},
                "run_eagerly": False, "steps_per_execution": 1, "jit_compile": False}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as a saved model was."""
        saving.compile_model(self, config)


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """The model that `to_json` described. Raises ValueError for text that does not describe one."""
    try:
        config = json.loads(json_string)
    except json.JSONDecodeError as error:
        raise ValueError(f"model_from_json: not JSON: {error}") from None
    model = deserialize_keras_object(config, custom_objects)
    if isinstance(config, dict) and config.get("compile_config"):
        model.compile_from_config(config["compile_config"])
    return model
