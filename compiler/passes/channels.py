"""Channels stay last: what moves them in front sinks below what works element by element, until it meets its inverse.

A model in the channels-first layout has such transposes around each convolution. Between two of them nothing is left,
and bias and activation join the convolution.
"""
from __future__ import annotations

from collections.abc import Sequence

from ..ir import Operation, Tensor, default_graph
from ..opdef import ELEMENTWISE
from ..ops.view import reshape, transpose
from ..shapes import Dims

DEPTH = 6  # elementwise ops, one of another, that may be done before a transpose instead of after it


def sink_transpose(op: Operation, inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """What replaces an elementwise op of operands whose channels were moved in front."""
    moved = next((t for t in inputs if _moves_channels(t)), None)
    if moved is None or len(op.outputs) != 1:
        return None
    perm = moved.op.attrs["perm"]
    if op.definition.family == ELEMENTWISE and op.output.dims == moved.dims:
        operands = [_unmoved(t, perm) for t in inputs]
        if any(t is None for t in operands):
            return None
        below = default_graph().add(op.definition, operands, op.attrs, op.type).output  # type: ignore[arg-type]
        return [transpose(below, perm)]
    return None


def untransposed(x: Tensor, perm: Sequence[int], depth: int = DEPTH) -> Tensor | None:
    """What the transpose of `x` is without one: where up to so many elementwise ops make `x` of scalars and of what its
    inverse moved."""
    op = x.op
    if op.control_inputs or not x.dims:
        return x if not x.dims and x.dims is not None else None
    if op.type == "Transpose":
        return op.inputs[0] if [op.attrs["perm"][a] for a in perm] == [*range(len(perm))] else None
    if not depth or op.definition.family != ELEMENTWISE or any(t.dims not in ((), x.dims) for t in op.inputs):
        return None
    operands = [untransposed(t, perm, depth - 1) for t in op.inputs]
    if any(t is None for t in operands):
        return None
    return default_graph().add(op.definition, operands, op.attrs, op.type).output  # type: ignore[arg-type]


def _moves_channels(x: Tensor) -> bool:
    perm = x.op.attrs.get("perm", ()) if x.op.type == "Transpose" and not x.op.control_inputs else ()
    return len(perm) > 2 and tuple(perm) == (0, len(perm) - 1, *range(1, len(perm) - 1))


def _unmoved(x: Tensor, perm: Sequence[int]) -> Tensor | None:
    """The operand as it is before its channels are moved, if that takes no copy: one moved alike, or a vector."""
    if _moves_channels(x):
        return x.op.inputs[0] if tuple(x.op.attrs["perm"]) == tuple(perm) else None
    if x.dims is None or len(x.dims) > len(perm):
        return None
    wide: Dims = (*(1,) * (len(perm) - len(x.dims)), *x.dims)
    if sum(not (isinstance(d, int) and d == 1) for d in wide) > 1:
        return None
    last = [wide[perm.index(a)] for a in range(len(perm))]
    if all(isinstance(d, int) and d == 1 for d in last[:-1]):
        last = last[-1:]
    return x if not x.dims else reshape(x, last)
