"""The order in which a plan runs: of the orders that simple rules give, the one with the least memory alive at once.

Whatever has an effect, or runs in Python, keeps its place among those, and what touches a variable its place among the
variable's assignments; a chain stays together. The rules run what frees more than it makes as early as it can run (an
optimizer's update once its gradient is there), and what makes more than it frees as late as it can wait. The best order
is hard to find (Sethi 1975, "Complete Register Allocation Problems"), so another than the given one is taken only where
its peak is lower.
"""
from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from .. import dims as dm
from ..dims import Atom, DimLike
from ..ir import Graph, Operation, Tensor
from ..memory import aligned
from ..opdef import ALIAS, ELEMENTWISE, HOST, REDUCTION, SOURCE, has_effect, writes_variable
from .rewrite import root, transform, variable_of

NOMINAL = 64  # what a size counts as that only the feeds tell
WORTH = 0.98  # of the peak of the given order: one that is hardly lower is not worth another

# what comes first of what can run: the least of this, for the bytes that it makes more than it frees, and its place
Rule = Callable[[int, int], tuple[int, int]]


def schedule(graph: Graph) -> Graph:
    """The graph with its operations in an order of lower peak, where one is found. Takes time as n log n."""
    units = _units(graph)
    order = lower_order(Lives(dependencies(graph.operations, units), *_buffers(graph, units)))
    if order is None:
        return graph
    new = transform(graph, lambda op, inputs: None)
    copies = dict(zip(graph.operations, new.operations, strict=True))
    new.operations = [copies[op] for u in order for op in units[u]]
    new.chains = [c._replace(operations=frozenset(copies[op] for op in c.operations),
                             local=frozenset(copies[t.op].outputs[t.index] for t in c.local)) for c in graph.chains]
    return new


def lower_order(lives: Lives) -> Sequence[int] | None:
    """The order of the lowest peak that was found; None where the given one is about as good."""
    def shrinking(growth: int, place: int) -> tuple[int, int]:
        return growth > 0, place

    given: Sequence[int] = range(len(lives.before))
    greedy = lives.listed(lambda growth, place: (growth, place), given)
    orders = [lives.listed(shrinking, lives.listed(shrinking, given), backwards=True),
              lives.listed(shrinking, lives.listed(shrinking, given, backwards=True)),
              lives.listed(shrinking, greedy, backwards=True)]
    peak, best = min((lives.peak(order), i) for i, order in enumerate(orders))
    return orders[best] if peak < WORTH * lives.peak(given) else None


class Lives:
    """What runs, by number in the given order: `before`, those that each waits for; `touched`, the buffers that it
    makes or uses; `nbytes`, the size of each buffer; `in_place`, for each its pairs (buffer that it makes, buffer that
    this may overwrite)."""

    def __init__(self, before: Sequence[Iterable[int]], touched: Sequence[Sequence[int]], nbytes: Sequence[int],
                 in_place: Sequence[Sequence[tuple[int, int]]]):
        self.before = [sorted(b) for b in before]
        self.after: list[list[int]] = [[] for _ in before]
        for u, earlier in enumerate(self.before):
            for v in earlier:
                self.after[v].append(u)
        self.touched, self.nbytes, self.in_place = touched, nbytes, in_place
        self.users: list[list[int]] = [[] for _ in nbytes]
        for u, buffers in enumerate(touched):
            for b in buffers:
                self.users[b].append(u)

    def peak(self, order: Sequence[int]) -> int:
        """The largest sum of bytes alive at one step."""
        left = [len(users) for users in self.users]
        live = most = 0
        for u in order:
            made = {b for b in self.touched[u] if left[b] == len(self.users[b])}
            live += sum(self.nbytes[b] for b in made)
            reused = {x for out, x in self.in_place[u] if out in made and x not in made and left[x] == 1}
            most = max(most, live - sum(self.nbytes[x] for x in reused))
            for b in self.touched[u]:
                left[b] -= 1
                live -= 0 if left[b] else self.nbytes[b]
        return most

    def listed(self, rule: Rule, given: Sequence[int], backwards: bool = False) -> list[int]:
        """An order made step by step, of what can run the one that the rule puts first; `backwards` from the end, where
        a buffer's life begins with its last use and ends with what makes it."""
        given = given[::-1] if backwards else given
        place = {u: i for i, u in enumerate(given)}
        following, waiting = (self.before, self.after) if backwards else (self.after, self.before)
        missing = [len(w) for w in waiting]
        left = [len(users) for users in self.users]
        rest = [sum(users) for users in self.users]  # once one user is left, that one
        growth = [sum(self.nbytes[b] for b in touched if left[b] > 1) for touched in self.touched]
        ready = [(rule(growth[u], place[u]), u) for u in given if not missing[u]]
        heapq.heapify(ready)
        order: list[int] = []
        done = [False] * len(given)

        def less(u: int, nbytes: int) -> None:
            growth[u] -= nbytes
            if not missing[u] and not done[u]:  # the entry that it has stays behind this one
                heapq.heappush(ready, (rule(growth[u], place[u]), u))

        while ready:
            u = heapq.heappop(ready)[1]
            if done[u]:
                continue
            done[u] = True
            order.append(u)
            for b in self.touched[u]:
                if left[b] == len(self.users[b]):
                    for user in self.users[b]:
                        less(user, self.nbytes[b])
                left[b] -= 1
                rest[b] -= u
                if left[b] == 1:
                    less(rest[b], self.nbytes[b])
            for v in following[u]:
                missing[v] -= 1
                if not missing[v]:
                    heapq.heappush(ready, (rule(growth[v], place[v]), v))
        return order[::-1] if backwards else order


