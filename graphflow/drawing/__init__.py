"""Drawings of graphs: pages to explore, pictures, and what notebooks show. Nothing is fetched when one is looked at.

networkx and the layout load when something is drawn. Importing this package lets notebooks show a `Graph` itself.
"""
from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..compiler.ir import Graph, Operation, Tensor
from ..display import page, palette, printable, write_atomically

if TYPE_CHECKING:
    from .scene import Scene

LIMIT = 60  # boxes: beyond it name scopes stay closed
LEGEND = {"placeholder": "placeholder", "variable": "variable", "elementwise": "elementwise",
          "contraction": "product or convolution", "reduction": "reduction", "index": "indexing, copying",
          "random": "random", "effect": "assignment, group", "composite": "composite", "kernel": "fused kernel"}
PAGE_STYLE = (
    ".gf-panels{display:flex;gap:16px;align-items:flex-start}.gf-panel{flex:1 1 0;min-width:0}"
    ".gf-panel h2{font-size:15px;font-weight:600;margin:8px 0;color:var(--ink)}"
    ".gf-scroll{overflow:auto;max-height:85vh;border:1px solid var(--rule);border-radius:8px}"
    ".gf-legend{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:12px;"
    "color:var(--faint);margin:4px 0 12px}.gf-legend i{display:inline-block;width:10px;height:10px;border-radius:3px;"
    "margin-right:5px}")


class Drawing:
    """One graph, or several side by side: what a notebook shows, and `svg`, `html` and `save`."""

    def __init__(self, panels: Sequence[tuple[str, Sequence[Operation]]], limit: int = LIMIT,
                 heat: Mapping[Any, float] | None = None, groups: Mapping[str, Iterable[Any]] | None = None):
        self.panels = list(panels)
        self.limit = limit
        self.groups = dict(groups or {})
        self.heat = dict(heat or {})
        if heat:
            from .scopes import find_name
            names = {op.name for _, ops in panels for op in ops}
            self.heat = {find_name(op, names, "heat"): seconds for op, seconds in heat.items()}

    def svg(self) -> str:
        """The drawing as one SVG document. Raises ValueError for several graphs, which only a page can hold."""
        from .svg import svg
        return svg(self._scene("svg"))

    def html(self) -> str:
        """A self-contained page."""
        titles = ", ".join(title for title, _ in self.panels if title)
        return page(f"graphflow: {titles}" if titles else "graphflow", self._body())

    def save(self, path: str | os.PathLike[str], dpi: float = 192) -> pathlib.Path:
        """Write a file of the kind that its suffix says: .svg, .html or, with matplotlib, .png, .pdf and others, where
        `dpi` dots make an inch (96 units of the drawing). Returns its path.

        Raises ValueError for other suffixes and for several graphs in one picture, ImportError without matplotlib.
        """
        kind = pathlib.Path(path).suffix.lower().removeprefix(".")
        if kind == "html":
            return write_atomically(path, self.html())
        if kind == "svg":
            return write_atomically(path, self.svg())
        if not kind:
            raise ValueError(f"save: expected a path that ends in .svg, .html or .png, received {os.fspath(path)!r}")
        from .figure import render
        return write_atomically(path, render(self._scene(kind), kind, dpi))

    def _scene(self, kind: str) -> Scene:
        if len(self.panels) != 1:
            raise ValueError(f"A .{kind} holds one graph, this drawing has {len(self.panels)}: save it as .html")
        return self._scene_of(self.panels[0][1])

    def _scene_of(self, operations: Sequence[Operation]) -> Scene:
        from .diagram import Diagram
        from .scene import Scene, Text, arranged
        if not operations:
            return Scene(220, 40, [Text("n", 110, 24, "This graph has no operations.")])
        diagram = Diagram(operations, self.limit, self.heat, self.groups)
        return arranged(diagram.root, diagram.nets, diagram.labels)

    def _body(self) -> str:
        from .svg import svg
        legend = "".join(f'<span><i style="background:var(--{name})"></i>{text}</span>'
                         for name, text in LEGEND.items())
        panels = "".join(
            f'<div class="gf-panel"><h2>{printable(title)}</h2>'
            f'<div class="gf-scroll">{svg(self._scene_of(ops))}</div></div>' for title, ops in self.panels)
        return (f"<style>{PAGE_STYLE}{palette('.gf-drawing')}</style>"
                f'<div class="gf-drawing"><div class="gf-legend">{legend}</div>'
                f'<div class="gf-panels">{panels}</div></div>')

    def _repr_svg_(self) -> str | None:
        return self.svg() if len(self.panels) == 1 else None

    def _repr_html_(self) -> str:
        return self._body()


def draw(value: Any, limit: int = LIMIT, *, heat: Mapping[Any, float] | None = None,
         groups: Mapping[str, Iterable[Any]] | None = None) -> Drawing:
    """Draw a graph, what some fetches (tensors, operations, variables, or a nest of them) need, or an explanation's
    graph before and after compilation. Beyond `limit` boxes, name scopes stay closed.

    `heat` ({operation or its name: seconds}) colours boxes by their share of the time, `groups` ({title: operations or
    their names}) frames operations that belong together. Raises ValueError for names that the drawing does not have.
    """
    if isinstance(value, Graph):
        return Drawing([("", value.operations)], limit, heat, groups)
    if hasattr(value, "before") and hasattr(value, "after"):
        return Drawing([(f"Before: {len(value.before.operations)} ops", value.before.operations),
                        (f"After: {len(value.after.operations)} ops, of which "
                         f"{sum('body' in op.attrs for op in value.after.operations)} fused",
                         value.after.operations)], limit, heat, groups)
    return Drawing([("", _needed(list(_elements(value))))], limit, heat, groups)


def to_svg(value: Any, limit: int = LIMIT) -> str:
    """`draw(value)` as SVG text."""
    return draw(value, limit).svg()


def to_html(value: Any, limit: int = LIMIT) -> str:
    """`draw(value)` as a self-contained page."""
    return draw(value, limit).html()


def save(value: Any, path: str | os.PathLike[str], limit: int = LIMIT) -> pathlib.Path:
    """Write `draw(value)` to a file (see Drawing.save)."""
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


def _graph_svg(self: Graph) -> str:
    """The drawing that a notebook shows."""
    return draw(self).svg()


def _graph_html(self: Graph) -> str:
    return draw(self)._repr_html_()


Graph._repr_svg_ = _graph_svg  # type: ignore[attr-defined]
Graph._repr_html_ = _graph_html  # type: ignore[attr-defined]
