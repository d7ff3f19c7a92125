"""A variable plus or less sums of rows at indices, assigned to itself, changes at those rows only: the rest stays."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ir import Graph, Operation, Tensor, TensorType
from ..opdef import ELEMENTWISE, writes_variable
from ..ops.scatter import scatter_add, scatter_sub
from .rewrite import consumers, reshaped, transform

_UPDATES = {"AddV2": scatter_add, "Sub": scatter_sub}


def update_rows(graph: Graph) -> Graph:
    uses = consumers(graph)
    once = {handle for handle, users in uses.items() if sum(map(writes_variable, users)) == 1}
    assigns = [op for op in graph.operations if op.type == "Assign" and op.inputs[0] in once]
    # one that waits for nothing happens where its value was computed: whoever needs that reads the variable
    at_value = {op.inputs[1].op: op.inputs[0] for op in assigns if not op.control_inputs}

    def rule(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
        if op in at_value:
            return _changed(at_value[op], op, op.inputs, inputs)
        if op.type != "Assign" or op.inputs[0] not in once:
            return None
        handle, following = inputs
        if writes_variable(following.op) and following.op.inputs[0] is handle:
            return [following]
        return _changed(handle, following.op, following.op.inputs, following.op.inputs)

    return transform(graph, rule)


def _changed(handle: Tensor, op: Operation, operands: Sequence[Tensor],
             inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """The variable after its rows changed, if `op` is it plus or less sums of rows: `inputs` in the new graph."""
    if op.type not in _UPDATES:
        return None
    value, total = operands
    if value.op.type != "ReadVariableOp" or value.op.inputs[0] is not handle or value.dims != op.output.dims:
        return None
    if not total.op.definition.fields.get("scatter") or total.op.attrs["axis"] != 0:
        return None
    rows, indices = inputs[1].op.inputs[:2]
    if len(indices.dims or ()) != 1:
        return None
    attrs: dict[str, Any] = {"depth": 1}
    if (unrepeated := _unrepeated(rows)) is not None:
        rows, attrs["repeated"] = unrepeated, True
    return [_UPDATES[op.type](inputs[0].op.inputs[0], indices, rows, **attrs)]


def _unrepeated(rows: Tensor) -> Tensor | None:
    """The rows of which each, repeated for consecutive indices, makes these: gradients of sums or means of gathered
    rows are such."""
    op = rows.op
    if op.definition.family == ELEMENTWISE:
        own = [t for t in op.inputs if t.dims != ()]
        first = _unrepeated(own[0]) if len(own) == 1 and own[0].dims == rows.dims else None
        if first is None:
            return None
        inputs = [first if t is own[0] else t for t in op.inputs]
        return op.graph.add(op.definition, inputs, op.attrs, op.type, [TensorType(rows.dtype, first.dims)]).output
    source = op.inputs[0] if op.type == "Reshape" else rows
    if source.op.type != "BroadcastTo":
        return None
    x, full = source.op.inputs[0], source.dims
    if x.dims is None or full is None or rows.dims is None or len(full) != len(rows.dims) + 1:
        return None
    if x.dims != (full[0], 1, *full[2:]) or rows.dims[1:] != full[2:]:
        return None
    return reshaped(x, (full[0], *full[2:]))
