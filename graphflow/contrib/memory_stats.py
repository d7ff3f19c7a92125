"""`tf.contrib.memory_stats`: the memory of the process, in bytes, when the operation runs."""
from __future__ import annotations

import os
import resource
import sys

import numpy as np

from ..compiler.dtypes import int64
from ..compiler.ir import Tensor
from ..script_ops import py_func

__all__ = ["BytesInUse", "BytesLimit", "MaxBytesInUse"]


def _most() -> np.int64:
    """The most that the process has held (kilobytes on Linux, bytes on macOS)."""
    return np.int64(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def _now() -> np.int64:
    try:
        with open("/proc/self/statm") as file:
            return np.int64(int(file.read().split()[1]) * resource.getpagesize())
    except OSError:  # no Linux
        return _most()


def _limit() -> np.int64:
    return np.int64(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _op(function: object, name: str) -> Tensor:
    found = py_func(function, [], int64, name=name)  # type: ignore[arg-type]
    found.set_shape([])
    return found


def BytesInUse() -> Tensor:
    """What the process holds, an int64 scalar."""
    return _op(_now, "BytesInUse")


def MaxBytesInUse() -> Tensor:
    """The most that the process has held, an int64 scalar."""
    return _op(_most, "MaxBytesInUse")


def BytesLimit() -> Tensor:
    """The machine's memory, an int64 scalar."""
    return _op(_limit, "BytesLimit")
