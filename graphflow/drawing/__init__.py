"""Drawings of graphs: pages to explore, pictures, and what notebooks show. Nothing is fetched when one is looked at.

networkx and the layout load when something is drawn. Importing this package lets notebooks show a `Graph` itself.
"""
from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..compiler.ir import Graph, Operation, Tensor, default_graph
from ..display import page, printable
from ..whole_files import write_whole

if TYPE_CHECKING:
    from .diagram import Diagram
    from .scene import Scene

LIMIT = 60  # boxes: beyond it name scopes stay closed


class Drawing:
    """One graph, or several side by side: what a notebook shows, and `svg`, `html`, `dot` and `save`."""

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
        return svg(self._scene(self._only("svg")))

    def html(self) -> str:
        """A self-contained page, on which the drawing is explored."""
        from .interactive import program
        titles = ", ".join(title for title, _ in self.panels if title)
        return page(f"graphflow: {titles}" if titles else "graphflow", program() + self.fragment(whole_page=True))

    def dot(self) -> str:
        """The drawing in the language of Graphviz. Raises ValueError for several graphs."""
        from .dot import dot
        diagram = self._diagram(self._only("dot"))
        return dot(diagram.root, diagram.nets, diagram.labels)

    def save(self, path: str | os.PathLike[str], dpi: float = 192) -> pathlib.Path:
        """Write a file of the kind that its suffix says: .svg, .html, .dot or, with matplotlib, .png, .pdf and others,
        where `dpi` dots make an inch (96 units of the drawing). Returns its path.

        Raises ValueError for other suffixes and for several graphs in one picture, ImportError without matplotlib.
        """
        kind = pathlib.Path(path).suffix.lower().removeprefix(".")
        if kind in ("html", "svg", "dot"):
            return write_whole(path, getattr(self, kind)())
        if not kind:
            raise ValueError("save: expected a path that ends in .svg, .png, .pdf, .html or .dot, "
                             f"received {os.fspath(path)!r}")
        from .figure import render
        return write_whole(path, render(self._scene(self._only(kind)), kind, dpi))

    def _only(self, kind: str) -> Sequence[Operation]:
        if len(self.panels) != 1:
            raise ValueError(f"A .{kind} holds one graph, this drawing has {len(self.panels)}: save it as .html")
        return self.panels[0][1]

    def _diagram(self, operations: Sequence[Operation]) -> Diagram:
        from .diagram import Diagram
        return Diagram(operations, self.limit, self.heat, self.groups)

    def _scene(self, operations: Sequence[Operation]) -> Scene:
        from .scene import Scene, Text, arranged
        if not operations:
            return Scene(220, 40, [Text("n", 110, 24, "This graph has no operations.")])
        diagram = self._diagram(operations)
        return arranged(diagram.root, diagram.nets, diagram.labels)

    def fragment(self, whole_page: bool = False) -> str:
        """The panels, for a page that has `interactive.program()`. In a notebook (no `whole_page`) each begins with a
        picture, which stays where no script runs."""
        from .interactive import legend, packed, styles, view
        from .scopes import leaves
        from .svg import svg
        panels, everything = [], [op for _, ops in self.panels for op in ops]
        for title, operations in self.panels:
            scene = None if whole_page and operations else self._scene(operations)
            picture, height = (svg(scene), scene.height) if scene else ("", 0.0)
            data = packed(operations, self.limit, self.heat, self.groups) if operations else ""
            heading = f"<h2>{printable(title)}</h2>" if title else ""
            panels.append(f'<div class="gf-panel">{heading}'
                          f'{view(picture, len(operations), height, data, whole_page)}</div>')
        colours = legend([*leaves(everything), *everything], bool(self.heat), bool(self.groups))
        return (f'{styles()}<div class="gf-drawing">{colours}<div class="gf-panels">{"".join(panels)}</div></div>')

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if in_terminal():
            return {}
        from .interactive import program_once
        bundle = {"text/plain": repr(self), "text/html": program_once() + self.fragment()}
        return bundle | ({"image/svg+xml": self.svg()} if len(self.panels) == 1 else {})

    def __repr__(self) -> str:
        return f"<graphflow.Drawing of {' and '.join(f'{len(ops)} operations' for _, ops in self.panels)}>"


def draw(value: Any, limit: int = LIMIT, *, heat: Mapping[Any, float] | None = None,
         groups: Mapping[str, Iterable[Any]] | None = None) -> Drawing:
    """Draw a graph, a Keras model, what some fetches (tensors, operations, variables, names in the default graph, or a
    nest of them) need, or an explanation's graph before and after compilation. Beyond `limit` boxes, name scopes stay
    closed.

    `heat` ({operation or its name: seconds}) colours boxes by their share of the time, `groups` ({title: operations or
    their names}) frames operations that belong together. Raises ValueError for names that the drawing does not have.
    """
    if isinstance(value, Graph):
        return Drawing([("", value.operations)], limit, heat, groups)
    if hasattr(value, "_drawn"):
        return Drawing([("", value._drawn())], limit, heat, groups)
    if hasattr(value, "before") and hasattr(value, "after"):
        return Drawing([(f"Before: {len(value.before.operations)} ops", value.before.operations),
                        (f"After: {len(value.after.operations)} ops, of which "
                         f"{sum(op.type == 'Fused' for op in value.after.operations)} fused",
                         value.after.operations)], limit, heat, groups)
    return Drawing([("", needed(list(_elements(value))))], limit, heat, groups)


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
    if isinstance(value, str):
        from .scopes import find_name
        operations = {op.name: op for op in default_graph().operations}
        value = operations[find_name(value, set(operations), "fetches")]
    convert = getattr(value, "_as_graph_element", None)
    element = convert() if convert else value
    if not isinstance(element, (Tensor, Operation)):
        raise TypeError("draw: expected a Graph, model, Tensor, Operation, variable or a nest of them, "
                        f"received {value!r}")
    yield element.op if isinstance(element, Tensor) else element


def needed(ops: Sequence[Operation]) -> list[Operation]:
    """The ops and all that they are computed from, in the order of their graph."""
    found, stack = set(ops), list(ops)
    while stack:
        op = stack.pop()
        for before in (*(t.op for t in op.inputs), *op.control_inputs):
            if before not in found:
                found.add(before)
                stack.append(before)
    return [op for graph in dict.fromkeys(op.graph for op in ops) for op in graph.operations if op in found]


def in_terminal() -> bool:
    """Whether what is shown is shown by IPython in a terminal, which asks for pictures and throws them away."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "TerminalInteractiveShell"


def _svg(self: Graph) -> str:
    """The drawing as an SVG document (see graphflow.drawing)."""
    return draw(self).svg()


def _html(self: Graph) -> str:
    """A self-contained page on which the graph is explored."""
    return draw(self).html()


def _save(self: Graph, path: str | os.PathLike[str]) -> pathlib.Path:
    """Write the drawing to a file whose suffix is .svg, .png, .pdf, .html or .dot (see Drawing.save)."""
    return draw(self).save(path)


def _shown(self: Any, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a notebook shows: of a tensor or an operation all that it is computed from, of an eager tensor its value."""
    if getattr(self, "eager_value", None) is not None or in_terminal():
        return {}
    return draw(self)._repr_mimebundle_() | {"text/plain": repr(self)}


for _kind in (Graph, Operation, Tensor):
    _kind._repr_mimebundle_ = _shown  # type: ignore[union-attr]
for _name, _member in (("svg", _svg), ("html", _html), ("save", _save)):
    setattr(Graph, _name, _member)
