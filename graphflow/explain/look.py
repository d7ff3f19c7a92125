"""Looking at a run: the plan that it has, its kernels and memory and, where there are values to feed, its times."""
from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from ..compiler.codegen.emitter import STATUS
from ..compiler.codegen.kernel import KernelCall, Scratch
from ..compiler.control import subgraphs
from ..compiler.errors import FailedPreconditionError
from ..compiler.ir import Graph, Operation, Tensor
from ..compiler.passes.specialise import shape_pattern
from ..compiler.pipeline import Stage
from ..runtime import kernel_cache
from ..runtime.flow import AGAIN, Control, HostCall
from ..runtime.peak import Peak, peak
from ..runtime.pieces import Pieces, run_in_python
from ..runtime.plan import BYTES_PER_NS, FLOPS_PER_NS, Binding, Plan, Step
from ..runtime.runner import Runner, Shapes, as_feed
from ..runtime.trace import Recorder, Whole, members
from .memory import buffers_of, live_bytes
from .records import Buffer, Kernel, Operand

REPEATS = 5  # timed runs, of which the fastest counts

# for each row the calls and seconds of a run
Times = np.ndarray


@dataclasses.dataclass
class Look:
    """What has been seen of a run, piece by piece."""

    stages: list[Stage] = dataclasses.field(default_factory=list)
    kernels: list[Kernel] = dataclasses.field(default_factory=list)
    buffers: list[Buffer] = dataclasses.field(default_factory=list)
    live_bytes: list[int] = dataclasses.field(default_factory=list)
    variables: set[Operation] = dataclasses.field(default_factory=set)
    notes: list[str] = dataclasses.field(default_factory=list)
    rows: int = 0
    arena_bytes: int = 0
    planning: float = 0.0
    seconds: float | None = 0.0

    def at(self, runner: Runner, shapes: Shapes, values: list[Any] | None) -> None:
        """Add the plan of a run or, where it runs in pieces, the plans of these."""
        start = time.perf_counter()
        shapes = (*shapes, *runner.open_shapes())
        plan, binding = runner.bind(shapes)
        if isinstance(plan, Pieces):
            self._at_pieces(plan, binding, dict(zip(runner.feeds, shapes, strict=False)), values)  # type: ignore[arg-type]
            return
        assert isinstance(plan, Plan) and isinstance(binding, Binding)
        whole = time.perf_counter() - start
        times, seconds = (None, None) if values is None else self._measured(runner, values)
        self.at_binding(runner, shapes, plan, binding, times, seconds, whole)

    def at_binding(self, runner: Runner, shapes: Shapes, plan: Plan, binding: Binding, times: Times | None,
                   seconds: float | None, whole: float = 0.0) -> None:
        """Add a plan that is bound. `whole` is what compiling and binding it took."""
        fed, held = shapes[:len(runner.feeds)], shapes[len(runner.feeds):]
        pattern = shape_pattern(runner.feeds, fed, runner.sizes_fed) if plan.symbols else fed
        stages: list[Stage] = []
        runner.compile(pattern, tuple(held), fed, stages)
        if self.stages:
            piece = sum(s.name.startswith("specialise") for s in self.stages) + 1
            stages = [s._replace(name=f"{s.name} (piece {piece})") for s in stages]
        self.planning += max(0.0, whole - sum(s.seconds for s in stages))
        buffers = buffers_of(binding)
        inside = surroundings(plan.graph, binding)
        best = None if times is None else peak(runner.session.threads())
        self.kernels += [
            _kernel(i + self.rows, step, plan, binding, None if times is None else times[i], best, inside[i])
            for i, step in enumerate(binding.steps) if not isinstance(step.call, Control)]
        self.buffers += [dataclasses.replace(b, offset=b.offset + self.arena_bytes, first=b.first + self.rows,
                                             last=b.last + self.rows) for b in buffers]
        self.live_bytes += live_bytes(buffers, len(binding.steps))
        self.stages += stages
        self.rows += len(binding.steps)
        self.variables |= set(plan.handles.values())
        self.arena_bytes += binding.arena_bytes
        self.seconds = None if self.seconds is None or seconds is None else self.seconds + seconds

    def _at_pieces(self, pieces: Pieces, sizes: Mapping[Any, int], shapes: Mapping[Tensor, Any],
                   values: list[Any] | None) -> None:
        if values is None:
            self.seconds = None
            if pieces.first is not None:
                self.at(pieces.first, tuple(shapes[t] for t in pieces.first.feeds), None)
            for op, _, _ in pieces.hosts:
                self._add_host(op, None)
            self.notes.append("what follows is compiled when the shapes are known that depend on values: give a "
                              "feed_dict")
            return

        def watch(piece: Any, given: list[Any]) -> None:
            if isinstance(piece, Operation):
                start = time.perf_counter()
                run_in_python(pieces.session, piece, given, sizes)
                self._add_host(piece, time.perf_counter() - start)
            else:
                arrays = [as_feed(t, v) for t, v in zip(piece.feeds, given, strict=True)]
                self.at(piece, piece.shapes_of(arrays), arrays)

        try:
            pieces.run(values, sizes, watch)
        except FailedPreconditionError as error:
            self.seconds = None
            self.notes.append(f"no further, but any tensor can be fed: {error}")

    def _add_host(self, op: Operation, seconds: float | None) -> None:
        """An op between pieces: a row of its own in the schedule."""
        self.kernels.append(_host_kernel(op, self.rows, "", None if seconds is None else (1.0, seconds)))
        self.live_bytes.append(0)
        self.rows += 1
        self.seconds = None if self.seconds is None or seconds is None else self.seconds + seconds

    def _measured(self, runner: Runner, values: Sequence[np.ndarray]) -> tuple[Times | None, float | None]:
        """The fastest time of each row and of a run."""
        frame = runner.frame(runner.shapes_of(values))
        given = runner.without_sizes(values)
        try:
            frame.run(given)
        except FailedPreconditionError as error:
            self.notes.append(f"no times: {error}")
            return None, None
        total = min(_seconds(lambda: frame.run(given)) for _ in range(REPEATS))
        recorder = Recorder()
        for _ in range(REPEATS):
            recorder.run(runner, frame, given)
        rows = np.stack([run.rows for run in recorder.runs])
        return np.stack([rows[-1, :, 0], 1e-9 * rows[:, :, 1].min(0)], 1), total


