"""Graphs for the tests of passes: built from ops, specialised for fed arrays, compiled stage by stage."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from graphflow.compiler.dtypes import as_dtype
from graphflow.compiler.ir import Graph, Operation, Tensor
from graphflow.compiler.ops import state
from graphflow.compiler.passes.specialise import shape_pattern, specialise
from graphflow.compiler.pipeline import Stage, compile_graph
from graphflow.compiler.verify import verify
from graphflow.runtime.interpreter import interpret
from graphflow.runtime.session import Session


class Program:
    """A graph of its own with inputs, variables and fetches. `fetches` may be tensors and operations."""

    def __init__(self, build: Callable[..., Any], *inputs: np.ndarray, unknown: bool = False,
                 variables: dict[str, np.ndarray] | None = None):
        self.arrays = inputs
        self.initial = variables or {}
        self.graph = Graph()
        with self.graph.as_default():
            shapes = [(None,) * a.ndim if unknown else a.shape for a in inputs]
            self.inputs = [state.placeholder(as_dtype(a.dtype), shape, name=f"in{i}")
                           for i, (a, shape) in enumerate(zip(inputs, shapes, strict=True))]
            self.handles = {name: state.variable_handle(dtype=as_dtype(a.dtype), dims=a.shape, name=name)
                            for name, a in self.initial.items()}
            built = build(*self.inputs, **self.handles)
        self.fetches: list[Any] = list(built) if isinstance(built, (list, tuple)) else [built]

    @property
    def outputs(self) -> list[Tensor]:
        return [f for f in self.fetches if isinstance(f, Tensor)]

    @property
    def targets(self) -> list[Operation]:
        return [f for f in self.fetches if isinstance(f, Operation)]

    def specialised(self) -> Graph:
        pattern = shape_pattern(self.inputs, [a.shape for a in self.arrays])
        return specialise(self.outputs, self.targets, self.inputs, pattern)[0]

    def stages(self) -> list[Stage]:
        stages = [Stage("specialise", self.specialised(), 0.0)]
        compile_graph(stages[0].graph, stages)
        for stage in stages:
            verify(stage.graph)
        return stages

    def after(self, name: str) -> Graph:
        """The graph after the last pass of that name."""
        return [s.graph for s in self.stages() if s.name == name][-1]

    def fused(self) -> list[list[str]]:
        """For each kernel of the compiled graph the ops that it computes, in order."""
        return [kinds(op.attrs["body"]) for op in self.stages()[-1].graph.operations if op.type == "Fused"]

    def interpreted(self, graph: Graph | None = None) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
        """Outputs and variables through the references."""
        graph = graph or self.specialised()
        values = {name: a.copy() for name, a in self.initial.items()}
        with np.errstate(all="ignore"):
            return interpret(graph, dict(zip(graph.inputs, self.arrays, strict=True)), values), values

    def session(self) -> Session:
        session = Session(graph=self.graph)
        for name, handle in self.handles.items():
            session.store.set(handle.op, self.initial[name])
        return session

    def run(self) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
        """Outputs and variables through the compiler and the native executor."""
        session = self.session()
        values = session.run(self.fetches, dict(zip(self.inputs, self.arrays, strict=True)))
        outputs = [v for f, v in zip(self.fetches, values, strict=True) if isinstance(f, Tensor)]
        return outputs, {name: session.store.get(h.op).copy() for name, h in self.handles.items()}  # type: ignore

    def check(self, rtol: float = 2e-5) -> None:
        """The compiled program does what the references do."""
        (values, variables), (wanted, wanted_variables) = self.run(), self.interpreted()
        for value, want in zip([*values, *variables.values()], [*wanted, *wanted_variables.values()], strict=True):
            assert_equal(value, want, rtol)


def assert_equal(value: Any, want: Any, rtol: float = 2e-5) -> None:
    """Equal types and shapes; floats equal up to rounding relative to the largest element, NaN equal to NaN."""
    value, want = np.asarray(value), np.asarray(want)
    assert value.dtype == want.dtype and value.shape == want.shape
    if want.dtype.kind == "f":
        scale = np.max(np.abs(want[np.isfinite(want)]), initial=0.01)
        np.testing.assert_allclose(value, want, rtol=rtol, atol=rtol * float(scale))
    else:
        np.testing.assert_array_equal(value, want)


def kinds(graph: Graph) -> list[str]:
    """The types of a graph's ops, without what only holds values."""
    return [op.type for op in graph.operations if op.type not in ("Parameter", "Const", "Placeholder", "VariableV2")]


def structure(tensor: Tensor) -> Any:
    """An expression as nested tuples: (type, attributes, inputs), constants by value."""
    op = tensor.op
    if op.type == "Const":
        return op.attrs["value"].tolist()
    if op.type in ("Placeholder", "VariableV2"):
        return op.name
    attrs = {k: v for k, v in op.attrs.items() if not isinstance(v, np.ndarray)}
    return (op.type, *([attrs] if attrs else []), *(structure(t) for t in op.inputs))


def names(operations: Sequence[Operation]) -> list[str]:
    return [op.name for op in operations]
