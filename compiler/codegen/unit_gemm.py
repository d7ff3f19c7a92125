"""Matrix products of float32 on a matrix unit (native/matrix_unit.py says how).

One operand streams: a task has a block of its strips in memory of its lane, where they stay in the second-level cache
while the strips of the other pass by, two at a time; meanwhile the next block is packed. The others are packed by a
call of their own or, if each matrix of a batch has its own, by each task that meets others than the one before.
"""
from __future__ import annotations

from dataclasses import replace
from math import ceil

from ..native.processor import isa
from ..native.strips import CHUNK, STRIP, TILE_BYTES, strip_bytes
from . import unit_kernels as kernels
from .epilogue import Epilogue
from .kernel import KernelCall, Scratch
from .product import Product, call

# of the operand that streams a task has two strips if the other one is up to so large that it stays in the cache, else
# so much that the other one need not often come from beyond it
KEPT_BYTES, OWN_BYTES = 1 << 20, 200 * 1024
# strips that a task of the packing call packs, and those whose columns make the rows of a band of C: long enough for
# what its epilogue reads to be fetched as streams
PACKED_STRIPS, BAND = 4, 32
# k of a strip that is summed at once, also where what has been packed of the others serves the next task
DEPTH, BATCH_DEPTH = 512, 2048
# cycles of a core: a product of 16 x 16 x 32, storing a tile of C (in a cache of the core), packing an element,
# starting; and of its vector units, a multiply-add of one element
TILE_CYCLES, STORE_CYCLES, NEAR_STORE_CYCLES, PACK_CYCLES, CALL_CYCLES, VECTOR_CYCLES = 120, 250, 100, 0.9, 3000, 1 / 27


def pays(p: Product) -> bool:
    """Whether the matrix unit is the faster one for a product."""
    if not isa().matrix_unit or p.dtype != "f32" or not p.k:
        return False
    packing = (whole_tiles(p.m) + whole_tiles(p.n)) * STRIP * ceil(p.k / CHUNK) * CHUNK * PACK_CYCLES
    own = _cycles(p, STORE_CYCLES) + packing
    return p.matrices * own + CALL_CYCLES < p.matrices * p.m * p.n * p.k * VECTOR_CYCLES


def pays_near(p: Product) -> bool:
    """The same for one of several products on operands that stay in the core's caches."""
    return isa().matrix_unit and p.dtype == "f32" and _cycles(p, NEAR_STORE_CYCLES) < p.m * p.n * p.k * VECTOR_CYCLES


def _cycles(p: Product, store: int) -> float:
    return whole_tiles(p.m) * whole_tiles(p.n) * (ceil(p.k / CHUNK) * TILE_CYCLES + store)


def may_pass(p: Product) -> bool:
    """Whether C may pass to an epilogue band by band: that is, all k at once."""
    return p.k <= BATCH_DEPTH and pays(p)


def whole_tiles(size: int) -> int:
    """Strips of an operand, an even number if it has more than one: two by two they make a tile."""
    return 1 if size <= STRIP else 2 * ceil(size / STRIP / 2)


def lower(p: Product, epilogue: Epilogue | None, threads: int) -> list[KernelCall]:
    """The calls of a product for which it `pays`. Where C is None, a task has a band of it only, for the epilogue: two
    strips of rows and so many columns."""
    passes, here = p.c is None, bool(p.batch)
    own_a = p.m >= p.n or passes
    strips, others = (whole_tiles(size) for size in ((p.m, p.n) if own_a else (p.n, p.m)))
    chunks, deepest = ceil(p.k / CHUNK), BATCH_DEPTH if here or passes else DEPTH
    depth = CHUNK * ceil(chunks / ceil(chunks * CHUNK / deepest))
    own_strip, other_strip = strip_bytes(depth), strip_bytes(depth if here else p.k)
    kept = others * other_strip <= KEPT_BYTES
    block = 2 if kept else min(whole_tiles(STRIP * OWN_BYTES // own_strip), whole_tiles(STRIP * ceil(strips / threads)))
    blocks = ceil(strips / block)
    if passes:
        p = replace(p, c=Scratch(2 * BAND * 2 * TILE_BYTES, per_lane=True))
    lane = Scratch(kernels.OWN + 2 * block * own_strip + other_strip * others * here, per_lane=True)
    dims = (p.m, p.n, p.k, p.a_row, p.a_k, p.b_k, p.b_column, strips, others, block, blocks, depth, own_strip,
            other_strip, lane.apart, BAND, p.c.apart if passes else 0)
    tile = min(2, whole_tiles(p.m)), min(2, whole_tiles(p.n))
    text, tasks = kernels.unit(tile, own_a, p.a_k == 1, p.b_k == 1, here, passes, epilogue), p.matrices * blocks
    if here:
        return [call("gemm_unit", text, p, (lane,), dims, tasks, epilogue, grain=tasks)]
    packed = Scratch(others * other_strip)
    source, row, step, count = (p.b, p.b_column, p.b_k, p.n) if own_a else (p.a, p.a_row, p.a_k, p.m)
    pack = KernelCall("gemm_pack", kernels.pack_strips(not own_a, step == 1, PACKED_STRIPS), (source, packed),
                      (row, step, count, p.k, other_strip), ceil(others / PACKED_STRIPS), nbytes=2 * packed.nbytes,
                      writes=(1,), prepares=True)
    return [pack, call("gemm_unit", text, p, (packed, lane), dims, tasks, epilogue, grain=tasks)]