def times_of(whole: Whole) -> Times:
    """The mean calls and seconds of each row in the recorded runs of a binding."""
    return np.stack([whole.rows[:, 0] / whole.runs, 1e-9 * whole.rows[:, 1] / whole.runs], 1)


def _seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def surroundings(graph: Graph, binding: Binding) -> list[str]:
    """The loops and conds around each row of the schedule, the outermost first; and chains, whose rows take turns."""
    around = _names_around(graph, "")
    found = [around.get(step.op, "") for step in binding.steps]
    for end, step in enumerate(binding.steps):  # what a loop itself does between iterations
        if isinstance(step.call, Control) and step.call.kind == AGAIN:
            name = f"{found[end]} > {step.op.name}".removeprefix(" > ")
            for row in range(step.call.target, end + 1):
                if binding.steps[row].op is step.op:
                    found[row] = name
    for chain in binding.chains:
        for row in range(chain.begin, chain.end):
            found[row] = f"{chain.items} items, {chain.step} at a time"
    return found


def _names_around(graph: Graph, outer: str) -> dict[Operation, str]:
    found = {}
    for op in graph.operations:
        found[op] = outer
        for inner in subgraphs(op):
            found |= _names_around(inner, f"{outer} > {op.name}".removeprefix(" > "))
    return found


def _kernel(row: int, step: Step, plan: Plan, binding: Binding, times: np.ndarray | None, best: Peak | None,
            inside: str) -> Kernel:
    op = step.op
    told = None if times is None else (float(times[0]), float(times[1]))
    if isinstance(step.call, HostCall):
        return _host_kernel(op, row, inside, told)
    call = step.call
    assert isinstance(call, KernelCall)
    load = kernel_cache.loads.get(call.source)
    ops = members(op)
    nanoseconds = (call.nbytes / BYTES_PER_NS + call.flops / FLOPS_PER_NS) / step.chunks
    dtype = "f64" if op.outputs and op.outputs[0].dtype.name == "float64" else "f32"
    return Kernel(
        call.name, op.name, tuple(o.type for o in ops), site_of(op), row=row, inside=inside, tasks=call.tasks,
        chunks=step.chunks, nbytes=call.nbytes, flops=call.flops, estimated=1e-9 * nanoseconds,
        least=None if best is None else best.seconds(call.flops, call.nbytes, dtype),
        calls=told[0] if told else None, measured=told[1] if told else None,
        operands=tuple(_operands(step, call, plan, binding)), members=tuple(o.name for o in ops),
        source=call.source, path=str(kernel_cache.path_of(call.source)),
        compiling=None if load is None else 1e-9 * (load.end - load.begin),
        from_disk=None if load is None else not load.compiled)


def _host_kernel(op: Operation, row: int, inside: str, times: tuple[float, float] | None) -> Kernel:
    calls, seconds = times or (None, None)
    return Kernel(op.type, op.name, (op.type,), site_of(op), host=True, row=row, inside=inside, calls=calls,
                  measured=seconds or None, members=(op.name,))


def _operands(step: Step, call: KernelCall, plan: Plan, binding: Binding) -> list[Operand]:
    found = []
    for slot, handle in enumerate(call.buffers):
        if isinstance(handle, Scratch):
            nbytes = handle.nbytes * (step.chunks if handle.per_lane else 1)
            at = binding.locations[handle].offset
            found.append(Operand("scratch", "uint8", (nbytes,), nbytes, "arena", at, True))
        elif handle != STATUS:
            where, key = plan.storage(handle)
            shape, offset = binding.shapes.get(handle, ()), None
            nbytes = handle.dtype.size * prod(shape)
            if where == "arena":
                place = binding.locations[key]
                where = {"fresh": "fetched"}.get(place.kind, place.kind)
                nbytes = place.nbytes if where == "stack" else nbytes
                offset = place.offset if where == "arena" else None
            found.append(Operand(handle.name, handle.dtype.name, shape, nbytes,
                                 "constant" if where == "sizes" else where, offset, slot in call.writes))
    return found


def site_of(op: Operation) -> str:
    # a frozen module is what `python -m` runs a package's own programs by
    return "" if op.site is None or op.site.filename.startswith("<frozen") else op.site.place
