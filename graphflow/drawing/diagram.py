"""What a drawing of operations shows: boxes for ops, name scopes and fused kernels, and the nets between them.

Scopes are opened, small ones first, as long as the drawing stays legible; the others are one box each.
"""
from __future__ import annotations

import heapq
import itertools
import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..compiler.ir import Operation, Tensor
from ..compiler.opdef import SOURCE
from .layout import Box, Net

LABEL_SIZE, NAME_SIZE, TYPE_SIZE = 11.0, 9.0, 8.0  # font sizes: what a box is, its name, the types on edges
LONGEST_TEXT = 30
PRECISE_LIMIT = 5000  # ops up to which control edges that others imply are left out


@dataclass
class Node:
    """A box's content. `style` is the op's family, or "scope", "folded" or "kernel"."""

    style: str
    label: str
    name: str = ""
    tooltip: str = ""


@dataclass(eq=False)
class _Scope:
    """A name scope, or the ops fused into one kernel (`kernel`)."""

    name: str
    kernel: Operation | None = None
    scopes: dict[str, _Scope] = field(default_factory=dict)
    ops: list[Operation] = field(default_factory=list)

    @property
    def members(self) -> int:
        """How many boxes it holds."""
        inside = set(self.ops)
        return len(self.scopes) + sum(not (_reads_simply(op) and op.inputs[0].op in inside) for op in self.ops)

    def everything(self) -> Iterable[Operation]:
        stack = [self]
        while stack:
            scope = stack.pop()
            yield from scope.ops
            stack += scope.scopes.values()


class Diagram:
    """`root` box and `nets` of a drawing, with `labels` of the nets: (text, whether it is a control edge)."""

    def __init__(self, operations: Sequence[Operation], limit: int):
        self.root = Box(Node("root", ""))
        self.nets: list[Net] = []
        self.labels: dict[Hashable, tuple[str, bool]] = {}
        self._where: dict[Operation, Box] = {}
        self._tensors: dict[Tensor, Tensor] = {}  # what a kernel's body and its surroundings know each other's as
        for op in operations:
            if "body" in op.attrs:
                body = op.attrs["body"]
                self._tensors.update(zip(op.outputs, body.outputs, strict=True))
                self._tensors.update(zip(body.inputs, op.inputs, strict=True))
        top = _scopes(operations, limit)
        opened = _choose(top, limit)
        self._fill(self.root, top, opened, "")
        self._connect(operations)

    def _fill(self, box: Box, scope: _Scope, opened: set[_Scope], prefix: str) -> None:
        """Boxes of a scope's members; `prefix` is what the box around them says of their names."""
        for op in scope.ops:
            pill = self._where.get(op.inputs[0].op) if _reads_simply(op) else None
            if pill is None:
                self._where[op] = box.add(_op_box(op, prefix))
            else:
                pill.content.tooltip += "\n\n" + describe(op)
                self._where[op] = pill
        for inner in scope.scopes.values():
            if inner.members == 1 and inner.kernel is None:
                self._fill(box, inner, opened, prefix)
            elif inner in opened:
                label = _relative(inner.name, prefix)
                style = "scope" if inner.kernel is None else "kernel"
                tip = inner.name if inner.kernel is None else describe(inner.kernel)
                child = box.add(Box(Node(style, shorten(label), tooltip=tip), width=text_width(
                    shorten(label), NAME_SIZE) + 20))
                self._fill(child, inner, opened, inner.name + "/")
            else:
                child = box.add(_folded_box(inner, prefix))
                self._where.update((op, child) for op in inner.everything())

    def _connect(self, operations: Sequence[Operation]) -> None:
        targets: dict[Hashable, dict[Box, None]] = {}
        sources: dict[Hashable, Box] = {}
        types: dict[Hashable, dict[Tensor, None]] = {}
        for op in _leaves(operations):
            box = self._where[op]
            inputs = [self._resolve(t) for t in op.inputs]
            for tensor in [t for t in inputs if t.op in self._where and self._where[t.op] is not box]:
                source = self._where[tensor.op]
                key: Hashable = source if source.content.style in ("folded", "variable") else tensor
                sources[key] = source
                targets.setdefault(key, {})[box] = None
                types.setdefault(key, {})[tensor] = None
        for before, op in _controls(operations):
            for source, box in itertools.product(self._boxes(before)[-1:], self._boxes(op)[:1]):
                if source is not box and box not in targets.get(source, ()):
                    key = "control", source
                    sources[key] = source
                    targets.setdefault(key, {})[box] = None
        for key, source in sources.items():
            self.nets.append(Net(key, source, list(targets[key])))
            tensors = list(types.get(key, ()))
            self.labels[key] = _net_label(tensors), not tensors
        for box in dict.fromkeys(self._where.values()):
            _widen(box, [k for k in sources if sources[k] is box], self.labels)
        incoming: dict[Box, list[Hashable]] = {}
        for key, boxes in targets.items():
            for box in boxes:
                incoming.setdefault(box, []).append(key)
        for box, keys in incoming.items():
            box.tops.update((key, box.width * (i + 1) / (len(keys) + 1)) for i, key in enumerate(keys))

    def _resolve(self, tensor: Tensor) -> Tensor:
        while tensor in self._tensors:
            tensor = self._tensors[tensor]
        return tensor

    def _boxes(self, op: Operation) -> list[Box]:
        """The boxes that show an op: several for an open kernel."""
        return list(dict.fromkeys(self._where[leaf] for leaf in _leaves([op]) if leaf in self._where))


