"""Products stay matrices: what gives their rows more axes sinks below what works element by element.

Bias and activation of a layer over sequences, or of projections split into heads, then join the product.
"""
from __future__ import annotations

from collections.abc import Sequence

from .. import dims as dm
from ..dims import DimLike
from ..ir import Operation, Tensor, default_graph
from ..opdef import ALIAS, CONTRACTION, ELEMENTWISE
from ..shapes import Dims
from .rewrite import reshaped


def sink_reshape(op: Operation, inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """What replaces an elementwise op of products in a shape of more axes, and of vectors along the last of these."""
    dims = op.outputs[0].dims
    if op.definition.family != ELEMENTWISE or dims is None or len(op.outputs) != 1:
        return None
    matrix = next((t.op.inputs[0] for t in inputs if t.dims == dims and _is_matrix(t)), None)
    if matrix is None or matrix.dims is None:
        return None
    rank = next((n for n in range(1, len(dims)) if dm.product(dims[-n:]) == matrix.dims[1]), 0)
    operands = [_flat(t, dims, matrix.dims, dims[-rank:]) for t in inputs]
    if not rank or any(t is None for t in operands):
        return None
    below = default_graph().add(op.definition, operands, op.attrs, op.type).output  # type: ignore[arg-type]
    return [reshaped(below, dims)]


def _is_matrix(x: Tensor) -> bool:
    """Whether it is a product, or made of one element by element, in another shape. One that sums over rows is the
    gradient of a weight, which an optimizer reads in the shape of that."""
    if x.op.definition.family != ALIAS or len(x.op.inputs) != 1 or x.op.control_inputs:
        return False
    source = x.op.inputs[0]
    return len(source.dims or ()) == 2 and (source.op.definition.family == ELEMENTWISE or (
        source.op.definition.family == CONTRACTION and not source.op.attrs["transpose_a"]))


def _flat(x: Tensor, dims: Dims, matrix: Dims, last: Dims) -> Tensor | None:
    """The operand as a matrix, a vector or a scalar."""
    if x.dims == dims:
        return x.op.inputs[0] if _is_matrix(x) and x.op.inputs[0].dims == matrix else None
    one: DimLike = 1
    if x.dims == () or x.dims is None:
        return x if x.dims == () else None
    return reshaped(x, matrix[1:]) if x.dims in (last, (*(one,) * (len(dims) - len(last)), *last)) else None
