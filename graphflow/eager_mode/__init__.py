"""Eager execution: every op runs at once, on NumPy, so that values can be printed and breakpoints work."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..behavior import executing_eagerly
from ..compiler.equality import enable_tensor_equality
from ..compiler.ir import default_graph, set_global_graph
from ..compiler.subgraph import outermost
from .function import Function, function
from .graph import EagerGraph
from .tensor import EagerTensor


def enable_eager_execution(config: Any = None, device_policy: Any = None, execution_mode: Any = None) -> None:
    """From here on ops run when they are called. `config`, `device_policy` and `execution_mode` are accepted.

    Raises ValueError when ops have been added to the default graph before.
    """
    if not default_graph().eager:
        set_global_graph(EagerGraph(default_graph()))


def enable_v2_behavior() -> None:
    """`enable_eager_execution()` and `enable_tensor_equality()`; what else TensorFlow 2 does otherwise stays as in
    TensorFlow 1."""
    enable_eager_execution()
    enable_tensor_equality()


@contextmanager
def eager() -> Iterator[None]:
    """Ops run at once inside; variables made inside belong to this block, Keras's to the graph around it."""
    with EagerGraph(outermost(default_graph()).symbolic).as_default():
        yield


__all__ = ["EagerGraph", "EagerTensor", "Function", "eager", "enable_eager_execution", "executing_eagerly", "function"]
