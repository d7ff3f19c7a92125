"""A compiled graph made ready to run: for each set of fed sizes its kernel calls and its memory."""
from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np

from ..compiler import dims as dm
from ..compiler.codegen.kernel import KernelCall, Scratch
from ..compiler.codegen.lower import Lowering
from ..compiler.dims import Atom, DimLike
from ..compiler.dtypes import variant
from ..compiler.errors import FailedPreconditionError
from ..compiler.ir import Graph, Operation, Tensor
from ..compiler.memory import Interval, plan_memory
from ..compiler.opdef import RANDOM, writes_variable
from .chains import Rows as Chained
from .chains import chained
from .flow import JUMP, Control, HostCall, Loop, Row, Rows, Stack, Storage, all_operations

# serial nanoseconds from which a call is split over the threads: a parallel region costs some thousand, and what one
# core has just computed is not in the other's cache
PARALLEL_NS = 50_000
# serial nanoseconds of a unit of what the threads share, which takes tens to take
UNIT_NS = 5_000
# what a core moves and computes per nanosecond, roughly, for the estimate
BYTES_PER_NS, FLOPS_PER_NS = 24, 100
# bytes of a fetched array from which its memory serves again once the caller has dropped it: the system maps new pages
# one by one, which takes longer than most kernels take to fill them
LARGE = 1 << 18
# fetched arrays begin in the middle of a page, fed ones mostly near its beginning, and large ones of the arena each
# elsewhere: to a processor, loads of elements next to what it is storing seem to wait for these where only the places
# in a page are the same, and both share few sets of its first-level cache
PAGE = 1 << 12
# what preparing must cost of a run for its results to be kept between runs
PREPARED_SHARE = 0.01
# fed or fetched values up to this size are copied through the frame rather than pointed to
SMALL_BYTES = 2048


@dataclass
class Step:
    """One row of a bound plan: a native call (or what else stands there), its op, and in how many chunks it may run
    at once."""

    op: Operation
    call: Row
    chunks: int = 1


@dataclass
class Location:
    """Where a tensor's elements are: in the arena, a variable, a constant, a feed or an array made for a fetch."""

    kind: str
    key: Any
    nbytes: int = 0
    first: int = 0
    last: int = 0
    offset: int = 0


@dataclass
class Binding:
    """A plan with concrete sizes. Tables are shared by its frames; each run borrows a frame."""

    steps: list[Step]
    locations: dict[Any, Location]
    shapes: dict[Tensor, tuple[int, ...]]
    arena_bytes: int
    faults: list[Operation]
    sizes: dict[Atom, int]
    stacks: dict[Tensor, Stack]
    chains: list[Chained] = field(default_factory=list)
    frames: list[Any] = field(default_factory=list)
    prepared: int = 0  # how many first steps are done as long as no variable changes


_KINDS = {"Const": "constant", "Dims": "sizes", "Placeholder": "feed"}


