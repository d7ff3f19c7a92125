"""The tree of boxes that a drawing folds and unfolds: name scopes, fused kernels and the caller's groups.

A group stands in the innermost scope that holds all of its ops. A scope with one member is that member, and one with
more members than can be shown at once is divided, so that any graph can be looked at a screen at a time.
"""
from __future__ import annotations

import difflib
import heapq
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..compiler.ir import Graph, Operation

MOST_MEMBERS = 60  # of one scope, before those that were made one after the other are put together
SHORTEST_RUN = 10
STORED = ("Const", "ReadVariableOp", "VariableV2")
STORED_LATER = 3  # levels by which scopes of these are opened later
SPAN = " \N{HORIZONTAL ELLIPSIS} "


@dataclass(eq=False)
class Scope:
    """A name scope, the ops fused into one kernel (style "kernel", of the op `kernel`), a "group", or a "run" of what
    was made one after the other."""

    name: str
    style: str = "scope"
    kernel: Operation | None = None
    scopes: dict[str, Scope] = field(default_factory=dict)
    ops: list[Operation] = field(default_factory=list)
    first: int = 0  # where the first of its ops stands in the graph

    @property
    def members(self) -> int:
        """How many boxes it holds."""
        inside = set(self.ops)
        return len(self.scopes) + sum(not (reads_simply(op) and op.inputs[0].op in inside) for op in self.ops)

    def prefix(self, around: str) -> str:
        """What the names of its members begin with; `around` is that of the scope around it."""
        return f"{self.name}/" if self.style in ("scope", "kernel") else around

    def all_scopes(self) -> Iterator[Scope]:
        """Itself and the scopes within, outer ones first."""
        stack = [self]
        while stack:
            scope = stack.pop()
            yield scope
            stack += scope.scopes.values()

    def everything(self) -> Iterator[Operation]:
        """All ops within."""
        for scope in self.all_scopes():
            yield from scope.ops


def scopes_of(operations: Sequence[Operation], limit: int, groups: Mapping[str, Iterable[Any]]) -> Scope:
    """The tree. An op named as a scope belongs to it, and what reads a variable to the variable's scope. `limit` is how
    many boxes are shown at first: a compiled graph that has no more is drawn without name scopes, which its kernels
    cross. `groups` are ops or names of ops by title. Raises ValueError for a name in `groups` that no op has.
    """
    top = Scope("")
    flat = len(operations) <= limit and any(op.type == "Fused" for op in operations)
    prefixes = {op.name[:slash.start()] for op in operations for slash in re.finditer("/", op.name)}
    number = {op: i for i, op in enumerate((*leaves(operations), *operations))}
    names = {op.name for op in operations}
    title_of = {find_name(op, names, "groups"): title for title, ops in groups.items() for op in ops}
    grouped: dict[str, list[tuple[Operation, list[str]]]] = {}
    for op in operations:
        home = op.inputs[0].op if reads_simply(op) and op.inputs[0].op in number else op
        name = home.name if home.name in prefixes and home.type != "Fused" else home.name.rpartition("/")[0]
        path = name.split("/") if name and not flat else []
        if op.name in title_of:
            grouped.setdefault(title_of[op.name], []).append((op, path))
        else:
            _put(_descend(top, path, number[op]), op, number[op])
    for title, members in grouped.items():
        common = os.path.commonprefix([path for _, path in members])
        first = number[members[0][0]]
        group = Scope(title, "group", first=first)
        _descend(top, common, first).scopes[f"{title}:group"] = group
        for op, _ in members:
            _put(group, op, number[op])
    _divide(top, number)
    _simplify(top)
    return top


def _descend(top: Scope, path: Iterable[str], first: int) -> Scope:
    for part in path:
        top = top.scopes.setdefault(part, Scope(f"{top.name}/{part}".lstrip("/"), first=first))
    return top


def _put(scope: Scope, op: Operation, number: int) -> None:
    if op.type == "Fused":
        scope.scopes[op.name + ":"] = Scope(op.name, "kernel", op, ops=list(leaves([op])), first=number)
        return
    inner = subgraphs(op)
    if inner:  # the op stands beside the graphs that it runs
        scope = scope.scopes.setdefault(op.name + ":", Scope(op.name, first=number))
    for key, graph in inner.items():
        part = scope.scopes[key] = Scope(f"{op.name}/{key}", first=number)
        for member in graph.operations:
            _put(part, member, number)
    scope.ops.append(op)


