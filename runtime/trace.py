"""Records of what runs: when each row of a plan, each op in Python and each compilation began and ended.

While nobody records, nothing here is on the way of a run: recording puts methods of its own in the place of those of
`Runner`, `Frame` and `Pieces`, and takes them away again. What is recorded goes through an executor with a clock
(tracer.py); plans and kernels are the same. Times are those of time.perf_counter_ns.
"""
from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..compiler.dims import Atom
from ..compiler.ir import Operation
from ..compiler.site import user_site
from . import kernel_cache
from .frame import Frame
from .pieces import Pieces, Watch
from .plan import Binding, Plan
from .runner import Bound, Runner, Shapes
from .store import address

ROOM = 1 << 16  # events of one run: of a long loop the later ones are not kept, but counted in the totals
LIMIT = 1_000_000  # events that a recorder keeps


class Span(NamedTuple):
    """What is no row of a plan. The kinds are "op" (eager, or between the pieces of a run), "compile" (of a graph to a
    plan), "kernel" (compiled) and "load" (of one from disk)."""

    kind: str
    name: str
    begin: int
    end: int
    thread: int
    op: Operation | None = None


@dataclass(eq=False)
class Whole:
    """All recorded runs of one binding. `rows` has for each row the calls, the nanoseconds of them all, and those of
    the longest."""

    runner: Runner
    plan: Plan
    binding: Binding
    rows: np.ndarray
    shapes: Shapes  # of what was fed, and of variables that may change theirs
    runs: int = 0
    nanoseconds: int = 0


class Run(NamedTuple):
    """One run of a plan. `rows` is as Whole's; an event is (row of the plan, chunk, begin, end), in the order of the
    calls. What Python did for a row is one of chunk 0."""

    whole: Whole
    begin: int
    end: int
    thread: int
    rows: np.ndarray
    events: np.ndarray
    lost: int  # events for which there was no room


def members(op: Operation) -> list[Operation]:
    """What a row of a plan computes: the op, or those that became a kernel with it."""
    inside = op.attrs["body"].operations if op.type in ("Fused", "Recurrence") else [op]
    return [o for o in inside if o.type not in ("Parameter", "Argument", "Const")] or [op]


class Recorder:
    """What ran between `start` and `stop`, in all threads or in the one that started it.

    Each run is kept until there are LIMIT events; `wholes`, by the id of a binding, has the totals of all.
    """

    def __init__(self, own_thread: bool = False):
        self.own_thread = own_thread
        self.runs: list[Run] = []
        self.spans: list[Span] = []
        self.wholes: dict[int, Whole] = {}
        self.begin = self.end = self.kept = 0
        self.thread = 0
        self.wall = 0  # what is to be added to a time for nanoseconds since 1970
        self._lock = threading.Lock()

    def start(self) -> Recorder:
        self.thread = threading.get_ident()
        self.wall = time.time_ns() - time.perf_counter_ns()
        self.begin = time.perf_counter_ns()
        _listen(self)
        return self

    def stop(self) -> Recorder:
        _forget(self)
        self.end = time.perf_counter_ns()
        for load in list(kernel_cache.loads.values()):
            if load.begin >= self.begin and self._hears(load.thread):
                kind = "kernel" if load.compiled else "load"
                self.spans.append(Span(kind, load.title, load.begin, load.end, load.thread))
        return self

    def __enter__(self) -> Recorder:
        return self.start()

    def __exit__(self, *error: Any) -> None:
        self.stop()

    def run(self, runner: Runner, frame: Frame, values: Sequence[Any]) -> list[Any]:
        """Run one frame, of a runner's plan."""
        return _recorded(runner, frame, values, [self])

    def _hears(self, thread: int) -> bool:
        return not self.own_thread or thread == self.thread

    def _add(self, runner: Runner, frame: Frame, tracer: Tracer, begin: int, end: int) -> None:
        with self._lock:
            whole = self.wholes.get(id(frame.binding))
            if whole is None:
                whole = self.wholes[id(frame.binding)] = Whole(
                    runner, frame.plan, frame.binding, np.zeros_like(tracer.totals), _shapes(runner, frame.binding))
            whole.runs += 1
            whole.nanoseconds += end - begin
            whole.rows[:, :2] += tracer.totals[:, :2]
            np.maximum(whole.rows[:, 2], tracer.totals[:, 2], out=whole.rows[:, 2])
            if self.kept < LIMIT:
                events = tracer.found()
                self.runs.append(Run(whole, begin, end, threading.get_ident(), tracer.totals, events, tracer.lost))
                self.kept += 1 + len(events)


