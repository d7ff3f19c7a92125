"""The native executor (executor.py) and its threads (team.py). Imports LLVM, so it is imported on first use."""
from __future__ import annotations

import atexit
import ctypes
import functools
import os
import pathlib
import sys
import threading
from collections.abc import Callable

import numpy as np

from ..compiler.native import machine
from . import kernel_cache
from .store import address, aligned_empty

HELPER_WORDS = 16  # 128 bytes: see team.py


@functools.cache
def _load(*files: str) -> int:
    """The address of the last function of these modules' texts together, compiled."""
    for name in ("PyLong_AsLongLong", "PyLong_FromLongLong", "PyEval_SaveThread", "PyEval_RestoreThread"):
        machine.define(name, _address_in_python(name))
    return kernel_cache.link("".join(pathlib.Path(__file__).with_name(file).read_text() for file in files))[0]


class _Method(ctypes.Structure):
    """Python's PyMethodDef."""
    _fields_ = [("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int),
                ("documentation", ctypes.c_char_p)]


_methods: list[_Method] = []  # they must last as long as the functions
TAKES_ONE = 8  # METH_O


def _builtin(*files: str) -> Callable[[int], int]:
    """The last function of these texts as one of Python's own, of the address of a run's words: a call by ctypes takes
    twice as long."""
    _methods.append(_Method(b"execute", _load(*files), TAKES_ONE, None))
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p] * 3
    return make(ctypes.addressof(_methods[-1]), None, None)


def _address_in_python(*names: str) -> int:
    """The address of the first of these C functions that this Python has."""
    for name in names:
        if hasattr(ctypes.pythonapi, name):
            return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
    raise ImportError(f"graphflow: this Python ({sys.version}) has no C function {' or '.join(names)}.")


def clock() -> int:
    """The address of the C function behind time.perf_counter_ns."""
    return _address_in_python("PyTime_PerfCounterRaw", "_PyTime_GetPerfCounter")


class Team:
    """Threads that help those which run plans; a forked child gets its own in the same place."""

    def __init__(self, helpers: int):
        self.words = aligned_empty(((1 + helpers) * HELPER_WORDS,), np.dtype(np.int64))
        self.address = address(self.words)
        self._threads: list[threading.Thread] = []
        self.start()
        os.register_at_fork(after_in_child=self.start)
        atexit.register(self.leave)

    def start(self) -> None:
        """Fill in the words of team.py and start the threads."""
        table = self.words.reshape(-1, HELPER_WORDS)
        table[...] = 0
        table[0, 1:6] = (len(table) - 1, 0, _address_in_python("PyThread_acquire_lock"),
                         _address_in_python("PyThread_release_lock"), clock())
        self._threads = []
        serve = ctypes.CFUNCTYPE(None, ctypes.c_int64)(_load("team.py"))
        for helper in table[1:]:
            helper[4:7] = _acquired_lock(), _acquired_lock(), self.address
            thread = threading.Thread(target=serve, args=(address(helper),), name="graphflow", daemon=True)
            thread.start()
            self._threads.append(thread)

    def leave(self) -> None:
        """End the threads: what runs from now on runs in its caller's."""
        table = self.words.reshape(-1, HELPER_WORDS)
        table[0, 2] = 1
        for helper in table[1:]:
            ctypes.pythonapi.PyThread_release_lock(ctypes.c_void_p(int(helper[4])))
        for thread in self._threads:
            thread.join()


def _acquired_lock() -> int:
    """The address of a new lock that whoever acquires it next waits for."""
    allocate = ctypes.pythonapi.PyThread_allocate_lock
    allocate.restype = ctypes.c_void_p
    lock = allocate()
    ctypes.pythonapi.PyThread_acquire_lock(ctypes.c_void_p(lock), 1)
    return lock


def _threads() -> int:
    """As many as Numba would start, whose import takes long: $NUMBA_NUM_THREADS, else as this process has cores."""
    if chosen := os.environ.get("NUMBA_NUM_THREADS"):
        return max(1, int(chosen))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


THREADS = _threads()
TEAM = Team(THREADS - 1).address
execute = _builtin("team.py", "executor.py")


@functools.cache
def traced() -> Callable[[int], int]:
    """The executor that also notes when each row began and ended (tracer.py), compiled when someone first traces."""
    return _builtin("team.py", "executor.py", "tracer.py")
