"""One run's memory and tables. A frame serves one run at a time, so that threads can share a plan."""
from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ..compiler.codegen.emitter import STATUS
from ..compiler.codegen.kernel import Scratch
from ..compiler.dtypes import variant
from ..compiler.errors import InvalidArgumentError, ResourceExhaustedError
from ..compiler.ir import Operation, Tensor
from . import interpreter, kernel_cache
from .compilers import compile_missing
from .flow import CHAIN, HOST, RESERVE, Control, HostCall, Stack
from .plan import LARGE, PAGE, SMALL_BYTES, Binding, Plan, uninitialized, unit
from .store import VariableStore, address, aligned_empty

ROW_WORDS, LANE_BYTES = 8, 128  # see executor.py and team.py


def _holders(arrays: dict[Any, np.ndarray], key: Any) -> int:
    """How many hold the memory of an array of the dict (callers do through what they were given of it), and this
    call."""
    return sys.getrefcount(arrays[key].base)


ALONE = _holders({0: aligned_empty((1,), np.dtype(np.uint8))}, 0)


class Frame:
    """Tables of a binding with the addresses of one run."""

    def __init__(self, plan: Plan, binding: Binding, store: VariableStore, counters: dict[str, Any]):
        from . import native  # imports LLVM
        self.plan, self.binding, self.store, self.counters = plan, binding, store, counters
        self.native: Any = native  # what runs the rows (trace.py puts another in its place)
        self._epoch = -1
        self._prepared = -1  # at which of the store's changes
        self._arena = aligned_empty((max(binding.arena_bytes, 1),), np.dtype(np.uint8), PAGE, PAGE // 4)
        self._status = np.zeros(4, np.int64)
        self._views: dict[Any, np.ndarray] = {}  # of the arena
        self._constants: dict[Tensor, np.ndarray] = {}
        self._fresh: dict[Tensor, np.ndarray] = {}
        self._fed: dict[Tensor, np.ndarray] = {}
        self._feed_slots: dict[Tensor, list[int]] = {t: [] for t in plan.graph.inputs}
        self._fresh_slots: dict[Tensor, list[int]] = {}
        self._variable_slots: list[tuple[int, str]] = []
        self._stream_slots: list[tuple[int, str]] = []
        self._stacks: dict[Tensor, np.ndarray] = {}
        self._stack_slots: dict[Tensor, list[int]] = {}
        self._build_tables()
        # small feeds are copied into buffers of the frame, which also converts them: memoryviews set numbers fastest
        self._feeds: list[tuple[int, Tensor, Any, Any]] = []
        for i, t in enumerate(plan.graph.inputs):
            shape = binding.shapes[t]
            small: Any = None
            if int(np.prod(shape)) * t.dtype.size <= SMALL_BYTES and not t.dtype.np.hasobject:
                self._fed[t] = small = aligned_empty(shape, t.dtype.np)
                self._table[self._feed_slots[t]] = address(small)
            is_number = small is not None and not shape and t.dtype.np.char in "fd"
            self._feeds.append((i, t, memoryview(small), ()) if is_number else (i, t, small, ...))
        # what the executor takes: see there
        lanes = max((step.chunks for step in binding.steps), default=1)
        self._shares = aligned_empty((lanes * LANE_BYTES,), np.dtype(np.int8))
        self._run = np.array([address(self._rows), 0, len(self._rows), address(self._table), address(self._dims),
                              address(self._status), native.TEAM, 0, address(self._shares)], np.int64)
        self._run_address, self._end = address(self._run), len(self._rows)
        self._begin = self._run.data[1:]  # word 1: where to begin
        self._outputs = [self._output(t) for t in plan.graph.outputs]

    def _build_tables(self) -> None:
        rows: list[list[int]] = []
        table: list[int] = []
        dims: list[int] = []
        starts: dict[Any, int] = {}  # of a call's sizes
        words: list[int] = []  # where each row's buffers begin
        calls = (step.call for step in self.binding.steps)
        compile_missing((c.source for c in calls if not isinstance(c, (HostCall, Control))), self.plan.threads())
        for i, step in enumerate(self.binding.steps):
            call = step.call
            words.append(len(table))
            if isinstance(call, HostCall):
                rows.append([0, 0, 0, 0, 0, HOST, 0, 0])
                for kind, key in map(self.plan.storage, call.op.outputs):
                    if kind == "arena" and self.binding.locations[key].kind == "fresh":
                        self._fresh_slots.setdefault(key, [])
                continue
            if isinstance(call, Control):
                target = call.target if call.kind == RESERVE else call.target - i
                if call.slot is not None:
                    target = starts[call.slot[0]] + call.slot[1]
                rows.append([0, 0, 0, 8 * len(table), 0, call.kind, target, 0])
                for handle in call.buffers:
                    table.append(self._address(handle, len(table)))
                continue
            starts[call] = len(dims)
            kernel = kernel_cache.load(call.source)
            rows.append([kernel, call.tasks, step.chunks, 8 * len(table), 8 * len(dims), 0, 0, unit(step)])
            self._stream_slots += [(len(dims) + slot, op.name) for slot, op in call.streams]
            for handle in call.buffers:
                table.append(self._address(handle, len(table)))
            dims += call.dims
        for chain in self.binding.chains:
            head = rows[chain.begin]
            head[5:] = CHAIN, chain.end - chain.begin, 8 * len(dims)
            dims += chain.entries(self._address(chain.memory, 0), words[chain.begin], [
                self.plan.storage(b)[1] if isinstance(b, Tensor) else b
                for step in self.binding.steps[chain.begin:chain.end] for b in step.call.buffers])  # type: ignore[union-attr]
        try:
            self._rows = np.array(rows, np.int64).reshape(-1, ROW_WORDS)
            self._table = np.array([*table, 0], np.int64)
            self._dims = np.array([*dims, 0], np.int64)
        except OverflowError:
            raise ResourceExhaustedError("The run computes tensors of 2**63 elements and more.") from None

    def _address(self, handle: Any, position: int) -> int:
        """The address of a buffer, 0 for one that each run or epoch fills in."""
        if handle == STATUS:
            return address(self._status)
        if isinstance(handle, Scratch):
            return address(self._arena) + self.binding.locations[handle].offset
        kind, key = self.plan.storage(handle)
        if kind == "variable":
            self._variable_slots.append((position, key))
        elif kind == "feed":
            self._feed_slots[key].append(position)
        elif kind == "arena" and self.binding.locations[key].kind == "fresh":
            self._fresh_slots.setdefault(self.binding.locations[key].key, []).append(position)
        elif kind == "arena" and self.binding.locations[key].kind == "local":
            pass  # each chunk finds its own
        elif kind == "arena" and self.binding.locations[key].kind == "stack":
            self._stack_slots.setdefault(key, []).append(position)
            return address(self._stack(key))
        elif kind == "arena":
            return address(self._arena) + self.binding.locations[key].offset
        else:
            return address(self._view(key, kind))
        return 0

    def _view(self, key: Any, kind: str) -> np.ndarray:
        """The array of a storage as things stand now."""
        if kind == "variable":
            array = self.store.get(self.plan.handles[key])
            assert array is not None
            return array
        if kind == "feed":
            return self._fed[key]
        if kind == "arena" and self.binding.locations[key].kind == "fresh":
            return self._fresh[self.binding.locations[key].key]
        if kind in ("constant", "sizes"):
            if key not in self._constants:
                value = key.op.attrs["value"] if kind == "constant" else np.array(
                    interpreter.concrete(key.op.attrs["dims"], self.binding.sizes), key.dtype.np)
                array = aligned_empty(value.shape, value.dtype)
                array[...] = value
                self._constants[key] = array
            return self._constants[key]
        if key not in self._views:
            location, shape = self.binding.locations[key], self.binding.shapes[key]
            raw = self._arena[location.offset:location.offset + prod(shape) * key.dtype.size]
            self._views[key] = raw.view(key.dtype.np).reshape(shape)
        return self._views[key]

    def _output(self, tensor: Tensor) -> Callable[[], Any]:
        """What returns a fetched value after a run: the array made for it, or a copy of where it is. It does not keep
        the frame, whose memory is to go at once when it is not needed any more."""
        frame = weakref.proxy(self)
        kind, key = self.plan.storage(tensor)
        if tensor.dtype == variant:
            count = key.op.outputs[key.op.attrs["variables"]]
            return lambda: frame._rows_of(key, int(frame._tensor(count)))
        shape = self.binding.shapes[tensor]
        if kind == "arena" and self.binding.locations[key].kind == "fresh":
            if tensor is next(t for t in self.plan.graph.outputs if self.plan.storage(t)[1] is key):
                return lambda: frame._fresh[key].reshape(shape)
            return lambda: frame._fresh[key].reshape(shape).copy()
        if kind in ("variable", "feed"):  # their arrays may change from run to run
            return lambda: frame._view(key, kind).reshape(shape).copy()[()]
        view = self._view(key, kind).reshape(shape)
        return view.copy if shape else partial(view.__getitem__, ())

    # running

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The fetched values for these feeds: arrays of the bound shapes and of the right dtype, or numbers."""
        table, store, plan = self._table, self.store, self.plan
        for i, tensor, small, whole in self._feeds:
            if small is not None:
                small[whole] = values[i]
            else:
                value = values[i]
                self._fed[tensor] = value
                at = address(value)
                for slot in self._feed_slots[tensor]:
                    table[slot] = at
        if self._epoch != store.epoch:
            self._find_variables()
        for tensor, slots in self._fresh_slots.items():
            if not self._free(tensor):
                self._fresh[tensor] = self._result(tensor)
            at = address(self._fresh[tensor])
            for slot in slots:  # as a list they take a microsecond
                table[slot] = at
        streams: dict[str, int] = {}
        if plan.random_ops:
            streams = plan.next_streams(self.counters)
            for slot, name in self._stream_slots:
                self._dims[slot] = streams[name]
        begin, changes, end = self._begin, store.changes, self._end
        begin[0] = self.binding.prepared if self._prepared == changes else 0
        try:
            while (at := self.native.execute(self._run_address)) < end:
                begin[0] = self._serve(at, streams)
            self._prepared = changes
        finally:
            if plan.writes:
                store.changed()
        return [output() for output in self._outputs] if self._outputs else []

    def _result(self, tensor: Tensor) -> np.ndarray:
        """An array for a fetched value."""
        shape, dtype = self.binding.shapes[tensor], tensor.dtype.np
        if self.binding.locations[tensor].nbytes < LARGE or dtype.hasobject:
            return np.empty(shape, dtype)
        return aligned_empty(shape, dtype, PAGE, PAGE // 2)

    def _free(self, tensor: Tensor) -> bool:
        """Whether the array of the last run can be used again."""
        arrays = self._fresh
        return tensor in arrays and arrays[tensor].nbytes >= LARGE and _holders(arrays, tensor) == ALONE

    def _serve(self, at: int, streams: dict[str, int]) -> int:
        """What a row stopped for: an op in Python, more memory, a fault. Returns the row to go on with."""
        if self._status[0]:
            self._raise_fault()
        call = self.binding.steps[at].call
        if isinstance(call, HostCall):
            self._run_host(call.op, streams.get(call.op.name, 0))
            return at + 1
        assert isinstance(call, Control)
        self._rows[at, 6] *= 2
        for key in call.stacks:
            old = self._stacks[key]
            self._stacks[key] = aligned_empty((2 * old.size,), old.dtype)
            self._stacks[key][:old.size] = old
            self._table[self._stack_slots[key]] = address(self._stacks[key])
        return at

    def _run_host(self, op: Operation, stream: int) -> None:
        inputs = [self._tensor(t) for t in op.inputs]
        results = interpreter.evaluate(op, inputs, self.binding.sizes, stream)
        for tensor, value in zip(op.outputs, results, strict=True):
            self._tensor(tensor)[...] = value

    def _tensor(self, tensor: Tensor) -> np.ndarray:
        kind, key = self.plan.storage(tensor)
        return self._view(key, kind).reshape(self.binding.shapes[tensor])

    def _stack(self, key: Tensor) -> np.ndarray:
        """The memory of a stack that grows."""
        if key not in self._stacks:
            memory = self.binding.stacks[key]
            self._stacks[key] = aligned_empty((max(memory.row_bytes * memory.rows, 1),), np.dtype(np.uint8))
        return self._stacks[key]

    def _rows_of(self, key: Tensor, count: int) -> np.ndarray:
        """A stack as what runs in Python takes for it: one object, the list of its rows."""
        memory = self.binding.stacks[key]
        location = self.binding.locations[key]
        raw = (
            self._stacks[key]
            if key in self._stacks
            else self._arena[location.offset : location.offset + location.nbytes]
        )
        return self._unpacked(raw, memory, count)

    def _unpacked(self, raw: np.ndarray, memory: Stack, count: int) -> np.ndarray:
        found = np.empty((), object)
        rows = [raw[i * memory.row_bytes:(i + 1) * memory.row_bytes] for i in range(count)]
        if memory.content is not None:  # a stack in a stack has room for all rows that it may have
            inner = memory.content
            found[()] = [self._unpacked(row, inner, inner.rows) for row in rows]
        else:
            shape = self.binding.shapes[memory.row]
            found[()] = [row.view(memory.row.dtype.np).reshape(shape).copy() for row in rows]
        return found

    def _find_variables(self) -> None:
        epoch = self.store.epoch
        missing = [op for op in self.plan.read_first if self.store.get(op.inputs[0].op) is None]
        if missing:
            raise uninitialized([op.inputs[0].op for op in missing])
        for name, tensor in self.plan.written.items():
            self.store.allocate(self.plan.handles[name], self.binding.shapes[tensor], tensor.dtype)
            epoch = self.store.epoch
        for slot, name in self._variable_slots:
            array = self.store.get(self.plan.handles[name])
            assert array is not None
            self._table[slot] = address(array)
        self._epoch = epoch

    def _raise_fault(self) -> None:
        number, value, limit, at = (int(w) for w in self._status)
        self._status[:] = 0
        self._fresh.clear()
        op = self.binding.faults[number - 1]
        describe = op.definition.fields.get("fault", _out_of_range)
        raise InvalidArgumentError(f"{describe(op, value, limit, at)} (op {op.name!r} of type {op.type}, made at "
                                   f"{op.site})", op)


def _out_of_range(op: Operation, value: int, limit: int, at: int) -> str:
    return f"value {value} is outside the valid range of [0, {limit})"
