"""Dot products, whose vectors run along k: single rows times a vector, and tiles of few rows and columns."""
from __future__ import annotations

from functools import cache, reduce
from itertools import product

from llvmlite import ir
from numba.core import cgutils

from .vector_code import VectorCode, i64, void_intrinsic

# rows of dot products that do not fill a vector, and the sums that each then has
FEW_ROWS = 4


@cache
def dots(dtype: str):
    """An intrinsic that multiplies rows by a vector: target[i] = sum over k < depth of rows[i*stride + k] * x[k].

    Its int64 arguments are `(rows, stride, x, target, count, depth)`: addresses, a stride in elements. As many rows as
    a vector has lanes run side by side, then few, then one, with several sums each.
    """
    def codegen(context, builder, signature, args):
        rows, stride, x, target, count, depth = args
        code = VectorCode(builder, dtype)
        rows, x, target = (code.pointer(address) for address in (rows, x, target))
        width, few = code.width, min(FEW_ROWS, code.width)
        done, loops = i64(0), []
        for side, copies in ((width, 1), (few, FEW_ROWS), (1, FEW_ROWS)):
            begin, done = done, builder.mul(builder.sdiv(count, i64(side)), i64(side))
            loops.append((begin, done, side, copies))
        for begin, end, side, copies in loops:
            with cgutils.for_range_slice(builder, begin, end, i64(side)) as (first, _):
                places = [code.offset(rows, builder.mul(builder.add(first, i64(i)), stride)) for i in range(side)]
                sums = [[cgutils.alloca_once_value(builder, code.zero) for _ in places] for _ in range(copies)]
                done = i64(0)
                for step in (copies, 1) if copies > 1 else (1,):
                    stop = builder.mul(builder.sdiv(depth, i64(step * width)), i64(step * width))
                    with cgutils.for_range_slice(builder, done, stop, i64(step * width)) as (k, _):
                        for copy in range(step):
                            _add_dots(code, sums[copy], places, x, builder.add(k, i64(copy * width)))
                    done = stop
                rest = builder.sub(depth, done)
                with builder.if_then(builder.icmp_signed(">", rest, i64(0))):
                    _add_dots(code, sums[0], places, x, done, code.mask(rest))
                total = code.sums([reduce(code.add, map(builder.load, row)) for row in zip(*sums, strict=True)])
                VectorCode(builder, dtype, side).store(total, code.offset(target, first), 0)
        return context.get_dummy_value()

    return void_intrinsic(f"dots_{dtype}", ["rows", "stride", "x", "target", "count", "depth"], codegen)


def _add_dots(code: VectorCode, sums: list, rows: list, x, k, mask=None) -> None:
    """Add to the sums of rows what a vector of k contributes."""
    factor = code.load(code.offset(x, k), 0, mask)
    for total, row in zip(sums, rows, strict=True):
        product = code.multiply_add(code.load(code.offset(row, k), 0, mask), factor, code.builder.load(total))
        code.builder.store(product, total)


