"""The edges of a drawing, whatever it folds: which op's tensor each op reads, and what runs before what."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..compiler.ir import Operation, Tensor
from .scopes import leaves, reads_simply, subgraphs

PRECISE_LIMIT = 5000  # ops up to which control edges that others imply are left out


def data_edges(operations: Sequence[Operation]) -> Iterator[tuple[Tensor, Operation]]:
    """(tensor, op that reads it), through the borders of fused kernels, and into and out of branches and loops."""
    known_as: dict[Tensor, Tensor] = {}  # what a kernel's body and its surroundings call each other's
    for op in operations:
        if op.type == "Fused":
            body = op.attrs["body"]
            known_as.update(zip(op.outputs, body.outputs, strict=True))
            known_as.update(zip(body.inputs, op.inputs, strict=True))
    members = list(leaves(operations))
    shown = set(members)
    edges = [(tensor, op) for op in members for tensor in (op.inputs if not subgraphs(op) else ())]
    for op in members:
        for graph in subgraphs(op).values():
            own = len(op.inputs) - len(graph.inputs)  # those that the op itself reads come first
            edges += [(tensor, op) for tensor in (*op.inputs[:own], *graph.outputs)]
            edges += [(tensor, inner.op) for tensor, inner in zip(op.inputs[own:], graph.inputs, strict=True)]
    for tensor, op in edges:
        while tensor in known_as:
            tensor = known_as[tensor]
        if tensor.op in shown:
            yield tensor, op


def control_edges(operations: Sequence[Operation]) -> Iterator[tuple[Operation, Operation]]:
    """(before, after) for control edges that no path of data and control implies; all of them in very large graphs."""
    all_edges = ((before, op) for op in operations for before in op.control_inputs)
    shown = set(operations)
    for before, after in _needed(operations) if len(operations) <= PRECISE_LIMIT else all_edges:
        if before in shown:
            yield list(leaves([before]))[-1], list(leaves([after]))[-1]


def _needed(operations: Sequence[Operation]) -> Iterator[tuple[Operation, Operation]]:
    number = {op: i for i, op in enumerate(operations)}
    before_all: dict[Operation, int] = {}  # as bits, what runs before each op
    for op in operations:
        direct = {t.op for t in op.inputs} | {t.op.inputs[0].op for t in op.inputs if reads_simply(t.op)}
        handles = {t.op for t in op.inputs if t.op.type == "VariableV2"}
        through = {p: before_all.get(p, 0) for p in (*direct, *op.control_inputs)}
        implied = 0
        for p in direct:
            implied |= through[p] | 1 << number.get(p, 0)
        for p in op.control_inputs:
            implied |= through[p]
        before_all[op] = implied
        for p in op.control_inputs:
            before_all[op] |= 1 << number.get(p, 0)
            if p in number and not implied >> number[p] & 1 and not (reads_simply(p) and p.inputs[0].op in handles):
                yield p, op
