"""Keras 2's way to write and read the configs of objects."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..saving.serialization import deserialize_keras_object as _deserialize


def serialize_keras_object(instance: Any) -> Any:
    """{"class_name", "config"} of an object, the name of a function, None for None. Raises ValueError for others."""
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        return {"class_name": type(instance).__name__, "config": instance.get_config()}
    if hasattr(instance, "__name__"):
        return instance.__name__
    raise ValueError(f"Cannot serialize {instance} because it doesn't implement `get_config()`.")


def deserialize_keras_object(identifier: Any, module_objects: Mapping[str, Any] | None = None,
                             custom_objects: Mapping[str, Any] | None = None,
                             printable_module_name: str = "object") -> Any:
    """The object that a config or a name means, looked up in `custom_objects` and `module_objects`."""
    return _deserialize(identifier, custom_objects=custom_objects, module_objects=module_objects,
                        printable_module_name=printable_module_name)


def register_symbolic_tensor_type(cls: type) -> None:
    """Nothing: layers take whatever becomes a tensor."""
