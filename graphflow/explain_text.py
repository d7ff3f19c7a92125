"""An explanation as text for a terminal: plain ASCII, about 110 columns."""
from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .explain import Explanation, Kernel

WIDTH = 112


def text(explanation: Explanation) -> str:
    """The whole text, without a final newline."""
    e = explanation
    lines = [f"fetches  {listed(e.fetches)}"]
    lines += [f"feeds    {listed([f'{name} {kind}' for name, kind in e.feeds.items()])}"] if e.feeds else []
    lines += textwrap.wrap("; ".join(e.notes), WIDTH, initial_indent="note     ", subsequent_indent=" " * 9)
    lines += ["", "Passes", *_table(["pass", "ops", "time"], [
        [s.name, str(len(s.graph.operations)), seconds(s.seconds)] for s in e.stages])]
    lines += ["", summary(e), *_kernels(e)]
    lines += ["", "Memory", *(f"  {size:>10}  {what}" for size, what in memory(e))]
    if e.verbose:
        lines += ["", "Buffers", *_table(["buffer", "bytes", "offset", "from step", "to"], [
            [shorten(b.name, 60), str(b.nbytes), "fetched" if b.fetched else str(b.offset), str(b.first), str(b.last)]
            for b in e.buffers])]
    lines += ["", "Kernel sources", *(f"  {path}" for path in e.sources)]
    return "\n".join(lines)


def summary(e: Explanation) -> str:
    """One line about the plan."""
    hosts = sum(k.host for k in e.kernels)
    parts = [f"{len(e.kernels) - hosts} native calls of {len(e.sources)} different kernels on "
             f"{e.threads} thread{'s' * (e.threads != 1)}"]
    if hosts:
        parts.append(f"{hosts} HOST op{'s' * (hosts != 1)} run by NumPy")
    if e.run_seconds is not None:
        parts.append(f"one run takes {seconds(e.run_seconds)}")
    return "Kernels: " + ", ".join(parts)


def memory(e: Explanation) -> list[tuple[str, str]]:
    """(size, what) of the memory that a run uses."""
    saved = f", {e.buffer_bytes / e.arena_bytes:.1f} times the arena" if e.arena_bytes else ""
    lines = [(size(e.arena_bytes), "arena"),
             (size(e.buffer_bytes), f"sum of its {sum(not b.fetched for b in e.buffers)} buffers{saved}"),
             (size(e.live_peak_bytes), "of it in use at one step at most")]
    fetched = sum(b.nbytes for b in e.buffers if b.fetched)
    if fetched:
        lines.append((size(fetched), "in arrays made for the fetches"))
    if e.variable_bytes:
        lines.append((size(e.variable_bytes), "in variables"))
    return lines


def _kernels(e: Explanation) -> list[str]:
    total = e.measured
    rows = [row(k, total) for k in e.kernels]
    header = ["kernel", "tasks", "moved", "FLOPs", "estimate"] + (["time", "share", "rate"] if total else [])
    table = _table(["", *header], [[str(i), shorten(r[0], 44), *r[1:len(header)]] for i, r in enumerate(rows)])
    lines = table[:1]
    for line, kernel in zip(table[1:], e.kernels, strict=True):
        lines.append(line)
        lines += textwrap.wrap(f"{fusion(kernel)}  ({place(kernel)})", WIDTH, initial_indent=" " * 6,
                               subsequent_indent=" " * 6, break_on_hyphens=False)
    return lines


def row(k: Kernel, total: float | None) -> list[str]:
    """Name and figures of a kernel: tasks, bytes, FLOPs, estimate, time, share and rate."""
    measured = [""] * 3
    if total and k.measured is not None:
        measured = [seconds(k.measured), f"{k.measured / total:.0%}", k.rate]
    if k.host:
        return [f"HOST {k.name}", "", "", "", "", *measured]
    tasks = f"{k.tasks}" + (f" / {k.chunks}" if k.chunks > 1 else "")
    return [k.name, tasks, size(k.nbytes), quantity(k.flops), seconds(k.estimated), *measured]


def fusion(k: Kernel) -> str:
    """What a kernel computes: its ops, counted."""
    counts: dict[str, int] = {}
    for op in k.fuses:
        counts[op] = counts.get(op, 0) + 1
    return ", ".join(f"{count} {op}" if count > 1 else op for op, count in counts.items())


def place(k: Kernel) -> str:
    """The kernel's last op, and the line where the user made it."""
    return ", ".join(filter(None, (k.op, os.path.basename(k.site))))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns: figures to the right, names (the first column that is not a number) to the left."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    left = 0 if header[0] else 1
    return ["  " + "  ".join(c.ljust(w) if i == left else c.rjust(w) for i, (c, w) in enumerate(
        zip(line, widths, strict=True))).rstrip() for line in lines]


def listed(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def shorten(name: str, longest: int) -> str:
    return name if len(name) <= longest else f"{name[:longest // 2 - 1]}..{name[-longest // 2 + 1:]}"


def seconds(value: float) -> str:
    if value < 1e-6:
        return f"{1e9 * value:.0f} ns"
    if value < 1e-3:
        return f"{1e6 * value:.3g} us"
    return f"{1e3 * value:.3g} ms" if value < 1 else f"{value:.3g} s"


def quantity(value: float) -> str:
    for unit in ("", " k", " M", " G"):
        if value < 1000:
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g} T"


def size(nbytes: int) -> str:
    text = quantity(nbytes)
    return f"{text}B" if " " in text else f"{text} B"
