"""Conds that assign to variables, as plans hold them: a pure cond that gives the variables' new values, assigned after.

So a step with many such conds (batch normalisation that keeps its averages in a `cond`) stays one plan. The branch that
assigns nothing hands the old value through, which is copied back: only for variables that are small together.
"""
from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

from ..control import has_effects, is_loop, subgraphs
from ..ir import Graph, Operation, Tensor
from ..opdef import CONTROL, OpDef, writes_variable
from ..ops.state import assign, no_op
from ..ops.view import _identity
from .rewrite import sorted_operations

MAX_ELEMENTS = 1 << 18  # of all variables that a cond assigns to: a copy of 1 MB takes about 50 us


def written(operations: Iterable[Operation]) -> list[Tensor]:
    """The handles of the variables that operations of a user's graph assign to, those within conds included."""
    found: dict[Tensor, None] = {}
    for op in operations:
        if writes_variable(op):
            found[op.inputs[0]] = None
        elif op.definition.family == CONTROL and not is_loop(op):
            for branch in subgraphs(op):
                inner = set(written(branch.operations)) if has_effects(branch) else set()
                found.update((op.inputs[1 + i], None) for i, t in enumerate(branch.inputs) if t in inner)
    return list(found)


def can_be_values(handles: Collection[Tensor]) -> bool:
    """Whether variables may be handed through a cond: of native types, of known shapes, and small."""
    return all(t.dtype.is_native and t.dims is not None and all(isinstance(d, int) for d in t.dims) for t in handles
               ) and sum(math.prod(t.dims) for t in handles) <= MAX_ELEMENTS  # type: ignore[arg-type,misc]


def has_plain_writes(operations: Iterable[Operation]) -> bool:
    """Whether every assignment is to the whole of a variable."""
    return not any(writes_variable(op) and "rows" in op.definition.fields for op in operations)


def without_writes(graph: Graph, handles: Sequence[Tensor]) -> list[Tensor]:
    """Make the graph of a branch pure, in place; the final values of the variables that its parameters `handles` stand
    for. A read sees the last assignment that it comes after, an update every one before it (see order.py, update.py).
    """
    values = {handle: [handle] for handle in handles}  # one after the other
    seen: dict[Operation, dict[Tensor, int]] = {}  # how many assignments an operation comes after
    replaced: dict[Tensor, Tensor] = {}
    kept = []
    for op in tuple(graph.operations):
        after: dict[Tensor, int] = {}
        seen[op] = after
        for p in (*(t.op for t in op.inputs), *op.control_inputs):
            for handle, n in seen.get(p, {}).items():
                after[handle] = max(n, after.get(handle, 0))
        op.inputs, op.control_inputs = tuple(replaced.get(t, t) for t in op.inputs), ()
        if op.type == "ReadVariableOp" and op.inputs[0] in values:
            replaced[op.output] = values[op.inputs[0]][after.get(op.inputs[0], 0)]
        elif writes_variable(op):
            handle, value = op.inputs
            combine = op.definition.fields.get("update")
            value = value if combine is None else combine(values[handle][-1], value)
            if value.op not in seen:
                kept.append(value.op)
            replaced[op.output] = value
            after[handle] = len(values[handle])
            values[handle].append(value)
        elif op.definition is not no_op:
            kept.append(op)
    graph.operations = sorted_operations(kept)
    graph.outputs = tuple(replaced.get(t, t) for t in graph.outputs)
    return [values[handle][-1] for handle in handles]


def assigned_after(made: Operation, outputs: Sequence[Tensor], handles: Sequence[Tensor], values: Sequence[Tensor],
                   graph: Graph) -> tuple[list[Tensor], Operation]:
    """Assign the pure cond's `values` to the variables: its other outputs as they are after that, and an operation that
    has run when the assignments have."""
    def add(definition: OpDef, inputs: Sequence[Tensor], name: str, control: Sequence[Operation]) -> Operation:
        types = [inputs[-1].type] if inputs else []
        op = Operation(graph, definition, inputs, {}, f"{made.name}/{name}", types, control, made.site)
        graph.operations.append(op)
        return op

    writes = [add(assign, pair, f"assign_{i}", ()) for i, pair in enumerate(zip(handles, values, strict=True))]
    results = [add(_identity, (t,), f"output_{t.index}", writes).output if t.dtype.is_native else t for t in outputs]
    return results, add(no_op, (), "done", [made, *writes])