class Tracer:
    """Stands in for runtime/native.py in a frame, for one run."""

    def __init__(self, rows: int):
        from . import native  # imports Numba
        self._execute = native.traced()
        self.totals = np.zeros((rows, 3), np.int64)
        self._events = np.empty((ROOM, 4), np.int64)
        self._table = np.array([native.clock(), 0, ROOM, address(self._events), address(self.totals)], np.int64)
        self._stopped: tuple[int, int] | None = None

    def execute(self, run: int) -> int:
        """As the executor's. What it was stopped for took until this call."""
        if self._stopped is not None:
            self._note(*self._stopped, time.perf_counter_ns())
        words = (ctypes.c_int64 * 8).from_address(run)
        words[7] = address(self._table)
        at = self._execute(run)
        self._stopped = (at, time.perf_counter_ns()) if at < words[2] else None
        return at

    def _note(self, row: int, begin: int, end: int) -> None:
        """What Python did for a row."""
        self.totals[row] += 1, end - begin, 0
        self.totals[row, 2] = max(self.totals[row, 2], end - begin)
        if self._table[1] < ROOM:
            self._events[self._table[1]] = row, 0, begin, end
        self._table[1] += 1

    @property
    def lost(self) -> int:
        return max(0, int(self._table[1]) - ROOM)

    def found(self) -> np.ndarray:
        return self._events[:self._table[1]].copy()


# what stands in the place of the methods of Runner, Frame and Pieces

_listening: list[Recorder] = []
_lock = threading.Lock()
_running = threading.local()
_call, _bind, _run, _run_pieces = Runner.__call__, Runner.bind, Frame.run, Pieces.run


def _heard() -> list[Recorder]:
    thread = threading.get_ident()
    return [r for r in _listening if r._hears(thread)]


def _called(self: Runner, values: Sequence[Any]) -> list[Any]:
    outer = getattr(_running, "runner", None)
    _running.runner = self
    try:
        return _call(self, values)
    finally:
        _running.runner = outer


def _bound(self: Runner, shapes: Shapes) -> Bound:
    is_new = shapes not in self._bindings
    begin = time.perf_counter_ns()
    found = _bind(self, shapes)
    if is_new:
        _span("compile", ", ".join(self.fetched), begin)
    return found


def _ran(self: Frame, values: Sequence[Any]) -> list[Any]:
    heard = _heard()
    runner = getattr(_running, "runner", None)
    return _recorded(runner, self, values, heard) if heard and runner is not None else _run(self, values)


def _recorded(runner: Runner, frame: Frame, values: Sequence[Any], recorders: Sequence[Recorder]) -> list[Any]:
    tracer = Tracer(len(frame.binding.steps))
    native, frame.native = frame.native, tracer
    begin = time.perf_counter_ns()
    try:
        return _run(frame, values)
    finally:
        end = time.perf_counter_ns()
        frame.native = native
        for recorder in recorders:
            recorder._add(runner, frame, tracer, begin, end)


def _ran_in_pieces(self: Pieces, values: Sequence[Any], sizes: dict[Atom, int], watch: Watch | None = None
                   ) -> list[Any]:
    running: list[tuple[Operation, int]] = []

    def end_op() -> None:
        if running:
            op, begin = running.pop()
            _span("op", op.name, begin, op)

    def observe(piece: Any, given: list[Any]) -> None:
        end_op()
        if watch is not None:
            watch(piece, given)
        if isinstance(piece, Operation):
            running.append((piece, time.perf_counter_ns()))

    try:
        return _run_pieces(self, values, sizes, observe)
    finally:
        end_op()


def _shapes(runner: Runner, binding: Binding) -> Shapes:
    return next((shapes for shapes, (_, found) in runner._bindings.items() if found is binding), ())


def run_eagerly(op: Operation, run: Callable[[Operation], list[np.ndarray]]) -> list[np.ndarray]:
    """Run an eager op. What is recorded of it has none of the values, which would stay alive with it."""
    if not _listening:
        return run(op)
    begin = time.perf_counter_ns()
    values = run(op)
    types = [t.type for t in op.outputs]
    _span("op", op.name, begin, Operation(op.graph, op.definition, (), {}, op.name, types, (), user_site()))
    return values


def _span(kind: str, name: str, begin: int, op: Operation | None = None) -> None:
    span = Span(kind, name, begin, time.perf_counter_ns(), threading.get_ident(), op)
    for recorder in _heard():
        if len(recorder.spans) < LIMIT:
            recorder.spans.append(span)


def _listen(recorder: Recorder) -> None:
    with _lock:
        _listening.append(recorder)
        _place(_called, _bound, _ran, _ran_in_pieces)


def _forget(recorder: Recorder) -> None:
    with _lock:
        _listening.remove(recorder)
        if not _listening:
            _place(_call, _bind, _run, _run_pieces)


def _place(call: Any, bind: Any, run: Any, run_pieces: Any) -> None:
    Runner.__call__, Runner.bind = call, bind  # type: ignore[method-assign]
    Frame.run, Pieces.run = run, run_pieces  # type: ignore[method-assign]
