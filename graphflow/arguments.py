"""TensorFlow 1 renamed many arguments and kept the old names; this resolves a pair of them."""
from __future__ import annotations

from typing import Any

from .compiler.dtypes import as_dtype


def renamed(new_name: str, new: Any, old_name: str, old: Any) -> Any:
    """The value given under either name. Raises ValueError when both are."""
    if old is None:
        return new
    if new is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old


def before_name(value: Any, name: str | None, default: Any, choices: Any = None) -> tuple[Any, str | None]:
    """(value, name) of an argument that newer versions put before `name`: a string that is none of its `choices`
    (dtypes where there are none) is a name in the old position."""
    if not isinstance(value, str):
        return value, name
    if choices is None:
        try:
            as_dtype(value)
        except TypeError:
            return default, value
        return value, name
    return (value, name) if value in choices else (default, value)


def named_only(function: str, sentinel: Any, **required: Any) -> None:
    """Refuse positional arguments, whose order changed between versions, and missing ones."""
    names = ", ".join(f"{name}=..." for name in required)
    if sentinel is not None:
        raise ValueError(f"Only call `{function}` with named arguments ({names}, ...)")
    if any(value is None for value in required.values()):
        raise ValueError(f"Both of {names} must be provided to `{function}`.")
