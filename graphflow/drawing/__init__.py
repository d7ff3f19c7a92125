"""Drawings of graphs as SVG and HTML, shown inline by notebooks. Nothing is fetched and nothing need be installed.

networkx and the layout load when something is drawn. Importing this module lets notebooks show a `Graph` itself.
"""
from __future__ import annotations

import os
import pathlib
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..compiler.ir import Graph, Operation, Tensor
from ..display import COLOURS, page, palette, printable, write_atomically

if TYPE_CHECKING:
    from .layout import Box, Wire

LIMIT = 250  # boxes: beyond it name scopes stay closed
LEGEND = {"placeholder": "placeholder", "variable": "variable", "elementwise": "elementwise",
          "contraction": "product or convolution", "reduction": "reduction", "index": "indexing, copying",
          "random": "random", "effect": "assignment, group", "composite": "composite", "kernel": "fused kernel"}

CONTROL, TITLE = ' class="control"', ' class="t"'
_NODES = ["placeholder", "elementwise", "reduction", "contraction", "window", "index", "copy", "random", "alias",
          "composite", "effect", "host", "source"]
STYLE = "".join([
    palette(".gf-graph"),
    ".gf-graph{font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif;color-scheme:light dark}",
    ".gf-graph text{fill:var(--ink);text-anchor:middle;font-size:9px;paint-order:stroke}",
    ".gf-graph .t{font-size:11px;font-weight:600}",
    ".gf-graph .e{text-anchor:start;font-size:8px;fill:var(--faint)}.gf-graph .h{text-anchor:start;fill:var(--faint)}",
    ".gf-graph .e,.gf-graph .h{stroke:var(--paper);stroke-width:2px;stroke-opacity:.8}",
    ".gf-graph .paper{fill:var(--paper)}.gf-graph path{fill:none;stroke:var(--wire);stroke-width:1}",
    ".gf-graph path:hover{stroke:var(--ink);stroke-width:2.5}.gf-graph .control{stroke-dasharray:3 3}",
    ".gf-graph .arrow{fill:var(--wire);stroke:none}",
    "".join(f".gf-graph .{n} rect{{fill:color-mix(in srgb,var(--{n}) 16%,var(--paper));stroke:var(--{n})}}"
            for n in [*_NODES, "variable", "constant", "folded"]),
    ".gf-graph .folded rect{stroke-width:1.5;stroke-dasharray:5 2}.gf-graph .host rect{stroke-width:2}",
    ".gf-graph .scope rect{fill:color-mix(in srgb,var(--scope) 8%,transparent);stroke:var(--scope);stroke-opacity:.35}",
    ".gf-graph .kernel rect{fill:color-mix(in srgb,var(--kernel) 13%,transparent);stroke:var(--kernel)}",
    ".gf-graph text.kernel{fill:var(--kernel);font-weight:600}",
])
PAGE_STYLE = (
    ".gf-panels{display:flex;gap:16px;align-items:flex-start}.gf-panel{flex:1 1 0;min-width:0}"
    ".gf-panel h2{font-size:15px;font-weight:600;margin:8px 0;color:var(--ink)}"
    ".gf-scroll{overflow:auto;max-height:85vh;border:1px solid var(--rule);border-radius:8px}"
    ".gf-legend{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:12px;"
    "color:var(--faint);margin:4px 0 12px}.gf-legend i{display:inline-block;width:10px;height:10px;border-radius:3px;"
    "margin-right:5px}.gf-head{display:flex;justify-content:space-between;align-items:center;font-size:12px;color:var(--faint)}"
    ".gf-panel:not(:has(input:checked)) svg{height:auto;width:max(100%,var(--least));max-width:var(--full)}")


