"""What compilation made of some fetches: passes, kernels, memory and, on real feeds, times.

`graphflow.explain` is the function, also after `import graphflow.explain`: this module can be called.
"""
from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from .compiler.codegen.kernel import KernelCall, Scratch
from .compiler.errors import FailedPreconditionError, InvalidArgumentError
from .compiler.ir import Graph, Operation, Tensor
from .compiler.memory import aligned
from .compiler.passes.specialise import shape_pattern
from .compiler.pipeline import Stage
from .compiler.shapes import format_dims
from .runtime import kernel_cache
from .runtime.pieces import Pieces, run_in_python
from .runtime.plan import BYTES_PER_NS, FLOPS_PER_NS, Binding, HostCall, Step
from .runtime.runner import Runner, Shapes, as_feed
from .runtime.session import Session, default_session

ASSUMED_SIZE = 32  # of dimensions that neither the graph nor the caller gives
REPEATS = 5        # timed runs, of which the fastest counts


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One native call of the plan, or an op that NumPy runs between native calls (`host`). Times are in seconds."""

    name: str
    op: str
    fuses: tuple[str, ...]
    site: str
    host: bool = False
    tasks: int = 0
    chunks: int = 1
    nbytes: int = 0
    flops: int = 0
    estimated: float = 0.0
    measured: float | None = None
    source: str = ""
    path: str = ""

    @property
    def rate(self) -> str:
        """Speed in the unit that limits the kernel, "" where nothing was measured."""
        if not self.measured or self.host:
            return ""
        if self.flops / FLOPS_PER_NS > self.nbytes / BYTES_PER_NS:
            return f"{self.flops / self.measured / 1e9:.3g} GF/s"
        return f"{self.nbytes / self.measured / 1e9:.3g} GB/s"


@dataclasses.dataclass(frozen=True)
class Buffer:
    """Where a tensor or a kernel's scratch lives in the arena, from its first to its last step."""

    name: str
    nbytes: int
    offset: int
    first: int
    last: int
    fetched: bool  # an array of its own, which the caller gets


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Prints as text, shows as tables in a notebook, and `to_dict` is for tools.

    `before` and `after` are the graphs that the passes started from and ended with (see graphflow.drawing).
    """

    fetches: tuple[str, ...]
    feeds: dict[str, str]
    notes: tuple[str, ...]
    stages: tuple[Stage, ...]
    kernels: tuple[Kernel, ...]
    buffers: tuple[Buffer, ...]
    arena_bytes: int
    live_peak_bytes: int
    variable_bytes: int
    threads: int
    run_seconds: float | None
    verbose: bool = False

    @property
    def before(self) -> Graph:
        return self.stages[0].graph

    @property
    def after(self) -> Graph:
        return self.stages[-1].graph

    @property
    def sources(self) -> dict[str, str]:
        """The text of each different kernel, by the file of the kernel cache that holds it."""
        return {k.path: k.source for k in self.kernels if not k.host}

    @property
    def buffer_bytes(self) -> int:
        """What the arena's buffers would take side by side."""
        return sum(aligned(b.nbytes) for b in self.buffers if not b.fetched)

    @property
    def measured(self) -> float | None:
        """The sum of the kernels' measured times."""
        times = [k.measured for k in self.kernels if k.measured is not None]
        return sum(times) if times else None

    def to_dict(self) -> dict[str, Any]:
        """Everything but the graphs, as JSON can hold it."""
        found = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("stages", "verbose")}
        found["passes"] = [{"name": s.name, "ops": len(s.graph.operations), "seconds": s.seconds} for s in self.stages]
        found["kernels"] = [dataclasses.asdict(k) | {"fuses": list(k.fuses)} for k in self.kernels]
        found["buffers"] = [dataclasses.asdict(b) for b in self.buffers]
        found |= {"fetches": list(self.fetches), "notes": list(self.notes), "buffer_bytes": self.buffer_bytes,
                  "different_kernels": len(self.sources)}
        return found

    def __str__(self) -> str:
        from .explain_text import text
        return text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .explain_page import html
        return html(self)


