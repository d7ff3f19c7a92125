"""The native executor: one compiled loop that runs the rows of any plan. Imports Numba, so it is imported on first use.

A row is eight 8-byte words: kernel address, tasks, chunks, offset of its buffers and of its sizes (in bytes), and three
to spare that keep a row in one cache line. Kernels are serial; this loop holds the code base's only parallel region.
"""
from __future__ import annotations

import ctypes
import importlib.metadata
import os
import time
import warnings
from typing import Any

ROW_WORDS = 8


def _load_tbb() -> bool:
    """Load the library of the tbb wheel before Numba looks for it: a wheel's folder is not on the loader's path."""
    try:
        files = importlib.metadata.files("tbb") or []
    except importlib.metadata.PackageNotFoundError:
        return False
    for file in files:
        if file.name == "libtbb.so.12" or file.name == "tbb12.dll":
            try:
                ctypes.CDLL(str(file.locate()), mode=ctypes.RTLD_GLOBAL)
                return True
            except OSError:
                continue
    return False


if "NUMBA_THREADING_LAYER" not in os.environ and _load_tbb():
    os.environ["NUMBA_THREADING_LAYER"] = "tbb"

import numba  # noqa: E402
from llvmlite import ir  # noqa: E402
from numba import njit, prange, types  # noqa: E402
from numba.extending import intrinsic  # noqa: E402

from ..compiler.native.memory import word  # noqa: E402

numba.get_num_threads()  # starts the threads: loading cached code with a parallel region aborts before that


@intrinsic
def _call(typingctx: Any, address: Any, buffers: Any, dims: Any, begin: Any, end: Any, lane: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = ir.FunctionType(ir.VoidType(), [ir.IntType(64)] * 5).as_pointer()
        builder.call(builder.inttoptr(args[0], function), args[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), codegen


@njit("int64(int64, int64, int64, int64, int64)", parallel=True, nogil=True, cache=True)
def _execute(rows, count, buffers, dims, status):
    for i in range(count):
        row = rows + 64 * i
        kernel, tasks, chunks = word(row, 0), word(row, 1), word(row, 2)
        b, d = buffers + word(row, 3), dims + word(row, 4)
        if chunks == 1:
            _call(kernel, b, d, 0, tasks, 0)
        else:
            for c in prange(chunks):
                _call(kernel, b, d, tasks * c // chunks, tasks * (c + 1) // chunks, c)
        if word(status, 0) != 0:
            return i
    return -1


@njit("int64(int64, int64, int64, int64, int64)", nogil=True, cache=True)
def _execute_serially(rows, count, buffers, dims, status):
    for i in range(count):
        row = rows + 64 * i
        b, d = buffers + word(row, 3), dims + word(row, 4)
        for c in range(word(row, 2)):
            _call(word(row, 0), b, d, word(row, 1) * c // word(row, 2), word(row, 1) * (c + 1) // word(row, 2), c)
        if word(status, 0) != 0:
            return i
    return -1


def _choose() -> tuple[Any, int]:
    """(the executor, threads): in parallel with tbb or OpenMP. Numba's own workqueue is slow, and aborts the process
    when two threads enter it, so without the others everything runs on the calling thread."""
    if numba.get_num_threads() == 1:
        return _execute_serially, 1
    try:
        numba.np.ufunc.parallel._launch_threads()
        layer = numba.threading_layer()
    except ValueError:
        layer = "none"
    if layer in ("tbb", "omp"):
        return _execute, numba.get_num_threads()
    warnings.warn("graphflow: neither TBB nor OpenMP was found, so kernels run on one thread. `pip install tbb` helps.",
                  RuntimeWarning, stacklevel=2)
    return _execute_serially, 1


execute, THREADS = _choose()


def timed(rows: int, count: int, buffers: int, dims: int, status: int) -> list[float]:
    """Run row by row; the seconds that each took."""
    seconds = []
    for i in range(count):
        start = time.perf_counter()
        stopped = execute(rows + 8 * ROW_WORDS * i, 1, buffers, dims, status)
        seconds.append(time.perf_counter() - start)
        if stopped >= 0:
            break
    return seconds
