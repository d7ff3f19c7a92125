"""Conds and loops in a plan's table of rows: their kernels stand inline, with jumps between them.

A loop keeps each variable in one buffer, where the parameters of its condition and body find it; an iteration ends by
handing over the next values, which costs nothing where they were computed in place. A stack is an array of rows that
grows when it is full.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple, TypeVar

from ..compiler.codegen.boxes import HEADER, copy_all, fill
from ..compiler.codegen.kernel import KernelCall
from ..compiler.codegen.lower import Lowering
from ..compiler.control import body_inputs, is_loop, is_repeat, subgraphs
from ..compiler.dtypes import variant
from ..compiler.ir import Graph, Operation, Tensor
from ..compiler.opdef import ALIAS, CONTROL, SOURCE
from ..compiler.passes.row_blocks import row_blocks

# what a row that is no kernel does (see executor.py)
JUMP, UNLESS, AGAIN, UNLESS_LESS, HOST, RESERVE, ADVANCE, CHAIN = range(1, 9)
FIRST_ROWS = 16  # of a stack whose size is not known


@dataclass
class HostCall:
    """An op that runs its NumPy reference between native calls."""

    op: Operation


@dataclass(eq=False)
class Control:
    """A row that decides which row is next; `target` is a row, or the rows a stack has, or a slot of the sizes."""

    kind: int
    buffers: tuple[Any, ...] = ()
    target: int = 0
    stacks: Sequence[Tensor] = ()
    slot: tuple[KernelCall, int] | None = None


@dataclass
class Loop:
    """The rows [begin, end) of a loop, without what sets its variables first; the body begins at `body`."""

    begin: int
    body: int = 0
    end: int = 0


class Stack(NamedTuple):
    """A stack's memory: what is pushed, the bytes of a row, how many there are (at first, when it is `growing`), and of
    what kind the rows are if they are stacks themselves."""

    row: Tensor
    row_bytes: int
    rows: int
    growing: bool
    content: Stack | None


def all_operations(graph: Graph) -> Iterator[Operation]:
    """The operations of a compiled graph and of the graphs in it."""
    for op in graph.operations:
        yield op
        for inner in subgraphs(op):
            yield from all_operations(inner)


# which tensors are one buffer


class Storage:
    """What holds each tensor of a graph, through aliases, parameters and the results of branches and loops."""

    def __init__(self, graph: Graph):
        self._same: dict[Tensor, Tensor] = {}
        self._collect(graph)

    def root(self, tensor: Tensor) -> Tensor:
        """The tensor whose buffer holds this one's elements."""
        while True:
            op = tensor.op
            if tensor in self._same:
                tensor = self._same[tensor]
            elif op.definition.family == ALIAS and op.inputs:
                tensor = op.inputs[0]
            else:
                return tensor

    def _collect(self, graph: Graph) -> None:
        for op in graph.operations:
            inner = subgraphs(op)
            for sub in inner:
                self._collect(sub)
            if not inner:
                continue
            if is_loop(op):
                self._join_loop(op)
            else:
                self._join_cond(op)

    def _join_loop(self, op: Operation) -> None:
        body, n = op.attrs["body"], op.attrs["variables"]
        _, _, captured = body_inputs(op)
        for sub in subgraphs(op):
            self._same.update(zip(sub.inputs[len(sub.inputs) - len(captured):], captured, strict=True))
        for i in range(n):
            self._same[op.outputs[i]] = body.inputs[i]
            if "condition" in op.attrs:
                self._same[op.attrs["condition"].inputs[i]] = body.inputs[i]

    def _join_cond(self, op: Operation) -> None:
        """A branch computes its results in the buffers of the cond's, where it computes them at all."""
        for key in ("then_branch", "else_branch"):
            branch = op.attrs[key]
            self._same.update(zip(branch.inputs, op.inputs[1:], strict=True))
            own = set(all_operations(branch))
            for t, out in zip(branch.outputs, op.outputs, strict=True):
                root = self.root(t)
                if out.dtype == variant:
                    if t.op.type != "Undefined":
                        self._same[out] = root
                elif root.op in own and (root.op.definition.family != SOURCE or _is_variable(root, own)) and (
                        root is not self.root(out)):
                    self._same[root] = out