class Drawing:
    """One graph, or several side by side: what a notebook shows, and `svg`, `html` and `save`."""

    def __init__(self, panels: Sequence[tuple[str, Sequence[Operation]]], limit: int = LIMIT):
        self.panels = list(panels)
        self.limit = limit

    def svg(self) -> str:
        """The drawing as one SVG document. Raises ValueError for several graphs, which only a page can hold."""
        if len(self.panels) != 1:
            raise ValueError(f"An SVG holds one graph, this drawing has {len(self.panels)}: save it as .html")
        return _svg(self.panels[0][1], self.limit)

    def html(self) -> str:
        """A self-contained page."""
        titles = ", ".join(title for title, _ in self.panels if title)
        return page(f"graphflow: {titles}" if titles else "graphflow", self._body())

    def save(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Write an .svg or .html file; returns its path."""
        kind = pathlib.Path(path).suffix.lower()
        if kind not in (".svg", ".html"):
            raise ValueError(f"save: expected a path that ends in .svg or .html, received {os.fspath(path)!r}")
        return write_atomically(path, self.svg() if kind == ".svg" else self.html())

    def _body(self) -> str:
        legend = "".join(f'<span><i style="background:var(--{name})"></i>{text}</span>'
                         for name, text in LEGEND.items())
        panels = "".join(
            f'<div class="gf-panel"><div class="gf-head"><h2>{printable(title)}</h2>'
            '<label><input type="checkbox"> full size</label></div>'
            f'<div class="gf-scroll">{_svg(ops, self.limit)}</div></div>' for title, ops in self.panels)
        return (f"<style>{PAGE_STYLE}{palette('.gf-drawing')}</style>"
                f'<div class="gf-drawing"><div class="gf-legend">{legend}</div>'
                f'<div class="gf-panels">{panels}</div></div>')

    def _repr_svg_(self) -> str | None:
        return self.svg() if len(self.panels) == 1 else None

    def _repr_html_(self) -> str:
        return self._body()


def draw(value: Any, limit: int = LIMIT) -> Drawing:
    """Draw a graph, what some fetches (tensors, operations, variables, or a nest of them) need, or an explanation's
    graph before and after compilation. Beyond `limit` boxes, name scopes stay closed."""
    if isinstance(value, Graph):
        return Drawing([("", value.operations)], limit)
    if hasattr(value, "before") and hasattr(value, "after"):
        return Drawing([(f"Before: {len(value.before.operations)} ops", value.before.operations),
                        (f"After: {len(value.after.operations)} ops, of which "
                         f"{sum('body' in op.attrs for op in value.after.operations)} fused",
                         value.after.operations)], limit)
    return Drawing([("", _needed(list(_elements(value))))], limit)


def to_svg(value: Any, limit: int = LIMIT) -> str:
    """`draw(value)` as SVG text."""
    return draw(value, limit).svg()


def to_html(value: Any, limit: int = LIMIT) -> str:
    """`draw(value)` as a self-contained page."""
    return draw(value, limit).html()


def save(value: Any, path: str | os.PathLike[str], limit: int = LIMIT) -> pathlib.Path:
    """Write `draw(value)` to an .svg or .html file."""
    return draw(value, limit).save(path)


def _elements(value: Any) -> Iterable[Operation]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _elements(item)
        return
    convert = getattr(value, "_as_graph_element", None)
    element = convert() if convert else value
    if not isinstance(element, (Tensor, Operation)):
        raise TypeError(f"draw: expected a Graph, Tensor, Operation, variable or a nest of them, received {value!r}")
    yield element.op if isinstance(element, Tensor) else element


def _needed(ops: Sequence[Operation]) -> list[Operation]:
    """The ops and all that they are computed from, in the order of their graph."""
    found, stack = set(ops), list(ops)
    while stack:
        op = stack.pop()
        for before in (*(t.op for t in op.inputs), *op.control_inputs):
            if before not in found:
                found.add(before)
                stack.append(before)
    return [op for graph in dict.fromkeys(op.graph for op in ops) for op in graph.operations if op in found]


def _svg(operations: Sequence[Operation], limit: int) -> str:
    if not operations:
        return _document(220, 40, '<text x="110" y="24">This graph has no operations.</text>')
    from .diagram import Diagram
    from .layout import arrange
    diagram = Diagram(operations, limit)
    wires = arrange(diagram.root, diagram.nets)
    clusters: list[str] = []
    headers: list[str] = []
    nodes: list[str] = []
    stack = list(reversed(diagram.root.children))
    while stack:
        box = stack.pop()
        (clusters if box.children else nodes).append(_box(box))
        if box.children:
            headers.append(_header(box))
        stack += reversed(box.children)
    drawn = [_wire(wire, diagram.labels) for wire in wires]
    labels = [_edge_label(box, key, diagram.labels[key][0]) for key, box in
              ((net.key, net.source) for net in diagram.nets)]
    return _document(diagram.root.width, diagram.root.height, "".join([*clusters, *drawn, *labels, *headers, *nodes]))


def _document(width: float, height: float, content: str) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" class="gf-graph" width="{width:.0f}" height="{height:.0f}" '
            f'style="--full:{width:.0f}px;--least:{0.5 * width:.0f}px" '
            f'viewBox="0 0 {width:.0f} {height:.0f}"><style>{STYLE}</style>'
            f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>{content}</svg>')


def _box(box: Box) -> str:
    node = box.content
    small = node.style in ("constant", "variable")
    radius = box.height / 2 if small else 6 if box.children else 4
    shape = (f'<g class="{node.style}"><title>{printable(node.tooltip)}</title><rect x="{box.x:.1f}" y="{box.y:.1f}" '
             f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{radius:.0f}"/>')
    label = printable(node.label)
    middle, centre = box.x + box.width / 2, box.y + box.height / 2
    if box.children:
        return f"{shape}</g>"
    if not node.name:
        down = 3 if small else 4
        return f'{shape}<text{"" if small else TITLE} x="{middle:.1f}" y="{centre + down:.1f}">{label}</text></g>'
    return (f'{shape}<text{TITLE} x="{middle:.1f}" y="{centre - 2:.1f}">{label}</text>'
            f'<text x="{middle:.1f}" y="{centre + 10:.1f}">{printable(node.name)}</text></g>')


def _header(box: Box) -> str:
    return (f'<text class="h {box.content.style}" x="{box.x + 8:.1f}" y="{box.y + 12:.1f}">'
            f'{printable(box.content.label)}</text>')


def _wire(wire: Wire, labels: dict[Hashable, tuple[str, bool]]) -> str:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = wire.points
    text, is_control = labels[wire.key]
    tip = printable(getattr(wire.key, "name", "") or ("runs before" if is_control else "")) + printable(f" {text}")
    end = y3 - 4 if wire.ends else y3
    if wire.backward:
        line = (f"M{x0:.1f} {y0:.1f}C{x0:.1f} {y0 + 16:.1f} {x1:.1f} {y1 + 16:.1f} {x1:.1f} {y1:.1f}V{y2:.1f}"
                f"C{x2:.1f} {y2 - 16:.1f} {x3:.1f} {y3 - 16:.1f} {x3:.1f} {end:.1f}")
    else:
        bend = max((y2 - y1) / 2, 10.0)
        line = (f"M{x0:.1f} {y0:.1f}V{y1:.1f}C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"
                f"V{end:.1f}")
    path = f'<path{CONTROL if is_control else ""} d="{line}"><title>{tip}</title></path>'
    if not wire.ends:
        return path
    return path + f'<path class="arrow" d="M{x3:.1f} {y3:.1f}l-3 -5h6z"/>'


def _edge_label(box: Box, key: Hashable, text: str) -> str:
    if not text:
        return ""
    x = box.x + box.bottoms.get(key, box.width / 2) + 4
    return f'<text class="e" x="{x:.1f}" y="{box.y + box.height + 10:.1f}">{printable(text)}</text>'


def _graph_svg(self: Graph) -> str:
    """The drawing that a notebook shows."""
    return draw(self).svg()


def _graph_html(self: Graph) -> str:
    return draw(self)._repr_html_()


Graph._repr_svg_ = _graph_svg  # type: ignore[attr-defined]
Graph._repr_html_ = _graph_html  # type: ignore[attr-defined]

assert set(_NODES) <= set(COLOURS)
