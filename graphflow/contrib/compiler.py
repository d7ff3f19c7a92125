"""`tf.contrib.compiler`: what programs ask of XLA. Every graph is compiled here."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from ..compiler.ir import Operation
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.view import identity
from ..framework import control_dependencies, group

__all__ = ["jit", "xla"]


@contextlib.contextmanager
def _scope(compile_ops: Any = True, separate_compiled_gradients: bool = False) -> Iterator[None]:
    """Accepted."""
    yield


def _compile(computation: Callable[..., Any], inputs: Sequence[Any] | None = None) -> Any:
    """The tensors that `computation(*inputs)` returns, after the operations that it returns; where it returns no
    tensor, an operation."""
    returned = computation(*(convert_to_tensor(x) for x in inputs or ()))
    results = [r for r in (returned if isinstance(returned, (list, tuple)) else [returned]) if r is not None]
    if all(isinstance(r, Operation) for r in results):
        return group(*results)
    with control_dependencies([r for r in results if isinstance(r, Operation)]):
        tensors = [identity(convert_to_tensor(r)) for r in results if not isinstance(r, Operation)]
    return tensors if isinstance(returned, (list, tuple)) else tensors[0]


jit = SimpleNamespace(experimental_jit_scope=_scope)
xla = SimpleNamespace(compile=_compile)
