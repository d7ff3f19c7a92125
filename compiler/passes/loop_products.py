"""Products in a loop's body that are better taken for all steps at once, before the loop or after it.

The row of a sequence meets a matrix before the loop, also where it is joined to a state: [x h] W = x W_x + h W_h. What
a product is only stacked for is stacked in its place. Columns of a product are a product with columns of the matrix.

A product whose rows only a loop reads is the other way round part of its step, where what it gives need not leave the
caches; codegen/recurrence.py takes it before the loop where that is faster. A matrix unit would be.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..control import is_loop
from ..dims import DimLike
from ..dtypes import NATIVE_FLOATS
from ..ir import Operation, Tensor
from ..native.processor import isa
from ..opdef import ALIAS, CONTRACTION
from ..ops.contraction import matmul
from ..ops.slices import slice_axis
from ..ops.slicing import concat
from .rewrite import reshaped
from .totals import joined

if TYPE_CHECKING:
    from .time_loop import Loop


def product_of_rows(loop: Loop, op: Operation) -> Tensor | None:
    """The product of an op of the loop's body, of which the part that is due to sequences is taken before the loop."""
    if not _is_product(op) or (w := loop.lift(op.inputs[1])) is None:
        return None
    a, k_axis = op.inputs[0], 1 if op.attrs["transpose_b"] else 0
    pieces = list(a.op.inputs) if a.op.type == "ConcatV2" and a.op.attrs["axis"] == 1 else [a]
    begin: DimLike = 0
    before: Tensor | None = None
    rest: list[tuple[Tensor, Tensor]] = []
    for piece in pieces:
        size = piece.dims[1]  # type: ignore[index]
        part = slice_axis(w, k_axis, begin, size)
        begin = begin + size
        sequence = loop.sequence_of(loop.of(piece))
        if sequence is None:
            rest.append((loop.of(piece), part))
        else:
            product = matmul(joined(sequence), part, transpose_b=op.attrs["transpose_b"])
            before = product if before is None else before + product
    if before is None:
        return None
    row = loop.row_of(reshaped(before, (loop.bound, *op.output.dims)), op.output)  # type: ignore[misc]
    if not rest:
        return row
    with loop.body.as_default():
        states = concat([x for x, _ in rest], 1) if len(rest) > 1 else rest[0][0]
    parts = concat([part for _, part in rest], k_axis) if len(rest) > 1 else rest[0][1]
    with loop.body.as_default():
        return row + matmul(states, loop.capture(parts), transpose_b=op.attrs["transpose_b"])


def is_projection(t: Tensor, uses: Mapping[Tensor, Sequence[Operation]]) -> bool:
    """Whether what a loop takes is a product and a bias perhaps, which nothing but loops uses."""
    if isa().matrix_unit or not all(is_loop(op) for op in uses[t]):
        return False
    while t.op.type in ("ReverseV2", "AddV2") or t.op.definition.family == ALIAS and t.op.inputs:
        t = t.op.inputs[0]
        if len(uses[t]) > 1:
            return False
    return _is_product(t.op)


def projected_row(loop: Loop, sequence: Tensor) -> Tensor | None:
    """The row of a sequence [steps, batch, n] that is X W + b, as a product of the row of X; None if it is not."""
    t, bias = sequence, []
    while not _is_product(t.op):
        if t.op.type == "ReverseV2":
            return None
        if t.op.type == "AddV2":
            bias.append(t.op.inputs[1])
        t = t.op.inputs[0]
    x, w = t.op.inputs
    if any(len(b.dims or ()) != 1 for b in bias) or len(sequence.dims or ()) != 3:
        return None
    of_batch = any(v.dims and v.dims[0] == sequence.dims[1] for v in loop.inner.inputs[:loop.n])  # type: ignore[index]
    if not of_batch or w.op.type == "Const" or x.dtype not in NATIVE_FLOATS:
        return None
    rows = reshaped(x, (*sequence.dims[:2], x.dims[1]))  # type: ignore[index]
    row = loop.row_of(rows, Tensor(x.op, x.index, x.dtype, rows.dims[1:]))  # type: ignore[index]
    with loop.body.as_default():
        product = matmul(row, loop.capture(w), transpose_b=t.op.attrs["transpose_b"])
        for b in bias:
            product = product + loop.capture(b)
    return product


def product_of_columns(loop: Loop, op: Operation) -> Tensor | None:
    """The product whose columns an op of the body of a gradient takes."""
    if op.type != "StridedSlice" or not _is_product(op.inputs[0].op) or op.attrs["strides"] != (1, 1):
        return None
    product, rows = op.inputs[0].op, op.output.dims[0]  # type: ignore[index]
    w = loop.lift(product.inputs[1])
    if w is None or rows != op.inputs[0].dims[0] or op.attrs["begin"][0] != 0:  # type: ignore[index]
        return None
    part = slice_axis(w, 0 if product.attrs["transpose_b"] else 1, op.attrs["begin"][1], op.attrs["size"][1])
    with loop.body.as_default():
        return matmul(loop.of(product.inputs[0]), loop.capture(part), transpose_b=product.attrs["transpose_b"])


def product_after(rows: Tensor, w: Tensor, op: Operation) -> Tensor:
    """The rows of all steps of a product, from those of its left side."""
    assert rows.dims is not None
    product = matmul(joined(rows), w, transpose_b=op.attrs["transpose_b"])
    return reshaped(product, (*rows.dims[:2], *op.output.dims[1:]))  # type: ignore[index]


def _is_product(op: Operation) -> bool:
    return op.definition.family == CONTRACTION and len(op.output.dims or ()) == 2 and not op.attrs["transpose_a"]
