"""Finding the object that a user's identifier means: one rule for layers' arguments and `compile`."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...compiler.names import nearest
from ..saving.registration import custom_object
from ..saving.serialization import deserialize_keras_object


def lookup(kind: str, identifier: Any, objects: Mapping[str, Any]) -> Any:
    """The object for a name (classes are instantiated), a config, or an object or function itself.

    Raises ValueError for an unknown name, with the nearest known one, or for something else altogether.
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return deserialize_keras_object(identifier, module_objects=objects)
    if isinstance(identifier, str):
        found = custom_object(identifier) or objects.get(identifier)
        if found is None:
            hint = nearest(identifier, objects) or f" Known are: {', '.join(sorted(objects))}."
            raise ValueError(f"Could not interpret {kind} identifier: {identifier!r}.{hint}")
        return found() if isinstance(found, type) else found
    if isinstance(identifier, type):
        return identifier()
    if callable(identifier) or hasattr(identifier, "get_config"):
        return identifier
    raise ValueError(f"Could not interpret {kind} identifier: {identifier!r}")
