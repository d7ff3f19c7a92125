"""Kernels of cumulative ops: each element along an axis from the one before it."""
from __future__ import annotations

from collections.abc import Callable
from math import prod

from ..ir import Operation, Tensor
from ..native.processor import ELEMENT_BYTES
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
            for j in range(inner):
                total = load_{code}(out, base {sign} (k - 1) * inner + j, 1)
                element = load_{code}(x, {element} + j, 0)
                store_{code}(out, at + j, {code}({step}), 1)
'''

# where little stands after the axis, several scans at a time take a step each: their totals stay in registers, and
# do not wait for each other
NARROW, ABREAST = 16, 4
SCANS = '''    x = word(buffers, 0)
    out = word(buffers, 1)
    steps = word(dims, 0)
    inner = word(dims, 1)
    while end - begin >= {abreast}:
{several}
        begin += {abreast}
    while begin < end:
{one}
        begin += 1
'''
BEGIN = '''        base{i} = (begin + {i}) // inner * steps * inner + (begin + {i}) % inner{start}
        total{i} = {first}
        store_{code}(out, base{i}, total{i}, 1)'''
STEP = '''            at = base{i} {sign} k * inner
            element = load_{code}(x, {element}, 0)
            total{i} = {code}({step})
            store_{code}(out, at, total{i}, 1)'''

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
    narrow, sign = inner < NARROW, "-" if reverse else "+"
    if op.type == "Cumsum" and inner == 1 and ELEMENT_BYTES.get(code, 0) >= 4:
        source = PREFIXES.format(title=op.type, code=code, exclusive=exclusive, reverse=reverse, size=dtype.size)
    else:
        def scan(text: str, i: int | str, place: str) -> str:
            first = literal(identity(dtype), dtype) if exclusive else f"load_{code}(x, {place}, 0)"
            return text.format(
                i=i, code=code, sign=sign, start=" + (steps - 1) * inner" if reverse else "", first=first,
                element=f"at {'-' if sign == '+' else '+'} inner" if exclusive else "at",
                step=combine.format(f"total{i}", "element", t=code))

        def scans(count: int) -> str:
            begin, step = ([scan(text, i, f"base{i}") for i in range(count)] for text in (BEGIN, STEP))
            return "\n".join([*begin, "        for k in range(1, steps):", *step])

        body = SCANS.format(abreast=ABREAST, several=scans(ABREAST), one=scans(1)) if narrow else scan(
            SCAN, "", "base + j")
        names = sorted({"compiled", *calls(body)} - {"min"})
        source = HEADER.format(title=op.type, names=", ".join(names)) + body
    return [KernelCall(op.name, source, (x, op.output), (steps, inner), outer * inner if narrow else outer,
                       flops=prod(shape), nbytes=2 * prod(shape) * dtype.size, writes=(1,))]
