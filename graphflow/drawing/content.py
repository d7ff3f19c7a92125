"""What the boxes of a drawing say: their labels, and the tooltips with attributes, types and where an op was made."""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiler.ir import Graph, Operation, Tensor
from ..compiler.opdef import SOURCE
from .scopes import Scope, leaves

LABEL_SIZE, NAME_SIZE, TYPE_SIZE = 11.0, 9.0, 8.0  # font sizes: what a box is, its name, the types on edges
LONGEST_TEXT = 30
SMALL = ("constant", "variable")  # boxes of one line with round ends


@dataclass
class Node:
    """A box's content. `style` is the op's family, or "scope", "folded", "kernel" or "group".

    `heat` is the share, 0 to 1, of the hottest box's seconds, None where nothing was measured.
    """

    style: str
    label: str
    name: str = ""
    tooltip: str = ""
    heat: float | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height that the text needs."""
        small = self.style in SMALL
        width = max(text_width(self.label, NAME_SIZE if small else 1.2 * LABEL_SIZE), text_width(self.name, NAME_SIZE))
        height = 16.0 if self.style == "constant" else 18.0 if small else 22.0 if not self.name else 32.0
        return width + 18, height + 4 * (self.style == "folded")


class Heat:
    """Seconds by the names of ops, as shares of the hottest of some scopes."""

    def __init__(self, seconds: Mapping[str, float]):
        self.seconds = seconds
        self.most = max(seconds.values(), default=0.0)

    def of(self, ops: Iterable[Operation]) -> float | None:
        """What the ops took together, None where none was measured."""
        found = [self.seconds[op.name] for op in ops if op.name in self.seconds]
        return sum(found) if found else None

    def of_scope(self, scope: Scope) -> float | None:
        """What the ops and kernels within took."""
        kernels = [s.kernel for s in scope.all_scopes() if s.kernel is not None]
        return self.of([*scope.everything(), *kernels] if self.seconds else ())

    def apply(self, node: Node, seconds: float | None) -> Node:
        if seconds is not None:
            node.heat = min(seconds / self.most, 1.0) if self.most else 0.0
            node.name = f"{node.name}  {time_text(seconds)}".strip()
            node.tooltip += f"\n{time_text(seconds)}"
        return node


def time_text(seconds: float) -> str:
    """Such as "42 us"."""
    for unit, scale in (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3)):
        if seconds < 999.5 * scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def op_node(op: Operation, prefix: str) -> Node:
    """A box for an op; `prefix` is what the box around it says of its name."""
    name = relative(op.name, prefix)
    if op.type == "Const":
        value = op.attrs["value"]
        label = f"{value.item():.4g}" if value.size == 1 and value.dtype.kind == "f" else (
            str(value.item()) if value.size == 1 else f"constant {value.shape}")
        return Node("constant", shorten(label), tooltip=describe(op))
    if op.type in ("VariableV2", "ReadVariableOp"):
        return Node("variable", shorten(name if op.type == "VariableV2" else "read"), tooltip=describe(op))
    style = "placeholder" if op.definition.family == SOURCE and op.type == "Placeholder" else op.definition.family
    plain = re.sub(r"_\d+$", "", name) == op.type
    return Node(style, op.type, "" if plain else shorten(name), describe(op))


def folded_node(scope: Scope, prefix: str) -> Node:
    """A box for all that a closed scope holds."""
    kinds: dict[str, int] = {}
    for op in scope.everything():
        kinds[op.type] = kinds.get(op.type, 0) + 1
    listed = "\n".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda item: -item[1]))
    return Node("folded", shorten(relative(scope.name, prefix)), f"{sum(kinds.values())} ops",
                f"{scope.name}\n{listed}")


def scope_node(scope: Scope, prefix: str) -> Node:
    """The frame of an open scope."""
    return Node("scope" if scope.style == "run" else scope.style, shorten(relative(scope.name, prefix)),
                tooltip=scope.name if scope.kernel is None else describe(scope.kernel))


def describe(op: Operation) -> str:
    """An op's tooltip: type, name, attributes, result types and where it was made."""
    lines = [f"{op.type}  {op.name}"]
    for key, value in op.attrs.items():
        if op.type == "Fused" and key == "body":
            lines.append(f"fuses: {', '.join(member.type for member in leaves([op]))}")
        elif isinstance(value, Graph):
            lines.append(f"{key}: {len(value.operations)} operations")
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


def net_label(tensors: Iterable[Tensor]) -> str:
    """What an edge says of the tensors that it carries."""
    types = [t.type for t in tensors if t.op.type != "VariableV2"]
    return f"{len(types)} tensors" if len(types) > 1 else str(types[0]) if types else ""


def relative(name: str, prefix: str) -> str:
    """A name without what the box around says of it."""
    if prefix and name == prefix[:-1]:
        return name.rpartition("/")[2]
    return name.removeprefix(prefix)


def shorten(text: str, longest: int = LONGEST_TEXT) -> str:
    return text if len(text) <= longest else text[:longest // 2 - 1] + "\N{HORIZONTAL ELLIPSIS}" + text[-longest // 2:]


def text_width(text: str, size: float) -> float:
    """About how wide a sans-serif text is."""
    return size * sum(0.3 if c in "ijl.,:;()[]/'| " else 0.68 if c.isupper() or c in "mw_" else 0.56 for c in text)
