"""Runs kernel calls by hand: every array ends where readable memory ends, so that an access beyond it crashes."""
from __future__ import annotations

import ctypes
import mmap

import numpy as np
from graphflow.compiler.codegen.kernel import Scratch
from graphflow.runtime.kernel_cache import load

DTYPES = {"f32": np.float32, "f64": np.float64}
KERNEL = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)


def guarded(array) -> np.ndarray:
    """A copy whose last byte is the last one before a page that may not be touched."""
    array = np.ascontiguousarray(array)
    size = -(-array.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, size + mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None)
    assert libc.mprotect(ctypes.c_void_p(address + size), ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    copy = np.frombuffer(memory, np.uint8, array.nbytes, size - array.nbytes).view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def run(calls, cuts=()) -> None:
    """Run the calls on the arrays that are their handles; `cuts` in [0, 1] say where the tasks are divided.

    Later ranges run first, each in its own lane: the order of the threads must not matter.
    """
    scratch = {}
    for call in calls:
        edges = [0, *sorted(round(cut * call.tasks) for cut in cuts), call.tasks]
        for handle in call.buffers:
            if isinstance(handle, Scratch) and handle not in scratch:
                # NaN: what a kernel has not written itself must not reach the result
                count = -(-handle.total(len(edges) - 1) // 8)
                scratch[handle] = guarded(np.full(count, np.nan))
        memory = [scratch.get(handle, handle) if isinstance(handle, Scratch) else handle for handle in call.buffers]
        buffers = np.array([array.ctypes.data for array in memory], np.int64)
        dims = np.array(call.dims, np.int64)
        for lane in reversed(range(len(edges) - 1)):
            KERNEL(load(call.source))(buffers.ctypes.data, dims.ctypes.data, edges[lane], edges[lane + 1], lane)
