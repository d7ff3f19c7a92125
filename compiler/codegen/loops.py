"""Kernels of loop groups: which loops, which tasks, and what each stores.

Three schemes, by what a group reduces:
- nothing: tasks are elements, or rows where operands are broadcast along the last axes;
- the last axes, or axes in no order: tasks are what is kept, each with one or more loops over what is reduced
  (a loop for each reduction that needs the result of another);
- axes before the last: tasks are blocks of the reduced axes, each accumulating a row of what is kept (likewise for
  a reduction of everything); where there are several blocks a second kernel combines their rows.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from .. import dims as dm
from ..dims import DimLike
from ..ir import Graph, Operation, Tensor
from ..opdef import REDUCTION, REGISTRY, crosses
from ..shapes import Dims
from .emitter import INNER, KERNEL, TASK, Emitter, Run, SplitRun, is_costly, literal, scope
from .kernel import KernelCall, Scratch
from .source import indented, loop, module, nest

# elements per block of a reduction that several tasks share, and how many blocks at most
BLOCK_ELEMENTS, MAX_BLOCKS = 1 << 15, 16
ACCESS = re.compile(r"\b(load|store)_\w+\((p\d+),")
# elements of rows up to which a loop over them is unrolled and the one over the rows vectorised
SHORT = 8
TILE = 16  # elements that a task takes of an axis along which it reads but does not write: a cache line


class LoopGroup:
    """A fused body to lower. `handles` gives for a body tensor (parameter or output) the buffer handle of the plan."""

    def __init__(self, name: str, body: Graph, domain: Dims, axes: frozenset[int] | None,
                 sizes: Callable[[DimLike], int], fault_id: Callable[[Operation], int],
                 handle: Callable[[Tensor], Any]):
        self.name = name
        self.body = body
        self.domain = domain
        self.axes = axes
        self.sizes = sizes
        self.fault_id = fault_id
        self.handle = handle
        self.reductions = [op for op in body.operations if op.definition.family == REDUCTION]
        self.row_sums = [op for op in body.operations if op.definition.fields.get("scatter")]
        self.full = [t for t in body.outputs if not self.is_reduced(t)]
        self.rows = [t for t in body.outputs if self.is_reduced(t)]

    def is_reduced(self, t: Tensor) -> bool:
        """Whether a member has one element per task rather than one per element of the domain."""
        return self.axes is not None and (t.dims != self.domain or t.op.definition.family == REDUCTION)

    @property
    def nbytes(self) -> int:
        tensors = {*self.body.outputs, *(t for op in self.body.operations for t in op.inputs
                                         if t.op.type == "Parameter" and op.type != "Assign")}
        return sum(self.sizes(dm.product(t.dims)) * t.dtype.size for t in tensors)

    @property
    def flops(self) -> int:
        return self.elements * sum(1 if not is_costly(op) else 20 for op in self.body.operations
                                   if op.type not in ("Parameter", "Const"))

    @property
    def elements(self) -> int:
        return self.sizes(dm.product(self.domain))

    def emitter(self, runs: Sequence[Run]) -> Emitter:
        return Emitter(self.domain, runs, self.sizes, self.fault_id, self.handle)

    def bake_short(self, emit: Emitter, axes: Iterable[int]) -> bool:
        """Whether rows along these axes are short, and known so: then their length goes into the source."""
        length = dm.product(self.domain[a] for a in axes)
        if not isinstance(length, int) or not 1 < length <= SHORT:
            return False
        emit.bake(length)
        return True

    def walked(self, axes: Iterable[int]) -> list[int]:
        """The axes that need a loop: those not known to be 1."""
        return [a for a in axes if not (isinstance(self.domain[a], int) and self.domain[a] == 1)]


def lower_loops(group: LoopGroup) -> list[KernelCall]:
    """The kernel calls of a fused group. An inner loop walks several axes at once unless one is needed by itself."""
    rank = len(group.domain)
    if group.axes is None:
        maps = [partial(_map, group, start) for start in range(max(rank, 1))]
        return _first([*(partial(_tiles, group, op) for op in group.body.operations if crosses(op)), *maps])
    kept = [a for a in range(rank) if a not in group.axes]
    reduced = sorted(group.axes)
    attempts = [partial(_rows, group, kept, reduced, merged) for merged in (True, False)]
    together = not reduced or reduced == list(range(reduced[0], reduced[-1] + 1))
    positions = any("arg" in op.definition.fields for op in group.reductions)
    if reduced and together and not positions and (not kept or kept[-1] > reduced[-1]):
        attempts[:0] = [partial(_blocks, group, reduced, kept, merged) for merged in (True, False)]
    return _first(attempts)


def _first(attempts: Iterable[Callable[[], list[KernelCall]]]) -> list[KernelCall]:
    for lower in attempts:
        try:
            return lower()
        except SplitRun:
            continue
    raise AssertionError("no loop nest fits")


# nothing reduced


def _map(group: LoopGroup, start: int) -> list[KernelCall]:
    """Axes from `start` on are the inner loop; with none before them, the tasks are the elements themselves."""
    rank = len(group.domain)
    outer, inner = group.walked(range(start)), group.walked(range(start, rank))
    flat = not outer
    runs = [Run(inner, "i" if flat else "j", INNER)] + ([] if flat else [Run(outer, "i", TASK)])
    emit = group.emitter(runs)
    if not flat:
        group.bake_short(emit, inner)
    for t in group.full:
        store(emit, group, t, emit.identity())
    if flat:
        emit.lines[INNER][:0] = emit.lines[TASK]
        body = loop("i", "begin", "end", emit, INNER)
        tasks = group.elements
    else:
        count = emit.dim(dm.product(group.domain[a] for a in inner))
        body = loop("i", "begin", "end", emit, TASK, loop("j", "0", count, emit, INNER))
        tasks = group.sizes(dm.product(group.domain[a] for a in outer))
    return [kernel_call(group, emit, body, tasks, in_place=in_place_pairs(emit, group))] if group.elements else []


def _tiles(group: LoopGroup, permuted: Operation) -> list[KernelCall]:
    """For an op that reads along axis b what it writes along the last one: tasks take some of b, so that the lines of
    memory which a pass over the last axes reads are the next pass's too."""
    source = permuted.attrs[permuted.definition.fields["permutes"]]
    rank = len(group.domain)
    b = first = source.index(rank - 1)
    while first and source[first - 1] == source[first] - 1:
        first -= 1
    across, inner, outer = (group.walked(axes) for axes in (range(first, b + 1), range(b + 1, rank), range(first)))
    if permuted.output.dims != group.domain or not across or not inner:
        raise SplitRun
    emit = group.emitter([run for run in (Run(across, "b", INNER), Run(inner, "j", INNER), Run(outer, "i", TASK))
                          if run.axes])
    for t in group.full:
        store(emit, group, t, emit.identity())
    wide, count = (dm.product(group.domain[a] for a in axes) for axes in (across, inner))
    tiles = -(-group.sizes(wide) // TILE)
    per_row = emit.argument("tiles", tiles)
    definitions = emit.axis_lines([*emit.lines[TASK], *emit.lines[INNER]])
    body = ["for task in range(begin, end):", *indented([
        f"i = task // {per_row}", f"low = task % {per_row} * {TILE}",
        f"high = select(low + {TILE} < {emit.dim(wide)}, low + {TILE}, {emit.dim(wide)})",
        *definitions[TASK], *emit.lines[TASK],
        f"for j in range({emit.dim(count)}):", "    for b in range(low, high):",
        *indented(indented([*definitions[INNER], *emit.lines[INNER]]))])]
    tasks = group.sizes(dm.product(group.domain[a] for a in outer)) * tiles
    return [kernel_call(group, emit, body, tasks)] if group.elements else []


def in_place_pairs(emit: Emitter, group: LoopGroup, lines: Sequence[str] = ()) -> tuple[tuple[int, int], ...]:
    """Outputs that may overwrite an input: of the same type, and each computed from the element it overwrites. None of
    the lines, those of several loops, reads the input after it is overwritten."""
    pairs = []
    taken: set[Tensor] = set()
    here = {tuple(emit.identity())}
    accesses = [(m[1], m[2], i) for i, line in enumerate(lines) for m in ACCESS.finditer(line)]
    read, written = ({slot: i for what, slot, i in accesses if what == which} for which in ("load", "store"))
    for out in sorted(group.full, key=lambda t: written.get(f"p{emit.slot(group.handle(t))}", 0)):
        needs = _ancestors(out)
        for x in group.body.inputs:
            slots = emit.slot(group.handle(out)), emit.slot(group.handle(x))
            if (x in needs and x not in taken and x.type == out.type and emit.reads.get(x) == here
                    and read.get(f"p{slots[1]}", -1) <= written.get(f"p{slots[0]}", 0)):
                taken.add(x)
                pairs.append(slots)
                break
    return tuple(pairs)


def _ancestors(t: Tensor) -> set[Tensor]:
    found, stack = {t}, [t]
    while stack:
        for x in stack.pop().op.inputs:
            if x not in found:
                found.add(x)
                stack.append(x)
    return found


# reductions within a task


def _rows(group: LoopGroup, kept: list[int], reduced: list[int], merged: bool) -> list[KernelCall]:
    """Tasks are what is kept."""
    outer, inner = group.walked(kept), group.walked(reduced)
    merged = merged and (not inner or inner == list(range(inner[0], inner[-1] + 1)))
    inner_runs = [Run(inner, "j", INNER)] if merged else [Run([a], f"j{a}", INNER) for a in inner]
    emit = group.emitter([*inner_runs, Run(outer, "i", TASK)])
    lines = emit_rows(group, emit, inner, merged)
    body = loop("i", "begin", "end", emit, TASK)
    tasks = group.sizes(dm.product(group.domain[a] for a in outer))
    return [kernel_call(group, emit, body, tasks, in_place_pairs(emit, group, lines) if inner_runs else ())]


def emit_rows(group: LoopGroup, emit: Emitter, inner: list[int], merged: bool) -> list[str]:
    """Emit what a task does: loop k computes what needs the results of the loops before it. Returns their lines."""
    inner_runs = emit.runs[:-1]
    short = group.bake_short(emit, inner)  # what several of its loops compute is then computed once
    stage = _stages(group)
    last = max((stage[t] for t in [*group.full, *(op.inputs[0] for op in group.reductions)]), default=0)
    kept_rows = _kept(group, stage, last)
    all_lines: list[str] = []
    for k in range(last + 1):
        emit.values[INNER] = {}
        emit.lines[INNER] = []
        emit.keep = _keeper(group, emit, kept_rows[k]) if merged and inner and not short else lambda t: None
        updates = []
        for op in group.reductions:
            if stage[op.inputs[0]] == k:
                updates.append((op, *_accumulate(emit, group, op)))
        for t in group.full:
            if stage[t] == k:
                store(emit, group, t, emit.identity())
        all_lines += emit.lines[INNER]
        emit.lines[TASK] += nest(emit, inner_runs) if inner_runs else emit.lines[INNER]
        for op, name in updates:
            emit.results[op.output] = name
    for t in group.rows:
        emit.store(t.dtype, emit.slot(group.handle(t)), emit.linear(t.dims, _row_index(emit, group, t)),  # type: ignore[arg-type]
                   emit.element(t, _row_index(emit, group, t)))
    return all_lines


def _stages(group: LoopGroup) -> dict[Tensor, int]:
    """For each body tensor how many loops must be complete before its element can be computed."""
    stage: dict[Tensor, int] = {}
    for op in group.body.operations:
        own = max((stage[t] for t in op.inputs), default=0)
        for t in op.outputs:
            stage[t] = own + 1 if op.definition.family == REDUCTION else own
    return stage


def _kept(group: LoopGroup, stage: dict[Tensor, int], last: int) -> list[set[Tensor]]:
    """For each loop the elements worth storing for a later one: costly to compute again, and used there by what this
    loop does not compute."""
    costly: set[Tensor] = set()
    users: dict[Tensor, list[Tensor]] = {}
    for op in group.body.operations:
        for t in op.inputs:
            users.setdefault(t, []).extend(op.outputs)
        if op.definition.family != REDUCTION and (is_costly(op) or any(t in costly for t in op.inputs)):
            costly.update(t for t in op.outputs if t.dims == group.domain)
    kept: list[set[Tensor]] = []
    computed: set[Tensor] = set()
    for k in range(last + 1):
        stack = [op.inputs[0] for op in group.reductions if stage[op.inputs[0]] == k] + [
            t for t in group.full if stage[t] == k]
        used = set(stack)
        while stack:
            t = stack.pop()
            if t.op.definition.family != REDUCTION and not any(t in earlier for earlier in kept):
                fresh = [x for x in t.op.inputs if x not in used]
                used.update(fresh)
                stack += fresh
        computed |= used
        kept.append({t for t in used & costly if any(u not in computed and stage[u] > k for u in users.get(t, ()))})
    return kept


def _keeper(group: LoopGroup, emit: Emitter, kept: set[Tensor]) -> Callable[[Tensor], int | None]:
    """Gives the scratch row of an element that is kept for a later loop."""
    def keep(t: Tensor) -> int | None:
        if t not in kept:
            return None
        assert group.axes is not None
        row = group.sizes(dm.product(group.domain[a] for a in group.axes))
        scratch = Scratch(-(-row * t.dtype.size // 64) * 64, per_lane=True)
        slot = emit.slot(scratch)
        emit.lines[KERNEL].append(f"p{slot} += lane * {emit.argument(('lane', slot), scratch.nbytes)}")
        return slot
    return keep


def _accumulate(emit: Emitter, group: LoopGroup, op: Operation) -> tuple[str]:
    """One step of a reduction into a task's variable, whose name is returned."""
    element = emit.element(op.inputs[0], emit.identity())
    fields = op.definition.fields
    name = emit.name(TASK)
    if "arg" in fields:
        return _accumulate_position(emit, group, op, element, name)
    emit.line(TASK, f"{name} = {emit.identity_element(op)}")
    step = fields["combine"].format(name, element)
    emit.line(INNER, f"{name} = {step}" if op.output.dtype.is_floating else f"{name} = {op.output.dtype.code}({step})")
    return (name,)


def _accumulate_position(emit: Emitter, group: LoopGroup, op: Operation, element: str, name: str) -> tuple[str]:
    """The position of the first extremum so far; NaN counts as one."""
    x = op.inputs[0]
    sign = ">" if op.definition.fields["arg"] == "Max" else "<"
    best, hit = emit.name(TASK), emit.name(INNER)
    code = op.output.dtype.code
    axis = min(group.axes or (0,))
    extremum = REGISTRY[op.definition.fields["arg"]]
    neutral = _neutral(emit, extremum, x)
    emit.line(TASK, f"{best} = {neutral}")
    emit.line(TASK, f"{name} = {code}(0)")
    nan = f" or (isnan({element}) and not isnan({best}))" if x.dtype.is_floating else ""
    emit.line(INNER, f"{hit} = {element} {sign} {best}{nan}")
    emit.line(INNER, f"{name} = select({hit}, {code}({emit.axis(axis)}), {name})")
    emit.line(INNER, f"{best} = select({hit}, {element}, {best})")
    return (name,)


def _neutral(emit: Emitter, extremum: Any, x: Tensor) -> str:
    lowest = extremum.fields["identity"].startswith("lowest")
    if x.dtype.is_floating:
        return literal(float("-inf") if lowest else float("inf"), x.dtype)
    return literal(x.dtype.min if lowest else x.dtype.max, x.dtype)


def _row_index(emit: Emitter, group: LoopGroup, t: Tensor) -> list[str]:
    """The index of a task's element in a tensor with the reduced axes gone or 1."""
    assert t.dims is not None and group.axes is not None
    if len(t.dims) == len(group.domain):
        return ["0" if a in group.axes else emit.axis(a) for a in range(len(t.dims))]
    return [emit.axis(a) for a in range(len(group.domain)) if a not in group.axes]


# reductions shared by tasks


def _blocks(group: LoopGroup, reduced: list[int], kept: list[int], merged: bool) -> list[KernelCall]:
    """Tasks are blocks of the reduced run; each accumulates a row of what is kept after it."""
    outer, after = group.walked(a for a in kept if a < reduced[0]), group.walked(a for a in kept if a > reduced[-1])
    walked = group.walked(reduced)
    count, width = (group.sizes(dm.product(group.domain[a] for a in axes)) for axes in (walked, after))
    blocks = 1 if outer else max(1, min(MAX_BLOCKS, count * width // BLOCK_ELEMENTS, count))
    inner_runs = [Run(after, "j", INNER)] if merged else [Run([a], f"j{a}", INNER) for a in after]
    runs = [Run(walked, "r", TASK if after else INNER), *inner_runs, Run(outer, "i", TASK)]
    emit = group.emitter([run for run in runs if run.axes])
    group.bake_short(emit, after)
    within = emit.linear(tuple(group.domain[a] for a in after), [emit.axis(a) for a in after])
    targets = {op: Scratch(blocks * width * op.output.dtype.size) if blocks > 1 else group.handle(op.output)
               for op in group.reductions}
    wide, length, block_count = (emit.dim(dm.product(group.domain[a] for a in after)),
                                 emit.dim(dm.product(group.domain[a] for a in walked)),
                                 emit.argument("blocks", blocks))
    before: list[str] = []
    finish: list[str] = []
    for op in group.reductions:
        element = emit.element(op.inputs[0], emit.identity())
        code, slot = op.output.dtype.code, emit.slot(targets[op])
        at = f"task * {wide} + ({within})" if after else "task"
        total = f"total{slot}"
        before.append(f"{total} = {emit.identity_element(op)}")
        if after:  # the row of totals is in memory
            before.append(f"store_{code}(p{slot}, task * {wide} + j, {total}, {scope(slot)})")
            emit.line(INNER, f"{total} = load_{code}(p{slot}, {at}, {scope(slot)})")
        emit.line(INNER, f"{total} = {code}({_step(op, total, element)})")
        (emit.lines[INNER] if after else finish).append(f"store_{code}(p{slot}, {at}, {total}, {scope(slot)})")
    for t in group.full:
        store(emit, group, t, emit.identity())
    bounds = ["i = task", "low = 0", f"high = {length}"] if outer else [
        f"low = {length} * task // {block_count}", f"high = {length} * (task + 1) // {block_count}"]
    definitions = emit.axis_lines([*emit.lines[TASK], *emit.lines[INNER]])[TASK]
    if after:
        rows = nest(emit, inner_runs)
        task = [f"for j in range({wide}):", *indented(before),
                "for r in range(low, high):", *indented([*definitions, *emit.lines[TASK], *rows])]
    else:
        task = [*definitions, *emit.lines[TASK], *before, *loop("r", "low", "high", emit, INNER), *finish]
    body = ["for task in range(begin, end):", *indented([*bounds, *task])]
    tasks = group.sizes(dm.product(group.domain[a] for a in outer)) if outer else blocks
    calls = [kernel_call(group, emit, body, tasks)]
    if blocks > 1:
        calls += [_combine(group, op, targets[op], blocks, width) for op in group.reductions]
    return calls


def _step(op: Operation, accumulator: str, element: str) -> str:
    return op.definition.fields["combine"].format(accumulator, element)


def _combine(group: LoopGroup, op: Operation, partial: Any, blocks: int, width: int) -> KernelCall:
    """The rows of the blocks into one."""
    emit = group.emitter([])
    code = op.output.dtype.code
    step = _step(op, "total", f"load_{code}(p0, block * n1 + j, 0)")
    lines = ["for j in range(begin, end):",
             *indented([f"total = {emit.identity_element(op)}", "for block in range(n0):",
                         f"    total = {code}({step})", f"store_{code}(p1, j, total, 1)"])]
    emit.slot(partial)
    emit.slot(group.handle(op.output))
    emit.dims += [blocks, width]
    return KernelCall(f"{group.name}/combine", module(emit, f"combine the blocks of {op.type}", lines),
                      tuple(emit.buffers), tuple(emit.dims), width, flops=blocks * width,
                      nbytes=(blocks + 1) * width * op.output.dtype.size, writes=(1,))


# calls


def store(emit: Emitter, group: LoopGroup, t: Tensor, index: list[str]) -> None:
    value = emit.element(t, index)
    for x in group.body.inputs:  # a variable's old element, before the new one takes its place
        if group.handle(x) == group.handle(t):
            emit.element(x, index)
    emit.store(t.dtype, emit.slot(group.handle(t)), emit.linear(group.domain, index), value)


def kernel_call(group: LoopGroup, emit: Emitter, body: list[str], tasks: int, in_place: tuple[tuple[int, int], ...] = ()
          ) -> KernelCall:
    ops = [op.type for op in group.body.operations if op.type not in ("Parameter", "Const")]
    writes = tuple(emit.slot(group.handle(t)) for t in group.body.outputs if group.handle(t) in emit.buffers)
    return KernelCall(group.name, module(emit, " ".join(ops), body), tuple(emit.buffers), tuple(emit.dims), tasks,
                      group.flops, group.nbytes, tuple(emit.streams), writes, in_place)