class Plan:
    """A compiled graph and the bindings made of it, by fed sizes."""

    def __init__(self, graph: Graph, symbols: Mapping[str, Atom], threads: Callable[[], int]):
        self.graph = graph
        self.symbols = symbols
        self.threads = threads
        self.same = Storage(graph)
        self.handles = {op.name: op for op in graph.operations if op.type == "VariableV2"}
        self.random_ops = self._random_ops()
        self.read_first, self.written = self._variable_uses()

    def storage(self, tensor: Tensor) -> tuple[str, Any]:
        """What holds the tensor's elements."""
        tensor = self.same.root(tensor)
        op = tensor.op
        if op.type == "VariableV2":
            return "variable", op.name
        if op.type == "ReadVariableOp" or writes_variable(op):
            return "variable", op.inputs[0].op.name
        if op.type == "Fused" and tensor.index in op.attrs["writes"]:
            return "variable", op.inputs[op.attrs["writes"][tensor.index]].op.name
        return _KINDS.get(op.type, "arena"), tensor

    def _random_ops(self) -> list[Operation]:
        bodies = [op.attrs["body"].operations if op.type == "Fused" else [op] for op in all_operations(self.graph)]
        return [op for ops in bodies for op in ops if op.definition.family == RANDOM]

    @functools.cached_property
    def _repeated(self) -> set[Operation]:
        """The random ops in sub-graphs, which may run several times."""
        once = {o for op in self.graph.operations for o in (
            op.attrs["body"].operations if op.type == "Fused" else [op])}
        return set(self.random_ops) - once

    def _variable_uses(self) -> tuple[list[Operation], dict[str, Tensor]]:
        """(reads whose variable no earlier step assigns, assigned tensors by variable)."""
        read_first, written = [], {}
        for op in self.graph.operations:
            if (op.type == "ReadVariableOp" or "rows" in op.definition.fields) and op.inputs[0].op.name not in written:
                read_first.append(op)
            elif op.type == "Fused":
                for i in op.attrs["writes"]:
                    written[self.storage(op.outputs[i])[1]] = op.outputs[i]
        return read_first, written

    def needs_exact(self, sizes: Mapping[str, int]) -> bool:
        """Whether only a plan for the very sizes fed will do: a computed one comes out as 0 or 1, which may broadcast,
        or follows from the others in no general way (the windows of a filter of unknown size)."""
        atoms = {self.symbols[name]: size for name, size in sizes.items()}
        try:
            return any(dm.evaluate(dim, atoms) <= 1 for dim in self._unknown_sizes)
        except KeyError:
            return True

    @functools.cached_property
    def _unknown_sizes(self) -> set[dm.Dim]:
        operations = list(all_operations(self.graph))
        bodies = [op.attrs["body"].operations if op.type == "Fused" else [] for op in operations]
        return {dim for ops in (operations, *bodies) for op in ops for t in op.outputs
                for dim in t.dims or () if isinstance(dim, dm.Dim) and op.type != "VariableV2"}

    def bind(self, sizes: Mapping[str, int]) -> Binding:
        """Lower every op for these sizes of the plan's symbols, and place its buffers."""
        atoms = {self.symbols[name]: size for name, size in sizes.items()}
        known: dict[DimLike, int] = {}

        def size(dim: DimLike) -> int:
            if isinstance(dim, int):
                return dim
            if dim not in known:
                known[dim] = dm.evaluate(dim, atoms)
            return known[dim]

        lowering = Lowering(size, self._stays)
        rows = Rows(lowering, self.same)
        rows.add_graph(self.graph)
        steps = [Step(op, row, self._chunks(row) if isinstance(row, KernelCall) else 1) for op, row in rows.rows]
        tensors = [t for op in all_operations(self.graph) for t in op.outputs
                   if op.type != "VariableV2" or t.dims is not None]
        shapes = {t: lowering.shape(t) for t in (*tensors, *rows.between)}
        steps, prepared = self._prepared_first(steps)
        binding = Binding(steps, {}, shapes, 0, lowering.faults, atoms, rows.stacks, prepared=prepared)
        binding.chains = chained(
            self.graph, [s.op for s in steps], [s.call for s in steps], size,
            lambda t: _nbytes(binding, t) if self.storage(t) == ("arena", t) else 0, self.threads(), rows.blocked)
        for chain in binding.chains:
            chunks = max(step.chunks for step in steps[chain.begin:chain.end])
            for step in steps[chain.begin:chain.end]:
                step.chunks = chunks
        self._place(binding, rows)
        return binding

    @functools.cached_property
    def writes(self) -> set[str]:
        """The variables that a run may change."""
        operations = list(all_operations(self.graph))
        return {op.inputs[0].op.name for op in operations if writes_variable(op)} | {
            self.storage(op.outputs[i])[1] for op in operations if op.type == "Fused" for i in op.attrs["writes"]}

    def _stays(self, handle: Any) -> bool:
        """Whether a buffer has the same elements in each run, as long as no one else assigns a variable."""
        kind, key = ("constant", None) if isinstance(handle, Scratch) else self.storage(handle)
        return kind == "constant" or kind == "variable" and key not in self.writes

    def _prepared_first(self, steps: list[Step]) -> tuple[list[Step], int]:
        """(the steps, how many of them come first because what they make of variables may be kept between runs).

        None where the rest takes so much longer that keeping it is not worth the memory.
        """
        kernels = [step.call for step in steps if isinstance(step.call, KernelCall)]
        first = [call for call in kernels if call.prepares and all(map(self._stays, call.buffers))]
        share = sum(map(_nanoseconds, first)) / max(sum(map(_nanoseconds, kernels)), 1)
        if share < PREPARED_SHARE or any(isinstance(step.call, Control) for step in steps):
            return steps, 0
        return sorted(steps, key=lambda step: step.call not in first), len(first)

    def _chunks(self, call: KernelCall) -> int:
        nanoseconds = _nanoseconds(call)
        return 1 if nanoseconds < PARALLEL_NS else max(1, min(call.tasks, self.threads()))

    def _place(self, binding: Binding, rows: Rows) -> None:
        """Lives of all buffers, then offsets in the arena; outputs computed in place share their input's."""
        lives: dict[Any, Location] = {}
        chain_of = {i: chain for chain in binding.chains for i in range(chain.begin, chain.end)}
        home = {t: chain for chain in binding.chains for t in chain.item_bytes}

        def touch(handle: Any, step: int, nbytes: int) -> None:
            first, last = step, step
            if handle in home:
                nbytes = home[handle].item_bytes[handle] * home[handle].step
            elif step in chain_of:
                first, last = chain_of[step].begin, chain_of[step].end - 1
            life = lives.setdefault(handle, Location("arena", handle, nbytes, first, last))
            life.last = max(life.last, last)

        def tensor(t: Tensor, step: int) -> None:
            kind, key = self.storage(t)
            if kind == "arena":
                touch(key, step, _nbytes(binding, key))

        for i, step in enumerate(binding.steps):
            if isinstance(step.call, HostCall):
                for t in (*step.op.inputs, *step.op.outputs):
                    if t.op.type != "VariableV2":
                        tensor(t, i)
                continue
            if isinstance(step.call, Control):
                for t in step.call.stacks:
                    tensor(t, i)
            for handle in step.call.buffers:
                if isinstance(handle, Scratch):
                    touch(handle, i, handle.total(step.chunks))
                elif isinstance(handle, Tensor):
                    tensor(handle, i)
        end = len(binding.steps)
        for handle in (b for s in binding.steps[:binding.prepared] if isinstance(s.call, KernelCall)
                       for b in s.call.buffers if isinstance(b, Scratch)):
            lives[handle].first, lives[handle].last = 0, end
        for t in self.graph.outputs:
            tensor(t, end)
        for loop in rows.loops:  # inner ones come first
            for life in lives.values():
                _stay(life, loop)
        growing = {stack for stack, memory in binding.stacks.items() if memory.growing}
        fresh = {key for t in self.graph.outputs for kind, key in [self.storage(t)]
                 if kind == "arena" and lives[key].nbytes > SMALL_BYTES and t.dtype != variant}
        shared = self._share(binding, lives, fresh, home)
        shared |= self._hand_over(binding, lives, shared, fresh, rows)
        for chain in binding.chains:
            own = [lives[t] for t in chain.item_bytes if t not in shared]
            nbytes = _plan(own)
            chain.place({t: lives[_root(t, shared)].offset for t in chain.item_bytes}, nbytes)
            nbytes = chain.memory.total(binding.steps[chain.begin].chunks)
            lives[chain.memory] = Location("arena", chain.memory, nbytes, chain.begin, chain.end - 1)
        roots = [life for handle, life in lives.items()
                 if handle not in shared and handle not in fresh and handle not in growing and handle not in home]
        binding.arena_bytes = _plan(roots)
        for handle, life in lives.items():
            root = _root(handle, shared)
            life.offset, life.key = lives[root].offset, root
            life.kind = ("fresh" if root in fresh else "stack" if root in growing else "local" if root in home
                         else "arena")
        for i, step in enumerate(binding.steps):
            if isinstance(step.call, KernelCall) and step.call.copies:
                x, out = (lives.get(self.storage(t)[1]) for t in step.call.buffers)
                if x is not None and out is not None and (x.key, x.offset, x.kind) == (out.key, out.offset, out.kind):
                    step.call, step.chunks = Control(JUMP, (), i + 1), 1  # already in place
        binding.locations = lives

    def _share(self, binding: Binding, lives: dict[Any, Location], fresh: set[Any], home: Mapping[Any, Chained]
               ) -> dict[Any, Any]:
        """{output: input} for outputs that take over the memory of an input which dies as they are computed."""
        shared: dict[Any, Any] = {}
        taken: set[Any] = set()
        for i, step in enumerate(binding.steps):
            if not isinstance(step.call, KernelCall):
                continue
            for out_slot, in_slot in step.call.in_place:
                out, source = step.call.buffers[out_slot], step.call.buffers[in_slot]
                if not isinstance(out, Tensor) or not isinstance(source, Tensor):
                    continue
                (out_kind, out), (in_kind, source) = self.storage(out), self.storage(source)
                readers = [b for b in step.call.buffers if isinstance(b, Tensor) and self.storage(b)[1] is source]
                if len(readers) > 1:  # under another shape too
                    continue
                if (out_kind == in_kind == "arena" and out not in fresh and source not in fresh
                        and lives[out].first == i and lives[source].last == i and source not in taken
                        and home.get(out) is home.get(source) and lives[out].nbytes == lives[source].nbytes):
                    taken.add(source)
                    shared[out] = source
                    root = _root(source, shared)
                    lives[root].last = max(lives[root].last, lives[out].last)
        return shared

    def _hand_over(self, binding: Binding, lives: dict[Any, Location], shared: dict[Any, Any], fresh: set[Any],
                   rows: Rows) -> dict[Any, Any]:
        """{next value: variable} where a loop's next value can be computed in the variable's own memory: from its first
        row on nothing in the body reads the variable, but for the very kernel that replaces it element by element."""
        found: dict[Any, Any] = {}
        for loop, row, variable, following in rows.handed:
            life = lives.get(following)
            if (self.storage(following)[0] != "arena" or life is None or following in shared or following in fresh
                    or following in found or variable in found.values()
                    or not loop.body <= life.first <= row or life.last > row or life.nbytes != lives[variable].nbytes
                    or any(root is following for root in shared.values())):
                continue
            touched = [i for i in range(life.first, row) if self._touches(binding.steps[i], variable)]
            if (
                not touched
                or touched == [life.first]
                and self._replaces(binding.steps[life.first], following, variable)
            ):
                found[following] = variable
        return found

    def _touches(self, step: Step, key: Tensor) -> bool:
        if isinstance(step.call, HostCall):
            handles: Sequence[Any] = (*step.op.inputs, *step.op.outputs)
        else:
            handles = step.call.buffers
        return any(isinstance(h, Tensor) and self.storage(h)[1] is key for h in handles)

    def _replaces(self, step: Step, out: Tensor, source: Tensor) -> bool:
        if not isinstance(step.call, KernelCall):
            return False
        keys = [self.storage(h)[1] if isinstance(h, Tensor) else None for h in step.call.buffers]
        return keys.count(source) == 1 and any(keys[o] is out and keys[i] is source for o, i in step.call.in_place)

    def next_streams(self, counters: dict[str, Any]) -> dict[str, int]:
        """For each random op how often its session has run it before; the low half counts within the run, in loops."""
        return {op.name: next(counters.setdefault(op.name, itertools.count())) << (32 if op in self._repeated else 0)
                for op in self.random_ops}


