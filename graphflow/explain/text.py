"""An explanation as text for a terminal: plain ASCII, about 110 columns."""
from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .passes import Pass

if TYPE_CHECKING:
    from .records import Explanation, Kernel, Operand

WIDTH = 112
BAR = 40  # characters of the longest bar
MOST_LINES = 40  # of the memory's timeline, and of a pass's differences


def text(explanation: Explanation) -> str:
    """The whole text, without a final newline."""
    e = explanation
    lines = [f"fetches  {listed(e.fetches)}"]
    lines += [f"feeds    {listed([f'{name} {kind}' for name, kind in e.feeds.items()])}"] if e.feeds else []
    lines += textwrap.wrap("; ".join(e.notes), WIDTH, initial_indent="note     ", subsequent_indent=" " * 9)
    lines += ["", "Passes", *table(PASS_COLUMNS, [pass_row(p) for p in e.passes])]
    if e.verbose:
        lines += [line for p in e.passes for line in _differences(p)]
    lines += ["", f"Compiling: {compile_summary(e)}", "", summary(e), *_kernels(e)]
    lines += ["", "Memory", *(f"  {size:>10}  {what}" for size, what in memory(e)), *_timeline(e)]
    if e.verbose:
        lines += ["", "Buffers", *table(BUFFER_COLUMNS, buffer_rows(e))]
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


# passes

PASS_COLUMNS = ["pass", "ops", "added", "removed", "changed", "time"]


def pass_row(p: Pass) -> list[str]:
    counts = [len(p.added), len(p.removed), len(p.changed)]
    return [p.name, str(len(p.graph.operations)), *(str(n) if n else "" for n in counts), seconds(p.seconds)]


def _differences(p: Pass) -> list[str]:
    found = p.diff().splitlines()[2:]
    shown = [f"    {shorten(line, WIDTH - 4)}" for line in found[:MOST_LINES]]
    more = [f"    ... and {len(found) - MOST_LINES} lines more"] if len(found) > MOST_LINES else []
    return ["", f"  {p.name}", *shown, *more] if found else []


def compiled(e: Explanation) -> list[Kernel]:
    """The different kernels that were compiled or loaded in this process."""
    return list({k.path: k for k in e.kernels if k.compiling is not None}.values())


def compile_summary(e: Explanation) -> str:
    """How many of the kernels were compiled or loaded in this process, and how long that took."""
    parts = []
    for from_disk, what in ((False, "compiled"), (True, "loaded from disk")):
        times = [k.compiling or 0.0 for k in compiled(e) if k.from_disk == from_disk]
        if times:
            parts.append(f"{len(times)} {what} in {seconds(sum(times))}")
    plan = f"lowering and memory plan {seconds(e.planning)}"
    return ", ".join([*parts, plan]) if parts else f"none compiled yet, {plan}"


# kernels


def _kernels(e: Explanation) -> list[str]:
    total = e.measured
    lines = table(["", *columns(e)], [[str(k.row), shorten(cells[0], 40), *cells[1:]] for k, cells in (
        (k, kernel_row(k, total)) for k in e.kernels)])
    found = lines[:1]
    for line, kernel in zip(lines[1:], e.kernels, strict=True):
        found.append(line)
        found += textwrap.wrap(f"{fusion(kernel)}  ({place(kernel)})", WIDTH, initial_indent=" " * 6,
                               subsequent_indent=" " * 6, break_on_hyphens=False)
        if e.verbose:
            made = "" if kernel.compiling is None else (
                f", {'loaded' if kernel.from_disk else 'compiled'} in {seconds(kernel.compiling)}")
            found += [f"      {kernel.decision}{made}", *(f"        {operand(o)}" for o in kernel.operands)]
    return found


def columns(e: Explanation) -> list[str]:
    return ["kernel", "tasks", "moved", "FLOPs", "estimate"] + (
        ["calls", "time", "share", "rate", "of peak"] if e.measured else [])


def kernel_row(k: Kernel, total: float | None) -> list[str]:
    """Name and figures of a kernel: tasks, bytes, FLOPs, estimate; where there are times calls, time, share, rate and
    fraction of the machine's peak."""
    cells = [f"HOST {k.name}", "", "", "", ""]
    if not k.host:
        tasks = f"{k.tasks}" + (f" / {k.chunks}" if k.chunks > 1 else "")
        cells = [k.name, tasks, size(k.nbytes), quantity(k.flops), seconds(k.estimated)]
    if not total:
        return cells
    if k.measured is None:
        return [*cells, "", "", "", "", ""]
    peak = "" if k.of_peak is None else f"{k.of_peak:.0%}"
    return [*cells, f"{k.calls:.3g}", seconds(k.measured), f"{k.measured / total:.0%}", k.rate, peak]


def fusion(k: Any) -> str:
    """What a kernel computes: its ops, counted."""
    counts: dict[str, int] = {}
    for op in k.fuses:
        counts[op] = counts.get(op, 0) + 1
    return ", ".join(f"{count} {op}" if count > 1 else op for op, count in counts.items())


def place(k: Kernel) -> str:
    """The kernel's last op, the line where the user made it, and the loops around it."""
    return ", ".join(filter(None, (k.op, os.path.basename(k.site), f"in {k.inside}" if k.inside else "")))


def operand(o: Operand) -> str:
    """A buffer of a kernel."""
    where = o.where if o.offset is None else f"{o.where} at {o.offset}"
    return f"{'->' if o.written else '  '} {o.name} {o.dtype}{list(o.shape)} {size(o.nbytes)}, {where}"


# memory


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


def _timeline(e: Explanation) -> list[str]:
    """A bar for each row of the schedule, of the bytes in use; of several rows the most where there are many."""
    if not e.live_peak_bytes:
        return []
    step = -(-len(e.live_bytes) // MOST_LINES)
    found = [f"  {'row':>6}  in use"]
    for row in range(0, len(e.live_bytes), step):
        most = max(e.live_bytes[row:row + step])
        found.append(f"  {row:>6}  {'#' * round(BAR * most / e.arena_bytes):{BAR}}  {size(most)}")
    return found


BUFFER_COLUMNS = ["buffer", "bytes", "offset", "from row", "to", "takes over"]


def buffer_rows(e: Explanation) -> list[list[str]]:
    return [[shorten(b.name, 50), str(b.nbytes), "fetched" if b.fetched else str(b.offset), str(b.first), str(b.last),
             shorten(b.shares, 30)] for b in e.buffers]


# figures


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
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
