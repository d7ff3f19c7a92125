"""`with graphflow.profile() as p:` : what ran inside, kernel by kernel, with the executor's own times.

Outside the `with` a run costs what it always does: see runtime/trace.py.
"""
from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .chrome_trace import chrome_trace
from .compiler.codegen.kernel import KernelCall
from .compiler.ir import Operation
from .compiler.passes.specialise import needed_operations
from .display import page, palette, printable
from .explain.heat import heat_of
from .explain.look import site_of, surroundings
from .explain.page import STYLE, details, row, table
from .explain.text import fusion, seconds, shorten
from .explain.text import table as text_table
from .runtime.plan import BYTES_PER_NS, FLOPS_PER_NS
from .runtime.runner import Runner
from .runtime.step_stats import RunMetadata, StepStats, step_stats
from .runtime.trace import Recorder, members
from .whole_files import write_whole

if TYPE_CHECKING:
    from .drawing import Drawing

__all__ = ["Profile", "Timing", "profile"]

MOST = 40  # kernels listed as text


@dataclasses.dataclass
class Timing:
    """All calls of a kernel for an op, or of an op that ran in Python (`host`), `inside` loops and conds. Times are in
    seconds; `nbytes` (moved) and `flops` are those of all calls."""

    op: str
    kernel: str
    fuses: tuple[str, ...]
    members: tuple[str, ...]
    site: str
    inside: str
    host: bool
    calls: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    nbytes: int = 0
    flops: int = 0

    @property
    def mean(self) -> float:
        return self.seconds / self.calls

    @property
    def rate(self) -> str:
        """Speed in the unit that limits the kernel."""
        if self.host or not self.seconds:
            return ""
        if self.flops / FLOPS_PER_NS > self.nbytes / BYTES_PER_NS:
            return f"{1e-9 * self.flops / self.seconds:.3g} GF/s"
        return f"{1e-9 * self.nbytes / self.seconds:.3g} GB/s"

    def add(self, calls: int, nanoseconds: int, longest: int, call: Any = None) -> None:
        self.calls += calls
        self.seconds += 1e-9 * nanoseconds
        self.longest = max(self.longest, 1e-9 * longest)
        if isinstance(call, KernelCall):
            self.nbytes += calls * call.nbytes
            self.flops += calls * call.flops


