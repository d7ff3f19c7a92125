"""Keras's utilities."""
from ..backend import clear_session
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
from .numerical import normalize, set_random_seed, to_categorical
from .progbar import Progbar
from .py_dataset import GeneratorEnqueuer, OrderedEnqueuer, PyDataset, Sequence, SequenceEnqueuer

__all__ = ["CustomObjectScope", "GeneratorEnqueuer", "OrderedEnqueuer", "Progbar", "PyDataset", "Sequence",
           "SequenceEnqueuer", "clear_session", "custom_object_scope", "deserialize_keras_object",
           "get_custom_objects", "get_file", "get_registered_name", "get_registered_object", "normalize",
           "register_keras_serializable", "serialize_keras_object", "set_random_seed", "to_categorical"]
