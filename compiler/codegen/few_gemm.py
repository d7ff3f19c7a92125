"""Products with few rows or columns, which leave most lanes of a tile's vectors empty.

Where the other operand lies along k, elements of C are dot products. Where it lies along the other side of C, its
vectors run there: C is computed transposed.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil, prod
from typing import Any

from ..native.processor import ELEMENT_BYTES, isa, lanes
from . import gemm_kernels as kernels
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch
from .product import Product, call

# dot products of a tile where there are more than 16 registers, and where there are not; its rows, unless of rows or
# of columns there are but two (2x434x386 15.5 -> 9.3 us, 1000x100x2 14.9 -> 9.7)
SUMS, FEWER_SUMS, ROWS, TWO = 16, 8, 4, 2
# rows or columns that are few, and vectors of k that repay their sums
FEW, DOT_VECTORS = 8, 4
# rows up to which B along k is not worth transposing, and k that does so: so much, and so many for each row (9x561x79
# 16.1 -> 11.9 us, 16x512x1000 0.83, 32x512x1000 1.0, 32x256x1000 1.15 times as long); columns for each row repay
# copying rows that do not lie along k
SOME, LONG, LONG_EACH, COPIED = 32, 256, 16, 4
# k that repays transposing C, and elements of A
TURNED_DEPTH, TURNED_ELEMENTS = 24, 1 << 14


def by_dots(p: Product) -> bool:
    """Whether elements of C are best dot products."""
    few, long_k = (p.n, p.a_k) if p.m >= p.n else (p.m, p.b_k)
    # where B's rows are columns of C, tiles of half a vector are as fast for half of its columns
    pays = few <= (FEW if p.b_k == 1 else FEW // 2) and p.k >= DOT_VECTORS * lanes(p.dtype)
    most = min(SOME, p.n if p.a_k == 1 else p.n // COPIED)
    pays |= p.m <= most and p.b_k == 1 and p.k >= max(LONG, LONG_EACH * p.m)
    return (long_k == 1 and pays and (p.a_k == 1 or _stacked(p, p.a_batch, p.m))
            and (p.b_k == 1 or _stacked(p, p.b_batch, p.n)))


def turns(p: Product) -> bool:
    """Whether C is best computed transposed."""
    return (p.a_row == 1 and 2 * p.n <= lanes(p.dtype) <= p.m and p.k >= TURNED_DEPTH
            and p.matrices * p.m * p.k >= TURNED_ELEMENTS)


def _stacked(p: Product, strides: Sequence[int], rows: int) -> bool:
    """Whether the matrices of an operand lie one after the other."""
    return list(strides) == [rows * p.k * prod(p.batch[i + 1:]) for i in range(len(p.batch))]


def lower_dots(p: Product, epilogue: Epilogue | None) -> list[KernelCall]:
    """C by dot products; what is few is copied if it does not lie along k."""
    calls: list[KernelCall] = []
    if p.a_k != 1:
        few = Scratch(p.matrices * p.m * p.k * ELEMENT_BYTES[p.dtype])
        calls, p = [_turn("gemm_pack_few", p, p.a, few, p.m, p.k)], replace(p, a=few, a_row=p.k, a_k=1)
    elif p.b_k != 1:
        calls, p = turned_b(p)
    sums = SUMS if isa().registers > 16 else FEWER_SUMS
    height = TWO if p.m <= TWO else sums // TWO if p.n <= TWO else ROWS
    across = min(sums // height, lanes(p.dtype))
    rows, columns = ceil(p.m / height), ceil(p.n / across)
    down = int(p.m >= p.n)
    dims = (p.m, p.n, p.k, p.a_row, p.b_column, rows * columns, columns if down else rows, down, p.part, p.matrices)
    return [*calls, call("gemm_dots", kernels.dot_tiles(p.dtype, height, across, epilogue), p, (), dims,
                         p.splits * p.matrices * rows * columns, epilogue)]


def turned_b(p: Product) -> tuple[list[KernelCall], Product]:
    """The product with B lying along its columns if it lies along k, or else along k."""
    few = Scratch(p.matrices * p.n * p.k * ELEMENT_BYTES[p.dtype])
    rows, columns, steps = (p.k, p.n, (p.n, 1)) if p.b_k == 1 else (p.n, p.k, (1, p.k))
    call = _turn("gemm_pack_few", p, p.b, few, rows, columns)
    return [call], replace(p, b=few, b_k=steps[0], b_column=steps[1])


def lower_turned(p: Product, epilogue: Epilogue | None, lower: Callable[[Product], list[KernelCall]]
                 ) -> list[KernelCall]:
    """The calls for C transposed, and one that transposes it."""
    rows = Scratch(p.matrices * p.m * p.n * ELEMENT_BYTES[p.dtype])
    turned = Product(p.b, p.a, rows, p.dtype, p.n, p.m, p.k, p.b_column, p.b_k, p.a_k, p.a_row, p.batch, p.b_batch,
                     p.a_batch)
    return [*lower(turned), _turn("gemm_turn", p, rows, p.c, p.m, p.n, epilogue)]


def _turn(name: str, p: Product, source: Any, target: Any, m: int, n: int, epilogue: Epilogue | None = None
          ) -> KernelCall:
    """Matrices [n, m] to [m, n]."""
    nbytes = 2 * p.matrices * m * n * ELEMENT_BYTES[p.dtype]
    return with_epilogue(KernelCall(name, kernels.turned(p.dtype, m > n, epilogue), (source, target), (m, n),
                                    p.matrices * m, nbytes=nbytes, writes=(1,)), epilogue)
