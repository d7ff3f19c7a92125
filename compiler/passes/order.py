"""Variables: an order of reads and assignments under which assignments can happen in place.

A read that does not come after an assignment (through data or control edges) sees the old value. So whatever uses it
runs before the assignment; where that is impossible, or the value is fetched, the old value is copied first.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ir import Graph, Operation, Tensor
from ..opdef import ALIAS, ELEMENTWISE, OpDef, writes_variable
from ..ops.families import same_type
from .rewrite import consumers, sorted_operations, transform

copy = OpDef("Snapshot", ELEMENTWISE, same_type, lambda op, g: [g], lambda x: x.copy(), lower="{0}")


def order(graph: Graph) -> Graph:
    graph = transform(graph, lambda op, inputs: None)  # the one pass that edits its (own) graph in place
    assigns: dict[Operation, list[Operation]] = {}
    for op in graph.operations:
        if writes_variable(op):
            assigns.setdefault(op.inputs[0].op, []).append(op)
    if assigns:
        ordering = _Ordering(graph)
        for handle, writes in assigns.items():
            ordering.order_variable(handle, writes)
        graph.operations = sorted_operations(graph.operations)
    return graph


class _Ordering:
    """Adds the control edges, one variable at a time."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.uses = consumers(graph)
        self.next: dict[Operation, list[Operation]] = {}
        for op in graph.operations:
            for p in {*(t.op for t in op.inputs), *op.control_inputs}:
                self.next.setdefault(p, []).append(op)

    def order_variable(self, handle: Operation, writes: list[Operation]) -> None:
        for earlier, later in zip(writes, writes[1:], strict=False):
            if later not in self.descendants(earlier) and earlier not in self.descendants(later):
                self.control(later, [earlier])
        reads = [op for op in self.uses.get(handle.output, ()) if op.type == "ReadVariableOp"]
        for write in writes:
            after = self.descendants(write)
            # what an earlier assignment passes on is the variable's storage too
            for read in [*reads, *writes]:
                if read is not write and read not in after:
                    self.finish_before(read.output, write, after)

    def finish_before(self, value: Tensor, write: Operation, after: set[Operation]) -> None:
        """Everything that uses the old value (or an alias of it) runs before the write, on a copy if need be."""
        users = list(self.users(value))
        aliases = {value, *(t for u in users if u.definition.family == ALIAS for t in u.outputs)}
        # rows are written while the updates are read, at other places
        overwritten = "rows" in write.definition.fields and aliases & set(write.inputs)
        if overwritten or any(u in after for u in users if u is not write) or any(
                t in aliases for t in self.graph.outputs):
            users = [self.snapshot(value)]
        self.control(write, [u for u in [*users, value.op] if u is not write and u not in after])

    def users(self, value: Tensor) -> Iterable[Operation]:
        for op in self.uses.get(value, ()):
            yield op
            if op.definition.family == ALIAS:
                yield from self.users(op.output)

    def snapshot(self, value: Tensor) -> Operation:
        """A copy of the value, which everything that used the value uses instead."""
        op = Operation(self.graph, copy, (value,), {}, value.op.name + "/snapshot", [value.type], (), value.op.site)
        self.graph.operations.append(op)
        for user in self.uses.get(value, ()):
            user.inputs = tuple(op.output if t is value else t for t in user.inputs)
        self.graph.outputs = tuple(op.output if t is value else t for t in self.graph.outputs)
        self.uses[op.output], self.uses[value] = self.uses.get(value, []), [op]
        self.next[op] = list(self.uses[op.output])
        self.next.setdefault(value.op, []).append(op)
        return op

    def control(self, op: Operation, before: Sequence[Operation]) -> None:
        op._add_control_inputs(before)
        for p in before:
            self.next.setdefault(p, []).append(op)

    def descendants(self, root: Operation) -> set[Operation]:
        """The operations that run after `root`, itself included."""
        found, stack = {root}, [root]
        while stack:
            for op in self.next.get(stack.pop(), ()):
                if op not in found:
                    found.add(op)
                    stack.append(op)
        return found
