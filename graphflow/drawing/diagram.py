"""The boxes and nets of a static drawing: scopes are opened, small ones first, as long as it stays legible."""
from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from ..compiler.ir import Operation, Tensor
from .content import NAME_SIZE, TYPE_SIZE, Heat, Node, folded_node, net_label, op_node, scope_node, text_width
from .layout import Box, Net
from .scopes import Scope, choose, reads_simply, scopes_of
from .wiring import control_edges, data_edges


class Diagram:
    """`root` box and `nets` of a drawing, with `labels` of the nets: (text, whether it is a control edge)."""

    def __init__(self, operations: Sequence[Operation], limit: int, heat: Mapping[str, float] | None = None,
                 groups: Mapping[str, Iterable[Any]] | None = None):
        self.root = Box(Node("root", ""))
        self.nets: list[Net] = []
        self.labels: dict[Hashable, tuple[str, bool]] = {}
        self._where: dict[Operation, Box] = {}
        self._heat = Heat(heat or {})
        top = scopes_of(operations, limit, groups or {})
        self._fill(self.root, top, choose(top, limit), "")
        self._connect(operations)

    def _fill(self, box: Box, scope: Scope, opened: set[Scope], prefix: str) -> None:
        """Boxes of a scope's members; `prefix` is what the box around them says of their names."""
        for op in scope.ops:
            pill = self._where.get(op.inputs[0].op) if reads_simply(op) else None
            if pill is None:
                pill = box.add(_box(self._heat.apply(op_node(op, prefix), self._heat.of([op]))))
            else:
                pill.content.tooltip += "\n\n" + op_node(op, prefix).tooltip
            self._where[op] = pill
        for inner in scope.scopes.values():
            seconds = self._heat.of_scope(inner)
            if inner in opened:
                frame = self._heat.apply(scope_node(inner, prefix), seconds if inner.kernel else None)
                child = box.add(Box(frame, width=text_width(f"{frame.label} {frame.name}", NAME_SIZE) + 20))
                self._fill(child, inner, opened, inner.prefix(prefix))
            else:
                child = box.add(_box(self._heat.apply(folded_node(inner, prefix), seconds)))
                self._where.update((op, child) for op in inner.everything())

    def _connect(self, operations: Sequence[Operation]) -> None:
        targets: dict[Hashable, dict[Box, None]] = {}
        sources: dict[Hashable, Box] = {}
        types: dict[Hashable, dict[Tensor, None]] = {}
        for tensor, op in data_edges(operations):
            source, box = self._where[tensor.op], self._where[op]
            if source is not box:
                key: Hashable = source if source.content.style in ("folded", "variable") else tensor
                sources[key] = source
                targets.setdefault(key, {})[box] = None
                types.setdefault(key, {})[tensor] = None
        for before, op in control_edges(operations):
            source, box = self._where[before], self._where[op]
            if source is not box and box not in targets.get(source, ()):
                key = "control", source
                sources[key] = source
                targets.setdefault(key, {})[box] = None
        for key, source in sources.items():
            self.nets.append(Net(key, source, list(targets[key])))
            tensors = list(types.get(key, ()))
            self.labels[key] = net_label(tensors), not tensors
        leaving: dict[Box, list[Hashable]] = {}
        for key, source in sources.items():
            leaving.setdefault(source, []).append(key)
        for box, keys in leaving.items():
            _widen(box, keys, self.labels)
        incoming: dict[Box, list[Hashable]] = {}
        for key, boxes in targets.items():
            for box in boxes:
                incoming.setdefault(box, []).append(key)
        for box, keys in incoming.items():
            box.tops.update((key, box.width * (i + 1) / (len(keys) + 1)) for i, key in enumerate(keys))


def _box(node: Node) -> Box:
    width, height = node.size
    return Box(node, width=width, height=height)


def _widen(box: Box, keys: Sequence[Hashable], labels: dict[Hashable, tuple[str, bool]]) -> None:
    """Give each net that leaves a box a place at its bottom, with room for its label on the right."""
    widths = [text_width(labels[key][0], TYPE_SIZE) + 8 for key in keys]
    box.width = max(box.width, sum(widths) + 8 if len(keys) > 1 else 2 * widths[0])
    if len(keys) == 1:
        box.bottoms[keys[0]] = box.width / 2
        return
    at = (box.width - sum(widths)) / 2
    for key, width in zip(keys, widths, strict=True):
        box.bottoms[key] = at
        at += width