def _is_variable(tensor: Tensor, operations: set[Operation]) -> bool:
    """Whether the tensor is a loop's variable: a parameter with a buffer of its own."""
    return tensor.op.type == "Argument" and any(
        is_loop(op) and tensor in op.attrs["body"].inputs[:op.attrs["variables"]]
        for op in operations if op.definition.family == CONTROL)


# rows


PUSH = '''    x = word(buffers, 0)
    at = i64(load_i32(word(buffers, 1), 0, -1)) * word(dims, 0)
    out = word(buffers, 2) + at * {size}
    for i in range(begin, end):
        store_{code}(out, i, load_{code}(x, i, 0), 2)
'''
POP = '''    at = i64(load_i32(word(buffers, 1), 0, -1)) - 1 - i64(load_i32(word(buffers, 2), 0, -1))
    x = word(buffers, 0) + at * word(dims, 0) * {size}
    out = word(buffers, 3)
    for i in range(begin, end):
        store_{code}(out, i, load_{code}(x, i, 0), 3)
'''


def _move(name: str, body: str, buffers: tuple[Any, ...], code: str, count: int, size: int) -> KernelCall:
    """Move `count` elements of `size` bytes to or from a row of a stack."""
    names = ("compiled", "i64", f"load_{code}", *(() if code == "i32" else ("load_i32",)), f"store_{code}", "word")
    source = HEADER.format(title="row of a stack", names=", ".join(sorted(names))) + body.format(code=code, size=size)
    return KernelCall(name, source, buffers, (count,), count, nbytes=2 * count * size, writes=(len(buffers) - 1,))


Row = KernelCall | HostCall | Control
R = TypeVar("R", KernelCall, HostCall, Control)


