"""Explanations as HTML: self-contained, light and dark, with what is long folded."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..display import page, palette, printable
from . import timeline
from .text import (
    BUFFER_COLUMNS,
    PASS_COLUMNS,
    buffer_rows,
    columns,
    compile_summary,
    compiled,
    fusion,
    kernel_row,
    listed,
    memory,
    operand,
    pass_row,
    place,
    seconds,
    size,
    summary,
)

if TYPE_CHECKING:
    from .passes import Pass
    from .records import Explanation, Kernel

STYLE = palette(".gf-explain") + "".join([
    ".gf-explain{color:var(--ink);background:var(--paper);font:13px/1.45 system-ui,sans-serif;padding:4px 8px}",
    ".gf-explain table{border-collapse:collapse;margin:4px 0 12px}.gf-explain p{margin:4px 0}",
    ".gf-explain td,.gf-explain th{padding:3px 10px;text-align:right;border-bottom:1px solid var(--rule);"
    "color:var(--ink);background:none;white-space:nowrap;vertical-align:top}",
    ".gf-explain th{color:var(--faint);font-weight:600}.gf-explain table .l{text-align:left}",
    ".gf-explain td.l{white-space:normal;max-width:36em}.gf-explain small{color:var(--faint);display:block}",
    ".gf-explain h3{font-size:14px;margin:14px 0 4px}.gf-explain .host td{color:var(--warning)}",
    ".gf-explain summary{cursor:pointer}.gf-explain pre{background:none;color:var(--ink);font-size:12px;"
    "border-left:3px solid var(--rule);padding:4px 10px;overflow:auto;max-height:32em}",
    ".gf-explain .plus{color:var(--elementwise)}.gf-explain .minus{color:var(--warning)}",
    ".gf-explain .gf-scroll{overflow:auto;max-height:36em}",
    timeline.STYLE,
])
STILL_LIMIT = 40  # boxes of a drawing in a notebook
LARGEST_STILL = 400  # ops of a graph that is drawn there


def fragment(e: Explanation) -> str:
    """What a notebook shows: it carries its own style. The graph is a picture; `html` has one to explore."""
    drawing = ""
    if len(e.before.operations) <= LARGEST_STILL:
        svg = e.draw(limit=STILL_LIMIT).svg()
        drawing = details("Graph, its kernels framed", f'<div class="gf-scroll">{svg}</div>')
    return f'<style>{STYLE}</style><div class="gf-explain">{_body(e, drawing, "")}</div>'


def page_of(explanations: Sequence[Explanation]) -> str:
    """A document with drawings to explore: of the graph, and of what each pass changed."""
    from ..drawing.interactive import program
    parts = []
    for e in explanations:
        drawing = details("Graph, its kernels framed", e.draw().fragment(whole_page=True), is_open=True)
        passes = "".join(details(f"{p.name}: before and after", e.draw(p.name).fragment(whole_page=True))
                         for p in e.passes if not p.is_idle)
        body = _body(e, drawing, details("Drawings of the passes", passes))
        if len(explanations) > 1:
            title = listed(e.fetches, 3) + (f", {seconds(e.run_seconds)}" if e.run_seconds is not None else "")
            body = details(title, body, is_open=e is explanations[0])
        parts.append(body)
    style = f"<style>{STYLE}.gf-view{{--gf-height:70vh}}</style>"
    return page(f"graphflow: {listed(explanations[0].fetches, 3) if explanations else 'nothing ran'}",
                f'{style}{program()}<div class="gf-explain">{"".join(parts)}</div>')


def _body(e: Explanation, drawing: str, passes: str) -> str:
    header = ["", *columns(e)]
    header[1] = "kernel, what it fuses"
    kernels = [_kernel_row(k, e.measured) for k in e.kernels]
    return "".join([
        f"<p><b>{printable(listed(e.fetches))}</b></p>",
        f"<p>fed {printable(listed([f'{name} {kind}' for name, kind in e.feeds.items()]))}</p>" if e.feeds else "",
        *(f"<p>{printable(note)}</p>" for note in e.notes),
        f"<h3>Kernels</h3><p>{printable(summary(e).partition(': ')[2])}</p>",
        table(header, kernels, left=1),
        drawing,
        "<h3>Memory</h3>",
        table([], [row([amount, what], 1) for amount, what in memory(e)], left=1),
        timeline.picture(e),
        details("Buffers", table(BUFFER_COLUMNS, [row(cells, 0) for cells in buffer_rows(e)], left=0)),
        "<h3>Compilation</h3>",
        details("Passes", table(PASS_COLUMNS, [row(pass_row(p), 0) for p in e.passes], left=0)
                + "".join(_differences(p) for p in e.passes)),
        passes,
        details(f"Kernels: {compile_summary(e)}", _compiled(e)),
        details(f"Sources of the {len(e.sources)} different kernels", "".join(
            details(path, f"<pre>{printable(source)}</pre>") for path, source in e.sources.items())),
    ])


def _kernel_row(k: Kernel, total: float | None) -> str:
    name, *figures = kernel_row(k, total)
    operands = "".join(f"<small>{printable(operand(o))}</small>" for o in k.operands)
    cells = [f"<td>{k.row}</td>", f'<td class="l">{printable(name)}<small>{printable(fusion(k))}</small>'
             f"<small>{printable(place(k))}</small>{details(k.decision, operands)}</td>"]
    for i, figure in enumerate(figures):
        bar = ""
        if i == 6 and total and k.measured is not None:  # the share, also as a bar
            percent = 100 * k.measured / total
            bar = f' style="min-width:6em;background:linear-gradient(to right,var(--bar) {percent:.1f}%,transparent 0)"'
        cells.append(f"<td{bar}>{printable(figure)}</td>")
    return f'<tr{" class=host" if k.host else ""} title="{printable(_tooltip(k))}">{"".join(cells)}</tr>'


def _tooltip(k: Kernel) -> str:
    if k.host:
        return f"{k.op}: no native kernel, NumPy runs it between native calls"
    return f"{k.op}\n{k.tasks} tasks in {k.chunks} chunks, {size(k.nbytes)} moved\n{k.path}"


def _differences(p: Pass) -> str:
    lines = p.diff().splitlines()[2:]
    if not lines:
        return ""
    kinds = {"+": ' class="plus"', "-": ' class="minus"'}
    shown = "\n".join(f"<span{kinds.get(line[:1], '')}>{printable(line)}</span>" for line in lines)
    return details(f"{p.name}: what changed", f"<pre>{shown}</pre>")


def _compiled(e: Explanation) -> str:
    return table(["kernel", "time", ""], [
        row([k.name, seconds(k.compiling or 0.0), "from disk" if k.from_disk else "compiled"], 0)
        for k in sorted(compiled(e), key=lambda k: -(k.compiling or 0.0))], left=0)


def row(cells: Sequence[str], left: int) -> str:
    return "<tr>" + "".join(f"<td{' class=l' if i == left else ''}>{printable(c)}</td>" for i, c in enumerate(cells)
                            ) + "</tr>"


def table(header: Sequence[str], rows: Iterable[str], left: int) -> str:
    head = "".join(f"<th{' class=l' if i == left else ''}>{printable(h)}</th>" for i, h in enumerate(header))
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{''.join(rows)}</table>"


def details(title: str, content: str, is_open: bool = False) -> str:
    opened = " open" if is_open else ""
    return f"<details{opened}><summary>{printable(title)}</summary>{content}</details>" if content else ""
