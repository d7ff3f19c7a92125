"""Keras's files and configs."""
from __future__ import annotations

from typing import Any

from ...lazy import Names

_names = Names(globals(), {
    "conversion": "preprocess_weights_for_loading",
    "file_editor": "KerasFileEditor",
    "registration": "CustomObjectScope custom_object_scope get_custom_objects get_registered_name "
                    "get_registered_object register_keras_serializable",
    "saving": "load_model load_weights save_model save_weights",
    "serialization": "deserialize_keras_object serialize_keras_object",
})
__all__ = _names.own()


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return _names.all()
