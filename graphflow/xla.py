"""`tf.xla`: what programs ask of XLA. Every graph is compiled here."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from .compiler.ir import Operation
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.view import identity
from .framework import control_dependencies, no_op

__all__ = ["experimental"]


@contextlib.contextmanager
def jit_scope(compile_ops: Any = True, separate_compiled_gradients: bool = False) -> Iterator[None]:
    """Accepted."""
    yield


def compile(computation: Callable[..., Any], inputs: Sequence[Any] | None = None) -> Any:
    """The tensors that `computation(*inputs)` returns, after the operations that it returns, in a list; a single one in
    a tuple, and if there are none, an operation."""
    if inputs is not None and not isinstance(inputs, (list, tuple)):
        raise TypeError(f"`inputs` must be a list, received {inputs!r}")
    returned = computation(*(convert_to_tensor(x) for x in inputs or ()))
    several = isinstance(returned, (list, tuple))
    results = [r for r in (returned if several else [returned]) if r is not None]
    with control_dependencies([r for r in results if isinstance(r, Operation)]):
        tensors = [identity(convert_to_tensor(r)) for r in results if not isinstance(r, Operation)]
        return (tensors if several else tuple(tensors)) or no_op()


experimental = SimpleNamespace(compile=compile, jit_scope=jit_scope)
