"""Kernels of cumulative ops: each element along an axis from the one before it."""
from __future__ import annotations

from collections.abc import Callable
from math import prod

from ..ir import Operation, Tensor
from .boxes import HEADER
from .emitter import literal
from .kernel import KernelCall
from .source import calls

# `first` is what the run starts with, `step` what follows from the total before it and an element
SCAN = '''    x = word(buffers, 0)
    out = word(buffers, 1)
    steps = word(dims, 0)
    inner = word(dims, 1)
    for task in range(begin, end):
        base = task * steps * inner{start}
        for j in range(inner):
            store_{code}(out, base + j, {first}, 1)
        for k in range(1, steps):
            at = base {sign} k * inner
            before = base {sign} (k - 1) * inner
            for j in range(inner):
                total = load_{code}(out, before + j, 1)
                element = load_{code}(x, {element} + j, 0)
                store_{code}(out, at + j, {code}({step}), 1)
'''


def lower_scan(op: Operation, shape_of: Callable[[Tensor], tuple[int, ...]]) -> list[KernelCall]:
    """Tasks are what stands before the axis; what stands after it is the inner loop."""
    x, shape, axis = op.inputs[0], shape_of(op.output), op.attrs["axis"]
    if not prod(shape):
        return []
    outer, steps, inner = prod(shape[:axis]), shape[axis], prod(shape[axis + 1:])
    exclusive, reverse = op.attrs["exclusive"], op.attrs["reverse"]
    dtype, (combine, identity) = x.dtype, op.definition.fields["scan"]
    code = dtype.code
    body = SCAN.format(
        code=code, sign="-" if reverse else "+", start=" + (steps - 1) * inner" if reverse else "",
        first=literal(identity(dtype), dtype) if exclusive else f"load_{code}(x, base + j, 0)",
        element="before" if exclusive else "at", step=combine.format("total", "element", t=code))
    names = sorted({"compiled", *calls(body)})
    source = HEADER.format(title=op.type, names=", ".join(names)) + body
    return [KernelCall(op.name, source, (x, op.output), (steps, inner), outer, flops=prod(shape),
                       nbytes=2 * prod(shape) * dtype.size, writes=(1,))]
