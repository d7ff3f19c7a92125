"""Winograd's minimal filtering (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): transforms
of vectors of channels.

A tile of m x m outputs is A^T ((G g G^T) * (B^T d B)) A for the n x n inputs d that it reads, n = m + r - 1, and the
r x r filter g: one product for each of n^2 points, of which the sums over channels are matrix products. The gradient of
the filter is, of those of outputs, G^T ((A y A^T) * (B^T d B)) G. A line is interpolated through points and infinity:
those near 1 keep the sums of float32 accurate, which err one to three times as much as direct ones.

Windows of a single row have tiles of a row (`flat`): A^T ((G g) * (B^T d)).

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

from .vector_code import VectorCode, i64, void_intrinsic

# the points for n inputs, besides infinity; pairs of +-p come last
POINTS = {4: (0.0, 1.0, -1.0), 5: (0.0, 0.5, sqrt(2), -sqrt(2)),
          6: (0.0, sqrt(0.5), -sqrt(0.5), sqrt(2), -sqrt(2))}
LAST = ["below", "beside", "corner"]
Rows = list[list[float]]


def transform_inputs(m: int, r: int, flat: bool = False):
    """An intrinsic that brings the channels of a tile's inputs to the points.

    Its int64 arguments are `(image, line, pixel, row, column, height, width, step, channels, target, apart, below,
    beside, corner)`: the address of an image and the elements from a pixel to those below and beside it, where the
    tile's inputs begin in it, its sizes, how many pixels are from one input to the next, how many channels, and to what
    address, for each point `apart` elements further, whole vectors of them go, zeros behind the last one. Points of the
    last row are `below` elements from there, those of the last column `beside`, and the one of both `corner`. Inputs
    outside the image are zeros.
    """
    return _to_points("inputs", m, m + r - 1, r, flat)


def transform_gradients(m: int, r: int, flat: bool = False):
    """The same for the gradients of a tile's outputs."""
    return _to_points("gradients", m, m, r, flat)


def transform_outputs(m: int, r: int, flat: bool = False):
    """An intrinsic that brings the filters of a tile from the points to its outputs.

    Its int64 arguments are `(source, apart, target, row, pixel, rows, columns, filters, below, beside, corner)`: the
    address of the first point and the elements to the next ones, that of the first output and the elements to those
    below and beside it, how many rows and columns of outputs there are to write, perhaps more than m, and filters, and
    where the last points are, as for the inputs.
    """
    return _from_points("outputs", m, m + r - 1, flat)


def transform_taps(m: int, r: int, flat: bool = False):
    """The same for the gradients of a filter's taps."""
    return _from_points("taps", r, m + r - 1, flat)


@cache
def _to_points(kind: str, m: int, size: int, r: int, flat: bool):
    n = m + r - 1
    high, point_rows = (1, 1) if flat else (size, n)
    rows = _inputs(n) if kind == "inputs" else _powers(n, m)

    def codegen(context, builder, signature, args):
        image, line, pixel, row, column, height, width, step, channels, target, apart, *last = args
        code = VectorCode(builder, "f32")
        zeros = cgutils.global_constant(builder, "zeros_f32", code.zero)
        zeros = builder.bitcast(zeros, code.element.as_pointer())
        inside = [[builder.icmp_unsigned("<", builder.add(first, builder.mul(step, i64(i))), end)
                   for i in range(count)] for first, end, count in ((row, height, high), (column, width, size))]
        beside = builder.mul(step, pixel)
        corner = code.offset(code.pointer(image), builder.add(builder.mul(row, line), builder.mul(column, pixel)))
        lines = [code.offset(corner, builder.mul(builder.mul(step, line), i64(i))) for i in range(high)]
        columns = [builder.mul(beside, i64(j)) for j in range(size)]
        places = _points(code, target, apart, point_rows, n, last)
        ahead = builder.mul(beside, i64(m))

        def bring(channel, bordered: bool) -> None:
            mask = code.mask(builder.sub(channels, channel)) if bordered else None

            def read(i: int, j: int) -> Any:
                at = code.offset(code.offset(lines[i], columns[j]), channel)
                if bordered:
                    at = builder.select(builder.and_(inside[0][i], inside[1][j]), at, zeros)
                elif j >= size - m:
                    code.prefetch(code.offset(at, ahead), 3)
                return code.load(at, 0, mask)

            _rectangle(code, _evaluate, rows, (high, size), (point_rows, n), read,
                       lambda i, j, value: code.store(value, code.offset(places[i][j], channel), 0))

        whole = _all(builder, [each[end] for each in inside for end in (0, -1)])
        _each_vector(code, channels, whole, bring)
        return context.get_dummy_value()

    names = ["image", "line", "pixel", "row", "column", "height", "width", "step", "channels", "target", "apart", *LAST]
    return void_intrinsic(f"winograd_{kind}_{m}_{r}_{flat}", names, codegen)


