"""Functions made from a table: each gets its public name, and a docstring."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.names import named
from .dtypes import floating

Function = Callable[..., Tensor]


def unary(name: str, compute: Callable[[Tensor], Tensor], doc: str, prepare: Callable[[Any], Tensor] = floating
          ) -> Function:
    """`compute` on each element of what `prepare` makes of the argument: by default a tensor of floats."""
    def operation(x: Any) -> Tensor:
        return compute(prepare(x))
    return named(name, operation, f"{doc}, elementwise. The shape is that of `x`.")


def binary(name: str, compute: Callable[[Tensor, Tensor], Tensor], doc: str, prepare: Callable[..., Any]) -> Function:
    """`compute` on what `prepare` makes of the two arguments: tensors of one dtype."""
    def operation(x1: Any, x2: Any) -> Tensor:
        return compute(*prepare(x1, x2))
    return named(name, operation, f"{doc}, elementwise. Both are broadcast to one shape.")


def alias(name: str, function: Function) -> Function:
    """The same function under another name of its own."""
    def operation(*args: Any, **kwargs: Any) -> Tensor:
        return function(*args, **kwargs)
    operation.__wrapped__ = function  # type: ignore[attr-defined]
    return named(name, operation, function.__doc__ or "")


def exported(*modules: Any) -> dict[str, Any]:
    """The public names of modules, with what they mean."""
    return {name: getattr(module, name) for module in modules for name in module.__all__}
