"""Kernels of cumulative ops: each element along an axis from the one before it."""
from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from ..ir import Operation, Tensor
from ..native.processor import ELEMENT_BYTES
from .boxes import HEADER
from .emitter import literal
from .kernel import KernelCall, Scratch
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
            for j in range(inner):
                total = load_{code}(out, base {sign} (k - 1) * inner + j, 1)
                element = load_{code}(x, {element} + j, 0)
                store_{code}(out, at + j, {code}({step}), 1)
'''

# where little stands after the axis, several scans at a time take a step each: their totals do not wait for each other
ABREAST = 16
SCANS = '''    x = word(buffers, 0)
    out = word(buffers, 1)
    totals = word(buffers, 2) + lane * {abreast} * 16
    bases = totals + {abreast} * 8
    steps = word(dims, 0)
    inner = word(dims, 1)
    while begin < end:
        count = min({abreast}, end - begin)
        for i in range(count):
            scan = begin + i
            base = scan // inner * steps * inner + scan % inner{start}
            total = {first}
            store_i64(bases, i, base, 3)
            store_{code}(totals, i, total, 2)
            store_{code}(out, base, total, 1)
        for k in range(1, steps):
            for i in range(count):
                at = load_i64(bases, i, 3) {sign} k * inner
                total = load_{code}(totals, i, 2)
                element = load_{code}(x, {element}, 0)
                total = {code}({step})
                store_{code}(totals, i, total, 2)
                store_{code}(out, at, total, 1)
        begin += count
'''

# of up to three scans the total stays in a register: a step waits for an addition only
ALONE = '''    x = word(buffers, 0)
    out = word(buffers, 1)
    steps = word(dims, 0)
    inner = word(dims, 1)
    for scan in range(begin, end):
        base = scan // inner * steps * inner + scan % inner{start}
        total = {first}
        store_{code}(out, base, total, 1)
        for k in range(1, steps):
            at = base {sign} k * inner
            element = load_{code}(x, {element}, 0)
            total = {code}({step})
            store_{code}(out, at, total, 1)
'''

# sums along the last axis are sums of vectors (native/prefix.py), products are not: of many of them together one may
# overflow that a 0 or small number before it keeps finite
PREFIXES = '''"""{title}"""
from graphflow.compiler.native.prelude import compiled, word
from graphflow.compiler.native.prefix import prefix_sums

prefix = prefix_sums({code!r}, {exclusive}, {reverse})


@compiled
def kernel(buffers, dims, begin, end, lane):
    x = word(buffers, 0)
    out = word(buffers, 1)
    steps = word(dims, 0)
    for scan in range(begin, end):
        base = scan * steps * {size}
        prefix(x + base, out + base, steps)
'''


def lower_scan(op: Operation, shape_of: Callable[[Tensor], tuple[int, ...]]) -> list[KernelCall]:
    """Tasks are what stands before the axis, and what stands after it is the inner loop; or else the scans."""
    x, shape, axis = op.inputs[0], shape_of(op.output), op.attrs["axis"]
    if not prod(shape):
        return []
    outer, steps, inner = prod(shape[:axis]), shape[axis], prod(shape[axis + 1:])
    exclusive, reverse = op.attrs["exclusive"], op.attrs["reverse"]
    dtype, (combine, identity) = x.dtype, op.definition.fields["scan"]
    code = dtype.code
    abreast, sign = inner < ABREAST, "-" if reverse else "+"
    alone = outer * inner <= 3
    buffers: tuple[Any, ...] = (x, op.output)
    if op.type == "Cumsum" and inner == 1 and ELEMENT_BYTES.get(code, 0) >= 4:
        source = PREFIXES.format(title=op.type, code=code, exclusive=exclusive, reverse=reverse, size=dtype.size)
    else:
        first = literal(identity(dtype), dtype) if exclusive else f"load_{code}(x, base{'' if abreast else ' + j'}, 0)"
        body = (ALONE if alone else SCANS if abreast else SCAN).format(
            code=code, sign=sign, start=" + (steps - 1) * inner" if reverse else "", abreast=ABREAST, first=first,
            element=f"at {'-' if sign == '+' else '+'} inner" if exclusive else "at",
            step=combine.format("total", "element", t=code))
        names = sorted({"compiled", *calls(body)} - {"min"})
        source = HEADER.format(title=op.type, names=", ".join(names)) + body
        if abreast and not alone:
            buffers += (Scratch(16 * ABREAST, per_lane=True),)
    return [KernelCall(op.name, source, buffers, (steps, inner), outer * inner if abreast else outer,
                       flops=prod(shape), nbytes=2 * prod(shape) * dtype.size, writes=tuple(range(1, len(buffers))))]
