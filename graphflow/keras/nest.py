"""Nests: values in lists, tuples and dicts of any depth. Leaves of a dict come in the order of its sorted keys."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def _keys(value: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:  # keys of several types: as they stand
        return list(value)


def flatten(value: Any) -> list[Any]:
    """The leaves, in order."""
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in flatten(v)]
    if hasattr(value, "keys") and isinstance(value, Mapping):  # it takes long to say what is none
        return [leaf for k in _keys(value) for leaf in flatten(value[k])]
    return [value]


def map_structure(function: Callable[..., Any], value: Any, *others: Any) -> Any:
    """`value` with its leaves replaced by function(leaf, leaf of each other nest of the same structure)."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(map_structure(function, *parts) for parts in zip(value, *others, strict=True)))
    if isinstance(value, (list, tuple)):
        return type(value)(map_structure(function, *parts) for parts in zip(value, *others, strict=True))
    if isinstance(value, Mapping):
        mapped = {k: map_structure(function, value[k], *(o[k] for o in others)) for k in value}
        return mapped if type(value) is dict else _like(value, mapped)
    return function(value, *others)


def _like(value: Mapping[Any, Any], mapped: dict[Any, Any]) -> Any:
    try:
        return type(value)(mapped)  # type: ignore[call-arg]
    except TypeError:
        return mapped


def pack(structure: Any, leaves: Any) -> Any:
    """`leaves`, in the order of `flatten`, in the structure of a nest."""
    return _pack(structure, iter(leaves))


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(_pack(v, leaves) for v in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(_pack(v, leaves) for v in structure)
    if isinstance(structure, Mapping):
        packed = {k: _pack(structure[k], leaves) for k in _keys(structure)}
        return {k: packed[k] for k in structure}
    return next(leaves)


def as_list(value: Any) -> list[Any]:
    """A list as it is, a tuple as one, anything else alone in one."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def alone(values: Any) -> Any:
    """The only member of a list or tuple of one, else the list."""
    return values[0] if isinstance(values, (list, tuple)) and len(values) == 1 else values
