"""Composite ops become the ops that they are made of."""
from __future__ import annotations

from collections.abc import Sequence

from ..ir import Graph, Operation, Tensor
from ..opdef import COMPOSITE
from ..ops.view import reshape
from .rewrite import transform


def expand(graph: Graph) -> Graph:
    while any(op.definition.family == COMPOSITE for op in graph.operations):
        graph = transform(graph, _expand)
    return graph


def _expand(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
    if op.definition.family != COMPOSITE:
        return None
    assert op.definition.expand is not None
    result = op.definition.expand(*inputs, **op.attrs)
    results = [result] if isinstance(result, Tensor) else result
    # what became known of a shape operand's op stays known, where the operand itself says less
    return [t if t.dims == out.dims or out.dims is None else reshape(t, out.dims)
            for t, out in zip(results, op.outputs, strict=True)]
