"""Python's operators on variables: those of the tensors that they stand for."""
from __future__ import annotations

from typing import Any

from .compiler.equality import compares_elements
from .compiler.ir import Tensor
from .compiler.ops.elementwise import equal, not_equal

_TWO_SIDED = ("add", "sub", "mul", "div", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
_OTHERS = ("lt", "le", "gt", "ge", "neg", "abs", "invert")


def install(cls: type, *more: str) -> None:
    """Give a class whose objects have `_as_graph_element` the operators of tensors, and `more` of their methods."""
    names = [f"{side}{name}" for name in _TWO_SIDED for side in ("", "r")]
    for name in (*names, *_OTHERS, *more):
        _delegate(cls, f"__{name}__")
    _compare(cls, "__eq__", True)
    _compare(cls, "__ne__", False)


def _delegate(cls: type, name: str) -> None:
    operator = getattr(Tensor, name)
    setattr(cls, name, lambda self, *args: operator(self._as_graph_element(), *args))


def _compare(cls: type, name: str, same: bool) -> None:
    def operator(self: Any, other: Any) -> Any:
        if other is None or not compares_elements(everywhere=True):
            return (self is other) == same
        return (equal if same else not_equal)(self._as_graph_element(), other)
    setattr(cls, name, operator)
