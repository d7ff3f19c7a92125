"""Convolutions, pooling and their gradients, one shape after the other: GF/s (pooling: GB/s), one thread and two.

    python benchmarks/sweep_conv.py [f32|f64]

The threads split the tasks of every kernel, as the executor does, and meet after each plan only.
"""
from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from graphflow.compiler.codegen.conv import lower_conv2d
from graphflow.compiler.codegen.conv_grad import lower_conv2d_input_grad, lower_conv2d_weight_grad
from graphflow.compiler.codegen.kernel import KernelCall, Scratch
from graphflow.compiler.codegen.pool import lower_avg_pool2d_grad, lower_max_pool2d_grad, lower_pool2d
from graphflow.compiler.window import resolve
from graphflow.runtime.kernel_cache import load

THREADS = 2
ROUNDS, REPEATS = 12, 4
KERNEL = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)

# x, (kh, kw, filters), stride, dilation, padding
CONVOLUTIONS = [
    ((64, 28, 28, 1), (3, 3, 32), 1, 1, "VALID"), ((64, 13, 13, 32), (3, 3, 64), 1, 1, "VALID"),
    ((64, 13, 13, 32), (3, 3, 64), 1, 1, "SAME"), ((1, 28, 28, 32), (3, 3, 64), 1, 1, "SAME"),
    ((64, 28, 28, 1), (5, 5, 32), 1, 1, "SAME"), ((64, 28, 28, 3), (5, 5, 17), 1, 1, "SAME"),
    ((64, 28, 28, 17), (3, 3, 33), 1, 1, "SAME"), ((64, 28, 28, 33), (3, 3, 33), 2, 1, "SAME"),
    ((4, 224, 224, 3), (7, 7, 64), 2, 1, "SAME"), ((8, 56, 56, 64), (3, 3, 64), 1, 1, "SAME"),
    ((8, 28, 28, 64), (1, 1, 256), 1, 1, "SAME"), ((8, 28, 28, 64), (1, 1, 128), 2, 1, "SAME"),
    ((16, 7, 7, 512), (3, 3, 512), 1, 1, "SAME"), ((16, 28, 28, 32), (3, 3, 32), 1, 2, "SAME"),
    ((16, 28, 28, 32), (3, 3, 3), 1, 1, "SAME"),
]
# x, window, stride, padding
POOLS = [
    ((64, 26, 26, 32), 2, 2, "VALID"), ((64, 24, 24, 1), 2, 2, "VALID"), ((64, 24, 24, 3), 2, 2, "VALID"),
    ((64, 24, 24, 17), 2, 2, "VALID"), ((8, 112, 112, 64), 3, 2, "SAME"), ((64, 25, 25, 32), 3, 1, "SAME"),
    ((64, 7, 7, 512), 7, 7, "VALID"),
]


def aligned(nbytes: int) -> np.ndarray:
    """Bytes that begin at a cache line."""
    memory = np.zeros(nbytes + 64, np.uint8)
    return memory[-memory.ctypes.data % 64:][:nbytes]


