"""A variable plus or less sums of rows at indices, assigned to itself, changes at those rows only: the rest stays."""
from __future__ import annotations

from collections.abc import Sequence

from ..ir import Graph, Operation, Tensor
from ..opdef import writes_variable
from ..ops.scatter import scatter_add, scatter_sub
from .rewrite import consumers, transform, variable_of

_UPDATES = {"AddV2": scatter_add, "Sub": scatter_sub}


def update_rows(graph: Graph) -> Graph:
    uses = consumers(graph)
    once = {handle for handle, users in uses.items() if sum(map(writes_variable, users)) == 1}

    def rule(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
        if op.type != "Assign" or op.inputs[0] not in once or inputs[1].op.type not in _UPDATES:
            return None
        handle, following = inputs
        value, total = following.op.inputs
        if value.op.type != "ReadVariableOp" or variable_of(value) is not handle or value.dims != following.dims:
            return None
        if not total.op.definition.fields.get("scatter") or total.op.attrs["axis"] != 0:
            return None
        rows, indices = total.op.inputs[:2]
        if len(indices.dims or ()) != 1:
            return None
        return [_UPDATES[following.op.type](handle, indices, rows, depth=1)]

    return transform(graph, rule)
