"""Nests: leaves in lists, tuples, deques and dicts of any depth. None is a leaf.

The leaves of a dict come in the order of its sorted keys, those of an OrderedDict in its own order.
"""
from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..compiler.site import warn

_DIFFERENT = "Structures don't have the same nested structure."


class MAP_TO_NONE:
    """What a function given to `traverse` returns to put None in a place."""


class _Parts(NamedTuple):
    """A nest taken apart: its kind, the keys of its values, the values, and how to make one like it of others."""

    kind: Any
    keys: list[Any]
    values: list[Any]
    like: Callable[[list[Any]], Any]


def _apart(value: Any) -> _Parts | None:
    """The parts of a nest, None for a leaf."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return _Parts(type(value), list(range(len(value))), list(value), lambda items: type(value)(*items))
    if isinstance(value, (list, tuple)):
        return _Parts(type(value), list(range(len(value))), list(value), lambda items: type(value)(items))
    if isinstance(value, deque):
        return _Parts(deque, list(range(len(value))), list(value), lambda items: deque(items, value.maxlen))
    if isinstance(value, Mapping):
        keys = list(value) if isinstance(value, OrderedDict) else sorted(value)

        def like(items: list[Any]) -> Any:
            made = dict(zip(keys, items, strict=True))
            ordered = {k: made[k] for k in value}
            if isinstance(value, defaultdict):
                return defaultdict(value.default_factory, ordered)
            return ordered if type(value) is dict else type(value)(ordered)  # type: ignore[call-arg]
        return _Parts(dict, keys, [value[k] for k in keys], like)
    return None


def is_nested(structure: Any) -> bool:
    """Whether it is a list, tuple, deque or dict."""
    return _apart(structure) is not None


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """(the keys and positions that lead to it, leaf) for every leaf, in order."""
    parts = _apart(structure)
    if parts is None:
        return [((), structure)]
    return [((key, *path), leaf) for key, value in zip(parts.keys, parts.values, strict=True)
            for path, leaf in flatten_with_path(value)]


def flatten(structure: Any) -> list[Any]:
    """The leaves of a nest of lists, tuples and dicts (by sorted keys), in order."""
    parts = _apart(structure)
    return [structure] if parts is None else [leaf for value in parts.values for leaf in flatten(value)]


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """func(leaf of each structure) in a structure like the first; None stays None unless `none_is_leaf`.

    Raises TypeError if `func` is not callable, ValueError for no structures or different ones.
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: func={func}")
    if not structures:
        raise ValueError("Must provide at least one structure")
    return _mapped(func, structures, lambda value: not none_is_leaf and value is None, False)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """func(what stands in each structure where `shallow_structure` has a leaf), in a structure like that.

    Raises ValueError for no structures or ones that do not fit.
    """
    if not structures:
        raise ValueError("Must provide at least one structure")
    return _mapped(lambda _, *values: func(*values), (shallow_structure, *structures), lambda _: False, True)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """func(shape) for every shape: a tuple or list of integers and None."""
    if isinstance(structure, (list, tuple)) and all(isinstance(n, (int, type(None))) for n in structure):
        return func(structure)
    parts = _apart(structure)
    return func(structure) if parts is None else parts.like([map_shape_structure(func, v) for v in parts.values])


def _mapped(func: Callable[..., Any], structures: tuple[Any, ...], kept: Callable[[Any], bool], deeper: bool) -> Any:
    """`func` of corresponding leaves; with `deeper` the other structures may go on where the first has a leaf."""
    first, *others = (_apart(s) for s in structures)
    if first is None:
        if not deeper and any(o is not None for o in others):
            raise ValueError(_DIFFERENT)
        return structures[0] if kept(structures[0]) else func(*structures)
    for other in others:
        if other is None or other.kind is not first.kind or sorted(map(repr, other.keys)) != sorted(
                map(repr, first.keys)):
            raise ValueError(_DIFFERENT)
    columns = [first.values, *([dict(zip(o.keys, o.values, strict=True))[k] for k in first.keys]
                               for o in others if o is not None)]
    return first.like([_mapped(func, values, kept, deeper) for values in zip(*columns, strict=True)])


def assert_same_structure(a: Any, b: Any, check_types: Any = None) -> None:
    """Raises ValueError unless both are nested alike, in the same kinds of lists and dicts. `check_types` is accepted.
    """
    if check_types is not None:
        warn("The `check_types` argument is deprecated and no longer has any effect. For a looser check, use "
             "`keras.tree.assert_same_paths()`.", DeprecationWarning)
    map_structure(lambda *_: None, a, b)


def assert_same_paths(a: Any, b: Any) -> None:
    """Raises ValueError unless both have leaves at the same keys and positions."""
    first, second = ({path for path, _ in flatten_with_path(s)} for s in (a, b))
    if first != second:
        more = "".join(f"\nPaths in `{x}` missing in `{y}`:\n{left - right}" for x, y, left, right in (
            ("a", "b", first, second), ("b", "a", second, first)) if left - right)
        raise ValueError(f"`a` and `b` don't have the same paths.{more}")


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any]) -> Any:
    """The values, in the order of `flatten`, in a structure like that. Raises TypeError and ValueError."""
    if not isinstance(flat_sequence, Iterable):
        raise TypeError(f"`flat_sequence` must be a sequence. Received: flat_sequence={flat_sequence}")
    values = list(flat_sequence)
    count = len(flatten(structure))
    if len(values) != count:
        raise ValueError(f"Too {'few' if len(values) < count else 'many'} leaves for the structure. Expected: {count}. "
                         f"Received: {len(values)}")
    rest = iter(values)
    return map_structure(lambda _: next(rest), structure)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """`structure` with each part replaced by func(part) unless that is None (MAP_TO_NONE puts None there).

    Top down a part that was replaced is not entered; otherwise the parts within come first.
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: func={func}")
    found = func(structure) if top_down else None
    if found is None:
        parts = _apart(structure)
        structure = structure if parts is None else parts.like([traverse(func, v, top_down) for v in parts.values])
        found = structure if top_down else func(structure)
    found = structure if found is None else found
    return None if found is MAP_TO_NONE else found


def lists_to_tuples(structure: Any) -> Any:
    """The same with tuples for lists."""
    return traverse(lambda value: tuple(value) if isinstance(value, list) else None, structure, top_down=False)