@cache
def dot_tile(dtype: str, most_rows: int, most_columns: int):
    """An intrinsic that computes up to so many rows and columns of C[i, j] = sum over k of A[i, k] * B[j, k].

    Its int64 arguments are `(a, a_row, b, b_column, c, c_row, rows, columns, depth)`: addresses, and steps in elements.
    Rows and columns beyond are the last one once more. Columns are at most a vector's lanes, a power of two.
    """
    def codegen(context, builder, signature, args):
        a, a_row, b, b_column, c, c_row, rows, columns, depth = args
        code = VectorCode(builder, dtype)
        part = VectorCode(builder, dtype, most_columns)

        def places(address, step, count, most: int) -> list:
            last = builder.sub(count, i64(1))
            return [code.offset(code.pointer(address), builder.mul(code.minimum(i64(i), last), step))
                    for i in range(most)]

        xs, ys, zs = (places(*side) for side in ((a, a_row, rows, most_rows), (b, b_column, columns, most_columns),
                                                 (c, c_row, rows, most_rows)))
        sums = [[cgutils.alloca_once(builder, code.vector) for _ in ys] for _ in xs]
        for total in (total for row in sums for total in row):
            builder.store(code.zero, total)

        def add(k: ir.Value, mask=None) -> None:
            factors = [code.load(code.offset(y, k), 0, mask) for y in ys]
            for x, row in zip(xs, sums, strict=True):
                value = code.load(code.offset(x, k), 0, mask)
                for factor, total in zip(factors, row, strict=True):
                    builder.store(code.multiply_add(value, factor, builder.load(total)), total)

        whole = builder.mul(builder.sdiv(depth, i64(code.width)), i64(code.width))
        with cgutils.for_range_slice(builder, i64(0), whole, i64(code.width)) as (k, _):
            add(k)
        rest = builder.sub(depth, whole)
        with builder.if_then(builder.icmp_signed(">", rest, i64(0))):
            add(whole, code.mask(rest))
        present = part.mask(columns)
        for row, z in zip(sums, zs, strict=True):
            part.store(code.sums([builder.load(total) for total in row]), z, 0, present)
        return context.get_dummy_value()

    return void_intrinsic(f"dot_tile_{dtype}_{most_rows}x{most_columns}",
                          ["a", "a_row", "b", "b_column", "c", "c_row", "rows", "columns", "depth"], codegen)


@cache
def dot_kernel(dtype: str, mr: int, columns: int):
    """An intrinsic that computes a tile of few columns, `mr` rows by `columns`, its vectors running along k.

    Its int64 arguments are
    `(a, a_row, a_segment, segments, segment_len, b, b_column, b_segment, c, c_row, accumulate)`, as `microkernel`'s:

        C[i, j] = (C[i, j] if accumulate else 0) + sum over s < segments and k < segment_len of
                  A[i*a_row + s*a_segment + k] * B[j*b_column + s*b_segment + k]
    """
    def codegen(context, builder, signature, args):
        a, a_row, a_segment, segments, length, b, b_column, b_segment, c, c_row, accumulate = args
        code = VectorCode(builder, dtype)
        a, b, c = (code.pointer(address) for address in (a, b, c))
        sums = [[cgutils.alloca_once_value(builder, code.zero) for _ in range(columns)] for _ in range(mr)]

        def add(offset_a, offset_b, mask=None):
            ys = [code.load(code.offset(b, builder.add(offset_b, builder.mul(b_column, i64(j)))), 0, mask)
                  for j in range(columns)]
            for i in range(mr):
                x = code.load(code.offset(a, builder.add(offset_a, builder.mul(a_row, i64(i)))), 0, mask)
                for total, y in zip(sums[i], ys, strict=True):
                    builder.store(code.multiply_add(x, y, builder.load(total)), total)

        whole = builder.sdiv(length, i64(code.width))
        done = builder.mul(whole, i64(code.width))
        rest = builder.sub(length, done)
        mask = code.mask(rest)
        with cgutils.for_range(builder, segments) as segment:
            at_a, at_b = builder.mul(segment.index, a_segment), builder.mul(segment.index, b_segment)
            with cgutils.for_range(builder, whole) as loop:
                k = builder.mul(loop.index, i64(code.width))
                add(builder.add(at_a, k), builder.add(at_b, k))
            with builder.if_then(builder.icmp_signed(">", rest, i64(0))):
                add(builder.add(at_a, done), builder.add(at_b, done), mask)
        kept = builder.icmp_signed("!=", accumulate, i64(0))
        for i, j in product(range(mr), range(columns)):
            target = code.offset(c, builder.add(builder.mul(c_row, i64(i)), i64(j)))
            total = code.sum(builder.load(sums[i][j]))
            with builder.if_else(kept) as (then, otherwise):
                with then:
                    builder.store(builder.fadd(builder.load(target, typ=code.element), total), target)
                with otherwise:
                    builder.store(total, target)
        return context.get_dummy_value()

    names = ["a", "a_row", "a_segment", "segments", "segment_len", "b", "b_column", "b_segment", "c", "c_row",
             "accumulate"]
    return void_intrinsic(f"dot_kernel_{dtype}_{mr}x{columns}", names, codegen)
