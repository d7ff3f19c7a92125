"""Micro-kernels of depthwise convolutions and of their filters' gradients, which read each input once for all taps of a
window's row, or once for all taps of a window."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from llvmlite import ir
from numba.core import cgutils

from .vector_code import VectorCode, i64, void_intrinsic


class _Inputs:
    """The inputs in a row that `mr` outputs read: pixels outside [left, left + width) are zeros.

    A vector has the first of `columns` elements, each `times` one after the other.
    """

    def __init__(self, code: VectorCode, mr: int, taps: int, stride: int, dilation: int, pixel: ir.Value,
                 left: ir.Value, width: ir.Value, columns: ir.Value, times: int = 1):
        builder = code.builder
        self.times = times
        self.mask = code.mask(builder.udiv(builder.add(columns, i64(times - 1)), i64(times)))
        zeros = cgutils.global_constant(builder, f"zeros_{code.suffix}", code.zero)
        self.code, self.left, self.width = code, left, width
        self.zeros = builder.bitcast(zeros, code.element.as_pointer())
        self.uses = defaultdict(list)
        for i in range(mr):
            for t in range(taps):
                self.uses[i * stride + t * dilation].append((i, t))
        self.offsets = {q: builder.mul(pixel, i64(q)) for q in sorted(self.uses)}

    def load(self, row: ir.Value) -> Iterator[tuple[ir.Value, list[tuple[int, int]]]]:
        """(a vector of an input, the outputs and taps that meet there), one after the other."""
        code, builder = self.code, self.code.builder
        for q, pairs in sorted(self.uses.items()):
            inside = builder.icmp_unsigned("<", builder.sub(i64(q), self.left), self.width)
            x = code.load(builder.select(inside, code.offset(row, self.offsets[q]), self.zeros), 0, self.mask)
            yield code.shuffle(x, x, [lane // self.times for lane in range(code.width)]), pairs


def _over(segments: ir.Value, start: Sequence[ir.Value], step: Callable[[ir.Value, list[ir.Value]], list[ir.Value]],
          builder: ir.IRBuilder) -> list[ir.Value]:
    """What sums that `start` so are after `step`, which is given each of the segments and the sums before it."""
    entry = builder.block
    segment, done = builder.append_basic_block("segment"), builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed(">", segments, i64(0)), segment, done)
    builder.position_at_end(segment)
    s = builder.phi(ir.IntType(64))
    s.add_incoming(i64(0), entry)
    sums = [builder.phi(first.type) for first in start]
    updated = step(s, list(sums))
    following = builder.add(s, i64(1))
    s.add_incoming(following, segment)
    builder.cbranch(builder.icmp_signed("<", following, segments), segment, done)
    builder.position_at_end(done)
    results = [builder.phi(first.type) for first in start]
    for total, result, first, value in zip(sums, results, start, updated, strict=True):
        for phi in (total, result):
            phi.add_incoming(first, entry)
            phi.add_incoming(value, segment)
    return results


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
        mask = code.mask(columns)
        inputs = _Inputs(code, mr, taps, stride, dilation, a_pixel, left, width, columns)

        def step(s, sums):
            a_row = code.offset(a, builder.mul(s, a_segment))
            b_row = code.offset(b, builder.mul(s, b_segment))
            factors = [code.load(code.offset(b_row, builder.mul(b_tap, i64(t))), 0, mask) for t in range(taps)]
            for x, pairs in inputs.load(a_row):
                for i, t in pairs:
                    sums[i] = code.multiply_add(x, factors[t], sums[i])
            return sums

        for i, total in enumerate(_over(segments, [code.zero] * mr, step, builder)):
            code.store(total, code.offset(c, builder.mul(c_row, i64(i))), 0, mask)
        return context.get_dummy_value()

    names = ["a", "a_pixel", "a_segment", "segments", "left", "width", "b", "b_tap", "b_segment", "c", "c_row",
             "columns"]
    return void_intrinsic(f"sliding_{dtype}_{mr}_{taps}_{stride}_{dilation}", names, codegen)


@cache
def rolling_kernel(dtype: str, mr: int, taps: tuple[int, int], strides: tuple[int, int], dilation: int,
                   times: int):
    """An intrinsic that computes `mr` neighbouring outputs of up to a vector of channels in each of some rows,
    downwards: a row of inputs is read once, and adds to the outputs of all rows that it meets, which are in registers.

    Its int64 arguments are `(a, a_pixel, a_row, pad, height, left, width, b, b_tap, b_row, c, c_pixel, c_row, top,
    bottom, columns)`: addresses a, b, c; strides in elements. It sets, for top <= o < bottom and j < columns,

        C[o - top, i, j] = sum over taps t, u of A[q*a_pixel + h*a_row + j//times] * B[t*b_row + u*b_tap + j]

    with h = o*strides[0] + t - pad and q = i*strides[1] + u*dilation; rows h outside [0, height) and pixels q outside
    [left, left + width) count as zeros and are not read.
    """
    (taps_h, taps_w), (stride_h, stride_w) = taps, strides
    depth = -(-taps_h // stride_h)  # rows of outputs that a row of inputs meets

    def codegen(context, builder, signature, args):
        (a, a_pixel, a_row, pad, height, left, width, b, b_tap, b_row, c, c_pixel, c_row, top, bottom,
         columns) = args
        code = VectorCode(builder, dtype)
        a, b, c = (code.pointer(address) for address in (a, b, c))
        mask = code.mask(columns)
        inputs = _Inputs(code, mr, taps_w, stride_w, dilation, a_pixel, left, width, columns, times)
        # side by side, so that the inputs leave them in the first-level cache, wherever they come from
        kept = cgutils.alloca_once(builder, ir.ArrayType(code.vector, taps_h * taps_w))
        kept.align = code.width * code.size
        factors = builder.bitcast(kept, code.element.as_pointer())
        for t in range(taps_h):
            for u in range(taps_w):
                at = code.offset(b, builder.add(builder.mul(b_row, i64(t)), builder.mul(b_tap, i64(u))))
                code.store(code.load(at, 0, mask), factors, t * taps_w + u)
        # of the outputs d rows above the one that begins; LLVM puts them in registers
        sums = [[cgutils.alloca_once_value(builder, code.zero) for _ in range(mr)] for _ in range(depth)]

        def begin(row):
            for total in sums[0]:
                builder.store(code.zero, total)

        def meet(d, t, loaded):
            for u in range(taps_w):
                factor = code.load(factors, t * taps_w + u)
                for x, pairs in loaded:
                    for i in (i for i, tap in pairs if tap == u):
                        builder.store(code.multiply_add(x, factor, builder.load(sums[d][i])), sums[d][i])

        def end(row):
            to = code.offset(c, builder.mul(row, c_row))
            for i, total in enumerate(sums[-1]):
                code.store(builder.load(total), code.offset(to, builder.mul(c_pixel, i64(i))), 0, mask)

        _roll(inputs, (a, a_row, pad, height, top, bottom), (taps_h, stride_h), sums, begin, meet, end)
        return context.get_dummy_value()

    names = ["a", "a_pixel", "a_row", "pad", "height", "left", "width", "b", "b_tap", "b_row", "c", "c_pixel", "c_row",
             "top", "bottom", "columns"]
    return void_intrinsic(f"rolling_{dtype}_{mr}_{taps_h}_{taps_w}_{stride_h}_{stride_w}_{dilation}_{times}", names,
                          codegen)


def _roll(inputs: _Inputs, rows: tuple[ir.Value, ...], taps: tuple[int, int],
          lines: list[list[ir.Value]], begin: Callable[[ir.Value], None], meet: Callable[[int, int, list], None],
          end: Callable[[ir.Value], None] = lambda row: None) -> None:
    """Goes down the `rows` (a, a_row, pad, height, top, bottom) of inputs that outputs meet by `taps` (taps, stride):
    `begin` a row of outputs, counted from the top, in lines[0], `meet` with lines[d] by tap t what was loaded, `end`
    the row in the last line."""
    a, a_row, pad, height, top, bottom = rows
    (taps_h, stride), depth, code, builder = taps, len(lines), inputs.code, inputs.code.builder
    count = builder.sub(bottom, top)
    with cgutils.for_range(builder, builder.add(count, i64(depth - 1))) as loop:
        live = [builder.icmp_unsigned("<", builder.sub(loop.index, i64(d)), count) for d in range(depth)]
        first = builder.sub(builder.mul(builder.add(top, loop.index), i64(stride)), pad)
        with builder.if_then(live[0]):
            begin(loop.index)
        for j in range(min(stride, taps_h)):
            h = builder.add(first, i64(j))
            with builder.if_then(builder.icmp_unsigned("<", h, height)):
                loaded = list(inputs.load(code.offset(a, builder.mul(h, a_row))))
                for d, t in enumerate(range(j, taps_h, stride)):
                    with builder.if_then(live[d]):
                        meet(d, t, loaded)
        with builder.if_then(live[-1]):
            end(builder.sub(loop.index, i64(depth - 1)))
        for below, line in zip(lines[-2::-1], lines[:0:-1], strict=True):
            for value, slot in zip(below, line, strict=True):
                builder.store(builder.load(value), slot)


@cache
def sliding_gradient(dtype: str, mr: int, taps: int, stride: int, dilation: int):
    """An intrinsic that adds to the gradients of a row of taps what up to `mr` neighbouring outputs give, for up to a
    vector of channels.

    Its int64 arguments are `(a, a_pixel, a_segment, segments, left, width, b, b_pixel, b_segment, pixels, c, c_tap,
    columns)`: addresses a, b, c; strides in elements. It sets, for j < columns, with i < min(mr, pixels),

        C[t, j] += sum over s < segments and i of A[q*a_pixel + s*a_segment + j] * B[i*b_pixel + s*b_segment + j]

    with q = i*stride + t*dilation; pixels q outside [left, left + width) count as zeros and are not read.
    """
    def codegen(context, builder, signature, args):
        a, a_pixel, a_segment, segments, left, width, b, b_pixel, b_segment, pixels, c, c_tap, columns = args
        code = VectorCode(builder, dtype)
        a, b, c = (code.pointer(address) for address in (a, b, c))
        mask = code.mask(columns)
        inputs = _Inputs(code, mr, taps, stride, dilation, a_pixel, left, width, columns)
        outputs = _Inputs(code, mr, 1, 1, 1, b_pixel, i64(0), pixels, columns)
        places = [code.offset(c, builder.mul(c_tap, i64(t))) for t in range(taps)]
        start = [code.load(place, 0, mask) for place in places]

        def step(s, sums):
            b_row = code.offset(b, builder.mul(s, b_segment))
            shares = [share for share, _ in outputs.load(b_row)]
            for x, pairs in inputs.load(code.offset(a, builder.mul(s, a_segment))):
                for i, t in pairs:
                    sums[t] = code.multiply_add(x, shares[i], sums[t])
            return sums

        for total, place in zip(_over(segments, start, step, builder), places, strict=True):
            code.store(total, place, 0, mask)
        return context.get_dummy_value()

    names = ["a", "a_pixel", "a_segment", "segments", "left", "width", "b", "b_pixel", "b_segment", "pixels", "c",
             "c_tap", "columns"]
    return void_intrinsic(f"sliding_gradient_{dtype}_{mr}_{taps}_{stride}_{dilation}", names, codegen)


@cache
def rolling_gradient(dtype: str, mr: int, taps: tuple[int, int], strides: tuple[int, int], dilation: int,
                     times: int):
    """An intrinsic that adds to the gradients of a window's taps what up to `mr` neighbouring outputs in each of some
    rows give, downwards, for up to a vector of channels: a row of inputs is read once, and meets the rows of outputs in
    registers.

    Its int64 arguments are `(a, a_pixel, a_row, pad, height, left, width, b, b_pixel, b_row, pixels, c, c_tap, top,
    bottom, columns)`: addresses a, b, c; strides in elements. It sets, for j < columns, with i < min(mr, pixels),

        C[t, u, j] += sum over top <= o < bottom and i of
            A[q*a_pixel + h*a_row + j//times] * B[i*b_pixel + (o-top)*b_row + j]

    with h, q and what counts as zeros as in `rolling_kernel`; taps [t, u] are c_tap apart, by rows.
    """
    (taps_h, taps_w), (stride_h, stride_w) = taps, strides

    def codegen(context, builder, signature, args):
        (a, a_pixel, a_row, pad, height, left, width, b, b_pixel, b_row, pixels, c, c_tap, top, bottom,
         columns) = args
        code = VectorCode(builder, dtype)
        a, b, c = (code.pointer(address) for address in (a, b, c))
        mask = code.mask(columns)
        inputs = _Inputs(code, mr, taps_w, stride_w, dilation, a_pixel, left, width, columns, times)
        outputs = _Inputs(code, mr, 1, 1, 1, b_pixel, i64(0), pixels, columns)
        lines = [[cgutils.alloca_once_value(builder, code.zero) for _ in range(mr)]
                 for _ in range(-(-taps_h // stride_h))]
        places = [code.offset(c, builder.mul(c_tap, i64(t))) for t in range(taps_h * taps_w)]
        sums = [cgutils.alloca_once_value(builder, code.load(place, 0, mask)) for place in places]

        def begin(row):
            loaded = outputs.load(code.offset(b, builder.mul(row, b_row)))
            for (value, _), slot in zip(loaded, lines[0], strict=True):
                builder.store(value, slot)

        def meet(d, t, loaded):
            for x, pairs in loaded:
                for i, u in pairs:
                    total = sums[t * taps_w + u]
                    builder.store(code.multiply_add(x, builder.load(lines[d][i]), builder.load(total)), total)

        _roll(inputs, (a, a_row, pad, height, top, bottom), (taps_h, stride_h), lines, begin, meet)
        for total, place in zip(sums, places, strict=True):
            code.store(builder.load(total), place, 0, mask)
        return context.get_dummy_value()

    names = ["a", "a_pixel", "a_row", "pad", "height", "left", "width", "b", "b_pixel", "b_row", "pixels", "c", "c_tap",
             "top", "bottom", "columns"]
    return void_intrinsic(f"rolling_gradient_{dtype}_{mr}_{taps_h}_{taps_w}_{stride_h}_{stride_w}_{dilation}_{times}",
                          names, codegen)
