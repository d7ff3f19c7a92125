"""Keras 2's configs of objects, under Keras 3's name."""
from ..utils.legacy import deserialize_keras_object, serialize_keras_object

__all__ = ["deserialize_keras_object", "serialize_keras_object"]
