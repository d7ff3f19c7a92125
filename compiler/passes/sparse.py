"""A variable plus or less sums of rows at indices, assigned to itself, changes at those rows only: the rest stays."""
from __future__ import annotations

from collections.abc import Sequence

from ..ir import Graph, Operation, Tensor
from ..opdef import writes_variable
from ..ops.scatter import scatter_add, scatter_sub
from .rewrite import consumers, transform

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
    return [_UPDATES[op.type](inputs[0].op.inputs[0], indices, rows, depth=1)]