def _units(graph: Graph) -> list[list[Operation]]:
    """The graph's operations, those of a chain together."""
    chain_of = {op: chain for chain in graph.chains for op in chain.operations}
    units: list[list[Operation]] = []
    last = None
    for op in graph.operations:
        chain = chain_of.get(op)
        if chain is None or chain is not last:
            units.append([])
        units[-1].append(op)
        last = chain
    return units


def dependencies(operations: Sequence[Operation], units: Sequence[Sequence[Operation]]) -> list[set[int]]:
    """For each unit those that it waits for: what makes its inputs, and the effects that it comes after so far."""
    unit_of = {op: u for u, members in enumerate(units) for op in members}
    before: list[set[int]] = [set() for _ in units]
    writer: dict[Tensor, int] = {}  # of each variable the last assignment, and what has read it since
    readers: dict[Tensor, list[int]] = {}
    effect: list[int] = []  # the last one outside of variables (what is printed is one), and the assignments since
    assigned: list[int] = []
    for op in operations:
        u = unit_of[op]
        found = [unit_of[p] for p in (*(t.op for t in op.inputs), *op.control_inputs)]
        written = _written(op)
        outside = op.definition.family == HOST or has_effect(op) and not writes_variable(op)
        for handle in {h for t in op.inputs if (h := _handle(t)) is not None}:
            found += [writer[handle]] if handle in writer else []
            if handle in written:
                found += readers.pop(handle, ())
                writer[handle] = u
            else:
                readers.setdefault(handle, []).append(u)
        if outside:
            found += effect + assigned
            effect, assigned = [u], []
        elif written:
            found += effect
            assigned.append(u)
        before[u].update(v for v in found if v != u)
    return before


def _handle(t: Tensor) -> Tensor | None:
    """The handle of the variable whose storage the tensor is, or itself if it is one."""
    t = root(t)
    if t.op.type == "Fused":
        return t.op.inputs[t.op.attrs["writes"][t.index]] if t.index in t.op.attrs["writes"] else None
    return t if t.op.type == "VariableV2" else variable_of(t)


def _written(op: Operation) -> set[Tensor]:
    """The handles of the variables that an operation assigns to, or may."""
    if op.type == "Fused":
        return {op.inputs[i] for i in op.attrs["writes"].values()}
    return {t for t in op.inputs if t.op.type == "VariableV2"} if writes_variable(op) or has_effect(op) else set()


def _buffers(graph: Graph, units: Sequence[Sequence[Operation]]
             ) -> tuple[list[list[int]], list[int], list[list[tuple[int, int]]]]:
    """What `Lives` takes of a graph: of variables, of results (which are no one's memory but the caller's) and of what
    is local to a chain no buffer counts."""
    elsewhere = {root(t) for t in graph.outputs} | {root(t) for chain in graph.chains for t in chain.local}
    numbers: dict[Tensor, int] = {}

    def numbered(tensors: Iterable[Tensor]) -> list[int]:
        roots = [t for t in map(root, tensors)
                 if t.op.definition.family != SOURCE and t not in elsewhere and _handle(t) is None]
        return list(dict.fromkeys(numbers.setdefault(t, len(numbers)) for t in roots))

    touched = [numbered(t for op in ops if op.definition.family != ALIAS for t in (*op.outputs, *op.inputs))
               for ops in units]
    pairs = [[numbered(pair) for op in ops for pair in _overwrites(op)] for ops in units]
    sizes = NominalSizes()
    return touched, [sizes.nbytes(t) for t in numbers], [[(p[0], p[1]) for p in ps if len(p) == 2] for ps in pairs]


class NominalSizes(dict[Atom, int]):
    """What sizes count as before they are fed."""

    def __missing__(self, atom: Atom) -> int:
        return NOMINAL

    def nbytes(self, t: Tensor) -> int:
        if t.dims is None or not t.dtype.is_native:
            return 0
        return aligned(math.prod(map(self.count, t.dims)) * t.dtype.size)

    def count(self, dim: DimLike) -> int:
        try:
            return max(dm.evaluate(dim, self), 0)
        except ZeroDivisionError:
            return NOMINAL


def _overwrites(op: Operation) -> Iterator[tuple[Tensor, Tensor]]:
    """(output, input) of loops that compute the one in the memory of the other, about as lowering finds them."""
    if op.type != "Fused" or op.attrs["anchor"] is not None:
        return
    body = op.attrs["body"]
    moved = {t for member in body.operations if member.definition.family not in (ELEMENTWISE, REDUCTION)
             for t in member.inputs}
    free = [t for parameter, t in zip(body.inputs, op.inputs, strict=True) if parameter not in moved]
    for out in op.outputs:
        source = next((t for t in free if t.type == out.type and out.dims == op.attrs["domain"]), None)
        if source is not None:
            free.remove(source)
            yield out, source
