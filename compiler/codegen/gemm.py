"""Matrix products: which kernels, with which sizes. Their sources are in gemm_kernels.py.

The figures are of one core at about 200 GF/s float32, on products of multi-layer perceptrons. Reading one element of B
or A into packed form takes about 0.1 ns, using it m (or n) times m/100 ns, which decides what is packed. Packed B is
private to a lane and hot in its cache; packed A is shared, made by a call of its own.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil, prod

from ..native.processor import ELEMENT_BYTES, isa, lanes, second_level
from . import few_gemm, unit_gemm
from . import gemm_kernels as kernels
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch
from .product import Product, call, even_panels

# panels up to which half a vector is worth kernels of its own
HALVED_PANELS = 3
# k of a packed panel of B: 1024 rows of 48 float32 are 192 KiB, well inside a second-level cache. Where C has too few
# rows to repay the writing of that (7 % at m = 128), shallow panels stay in the first-level cache until they are used
PANEL_DEPTH, SHALLOW_DEPTH, SHALLOW_ROWS = 1024, 256, 256
# rows of C up to which B passes as it lies, so many of its rows at a time, under at least so many tiles (on Zen 4:
# 100x1000x1000 93 -> 106 GF/s, 7x1000x1000 of B from memory 15 -> 49); where there is a matrix unit, up to where B was
# packed before
STREAM_ROWS, STREAM_DEPTH, STREAM_TILES = 224, 128, 4
# k up to which C is written some rows after the other, which then takes the most time, whatever its size: B as it lies
# is small, and worth transposing where C is large (1730x10x1947: 1230 -> 790 us)
ACROSS_DEPTH = 24
# rows of C from which B is packed, if its rows are longer than 1 KiB and if not: prefetchers follow short strides
PACK_B_ROWS, PACK_SHORT_B_ROWS, SHORT_ROW_BYTES = 28, 256, 1024
# tiles that repay the packing of their panel for them alone: a lane packs one again where it goes on within it
PANEL_TILES = 32
# columns of C and k from which transposed A is packed: its strided lines then outgrow the first-level cache
PACK_A_COLUMNS, PACK_A_DEPTH = 96, 384
# tiles of A, and k of them, that one task packs: it reads rows of 4 KiB, and few of them, so that as many streams stay
# open. Their starts are these bytes more than k rows apart: a power of two would put all into a few lines of the caches
PACK_TILES, PACK_K, PACK_PAD = 128, 16, 64
# how many k transposed A is fetched ahead (2 KiB of it, if packed), and the k that repays what is fetched past the end
FETCH_STEPS, FETCH_DEPTH = 64, 256
# other A is fetched a tile ahead if it comes from beyond the second-level cache: it is over a quarter of that and all
# operands over half of it (or A is over so many bytes, for tiles of one vector: they lose 3 to 15 % by it). Smaller
# matrices, and k out of this range, have tiles that the fetching does not keep up with, or that leave the cache again;
# A that may yet be in the cache needs k of KEPT_DEPTH for it to cost nothing then
FETCH_MATRIX_BYTES, NARROW_FETCH_BYTES, KEPT_DEPTH = 1 << 14, 1 << 22, 64
FETCH_LEAST, FETCH_MOST = 16, {4: 1024, 8: 384}
# the outer sum is split where threads would have nothing to do, into parts of at least this many k
SPLIT_DEPTH = 2048
# columns of a combination of rows: few enough to stay in the first-level cache, many enough to read rows as streams
COMBINED_COLUMNS = 4096
# vectors of dot products that a task computes: what it does for itself takes as long as one of short rows
DOT_VECTORS = 4
# bytes of a combined matrix that are worth a thread, which is mostly awake (runtime/team.py)
COMBINED_BYTES = 1 << 17


def lower_gemm(a, b, c, *, dtype: str, m: int, n: int, k: int, batch: Sequence[int] = (),
               a_batch_strides: Sequence[int] = (), b_batch_strides: Sequence[int] = (), transpose_a: bool = False,
               transpose_b: bool = False, epilogue: Epilogue | None = None, threads: int = 2) -> list[KernelCall]:
    """The calls that compute C[batch..., m, n] = A B; a, b and c are handles of buffers.

    A is [m, k], or [k, m] with `transpose_a`; B is [k, n], or [n, k]; C is contiguous. Batch strides count elements,
    one per dimension of the batch, 0 to broadcast. The epilogue runs on every element of C, once. c may be None, so
    that C passes through the caches only; where that does not pay there are no calls.
    """
    if dtype.startswith("i") and epilogue:
        raise ValueError(f"gemm: an epilogue needs a floating dtype, received {dtype}")
    product = _fold_batch(product_of(a, b, c, dtype, m, n, k, batch, a_batch_strides, b_batch_strides, transpose_a,
                                     transpose_b))
    if product.matrices * product.m * n == 0 or c is None and not unit_gemm.may_pass(product):
        return []
    if product.n == 1 or product.m == 1:
        product = replace(product, splits=_rows_apart(product, threads))
        return _vector(product, epilogue, threads) if product.splits == 1 else _split(product, _vector, epilogue)
    if unit_gemm.pays(product):
        return unit_gemm.lower(product, epilogue, threads)
    return _in_vectors(product, epilogue, threads)


def _in_vectors(p: Product, epilogue: Epilogue | None, threads: int) -> list[KernelCall]:
    """The calls of a product of matrices without a matrix unit."""
    if few_gemm.turns(p):
        return few_gemm.lower_turned(p, epilogue, lambda turned: _in_vectors(turned, None, threads))
    lower = few_gemm.lower_dots if few_gemm.by_dots(p) else _tiled
    p = replace(p, splits=_splits(p, threads))
    return lower(p, epilogue) if p.splits == 1 else _split(p, lower, epilogue)


def product_of(a, b, c, dtype: str, m: int, n: int, k: int, batch: Sequence[int], a_batch_strides: Sequence[int],
               b_batch_strides: Sequence[int], transpose_a: bool, transpose_b: bool) -> Product:
    """The product of these arguments of `lower_gemm`."""
    # a vector is its own transpose
    a_row, a_k = (1, m) if transpose_a and min(m, k) > 1 else (k, 1)
    b_k, b_column = (1, k) if transpose_b and min(k, n) > 1 else (n, 1)
    return Product(a, b, c, dtype, m, n, k, a_row, a_k, b_k, b_column, tuple(batch), tuple(a_batch_strides),
                   tuple(b_batch_strides))


def _fold_batch(p: Product) -> Product:
    """A stack of matrices A that lie one after the other and meet the same B is one taller matrix."""
    stack, stacked = p.m * p.k, not any(p.b_batch) and p.a_k == 1
    for size, stride in zip(p.batch[::-1], p.a_batch[::-1], strict=True):
        stacked, stack = stacked and (stride == stack or size == 1), stack * size
    return replace(p, m=p.m * p.matrices, batch=(), a_batch=(), b_batch=()) if stacked else p


def _splits(p: Product, threads: int) -> int:
    tiles = p.matrices * ceil(p.m / isa().mr) * ceil(p.n / (isa().nv * lanes(p.dtype)))
    return max(1, min(ceil(2 * threads / tiles), p.k // SPLIT_DEPTH)) if tiles < threads else 1


def _tiled(p: Product, epilogue: Epilogue | None) -> list[KernelCall]:
    """The general case: tiles of C, in panels as wide as a tile."""
    widths, panels, wide = _panels(p)
    row_tiles = ceil(p.m / isa().mr)
    deepest = PANEL_DEPTH if p.m > SHALLOW_ROWS else SHALLOW_DEPTH
    depth = max(1, ceil(p.part / max(1, ceil(p.part / deepest))))
    short = p.n * ELEMENT_BYTES[p.dtype] <= SHORT_ROW_BYTES
    pack_b = p.b_column != 1 or p.m >= (PACK_SHORT_B_ROWS if short else PACK_B_ROWS)
    packed = ceil(max(widths) / lanes(p.dtype))
    panel_bytes = (depth + lanes(p.dtype)) * packed * isa().vector_bytes if pack_b else 0

    calls: list[KernelCall] = []
    a_tile = isa().mr * p.a_row
    if p.a_k != 1 and p.n >= PACK_A_COLUMNS and p.k >= PACK_A_DEPTH and p.matrices == 1:
        calls, p, a_tile = _pack_a(p)
    stream_rows = PACK_B_ROWS - 1 if isa().matrix_unit else STREAM_ROWS
    across = p.k <= ACROSS_DEPTH
    if across and p.b_column != 1 and panels > 1 and p.matrices == 1 and p.nbytes > second_level():
        calls, p = few_gemm.turned_b(p)
    if p.b_column == 1 and panels > 1 and (across or p.m <= stream_rows) and p.matrices == p.splits == 1:
        sizes = (p.m, p.n, p.k, p.a_row, p.a_k, p.b_k, a_tile, STREAM_DEPTH, panels if across else row_tiles,
                 int(across), wide)
        return [*calls, call("gemm", kernels.by_rows(p.dtype, widths, epilogue), p, (), sizes, panels * row_tiles,
                             epilogue, grain=STREAM_TILES)]
    fetch_a, a_ahead = _fetch(p, depth)
    source = kernels.tiled(p.dtype, widths, p.b_column != 1, fetch_a, epilogue)
    panel = Scratch(panel_bytes, per_lane=True)
    dims = (p.m, p.n, p.k, p.a_row, p.a_k, p.b_k, p.b_column, a_tile, a_ahead, int(pack_b), depth, panel.apart,
            row_tiles, panels, wide, p.part, p.matrices)
    grain = min(row_tiles, PANEL_TILES) if pack_b else 1
    return [*calls, call("gemm", source, p, (panel,), dims, p.splits * p.matrices * panels * row_tiles, epilogue,
                         grain)]


def _panels(p: Product) -> tuple[tuple[int, ...], int, int]:
    """Widths of panels in columns, how many there are, and how many of them have the first width."""
    most, width = isa().nv, lanes(p.dtype)
    vectors = ceil(p.n / width)
    widths, panels, wide = even_panels(vectors, most)
    if isa().halves and panels <= HALVED_PANELS and 2 * p.n <= (2 * vectors - 1) * width:
        # of the last panel's vectors the last is half as wide; the panels before it are of one width
        for before in (most, most - 1):
            if 0 < (last := 2 * vectors - 1 - 2 * before * (panels - 1)) < 2 * most:
                return (before * width,) * (panels > 1) + (last * width // 2,), panels, panels - 1
    return tuple(count * width for count in widths), panels, wide


def _fetch(p: Product, depth: int) -> tuple[str, int]:
    """How tiles of A fetch the A ahead of them (see `microkernel`; "" for not at all), and how many elements ahead."""
    if p.a_row == 1:
        return ("along", FETCH_STEPS * p.a_k) if p.k >= FETCH_DEPTH else ("", 0)
    size = ELEMENT_BYTES[p.dtype]
    matrix = p.m * p.k * size
    all_a = matrix * prod(count for count, stride in zip(p.batch, p.a_batch, strict=True) if stride)
    near = second_level() // 2
    beyond = all_a > (NARROW_FETCH_BYTES if p.n <= lanes(p.dtype) else near if p.k < KEPT_DEPTH else near // 2)
    # rows that are summed whole follow each other, so that the next tile is one piece
    followed = FETCH_LEAST <= p.k <= min(depth, FETCH_MOST[size]) and matrix > FETCH_MATRIX_BYTES
    if not (beyond and followed) or p.nbytes <= near:
        return "", 0
    return "tile", isa().mr * p.a_row


def _pack_a(p: Product) -> tuple[list[KernelCall], Product, int]:
    """Transposed A as [tile][k][rows]; also how many elements tiles are apart."""
    mr, tiles, size = isa().mr, ceil(p.m / isa().mr), ELEMENT_BYTES[p.dtype]
    apart = p.k * mr + PACK_PAD // size
    packed = Scratch(tiles * apart * size)
    blocks = ceil(tiles / PACK_TILES)
    call = KernelCall("gemm_pack_a", kernels.pack_a(p.dtype, PACK_TILES, PACK_K), (p.a, packed),
                      (p.m, p.k, p.a_k, apart, blocks), blocks * ceil(p.k / PACK_K), nbytes=2 * packed.nbytes,
                      writes=(1,))
    return [call], replace(p, a=packed, a_row=1, a_k=mr), apart


def _split(p: Product, lower: Callable[[Product, None], list[KernelCall]], epilogue: Epilogue | None
           ) -> list[KernelCall]:
    """Partial sums over parts of k, side by side in scratch, then their sum."""
    partial = Scratch(p.splits * p.matrices * p.m * p.n * ELEMENT_BYTES[p.dtype])
    calls = lower(replace(p, c=partial), None)
    rows = p.matrices * p.m
    total = KernelCall("gemm_sum", kernels.sum_parts(p.dtype, epilogue), (partial, p.c), (rows, p.n, p.splits), rows,
                       flops=p.splits * rows * p.n, nbytes=partial.nbytes, writes=(1,))
    return [*calls, with_epilogue(total, epilogue)]


def _by_dots(p: Product) -> bool:
    """Whether elements of a row or column of C are dot products with the matrix's rows, not a combination of these."""
    return p.k > 1 and ((p.b_k if p.m == 1 else p.a_k) == 1 or p.m == p.n == 1)