def _leaves(operations: Iterable[Operation]) -> Iterable[Operation]:
    """The ops that boxes show: of fused ones their bodies."""
    for op in operations:
        if "body" in op.attrs:
            yield from (member for member in op.attrs["body"].operations if member.type != "Parameter")
        else:
            yield op


def _reads_simply(op: Operation) -> bool:
    """Whether a variable's read can be shown as the variable."""
    return op.type == "ReadVariableOp" and not op.control_inputs


def _net_label(tensors: Sequence[Tensor]) -> str:
    tensors = [t for t in tensors if t.op.type != "VariableV2"]
    if len(tensors) > 1:
        return f"{len(tensors)} tensors"
    return str(tensors[0].type) if tensors else ""


def _controls(operations: Sequence[Operation]) -> Iterable[tuple[Operation, Operation]]:
    """(before, after) for control edges that no path of data and control implies; all of them in very large graphs."""
    if len(operations) > PRECISE_LIMIT:
        yield from ((before, op) for op in operations for before in op.control_inputs)
        return
    number = {op: i for i, op in enumerate(operations)}
    before_all: dict[Operation, int] = {}  # as bits, what runs before each op
    for op in operations:
        direct = {t.op for t in op.inputs} | {t.op.inputs[0].op for t in op.inputs if _reads_simply(t.op)}
        handles = {t.op for t in op.inputs if t.op.type == "VariableV2"}
        through = {p: before_all.get(p, 0) for p in (*direct, *op.control_inputs)}
        implied = 0
        for p in direct:
            implied |= through[p] | 1 << number.get(p, 0)
        for p in op.control_inputs:
            implied |= through[p]
        before_all[op] = implied
        for p in op.control_inputs:
            before_all[op] |= 1 << number.get(p, 0)
            if p in number and not implied >> number[p] & 1 and not (_reads_simply(p) and p.inputs[0].op in handles):
                yield p, op


def _scopes(operations: Sequence[Operation], limit: int) -> _Scope:
    """The tree of name scopes. An op named as a scope belongs to it. Kernels cross scopes, so a compiled graph is
    drawn without them where it is small enough."""
    top = _Scope("")
    flat = len(operations) <= limit and any("body" in op.attrs for op in operations)
    prefixes = {op.name[:slash.start()] for op in operations for slash in re.finditer("/", op.name)}
    for op in operations:
        path = op.name if op.name in prefixes and "body" not in op.attrs else op.name.rpartition("/")[0]
        scope = top
        for part in path.split("/") if path and not flat else ():
            scope = scope.scopes.setdefault(part, _Scope(f"{scope.name}/{part}".lstrip("/")))
        if "body" in op.attrs:
            scope.scopes[op.name + ":"] = _Scope(op.name, op, ops=list(_leaves([op])))
        else:
            scope.ops.append(op)
    _divide(top, limit)
    return top


def _divide(top: _Scope, limit: int) -> None:
    """Where a scope has more members than can be shown, put those whose names differ in a number together."""
    stack = [top]
    while stack:
        scope = stack.pop()
        stack += scope.scopes.values()
        if scope.members <= limit or scope.kernel is not None:
            continue
        groups: dict[str, _Scope] = {}

        def group(name: str, groups: dict[str, _Scope] = groups) -> _Scope:
            stem = re.sub(r"(_\d+)?:?$", "_*", name, count=1)
            return groups.setdefault(stem, _Scope(stem))

        for op in scope.ops:
            group(op.name).ops.append(op)
        for name, inner in scope.scopes.items():
            group(inner.name).scopes[name] = inner
        scope.ops, scope.scopes = [], groups


