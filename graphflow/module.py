"""`tf.Module`: objects that own variables, and find those of the objects in their attributes."""
from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .compiler.ir import default_graph
from .framework import name_scope
from .variables import Variable


class Module:
    """Finds the variables and modules in its attributes, in lists, tuples and dicts too.

    Raises ValueError for a name that is no Python identifier.
    """

    def __init__(self, name: str | None = None):
        chosen = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type(self).__name__) if name is None else name
        chosen = re.sub(r"([a-z])([A-Z])", r"\1_\2", chosen).lower() if name is None else chosen
        if not chosen.isidentifier():
            raise ValueError(f"{chosen!r} is not a valid module name. Module names must be valid Python identifiers "
                             "(e.g. a valid class name).")
        self._name = chosen
        with default_graph().name_scope(chosen) as scope:
            self._scope_name = scope

    @property
    def name(self) -> str:
        return self._name

    @property
    def name_scope(self) -> Any:
        """A context in which names begin with the module's."""
        return name_scope(self._scope_name)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables of this module and those it has, each once, in the order of attribute names."""
        return tuple(_unique(v for v in _found(self, set()) if isinstance(v, Variable)))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those of `variables` that are trained."""
        return tuple(v for v in self.variables if v.trainable)

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        """Those of `variables` that are not trained."""
        return tuple(v for v in self.variables if not v.trainable)

    @property
    def submodules(self) -> tuple[Module, ...]:
        """The modules that this one has, and those they have."""
        return tuple(_unique(m for m in _found(self, set()) if isinstance(m, Module)))

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Decorates a method: names made in it begin with the module's."""
        @functools.wraps(method)
        def wrapped(self: Module, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)
        return wrapped


def _found(module: Module, seen: set[int]) -> Iterator[Any]:
    """The leaves of a module's attributes, with those of the modules among them behind them."""
    if id(module) in seen:
        return
    seen.add(id(module))
    leaves = [leaf for name in sorted(vars(module)) for leaf in _leaves(vars(module)[name])]
    yield from leaves
    for leaf in leaves:
        if isinstance(leaf, Module):
            yield from _found(leaf, seen)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = [value[key] for key in sorted(value, key=str)]
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _unique(items: Iterator[Any]) -> list[Any]:
    return list({id(item): item for item in items}.values())