def _rows_apart(p: Product, threads: int) -> int:
    """Into how many parts the rows of a matrix that make a row of C are split: each thread then keeps rows that lie
    together, where a part of each row would be spread over half of its cache's sets."""
    nbytes = p.n * p.k * ELEMENT_BYTES[p.dtype]
    return 1 if _by_dots(p) or p.m > 1 or p.matrices > 1 else max(1, min(threads, p.k // 8, nbytes // COMBINED_BYTES))


def _vector(p: Product, epilogue: Epilogue | None, threads: int = 1) -> list[KernelCall]:
    """A row or a column of C. The matrix is read once, by rows: dot products with them, or a combination of them."""
    is_row, by_dots = p.m == 1, _by_dots(p)
    size = p.n if is_row else p.m
    row_step, k_step = (p.b_column, p.b_k) if is_row else (p.a_row, p.a_k)
    width = lanes(p.dtype)
    parts = 1 if is_row or p.nbytes < COMBINED_BYTES else threads
    most, least = (DOT_VECTORS, 1) if by_dots else (COMBINED_COLUMNS // width, 4)
    block = max(least, min(most, ceil(size / parts / width))) * width
    blocks = ceil(size / block)
    source = kernels.vector(p.dtype, by_dots, is_row, epilogue)
    dims = (size, p.k, row_step if by_dots else k_step, block, blocks, p.part, p.matrices)
    tasks = p.splits * p.matrices * blocks
    return [call("gemv_dots" if by_dots else "gemv_sum", source, p, (), dims, tasks, epilogue)]
