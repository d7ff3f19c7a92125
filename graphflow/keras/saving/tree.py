"""State in Keras 3's layout: a group for each object under the path of attributes that leads to it
(`layers/dense/vars/0`).
"""
from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...compiler.site import warn
from .. import backend
from ..naming import to_snake_case
from ..scope import outside_steps
from .hdf5 import array_in, find_group, put, value_in
from .legacy_weights import Values
from .saveable import Saveable

OLD_LAYERS = "_layer_checkpoint_dependencies"  # where tf.keras 2.12 had "layers"


@functools.cache
def _model_class() -> type:
    from ..models.model import Model
    return Model


@functools.cache
def _untracked() -> frozenset[str]:
    """The attributes that every layer or model has: none of them holds what a user put there, but the optimizer."""
    with outside_steps():
        return frozenset({*vars(_model_class()(name="model")), "_stack"} - {"optimizer"})


def children(obj: Any) -> list[tuple[str, Any]]:
    """(path, object) of those within: the layers of a model made from tensors or of a stack are in "layers", others
    under their attributes, private ones last.
    """
    found: list[tuple[str, Any]] = []
    if getattr(obj, "_network", None) is not None or hasattr(obj, "_stack"):
        found = list(_members("layers", obj.layers))
    names = set(vars(obj)) - _untracked()
    names |= {n for c in type(obj).__mro__ for n, v in vars(c).items()
              if isinstance(v, property) and n.endswith("_dense")}  # how attention shows its projections
    if isinstance(obj, _model_class()) and not found:
        names.add("layers")  # of a model with a `call` of its own, in its place among the attributes
    for name in sorted(names, key=lambda n: f"~{n}" if n.startswith("_") else n):
        value = getattr(obj, name, None)
        if isinstance(value, Saveable):
            found.append((name, value))
        elif isinstance(value, (list, tuple, dict)):
            found += _members(name, value)
    return list({id(sub): (path, sub) for path, sub in reversed(found)}.values())[::-1]


def _members(path: str, container: Any) -> Iterator[tuple[str, Any]]:
    """What is in a list or dict: by class, numbered where there are several; containers in it are "container"."""
    counts: dict[str, int] = {}
    for value in container.values() if isinstance(container, Mapping) else container:
        nested = isinstance(value, (list, tuple, dict))
        if not nested and not isinstance(value, Saveable):
            continue
        stem = "container" if nested else _class_key(value)
        count = counts[stem] = counts.get(stem, -1) + 1
        key = f"{path}/{stem}_{count}" if count else f"{path}/{stem}"
        if nested:
            yield from _members(key, value)
        else:
            yield key, value


def _class_key(obj: Any) -> str:
    functional = type(obj).__name__ == "Model" and getattr(obj, "is_functional", False)
    return "functional" if functional else to_snake_case(type(obj).__name__)


def walk(obj: Any, skip: Sequence[Any] = ()) -> Iterator[tuple[str, Any]]:
    """(path, object) for an object and all within, each once."""
    done = {id(o) for o in skip}

    def visit(path: str, current: Any) -> Iterator[tuple[str, Any]]:
        done.add(id(current))
        yield path, current
        for key, sub in children(current):
            if id(sub) not in done:
                yield from visit(f"{path}/{key}" if path else key, sub)

    return visit("", obj)


# writing


class GroupStore:
    """The `vars` group of an object as a mapping."""

    def __init__(self, group: Any, what: str):
        self._group, self._what = group, what

    def __setitem__(self, key: str, value: Any) -> None:
        put(self._group, key, backend.get_value(value) if hasattr(value, "handle") else value)

    def __getitem__(self, key: str) -> np.ndarray:
        if self._group is None or key not in self._group:
            raise KeyError(key)
        return array_in(self._group, key, f"{key!r} of {self._what}")

    def keys(self) -> list[str]:
        return [] if self._group is None else list(self._group)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __contains__(self, key: object) -> bool:
        return key in self.keys()


def new_vars(file: Any, path: str, name: Any) -> Any:
    """The `vars` group of the object at `path`."""
    holder = (file.require_group(path) if path else file).create_group("vars")
    if isinstance(name, str):
        holder.attrs["name"] = name
    return holder


def write_tree(file: Any, obj: Any, skip: Sequence[Any] = (), vars_at: Callable[[Any, str, Any], Any] = new_vars
               ) -> None:
    """An object and all within. `vars_at(file, path, name)` makes the groups."""
    for path, current in walk(obj, skip):
        name = getattr(current, "name", None)
        store = vars_at(file, path, name)
        current.save_own_variables(store if isinstance(store, GroupStore) else GroupStore(store, repr(name)))


# reading


def read_tree(file: Any, obj: Any, skip_mismatch: bool = False, skip: Sequence[Any] = ()) -> None:
    """Set the state of an object and of all within. Raises ValueError where the file does not fit (`skip_mismatch`:
    warns, and sets the rest); nothing is set then but by objects that load themselves.
    """
    values: Values = []
    own: list[Callable[[], None]] = []
    problems: list[str] = []
    for path, current in walk(obj, skip):
        group = find_group(file, path)
        if group is None and "layers" in path:
            group = find_group(file, path.replace("layers", OLD_LAYERS))
        holder = None if group is None else find_group(group, "vars")
        store = GroupStore(holder, repr(current.name))
        if current.loads_itself:
            own.append(functools.partial(current.load_own_variables, store))
            continue
        try:
            values += _fitting(store, holder, current, path, file, skip_mismatch, problems)
        except ValueError as error:
            if not skip_mismatch:
                raise
            problems.append(str(error))
    backend.batch_set_value(values)
    for load in own:
        load()
    for _, current in walk(obj, skip):
        if hasattr(current, "finalize_state") and not hasattr(current, "load_assets"):
            current.finalize_state()
    if problems:
        warn(f"A total of {len(problems)} objects could not be loaded: {'; '.join(problems)}")


def _fitting(store: GroupStore, holder: Any, obj: Any, path: str, file: Any, skip_mismatch: bool,
             problems: list[str]) -> Values:
    """(variable, value) for the variables of one object."""
    variables = obj._stored_variables()
    if holder is None:
        if variables:
            raise ValueError(f"{file.filename!r} has no group {path or 'vars'!r}: it was not written by Keras, or not "
                             f"for this model ({type(obj).__name__} {obj.name!r} has {len(variables)} variables).")
        return []
    if len(store) != len(variables):
        raise ValueError(f"Layer {obj.name!r} expected {len(variables)} variables, but received {len(store)} variables "
                         f"during loading from {file.filename!r}. Expected: {[v.name for v in variables]}")
    values = []
    for i, variable in enumerate(variables):
        try:
            what = f"weight {variable.name!r} of layer {obj.name!r}"
            values.append((variable, value_in(holder, str(i), variable.shape, what)))
        except ValueError as error:
            if not skip_mismatch:
                raise
            problems.append(str(error))
    return values
