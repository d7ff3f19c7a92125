"""Matrix products of float32 on a matrix unit (native/matrix_unit.py says how).

One operand streams: a task packs a block of its strips into memory of its lane, where they stay in the second-level
cache while the strips of the other pass by, two at a time. Those are packed by a call of their own or, if each matrix
of a batch has its own, by each task that meets others than the one before.
"""
from __future__ import annotations

from math import ceil

from ..native.processor import isa
from ..native.strips import CHUNK, EDGE_BYTES, STRIP, strip_bytes
from . import gemm_kernels as kernels
from .epilogue import Epilogue
from .kernel import KernelCall, Scratch
from .product import Product, call

# what a task packs at a time of the operand that streams
OWN_BYTES = 400 * 1024
# strips that a task of the packing call packs
PACKED_STRIPS = 4
# k of a strip that is summed at once, also where what has been packed of the others serves the next task
DEPTH, BATCH_DEPTH = 512, 2048
# cycles of a core: a product of 16 x 16 x 32, storing a tile of C, packing an element, starting; and of its vector
# units, a multiply-add of one element
TILE_CYCLES, STORE_CYCLES, PACK_CYCLES, CALL_CYCLES, VECTOR_CYCLES = 120, 250, 0.9, 3000, 1 / 27


def pays(p: Product) -> bool:
    """Whether the matrix unit is the faster one for a product."""
    if not isa().matrix_unit or p.dtype != "f32" or not p.k:
        return False
    strips_m, strips_n, chunks = whole_tiles(p.m), whole_tiles(p.n), ceil(p.k / CHUNK)
    tiles = strips_m * strips_n * (chunks * TILE_CYCLES + STORE_CYCLES)
    packing = (strips_m + strips_n) * STRIP * chunks * CHUNK * PACK_CYCLES
    return p.matrices * (tiles + packing) + CALL_CYCLES < p.matrices * p.m * p.n * p.k * VECTOR_CYCLES


def whole_tiles(size: int) -> int:
    """Strips of an operand, an even number if it has more than one: two by two they make a tile."""
    return 1 if size <= STRIP else 2 * ceil(size / STRIP / 2)


def lower(p: Product, epilogue: Epilogue | None, threads: int) -> list[KernelCall]:
    """The calls of a product for which it `pays`."""
    own_a, here = p.m >= p.n, bool(p.batch)
    strips, others = (whole_tiles(size) for size in ((p.m, p.n) if own_a else (p.n, p.m)))
    chunks, deepest = ceil(p.k / CHUNK), BATCH_DEPTH if here else DEPTH
    depth = CHUNK * ceil(chunks / ceil(chunks * CHUNK / deepest))
    own_strip, other_strip = strip_bytes(depth), strip_bytes(depth if here else p.k)
    # whole tiles, as near to each other as can be, for all threads to have some
    blocks = max(ceil(strips * own_strip / OWN_BYTES), min(ceil(threads / p.matrices), ceil(strips / 2)))
    block = whole_tiles(STRIP * ceil(strips / blocks))
    blocks = ceil(strips / block)
    lane = Scratch(EDGE_BYTES + own_strip * block + other_strip * others * here, per_lane=True)
    dims = (p.m, p.n, p.k, p.a_row, p.a_k, p.b_k, p.b_column, strips, others, block, blocks, depth, own_strip,
            other_strip, lane.nbytes)
    tile = min(2, whole_tiles(p.m)), min(2, whole_tiles(p.n))
    text, tasks = kernels.unit(tile, own_a, p.a_k == 1, p.b_k == 1, here, epilogue), p.matrices * blocks
    if here:
        return [call("gemm_unit", text, p, (lane,), dims, tasks, epilogue)]
    packed = Scratch(others * other_strip)
    source, row, step, count = (p.b, p.b_column, p.b_k, p.n) if own_a else (p.a, p.a_row, p.a_k, p.m)
    pack = KernelCall("gemm_pack", kernels.pack_strips(not own_a, step == 1, PACKED_STRIPS), (source, packed),
                      (row, step, count, p.k, other_strip), ceil(others / PACKED_STRIPS), nbytes=2 * packed.nbytes,
                      writes=(1,), prepares=True)
    return [pack, call("gemm_unit", text, p, (packed, lane), dims, tasks, epilogue)]
