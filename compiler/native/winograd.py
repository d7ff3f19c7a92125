"""Winograd's minimal filtering of windows of 3 x 3 (Lavin and Gray, "Fast Algorithms for Convolutional Neural
Networks", 2016): transforms of vectors of channels.

A tile of m x m outputs is A^T ((G g G^T) * (B^T d B)) A for the m + 2 x m + 2 inputs d that it reads and the filter g:
one product for each of (m + 2)^2 points, of which the sums over channels are matrix products. A line is interpolated
through 0, pairs of points +-p, and infinity. Pairs that lie about 1 keep the sums of float32 accurate: with 0.5 and 2
for the squares, those of 4 x 4 err about 1.7 times as much as direct ones, and six times with 1 and 4.

Only the last row of a tile's outputs takes the points at infinity of the columns, its last column those of the rows: a
tile of a row or column less does without these.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import prod, sqrt
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from .microkernel import VectorCode, i64, void_intrinsic

# p * p of the pairs of points that tiles of m x m outputs take besides 0 and infinity
SQUARES = {2: (1.0,), 4: (0.5, 2.0)}
LAST = ["below", "beside", "corner"]


@cache
def transform_inputs(m: int):
    """An intrinsic that brings the channels of a tile's inputs to the points.

    Its int64 arguments are `(image, row, column, height, width, channels, target, apart, below, beside, corner)`: the
    address of an image and its sizes, where the tile's inputs begin in it, and to what address, for each point `apart`
    elements further, whole vectors of channels go, zeros behind the last one. Points of the last row are `below`
    elements from there, those of the last column `beside`, and the one of both `corner`. Inputs outside the image are
    zeros.
    """
    def codegen(context, builder, signature, args):
        image, row, column, height, width, channels, target, apart, *last = args
        code, n = VectorCode(builder, "f32"), m + 2
        zeros = cgutils.global_constant(builder, "zeros_f32", code.zero)
        zeros = builder.bitcast(zeros, code.element.as_pointer())
        inside = [[builder.icmp_unsigned("<", builder.add(first, i64(i)), size) for i in range(n)]
                  for first, size in ((row, height), (column, width))]
        pitch = builder.mul(width, channels)
        corner = code.offset(code.pointer(image), builder.add(builder.mul(row, pitch), builder.mul(column, channels)))
        rows = [code.offset(corner, builder.mul(pitch, i64(i))) for i in range(n)]
        columns = [builder.mul(channels, i64(j)) for j in range(n)]
        places = _points(code, target, apart, n, last)
        ahead = builder.mul(channels, i64(m))

        def bring(channel, bordered: bool) -> None:
            mask = code.mask(builder.sub(channels, channel)) if bordered else None

            def read(i: int, j: int) -> Any:
                at = code.offset(code.offset(rows[i], columns[j]), channel)
                if bordered:
                    at = builder.select(builder.and_(inside[0][i], inside[1][j]), at, zeros)
                elif j >= n - m:
                    code.prefetch(code.offset(at, ahead), 3)
                return code.load(at, 0, mask)

            _square(code, _inputs, m, n, n, read, lambda i, j, value: code.store(
                value, code.offset(places[i][j], channel), 0))

        whole = _all(builder, [each[end] for each in inside for end in (0, -1)])
        _each_vector(code, channels, whole, bring)
        return context.get_dummy_value()

    return void_intrinsic(f"winograd_inputs_{m}", ["image", "row", "column", "height", "width", "channels", "target",
                                                   "apart", *LAST], codegen)


@cache
def transform_outputs(m: int):
    """An intrinsic that brings the filters of a tile from the points to its outputs.

    Its int64 arguments are `(source, apart, target, row, pixel, rows, columns, filters, below, beside, corner)`: the
    address of the first point and the elements to the next ones, that of the first output and the elements to those
    below and beside it, how many rows and columns of outputs there are to write, perhaps more than m, and filters, and
    where the last points are, as for the inputs.
    """
    def codegen(context, builder, signature, args):
        source, apart, target, row, pixel, rows, columns, filters, *last = args
        code, n = VectorCode(builder, "f32"), m + 2
        inside = [[builder.icmp_signed("<", i64(i), size) for i in range(m)] for size in (rows, columns)]
        target = code.pointer(target)
        lines = [code.offset(target, builder.mul(row, i64(i))) for i in range(m)]
        pixels = [builder.mul(pixel, i64(j)) for j in range(m)]
        places = _points(code, source, apart, n, last)
        ahead = builder.mul(pixel, i64(m))

        def bring(filter, bordered: bool) -> None:
            left = builder.sub(filters, filter)

            def write(i: int, j: int, value: Any) -> None:
                at = code.offset(code.offset(lines[i], pixels[j]), filter)
                if not bordered:
                    code.prefetch(code.offset(at, ahead), 3, write=True)
                there = builder.and_(inside[0][i], inside[1][j])
                code.store(value, at, 0, code.mask(builder.select(there, left, i64(0))) if bordered else None)

            _square(code, _outputs, m, n, m, lambda i, j: code.load(code.offset(places[i][j], filter), 0), write)

        _each_vector(code, filters, _all(builder, [each[-1] for each in inside]), bring)
        return context.get_dummy_value()

    return void_intrinsic(f"winograd_outputs_{m}", ["source", "apart", "target", "row", "pixel", "rows", "columns",
                                                    "filters", *LAST], codegen)


@cache
def transform_filters(m: int):
    """An intrinsic that brings vectors of filters to the points.

    Its int64 arguments are `(source, tap, target, apart, vectors)`: the address of the first tap and the elements to
    the next ones, that of the first point and the elements to the next ones, and how many vectors each of them is.
    """
    def codegen(context, builder, signature, args):
        source, tap, target, apart, vectors = args
        code = VectorCode(builder, "f32")
        taps, places = (_places(code, code.pointer(address), step, n)
                        for address, step, n in ((source, tap, 3), (target, apart, m + 2)))
        with cgutils.for_range(builder, vectors) as loop:
            at = builder.mul(loop.index, i64(code.width))
            _square(code, _filters, m, 3, m + 2, lambda i, j: code.load(code.offset(taps[i][j], at), 0),
                    lambda i, j, value: code.store(value, code.offset(places[i][j], at), 0))
        return context.get_dummy_value()

    return void_intrinsic(f"winograd_filters_{m}", ["source", "tap", "target", "apart", "vectors"], codegen)


def _places(code: VectorCode, start: Any, apart: Any, n: int) -> list[list[Any]]:
    """n x n addresses, each so many elements from the one before."""
    return [[code.offset(start, code.builder.mul(apart, i64(i * n + j))) for j in range(n)] for i in range(n)]


def _points(code: VectorCode, address: Any, apart: Any, n: int, last: Sequence[Any]) -> list[list[Any]]:
    """The addresses of a tile's points, those of the last row and column moved by `LAST`."""
    places, (below, beside, corner) = _places(code, code.pointer(address), apart, n), last
    for i in range(n - 1):
        places[-1][i], places[i][-1] = code.offset(places[-1][i], below), code.offset(places[i][-1], beside)
    places[-1][-1] = code.offset(places[-1][-1], corner)
    return places


