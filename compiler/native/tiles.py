"""Packing a panel of B, or tiles of A, into contiguous memory, so that a micro-kernel reads it as one stream.

A packed panel has a row of `nv` whole vectors for each k, zero beyond the matrix's columns. All intrinsics take int64
arguments `(source, stride, destination, depth, columns)`: addresses, a stride in elements, how many k, and how many
columns there are, in [1, nv * lanes(dtype)].
"""
from __future__ import annotations

from functools import cache

from numba.core import cgutils

from .vector_code import VectorCode, i64, void_intrinsic

# how many float32 ahead lines are fetched
AHEAD = 512
# columns of a block, and elements of a panel, that are not worth vectors
FEW, FEW_ELEMENTS = 4, 32
ARGUMENTS = ["source", "stride", "destination", "depth", "columns"]


@cache
def copy_panel(dtype: str, nv: int):
    """Pack row-major B: element (k, j) is at source[k*stride + j]."""
    def codegen(context, builder, signature, args):
        source, stride, destination, depth, columns = args
        code = VectorCode(builder, dtype)
        source, destination = code.pointer(source), code.pointer(destination)
        masks = [code.mask(columns, j * code.width) for j in range(nv)]
        with cgutils.for_range(builder, depth) as loop:
            row = code.offset(source, builder.mul(loop.index, stride))
            packed = code.offset(destination, builder.mul(loop.index, i64(nv * code.width)))
            for j, mask in enumerate(masks):
                code.store(code.load(row, j, mask), packed, j)
        return context.get_dummy_value()

    return void_intrinsic(f"copy_panel_{dtype}_{nv}", ARGUMENTS, codegen)


