"""The units of a fusion: groups of operations and operations in none, with the question whether merging makes a cycle.

The units are kept in an order in which they can run. A path between two of them lies between their places in it, so
that most questions are answered without a search, and a merge only moves what lies between the merged (Pearce and
Kelly 2007, "A Dynamic Topological Sort Algorithm for Directed Acyclic Graphs").
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..ir import Operation

SEARCH_LIMIT = 4000  # units looked at before a merge is given up for fear of a cycle

Unit = Any  # a group, which has `ops`, or an operation that is in none
Neighbours = dict[Operation, list[Operation]]


class Units:
    """`groups` holds the group of each operation that is in one; `next` what runs after an operation, directly."""

    def __init__(self, operations: Sequence[Operation]):
        self.groups: dict[Operation, Unit] = {}
        self.next: Neighbours = {op: [] for op in operations}
        self._previous: Neighbours = {}
        for op in operations:
            self._previous[op] = list(dict.fromkeys((*(t.op for t in op.inputs), *op.control_inputs)))
            for p in self._previous[op]:
                self.next[p].append(op)
        self._rank: dict[Unit, int] = {op: i for i, op in enumerate(operations)}
        self._spans = _spans(operations, self.next)

    def join(self, op: Operation, group: Unit) -> None:
        """Add the operation, which is in no group, to one."""
        if group.ops:
            self._merge_ranks(op, group, group)
        else:
            self._rank[group] = self._rank.pop(op)
        group.ops.append(op)
        self.groups[op] = group

    def merge(self, group: Unit, other: Unit) -> None:
        """Move what is in the other group into this one."""
        self._merge_ranks(group, other, group)
        group.ops += other.ops
        self.groups.update(dict.fromkeys(other.ops, group))

    def position(self, op: Operation) -> int:
        """The place of the operation's unit in an order in which they can run."""
        return self._rank[self.groups.get(op, op)]

    def after(self, members: Iterable[Operation]) -> list[Operation]:
        """What runs directly after one of the members and is not one itself."""
        inside = dict.fromkeys(members)
        return [u for op in inside for u in self.next[op] if u not in inside]

    def reach(self, starts: Iterable[Operation], *targets: Unit) -> bool:
        """Whether a path leads from one of the operations to one of the units."""
        last = max(self._rank[t] for t in targets)
        starts = [op for op in starts if self._rank[self.groups.get(op, op)] <= last]
        if not starts:
            return False
        members = [m for t in targets for m in _members(t)]
        if any(self._leads(op, m) for op in starts for m in members):
            return True
        # from both sides: what comes after a start may be half the graph where little leads to a target, or the reverse
        seen = {self.groups.get(op, op) for op in starts}, set(targets)
        first = min(self._rank[unit] for unit in seen[0])
        stacks = list(seen[0]), list(seen[1])
        sides = list(zip(stacks, seen, seen[::-1], (self.next, self._previous), strict=True))
        found = bool(seen[0] & seen[1])
        while not found and all(stacks):
            for stack, own, other, neighbours in sides:
                new = self._beside(stack.pop(), neighbours, first - 1, last + 1) - own
                own |= new
                stack += new
                found = found or bool(new & other) or len(own) > SEARCH_LIMIT
        return found

    def _leads(self, op: Operation, other: Operation) -> bool:
        """Whether a path between the two is known from the start. There may be one otherwise."""
        begin, end = self._spans[op]
        return begin <= self._spans[other][0] < end

    def _beside(self, unit: Unit, neighbours: Neighbours, first: int, last: int) -> set[Unit]:
        """The unit's neighbours with first < rank < last."""
        units = {self.groups.get(op, op) for member in _members(unit) for op in neighbours[member]}
        return {u for u in units if first < self._rank[u] < last}

    def _merge_ranks(self, a: Unit, b: Unit, merged: Unit) -> None:
        """The two get one place: after what comes before either, before what comes after either."""
        low, high = sorted((a, b), key=self._rank.__getitem__)
        first, last = self._rank[low], self._rank[high]
        before = self._between(high, self._previous, first, last)
        after = self._between(low, self.next, first, last) if before else []  # which follows the first place anyway
        places = sorted([first, last, *(self._rank[u] for u in (*before, *after))])
        del self._rank[a], self._rank[b]
        for unit, place in zip(before, places, strict=False):
            self._rank[unit] = place
        self._rank[merged] = places[len(before)]
        for unit, place in zip(reversed(after), reversed(places), strict=False):
            self._rank[unit] = place

    def _between(self, unit: Unit, neighbours: Neighbours, first: int, last: int) -> list[Unit]:
        """What leads to the unit (or what it leads to), of what lies between two places, in order."""
        stack, seen = [unit], {unit}
        while stack:
            new = self._beside(stack.pop(), neighbours, first, last) - seen
            seen |= new
            stack += new
        return sorted(seen - {unit}, key=self._rank.__getitem__)


def _members(unit: Unit) -> Sequence[Operation]:
    return (unit,) if isinstance(unit, Operation) else unit.ops


def _spans(operations: Sequence[Operation], following: Neighbours) -> dict[Operation, tuple[int, int]]:
    """When a depth-first walk comes to each operation and leaves it: what it finds in between comes after."""
    begins: dict[Operation, int] = {}
    spans: dict[Operation, tuple[int, int]] = {}
    for root in operations:
        stack = [root]
        while stack:
            op = stack[-1]
            if op not in begins:
                begins[op] = len(begins)
                # the earliest first, which goes the longest way
                stack += [u for u in reversed(following[op]) if u not in begins]
            else:
                stack.pop()
                if op not in spans:
                    spans[op] = begins[op], len(begins)
    return spans
