"""A fused group to lower to loops: what it reads, reduces and stores, and the kernel call made of its loops."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import dims as dm
from ..dims import DimLike
from ..ir import Graph, Operation, Tensor
from ..opdef import REDUCTION
from ..shapes import Dims
from .emitter import Emitter, Run, is_costly
from .kernel import KernelCall
from .source import module

ACCESS = re.compile(r"\b(load|store)_\w+\((p\d+),")
# elements of rows up to which a loop over them is unrolled and the one over the rows vectorised
SHORT = 8


class LoopGroup:
    """A fused body to lower. `handles` gives for a body tensor (parameter or output) the buffer handle of the plan."""

    def __init__(self, name: str, body: Graph, domain: Dims, axes: frozenset[int] | None,
                 sizes: Callable[[DimLike], int], fault_id: Callable[[Operation], int],
                 handle: Callable[[Tensor], Any]):
        self.name = name
        self.body = body
        self.domain = domain
        self.axes = axes
        self.sizes = sizes
        self.fault_id = fault_id
        self.handle = handle
        self.reductions = [op for op in body.operations if op.definition.family == REDUCTION]
        self.row_sums = [op for op in body.operations if op.definition.fields.get("scatter")]
        self.full = [t for t in body.outputs if not self.is_reduced(t)]
        self.rows = [t for t in body.outputs if self.is_reduced(t)]

    def is_reduced(self, t: Tensor) -> bool:
        """Whether a member has one element per task rather than one per element of the domain."""
        return self.axes is not None and (t.dims != self.domain or t.op.definition.family == REDUCTION)

    @property
    def nbytes(self) -> int:
        tensors = {*self.body.outputs, *(t for op in self.body.operations for t in op.inputs
                                         if t.op.type == "Parameter" and op.type != "Assign")}
        return sum(self.sizes(dm.product(t.dims)) * t.dtype.size for t in tensors)

    @property
    def flops(self) -> int:
        return self.elements * self.operations

    @property
    def operations(self) -> int:
        """For each element, as an estimate."""
        return sum(1 if not is_costly(op) else 20 for op in self.body.operations
                   if op.type not in ("Parameter", "Const"))

    @property
    def elements(self) -> int:
        return self.sizes(dm.product(self.domain))

    def emitter(self, runs: Sequence[Run]) -> Emitter:
        return Emitter(self.domain, runs, self.sizes, self.fault_id, self.handle)

    def bake_short(self, emit: Emitter, axes: Iterable[int]) -> bool:
        """Whether rows along these axes are short, and known so: then their length goes into the source."""
        length = dm.product(self.domain[a] for a in axes)
        if not isinstance(length, int) or not 1 < length <= SHORT:
            return False
        emit.bake(length)
        return True

    def walked(self, axes: Iterable[int]) -> list[int]:
        """The axes that need a loop: those not known to be 1."""
        return [a for a in axes if not (isinstance(self.domain[a], int) and self.domain[a] == 1)]


def store(emit: Emitter, group: LoopGroup, t: Tensor, index: list[str]) -> None:
    value = emit.element(t, index)
    for x in group.body.inputs:  # a variable's old element, before the new one takes its place
        if group.handle(x) == group.handle(t):
            emit.element(x, index)
    emit.store(t.dtype, emit.slot(group.handle(t)), emit.linear(group.domain, index), value)


def kernel_call(group: LoopGroup, emit: Emitter, body: list[str], tasks: int,
                in_place: tuple[tuple[int, int], ...] = (), grain: int = 1) -> KernelCall:
    ops = [op.type for op in group.body.operations if op.type not in ("Parameter", "Const")]
    writes = tuple(emit.slot(group.handle(t)) for t in group.body.outputs if group.handle(t) in emit.buffers)
    return KernelCall(group.name, module(emit, " ".join(ops), body), tuple(emit.buffers), tuple(emit.dims), tasks,
                      group.flops, group.nbytes, tuple(emit.streams), writes, in_place, grain)


def in_place_pairs(emit: Emitter, group: LoopGroup, lines: Sequence[str] = ()) -> tuple[tuple[int, int], ...]:
    """Outputs that may overwrite an input: of the same type, and each computed from the element it overwrites. None of
    the lines, those of several loops, reads the input after it is overwritten."""
    pairs = []
    taken: set[Tensor] = set()
    here = {tuple(emit.identity())}
    accesses = [(m[1], m[2], i) for i, line in enumerate(lines) for m in ACCESS.finditer(line)]
    read = {slot: i for what, slot, i in accesses if what == "load"}
    written = {slot: i for what, slot, i in reversed(accesses) if what == "store"}  # first
    for out in sorted(group.full, key=lambda t: written.get(f"p{emit.slot(group.handle(t))}", 0)):
        needs = _ancestors(out)
        for x in group.body.inputs:
            slots = emit.slot(group.handle(out)), emit.slot(group.handle(x))
            if (x in needs and x not in taken and x.type == out.type and emit.reads.get(x) == here
                    and f"p{slots[1]}" not in emit.read_again
                    and read.get(f"p{slots[1]}", -1) <= written.get(f"p{slots[0]}", 0)):
                taken.add(x)
                pairs.append(slots)
                break
    return tuple(pairs)


def _ancestors(t: Tensor) -> set[Tensor]:
    found, stack = {t}, [t]
    while stack:
        for x in stack.pop().op.inputs:
            if x not in found:
                found.add(x)
                stack.append(x)
    return found