@cache
def _from_points(kind: str, size: int, n: int, flat: bool):
    rows = _powers(n, size, scaled=kind == "taps")
    high, point_rows = (1, 1) if flat else (size, n)

    def codegen(context, builder, signature, args):
        source, apart, target, row, pixel, height, width, filters, *last = args
        code = VectorCode(builder, "f32")
        inside = [[builder.icmp_signed("<", i64(i), end) for i in range(count)]
                  for end, count in ((height, high), (width, size))]
        target = code.pointer(target)
        lines = [code.offset(target, builder.mul(row, i64(i))) for i in range(high)]
        pixels = [builder.mul(pixel, i64(j)) for j in range(size)]
        places = _points(code, source, apart, point_rows, n, last)
        ahead = builder.mul(pixel, i64(size))

        def bring(filter, bordered: bool) -> None:
            left = builder.sub(filters, filter)

            def write(i: int, j: int, value: Any) -> None:
                at = code.offset(code.offset(lines[i], pixels[j]), filter)
                if not bordered:
                    code.prefetch(code.offset(at, ahead), 3, write=True)
                there = builder.and_(inside[0][i], inside[1][j])
                code.store(value, at, 0, code.mask(builder.select(there, left, i64(0))) if bordered else None)

            _rectangle(code, _interpolate, rows, (point_rows, n), (high, size),
                       lambda i, j: code.load(code.offset(places[i][j], filter), 0), write)

        _each_vector(code, filters, _all(builder, [each[-1] for each in inside]), bring)
        return context.get_dummy_value()

    names = ["source", "apart", "target", "row", "pixel", "rows", "columns", "filters", *LAST]
    return void_intrinsic(f"winograd_{kind}_{size}_{n}_{flat}", names, codegen)


@cache
def transform_filters(m: int, r: int, flat: bool = False):
    """An intrinsic that brings vectors of filters to the points.

    Its int64 arguments are `(source, tap, target, apart, vectors)`: the address of the first tap and the elements to
    the next ones, that of the first point and the elements to the next ones, and how many vectors each of them is.
    """
    def codegen(context, builder, signature, args):
        source, tap, target, apart, vectors = args
        code, n = VectorCode(builder, "f32"), m + r - 1
        taps, places = (_places(code, code.pointer(address), step, 1 if flat else size, size)
                        for address, step, size in ((source, tap, r), (target, apart, n)))
        with cgutils.for_range(builder, vectors) as loop:
            at = builder.mul(loop.index, i64(code.width))
            _rectangle(code, _evaluate, _powers(n, r, scaled=True), (len(taps), r), (len(places), n),
                       lambda i, j: code.load(code.offset(taps[i][j], at), 0),
                       lambda i, j, value: code.store(value, code.offset(places[i][j], at), 0))
        return context.get_dummy_value()

    return void_intrinsic(f"winograd_filters_{m}_{r}_{flat}", ["source", "tap", "target", "apart", "vectors"], codegen)


def _places(code: VectorCode, start: Any, apart: Any, rows: int, columns: int) -> list[list[Any]]:
    """Addresses, each so many elements from the one before."""
    return [[code.offset(start, code.builder.mul(apart, i64(i * columns + j))) for j in range(columns)]
            for i in range(rows)]


