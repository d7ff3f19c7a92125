"""Keras's utilities."""
from ..backend import clear_session
from ..saving.serialization import (
    custom_object_scope,
    deserialize_keras_object,
    register_keras_serializable,
    serialize_keras_object,
)
from .io_utils import get_file
from .numerical import normalize, set_random_seed, to_categorical
from .progbar import Progbar

CustomObjectScope = custom_object_scope

__all__ = ["CustomObjectScope", "Progbar", "clear_session", "custom_object_scope", "deserialize_keras_object",
           "get_file", "normalize", "register_keras_serializable", "serialize_keras_object", "set_random_seed",
           "to_categorical"]
