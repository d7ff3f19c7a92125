"""Channels stay last, and steps of time first: what moves them sinks below what works element by element, takes parts
or joins, until it meets its inverse.

A model in the channels-first layout has such transposes around each convolution, recurrent layers around their loops.
Between two of them nothing is left, and bias and activation join the convolution.
"""
from __future__ import annotations

from collections.abc import Sequence

from ..ir import Operation, Tensor, default_graph
from ..opdef import ELEMENTWISE
from ..ops.slices import strided_slice
from ..ops.slicing import concat
from ..ops.view import reshape, transpose
from ..shapes import Dims

DEPTH = 6  # elementwise ops, one of another, that may be done before a transpose instead of after it


def sink_transpose(op: Operation, inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """What replaces an op of operands whose channels were moved in front, or their steps."""
    moved = next((t for t in inputs if _is_moved(t)), None)
    if moved is None or len(op.outputs) != 1:
        return None
    perm = moved.op.attrs["perm"]
    if op.type == "StridedSlice":
        begin, size, strides = (tuple(op.attrs[of][perm.index(a)] for a in range(len(perm)))
                                for of in ("begin", "size", "strides"))
        return [transpose(strided_slice(moved.op.inputs[0], begin, size, strides), perm)]
    joins = op.type == "ConcatV2"
    if not joins and (op.definition.family != ELEMENTWISE or op.output.dims != moved.dims):
        return None
    operands = [t.op.inputs[0] if _is_moved(t) and t.op.attrs["perm"] == perm else None if joins else _unmoved(t, perm)
                for t in inputs]
    if any(t is None for t in operands):
        return None
    below = concat(operands, perm[op.attrs["axis"]]) if joins else default_graph().add(
        op.definition, operands, op.attrs, op.type).output  # type: ignore[arg-type]
    return [transpose(below, perm)]


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


def _is_moved(x: Tensor) -> bool:
    """Whether channels were moved in front, or one of the first two axes, a batch or its steps, before the other."""
    perm = tuple(x.op.attrs.get("perm", ())) if x.op.type == "Transpose" and not x.op.control_inputs else ()
    last = len(perm) - 1
    return last > 1 and perm in ((0, last, *range(1, last)), (1, 0, *range(2, last + 1)))


def _unmoved(x: Tensor, perm: Sequence[int]) -> Tensor | None:
    """The operand as it is before the axes are moved, if that takes no copy: one moved alike, or one of whose axes
    those of more than an element stay in order."""
    if _is_moved(x):
        return x.op.inputs[0] if tuple(x.op.attrs["perm"]) == tuple(perm) else None
    if x.dims is None or len(x.dims) > len(perm):
        return None
    wide: Dims = (*(1,) * (len(perm) - len(x.dims)), *x.dims)
    where = [perm.index(a) for a in range(len(perm))]
    walked = [a for a in where if not (isinstance(wide[a], int) and wide[a] == 1)]
    if walked != sorted(walked):
        return None
    last = [wide[a] for a in where]
    if all(isinstance(d, int) and d == 1 for d in last[:-1]):
        last = last[-1:]
    return x if not x.dims else reshape(x, last)
