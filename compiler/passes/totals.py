"""Sums over the steps of a loop, taken after it: a sum of products is one product of stacked rows."""
from __future__ import annotations

from collections.abc import Callable, Iterator

from ..ir import Graph, Operation, Tensor
from ..opdef import ALIAS, CONTRACTION
from ..ops.contraction import matmul
from ..ops.reduction import reduce_sum
from .rewrite import copied, reshaped

# given the rows of all steps [steps, batch, n] that a sum needs, one after the other, the sum
Total = Callable[[Iterator[Tensor]], Tensor]
# of one input, and the sum of the results is the result for the sum
_LINEAR = {"Place", "StridedSlice", "Transpose", "Neg"}


def total(x: Tensor, outer: Graph, lift: Callable[[Tensor], Tensor | None]) -> tuple[list[Tensor], Total] | None:
    """How a tensor of a loop's body is summed over the steps in the graph around it, and of which tensors of the body
    the rows have to be stacked; None where it cannot be. `lift` gives what is the same in each step, as it is there."""
    op, dims = x.op, x.dims
    if op.type == "AddV2" and all(t.dims == dims for t in op.inputs):
        a, b = (total(t, outer, lift) for t in op.inputs)
        if a is not None and b is not None:
            return a[0] + b[0], lambda rows: a[1](rows) + b[1](rows)
    if op.definition.family == CONTRACTION and len(dims or ()) == 2 and op.attrs["transpose_a"] and (
            not op.attrs["transpose_b"]):
        return list(op.inputs), lambda rows: matmul(joined(next(rows)), joined(next(rows)), transpose_a=True)
    if op.type == "Sum" and op.attrs["axis"] in (0, (0,)) and len(op.inputs[0].dims or ()) == 2:
        return [op.inputs[0]], lambda rows: reshaped(reduce_sum(joined(next(rows)), 0), dims)
    if op.type == "Mul":
        same = next((t for t in op.inputs if lift(t) is not None and other_input(op, t).dims == dims), None)
        scaled = None if same is None else total(other_input(op, same), outer, lift)
        if scaled is not None:
            return scaled[0], lambda rows: scaled[1](rows) * lift(same)  # type: ignore[arg-type]
    if op.type in _LINEAR or op.definition.family == ALIAS and len(op.inputs) == 1:
        inside = total(op.inputs[0], outer, lift)
        if inside is not None:
            return inside[0], lambda rows: copied(outer, op, [inside[1](rows)]).output
    if len(dims or ()) == 2 and dims[0] == 1:  # type: ignore[index]  # a batch of one, whose sum is itself
        return [x], lambda rows: reshaped(reduce_sum(joined(next(rows)), 0), dims)
    return None


def other_input(op: Operation, t: Tensor) -> Tensor:
    """What a binary op takes besides `t`."""
    return op.inputs[1] if op.inputs[0] is t else op.inputs[0]


def joined(rows: Tensor) -> Tensor:
    """[steps, batch, n] as [steps * batch, n]."""
    assert rows.dims is not None
    return reshaped(rows, (rows.dims[0] * rows.dims[1], rows.dims[2]))
