"""How operands of a matrix unit lie in memory (matrix_unit.py). Lowering asks, so this must not load Numba.

They come in strips of 16 rows of A, or 16 columns of B: a head, a line whose first word is not 0 if the strip holds an
infinity or NaN, then for each `CHUNK` of k its three parts, tiles of 1 KiB: 16 lines in which k and k + 16 are
neighbours. k beyond the last is zero.
"""
from __future__ import annotations

STRIP, CHUNK, PARTS = 16, 32, 3
LINE_BYTES = HEAD_BYTES = 64
TILE_BYTES = STRIP * LINE_BYTES
CHUNK_BYTES = PARTS * TILE_BYTES
# words that describe strips to pack, and how far that is: the chunks left, their number, how many of them make a strip
# or a row of strips, and the arguments of pack_strips (matrix_unit.py)
JOB_BYTES = 128
# words that describe what is left of an epilogue, in pieces of so many columns: the pieces, the tables of the kernel,
# the row, the first column of a row, the next one and the one after the last, C, and what its address grows by from row
# to row
LATE_BYTES, PIECE = 128, 64
# two blocks of 2 x 2 tiles: those of C that stand over its edge, and the sums of upper parts
EDGE_BYTES = 8192


def strip_bytes(depth: int) -> int:
    """Of a strip of so many k."""
    return -(-depth // CHUNK) * CHUNK_BYTES + HEAD_BYTES
