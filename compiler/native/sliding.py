"""Micro-kernels of depthwise convolutions and of their filters' gradients, which read each input once for all taps of a
window's row."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from llvmlite import ir
from numba.core import cgutils

from .vector_code import VectorCode, i64, void_intrinsic


class _Inputs:
    """The inputs in a row that `mr` outputs read: pixels outside [left, left + width) are zeros."""

    def __init__(self, code: VectorCode, mr: int, taps: int, stride: int, dilation: int, pixel: ir.Value,
                 left: ir.Value, width: ir.Value):
        builder = code.builder
        zeros = cgutils.global_constant(builder, f"zeros_{code.suffix}", code.zero)
        self.code, self.left, self.width = code, left, width
        self.zeros = builder.bitcast(zeros, code.element.as_pointer())
        self.uses = defaultdict(list)
        for i in range(mr):
            for t in range(taps):
                self.uses[i * stride + t * dilation].append((i, t))
        self.offsets = {q: builder.mul(pixel, i64(q)) for q in sorted(self.uses)}

    def load(self, row: ir.Value, mask: ir.Value) -> Iterator[tuple[ir.Value, list[tuple[int, int]]]]:
        """(a vector of an input, the outputs and taps that meet there), one after the other."""
        builder = self.code.builder
        for q, pairs in sorted(self.uses.items()):
            inside = builder.icmp_unsigned("<", builder.sub(i64(q), self.left), self.width)
            at = builder.select(inside, self.code.offset(row, self.offsets[q]), self.zeros)
            yield self.code.load(at, 0, mask), pairs


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
        mask, inputs = code.mask(columns), _Inputs(code, mr, taps, stride, dilation, a_pixel, left, width)

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
        for x, pairs in inputs.load(a_row, mask):
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


@cache
def sliding_gradient(dtype: str, mr: int, taps: int, stride: int, dilation: int):
    """An intrinsic that adds to the gradients of a row of taps what `mr` neighbouring outputs give, for up to a vector
    of channels.

    Its int64 arguments are `(a, a_pixel, a_segment, segments, left, width, b, b_pixel, b_segment, c, c_tap,
    columns)`: addresses a, b, c; strides in elements. It sets, for j < columns,

        C[t, j] += sum over s < segments and i < mr of A[q*a_pixel + s*a_segment + j] * B[i*b_pixel + s*b_segment + j]

    with q = i*stride + t*dilation; pixels q outside [left, left + width) count as zeros and are not read.
    """
    def codegen(context, builder, signature, args):
        a, a_pixel, a_segment, segments, left, width, b, b_pixel, b_segment, c, c_tap, columns = args
        code = VectorCode(builder, dtype)
        a, b, c = (code.pointer(address) for address in (a, b, c))
        mask, inputs = code.mask(columns), _Inputs(code, mr, taps, stride, dilation, a_pixel, left, width)
        places = [code.offset(c, builder.mul(c_tap, i64(t))) for t in range(taps)]
        start = [code.load(place, 0, mask) for place in places]

        entry = builder.block
        segment, done = builder.append_basic_block("segment"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed(">", segments, i64(0)), segment, done)
        builder.position_at_end(segment)
        s = builder.phi(ir.IntType(64))
        s.add_incoming(i64(0), entry)
        sums = [builder.phi(code.vector) for _ in start]
        b_row = code.offset(b, builder.mul(s, b_segment))
        shares = [code.load(code.offset(b_row, builder.mul(b_pixel, i64(i))), 0, mask) for i in range(mr)]
        updated = list(sums)
        for x, pairs in inputs.load(code.offset(a, builder.mul(s, a_segment)), mask):
            for i, t in pairs:
                updated[t] = code.multiply_add(x, shares[i], updated[t])
        following = builder.add(s, i64(1))
        s.add_incoming(following, segment)
        for total, first, value in zip(sums, start, updated, strict=True):
            total.add_incoming(first, entry)
            total.add_incoming(value, segment)
        last = builder.append_basic_block("last")
        builder.cbranch(builder.icmp_signed("<", following, segments), segment, last)

        builder.position_at_end(last)
        for value, place in zip(updated, places, strict=True):
            code.store(value, place, 0, mask)
        builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    names = ["a", "a_pixel", "a_segment", "segments", "left", "width", "b", "b_pixel", "b_segment", "c", "c_tap",
             "columns"]
    return void_intrinsic(f"sliding_gradient_{dtype}_{mr}_{taps}_{stride}_{dilation}", names, codegen)
