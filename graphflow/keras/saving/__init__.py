"""Keras's files and configs."""
from .conversion import preprocess_weights_for_loading
from .file_editor import KerasFileEditor
from .registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from .saving import load_model, load_weights, save_model, save_weights
from .serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["CustomObjectScope", "KerasFileEditor", "custom_object_scope", "deserialize_keras_object",
           "get_custom_objects", "get_registered_name", "get_registered_object", "load_model", "load_weights",
           "preprocess_weights_for_loading", "register_keras_serializable", "save_model", "save_weights",
           "serialize_keras_object"]
