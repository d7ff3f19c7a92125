"""Keras 2's models as YAML, and weights for another layout of images."""
from __future__ import annotations

import json
from typing import Any

import numpy as np

from .. import backend
from ..models.described import model_from_config
from ..utils.conv_utils import convert_kernel

_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose")


def _yaml() -> Any:
    try:
        import yaml  # an extra of few
    except ImportError:
        raise ImportError("Models as YAML need PyYAML: pip install graphflow[yaml]") from None
    return yaml


def model_to_yaml(model: Any) -> str:
    """The architecture in YAML. Raises ImportError without PyYAML."""
    return _yaml().safe_dump(json.loads(model.to_json()))


def model_from_yaml(yaml_string: str, custom_objects: Any = None) -> Any:
    """The model of an architecture in YAML, of plain data only. Raises ImportError without PyYAML."""
    return model_from_config(_yaml().safe_load(yaml_string), custom_objects)


def convert_all_kernels_in_model(model: Any) -> None:
    """Turn the windows of all convolutions around: from Theano's kind to TensorFlow's, or back."""
    backend.batch_set_value([(layer.kernel, convert_kernel(layer.kernel.numpy())) for layer in model.layers
                             if type(layer).__name__ in _CONVOLUTIONS])


def convert_dense_weights_data_format(dense: Any, previous_feature_map_shape: tuple[int, ...],
                                      target_data_format: str = "channels_first") -> None:
    """Reorder the weights of the Dense layer after a Flatten of images of this shape, now in `target_data_format`."""
    assert target_data_format in ("channels_last", "channels_first"), target_data_format
    kernel, *bias = dense.get_weights()
    if target_data_format == "channels_first":
        channels, *image = previous_feature_map_shape
        stacked = kernel.reshape(*image, channels, -1)
        moved = np.moveaxis(stacked, len(image), 0)
    else:
        *image, channels = previous_feature_map_shape
        moved = np.moveaxis(kernel.reshape(channels, *image, -1), 0, len(image))
    dense.set_weights([moved.reshape(kernel.shape), *bias])
