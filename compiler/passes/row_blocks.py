"""Loops over rows with the products that make what they read and take what they make: the softmax of attention with
its two products, or its gradient with five. One kernel can compute them, block of rows by block of rows
(codegen/row_kernel.py), and what passes between them need not be in memory.
"""
from __future__ import annotations

from dataclasses import dataclass

from ..ir import Graph, Operation, Tensor
from ..opdef import ALIAS, CONTRACTION, REDUCTION
from .fuse import fused
from .rewrite import consumers, root


@dataclass(frozen=True, eq=False)
class RowBlock:
    """`makers` are products whose result only the loop reads; `takers` multiply what the loop reads or makes, by rows
    or, transposed, summed over them. `local` is what no one else needs."""

    loop: Operation
    makers: tuple[Operation, ...]
    takers: tuple[Operation, ...]
    local: frozenset[Tensor]

    @property
    def operations(self) -> tuple[Operation, ...]:
        return *self.makers, self.loop, *self.takers

    def as_operation(self) -> Operation:
        """One operation for all of them, in the place of the last."""
        body, last = Graph(), self.operations[-1]
        body.operations = [o for op in self.operations
                           for o in (op.attrs["body"].operations if op.type == "Fused" else [op])]
        inputs = dict.fromkeys(t for op in self.operations for t in op.inputs if root(t).op not in self.operations)
        return Operation(last.graph, fused, list(inputs), {**self.loop.attrs, "body": body}, last.name, [], (),
                         last.site)


def matrix_product(op: Operation) -> tuple[Operation, list[Tensor]] | None:
    """The matrix product that an operation is, or is with an epilogue, and its operands."""
    if op.type != "Fused":
        return (op, list(op.inputs)) if op.definition.family == CONTRACTION else None
    product = op.attrs["anchor"]
    if product is None or product.definition.family != CONTRACTION:
        return None
    given = dict(zip(op.attrs["body"].inputs, op.inputs, strict=True))
    return (product, [given[t] for t in product.inputs]) if all(t in given for t in product.inputs) else None


def row_blocks(graph: Graph) -> list[RowBlock]:
    """What can be blocks of rows, among the operations of each chain (passes/chain.py)."""
    if not graph.chains:
        return []
    users: dict[Tensor, list[Operation]] = {}
    for t, ops in consumers(graph).items():
        users.setdefault(root(t), []).extend(op for op in ops if op.definition.family != ALIAS)
    outputs = {root(t) for t in graph.outputs}
    found: list[RowBlock] = []
    for chain in graph.chains:
        ops = [op for op in graph.operations if op in chain.operations and op.definition.family != ALIAS]
        free = set(ops)
        for op in ops:
            if _is_row_loop(op) and (block := _around(op, ops, free, users, outputs)) is not None:
                found.append(block)
                free.difference_update(block.operations)
    return found


def _is_row_loop(op: Operation) -> bool:
    if op.type != "Fused" or op.attrs["anchor"] is not None or op.attrs["writes"]:
        return False
    rank = len(op.attrs["domain"])
    return rank > 2 and op.attrs["axes"] == {rank - 1} and all(
        o.definition.family != REDUCTION or "arg" not in o.definition.fields for o in op.attrs["body"].operations)


def _around(loop: Operation, ops: list[Operation], free: set[Operation], users: dict[Tensor, list[Operation]],
            outputs: set[Tensor]) -> RowBlock | None:
    """The block of a loop, and of the products that can be in it."""
    body, domain = loop.attrs["body"], loop.attrs["domain"]
    inputs = [(p.dims == domain, root(t)) for p, t in zip(body.inputs, loop.inputs, strict=True)]
    read = dict.fromkeys(t for whole, t in inputs if whole)
    made = [t for p, t in zip(body.outputs, loop.outputs, strict=True) if p.dims == domain]
    makers = [t.op for t in read if t.op in free and matrix_product(t.op) and len(t.op.outputs) == 1
              and set(users[t]) == {loop} and t not in outputs and (False, t) not in inputs
              and (t.op.type != "Fused" or t.op.attrs["domain"] == domain)]
    rows = {*made, *(t for t in read if t.op not in makers)}
    takers: list[Operation] = []
    after = {loop}  # what needs the block's results
    for op in ops[ops.index(loop) + 1:]:
        if op in free and op.definition.family == CONTRACTION and root(op.inputs[0]) in rows and (
                root(op.inputs[1]).op not in after):
            takers.append(op)
            after.add(op)
        elif any(root(t).op in after for t in op.inputs):
            break  # it waits for the block, which is to wait for nothing that follows
    if not makers or not takers:
        return None
    inside = {loop, *takers}
    local = {t for t in made if t not in outputs and set(users.get(t, ())) <= inside}
    return RowBlock(loop, tuple(makers), tuple(takers), frozenset({*local, *(op.outputs[0] for op in makers)}))
