"""What is said where a debugged run stops: the op, the user's line, and the values that led there."""
from __future__ import annotations

import linecache
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..compiler.dims import Atom
from ..compiler.errors import InvalidArgumentError
from ..compiler.ir import Graph, Operation, Tensor
from . import interpreter
from .values import ValueSummary, summarize

LINES = 16  # of the values that led to one
DEPTH = 6


class NumericsError(InvalidArgumentError):
    """A run made NaN or infinity: in `tensor`, whose value is `value`. `op` is its operation."""

    def __init__(self, message: str, tensor: Tensor, value: np.ndarray):
        super().__init__(message, tensor.op)
        self.tensor, self.value = tensor, value

    @property
    def summary(self) -> ValueSummary:
        return summarize(self.value)


@dataclass(eq=False)
class Level:
    """A graph that is being run, with the values so far: the program's, or inside the op `op` of the level `outer` a
    branch, or a loop's condition or body in its `iteration` (from 1)."""

    outer: Level | None = None
    op: Operation | None = None
    graph: Graph | None = None
    iteration: int = 0
    values: dict[Tensor, np.ndarray] = field(default_factory=dict)
    sizes: dict[Atom, int] = field(default_factory=dict)
    streams: dict[Operation, Iterator[int]] = field(default_factory=dict)

    def learn(self, tensor: Tensor, value: np.ndarray) -> None:
        """Keep a value, and the sizes that it tells."""
        self.values[tensor] = value
        interpreter.bind_sizes(tensor, value, self.sizes)

    def place(self) -> str:
        """Where in the program's branches and loops this is, empty for the program itself."""
        if self.outer is None or self.op is None:
            return ""
        part = next((k for k, v in self.op.attrs.items() if v is self.graph), "").removesuffix("_branch")
        inside = f"iteration {self.iteration}, {part}" if self.iteration else f"the {part} branch"
        return f"\n  in {inside} of {self.op.name!r} ({self.op.type}), made at {self.op.site}{self.outer.place()}"


def report(level: Level, tensor: Tensor, value: np.ndarray, found: set[str]) -> str:
    """The text of the error for NaN or infinity in a tensor."""
    op = tensor.op
    is_fed = op.inputs and not any(t in level.values or t.op.type == "VariableV2" for t in op.inputs)
    origin = "what was fed" if is_fed else _ORIGINS.get(op.type, f"op {op.name!r} of type {op.type}")
    lines = [f"{tensor.name} : Tensor had {' and '.join(sorted(found))} values ({origin}, made at {op.site})"
             f"{_source(op)}{_differentiated(op)}{level.place()}", f"  {tensor.name}: {summarize(value)}"]
    led = list(_led_to(level, tensor, summarize(value)))
    if led:
        lines += ["The values that led to it:", *led[:LINES]]
        if len(led) > LINES:
            lines.append(f"  ... and {len(led) - LINES} more")
    return "\n".join(lines)


_KINDS = {"Argument": "loop variable", "Placeholder": "fed", "ReadVariableOp": "variable"}
_ORIGINS = {"Placeholder": "what was fed", "Const": "a constant", "ReadVariableOp": "the value of a variable"}


def _source(op: Operation) -> str:
    line = linecache.getline(op.site.filename, op.site.line).strip() if op.site else ""
    return f"\n    {line}" if line else ""


def _differentiated(op: Operation) -> str:
    """Of an op of a gradient: what it is the gradient of."""
    forward = op.gradient_of
    if forward is None:
        return ""
    return (f"\n  in the gradient of {forward.name!r} ({forward.type}), made at {forward.site}{_source(forward)}"
            f"{_differentiated(forward)}")


def _led_to(level: Level, tensor: Tensor, wrong: ValueSummary) -> Iterator[str]:
    """A line for each value that the tensor was computed from, indented by how far back it is; of those of its shape
    with the element that is where the first wrong one is."""
    seen: set[tuple[Any, ...]] = {(level, tensor)}
    stack = [(level, t, 1) for t in reversed(tensor.op.inputs)]
    while stack:
        at, t, depth = stack.pop()
        outer = t.op.attrs.get("outer")
        while outer is not None and at.outer is not None:  # what a branch or a body takes from around it
            at, t = at.outer, outer
            outer = t.op.attrs.get("outer")
        if (at, t) in seen:
            continue
        seen.add((at, t))
        if t.op.type == "VariableV2":
            continue
        shown = "not computed"
        if t in at.values:
            value = at.values[t]
            shown = str(summarize(value))
            if depth == 1 and wrong.first_bad and value.shape == wrong.shape:
                shown += f"; at {list(wrong.first_bad)} {value[wrong.first_bad]:.6g}"
        kind = _KINDS.get(t.op.type, t.op.type)
        site = f"  ({t.op.site})" if t.op.site else ""
        yield f"{'  ' * depth}{t.name} [{kind}]: {shown}{site}"
        if depth < DEPTH:
            stack += [(at, x, depth + 1) for x in reversed(t.op.inputs)]
