"""What each pass did to the graph: operations by name, added, removed and changed."""
from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..compiler.control import subgraphs
from ..compiler.ir import Graph, Operation
from ..compiler.pipeline import Stage
from ..runtime.trace import members

LONGEST = 60  # characters of an attribute


@dataclasses.dataclass(frozen=True)
class Pass:
    """A pass, the graphs `before` (None for the first) and after it, and the lines of the operations that differ.

    `changed` has pairs (before, after) of operations that kept their name. `seconds` is what the pass took.
    """

    name: str
    seconds: float
    before: Graph | None
    graph: Graph
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[tuple[str, str], ...]

    @property
    def is_idle(self) -> bool:
        return self.before is not None and not (self.added or self.removed or self.changed)

    def diff(self) -> str:
        """The two graphs as text, as `diff -u` shows what differs; "" where nothing does."""
        if self.before is None:
            return ""
        return "\n".join(line for line in difflib.unified_diff(
            list(lines(self.before).values()), list(lines(self.graph).values()), "before", "after", n=1, lineterm=""))

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "seconds": self.seconds, "ops": len(self.graph.operations),
                "added": list(self.added), "removed": list(self.removed), "changed": [list(c) for c in self.changed]}


def passes_of(stages: Sequence[Stage]) -> list[Pass]:
    """The passes of a compilation, the first of which made the graph. Names that come again are numbered."""
    found: list[Pass] = []
    old: dict[tuple[str, int], str] = {}
    counts: dict[str, int] = {}
    before: Graph | None = None
    for stage in stages:
        new = lines(stage.graph)
        if stage.name.startswith("specialise"):  # of a further piece
            before, old = None, {}
        counts[stage.name] = counts.get(stage.name, 0) + 1
        name = stage.name if counts[stage.name] == 1 else f"{stage.name} {counts[stage.name]}"
        if before is None:
            found.append(Pass(name, stage.seconds, None, stage.graph, (), (), ()))
        else:
            found.append(Pass(
                name, stage.seconds, before, stage.graph, tuple(v for k, v in new.items() if k not in old),
                tuple(v for k, v in old.items() if k not in new),
                tuple((old[k], v) for k, v in new.items() if k in old and old[k] != v)))
        before, old = stage.graph, new
    return found


def lines(graph: Graph) -> dict[tuple[str, int], str]:
    """A line for each operation, those of branches and loops included, by its name and how often that was there."""
    found: dict[tuple[str, int], str] = {}
    counts: dict[str, int] = {}
    for depth, op in _operations(graph, 0):
        counts[op.name] = counts.get(op.name, 0) + 1
        found[op.name, counts[op.name]] = "    " * depth + line(op)
    return found


def _operations(graph: Graph, depth: int) -> Iterator[tuple[int, Operation]]:
    for op in graph.operations:
        yield depth, op
        for inner in subgraphs(op):
            yield from _operations(inner, depth + 1)


def line(op: Operation) -> str:
    """`name = Type(inputs; attributes) -> types`; of a fused op the types of its members."""
    inputs = [t.op.name if t.index == 0 else t.name for t in op.inputs]
    inputs += [f"^{c.name}" for c in op.control_inputs]
    attributes = [f"{k}={_short(v)}" for k, v in op.attrs.items() if _is_told(k, v)]
    kind = op.type
    if members(op) != [op]:
        kind += f"[{', '.join(o.type for o in members(op))}]"
        attributes = []
    inside = "; ".join(part for part in (", ".join(inputs), ", ".join(attributes)) if part)
    types = ", ".join(map(str, (t.type for t in op.outputs)))
    return f"{op.name} = {kind}({inside})" + (f" -> {types}" if types else "")


def _is_told(name: str, value: Any) -> bool:
    if value is None or value is False or name == "dims":  # its types tell
        return False
    return not callable(value) and not isinstance(value, (Graph, Operation))


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        text = str(value.item()) if value.size == 1 else f"{value.dtype}{list(value.shape)}"
    else:
        text = getattr(value, "name", None) or str(value)
    return text if len(text) <= LONGEST else text[:LONGEST - 2] + ".."
