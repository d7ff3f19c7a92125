"""An explanation as HTML for a notebook: tables, with the kernels' sources folded. Self-contained, light and dark."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .display import palette, printable
from .explain_text import fusion, listed, memory, place, quantity, row, seconds, size, summary

if TYPE_CHECKING:
    from .explain import Explanation, Kernel

STYLE = palette(".gf-explain") + "".join([
    ".gf-explain{color:var(--ink);background:var(--paper);font:13px/1.45 system-ui,sans-serif;padding:4px 8px}",
    ".gf-explain table{border-collapse:collapse;margin:4px 0 12px}.gf-explain p{margin:4px 0}",
    ".gf-explain td,.gf-explain th{padding:3px 10px;text-align:right;border-bottom:1px solid var(--rule);"
    "color:var(--ink);background:none;white-space:nowrap}",
    ".gf-explain th{color:var(--faint);font-weight:600}.gf-explain .l{text-align:left}",
    ".gf-explain td.l{white-space:normal;max-width:36em}.gf-explain small{color:var(--faint);display:block}",
    ".gf-explain h3{font-size:14px;margin:14px 0 4px}.gf-explain .host td{color:var(--warning)}",
    ".gf-explain summary{cursor:pointer}.gf-explain pre{background:none;color:var(--ink);font-size:12px;"
    "border-left:3px solid var(--rule);padding:4px 10px;overflow:auto;max-height:32em}",
])


def html(e: Explanation) -> str:
    """A fragment that carries its own style."""
    kernels = [_kernel_row(i, k, e.measured) for i, k in enumerate(e.kernels)]
    header = ["", "kernel, what it fuses", "tasks", "moved", "FLOPs", "estimate"]
    header += ["time", "share", "rate"] if e.measured else []
    parts = [
        f"<p><b>{printable(listed(e.fetches))}</b></p>",
        f"<p>fed {printable(listed([f'{name} {kind}' for name, kind in e.feeds.items()]))}</p>" if e.feeds else "",
        *(f"<p>{printable(note)}</p>" for note in e.notes),
        f"<h3>Kernels</h3><p>{printable(summary(e).partition(': ')[2])}</p>",
        _table(header, kernels, left=1),
        "<h3>Memory</h3>",
        _table([], [_row([amount, what], 1) for amount, what in memory(e)], left=1),
        _details("Buffers", _table(["buffer", "bytes", "offset", "from step", "to"], [
            _row([b.name, quantity(b.nbytes), "fetched" if b.fetched else str(b.offset), str(b.first), str(b.last)], 0)
            for b in e.buffers], left=0)),
        _details("Passes", _table(["pass", "ops", "time"], [
            _row([s.name, str(len(s.graph.operations)), seconds(s.seconds)], 0) for s in e.stages], left=0)),
        _details(f"Sources of the {len(e.sources)} different kernels", "".join(
            _details(path, f"<pre>{printable(source)}</pre>") for path, source in e.sources.items())),
    ]
    return f'<style>{STYLE}</style><div class="gf-explain">{"".join(parts)}</div>'


def _kernel_row(number: int, k: Kernel, total: float | None) -> str:
    name, *figures = row(k, total)
    cells = [f"<td>{number}</td>", f'<td class="l">{printable(name)}<small>{printable(fusion(k))}</small>'
             f"<small>{printable(place(k))}</small></td>"]
    for i, figure in enumerate(figures[:7 if total else 4]):
        bar = ""
        if i == 5 and total and k.measured is not None:  # the share, also as a bar
            percent = 100 * k.measured / total
            bar = f' style="min-width:6em;background:linear-gradient(to right,var(--bar) {percent:.1f}%,transparent 0)"'
        cells.append(f"<td{bar}>{printable(figure)}</td>")
    return f'<tr{" class=host" if k.host else ""} title="{printable(_tooltip(k))}">{"".join(cells)}</tr>'


def _tooltip(k: Kernel) -> str:
    if k.host:
        return f"{k.op}: no native kernel, NumPy runs it between native calls"
    return f"{k.op}\n{k.tasks} tasks in {k.chunks} chunks, {size(k.nbytes)} moved\n{k.path}"


def _row(cells: Sequence[str], left: int) -> str:
    return "<tr>" + "".join(f"<td{' class=l' if i == left else ''}>{printable(c)}</td>" for i, c in enumerate(cells)
                            ) + "</tr>"


def _table(header: Sequence[str], rows: Iterable[str], left: int) -> str:
    head = "".join(f"<th{' class=l' if i == left else ''}>{printable(h)}</th>" for i, h in enumerate(header))
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{''.join(rows)}</table>"


def _details(title: str, content: str) -> str:
    return f"<details><summary>{printable(title)}</summary>{content}</details>"