def find_name(value: Any, names: set[str], argument: str) -> str:
    """The name of the op that `value` (itself or its name) is. Raises ValueError with the nearest name there is."""
    name = getattr(value, "name", value)
    name = name.partition(":")[0] if isinstance(name, str) else name
    if name not in names:
        close = difflib.get_close_matches(str(name), names, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"draw: {argument} has {name!r}, which is no operation of the drawing.{hint}")
    return name


def _divide(top: Scope, number: Mapping[Operation, int]) -> None:
    """Where a scope has more members than can be shown, put runs of them together, in the order in which they were
    made. That order is one of execution, so no two runs feed each other."""
    stack = [top]
    while stack:
        scope = stack.pop()
        if scope.members > MOST_MEMBERS and scope.kernel is None:
            members: list[tuple[int, str, Operation | Scope]] = [(number[op], op.name, op) for op in scope.ops]
            members += [(inner.first, key, inner) for key, inner in scope.scopes.items()]
            members.sort(key=lambda member: member[0])
            keep = len(scope.scopes) <= MOST_MEMBERS // 2  # then only loose ops are put together, between the scopes
            length = max(-(-len(members) // MOST_MEMBERS), SHORTEST_RUN)
            scope.ops, scope.scopes, run = [], {}, Scope("", "run")
            for first, key, member in members:
                if keep and isinstance(member, Scope):
                    scope.scopes[key], run = member, Scope("", "run")
                    continue
                if not run.name or len(run.ops) + len(run.scopes) == length:
                    run = scope.scopes[f"{key}:{first}"] = Scope(member.name, "run", first=first)
                else:
                    run.name = f"{run.name.partition(SPAN)[0]}{SPAN}{member.name.rpartition('/')[2]}"
                if isinstance(member, Scope):
                    run.scopes[key] = member
                else:
                    run.ops.append(member)
        stack += scope.scopes.values()


def _simplify(top: Scope) -> None:
    """Put the only member of a scope in its place."""
    for scope in reversed(list(top.all_scopes())):
        for name, inner in list(scope.scopes.items()):
            if inner.members == 1 and inner.style in ("scope", "run"):
                del scope.scopes[name]
                scope.scopes |= {f"{name}/{key}": only for key, only in inner.scopes.items()}
                scope.ops += inner.ops


def choose(top: Scope, limit: int) -> set[Scope]:
    """The scopes to open: level by level, small ones first, as long as no more than `limit` boxes show. Those of
    nothing but variables and constants come last."""
    opened: set[Scope] = set()
    number = itertools.count()
    shown = top.members
    waiting: list[tuple[int, int, int, Scope]] = []

    def offer(scope: Scope, depth: int) -> None:
        for inner in scope.scopes.values():
            stored = all(op.type in STORED for op in inner.everything())
            heapq.heappush(waiting, (depth + STORED_LATER * stored, inner.members, next(number), inner))

    offer(top, 0)
    while waiting:
        depth, added, _, scope = heapq.heappop(waiting)
        if added > 1 and shown + added > limit:
            continue
        shown += added
        opened.add(scope)
        offer(scope, depth + 1)
    return opened


def subgraphs(op: Operation) -> dict[str, Graph]:
    """The graphs that a branch or a loop runs, by attribute."""
    return {key: value for key, value in op.attrs.items() if isinstance(value, Graph)} if op.type != "Fused" else {}


def leaves(operations: Iterable[Operation]) -> Iterator[Operation]:
    """The ops that boxes show: of fused ones their bodies, of branches and loops also those of their graphs."""
    for op in operations:
        for graph in subgraphs(op).values():
            yield from leaves(graph.operations)
        if op.type == "Fused":
            yield from (member for member in op.attrs["body"].operations if member.type != "Parameter")
        else:
            yield op


def reads_simply(op: Operation) -> bool:
    """Whether a variable's read can be shown as the variable."""
    return op.type == "ReadVariableOp" and not op.control_inputs