def explain(fetches: Any, feed_dict: Mapping[Any, Any] | None = None, feed_shapes: Mapping[Any, Any] | None = None,
            session: Session | None = None, verbose: bool = False) -> Explanation:
    """How `session.run(fetches, feed_dict)` is compiled and, given a `feed_dict`, how long each kernel takes.

    Without a `feed_dict`, `feed_shapes` ({placeholder: shape}) gives the sizes; unknown ones are taken to be 32. The
    session (default: the default session, else a new one) is only looked at: what is timed works on a copy of its
    variables. `verbose` adds the table of buffers to the text. Raises what `Session.run` raises for bad fetches and
    feeds, and ValueError for both a `feed_dict` and `feed_shapes`.
    """
    if feed_dict is not None and feed_shapes is not None:
        raise ValueError("explain: give either feed_dict or feed_shapes, not both")
    user = session if session is not None else default_session() or Session(graph=_graph_of(fetches))
    own = Session(graph=user.graph, config=user.config)
    feeds = [*feed_dict] if feed_dict is not None else [*(feed_shapes or ())]
    runner = user.runner(fetches, feeds)  # raises for a closed session
    notes: list[str] = []
    values: list[np.ndarray] | None = None
    if feed_dict is not None:
        values = [as_feed(t, v) for t, v in zip(runner.feeds, feed_dict.values(), strict=True)]
        shapes = tuple(v.shape for v in values)
    else:
        given = dict(zip(runner.feeds, (feed_shapes or {}).values(), strict=True))
        feeds = [*dict.fromkeys([*runner.feeds, *_placeholders(runner)])]
        shapes = tuple(_assume(t, given.get(t), notes) for t in feeds)
    runner = own.runner(fetches, feeds)
    if values is None:
        notes.append("no times: they need a feed_dict" if runner.feeds else "")
        values = None if runner.feeds else []
    for op in user.graph.operations:
        if op.type == "VariableV2" and (value := user.store.get(op)) is not None:
            own.store.set(op, value)
    part = _Part()
    _look(part, runner, shapes, values, notes)
    fetched: list[Tensor | Operation] = [*runner.outputs, *runner.targets]
    return Explanation(
        tuple(e.name for e in fetched),
        {t.name: f"{t.dtype.name}{format_dims(s)}" for t, s in zip(runner.feeds, shapes, strict=True)},
        tuple(n for n in notes if n), tuple(part.stages), tuple(part.kernels), tuple(part.buffers), part.arena_bytes,
        part.live_peak_bytes, sum(v.nbytes for op in part.variables if (v := user.store.get(op)) is not None),
        own.threads(), part.seconds, verbose)


@dataclasses.dataclass
class _Part:
    """What has been seen of a run, piece by piece."""

    stages: list[Stage] = dataclasses.field(default_factory=list)
    kernels: list[Kernel] = dataclasses.field(default_factory=list)
    buffers: list[Buffer] = dataclasses.field(default_factory=list)
    variables: set[Operation] = dataclasses.field(default_factory=set)
    arena_bytes: int = 0
    live_peak_bytes: int = 0
    seconds: float | None = 0.0


def _look(part: _Part, runner: Runner, shapes: Shapes, values: list[Any] | None, notes: list[str]) -> None:
    """Add the plan of a run to `part` or, where it runs in pieces, the plans of these."""
    plan, binding = runner.bind((*shapes, *runner.open_shapes()))
    if isinstance(plan, Pieces):
        _look_at_pieces(part, plan, binding, dict(zip(runner.feeds, shapes, strict=True)), values, notes)  # type: ignore[arg-type]
        return
    assert isinstance(binding, Binding)
    stages: list[Stage] = []
    runner.compile(shape_pattern(runner.feeds, shapes, runner.sizes_fed), stages, tuple(runner.open_shapes()))
    if part.stages:
        piece = len(part.stages) // len(stages) + 1
        stages = [s._replace(name=f"{s.name} (piece {piece})") for s in stages]
    times: Sequence[float | None] = [None] * len(binding.steps)
    total: float | None = None
    if values is not None:
        times, total = _measure(runner, values, notes)
    buffers, peak = _memory(binding)
    part.stages += stages
    part.buffers += [dataclasses.replace(b, offset=b.offset + part.arena_bytes, first=b.first + len(part.kernels),
                                         last=b.last + len(part.kernels)) for b in buffers]
    part.kernels += [_kernel(step, seconds) for step, seconds in zip(binding.steps, times, strict=True)]
    part.variables |= set(plan.handles.values())
    part.arena_bytes += binding.arena_bytes
    part.live_peak_bytes = max(part.live_peak_bytes, peak)
    part.seconds = None if part.seconds is None or total is None else part.seconds + total


def _look_at_pieces(part: _Part, pieces: Pieces, sizes: Mapping[Any, int], shapes: Mapping[Tensor, Any],
                    values: list[Any] | None, notes: list[str]) -> None:
    if values is None:
        part.seconds = None
        if pieces.first is not None:
            _look(part, pieces.first, tuple(shapes[t] for t in pieces.first.feeds), None, notes)
        part.kernels += [_host_kernel(op, None) for op, _, _ in pieces.hosts]
        notes.append("what follows is compiled when the shapes are known that depend on values: give a feed_dict")
        return

    def watch(piece: Any, given: list[Any]) -> None:
        if isinstance(piece, Operation):
            start = time.perf_counter()
            run_in_python(pieces.session, piece, given, sizes)
            seconds = time.perf_counter() - start
            part.kernels.append(_host_kernel(piece, seconds))
            part.seconds = None if part.seconds is None else part.seconds + seconds
        else:
            arrays = [as_feed(t, v) for t, v in zip(piece.feeds, given, strict=True)]
            _look(part, piece, piece.shapes_of(arrays), arrays, notes)

    pieces.run(values, sizes, watch)


