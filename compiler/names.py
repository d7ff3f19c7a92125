"""Names of operations, unique in their graph, within scopes; and of the functions that make them."""
from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

_VALID_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
_VALID_SCOPE = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")

Function = TypeVar("Function", bound=Callable[..., Any])


def to_snake_case(name: str) -> str:
    """Keras's rule: "BatchNormalization" is batch_normalization, "ReLU" is re_lu, "Conv2D" is conv2d."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def named(name: str, function: Function, doc: str | None) -> Function:
    """The function under that name, which error messages and saved models say: of functions made from a table."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def nearest(name: str, names: Iterable[str]) -> str:
    """" Did you mean ...?" with the name most like this one, empty where none is."""
    close = difflib.get_close_matches(name, names, 1)
    return f" Did you mean {close[0]!r}?" if close else ""


class Names:
    """The names that are taken, and the scope that new ones are made in."""

    def __init__(self) -> None:
        self._name_counts: dict[str, int] = {}
        self._scope = ""

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """`name` within the current scope, with `_1`, `_2`, ... when it is taken (compared without case)."""
        if name.endswith("/"):  # the full name of a scope, which its main op takes
            if mark_as_used:
                self._name_counts.setdefault(name[:-1].lower(), 1)
            return name[:-1]
        if not (_VALID_SCOPE if self._scope else _VALID_NAME).match(name):
            raise ValueError(f"'{name}' is not a valid scope or op name")
        full = f"{self._scope}/{name}" if self._scope else name
        key = full.lower()
        count = self._name_counts.get(key, 0)
        if mark_as_used:
            self._name_counts[key] = count + 1
        if count:
            unique = key
            while unique in self._name_counts:
                unique = f"{key}_{count}"
                count += 1
            if mark_as_used:
                self._name_counts[unique] = 1
            full = f"{full}_{count - 1}"
        return full

    @contextlib.contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Prefix the names of ops made inside. A name that ends in "/" re-enters that scope; None or "" is the root."""
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name for name_scope must be a string, received {name!r}")
        if name and not name.endswith("/") and not (
                _VALID_SCOPE if self._scope else _VALID_NAME).match(name):
            raise ValueError(f"'{name}' is not a valid scope name")
        previous = self._scope
        if not name:
            self._scope = ""
        elif name.endswith("/"):
            self._scope = name[:-1]
        else:
            self._scope = self.unique_name(name)
        try:
            yield self._scope + "/" if self._scope else ""
        finally:
            self._scope = previous

    def get_name_scope(self) -> str:
        """The current scope, without a trailing slash."""
        return self._scope
