"""Numba's threads and the native executor (executor.py). Imports Numba, so it is imported on first use."""
from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import os
import pathlib
import sys
import warnings
from collections.abc import Callable

import numba
from llvmlite import binding

from . import kernel_cache

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


if os.environ.get("NUMBA_THREADING_LAYER", "tbb") == "tbb" and _load_tbb():
    numba.config.THREADING_LAYER = "tbb"
numba.get_num_threads()  # starts the threads


def _threads() -> int:
    """How many threads run a kernel: more than one with tbb or OpenMP. Numba's own workqueue is slow, and aborts the
    process when two threads enter it, so without the others everything runs on the calling thread."""
    if numba.get_num_threads() == 1:
        return 1
    try:
        numba.np.ufunc.parallel._launch_threads()
        layer = numba.threading_layer()
    except ValueError:
        layer = "none"
    if layer in ("tbb", "omp"):
        return numba.get_num_threads()
    warnings.warn("graphflow: neither TBB nor OpenMP was found, so kernels run on one thread. `pip install tbb` helps.",
                  RuntimeWarning, stacklevel=2)
    return 1


def _load(*files: str) -> Callable[[int], int]:
    """The last function of these modules' texts together, compiled, which takes the address of a run's words."""
    text = "".join(pathlib.Path(__file__).with_name(file).read_text() for file in files)
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(kernel_cache.link(text)[0])


THREADS = _threads()
PARALLEL_FOR = binding.address_of_symbol("numba_parallel_for") or 0 if THREADS > 1 else 0
execute = _load("executor.py")


@functools.cache
def traced() -> Callable[[int], int]:
    """The executor that also notes when each row began and ended (tracer.py), compiled when someone first traces."""
    return _load("executor.py", "tracer.py")


def clock() -> int:
    """The address of the C function behind time.perf_counter_ns."""
    name = "PyTime_PerfCounterRaw" if sys.version_info >= (3, 13) else "_PyTime_GetPerfCounter"
    address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    assert address is not None
    return address
