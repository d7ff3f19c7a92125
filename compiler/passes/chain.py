"""Chains: kernels that follow one another and all work item by item along the same leading axes, like the products and
the softmax of attention, whose items are the heads of a batch. A plan runs all of them on one item before the next,
while what they hand on is in cache; what only they use needs memory for one item.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .. import dims as dm
from ..codegen.emitter import INNER, Emitter, Run
from ..dims import DimLike
from ..errors import InvalidArgumentError
from ..ir import Graph, Operation, Tensor
from ..opdef import ALIAS, CONTRACTION, REDUCTION, has_native_types
from ..shapes import Dims
from .rewrite import consumers, transform
from .units import Units

Axes = dict[Tensor, int]  # for inputs and outputs of an op: along how many leading axes it takes only the same item


class Chain(NamedTuple):
    """Operations side by side in a graph that compute item by item, and what only they use."""

    operations: frozenset[Operation]
    items: DimLike
    local: frozenset[Tensor]


def chain(graph: Graph) -> Graph:
    seeds = [op for op in graph.operations if _is_product(op) and len(op.outputs[0].dims or ()) > 2]
    return _Chains(graph).run(seeds) if seeds else graph


class _Members:
    """The operations of a chain, and how many items there are."""

    def __init__(self, items: DimLike):
        self.items = items
        self.ops: list[Operation] = []


class _Chains:
    def __init__(self, graph: Graph):
        self.graph = graph
        self.uses = consumers(graph)
        self.units = Units(graph.operations)
        self.found: list[_Members] = []
        self._axes: dict[Operation, Axes] = {}

    def run(self, seeds: Sequence[Operation]) -> Graph:
        for op in seeds:
            if op not in self.units.groups:
                members = _Members(dm.product(_dims(op.outputs[0])[:-2]))
                if self.fits(op, members):
                    self.grow(op, members)
        return self.ordered()

    def grow(self, seed: Operation, members: _Members) -> None:
        """A chain of the product and of what can join it, the nearest first."""
        self.units.join(seed, members)
        for op in members.ops:  # which grows
            for other in self.beside(op):
                if other not in self.units.groups and self.fits(other, members) and not self.units.reach(
                        self.units.after([*members.ops, other]), members, other):
                    self.units.join(other, members)
        self.found.append(members)

    def beside(self, op: Operation) -> Iterator[Operation]:
        yield from (t.op for t in op.inputs)
        for t in op.outputs:
            yield from self.uses.get(t, ())

    def fits(self, op: Operation, members: _Members) -> bool:
        """Whether the op computes item by item, also from what members computed, and they from its results."""
        axes = self.axes_of(op)
        inside = [(t, op) for t in op.inputs if self.units.groups.get(t.op) is members] + [
            (t, user) for t in op.outputs for user in self.uses.get(t, ()) if self.units.groups.get(user) is members]
        return bool(axes) and all(_has_items(t, axes.get(t, 0), members.items) for t in op.outputs) and all(
            _has_items(t, self.axes_of(user).get(t, 0), members.items) for t, user in inside)

    def axes_of(self, op: Operation) -> Axes:
        if op not in self._axes:
            self._axes[op] = _axes(op)
        return self._axes[op]

    def ordered(self) -> Graph:
        """The graph with each chain's operations side by side."""
        chains = [c for c in self.found if sum(op.definition.family != ALIAS for op in c.ops) > 1]
        if not chains:
            return self.graph
        new = transform(self.graph, lambda op, inputs: None)  # edited in place: it is this pass's own
        copies = dict(zip(self.graph.operations, new.operations, strict=True))
        place = {op: (self.units.position(op), i) for i, op in enumerate(self.graph.operations)}
        for c in chains:
            order = _loops_first(sorted(c.ops, key=place.__getitem__))
            place.update((op, (self.units.position(op), i)) for i, op in enumerate(order))
        new.operations = [copies[op] for op in sorted(self.graph.operations, key=place.__getitem__)]
        for c in chains:
            own = set(c.ops)
            local = [copies[t.op].outputs[t.index] for op in c.ops for t in op.outputs if self.is_local(t, own)]
            new.chains.append(Chain(frozenset(copies[op] for op in c.ops), c.items, frozenset(local)))
        return new

    def is_local(self, t: Tensor, own: set[Operation]) -> bool:
        """Whether only the chain uses the tensor, under whatever shape."""
        users = self.uses.get(t, ())
        return t not in self.graph.outputs and all(u in own and (u.definition.family != ALIAS or self.is_local(
            u.outputs[0], own)) for u in users)