class Rows:
    """Collects the rows of a plan in order: kernels, ops that run in Python, and jumps."""

    def __init__(self, lowering: Lowering, storage: Storage):
        self.lowering = lowering
        self.storage = storage
        self.rows: list[tuple[Operation, Row]] = []
        self.loops: list[Loop] = []
        self._open: list[Loop] = []
        # per loop that hands over: (row, buffer of the variable, next value)
        self.handed: list[tuple[Loop, int, Tensor, Tensor]] = []
        self.stacks: dict[Tensor, Stack] = {}
        self.between: list[Tensor] = []  # buffers of this plan that its graph does not have
        self.blocked: set[Operation] = set()  # what is part of a kernel of several operations

    def add_graph(self, graph: Graph) -> None:
        blocks: dict[Operation, tuple[Operation, KernelCall]] = {}  # by the last operation of each
        for block in row_blocks(graph):
            if (made := self.lowering.lower_block(block)) is not None:
                blocks[block.operations[-1]] = block.as_operation(), made
                self.blocked.update(block.operations)
        for op in graph.operations:
            if op.definition.family in (SOURCE, ALIAS) or op.type in ("NoOp", "Undefined") or (
                    op in self.blocked and op not in blocks):
                continue
            if op.definition.family == CONTROL:
                (self._loop if is_loop(op) else self._cond)(op)
                continue
            calls: list[KernelCall] | None
            if op in blocks:
                op, calls = blocks[op][0], [blocks[op][1]]
            else:
                calls = self.lowering.lower(op)
            if calls is None:
                self._add(op, HostCall(op))
            for call in calls or ():
                if call.tasks > 0:
                    self._add(op, call)
                    if self._open:  # each iteration draws other numbers
                        for slot, _ in call.streams:
                            self._add(op, Control(ADVANCE, slot=(call, slot)))

    def _add(self, op: Operation, row: R) -> R:
        self.rows.append((op, row))
        return row

    def _cond(self, op: Operation) -> None:
        unless = self._add(op, Control(UNLESS, (op.inputs[0],)))
        self._branch(op, op.attrs["then_branch"])
        leave = self._add(op, Control(JUMP))
        unless.target = len(self.rows)
        self._branch(op, op.attrs["else_branch"])
        leave.target = len(self.rows)

    def _branch(self, op: Operation, branch: Graph) -> None:
        self.add_graph(branch)
        for t, out in zip(branch.outputs, op.outputs, strict=True):
            if out.dtype != variant and t.op.type != "Undefined" and self.storage.root(t) is not self.storage.root(out):
                self._copy(op, t, out)

    def _copy(self, op: Operation, x: Tensor, out: Tensor) -> None:
        count = prod(self.lowering.shape(out))
        if count:
            self._add(op, copy_all(f"{op.name}/copy", x, out, count, out.dtype))

    def _loop(self, op: Operation) -> None:
        body, n = op.attrs["body"], op.attrs["variables"]
        initial, popped, _ = body_inputs(op)
        count = op.outputs[n]
        for value, variable in zip(initial, body.inputs, strict=False):
            self._copy(op, value, variable)
        self._add(op, fill(f"{op.name}/count", count, 1, 0, count.dtype))
        loop = Loop(len(self.rows))
        self.loops.append(loop)
        self._open.append(loop)
        if is_repeat(op):
            leave = self._add(op, Control(UNLESS_LESS, (count, op.inputs[0])))
        else:
            self.add_graph(op.attrs["condition"])
            leave = self._add(op, Control(UNLESS, (op.attrs["condition"].outputs[0],)))
        loop.body = len(self.rows)
        pushed = list(zip(body.outputs[n:], op.outputs[n + 1:], strict=True))
        if pushed and op.attrs["bound"] is None:
            self._add(op, Control(RESERVE, (count,), FIRST_ROWS, [self.storage.root(stack) for _, stack in pushed]))
        for row, stack in zip(body.inputs[n:], popped, strict=False):
            self._pop(op, row, stack, count)
        inside = set(all_operations(body)) - {t.op for t in body.inputs}
        early = [pair for pair in pushed if self.storage.root(pair[0]).op not in inside]
        for row, stack in early:
            self._push(op, row, stack, count)
        self.add_graph(body)
        for row, stack in pushed:
            if (row, stack) not in early:
                self._push(op, row, stack, count)
        self._hand_over(op, loop)
        self._add(op, Control(AGAIN, (count,), loop.begin))
        self._open.pop()
        leave.target = loop.end = len(self.rows)

    def _hand_over(self, op: Operation, loop: Loop) -> None:
        """The next values into the variables' buffers; a variable that another takes the old value of waits."""
        body, n = op.attrs["body"], op.attrs["variables"]
        variables = [self.storage.root(t) for t in body.inputs[:n]]
        moves = []
        for following, variable in zip(body.outputs, variables, strict=False):
            source = self.storage.root(following)
            if source is variable:
                continue
            if source in variables:  # through a buffer in between, filled before any variable changes
                between = Tensor(op, -1, following.dtype, following.dims)
                self.between.append(between)
                self._copy(op, following, between)
                following = between
            moves.append((following, variable))
        for following, variable in moves:
            self.handed.append((loop, len(self.rows), variable, self.storage.root(following)))
            self._copy(op, following, variable)

    # stacks

    def _nbytes(self, row: Tensor) -> int:
        if row.dtype == variant:
            stack = self.stacks[self.storage.root(row)]
            return stack.row_bytes * stack.rows
        return prod(self.lowering.shape(row)) * row.dtype.size

    def _push(self, op: Operation, row: Tensor, stack: Tensor, count: Tensor) -> None:
        bound = op.attrs["bound"]
        rows = FIRST_ROWS if bound is None else max(self.lowering.sizes(bound), 1)
        content = self.stacks[self.storage.root(row)] if row.dtype == variant else None
        self.stacks[self.storage.root(stack)] = Stack(row, self._nbytes(row), rows, bound is None, content)
        self._move_row(op, "push", PUSH, (row, count, stack), row)

    def _pop(self, op: Operation, row: Tensor, stack: Tensor, count: Tensor) -> None:
        if row.dtype == variant:
            content = self.stacks[self.storage.root(stack)].content
            assert content is not None
            self.stacks[row] = content
        self._move_row(op, "pop", POP, (stack, op.inputs[0], count, row), row)

    def _move_row(self, op: Operation, what: str, body: str, buffers: tuple[Tensor, ...], row: Tensor) -> None:
        nbytes = self._nbytes(row)
        code, size = ("u8", 1) if row.dtype == variant else (row.dtype.code, row.dtype.size)
        if nbytes:
            self._add(op, _move(f"{op.name}/{what}", body, buffers, code, nbytes // size, size))
