"""Matrix products of one shape after the other: GF/s of generated kernels and of NumPy, and the fraction of the peak.

    python benchmarks/sweep_gemm.py [threads]

The peak is that of a few tiles in the first-level cache, measured again after each shape because a shared machine's
clock drifts. Every thread repeats its range of the tasks without meeting the others: the executor's own time is not
in it, but that of a call from Python is, a microsecond for each kernel as for NumPy. NumPy's BLAS gets as many threads.
"""
from __future__ import annotations

import ctypes
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import numpy as np  # noqa: E402  (after the number of BLAS threads)
from graphflow.compiler.codegen.gemm import lower_gemm  # noqa: E402
from graphflow.compiler.codegen.kernel import Scratch  # noqa: E402
from graphflow.runtime import kernel_cache  # noqa: E402

# m, k, n, transposes: the MLP's forward, weight-gradient and input-gradient products, a CNN's dense layer, odd ones
SHAPES = [
    (128, 784, 512, "NN"), (128, 512, 256, "NN"), (128, 256, 10, "NN"), (784, 128, 512, "TN"), (512, 128, 256, "TN"),
    (256, 128, 10, "TN"), (128, 512, 784, "NT"), (128, 256, 512, "NT"), (128, 10, 256, "NT"), (64, 1600, 128, "NN"),
    (1600, 64, 128, "TN"), (64, 128, 1600, "NT"), (7, 33, 17, "NN"), (100, 1000, 1000, "NN"), (1000, 100, 1000, "TN"),
    (100, 1000, 1000, "NT"), (1, 784, 512, "NN"), (1, 784, 512, "NT"), (1024, 1024, 1024, "NN"),
    (2048, 2048, 2048, "NN"), (2048, 2048, 2048, "TN"), (2048, 2048, 2048, "NT"),
]
PROCESSORS = iter(sorted(os.sched_getaffinity(0)))
POOL = ThreadPoolExecutor(THREADS, initializer=lambda: os.sched_setaffinity(0, {next(PROCESSORS)}))
KERNELS: dict[str, Any] = {}
COMPILED: list[float] = []


def aligned(nbytes: int) -> np.ndarray:
    memory = np.zeros(nbytes + 64, np.uint8)
    return memory[-memory.ctypes.data % 64:][:nbytes]


def load(source: str):
    if source not in KERNELS:
        start = time.perf_counter()
        KERNELS[source] = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)(kernel_cache.load(source))
        COMPILED.append(time.perf_counter() - start)
    return KERNELS[source]


def plan(calls, arrays):
    """A function that runs the calls, each split over the threads."""
    scratch: dict[Scratch, np.ndarray] = {}
    rows = []
    for call in calls:
        for handle in call.buffers:
            if isinstance(handle, Scratch) and handle not in scratch:
                scratch[handle] = aligned(handle.nbytes * (THREADS if handle.per_lane else 1))
        memory = [scratch[handle] if isinstance(handle, Scratch) else arrays[handle] for handle in call.buffers]
        buffers, dims = np.array([array.ctypes.data for array in memory]), np.array(call.dims)
        edges = [call.tasks * lane // THREADS for lane in range(THREADS + 1)]
        rows.append((load(call.source), buffers.ctypes.data, dims.ctypes.data, edges, (memory, buffers, dims)))

    def lane_loop(lane: int, count: int):
        for _ in range(count):
            for kernel, buffers, dims, edges, _ in rows:
                kernel(buffers, dims, edges[lane], edges[lane + 1], lane)

    def repeat(count: int):
        for future in [POOL.submit(lane_loop, lane, count) for lane in range(THREADS)]:
            future.result()

    return repeat


def best(functions, count: int, rounds: int = 20) -> list[float]:
    """The least time of each function, which take turns to run `count` times, once before to warm the caches."""
    times = [float("inf")] * len(functions)
    for _ in range(rounds):
        for i, function in enumerate(functions):
            function(1)
            start = time.perf_counter()
            function(count)
            times[i] = min(times[i], (time.perf_counter() - start) / count)
    return times


def product(m: int, k: int, n: int, transposes: str):
    random = np.random.default_rng(0)
    arrays = {name: aligned(4 * size).view(np.float32) for name, size in (("a", m * k), ("b", k * n), ("c", m * n))}
    arrays["a"][:], arrays["b"][:] = random.random(m * k), random.random(k * n)
    a = arrays["a"].reshape(k, m).T if transposes[0] == "T" else arrays["a"].reshape(m, k)
    b = arrays["b"].reshape(n, k).T if transposes[1] == "T" else arrays["b"].reshape(k, n)
    out = np.empty((m, n), np.float32)
    calls = lower_gemm("a", "b", "c", dtype="f32", m=m, n=n, k=k, transpose_a=transposes[0] == "T",
                       transpose_b=transposes[1] == "T", threads=THREADS)

    def blas(count: int):
        for _ in range(count):
            np.dot(a, b, out=out)

    return plan(calls, arrays), blas, 2 * m * k * n / 1e9


def peak_rate():
    """The same few tiles over and over, operands in the first-level cache."""
    m, k, n, batch = 32, 128, 48, 200 * THREADS
    arrays = {name: aligned(4 * size).view(np.float32) for name, size in
              (("a", m * k), ("b", k * n), ("c", batch * m * n))}
    calls = lower_gemm("a", "b", "c", dtype="f32", m=m, n=n, k=k, batch=(batch,), a_batch_strides=(0,),
                       b_batch_strides=(0,), threads=THREADS)
    return plan(calls, arrays), 2 * batch * m * k * n / 1e9


def main() -> None:
    peak_run, peak_work = peak_rate()
    print(f"{'product':24}{'ours':>8}{'numpy':>8}{'peak':>8}  fraction   (GF/s, {THREADS} threads)")
    for m, k, n, transposes in SHAPES:
        ours, numpy, work = product(m, k, n, transposes)
        count = max(1, min(300, int(0.5 / work)))
        # apart from NumPy, whose idle threads keep spinning for a while
        times = best([ours], count) + best([peak_run], 30) + best([numpy], count)
        time.sleep(0.1)
        ours_rate, peak, numpy_rate = work / times[0], peak_work / times[1], work / times[2]
        print(f"{f'{m}x{k}x{n} {transposes}':24}{ours_rate:8.1f}{numpy_rate:8.1f}{peak:8.1f}  "
              f"{ours_rate / peak:8.2f}   {times[0] * 1e6:10.1f} us", flush=True)
    print("compile times, s:", " ".join(f"{seconds:.2f}" for seconds in COMPILED))


if __name__ == "__main__":
    main()