def _all(builder: ir.IRBuilder, conditions: Sequence[Any]) -> Any:
    every = conditions[0]
    for condition in conditions[1:]:
        every = builder.and_(every, condition)
    return every


def _each_vector(code: VectorCode, count: Any, whole: Any, bring: Any) -> None:
    """Whole vectors of a tile that is `whole`, then vectors that may be none."""
    builder, width = code.builder, i64(code.width)
    plain = builder.select(whole, builder.sdiv(count, width), i64(0))
    with cgutils.for_range(builder, plain) as loop:
        bring(builder.mul(loop.index, width), False)
    every = builder.sdiv(builder.add(count, i64(code.width - 1)), width)
    with cgutils.for_range(builder, builder.sub(every, plain)) as loop:
        bring(builder.mul(builder.add(loop.index, plain), width), True)


def _square(code: VectorCode, transform: Any, m: int, size: int, result: int, read: Any, write: Any) -> None:
    """Transform the columns of a square of this size, then the rows of what that makes."""
    columns = [transform(code, m, [read(i, j) for i in range(size)]) for j in range(size)]
    for i in range(result):
        for j, value in enumerate(transform(code, m, [column[i] for column in columns])):
            write(i, j, value)


def _inputs(code: VectorCode, m: int, d: list[Any]) -> list[Any]:
    """B^T d: of the polynomial that is 0 at all points, without its factor for one point each."""
    squares, even, odd = SQUARES[m], d[0::2], d[1::2]
    points = [_sum(code, _polynomial(squares), even)]
    for square in squares:
        others = _polynomial([other for other in squares if other != square])
        points += _plus_minus(code, _sum(code, others, even[1:]),
                              _sum(code, [sqrt(square) * factor for factor in others], odd[:-1]))
    return [*points, _sum(code, _polynomial(squares), odd)]


def _filters(code: VectorCode, m: int, g: list[Any]) -> list[Any]:
    """G g: the filter's polynomial at the points, over what `_inputs` has too much there."""
    squares = SQUARES[m]
    points = [_sum(code, [1 / _polynomial(squares)[0]], g[:1])]
    for square in squares:
        scale = 2 * square * prod(square - other for other in squares if other != square)
        points += _plus_minus(code, _sum(code, [1 / scale, square / scale], [g[0], g[2]]),
                              _sum(code, [sqrt(square) / scale], g[1:2]))
    return [*points, g[2]]


def _outputs(code: VectorCode, m: int, points: list[Any]) -> list[Any]:
    """A^T: output i sums the points' i-th powers."""
    squares = SQUARES[m]
    pairs = [_plus_minus(code, *points[at:at + 2]) for at in range(1, m, 2)]
    results = []
    for i in range(m):
        ends = [points[0]] * (i == 0) + [points[-1]] * (i == m - 1)
        powers = [square ** (i // 2) * (sqrt(square) if i % 2 else 1.0) for square in squares]
        results.append(_sum(code, [1.0] * len(ends) + powers, ends + [pair[i % 2] for pair in pairs]))
    return results


def _polynomial(squares: Sequence[float]) -> list[float]:
    """The factors of 1, x^2, x^4 ... in the product of all x^2 - square."""
    factors = [1.0]
    for square in squares:
        factors = [low - square * high for low, high in zip([0.0, *factors], [*factors, 0.0], strict=True)]
    return factors


def _plus_minus(code: VectorCode, x: Any, y: Any) -> list[Any]:
    return [code.builder.fadd(x, y), code.builder.fsub(x, y)]


def _sum(code: VectorCode, factors: Sequence[float], vectors: Sequence[Any]) -> Any:
    """Of vectors times factors; those with factor 1 come first, as they need no product."""
    total = None
    for factor, vector in sorted(zip(factors, vectors, strict=True), key=lambda term: term[0] != 1):
        constant = ir.Constant(code.vector, [ir.Constant(code.element, factor)] * code.width)
        if total is None:
            total = vector if factor == 1 else code.builder.fmul(vector, constant)
        else:
            total = (code.builder.fadd(total, vector) if factor == 1
                     else code.multiply_add(vector, constant, total))
    return total
