"""The page on which a drawing is explored. `viewer.js` shows what `packed` makes; ELK, in the browser, lays it out.

assets/elk.bundled.js.gz is elkjs 0.12.1 (Eclipse Layout Kernel, EPL-2.0 OR GPL-3.0-or-later, LICENSE.elkjs.md beside
it) from the npm registry, `lib/elk.bundled.js` compressed by `gzip -9n`; its source is github.com/kieler/elkjs.
"""
from __future__ import annotations

import base64
import gzip
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from ..compiler.ir import Operation
from .content import Heat, Node, folded_node, op_node, scope_node
from .documentation import documentation
from .scene import colour
from .scopes import Scope, choose, reads_simply, scopes_of
from .svg import style_sheet
from .wiring import control_edges, data_edges

LEGEND = {"placeholder": "placeholder", "variable": "variable", "elementwise": "elementwise",
          "contraction": "product", "window": "convolution, pooling", "reduction": "reduction",
          "index": "indexing", "copy": "copying", "random": "random", "effect": "assignment, group",
          "composite": "composite", "control": "branch, loop", "host": "run by NumPy", "kernel": "fused kernel",
          "heat": "most of the time", "group": "group"}
_SPECIAL = {"Placeholder": "placeholder", "VariableV2": "variable"}


def packed(operations: Sequence[Operation], limit: int, heat: Mapping[str, float],
           groups: Mapping[str, Iterable[Any]]) -> str:
    """What viewer.js shows, as gzipped JSON in base64.

    `nodes` are rows, a scope before what it holds: parent, kind (0 an op, 1 a closed scope, 2 an open one), style, two
    lines of text, heat (-1: none), width, height, name and tooltip. `edges` are (source, output, target, index of
    `types`), `control` edges (source, target). `docs` are paragraphs by the type of op.
    """
    rows = _Rows(operations, limit, heat, groups)
    types: dict[str, int] = {}
    edges = [(rows.where[t.op], t.index, rows.where[op],
              types.setdefault("" if t.op.type == "VariableV2" else str(t.type), len(types)))
             for t, op in data_edges(operations)]
    control = {(rows.where[a], rows.where[b]): None for a, b in control_edges(operations)}
    data = {"nodes": rows.rows, "edges": list(dict.fromkeys(edges)), "control": list(control), "types": list(types),
            "count": len(operations), "docs": {kind: documentation(kind) for kind in {op.type for op in rows.where}}}
    text = json.dumps(data, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(text, 6, mtime=0)).decode()


class _Rows:
    def __init__(self, operations: Sequence[Operation], limit: int, heat: Mapping[str, float],
                 groups: Mapping[str, Iterable[Any]]):
        self.heat = Heat(heat)
        self.where: dict[Operation, int] = {}
        self.rows: list[list[Any]] = [[-1, 2, "root", "", "", -1, 0, 0, "", ""]]
        top = scopes_of(operations, limit, groups)
        self.opened = choose(top, limit)
        self._fill(0, top, "")

    def _fill(self, parent: int, scope: Scope, prefix: str) -> None:
        for op in scope.ops:
            if reads_simply(op) and op.inputs[0].op in self.where:
                self.where[op] = self.where[op.inputs[0].op]
            else:
                node = self.heat.apply(op_node(op, prefix), self.heat.of([op]))
                self.where[op] = self._add(parent, 0, node, op.name)
        for inner in scope.scopes.values():
            node = self.heat.apply(folded_node(inner, prefix), self.heat.of_scope(inner))
            if inner.style in ("kernel", "group"):
                node.style, node.tooltip = inner.style, scope_node(inner, prefix).tooltip
            node.label = node.label.removesuffix(":")
            index = self._add(parent, 1 + (inner in self.opened), node, inner.name)
            self._fill(index, inner, inner.prefix(prefix))

    def _add(self, parent: int, kind: int, node: Node, name: str) -> int:
        width, height = node.size
        heat = -1 if node.heat is None else round(node.heat, 3)
        self.rows.append([parent, kind, node.style, node.label, node.name, heat, round(width + 12 * (kind > 0)), height,
                          name, node.tooltip])
        return len(self.rows) - 1


def view(picture: str, operations: int, height: float, data: str, whole_page: bool) -> str:
    """A place in a page with a picture (SVG, or "" for none) until `graphflowView` shows the data there, if any."""
    key = hashlib.sha256(data.encode()).hexdigest()[:16]
    still = f'<img alt="Graph of {operations or "no"} operations" src="data:image/svg+xml;base64,' + (
        f'{base64.b64encode(picture.encode()).decode()}">') if picture else ""
    size = "" if whole_page else f' style="--gf-height:{min(max(height + 70, 160), 600):.0f}px"'
    start = (f'<script>(function(){{const a=["{key}","{data}"];window.graphflowView?graphflowView(...a):'
             "(window.graphflowWaiting=window.graphflowWaiting||[]).push(a)})()</script>")
    return (f'<div class="gf-view{" gf-page" if whole_page else ""}" data-drawing="{key}"{size}>'
            f'<div class="gf-still">{still}</div></div>{start if data else ""}')


def legend(operations: Iterable[Operation], heat: bool, groups: bool) -> str:
    """The colours of the boxes that these operations have, of times and of groups."""
    found = {style for op in operations for style in (op.definition.family, _SPECIAL.get(op.type, "kernel"))
             if style != "kernel" or op.type == "Fused"}
    found |= {style for style, shown in (("heat", heat), ("group", groups)) if shown}
    marks = "".join(f'<span><i style="background:{colour(style)};background:light-dark({colour(style)},'
                    f'{colour(style, True)})"></i>{text}</span>' for style, text in LEGEND.items() if style in found)
    return f'<div class="gf-legend">{marks}</div>'


def program_once() -> str:
    """The program, the first time that this process shows a drawing in a notebook, whose outputs share a page."""
    if _Shown.once and "google.colab" not in sys.modules:  # there each output has a page of its own
        return ""
    _Shown.once = True
    return program()


class _Shown:
    once = False


@cache
def program() -> str:
    """The script that defines `graphflowView`, with ELK, for all drawings of a page."""
    elk = base64.b64encode(_asset("elk.bundled.js.gz")).decode()
    return f'<script>window.graphflowEngine="{elk}";\n{_asset("viewer.js").decode()}</script>'


@cache
def styles() -> str:
    """The style sheet of all drawings of a page."""
    themes = style_sheet(".gf-view .gf-graph", ".gf-view[data-theme=dark] .gf-graph")
    return f"<style>{_asset('viewer.css').decode()}{themes}</style>"


def _asset(name: str) -> bytes:
    return (resources.files(__package__) / "assets" / name).read_bytes()
