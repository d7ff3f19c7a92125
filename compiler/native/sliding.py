"""A micro-kernel of depthwise convolutions, which reads each input once for all taps of a window's row."""
from __future__ import annotations

from collections import defaultdict
from functools import cache

from llvmlite import ir
from numba.core import cgutils

from .microkernel import VectorCode, i64, void_intrinsic


@cache
def sliding_kernel(dtype: str, mr: int, taps: int, stride: int, dilation: int):
    """An intrinsic that computes `mr` neighbouring outputs of up to a vector of channels.

    Its int64 arguments are `(a, a_pixel, a_segment, segments, left, width, b, b_tap, b_segment, c, c_row,
    columns)`: addresses a, b, c; strides in elements. It sets, for j < columns,

        C[i, j] = sum over s < segments and t < taps of A[q*a_pixel + s*a_segment + j] * B[t*b_tap + s*b_segment + j]

    with q = i*stride + t*dilation; pixels q outside [left, left + width) count as zeros and are not read.
    """
    def codegen(context, builder, signature, args):
        a, a_pixel, a_segment, segments, left, width, b, b_tap, b_segment, c, c_row, columns = args
        code = VectorCode(builder, dtype)
        a, b, c = (code.pointer(address) for address in (a, b, c))
        zeros = cgutils.global_constant(builder, f"zeros_{dtype}", code.zero)
        zeros = builder.bitcast(zeros, code.element.as_pointer())
        mask = code.mask(columns)
        uses = defaultdict(list)
        for i in range(mr):
            for t in range(taps):
                uses[i * stride + t * dilation].append((i, t))
        offsets = {q: builder.mul(a_pixel, i64(q)) for q in sorted(uses)}

        entry = builder.block
        segment, done = builder.append_basic_block("segment"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed(">", segments, i64(0)), segment, done)
        builder.position_at_end(segment)
        s = builder.phi(ir.IntType(64))
        s.add_incoming(i64(0), entry)
        sums = [builder.phi(code.vector) for _ in range(mr)]
        a_row = code.offset(a, builder.mul(s, a_segment))
        b_row = code.offset(b, builder.mul(s, b_segment))
        factors = [code.load(code.offset(b_row, builder.mul(b_tap, i64(t))), 0, mask) for t in range(taps)]
        updated = list(sums)
        for q, pairs in sorted(uses.items()):
            inside = builder.icmp_unsigned("<", builder.sub(i64(q), left), width)
            x = code.load(builder.select(inside, code.offset(a_row, offsets[q]), zeros), 0, mask)
            for i, t in pairs:
                updated[i] = code.multiply_add(x, factors[t], updated[i])
        following = builder.add(s, i64(1))
        s.add_incoming(following, segment)
        for total, value in zip(sums, updated, strict=True):
            total.add_incoming(code.zero, entry)
            total.add_incoming(value, segment)
        builder.cbranch(builder.icmp_signed("<", following, segments), segment, done)

        builder.position_at_end(done)
        results = [builder.phi(code.vector) for _ in range(mr)]
        for i, (result, value) in enumerate(zip(results, updated, strict=True)):
            result.add_incoming(code.zero, entry)
            result.add_incoming(value, segment)
            to = code.offset(c, builder.mul(c_row, i64(i)))
            code.store(result, to, 0, mask)
        return context.get_dummy_value()

    names = ["a", "a_pixel", "a_segment", "segments", "left", "width", "b", "b_tap", "b_segment", "c", "c_row",
             "columns"]
    return void_intrinsic(f"sliding_{dtype}_{mr}_{taps}_{stride}_{dilation}", names, codegen)