def _loops_first(ops: Sequence[Operation]) -> list[Operation]:
    """The operations in an order with loops as early as can be: they read memory as streams, which are fetched ahead,
    and leave in cache what products read by columns, such as the weights of attention for its gradient."""
    order: list[Operation] = []
    waiting = dict.fromkeys(ops)
    while waiting:
        ready = [op for op in waiting if not {*(t.op for t in op.inputs), *op.control_inputs} & waiting.keys()]
        order.append(next((op for op in ready if not _is_product(op)), ready[0]))
        del waiting[order[-1]]
    return order


def _has_items(t: Tensor, axes: int, items: DimLike) -> bool:
    return any(dm.product(_dims(t)[:n]) == items for n in range(1, axes + 1))


def _is_product(op: Operation) -> bool:
    anchor = op.attrs["anchor"] if op.type == "Fused" else op
    return anchor is not None and anchor.definition.family == CONTRACTION


def _axes(op: Operation) -> Axes:
    """The leading axes of an op that a chain can have; none for others."""
    if not op.outputs or any(t.dims is None for t in (*op.inputs, *op.outputs)):
        return {}
    if op.definition.family == ALIAS and op.inputs:
        return {t: len(t.dims or ()) for t in (op.inputs[0], op.outputs[0])}
    if not has_native_types(op):
        return {}
    if _is_product(op):
        return _product_axes(op)
    return _loop_axes(op) if op.type == "Fused" and op.attrs["anchor"] is None and not op.attrs["writes"] else {}


def _product_axes(op: Operation) -> Axes:
    """A product takes matching matrices, its epilogue the elements of the product's shape."""
    if op.type == "Fused":
        product, given = op.attrs["anchor"], dict(zip(op.attrs["body"].inputs, op.inputs, strict=True))
        operands = [given[t] for t in product.inputs]
    else:
        product, operands = op, list(op.inputs)
    full = _dims(product.outputs[0])
    batch = min(_common(_dims(t)[:-2], full[:-2]) for t in operands)
    whole = [t for t in (*op.inputs, *op.outputs) if t.dims == full]
    return dict.fromkeys([*operands, *whole], batch)


def _loop_axes(op: Operation) -> Axes:
    """What a group of loops reads, found by emitting it: leading axes at the index of the domain's own."""
    body, domain, reduced = op.attrs["body"], op.attrs["domain"], op.attrs["axes"]
    emit = Emitter(domain, [Run([a], f"x{a}", INNER) for a in range(len(domain))],
                   lambda dim: dim if isinstance(dim, int) else 2, lambda op: 0)
    kept = [a for a in range(len(domain)) if reduced is None or a not in reduced]
    own, rows = emit.identity(), [emit.axis(a) for a in kept]
    try:
        for member in body.operations:
            if member.definition.family == REDUCTION:
                emit.element(member.inputs[0], own)
                emit.results[member.output] = "result"
        for t in body.outputs:
            if t not in emit.results:
                emit.element(t, own if t.dims == domain else rows if len(_dims(t)) == len(rows) else [
                    i if a in kept else "0" for a, i in enumerate(own)])
    except InvalidArgumentError:  # sizes that are not known seem not to fit
        return {}
    limit = len(domain) if reduced is None else min(reduced, default=0)
    found = {t: min(limit, _common(_dims(t), domain)) for t in op.outputs}
    for parameter, t in zip(body.inputs, op.inputs, strict=True):
        read = emit.reads.get(parameter, {tuple(own)})
        found[t] = min(limit, _common(_dims(t), domain), *(_common(index, own) for index in read))
    return found


def _dims(t: Tensor) -> Dims:
    assert t.dims is not None
    return t.dims


def _common(a: Sequence[object], b: Sequence[object]) -> int:
    """How many leading entries agree."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
