"""What optimizers do with gradients before they use them. A table's gradient is kept by rows until it is added up."""
from __future__ import annotations

from collections.abc import Callable, Sequence

from ...compiler.ir import Operation, Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.gather import gather
from ...compiler.ops.reduction import reduce_sum
from ...compiler.ops.state import assign, read_variable
from ..variables import Variable


def squared(gradient: Tensor) -> Tensor:
    """The squares of a gradient. Of a table's gradient Keras squares the rows before it adds up those of one index."""
    return by_row(ew.square, gradient)


def by_row(function: Callable[..., Tensor], gradient: Tensor, *others: Tensor) -> Tensor:
    """`function` of a gradient and what has its shape: of a table's gradient, of its rows and those of the others."""
    op = gradient.op
    if not op.definition.fields.get("scatter"):
        return function(gradient, *others)
    rows, indices, *shape = op.inputs
    same_rows = (gather(other, indices, op.attrs["axis"]) for other in others)
    return op.definition(function(rows, *same_rows), indices, *shape, **op.attrs)


def _rows(gradient: Tensor) -> Tensor:
    """The rows of a table's gradient, one for each use; another gradient itself."""
    return gradient.op.inputs[0] if gradient.op.definition.fields.get("scatter") else gradient


def _scaled(gradient: Tensor, scale: Tensor) -> Tensor:
    return by_row(lambda rows: rows * ew.cast(scale, rows.dtype), gradient)


def clipped(grads: Sequence[Tensor], clipnorm: float | None, global_clipnorm: float | None,
            clipvalue: float | None) -> list[Tensor]:
    """Gradients whose norms (each, or all together) or elements are bounded. None and 0 bound nothing."""
    if clipnorm and clipnorm > 0:
        norms = [ew.sqrt(reduce_sum(ew.square(_rows(g)))) for g in grads]
        return [_scaled(g, clipnorm / ew.maximum(n, float(clipnorm))) for g, n in zip(grads, norms, strict=True)]
    if global_clipnorm and global_clipnorm > 0:
        squares = [reduce_sum(ew.square(_rows(g))) for g in grads]
        norm = ew.sqrt(sum(squares[1:], squares[0]))
        scale = global_clipnorm * ew.minimum(1 / norm, 1 / global_clipnorm) + (norm - norm)  # NaN for an infinite norm
        return [g * ew.cast(scale, g.dtype) for g in grads]  # rows are added up here, as Keras does
    if clipvalue and clipvalue > 0:
        bound = float(clipvalue)
        return [by_row(lambda rows: ew.minimum(ew.maximum(rows, -bound), bound), g) for g in grads]
    return list(grads)


def bounded_after(updates: list[Operation], variables: Sequence[Variable]) -> list[Operation]:
    """The operations that apply the variables' constraints once `updates` are done."""
    with variables[0].graph.control_dependencies(updates):
        return [assign(v.handle, v.constraint(read_variable(v.handle))).op for v in variables
                if v.constraint is not None]
