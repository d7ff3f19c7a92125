"""What an explanation consists of. `Explanation.to_dict` is documented in docs/explain.md."""
from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..compiler.ir import Graph
from ..compiler.memory import aligned
from ..compiler.pipeline import Stage
from ..runtime.plan import BYTES_PER_NS, FLOPS_PER_NS, PARALLEL_NS
from ..whole_files import write_whole
from .heat import heat_of
from .passes import Pass, passes_of
from .text import seconds

if TYPE_CHECKING:
    from ..drawing import Drawing


@dataclasses.dataclass(frozen=True)
class Operand:
    """A buffer that a kernel works on.

    `where` is "arena" (at `offset`), "fetched" (an array of its own, which the caller gets), "feed", "variable",
    "constant" or "stack" (of a loop's values; it grows). The name of working memory is "scratch".
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    where: str
    offset: int | None
    written: bool


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A native call of the plan, or an op that NumPy runs between native calls (`host`). Times are in seconds.

    `row` is its place in the schedule, `inside` the loops and conds around it. `tasks`, `nbytes` (moved), `flops`,
    `estimated` and `least` (what the machine's peak allows) are those of one call; `calls` and `measured` those of a
    run. `compiling` is how long the kernel took to compile or, where `from_disk`, to load; None where neither was done.
    """

    name: str
    op: str
    fuses: tuple[str, ...]
    site: str
    host: bool = False
    row: int = 0
    inside: str = ""
    tasks: int = 0
    chunks: int = 1
    nbytes: int = 0
    flops: int = 0
    estimated: float = 0.0
    least: float | None = None
    calls: float | None = None
    measured: float | None = None
    operands: tuple[Operand, ...] = ()
    members: tuple[str, ...] = ()  # the names of the ops fused
    source: str = ""
    path: str = ""
    compiling: float | None = None
    from_disk: bool | None = None

    @property
    def rate(self) -> str:
        """Speed in the unit that limits the kernel, "" where nothing was measured."""
        if not self.measured or not self.calls or self.host:
            return ""
        if self.flops / FLOPS_PER_NS > self.nbytes / BYTES_PER_NS:
            return f"{self.calls * self.flops / self.measured / 1e9:.3g} GF/s"
        return f"{self.calls * self.nbytes / self.measured / 1e9:.3g} GB/s"

    @property
    def of_peak(self) -> float | None:
        """The fraction of the machine's peak: the least time by the measured one."""
        if not self.measured or not self.calls or self.least is None or not self.nbytes:
            return None
        return self.calls * self.least / self.measured

    @property
    def decision(self) -> str:
        """Why the kernel runs on one thread or on several."""
        if self.host:
            return "in Python"
        work, limit = self.estimated * self.chunks, 1e-9 * PARALLEL_NS
        told = f"{seconds(work)} of work, threads share from {seconds(limit)}"
        if self.chunks > 1:
            return f"parallel in {self.chunks} chunks: {told}"
        return f"serial: {told}" if work < limit else f"serial: {'one task' if self.tasks == 1 else 'one thread'}"


