"""Matrix products: C[batch..., m, n] = A B, as calls of generated kernels.

The general kernel walks the tiles of C panel by panel (a panel is as many columns as a tile is wide). A run of tiles of
one panel first packs the panel of B into scratch of its lane, a block of k at a time, so that the micro-kernel streams
it from cache; A is read in place. Packing costs 1/m of the product, so a few rows use B where it lies. Vectors have
kernels of their own, bound by memory.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any

from ..native.processor import ELEMENT_BYTES, isa, lanes
from .epilogue import Epilogue
from .kernel import KernelCall, Scratch

NATIVE = "graphflow.compiler.native"
# k per packed block: 1024 steps of 48 float32 columns are 192 KiB, well inside a second-level cache
BLOCK_DEPTH = 1024
# rows of C below which B is not worth packing
PACK_ROWS = 8


@dataclass(frozen=True)
class Product:
    """One matrix product with concrete sizes. Strides count elements; `a_batch` and `b_batch` have one per `batch`."""

    a: Any
    b: Any
    c: Any
    dtype: str
    m: int
    n: int
    k: int
    batch: tuple[int, ...]
    a_batch: tuple[int, ...]
    b_batch: tuple[int, ...]
    a_row: int
    a_k: int
    b_k: int
    b_column: int

    @property
    def flops(self) -> int:
        return 2 * prod(self.batch) * self.m * self.n * self.k


def lower_gemm(a, b, c, *, dtype: str, m: int, n: int, k: int, batch: Sequence[int] = (),
               a_batch_strides: Sequence[int] = (), b_batch_strides: Sequence[int] = (), transpose_a: bool = False,
               transpose_b: bool = False, epilogue: Epilogue | None = None, threads: int = 2) -> list[KernelCall]:
    a_row, a_k = (1, m) if transpose_a else (k, 1)
    b_k, b_column = (1, k) if transpose_b else (n, 1)
    product = Product(a, b, c, dtype, m, n, k, tuple(batch), tuple(a_batch_strides), tuple(b_batch_strides),
                      a_row, a_k, b_k, b_column)
    return [_tiled(product, epilogue)]


def _tiled(p: Product, epilogue):
    nv, width = isa().nv, lanes(p.dtype)
    transposed = p.b_column != 1
    pack = transposed or p.m > PACK_ROWS
    vectors = ceil(p.n / width)
    wide, panels = panel_counts(vectors, nv)
    blocks = max(1, ceil(p.k / BLOCK_DEPTH))
    depth = ceil(p.k / blocks)
    row_tiles = ceil(p.m / isa().mr)
    nbytes = (depth + width) * nv * width * ELEMENT_BYTES[p.dtype] if pack else 0
    dims = (p.m, p.n, p.k, p.a_row, p.a_k, p.b_k, p.b_column, int(pack), depth, nbytes, row_tiles, panels, wide,
            len(p.batch)) + tuple(x for row in zip(p.batch, p.a_batch, p.b_batch) for x in row)
    source = tiled_source(p.dtype, transposed, epilogue)
    return KernelCall("gemm", source, (p.a, p.b, p.c, Scratch(nbytes, per_lane=True)), dims,
                      prod(p.batch) * panels * row_tiles, p.flops)


def panel_counts(vectors: int, nv: int) -> tuple[int, int]:
    """How many panels are `nv` vectors wide, and how many there are in all; the others have one vector less.

    Panels that differ by one waste no lanes but in the last vector. (One vector in all is a panel that is `narrow` with
    nv = 2.)
    """
    panels = ceil(vectors / nv)
    return max(0, vectors - panels * (nv - 1)), panels


def tiled_source(dtype, transposed, epilogue):
    size = ELEMENT_BYTES[dtype]
    mr, nv, width = isa().mr, isa().nv, lanes(dtype)
    half = mr // 2
    pack = "transpose_panel" if transposed else "copy_panel"
    heads = []
    for v in (nv, nv-1):
        heads.append(f"pack_{v} = {pack}({dtype!r}, {v})")
        for h in (mr, half):
            heads.append(f"tile_{h}x{v} = microkernel({dtype!r}, {h}, {v}, masked=True, clamped=True)")
    def tiles(v):
        call = f"(a_tile, a_row, a_k, 0, 1, length, b_block, b_stride, 0, c_tile, n, start, columns, rows)"
        return f"""if rows > {half}:
                        tile_{mr}x{v}{call}
                    else:
                        tile_{half}x{v}{call}"""
    def packs():
        return f"""if p < wide:
                    pack_{nv}(b_block, {'b_column' if transposed else 'b_k'}, panel, length, columns)
                    b_stride = {nv*width}
                else:
                    pack_{nv-1}(b_block, {'b_column' if transposed else 'b_k'}, panel, length, columns)
                    b_stride = {(nv-1)*width}
                b_block = panel"""
    return f'''"""GEMM."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import compiled, word
from {NATIVE}.tiles import {pack}

{chr(10).join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
    a, b, c = word(buffers, 0), word(buffers, 1), word(buffers, 2)
    m, n, k, a_row, a_k, b_k, b_column = (
        word(dims, 0), word(dims, 1), word(dims, 2), word(dims, 3), word(dims, 4), word(dims, 5), word(dims, 6))
    pack, depth, row_tiles, panels, wide, rank = (
        word(dims, 7), word(dims, 8), word(dims, 10), word(dims, 11), word(dims, 12), word(dims, 13))
    panel = word(buffers, 3) + lane * word(dims, 9)
    while begin < end:
        run = begin // row_tiles
        first = begin - run * row_tiles
        count = min(end - begin, row_tiles - first)
        begin += count
        matrix = run // panels
        p = run - matrix * panels
        if p < wide:
            column = p * {nv*width}
            columns = min({nv*width}, n - column)
        else:
            column = wide * {nv*width} + (p - wide) * {(nv-1)*width}
            columns = min({(nv-1)*width}, n - column)
        a_matrix, b_matrix = a, b
        rest = matrix
        for d in range(rank):
            size = word(dims, 14 + 3 * d)
            outer = rest // size
            index = rest - outer * size
            a_matrix += index * word(dims, 15 + 3 * d) * {size}
            b_matrix += index * word(dims, 16 + 3 * d) * {size}
            rest = outer
        start = 0
        while start == 0 or start < k:
            length = min(depth, k - start)
            b_block = b_matrix + (start * b_k + column * b_column) * {size}
            b_stride = b_k
            if pack:
                {packs()}
            for tile in range(first, first + count):
                row = tile * {mr}
                rows = min({mr}, m - row)
                a_tile = a_matrix + (row * a_row + start * a_k) * {size}
                c_tile = c + ((matrix * m + row) * n + column) * {size}
                if p < wide:
                    {tiles(nv)}
                else:
                    {tiles(nv-1)}
            start += max(depth, 1)
'''