@cache
def copy_tiles(dtype: str, rows: int):
    """Pack transposed A in tiles of `rows` elements for each k: element (k, j) is at source[k*stride + j].

    One more argument, `apart`, is how many elements tiles are apart. There may be any number of columns: many tiles
    are written at once, so that what is read are long rows. A last tile that lacks columns is filled with zeros.
    """
    def codegen(context, builder, signature, args):
        source, stride, destination, depth, columns, apart = args
        code = VectorCode(builder, dtype)
        source, destination = code.pointer(source), code.pointer(destination)
        vectors = range(-(-rows // code.width))
        kept = [code.mask(i64(rows), j * code.width) if rows < (j + 1) * code.width else None for j in vectors]
        tiles = builder.udiv(builder.add(columns, i64(rows - 1)), i64(rows))
        with cgutils.for_range(builder, depth) as loop:
            row = code.offset(source, builder.mul(loop.index, stride))
            packed = code.offset(destination, builder.mul(loop.index, i64(rows)))
            with cgutils.for_range(builder, tiles) as tile:
                first = builder.mul(tile.index, i64(rows))
                count = code.minimum(builder.sub(columns, first), i64(rows))
                target = code.offset(packed, builder.mul(tile.index, apart))
                for j in vectors:
                    values = code.load(code.offset(row, first), j, code.mask(count, j * code.width))
                    code.store(values, target, j, kept[j])
        return context.get_dummy_value()

    return void_intrinsic(f"copy_tiles_{dtype}_{rows}", [*ARGUMENTS, "apart"], codegen)


@cache
def put_row():
    """Copy float32: its int64 arguments are `(source, target, count)`, two of them addresses.

    Lines of what follows the target are fetched, as by themselves stores wait for one another.
    """
    def codegen(context, builder, signature, args):
        code = VectorCode(builder, "f32")
        source, target = (code.pointer(address) for address in args[:2])
        width = i64(code.width)
        whole = builder.udiv(args[2], width)
        with cgutils.for_range(builder, whole) as loop:
            at = builder.mul(loop.index, width)
            to = code.offset(target, at)
            code.store(code.load(code.offset(source, at), 0), to, 0)
            code.prefetch(code.offset(to, i64(AHEAD)), 3, write=True)
        done, mask = builder.mul(whole, width), code.mask(builder.urem(args[2], width))
        code.store(code.load(code.offset(source, done), 0, mask), code.offset(target, done), 0, mask)
        return context.get_dummy_value()

    return void_intrinsic("put_row", ["source", "target", "count"], codegen)


@cache
def transpose_panel(dtype: str, nv: int):
    """Pack transposed B: element (k, j) is at source[j*stride + k]. The destination has `depth` rounded up to lanes.

    Square blocks as wide as a vector are transposed in registers: interleaving the rows that lie half a block apart,
    once for each bit of the width. A column past the last repeats it; it meets no column of C. Few elements are moved
    one by one.
    """
    def codegen(context, builder, signature, args):
        source, stride, destination, depth, columns = args
        code = VectorCode(builder, dtype)
        width = code.width
        source, destination = code.pointer(source), code.pointer(destination)
        last = builder.sub(columns, i64(1))
        row = i64(nv * width)
        few = builder.icmp_signed("<=", builder.mul(depth, columns), i64(FEW_ELEMENTS))
        with builder.if_else(few) as (one_by_one, by_blocks):
            with one_by_one, cgutils.for_range(builder, columns) as j, cgutils.for_range(builder, depth) as k:
                start = code.offset(source, builder.add(builder.mul(j.index, stride), k.index))
                end = code.offset(destination, builder.add(builder.mul(k.index, row), j.index))
                builder.store(builder.load(start, typ=code.element), end)
            with by_blocks:
                blocks = builder.udiv(builder.add(depth, i64(width - 1)), i64(width))
                with cgutils.for_range(builder, i64(nv)) as vectors:
                    first = builder.mul(vectors.index, i64(width))
                    starts = [code.offset(source, builder.mul(code.minimum(builder.add(first, i64(i)), last), stride))
                              for i in range(width)]
                    with cgutils.for_range(builder, blocks) as loop:
                        k = builder.mul(loop.index, i64(width))
                        mask = code.mask(builder.sub(depth, k))
                        block = transposed(code, [code.load(code.offset(start, k), 0, mask) for start in starts])
                        packed = code.offset(destination, builder.add(builder.mul(k, row), first))
                        for i, line in enumerate(block):
                            code.store(line, packed, i * nv)
        return context.get_dummy_value()

    return void_intrinsic(f"transpose_panel_{dtype}_{nv}", ARGUMENTS, codegen)


@cache
def transpose_block(dtype: str, width: int = 0):
    """Transpose up to `width` by `width` elements, by default as many as a vector has: (i, j) of source[i*row + j] goes
    to target[j*column + i].

    Its int64 arguments are `(source, row, target, column, rows, columns)`: addresses, strides in elements, and how many
    there are, at least 1. Few columns are moved one by one.
    """
    def codegen(context, builder, signature, args):
        source, row, target, column, rows, columns = args
        code = VectorCode(builder, dtype, width)
        source, target = code.pointer(source), code.pointer(target)
        last, done = builder.sub(rows, i64(1)), builder.append_basic_block("done")
        with builder.if_then(builder.icmp_signed("<", columns, i64(FEW))):
            with cgutils.for_range(builder, columns) as j, cgutils.for_range(builder, rows) as i:
                start = code.offset(source, builder.add(builder.mul(i.index, row), j.index))
                end = code.offset(target, builder.add(builder.mul(j.index, column), i.index))
                builder.store(builder.load(start, typ=code.element), end)
            builder.branch(done)
        inside, whole = code.mask(columns), code.mask(rows)
        starts = [code.offset(source, builder.mul(code.minimum(i64(i), last), row)) for i in range(code.width)]
        for j, vector in enumerate(transposed(code, [code.load(start, 0, inside) for start in starts])):
            if j >= FEW:
                more = builder.append_basic_block()
                builder.cbranch(builder.icmp_signed(">", columns, i64(j)), more, done)
                builder.position_at_end(more)
            code.store(vector, code.offset(target, builder.mul(column, i64(j))), 0, whole)
        builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    names = ["source", "row", "target", "column", "rows", "columns"]
    return void_intrinsic(f"transpose_block_{dtype}_{width}", names, codegen)


@cache
def copy_block(dtype: str):
    """Copy rows by columns of pieces of `count` elements that lie together, each piece column by column.

    Its int64 arguments are `(source, row, column, target, to_row, to_column, rows, columns, count)`: addresses, and
    steps in elements.
    """
    def codegen(context, builder, signature, args):
        source, row, column, target, to_row, to_column, rows, columns, count = args
        code = VectorCode(builder, dtype)
        source, target = code.pointer(source), code.pointer(target)
        whole = builder.mul(builder.udiv(count, i64(code.width)), i64(code.width))
        rest = builder.sub(count, whole)
        mask = code.mask(rest)
        with cgutils.for_range(builder, rows) as i, cgutils.for_range(builder, columns) as j:
            start, end = (code.offset(at, builder.add(builder.mul(i.index, a), builder.mul(j.index, b)))
                          for at, a, b in ((source, row, column), (target, to_row, to_column)))
            with cgutils.for_range_slice(builder, i64(0), whole, i64(code.width)) as (at, _):
                code.store(code.load(code.offset(start, at), 0), code.offset(end, at), 0)
            with builder.if_then(builder.icmp_signed(">", rest, i64(0))):
                code.store(code.load(code.offset(start, whole), 0, mask), code.offset(end, whole), 0, mask)
        return context.get_dummy_value()

    names = ["source", "row", "column", "target", "to_row", "to_column", "rows", "columns", "count"]
    return void_intrinsic(f"copy_block_{dtype}", names, codegen)


def transposed(code: VectorCode, rows: list) -> list:
    half = code.width // 2
    low = [lane for i in range(half) for lane in (i, code.width + i)]
    high = [lane + half for lane in low]
    for _ in range(code.width.bit_length() - 1):
        rows = [code.shuffle(rows[i], rows[i + half], lanes) for i in range(half) for lanes in (low, high)]
    return rows
