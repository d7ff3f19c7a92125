"""Recordings as Chrome's trace events (Trace Event Format, Google 2016), which Perfetto opens."""
from __future__ import annotations

from typing import Any

from .compiler.codegen.kernel import KernelCall
from .explain.look import site_of
from .runtime.flow import Control
from .runtime.trace import Recorder, Run, members

PROCESS = 1
CHUNKS = 1000  # added to a thread's number, times the chunk: where the other chunks of a parallel kernel are shown


def chrome_trace(recorder: Recorder) -> dict[str, Any]:
    """The trace as JSON has it: runs with the kernels in them, chunks of parallel kernels below, compilations. Times
    are in microseconds from the start of the recording."""
    numbers: dict[int, int] = {}
    names: dict[int, str] = {}
    events: list[dict[str, Any]] = []

    def thread(ident: int, chunk: int = 0) -> int:
        number = numbers.setdefault(ident, len(numbers) + 1) + CHUNKS * chunk
        names.setdefault(number, f"worker {chunk}" if chunk else f"thread {ident}")
        return number

    def add(name: str, category: str, begin: int, end: int, tid: int, **args: Any) -> None:
        events.append({"name": name, "cat": category, "ph": "X", "ts": (begin - recorder.begin) / 1000,
                       "dur": (end - begin) / 1000, "pid": PROCESS, "tid": tid, "args": args})

    for span in recorder.spans:
        add(span.name, span.kind, span.begin, span.end, thread(span.thread))
    for run in recorder.runs:
        runner = run.whole.runner
        add(f"run {', '.join(runner.fetched)}", "run", run.begin, run.end, thread(run.thread), lost_events=run.lost)
        described = _arguments(run)
        for at, chunk, begin, end in run.events.tolist():
            name, arguments = described[at]
            add(name, "kernel", begin, end, thread(run.thread, chunk), **arguments)
    head = [{"name": "process_name", "ph": "M", "pid": PROCESS, "args": {"name": "graphflow"}},
            *({"name": "thread_name", "ph": "M", "pid": PROCESS, "tid": number, "args": {"name": name}}
              for number, name in sorted(names.items()))]
    return {"traceEvents": head + sorted(events, key=lambda e: (e["ts"], -e["dur"])), "displayTimeUnit": "ns"}


def _arguments(run: Run) -> list[tuple[str, dict[str, Any]]]:
    """For each row of the plan the name of its events, and what is told of them."""
    found = []
    for i, step in enumerate(run.whole.binding.steps):
        call = step.call
        told: dict[str, Any] = {"row": i, "op": step.op.name, "site": site_of(step.op)}
        if isinstance(call, Control):
            found.append((f"{step.op.name} (more memory)", told))
            continue
        told["fuses"] = ", ".join(o.type for o in members(step.op))
        if isinstance(call, KernelCall):
            told |= {"kernel": call.name, "tasks": call.tasks, "chunks": step.chunks, "bytes": call.nbytes,
                     "flops": call.flops}
        found.append((step.op.name, told))
    return found