def _plan(lives: Sequence[Location]) -> int:
    """Gives each its offset; how many bytes they take together."""
    offsets, nbytes = plan_memory([Interval(_spaced(life.nbytes), life.first, life.last) for life in lives])
    for life, offset in zip(lives, offsets, strict=True):
        life.offset = offset
    return nbytes


def _spaced(nbytes: int) -> int:
    """The bytes to keep for so many, so that of large buffers neighbours begin at different places of a page."""
    return nbytes if nbytes < LARGE else nbytes + (PAGE // 4 + 64 - nbytes) % PAGE


def _root(handle: Any, shared: Mapping[Any, Any]) -> Any:
    while handle in shared:
        handle = shared[handle]
    return handle


def _nanoseconds(call: KernelCall) -> float:
    """An estimate of a serial run."""
    return call.nbytes / BYTES_PER_NS + call.flops / FLOPS_PER_NS


def unit(step: Step) -> int:
    """How many tasks of a native call its chunks share one by one: half of what is best not parted (see team.py)."""
    call = step.call
    assert isinstance(call, KernelCall)
    tasks = UNIT_NS * call.tasks / max(_nanoseconds(call), 1)
    together = max(1, ceil(2 * tasks / call.grain)) * call.grain
    return max(1, min(ceil(together / 2), ceil(call.tasks / step.chunks)))


def _stay(life: Location, loop: Loop) -> None:
    """What a loop uses from outside stays until its end; what is used after the loop has its place from the start."""
    if life.first < loop.begin <= life.last < loop.end:
        life.last = loop.end - 1
    elif loop.begin <= life.first < loop.end <= life.last:
        life.first = loop.begin


def _nbytes(binding: Binding, tensor: Tensor) -> int:
    stack = binding.stacks.get(tensor)
    if stack is not None:
        return max(stack.row_bytes * stack.rows, 1)
    return max(int(np.prod(binding.shapes[tensor], dtype=np.int64)) * tensor.dtype.size, 1)


def uninitialized(handles: Sequence[Operation]) -> FailedPreconditionError:
    """The error for reading variables that have no value yet."""
    names = ", ".join(dict.fromkeys(op.name for op in handles))
    return FailedPreconditionError(f"Attempting to use uninitialized value {names} (made at {handles[0].site}). Run "
                                   "global_variables_initializer() first, for local variables, as metrics have, "
                                   "local_variables_initializer().", handles[0])