def _choose(top: _Scope, limit: int) -> set[_Scope]:
    """The scopes to open: the smallest first, as long as no more than `limit` boxes show."""
    opened: set[_Scope] = set()
    number = itertools.count()
    shown = top.members
    waiting: list[tuple[int, int, _Scope]] = []

    def offer(scope: _Scope) -> None:
        for inner in scope.scopes.values():
            heapq.heappush(waiting, (inner.members, next(number), inner))

    offer(top)
    while waiting:
        added, _, scope = heapq.heappop(waiting)
        if added > 1 and shown + added > limit:
            break
        shown += added
        opened.add(scope)
        offer(scope)
    return opened


def _op_box(op: Operation, prefix: str) -> Box:
    name = _relative(op.name, prefix)
    style = op.definition.family
    if op.type == "Const":
        value = op.attrs["value"]
        label = f"{value.item():.4g}" if value.size == 1 and value.dtype.kind == "f" else (
            str(value.item()) if value.size == 1 else f"constant {value.shape}")
        return _box(Node("constant", shorten(label), tooltip=describe(op)), 16)
    if op.type in ("VariableV2", "ReadVariableOp"):
        label = name if op.type == "VariableV2" else "read"
        return _box(Node("variable", shorten(label), tooltip=describe(op)), 18)
    if op.definition.family == SOURCE and op.type == "Placeholder":
        style = "placeholder"
    is_plain = re.sub(r"_\d+$", "", name) == op.type
    return _box(Node(style, op.type, "" if is_plain else shorten(name), describe(op)), 22 if is_plain else 32)


def _folded_box(scope: _Scope, prefix: str) -> Box:
    ops = list(scope.everything())
    kinds: dict[str, int] = {}
    for op in ops:
        kinds[op.type] = kinds.get(op.type, 0) + 1
    listed = "\n".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda item: -item[1]))
    return _box(Node("folded", shorten(_relative(scope.name, prefix)), f"{len(ops)} ops",
                     f"{scope.name}\n{listed}"), 36)


def _box(node: Node, height: float) -> Box:
    small = node.style in ("constant", "variable")
    width = max(text_width(node.label, NAME_SIZE if small else 1.2 * LABEL_SIZE), text_width(node.name, NAME_SIZE))
    return Box(node, width=width + 14, height=height)


def _widen(box: Box, keys: Sequence[Hashable], labels: dict[Hashable, tuple[str, bool]]) -> None:
    """Give each net that leaves a box a place at its bottom, with room for its label on the right."""
    if not keys:
        return
    widths = [text_width(labels[key][0], TYPE_SIZE) + 8 for key in keys]
    box.width = max(box.width, sum(widths) + 8 if len(keys) > 1 else 2 * widths[0])
    if len(keys) == 1:
        box.bottoms[keys[0]] = box.width / 2
        return
    at = (box.width - sum(widths)) / 2
    for key, width in zip(keys, widths, strict=True):
        box.bottoms[key] = at
        at += width


def describe(op: Operation) -> str:
    """An op's tooltip: type, name, attributes, result types and where it was made."""
    lines = [f"{op.type}  {op.name}"]
    for key, value in op.attrs.items():
        if key == "body":
            lines.append(f"fuses: {', '.join(member.type for member in _leaves([op]))}")
        elif value is not None and not callable(value):
            lines.append(f"{key}: {_attribute(value)}")
    lines += [f"{t.name} {t.type}" for t in op.outputs]
    if op.site is not None:
        lines.append(f"made at {op.site}")
    return "\n".join(lines)


def _attribute(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return np.array2string(value, threshold=8, precision=4) if value.size <= 8 else f"{value.dtype}{value.shape}"
    return shorten(str(value), 100)


def _relative(name: str, prefix: str) -> str:
    if prefix and name == prefix[:-1]:
        return name.rpartition("/")[2]
    return name.removeprefix(prefix)


def shorten(text: str, longest: int = LONGEST_TEXT) -> str:
    return text if len(text) <= longest else text[:longest // 2 - 1] + "\N{HORIZONTAL ELLIPSIS}" + text[-longest // 2:]


def text_width(text: str, size: float) -> float:
    """About how wide a sans-serif text is."""
    return size * sum(0.3 if c in "ijl.,:;()[]/'| " else 0.68 if c.isupper() or c in "mw_" else 0.56 for c in text)
