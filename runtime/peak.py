"""What this machine can do at most: multiply-adds from the first cache, and bytes moved at several depths of memory.

Measured once, in less than half a second, and kept beside the kernels unless the machine was busy.
A kernel's fraction of the peak follows the cache-aware roofline (Ilic, Pratas and Sousa 2014): the time that its
operations or its bytes would take at least, whichever is more, by the time that it took.
"""
from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from ..compiler.native.processor import isa, lanes
from ..compiler.native.strips import CHUNK, STRIP, strip_bytes
from . import kernel_cache
from .frame import LANE_BYTES
from .store import address, aligned_empty

DEPTH = 64  # of the products: their operands stay in the first cache
# bytes of the two arrays of a copy, together
SIZES = (1 << 15, 1 << 18, 1 << 21, 1 << 24, 1 << 26)
SECONDS, REPEATS = 0.002, 8  # that a measurement takes at least, and measurements of which the fastest counts
COPY = '''"""Copy from memory to memory, again and again."""
from graphflow.compiler.native.prelude import compiled, load_f64, store_f64, word


@compiled
def kernel(buffers, dims, begin, end, lane):
    n = word(dims, 0)
    for task in range(begin, end):
        x = word(buffers, 0) + task * n * 8
        out = word(buffers, 1) + task * n * 8
        for _ in range(word(dims, 1)):
            for i in range(n):
                store_f64(out, i, load_f64(x, i, 0), 1)
'''
PRODUCT = '''"""Products of small blocks, again and again."""
from graphflow.compiler.native.microkernel import microkernel
from graphflow.compiler.native.prelude import compiled, word

tile = microkernel("{dtype}", {mr}, {nv})


@compiled
def kernel(buffers, dims, begin, end, lane):
    for task in range(begin, end):
        c = word(buffers, 2) + task * word(dims, 1)
        for _ in range(word(dims, 0)):
            tile(word(buffers, 0), {depth}, 1, 0, 1, {depth}, word(buffers, 1), {width}, 0, c, {width}, 0)
'''
UNIT_PRODUCT = '''"""Products of small blocks on the matrix unit, again and again."""
from graphflow.compiler.native.matrix_unit import close_unit, multiply_tiles, open_unit
from graphflow.compiler.native.prelude import compiled, word

ready, leave, multiply = open_unit(), close_unit(), multiply_tiles(2, 2)


@compiled
def kernel(buffers, dims, begin, end, lane):
    ready()
    for task in range(begin, end):
        c = word(buffers, 2) + task * word(dims, 1)
        for _ in range(word(dims, 0)):
            multiply(word(buffers, 0), 64, 1024, {strip}, 3072, 0, word(buffers, 1), {strip}, 1, {chunks},
                     c, 128, 0, 32, 32, c, 0)
    leave()
'''


@dataclass(frozen=True)
class Peak:
    """With so many threads: operations a second by type of element ("f32", "f64"), and [[working set, bytes a second]]
    of a copy, the smallest first."""

    threads: int
    flops: dict[str, float]
    bandwidth: list[list[float]]

    def seconds(self, flops: int, nbytes: int, dtype: str = "f32") -> float:
        """What so many operations on so many bytes take at least."""
        rate = next((r for size, r in self.bandwidth if nbytes <= size), self.bandwidth[-1][1])
        return max(flops / self.flops.get(dtype, self.flops["f32"]), nbytes / rate)


@functools.cache
def peak(threads: int) -> Peak:
    """The machine's peak with so many threads, from the cache or measured now."""
    path = kernel_cache.folder() / f"peak_{kernel_cache.environment()[:24]}_{threads}.json"
    try:
        return Peak(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        found = Peak(threads, {dtype: _flops(dtype, threads) for dtype in ("f32", "f64")},
                     [[size, _bandwidth(size, threads)] for size in SIZES])
        if not _is_busy():
            kernel_cache.keep(path, json.dumps(asdict(found)).encode())
        return found


def _is_busy() -> bool:
    """Whether other programs slow down what is measured: then it serves this process alone."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > (os.cpu_count() or 1)


def _flops(dtype: str, threads: int) -> float:
    mr, nv, width = isa().mr, isa().nv, isa().nv * lanes(dtype)
    if isa().matrix_unit and dtype == "f32":
        strip, edge = strip_bytes(DEPTH), 4 * STRIP * STRIP * 4
        source = UNIT_PRODUCT.format(strip=strip, chunks=DEPTH // CHUNK)
        arrays = [aligned_empty((count // 8,), np.dtype(np.float64)) for count in (
            2 * strip, 2 * strip, threads * edge)]
        for array in arrays:
            array.fill(0)
        return _rate(source, arrays, lambda times: [times, edge], threads, 2 * 4 * STRIP * STRIP * DEPTH)
    source = PRODUCT.format(dtype=dtype, mr=mr, nv=nv, depth=DEPTH, width=width)
    arrays = [np.zeros(size) for size in (mr * DEPTH, DEPTH * width, 2 * threads * mr * width + 8)]
    block = 2 * 8 * mr * width
    return _rate(source, arrays, lambda times: [times, block], threads, 2 * mr * width * DEPTH)


def _bandwidth(size: int, threads: int) -> float:
    count = size // 16 // threads
    x, out = (aligned_empty((count * threads,), np.dtype(np.float64)) for _ in range(2))
    x.fill(1)
    out.fill(1)
    return _rate(COPY, [x, out], lambda times: [count, times], threads, 16 * count)


def _rate(source: str, arrays: list[np.ndarray], sizes: Callable[[int], list[int]], threads: int, amount: int) -> float:
    """`amount` a second and thread, of a kernel that is repeated until it takes long enough."""
    from . import native  # imports Numba
    rows = np.array([[kernel_cache.load(source), threads, threads, 0, 0, 0, 0, 1]], np.int64)
    table, status = np.array([address(a) for a in arrays], np.int64), np.zeros(4, np.int64)
    shares = aligned_empty((threads * LANE_BYTES,), np.dtype(np.int8))

    def seconds(times: int) -> float:
        dims = np.array(sizes(times), np.int64)
        run = np.array([address(rows), 0, 1, address(table), address(dims), address(status),
                        native.TEAM, 0, address(shares)], np.int64)
        start = time.perf_counter()
        native.execute(address(run))
        return time.perf_counter() - start

    times = 1
    while min(seconds(times) for _ in range(3)) < SECONDS:
        times *= 2
    return threads * times * amount / min(seconds(times) for _ in range(REPEATS))
