"""Keras's files and configs."""
from .saving import load_model, save_model
from .serialization import (
    custom_object_scope,
    deserialize_keras_object,
    register_keras_serializable,
    serialize_keras_object,
)

CustomObjectScope = custom_object_scope

__all__ = ["CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "load_model",
           "register_keras_serializable", "save_model", "serialize_keras_object"]
