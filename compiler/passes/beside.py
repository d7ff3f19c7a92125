"""Reductions along short rows of what is computed of broadcast operands, as squared distances of all pairs of points.

Their sums are taken for many rows side by side: a vector along a row would be filled once or twice, then summed itself.
"""
from __future__ import annotations

from collections.abc import Sequence

from ..ir import Operation, Tensor, default_graph
from ..opdef import ELEMENTWISE, REDUCTION
from ..ops.view import transpose
from ..shapes import Dims
from .rewrite import reshaped

# lengths of rows that are short: fewer elements are well unrolled, those up to the second are not, more are at most the
# third, and so many times the rows side by side
SHORTEST, UNROLLED, LONGEST, EACH = 5, 8, 100, 2


def reduce_beside(op: Operation, inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """What replaces a reduction of the last axis: one of the axis before it, where what is small changes these two."""
    if op.definition.family != REDUCTION or "combine" not in op.definition.fields or not op.attrs["keepdims"]:
        return None
    dims = inputs[0].dims
    if dims is None or len(dims) < 3 or op.attrs["axis"] != (len(dims) - 1,):
        return None
    rows, length = dims[-2:]
    longest = min(LONGEST, max(UNROLLED, EACH * rows)) if isinstance(rows, int) else LONGEST
    turned = _turned(inputs[0], dims) if isinstance(length, int) and SHORTEST <= length <= longest else None
    if turned is None:
        return None
    attrs = {**op.attrs, "axis": (len(dims) - 2,)}
    return [reshaped(default_graph().add(op.definition, [turned], attrs, op.type).output, op.output.dims)]


def _turned(x: Tensor, dims: Dims) -> Tensor | None:
    """The last two axes of these dimensions exchanged, computed of operands that are; none of one as large as x."""
    if x.dims is None or x.dims == ():
        return x if x.dims == () else None
    if x.dims == dims:
        if x.op.definition.family != ELEMENTWISE or x.op.control_inputs:
            return None
        operands = [_turned(t, dims) for t in x.op.inputs]
        if any(t is None for t in operands):
            return None
        return default_graph().add(x.op.definition, operands, x.op.attrs, x.op.type).output  # type: ignore[arg-type]
    rank = len(dims)
    return transpose(reshaped(x, (1,) * (rank - len(x.dims)) + x.dims), (*range(rank - 2), rank - 1, rank - 2))
