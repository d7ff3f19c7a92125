"""Tiles of few rows and columns, each element a dot product whose vectors run along k."""
from __future__ import annotations

from functools import cache

from llvmlite import ir
from numba.core import cgutils

from .microkernel import VectorCode, i64, void_intrinsic


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
