"""`tf.nest`: values in lists, tuples, named tuples and dicts of any depth; a dict's leaves come by sorted key."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def is_nested(seq: Any) -> bool:
    """Whether it is a list, tuple or mapping."""
    return isinstance(seq, (list, tuple, Mapping))


is_sequence = is_nested


def _keys(value: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:
        raise TypeError("nest only supports dicts with sortable keys.") from None


def _children(value: Any) -> list[Any]:
    return [value[k] for k in _keys(value)] if isinstance(value, Mapping) else list(value)


def _rebuilt(like: Any, children: list[Any]) -> Any:
    """A nest of the type of `like` with these children."""
    if isinstance(like, Mapping):
        found = dict(zip(_keys(like), children, strict=True))
        ordered = [(k, found[k]) for k in like]
        return type(like)(ordered) if not hasattr(like, "default_factory") else type(like)(  # type: ignore[call-arg]
            like.default_factory, ordered)
    if hasattr(like, "_fields"):
        return type(like)(*children)
    return type(like)(children)


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves in order; of something that is not a nest, it alone."""
    if not is_nested(structure):
        return [structure]
    return [leaf for child in _children(structure) for leaf in flatten(child)]


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """The leaves `flat_sequence` in the structure of a nest. Raises ValueError unless there are as many as it has."""
    leaves = list(flat_sequence) if is_nested(flat_sequence) else None
    if leaves is None:
        raise TypeError("flat_sequence must be a sequence")
    if not is_nested(structure):
        if len(leaves) != 1:
            raise ValueError(f"Structure is a scalar but len(flat_sequence) == {len(leaves)} > 1")
        return leaves[0]
    wanted = len(flatten(structure))
    if wanted != len(leaves):
        raise ValueError(f"Could not pack sequence. Structure had {wanted} elements, but flat_sequence had "
                         f"{len(leaves)} elements.  Structure: {structure}, flat_sequence: {flat_sequence}.")
    return _pack(structure, iter(leaves))


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if not is_nested(structure):
        return next(leaves)
    return _rebuilt(structure, [_pack(child, leaves) for child in _children(structure)])


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Raises ValueError when the nests differ in structure, TypeError (unless not `check_types`) when only in types."""
    if is_nested(nest1) != is_nested(nest2):
        raise ValueError("The two structures don't have the same nested structure.\n\nFirst structure: "
                         f"{nest1}\n\nSecond structure: {nest2}")
    if not is_nested(nest1):
        return
    named = hasattr(nest1, "_fields") and hasattr(nest2, "_fields") and (
        type(nest1).__name__ == type(nest2).__name__ and nest1._fields == nest2._fields)
    if check_types and type(nest1) is not type(nest2) and not named and not (
            isinstance(nest1, Mapping) and isinstance(nest2, Mapping)):
        raise TypeError(f"The two structures don't have the same sequence type. First structure has type "
                        f"{type(nest1)}, while second structure has type {type(nest2)}.")
    if isinstance(nest1, Mapping) and isinstance(nest2, Mapping) and set(nest1) != set(nest2):
        raise ValueError(f"The two dictionaries don't have the same set of keys: {list(nest1)} and {list(nest2)}.")
    if len(nest1) != len(nest2):
        raise ValueError(f"The two structures don't have the same number of elements: {len(nest1)} and {len(nest2)}."
                         f"\n\nFirst structure: {nest1}\n\nSecond structure: {nest2}")
    for a, b in zip(_children(nest1), _children(nest2), strict=True):
        assert_same_structure(a, b, check_types)


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """func(leaf, leaf of each other nest) in the structure of the first; `check_types` as of assert_same_structure."""
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    for other in structure[1:]:
        assert_same_structure(structure[0], other, kwargs.get("check_types", True))
    leaves = [func(*parts) for parts in zip(*(flatten(s) for s in structure), strict=True)]
    return pack_sequence_as(structure[0], leaves)


def flatten_dict_items(dictionary: Mapping[Any, Any]) -> dict[Any, Any]:
    """A dict whose keys and values are nests of the same structure as one from each key's leaf to the value's.

    Raises TypeError for what is no dict, ValueError for a leaf that comes twice or for different structures.
    """
    if not isinstance(dictionary, Mapping):
        raise TypeError(f"input must be a dictionary, received {type(dictionary).__name__}")
    flat: dict[Any, Any] = {}
    for key, value in dictionary.items():
        pairs = [(key, value)] if not is_nested(key) else list(zip(flatten(key), flatten(value), strict=True))
        for leaf, part in pairs:
            if leaf in flat:
                raise ValueError(f"Could not flatten dictionary: key {leaf} is not unique.")
            flat[leaf] = part
    return flat


def assert_shallow_structure(shallow_tree: Any, input_tree: Any, check_types: bool = True) -> None:
    """Raises ValueError unless `input_tree` is `shallow_tree` with nests in place of its leaves."""
    flatten_up_to(shallow_tree, input_tree, check_types)


def flatten_up_to(shallow_tree: Any, input_tree: Any, check_types: bool = True) -> list[Any]:
    """What stands in `input_tree` where `shallow_tree` has its leaves."""
    if not is_nested(shallow_tree):
        return [input_tree]
    if not is_nested(input_tree) or len(shallow_tree) != len(input_tree):
        raise ValueError(f"The two structures don't have the same sequence length: {shallow_tree} and {input_tree}.")
    if check_types and isinstance(shallow_tree, Mapping) != isinstance(input_tree, Mapping):
        raise TypeError(f"The two structures don't have the same sequence type: {type(shallow_tree)} and "
                        f"{type(input_tree)}.")
    pairs = zip(_children(shallow_tree), _children(input_tree), strict=True)
    return [part for shallow, deep in pairs for part in flatten_up_to(shallow, deep, check_types)]


def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any) -> Any:
    """`map_structure` that stops at the leaves of `shallow_tree`."""
    parts = [flatten_up_to(shallow_tree, tree, kwargs.get("check_types", True)) for tree in inputs]
    return pack_sequence_as(shallow_tree, [func(*leaves) for leaves in zip(*parts, strict=True)])
