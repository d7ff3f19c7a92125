"""The variables of a session: their arrays, at addresses that stay put while a variable keeps its shape."""
from __future__ import annotations

import ctypes
import itertools
import math
import threading

import numpy as np

from ..compiler.dtypes import DType
from ..compiler.errors import ResourceExhaustedError
from ..compiler.ir import Operation


class VariableStore:
    """Arrays by variable name. `epoch` changes when an array moves, so that plans know to look up addresses again;
    `changes` when one may have another value, so that they know to prepare anew what they made of it."""

    def __init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}
        self.lock = threading.Lock()
        self.epoch = 0
        self._counter = itertools.count(1)
        self.changes = 0

    def get(self, handle: Operation) -> np.ndarray | None:
        """The variable's array itself (not a copy), None when it is uninitialized."""
        return self._arrays.get(handle.name)

    def value(self, name: str) -> np.ndarray | None:
        """As `get`, by the variable's name."""
        return self._arrays.get(name)

    def set(self, handle: Operation, value: np.ndarray, shape: tuple[int, ...] | None = None) -> None:
        """Give the variable a value (copied), repeated as NumPy broadcasts it to a `shape`."""
        self.allocate(handle, value.shape if shape is None else shape, handle.outputs[0].dtype)[...] = value
        self.changed()

    def adopt(self, handle: Operation, value: np.ndarray) -> None:
        """As `set`, for a value that nobody else has: not copied if it is laid out as the variable's own array."""
        if (isinstance(value, np.ndarray) and value.dtype == handle.outputs[0].dtype.np and value.flags.c_contiguous
                and address(value) % 64 == 0):
            with self.lock:
                self._arrays[handle.name] = value
                self.epoch += 1
            self.changed()
        else:
            self.set(handle, value)

    def changed(self) -> None:
        """Variables have been written."""
        self.changes = next(self._counter)  # threads never leave the same number for two changes

    def allocate(self, handle: Operation, shape: tuple[int, ...], dtype: DType) -> np.ndarray:
        """The variable's array, made anew when there is none of that shape."""
        with self.lock:
            array = self._arrays.get(handle.name)
            if array is None or array.shape != shape or array.dtype != dtype.np:
                array = np.empty(shape, object) if dtype.is_string else aligned_empty(shape, dtype.np)
                self._arrays[handle.name] = array
                self.epoch += 1
            return array

    def discard(self, name: str) -> None:
        """Let the variable's array go: nothing will run with it again."""
        self._arrays.pop(name, None)

    def clear(self) -> None:
        self._arrays.clear()
        self.epoch += 1
        self.changed()


class BorrowingStore(VariableStore):
    """A store through which variables of other stores are used too, under names of its own."""

    def __init__(self) -> None:
        self._lenders: dict[str, tuple[VariableStore, Operation]] = {}
        self._stores: set[VariableStore] = set()
        self._moves = 0
        super().__init__()

    def borrow(self, name: str, store: VariableStore, handle: Operation) -> None:
        """Let `name` stand for a variable of another store."""
        if self._lenders.get(name) != (store, handle):
            self._lenders[name] = store, handle
            self._stores.add(store)
            self._moves += 1

    @property
    def epoch(self) -> int:
        return self._moves + self._elsewhere()

    @epoch.setter
    def epoch(self, value: int) -> None:
        self._moves = value - self._elsewhere()

    def _elsewhere(self) -> int:
        """How often arrays of the lenders have moved."""
        return sum(s._moves if isinstance(s, BorrowingStore) else s.epoch for s in self._stores)

    @property
    def changes(self) -> int:
        return self._changes + sum(s.changes for s in self._stores)

    @changes.setter
    def changes(self, value: int) -> None:
        self._changes = value

    def changed(self) -> None:
        super().changed()
        for store in self._stores:
            store.changed()

    def get(self, handle: Operation) -> np.ndarray | None:
        return self.value(handle.name)

    def value(self, name: str) -> np.ndarray | None:
        lent = self._lenders.get(name)
        return super().value(name) if lent is None else lent[0].get(lent[1])

    def allocate(self, handle: Operation, shape: tuple[int, ...], dtype: DType) -> np.ndarray:
        lent = self._lenders.get(handle.name)
        return super().allocate(handle, shape, dtype) if lent is None else lent[0].allocate(lent[1], shape, dtype)

    def adopt(self, handle: Operation, value: np.ndarray) -> None:
        lent = self._lenders.get(handle.name)
        return super().adopt(handle, value) if lent is None else lent[0].adopt(lent[1], value)

    def discard(self, name: str) -> None:
        super().discard(name)
        self._lenders.pop(name, None)


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype, block: int = 64, past: int = 0) -> np.ndarray:
    """An uninitialized array that begins on a cache line, or so many bytes past a larger block of memory; never of zero
    bytes, so that it has an address. Raises ResourceExhaustedError."""
    nbytes = math.prod(shape) * dtype.itemsize
    try:
        raw = np.empty(nbytes + block + dtype.itemsize, np.uint8)
    except (MemoryError, ValueError):
        raise ResourceExhaustedError(f"OOM when allocating tensor with shape {shape} and type {dtype}: "
                                     f"{nbytes:,} bytes") from None
    start = (past - address(raw)) % block
    return raw[start:start + nbytes].view(dtype).reshape(shape)


# an array's object has the address of its elements behind what every object has (PyArrayObject_fields of NumPy's C
# interface): to read it there takes a ninth of the time that NumPy takes to describe the array
_HEADER = object.__basicsize__
_pointer_at = ctypes.c_ssize_t.from_address


def address(array: np.ndarray) -> int:
    return _pointer_at(id(array) + _HEADER).value