def prepare(calls: list[KernelCall], arrays: dict[str, np.ndarray]) -> Callable[[int, int], None]:
    """A function that runs one of so many lanes of every call."""
    scratch: dict[Scratch, np.ndarray] = {}
    rows = []
    for call in calls:
        for handle in call.buffers:
            if isinstance(handle, Scratch) and handle not in scratch:
                scratch[handle] = aligned(handle.nbytes * (THREADS if handle.per_lane else 1))
        memory = [scratch[handle] if isinstance(handle, Scratch) else arrays[handle] for handle in call.buffers]
        table = np.array([array.ctypes.data for array in memory]), np.array(call.dims)
        rows.append((KERNEL(load(call.source)), *table, call.tasks, memory))

    def run(lane: int, lanes: int) -> None:
        for _ in range(REPEATS):
            for kernel, buffers, dims, tasks, _ in rows:
                kernel(buffers.ctypes.data, dims.ctypes.data, tasks * lane // lanes, tasks * (lane + 1) // lanes, lane)

    return run


def best(run: Callable[[int, int], None], pool: ThreadPoolExecutor, lanes: int) -> float:
    """The least seconds of one pass over all lanes."""
    least = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for future in [pool.submit(run, lane, lanes) for lane in range(lanes)]:
            future.result()
        least = min(least, time.perf_counter() - start)
    return least / REPEATS


def report(shape: str, plans: dict[str, tuple[list[KernelCall], float]], arrays: dict[str, np.ndarray],
           pool: ThreadPoolExecutor) -> None:
    cells = []
    for name, (calls, work) in plans.items():
        start = time.perf_counter()
        run = prepare(calls, arrays)
        compiled = time.perf_counter() - start
        run(0, 1)
        rates = [work / best(run, pool, lanes) / 1e9 for lanes in (1, THREADS)]
        cells.append(f"{name} {rates[0]:6.1f} {rates[1]:6.1f} ({compiled:.2f} s)")
    print(f"{shape:44}", "   ".join(cells), flush=True)


def convolution(x_shape, window, stride, dilation, padding, dtype, pool) -> None:
    kh, kw, filters = window
    w_shape = (kh, kw, x_shape[3], filters)
    strides, dilations = (stride,) * 2, (dilation,) * 2
    pads, sizes = resolve(padding, x_shape[1:3], (kh, kw), strides, dilations)
    shapes = {"x": x_shape, "w": w_shape, "y": (x_shape[0], *sizes, filters)}
    arrays = random_arrays({**shapes, "dy": shapes["y"], "dx": x_shape, "dw": w_shape}, dtype)
    options = dict(dtype=dtype, x_shape=x_shape, w_shape=w_shape, strides=strides, dilations=dilations, padding=pads)
    flops = 2 * np.prod(shapes["y"]) * np.prod(w_shape[:3])
    report(f"{x_shape} {kh}x{kw} -> {filters} /{stride} :{dilation} {padding}", {
        "forward": (lower_conv2d("x", "w", "y", **options), flops),
        "input grad": (lower_conv2d_input_grad("dy", "w", "dx", **options), flops),
        "weight grad": (lower_conv2d_weight_grad("x", "dy", "dw", **options), flops)}, arrays, pool)


def pooling(x_shape, window, stride, padding, dtype, pool) -> None:
    pads, sizes = resolve(padding, x_shape[1:3], (window,) * 2, (stride,) * 2)
    y_shape = (x_shape[0], *sizes, x_shape[3])
    arrays = random_arrays({"x": x_shape, "y": y_shape, "dy": y_shape, "dx": x_shape}, dtype)
    options = dict(dtype=dtype, x_shape=x_shape, window=(window,) * 2, strides=(stride,) * 2, padding=pads)
    plans = {"mean": lower_pool2d("x", "y", kind="avg", **options),
             "grad of mean": lower_avg_pool2d_grad("dy", "dx", **options),
             "max": lower_pool2d("x", "y", kind="max", **options),
             "grad of max": lower_max_pool2d_grad("x", "y", "dy", "dx", **options)}
    report(f"{x_shape} {window}x{window} /{stride} {padding}",
           {name: (calls, sum(call.nbytes for call in calls)) for name, calls in plans.items()}, arrays, pool)


def random_arrays(shapes: dict[str, tuple[int, ...]], dtype: str) -> dict[str, np.ndarray]:
    random, real = np.random.default_rng(0), np.dtype({"f32": np.float32, "f64": np.float64}[dtype])
    arrays = {}
    for name, shape in shapes.items():
        arrays[name] = aligned(int(np.prod(shape)) * real.itemsize).view(real)
        arrays[name][:] = random.random(arrays[name].size)
    return arrays


def main() -> None:
    dtype = sys.argv[1] if len(sys.argv) > 1 else "f32"
    # a processor for each thread: a scheduler may leave two on one for a while
    processors = iter(sorted(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(THREADS, initializer=lambda: os.sched_setaffinity(0, {next(processors)})) as pool:
        print(f"{dtype}: one thread, {THREADS} threads (time to compile or load)")
        for case in CONVOLUTIONS:
            convolution(*case, dtype, pool)
        for shape in POOLS:
            pooling(*shape, dtype, pool)


if __name__ == "__main__":
    main()
