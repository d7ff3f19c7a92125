"""`variable += value` becomes read, add and assign, each update reading what the one before it left."""
from __future__ import annotations

from collections.abc import Sequence

from ..ir import Graph, Operation, Tensor, default_graph
from ..opdef import writes_variable
from ..ops.state import assign, read_variable
from .rewrite import transform


def update(graph: Graph) -> Graph:
    written: dict[Tensor, Operation] = {}

    def rule(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
        if not writes_variable(op):
            return None
        combine, new, handle = op.definition.fields.get("update"), default_graph(), inputs[0]
        if combine is None:
            result = new.append(op, inputs, new._control_stack).output
        else:
            with new.control_dependencies([written[handle]] if handle in written else []):
                result = assign(handle, combine(read_variable(handle), inputs[1]))
        written[handle] = result.op
        return [result]

    return transform(graph, rule)
