"""What costs next to nothing is computed again for each user rather than kept.

That is a matrix less or times a vector along its last axis (a batch less its mean), one such of each image, or a
constant, where the matrix is in memory anyway: reading it costs what reading the result would, and the result need not
be written.
"""
from __future__ import annotations

from collections.abc import Container, Sequence

from ..dims import product
from ..ir import Graph, Operation, Tensor, default_graph
from ..opdef import ELEMENTWISE, REDUCTION, has_native_types
from ..shapes import Dims, aligned
from .rewrite import consumers, transform

LEAST = 8  # elements for each of what is small beside them
CHEAP = {"AddV2", "Sub", "Mul"}


def recompute(graph: Graph) -> Graph:
    uses = consumers(graph)
    again: dict[Tensor, int] = {}
    for op in graph.operations:
        if op.type in CHEAP and len(uses.get(op.output, ())) > 1 and op.output not in graph.outputs:
            if depth := _depth(op, uses, again):
                again[op.output] = depth
    if not again:
        return graph

    def rule(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
        if op.definition.family not in (ELEMENTWISE, REDUCTION):
            return None
        fresh = [_copied(new, again[old]) if old in again else new for old, new in zip(op.inputs, inputs, strict=True)]
        return None if fresh == inputs else default_graph().append(op, fresh).outputs

    return transform(graph, rule)


def _matrix(op: Operation) -> Tensor | None:
    """The operand of the op's own shape, if the other is a vector along the last axis."""
    if op.type not in CHEAP or op.control_inputs or not has_native_types(op):
        return None
    dims = op.output.dims
    if dims is None or len(dims) < 2:
        return None
    for x, vector in (op.inputs, op.inputs[::-1]):
        if x.dims == dims and (is_small(vector.dims, dims) or vector.op.type == "Const" and vector.dims == ()):
            return x
    return None


def is_small(dims: Dims | None, whole: Dims) -> bool:
    """Whether each element of what broadcasts to a shape is used for many, and not for those of its own row only."""
    if dims is None:
        return False
    wide = aligned(dims, whole)
    last = max((a for a, d in enumerate(wide) if d != 1), default=0)
    times = product(n for d, n in zip(wide[:last], whole, strict=False) if d == 1)
    return not isinstance(times, int) or times >= LEAST


def _depth(op: Operation, uses: dict[Tensor, list[Operation]], again: Container[Tensor]) -> int:
    """How many such ops lead from a matrix that has other users too, to this one; 0 if it is otherwise."""
    depth, x = 1, _matrix(op)
    while x is not None and (len(uses[x]) == 1 or x in again):
        depth, x = depth + 1, _matrix(x.op)
    return 0 if x is None else depth


def _copied(x: Tensor, depth: int) -> Tensor:
    if not depth:
        return x
    operands = [_copied(t, depth - 1) if t.dims == x.dims else t for t in x.op.inputs]
    return default_graph().add(x.op.definition, operands, x.op.attrs, x.op.type).output
