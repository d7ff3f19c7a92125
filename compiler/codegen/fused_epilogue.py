"""The epilogue of a contraction group: its elementwise ops, emitted for a row of an output tile."""
from __future__ import annotations

import re
from typing import Any

from ..ir import Operation, Tensor, default_graph
from ..opdef import REGISTRY
from ..passes.rewrite import transform
from .emitter import INNER, KERNEL, TASK, Run
from .loop_group import LoopGroup, store
from .source import calls, indented

KEPT_SCOPE, RAW_SCOPE = 61, 62  # alias scopes of what goes back, and of the raw output


class FusedEpilogue:
    """Implements the Epilogue protocol for a group around `anchor`, whose raw output is `raw`, or not kept (None)."""

    def __init__(self, group: LoopGroup, anchor: Tensor, raw: Any):
        last = len(group.domain) - 1
        self._emit = emit = group.emitter([Run(range(last), "row", TASK), Run([last], "column", INNER)])
        emit.levels["raw"] = INNER
        at = emit.linear(group.domain, emit.identity())
        code = anchor.dtype.code
        emit.stored[anchor] = lambda: emit.let(f"load_{code}(raw, {at}, {RAW_SCOPE})", anchor.dtype)
        for t in group.full:
            if t is anchor:
                continue
            if group.handle(t) is raw:
                emit.line(INNER, f"store_{code}(kept, {at}, {emit.element(t, emit.identity())}, {KEPT_SCOPE})")
            else:
                store(emit, group, t, emit.identity())
        self._axes = emit.axis_lines([*emit.lines[TASK], *emit.lines[INNER]])
        self.key = "_".join(op.type.lower() for op in group.body.operations
                            if op.type not in ("Parameter", "Const") and op is not anchor.op)
        self.buffers = tuple(emit.buffers)
        self.dims = tuple(emit.dims)
        self.writes = tuple(emit.slot(group.handle(t)) for t in group.full
                            if t is not anchor and group.handle(t) is not raw)
        self.beside = tuple(own_names(sorted(set(re.findall(
            rf"(?:load|store)_{code}\((p\d+), {re.escape(at)}, ", "\n".join(emit.lines[INNER]))))))
        self.imports = frozenset(calls("\n".join([*self.setup(0, 0), *self.apply("0", "0", "0", "0")])))

    def setup(self, buffer_slot: int, dim_slot: int) -> list[str]:
        return own_names([*(f"p{i} = word(buffers, {buffer_slot + i})" for i in range(len(self.buffers))),
                          *(f"n{i} = word(dims, {dim_slot + i})" for i in range(len(self.dims))),
                          *self._emit.lines[KERNEL]])

    def apply(self, row: str, begin: str, end: str, c: str, to: str = "") -> list[str]:
        return [f"e_row = {row}", f"e_raw = {c}", f"e_kept = {to or c}",
                *own_names([*self._axes[TASK], *self._emit.lines[TASK]]), f"for e_column in few({begin}, {end}):",
                *indented(own_names([*self._axes[INNER], *self._emit.lines[INNER]]))]


def after(group: LoopGroup, anchor: Tensor, raw: Any) -> LoopGroup:
    """The group's elementwise ops as a loop of their own, over what the buffer `raw` holds."""
    given: list[Tensor] = []

    def rule(op: Operation, inputs: list[Tensor]) -> list[Tensor] | None:
        if op is not anchor.op:
            return None
        given.append(default_graph().add(REGISTRY["Parameter"], (), {"type": anchor.type}).output)
        return given

    body = transform(group.body, rule)
    handles = {x: group.handle(t) for x, t in zip((*body.inputs, *body.outputs),
                                                  (*group.body.inputs, *group.body.outputs), strict=True)}
    used = {t for op in body.operations for t in op.inputs}
    body.inputs = tuple(t for t in (*body.inputs, *given) if t in used)
    return LoopGroup(group.name, body, group.domain, None, group.sizes, group.fault_id,
                     lambda t: raw if t in given else handles.get(t, t))


def own_names(lines: list[str]) -> list[str]:
    """The lines with their variables renamed to what the protocol leaves to an epilogue."""
    return [re.sub(r"\b([npvx]\d+|row|raw|kept|column)\b", r"e_\1", line) for line in lines]