def _graph_of(fetches: Any) -> Graph | None:
    """The graph of the first fetch that has one."""
    if isinstance(fetches, Mapping):
        fetches = list(fetches.values())
    if isinstance(fetches, (list, tuple)):
        return next((g for f in fetches if (g := _graph_of(f)) is not None), None)
    found = getattr(fetches, "graph", None)
    return found if isinstance(found, Graph) else None


def _placeholders(runner: Runner) -> list[Tensor]:
    """The placeholders that the fetches need."""
    fed = {t.op for t in runner.feeds}
    stack: list[Operation] = [*(t.op for t in runner.outputs), *runner.targets]
    seen = set(stack) | fed
    found = [op for op in stack if op.type == "Placeholder" and op not in fed]
    while stack:
        op = stack.pop()
        if op in fed:
            continue
        for before in (*(t.op for t in op.inputs), *op.control_inputs):
            if before not in seen:
                seen.add(before)
                stack.append(before)
                if before.type == "Placeholder":
                    found.append(before)
    order = {op: i for i, op in enumerate(runner.session.graph.operations)}
    return [op.output for op in sorted(found, key=order.__getitem__)]


def _assume(tensor: Tensor, given: Any, notes: list[str]) -> tuple[int, ...]:
    """The shape to explain for: the one given, with sizes that nothing states set to 32."""
    dims = tensor.shape.merge_with(given).dims if given is not None else tensor.dims
    if dims is None:
        raise InvalidArgumentError(f"explain: the placeholder {tensor.name!r} has unknown rank; give its shape in "
                                   "feed_shapes", tensor.op)
    shape = tuple(d if isinstance(d, int) else ASSUMED_SIZE for d in dims)
    if shape != dims:
        notes.append(f"{tensor.name} has shape {format_dims(dims)}: unknown sizes taken to be {ASSUMED_SIZE}")
    return shape


def _measure(runner: Runner, values: Sequence[np.ndarray], notes: list[str]
             ) -> tuple[Sequence[float | None], float | None]:
    """The fastest time of each step and of a run."""
    frame = runner.frame(runner.shapes_of(values))
    values = runner.without_sizes(values)
    try:
        times = frame.timed(values)
    except FailedPreconditionError as error:
        notes.append(f"no times: {error}")
        return [None] * len(frame.binding.steps), None
    total = float("inf")
    for _ in range(REPEATS):
        times = [min(pair) for pair in zip(times, frame.timed(values), strict=True)]
        start = time.perf_counter()
        frame.run(values)
        total = min(total, time.perf_counter() - start)
    return times, total


def _kernel(step: Step, seconds: float | None) -> Kernel:
    op = step.op
    body = op.attrs["body"].operations if "body" in op.attrs else [op]
    fuses = tuple(o.type for o in body if o.type not in ("Parameter", "Const"))
    if isinstance(step.call, HostCall):
        return _host_kernel(op, seconds)
    call: KernelCall = step.call  # type: ignore[assignment]
    nanoseconds = (call.nbytes / BYTES_PER_NS + call.flops / FLOPS_PER_NS) / step.chunks
    return Kernel(call.name, op.name, fuses, _site(op), False, call.tasks, step.chunks, call.nbytes, call.flops,
                  1e-9 * nanoseconds, seconds, call.source, str(kernel_cache.path_of(call.source)))


def _host_kernel(op: Operation, seconds: float | None) -> Kernel:
    return Kernel(op.type, op.name, (op.type,), _site(op), host=True, measured=seconds or None)


def _site(op: Operation) -> str:
    # a frozen module is what `python -m` runs a package's own programs by
    return "" if op.site is None or op.site.filename.startswith("<frozen") else f"{op.site.filename}:{op.site.line}"


def _memory(binding: Binding) -> tuple[list[Buffer], int]:
    """(buffers, the largest number of the arena's bytes in use at one step)."""
    buffers = [Buffer(f"scratch of step {place.first}" if isinstance(key, Scratch) else key.name, place.nbytes,
                      place.offset, place.first, place.last, place.kind == "fresh")
               for key, place in binding.locations.items() if place.nbytes]
    peak = 0
    for step in range(len(binding.steps) + 1):
        used = sorted((b.offset, b.offset + aligned(b.nbytes)) for b in buffers
                      if b.first <= step <= b.last and not b.fetched)
        total = end = 0
        for begin, stop in used:  # outputs computed in place lie on their inputs
            total += max(0, stop - max(begin, end))
            end = max(end, stop)
        peak = max(peak, total)
    return buffers, peak


class _Callable(ModuleType):
    """Python makes an imported module an attribute of its package, where the function should be."""

    __call__ = staticmethod(explain)


sys.modules[__name__].__class__ = _Callable
