"""TensorFlow 1 renamed many arguments and kept the old names; this resolves a pair of them."""
from __future__ import annotations

from typing import Any


def renamed(new_name: str, new: Any, old_name: str, old: Any) -> Any:
    """The value given under either name. Raises ValueError when both are."""
    if old is None:
        return new
    if new is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old


def named_only(function: str, sentinel: Any, **required: Any) -> None:
    """Refuse positional arguments, whose order changed between versions, and missing ones."""
    names = ", ".join(f"{name}=..." for name in required)
    if sentinel is not None:
        raise ValueError(f"Only call `{function}` with named arguments ({names}, ...)")
    if any(value is None for value in required.values()):
        raise ValueError(f"Both of {names} must be provided to `{function}`.")