@dataclasses.dataclass(frozen=True)
class Buffer:
    """Where a tensor or a kernel's scratch lives in the arena, from its first to its last row of the schedule."""

    name: str
    nbytes: int
    offset: int
    first: int
    last: int
    fetched: bool  # an array of its own, which the caller gets
    shares: str = ""  # the buffer whose memory it takes over


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Prints as text, shows as tables in a notebook; `json`, `html` and `save` are for others.

    `before` and `after` are the graphs that the passes started from and ended with; `live_bytes` is for each row of the
    schedule how much of the arena is in use.
    """

    fetches: tuple[str, ...]
    feeds: dict[str, str]
    notes: tuple[str, ...]
    stages: tuple[Stage, ...]
    kernels: tuple[Kernel, ...]
    buffers: tuple[Buffer, ...]
    live_bytes: tuple[int, ...]
    arena_bytes: int
    variable_bytes: int
    threads: int
    planning: float  # seconds of lowering and of the memory plan
    run_seconds: float | None
    verbose: bool = False

    @property
    def before(self) -> Graph:
        return self.stages[0].graph if self.stages else Graph()

    @property
    def after(self) -> Graph:
        return self.stages[-1].graph if self.stages else Graph()

    @functools.cached_property
    def passes(self) -> list[Pass]:
        """What each pass changed."""
        return passes_of(self.stages)

    @property
    def live_peak_bytes(self) -> int:
        """The most of the arena's bytes in use at one row."""
        return max(self.live_bytes, default=0)

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

    # drawings

    def groups(self) -> dict[str, list[str]]:
        """The ops of `before` that became one kernel, by its row and name."""
        names = {op.name for op in self.before.operations}
        titles: dict[tuple[str, ...], str] = {}  # several kernels may work for the same ops
        for kernel in self.kernels:
            titles[tuple(n for n in dict.fromkeys(kernel.members) if n in names)] = f"{kernel.row} {kernel.name}"
        return {title: list(ops) for ops, title in titles.items() if len(ops) > 1}

    def heat(self) -> dict[str, float]:
        """Seconds by op of `before` (see heat_of)."""
        return heat_of(((k, k.measured) for k in self.kernels if k.measured),
                       (op.name for op in self.before.operations))

    def draw(self, name: str | None = None, limit: int = 60) -> Drawing:
        """The graph before and after all passes, with the ops of a kernel framed and coloured by their time; or before
        and after the pass `name` (a later one of that name: "simplify 2"). Raises ValueError for another name."""
        from ..drawing import Drawing
        if name is None:
            return Drawing([(f"Before: {len(self.before.operations)} ops", self.before.operations)], limit,
                           self.heat() or None, self.groups())
        known = self.passes
        chosen = next((p for p in known if p.name == name), None)
        if chosen is None:
            raise ValueError(f"draw: no pass {name!r}; there are {', '.join(p.name for p in known)}")
        sides = [("before", chosen.before), ("after", chosen.graph)]
        return Drawing([(f"{side} {name}: {len(g.operations)} ops", g.operations) for side, g in sides if g], limit)

    # forms

    def to_dict(self) -> dict[str, Any]:
        """Everything but the graphs, as JSON can hold it."""
        found = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("stages", "verbose")}
        found["passes"] = [p.to_dict() for p in self.passes]
        found["kernels"] = [_plain(k) | {"rate": k.rate, "of_peak": k.of_peak, "decision": k.decision}
                            for k in self.kernels]
        found["buffers"] = [_plain(b) for b in self.buffers]
        found |= {name: list(found[name]) for name in ("fetches", "notes", "live_bytes")}
        return found | {"live_peak_bytes": self.live_peak_bytes, "buffer_bytes": self.buffer_bytes,
                        "different_kernels": len(self.sources)}

    def json(self, indent: int | None = 1) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=indent)

    def html(self) -> str:
        """A self-contained page."""
        return html_of([self])

    def save(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Write a .txt, .html or .json file; returns its path. Raises ValueError for other suffixes."""
        return save([self], path)

    def __str__(self) -> str:
        from .text import text
        return text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .page import fragment
        return fragment(self)


def _plain(record: Any) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(record).items()}


FORMATS = {"text": ".txt", "html": ".html", "json": ".json"}


def html_of(explanations: Sequence[Explanation]) -> str:
    from .page import page_of
    return page_of(explanations)


def rendered(explanations: Sequence[Explanation], form: str) -> str:
    """One or several explanations as "text", "html" or "json" (of several, a list)."""
    if form == "html":
        return html_of(explanations)
    if form == "json":
        one = len(explanations) == 1
        return explanations[0].json() if one else json.dumps([e.to_dict() for e in explanations], indent=1)
    return ("\n\n" + "=" * 112 + "\n\n").join(map(str, explanations))


def save(explanations: Sequence[Explanation], path: str | os.PathLike[str]) -> pathlib.Path:
    """Write explanations to a file of the kind that its suffix says."""
    suffix = pathlib.Path(path).suffix.lower()
    form = next((form for form, known in FORMATS.items() if known == suffix), None)
    if form is None:
        raise ValueError(f"save: expected a path that ends in {', '.join(FORMATS.values())}, received "
                         f"{os.fspath(path)!r}")
    return write_whole(path, rendered(explanations, form))
