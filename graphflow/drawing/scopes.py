"""The tree of boxes that a drawing folds and unfolds: name scopes, fused kernels and the caller's groups.

Kernels and groups stand in the innermost scope that holds all of their ops. A scope with one member is that member, and
one with more members than can be shown at once is divided, so that any graph can be looked at a screen at a time.
"""
from __future__ import annotations

import difflib
import heapq
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..compiler.ir import Operation

MOST_MEMBERS = 200  # of one scope, before it is divided


@dataclass(eq=False)
class Scope:
    """A name scope, the ops fused into one kernel (style "kernel", of the op `kernel`) or a "group"."""

    name: str
    style: str = "scope"
    kernel: Operation | None = None
    scopes: dict[str, Scope] = field(default_factory=dict)
    ops: list[Operation] = field(default_factory=list)

    @property
    def members(self) -> int:
        """How many boxes it holds."""
        inside = set(self.ops)
        return len(self.scopes) + sum(not (reads_simply(op) and op.inputs[0].op in inside) for op in self.ops)

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
    """The tree. An op named as a scope belongs to it. `limit` is how many boxes are shown at first: a compiled graph
    that has no more is drawn without name scopes, which its kernels cross. `groups` are ops or names of ops by title.
    """
    top = Scope("")
    flat = len(operations) <= limit and any("body" in op.attrs for op in operations)
    prefixes = {op.name[:slash.start()] for op in operations for slash in re.finditer("/", op.name)}
    names = {op.name for op in operations}
    title_of = {find_name(op, names, "groups"): title for title, ops in groups.items() for op in ops}
    grouped: dict[str, tuple[Scope, list[str]]] = {title: (Scope(title, "group"), []) for title in groups}
    homes: list[tuple[Operation, str, list[str]]] = []
    for op in operations:
        name = op.name if op.name in prefixes and "body" not in op.attrs else op.name.rpartition("/")[0]
        path = name.split("/") if name and not flat else []
        title = title_of.get(op.name)
        if title is not None:
            scope, common = grouped[title]
            shared = list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(common, path, strict=False)))
            grouped[title] = scope, [a for a, _ in shared] if scope.ops or scope.scopes else path
            _put(scope, op)
        else:
            homes.append((op, op.name, path))
    for op, _, path in homes:
        _put(_descend(top, path), op)
    for scope, path in grouped.values():
        if scope.ops or scope.scopes:
            _descend(top, path).scopes[f"{scope.name}:group"] = scope
    _divide(top)
    _simplify(top)
    return top


def _descend(top: Scope, path: Iterable[str]) -> Scope:
    for part in path:
        top = top.scopes.setdefault(part, Scope(f"{top.name}/{part}".lstrip("/")))
    return top


def _put(scope: Scope, op: Operation) -> None:
    if "body" in op.attrs:
        scope.scopes[op.name + ":"] = Scope(op.name, "kernel", op, ops=list(leaves([op])))
    else:
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


def _divide(top: Scope) -> None:
    """Where a scope has more members than can be shown, put those whose names differ in a number together, or those
    that follow each other."""
    stack = [top]
    while stack:
        scope = stack.pop()
        if scope.members > MOST_MEMBERS and scope.kernel is None:
            groups = _by_stem(scope)
            if len(groups) > MOST_MEMBERS or len(groups) == 1:
                groups = _in_runs(scope)
            scope.ops, scope.scopes = [], groups
        stack += scope.scopes.values()


def _by_stem(scope: Scope) -> dict[str, Scope]:
    groups: dict[str, Scope] = {}

    def group(name: str) -> Scope:
        stem = re.sub(r"(_\d+)?:?$", "_*", name, count=1)
        return groups.setdefault(stem, Scope(stem))

    for op in scope.ops:
        group(op.name).ops.append(op)
    for name, inner in scope.scopes.items():
        group(re.sub(r"\d+$", "", inner.name)).scopes[name] = inner
    return groups


def _in_runs(scope: Scope) -> dict[str, Scope]:
    members: list[tuple[str, Operation | Scope]] = [(op.name, op) for op in scope.ops]
    members += [(name, inner) for name, inner in scope.scopes.items()]
    length = max(-(-len(members) // MOST_MEMBERS), 50)
    groups = {}
    for start in range(0, len(members), length):
        run = members[start:start + length]
        last = getattr(run[-1][1], "name", "").rpartition("/")[2]
        name = f"{getattr(run[0][1], 'name', '')} \N{HORIZONTAL ELLIPSIS} {last}"
        groups[f"{name}:{start}"] = Scope(name, ops=[m for _, m in run if isinstance(m, Operation)],
                                          scopes={k: m for k, m in run if isinstance(m, Scope)})
    return groups


def _simplify(top: Scope) -> None:
    """Put the only member of a scope in its place."""
    for scope in reversed(list(top.all_scopes())):
        for name, inner in list(scope.scopes.items()):
            if inner.members == 1 and inner.style == "scope":
                del scope.scopes[name]
                scope.scopes |= {f"{name}/{key}": only for key, only in inner.scopes.items()}
                scope.ops += inner.ops


def choose(top: Scope, limit: int) -> set[Scope]:
    """The scopes to open: the smallest first, as long as no more than `limit` boxes show."""
    opened: set[Scope] = set()
    number = itertools.count()
    shown = top.members
    waiting: list[tuple[int, int, Scope]] = []

    def offer(scope: Scope) -> None:
        for inner in scope.scopes.values():
            heapq.heappush(waiting, (inner.members, next(number), inner))

    offer(top)
    while waiting:
        added, _, scope = heapq.heappop(waiting)
        if added > 1 and shown + added > limit:
            break
        shown += added
        opened.add(scope)
        offer(scope)
    return opened


def leaves(operations: Iterable[Operation]) -> Iterator[Operation]:
    """The ops that boxes show: of fused ones their bodies."""
    for op in operations:
        if "body" in op.attrs:
            yield from (member for member in op.attrs["body"].operations if member.type != "Parameter")
        else:
            yield op


def reads_simply(op: Operation) -> bool:
    """Whether a variable's read can be shown as the variable."""
    return op.type == "ReadVariableOp" and not op.control_inputs
