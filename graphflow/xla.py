"""`tf.xla`: what programs ask of XLA. Every graph is compiled here."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from .compiler.ir import Operation
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.view import identity
from .framework import control_dependencies

__all__ = ["experimental"]


@contextlib.contextmanager
def jit_scope(compile_ops: Any = True, separate_compiled_gradients: bool = False) -> Iterator[None]:
    """Accepted."""
    yield


def compile(computation: Callable[..., Any], inputs: Sequence[Any] | None = None) -> Any:
    """The tensors that `computation(*inputs)` returns, after the operations that it returns: a list, or one tensor."""
    if inputs is not None and not isinstance(inputs, (list, tuple)):
        raise TypeError(f"`inputs` must be a list, received {inputs!r}")
    returned = computation(*(convert_to_tensor(x) for x in inputs or ()))
    results = list(returned) if isinstance(returned, (list, tuple)) else [returned]
    with control_dependencies([r for r in results if isinstance(r, Operation)]):
        tensors = [identity(convert_to_tensor(r)) for r in results if not isinstance(r, Operation)]
    return tensors if isinstance(returned, (list, tuple)) else tensors[0]


experimental = SimpleNamespace(compile=compile, jit_scope=jit_scope)