class Profile:
    """A recording of the runs of all sessions and models, in all threads. Prints as a table, the longest first; shows
    itself in a notebook; `chrome_trace` is for Perfetto and `draw` colours the graph by time."""

    def __init__(self) -> None:
        self._recorder = Recorder()

    def start(self) -> Profile:
        """Begin, as `with` does."""
        self._recorder.start()
        return self

    def stop(self) -> Profile:
        """End, as `with` does."""
        self._recorder.stop()
        return self

    def __enter__(self) -> Profile:
        return self.start()

    def __exit__(self, *error: Any) -> None:
        self.stop()

    # what was seen

    @property
    def timings(self) -> list[Timing]:
        """The time of each kernel for each op, the longest first."""
        found: dict[Any, Timing] = {}

        def of(op: Operation, kernel: str, inside: str, host: bool) -> Timing:
            ops = members(op)
            return found.setdefault((op.name, kernel, op.site), Timing(
                op.name, kernel, tuple(o.type for o in ops), tuple(o.name for o in ops), site_of(op), inside, host))

        for whole in self._recorder.wholes.values():
            around = surroundings(whole.plan.graph, whole.binding)
            for step, inside, (calls, total, longest) in zip(
                    whole.binding.steps, around, whole.rows.tolist(), strict=True):
                name = step.call.name if isinstance(step.call, KernelCall) else step.op.type
                if calls:
                    of(step.op, name, inside, not isinstance(step.call, KernelCall)).add(
                        calls, total, longest, step.call)
        for span in self._recorder.spans:
            if span.op is not None:
                of(span.op, span.op.type, "", True).add(1, span.end - span.begin, span.end - span.begin)
        return sorted(found.values(), key=lambda t: -t.seconds)

    @property
    def runs(self) -> int:
        """How many runs of compiled plans there were."""
        return sum(whole.runs for whole in self._recorder.wholes.values())

    @property
    def seconds(self) -> dict[str, float]:
        """Where the time went: `total`, `kernels` (and ops in Python), `runs` (around them: feeding, fetching) and
        `compiling` (with the kernels that were compiled or loaded). What is left is the program's own."""
        r = self._recorder
        kernels = sum(t.seconds for t in self.timings)
        around = sum(whole.nanoseconds - whole.rows[:, 1].sum() for whole in r.wholes.values())
        compiling = sum(span.end - span.begin for span in r.spans if span.op is None)
        return {"total": 1e-9 * (r.end - r.begin), "kernels": kernels, "runs": 1e-9 * float(around),
                "compiling": 1e-9 * compiling}

    @property
    def step_stats(self) -> StepStats:
        """The recording in TensorFlow's form, of all runs as one step."""
        return step_stats(self._recorder)

    @property
    def run_metadata(self) -> RunMetadata:
        """The same as what `Session.run` gives for one run."""
        return RunMetadata(step_stats=self.step_stats)

    def heat(self, names: Iterable[str]) -> dict[str, float]:
        """Seconds by op, of those in `names` (see heat_of)."""
        return heat_of(((t, t.seconds) for t in self.timings), names)

    # forms

    def draw(self, limit: int = 60) -> Drawing:
        """The graph of the runs that took longest, coloured by time. Raises ValueError where nothing ran."""
        from .drawing import Drawing
        spent: dict[Runner, int] = {}
        for whole in self._recorder.wholes.values():
            spent[whole.runner] = spent.get(whole.runner, 0) + whole.nanoseconds
        if not spent:
            raise ValueError("draw: nothing ran while this profile was recorded")
        runner = max(spent, key=spent.__getitem__)
        needed = needed_operations(runner.outputs, runner.targets, set(runner.feeds), runner.done)
        shown = dict.fromkeys([*(t.op for t in runner.feeds), *needed])
        graph = runner.session.graph
        operations = [op for op in graph.operations if op in shown]
        return Drawing([("", operations)], limit, self.heat(op.name for op in operations) or None)

    def chrome_trace(self) -> str:
        """Events in the JSON format of chrome://tracing, which https://ui.perfetto.dev opens too."""
        return json.dumps(chrome_trace(self._recorder))

    def to_dict(self) -> dict[str, Any]:
        """`seconds`, `runs` and `timings`, as JSON can hold them."""
        return {"seconds": self.seconds, "runs": self.runs, "timings": [
            dataclasses.asdict(t) | {"fuses": list(t.fuses), "members": list(t.members), "rate": t.rate}
            for t in self.timings]}

    def json(self, indent: int | None = 1) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=indent)

    def save(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Write a .json (Chrome trace), .html or .txt file; returns its path. Raises ValueError for other suffixes."""
        return write_whole(path, FORMS[form_of(path)](self))

    def html(self) -> str:
        """A self-contained page: the table, and the graph coloured by time."""
        drawing = self.draw().fragment(whole_page=True) if self.runs else ""
        from .drawing.interactive import program
        style = f"<style>{STYLE}{palette('.gf-explain')}.gf-view{{--gf-height:70vh}}</style>"
        return page("graphflow: profile", f'{style}{program()}<div class="gf-explain">{self._body()}{drawing}</div>')

    def _repr_html_(self) -> str:
        drawing = details("Graph, coloured by time", f'<div class="gf-scroll">{self.draw(40).svg()}</div>'
                          ) if self.runs else ""
        return f'<style>{STYLE}</style><div class="gf-explain">{self._body()}{drawing}</div>'

    def _summary(self) -> str:
        spent = self.seconds
        rest = max(0.0, spent["total"] - spent["kernels"] - spent["runs"] - spent["compiling"])
        return (f"{self.runs} run{'s' * (self.runs != 1)} in {seconds(spent['total'])}: kernels "
                f"{seconds(spent['kernels'])}, around them {seconds(spent['runs'])}, compiling "
                f"{seconds(spent['compiling'])}{self._compiled()}, the program itself {seconds(rest)}")

    def _compiled(self) -> str:
        """What was compiled, in brackets."""
        parts = []
        for kind, what in (("compile", "graphs"), ("kernel", "kernels"), ("load", "kernels from disk")):
            spans = [s for s in self._recorder.spans if s.kind == kind]
            if spans:
                parts.append(f"{len(spans)} {what} {seconds(1e-9 * sum(s.end - s.begin for s in spans))}")
        return f" ({', '.join(parts)})" if parts else ""

    def _rows(self) -> list[list[str]]:
        timings = self.timings
        whole = sum(t.seconds for t in timings) or 1.0
        return [[t.op, f"HOST {t.kernel}" if t.host else t.kernel if t.kernel != t.op else fusion(t), str(t.calls),
                 *map(seconds, (t.seconds, t.mean, t.longest)), f"{t.seconds / whole:.1%}", t.rate,
                 os.path.basename(t.site)] for t in timings]

    def __str__(self) -> str:
        rows = self._rows()
        shown = [[shorten(cells[0], 36), shorten(cells[1], 28), *cells[2:]] for cells in rows[:MOST]]
        more = [f"  and {len(rows) - MOST} more"] if len(rows) > MOST else []
        return "\n".join([self._summary(), *text_table(COLUMNS, shown), *more])

    __repr__ = __str__

    def _body(self) -> str:
        rows = []
        for (op, kernel, *figures), t in zip(self._rows(), self.timings, strict=True):
            tip = printable(f"{op}: {', '.join(t.fuses)}")
            cells = row([shorten(op, 64), shorten(kernel, 40), *figures], 0)
            rows.append(f'<tr title="{tip}">{cells.removeprefix("<tr>")}')
        return f"<p>{printable(self._summary())}</p>{table(COLUMNS, rows, left=0)}"


COLUMNS = ["op", "kernel", "calls", "total", "mean", "longest", "share", "rate", "line"]


FORMS = {".json": Profile.chrome_trace, ".html": Profile.html, ".txt": Profile.__str__}


def form_of(path: str | os.PathLike[str]) -> str:
    """The suffix that says what to write. Raises ValueError for one that says nothing."""
    suffix = pathlib.Path(path).suffix.lower()
    if suffix not in FORMS:
        raise ValueError(f"save: expected a path that ends in {', '.join(FORMS)}, received {os.fspath(path)!r}")
    return suffix


def profile() -> Profile:
    """A recording of all that runs inside `with graphflow.profile() as p:`, see Profile."""
    return Profile()
