"""Sums over the short last axis of what is computed for pairs, such as distances of points in the plane.

Each is written out: sum_k f(a[i, k], b[j, k]) = f(a[i, 0], b[j, 0]) + f(a[i, 1], b[j, 1]) + ..., elementwise ops over
the pairs, whose loop is long and joins others, where the sum's was short.
"""
from __future__ import annotations

from collections.abc import Sequence

from ..ir import Operation, Tensor, default_graph
from ..opdef import ELEMENTWISE
from ..ops.slices import slice_axis

SHORT = 4  # of an axis that is written out
MOST = 8  # elementwise ops of a term


def write_out(op: Operation, inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """What replaces a sum of that kind that keeps its axes."""
    if op.type != "Sum" or not op.attrs["keepdims"] or not inputs[0].dims:
        return None
    x, last = inputs[0], len(inputs[0].dims) - 1
    size = x.dims[last]  # type: ignore[index]
    if op.attrs["axis"] not in (last, -1, (last,), (-1,)) or not isinstance(size, int) or not 1 < size <= SHORT:
        return None
    computed, leaves = _term(x)
    if not 0 < len(computed) <= MOST or not all(_is_repeated(t, x) for t in leaves):
        return None
    total = _column(x, computed, 0, {})
    for k in range(1, size):
        total = total + _column(x, computed, k, {})
    return [total]


def _term(x: Tensor) -> tuple[set[Operation], set[Tensor]]:
    """The elementwise ops that compute `x`, unless they are more than MOST, and what these read."""
    computed: set[Operation] = set()
    leaves: set[Tensor] = set()
    stack = [x]
    while stack and len(computed) <= MOST:
        t = stack.pop()
        if t.op.definition.family != ELEMENTWISE or t.op.control_inputs:
            leaves.add(t)
        elif t.op not in computed:
            computed.add(t.op)
            stack += t.op.inputs
    return computed, leaves


def _is_repeated(leaf: Tensor, x: Tensor) -> bool:
    """Whether several pairs share each element."""
    if leaf.dims is None or x.dims is None:
        return False
    wide = (*(1,) * (len(x.dims) - len(leaf.dims)), *leaf.dims)
    return any(isinstance(d, int) and d == 1 and d != whole for d, whole in zip(wide[:-1], x.dims[:-1], strict=True))


def _column(x: Tensor, computed: set[Operation], k: int, known: dict[Tensor, Tensor]) -> Tensor:
    """Element `k` of the last axis, which stays as one of size 1."""
    if not x.dims or isinstance(x.dims[-1], int) and x.dims[-1] == 1:
        return x
    if x not in known:
        if x.op in computed:
            inputs = [_column(t, computed, k, known) for t in x.op.inputs]
            known[x] = default_graph().add(x.op.definition, inputs, x.op.attrs, x.op.type).output
        else:
            known[x] = slice_axis(x, len(x.dims) - 1, k, 1)
    return known[x]
