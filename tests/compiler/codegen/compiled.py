"""Expressions of arrays, compiled and run in a session."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from graphflow.compiler.dtypes import as_dtype
from graphflow.compiler.ir import Graph
from graphflow.compiler.ops import state
from graphflow.runtime.session import Session


class Function:
    """`build(*tensors)` gives a tensor or a list of them; a call runs it on arrays that fit `shapes` (None: any)."""

    def __init__(self, build: Callable[..., Any], *dtypes: Any, shapes: Any = None):
        self.graph = Graph()
        with self.graph.as_default():
            self.inputs = [state.placeholder(as_dtype(np.dtype(d)), shapes and shapes[i], name=f"in{i}")
                           for i, d in enumerate(dtypes)]
            self.fetches = build(*self.inputs)
        self.session = Session(graph=self.graph)

    def __call__(self, *arrays: np.ndarray) -> Any:
        return self.session.run(self.fetches, dict(zip(self.inputs, arrays, strict=True)))


def compiled(build: Callable[..., Any], *arrays: np.ndarray, known: bool = False) -> Any:
    """The value of `build` for these arrays, of unknown sizes unless `known`."""
    shapes = [a.shape if known else (None,) * a.ndim for a in arrays]
    return Function(build, *(a.dtype for a in arrays), shapes=shapes)(*arrays)


def kernels(build: Callable[..., Any], *arrays: np.ndarray, known: bool = False) -> list[Any]:
    """The kernel calls that it takes."""
    shapes = [a.shape if known else (None,) * a.ndim for a in arrays]
    function = Function(build, *(a.dtype for a in arrays), shapes=shapes)
    runner = function.session.runner(function.fetches, function.inputs)
    return [step.call for step in runner.frame(tuple(a.shape for a in arrays)).binding.steps]