def _points(code: VectorCode, address: Any, apart: Any, rows: int, n: int, last: Sequence[Any]) -> list[list[Any]]:
    """The addresses of a tile's points, those of the last row, if there are several, and column moved by `LAST`."""
    places, (below, beside, corner) = _places(code, code.pointer(address), apart, rows, n), last
    for i, row in enumerate(places):
        is_last = i == rows - 1 > 0
        if is_last:
            row[:-1] = [code.offset(place, below) for place in row[:-1]]
        row[-1] = code.offset(row[-1], corner if is_last else beside)
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


def _rectangle(code: VectorCode, transform: Any, rows: Rows, size: tuple[int, int], result: tuple[int, int], read: Any,
               write: Any) -> None:
    """Transform the columns of a rectangle, unless it is a single row, then the rows of what that makes."""
    columns = [[read(i, j) for i in range(size[0])] for j in range(size[1])]
    if size[0] > 1:
        columns = [transform(code, rows, column) for column in columns]
    for i in range(result[0]):
        for j, value in enumerate(transform(code, rows, [column[i] for column in columns])):
            write(i, j, value)


def _inputs(n: int) -> Rows:
    """B^T: for each point the polynomial that is 0 at all others, for infinity the one that is 0 at all points."""
    points = POINTS[n]
    return [[*_polynomial([*points[:i], *points[i + 1:]]), 0.0] for i in range(n - 1)] + [_polynomial(points)]


def _powers(n: int, count: int, scaled: bool = False) -> Rows:
    """A, the powers of the points, or G: over what `_inputs` has too much there (`scaled`)."""
    points = POINTS[n]
    scales = [prod(point - other for other in points if other != point) if scaled else 1.0 for point in points]
    return ([[point ** power / scale for power in range(count)] for point, scale in zip(points, scales, strict=True)]
            + [[0.0] * (count - 1) + [1.0]])


def _polynomial(roots: Sequence[float]) -> list[float]:
    """The factors of 1, x, x^2 ... in the product of all x - root."""
    factors = [1.0]
    for root in roots:
        factors = [low - root * high for low, high in zip([0.0, *factors], [*factors, 0.0], strict=True)]
    return factors


def _evaluate(code: VectorCode, rows: Rows, vectors: Sequence[Any]) -> list[Any]:
    """The product of a row for each point and vectors: at +-p, what is even in p plus and minus what is odd."""
    return _plus_minus(code, [_sum(code, row, vectors) for row in _even_odd(rows)])


def _interpolate(code: VectorCode, rows: Rows, points: Sequence[Any]) -> list[Any]:
    """The product of the rows, transposed, and vectors at the points."""
    points = _plus_minus(code, points)
    return [_sum(code, factors, points) for factors in zip(*_even_odd(rows), strict=True)]


def _pairs(n: int) -> range:
    """The first of each pair of points."""
    return range(1 + n % 2, n - 1, 2)


def _even_odd(rows: Rows) -> Rows:
    """Half the sum and the difference of the rows of each pair of points."""
    rows = list(rows)
    for i in _pairs(len(rows)):
        plus, minus = rows[i:i + 2]
        rows[i:i + 2] = ([(x + sign * y) / 2 for x, y in zip(plus, minus, strict=True)] for sign in (1, -1))
    return rows


def _plus_minus(code: VectorCode, vectors: Sequence[Any]) -> list[Any]:
    """The sum and the difference of the vectors of each pair of points."""
    vectors = list(vectors)
    for i in _pairs(len(vectors)):
        x, y = vectors[i:i + 2]
        vectors[i:i + 2] = [code.builder.fadd(x, y), code.builder.fsub(x, y)]
    return vectors


def _sum(code: VectorCode, factors: Sequence[float], vectors: Sequence[Any]) -> Any:
    """Of vectors times factors; those with factor 1 come first, as they need no product."""
    terms = [(round(factor, 12), vector) for factor, vector in zip(factors, vectors, strict=True)]
    total = None
    for factor, vector in sorted((term for term in terms if term[0]), key=lambda term: term[0] != 1):
        constant = ir.Constant(code.vector, [ir.Constant(code.element, factor)] * code.width)
        if total is None:
            total = vector if factor == 1 else code.builder.fmul(vector, constant)
        else:
            total = (code.builder.fadd(total, vector) if factor == 1
                     else code.multiply_add(vector, constant, total))
    return total
