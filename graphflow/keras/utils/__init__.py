"""Keras's utilities."""
from __future__ import annotations

from typing import Any

from ...lazy import Names
from ..backend import clear_session
from ..config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from ..ops.dtypes import standardize_dtype
from ..saving.registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .io_utils import get_file
from .numerical import normalize, set_random_seed, to_categorical, to_ordinal
from .progbar import Progbar
from .py_dataset import GeneratorEnqueuer, OrderedEnqueuer, PyDataset, Sequence, SequenceEnqueuer

_names = Names(globals(), {
    "archives": "extract_archive",
    "bounding_boxes": "bounding_boxes",
    "config": "Config",
    "dataset_utils": "split_dataset timeseries_dataset_from_array",
    "feature_space": "FeatureSpace",
    "directories": "audio_dataset_from_directory image_dataset_from_directory text_dataset_from_directory",
    "image_utils": "array_to_img img_to_array load_img save_img",
    "io_utils": "validate_file _hash_file=hash_file",
    "legacy": "legacy",
    "layer_utils": "count_params get_source_inputs is_keras_tensor print_summary",
    "model_visualization": "model_to_dot plot_model",
    "multi_gpu_utils": "multi_gpu_model",
    "packing": "pack_x_y_sample_weight unpack_x_y_sample_weight",
    "sequence_utils": "pad_sequences",
})

__all__ = ["CustomObjectScope", "GeneratorEnqueuer", "OrderedEnqueuer", "Progbar", "PyDataset", "Sequence",
           "SequenceEnqueuer", "clear_session", "custom_object_scope", "deserialize_keras_object",
           "disable_interactive_logging", "enable_interactive_logging", "get_custom_objects", "get_file",
           "get_registered_name", "get_registered_object", "is_interactive_logging_enabled", "normalize",
           "register_keras_serializable", "serialize_keras_object", "set_random_seed", "standardize_dtype",
           "to_categorical", "to_ordinal",
           *_names.own()]


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return _names.all()
