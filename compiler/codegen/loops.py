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
from collections.abc import Callable, Iterable
from functools import partial

from .. import dims as dm
from ..ir import Operation, Tensor
from ..native.ahead import AHEAD
from ..native.processor import isa
from ..opdef import ELEMENTWISE, REDUCTION, crosses
from .blocks import lower_blocks
from .crossing import lower_few, lower_tiles
from .emitter import INNER, KERNEL, TASK, Emitter, Run, SplitRun, is_costly
from .kernel import KernelCall, Scratch
from .loop_group import ACCESS, LoopGroup, in_place_pairs, kernel_call, store
from .short_rows import ROWS, is_block, lower_block
from .source import indented, loop, nest
from .transpose import lower_transpose

# elements of rows whose functions run faster on one vector at a time, which leaves less of a remainder: where something
# is reduced, and where nothing is
FEW, FEW_IN_MAP = 256, 64
# rows of a multiple of this, or of one more, are as fast in LLVM's own vectors. Of others a step is so many vectors,
# from so many elements on: more sums at a time take longer to add up
FULL, COPIES = 16, ((4, 256), (2, 64), (1, 0))
# what branches, once for a vector: where arguments are large (native/trigonometric.py), or until the vector's elements
# are done (native/iteration.py)
BRANCHES = {"Betainc", "Cos", "Igamma", "Igammac", "Polygamma", "Sin", "Tan", "Zeta"}
# elements of rows up to which the loops of one that wait for each other are loops over so many rows
SHORT_ROW, STRIP = 48, 32
# elements that are tasks part between lines and vectors, so that each is rounded alike however they are shared out
GRAIN = 128
# operations for each byte that a loop reads or writes from which on memory has the time to fetch what comes next
DENSE = 5
# an access's scope
SCOPE = re.compile(r"\d+(?=\)$)")


def lower_loops(group: LoopGroup) -> list[KernelCall]:
    """The kernel calls of a fused group. An inner loop walks several axes at once unless one is needed by itself."""
    rank = len(group.domain)
    if group.axes is None:
        maps = [partial(_map, group, start) for start in range(max(rank, 1))]
        crossing = [op for op in group.body.operations if crosses(op)]
        few, tiles = ([partial(lower, group, op) for op in crossing] for lower in (lower_few, lower_tiles))
        return _first([*few, partial(lower_transpose, group), *tiles, partial(lower_transpose, group, small=True),
                       *maps])
    kept = [a for a in range(rank) if a not in group.axes]
    reduced = sorted(group.axes)
    attempts = [partial(_strips, group, kept, reduced),
                *(partial(_rows, group, kept, reduced, merged) for merged in (True, False))]
    together = not reduced or reduced == list(range(reduced[0], reduced[-1] + 1))
    if reduced and together and (not kept or kept[-1] > reduced[-1]):
        attempts[:0] = [partial(lower_blocks, group, reduced, kept, merged) for merged in (True, False)]
    return _first(attempts)


def _first(attempts: Iterable[Callable[[], list[KernelCall]]]) -> list[KernelCall]:
    for lower in attempts:
        try:
            return lower()
        except SplitRun:
            continue
    raise AssertionError("no loop nest fits")


# nothing reduced


def _map(group: LoopGroup, start: int, divided: bool = False) -> list[KernelCall]:
    """Axes from `start` on are the inner loop; with none before them, the tasks are the elements themselves. A task's
    index is `divided` up, where that is needed, but once for the rows along the axis before."""
    rank = len(group.domain)
    outer, inner = group.walked(range(start)), group.walked(range(start, rank))
    flat = not outer
    middle = outer[-1:] if divided else []
    runs = [Run(inner, "i" if flat else "j", INNER)] + ([] if flat else [
        *([Run(middle, "k", TASK)] if middle else []), Run(outer[:len(outer) - len(middle)], "i", TASK)])
    emit = group.emitter(runs)
    if isa().masks and _branches(group):
        emit.copies = 2
    if not flat:
        short = group.bake_short(emit, inner)
        if not short and group.sizes(dm.product(group.domain[a] for a in inner)) < FEW_IN_MAP:
            _few_if_costly(group, emit)
    for t in group.full:
        store(emit, group, t, emit.identity())
    if flat:
        emit.lines[INNER][:0] = emit.lines[TASK]
        body = loop("i", "begin", "end", emit, INNER)
        tasks, grain = group.elements, GRAIN
    else:
        places = emit.axis_lines([*emit.lines[TASK], *emit.lines[INNER]])[TASK]
        if not divided and any("//" in line for line in places):
            return _map(group, start, divided=True)
        count = emit.dim(dm.product(group.domain[a] for a in inner))
        body = loop("j", "0", count, emit, INNER)
        body = _along(emit, outer[:-1], middle[0], body) if middle else loop("i", "begin", "end", emit, TASK, body)
        tasks, grain = group.sizes(dm.product(group.domain[a] for a in outer)), 1
    body = _fetching(group, emit, body)
    return [kernel_call(group, emit, body, tasks, in_place_pairs(emit, group), grain)] if group.elements else []


def _along(emit: Emitter, outer: list[int], axis: int, rows: list[str]) -> list[str]:
    """A loop over the tasks that walks an axis by itself, and the outer ones by counting."""
    size, own = emit.dim(emit.domain[axis]), f"x{axis} = k"
    named = emit.axis_lines([*emit.lines[TASK], *rows])[TASK]
    counted = named and any(line != own for line in named)
    counters = emit.axis_lines([f"x{a}" for a in outer])[TASK] if counted else []
    following: list[str] = []
    for a in outer if counted else ():
        around = [f"if x{a} == {emit.dim(emit.domain[a])}:", f"    x{a} = i64(0)", *indented(following)]
        following = [f"x{a} += 1", *(around if a != outer[0] else [])]
    return [f"i = begin // {size}", f"low = begin - i * {size}", *counters, "while begin < end:", *indented([
        f"high = select(end - begin < {size} - low, low + end - begin, {size})",
        "for k in range(low, high):", *indented([*([own] if own in named else []), *emit.lines[TASK], *rows]),
        "begin += high - low", "low = i64(0)", "i += 1", *following])]


def _few_if_costly(group: LoopGroup, emit: Emitter) -> None:
    """One vector at a time, if there are functions."""
    if any(map(is_costly, group.body.operations)):
        emit.counting = "few"


def _branches(group: LoopGroup) -> bool:
    return any(op.type in BRANCHES for op in group.body.operations)


# reductions within a task


def _rows(group: LoopGroup, kept: list[int], reduced: list[int], merged: bool) -> list[KernelCall]:
    """Tasks are what is kept."""
    outer, inner = group.walked(kept), group.walked(reduced)
    spans = _spans(inner) if merged else [[a] for a in inner]
    merged = merged and len(spans) <= 1
    inner_runs = [Run(inner, "j", INNER)] if merged else [Run(span, f"j{span[0]}", INNER) for span in spans]
    emit = group.emitter([*inner_runs, Run(outer, "i", TASK)])
    in_blocks = merged and is_block(group, inner)
    lines = emit_rows(group, emit, inner, merged, in_blocks)
    tasks = group.sizes(dm.product(group.domain[a] for a in outer))
    if in_blocks:
        return [lower_block(group, emit, inner, tasks, in_place_pairs(emit, group, lines))]
    body = loop("i", "begin", "end", emit, TASK)
    # a row that begins where the masked end of the one before is being written would wait for it
    waits = 0 < emit.copies < COPIES[0][0] and any("in vectors(" in line for line in body)
    in_place = in_place_pairs(emit, group, lines) if inner_runs and not waits else ()
    return [kernel_call(group, emit, _fetching(group, emit, body), tasks, in_place)]


def _strips(group: LoopGroup, kept: list[int], reduced: list[int]) -> list[KernelCall]:
    """Tasks are what is kept, where rows are short, but no blocks: each loop of a row does the same for other rows
    before the next one, which waits for its result, and what follows from results is computed for all these rows."""
    outer, inner = group.walked(kept), group.walked(reduced)
    length, stage = dm.product(group.domain[a] for a in inner), _stages(group)
    row, last = group.sizes(length), _last(group, stage)
    runs = [Run(inner, "j", INNER), Run(outer, "i", TASK)]
    emit = group.emitter(runs)
    pays = isa().masks and last and outer and row <= SHORT_ROW and any(map(is_costly, group.body.operations))
    if not pays or len(_spans(inner)) != 1 or is_block(group, inner) or group.bake_short(emit, inner):
        raise SplitRun
    emit.copies = int(row % FULL > 1 or _branches(group))
    if not emit.copies:
        _few_if_costly(group, emit)
    kept_rows, needed = _kept(group, stage, last)
    hosts = group.full and stage[group.full[-1]] == last and not emit.copies
    homes = _homes(group, stage, kept_rows, needed) if hosts else {}
    used = dict.fromkeys(t for op in group.body.operations if op.output.dims == group.domain for t in op.inputs)
    body: list[str] = []
    all_lines: list[str] = []

    def keep_row(t: Tensor, name: str) -> None:
        slot = emit.slot(scratch := Scratch(8 * STRIP, per_lane=True))
        emit.lines[KERNEL].append(f"p{slot} += lane * {emit.argument(('lane', slot), scratch.apart)}")
        emit.store(t.dtype, slot, "i - low", name)
        emit.stored[t] = partial(emit.load, t.dtype, slot, "i - low")

    for k in range(last + 1):
        emit.walk(runs)
        emit.keep = _keeper(group, emit, kept_rows[k], homes, STRIP, f"(i - low) * {emit.dim(length)} + j")
        results = [(op, _accumulate(emit, op)) for op in group.reductions if stage[op.inputs[0]] == k]
        _store_elements(emit, group, [t for t in group.full if stage[t] == k], homes)
        all_lines += emit.lines[INNER]
        emit.lines[TASK] += nest(emit, runs[:1])
        for op, name in results:
            keep_row(op.output, name)
        body += loop("i", "low", "high", emit, TASK)
        emit.walk(runs[1:])
        for t in used:
            if stage[t] == k + 1 and t.op.definition.family == ELEMENTWISE and group.is_reduced(t):
                keep_row(t, emit.element(t, _row_index(emit, group, t)))
        if k == last:
            _store_rows(emit, group)
        body += loop("i", "low", "high", emit, TASK) if emit.lines[TASK] else []
    body = [f"for low in range(begin, end, {STRIP}):",
            *indented([f"high = select(low + {STRIP} < end, low + {STRIP}, end)", *body])]
    tasks = group.sizes(dm.product(group.domain[a] for a in outer))
    waits = emit.copies and any("in vectors(" in line for line in body)
    return [kernel_call(group, emit, body, tasks, () if waits else in_place_pairs(emit, group, all_lines), STRIP)]


def _fetching(group: LoopGroup, emit: Emitter, body: list[str]) -> list[str]:
    """The lines, in long computations with marks so that what is computed next is fetched: where the last loop reads,
    which finds its own in the cache, and where the first one writes."""
    here = {tuple(emit.identity())}
    read = [x for x, places in emit.reads.items() if x.dims == group.domain and places == here]
    if group.operations < DENSE * sum(t.dtype.size for t in (*read, *group.full)):
        return body
    lines = {}
    for number, line in reversed([*enumerate(body)]):
        for what, slot in ACCESS.findall(line):
            if what == "store" or (what, slot) not in lines:
                lines[what, slot] = number
    marked = {lines.get((what, f"p{emit.slot(group.handle(t))}")) for what, tensors in (
        ("load", read), ("store", group.full)) for t in tensors}
    return [SCOPE.sub(lambda scope: str(int(scope[0]) + AHEAD), line) if number in marked else line
            for number, line in enumerate(body)]


def emit_rows(group: LoopGroup, emit: Emitter, inner: list[int], merged: bool, in_blocks: bool = False) -> list[str]:
    """Emit what a task does: loop k computes what needs the results of the loops before it. Returns their lines."""
    inner_runs = emit.runs[:-1]
    short = not in_blocks and group.bake_short(emit, inner)  # what several of its loops compute is then computed once
    row = group.sizes(dm.product(group.domain[a] for a in inner))
    if row < FEW and not short and not in_blocks:
        _few_if_costly(group, emit)
    if isa().masks and len(inner_runs) == 1 and not short and not in_blocks and (row % FULL > 1 or _branches(group)):
        emit.copies = next(copies for copies, least in COPIES if row >= least)
    stage = _stages(group)
    last = _last(group, stage)
    kept_rows, needed = _kept(group, stage, last)
    # what short rows keep has room of its own: they would wait for a masked end to read it back
    hosts = not in_blocks and group.full and stage[group.full[-1]] == last and emit.copies in (0, COPIES[0][0])
    keeps = merged and inner and not short
    homes = _homes(group, stage, kept_rows, needed) if hosts and keeps else {}
    all_lines: list[str] = []
    for k in range(last + 1):
        emit.values[INNER] = {}
        emit.lines[INNER] = []
        at = (ROWS, f"j * {ROWS} + l") if in_blocks else (1, "j")
        emit.keep = _keeper(group, emit, kept_rows[k], homes, *at) if keeps else lambda t: None
        updates = []
        for op in group.reductions:
            if stage[op.inputs[0]] == k:
                updates.append((op, _accumulate(emit, op)))
        _store_elements(emit, group, [t for t in group.full if stage[t] == k], homes)
        all_lines += emit.lines[INNER]
        emit.lines[TASK] += nest(emit, inner_runs) if inner_runs else emit.lines[INNER]
        for op, name in updates:
            emit.results[op.output] = name
    _store_rows(emit, group)
    return all_lines


def _store_elements(emit: Emitter, group: LoopGroup, outputs: Iterable[Tensor], homes: dict[Tensor, Tensor]) -> None:
    for t in outputs:
        if homes.get(t) is t:
            emit.element(t, emit.identity())  # kept where it belongs
        else:
            store(emit, group, t, emit.identity())


def _store_rows(emit: Emitter, group: LoopGroup) -> None:
    for t in group.rows:
        emit.store(t.dtype, emit.slot(group.handle(t)), emit.linear(t.dims, _row_index(emit, group, t)),  # type: ignore[arg-type]
                   emit.element(t, _row_index(emit, group, t)))


def _spans(axes: list[int]) -> list[list[int]]:
    """The axes in lists of neighbours."""
    spans: list[list[int]] = []
    for a in axes:
        if spans and spans[-1][-1] == a - 1:
            spans[-1].append(a)
        else:
            spans.append([a])
    return spans


def _stages(group: LoopGroup) -> dict[Tensor, int]:
    """For each body tensor how many loops must be complete before its element can be computed."""
    stage: dict[Tensor, int] = {}
    for op in group.body.operations:
        own = max((stage[t] for t in op.inputs), default=0)
        for t in op.outputs:
            stage[t] = own + 1 if op.definition.family == REDUCTION else own
    return stage


def _last(group: LoopGroup, stage: dict[Tensor, int]) -> int:
    """The last loop that a task needs."""
    return max((stage[t] for t in [*group.full, *(op.inputs[0] for op in group.reductions)]), default=0)


def _kept(group: LoopGroup, stage: dict[Tensor, int], last: int) -> tuple[list[set[Tensor]], list[set[Tensor]]]:
    """For each loop the elements worth storing for a later one: costly to compute again, and used there by what this
    loop does not compute; and all that it uses."""
    costly: set[Tensor] = set()
    users: dict[Tensor, list[Tensor]] = {}
    for op in group.body.operations:
        for t in op.inputs:
            users.setdefault(t, []).extend(op.outputs)
        if op.definition.family != REDUCTION and (is_costly(op) or any(t in costly for t in op.inputs)):
            costly.update(t for t in op.outputs if t.dims == group.domain)
    kept: list[set[Tensor]] = []
    needed: list[set[Tensor]] = []
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
        needed.append(used)
        computed.update(op.output for op in group.reductions if stage[op.inputs[0]] == k)
        kept.append({t for t in used & costly if any(u not in computed and stage[u] > k for u in users.get(t, ()))})
    return kept, needed


def _homes(group: LoopGroup, stage: dict[Tensor, int], kept: list[set[Tensor]], needed: list[set[Tensor]]
           ) -> dict[Tensor, Tensor]:
    """What is kept in the rows of outputs, which then need no others beside them in the first-level cache: outputs that
    later loops read, and a guest in one's that is written when an element of it has been read for the last time."""
    given = set(map(group.handle, group.body.inputs))
    outputs = [t for t in group.full if group.handle(t) not in given]
    homes = {t: t for t in outputs if any(t in row for row in kept)}
    guests = [t for op in group.body.operations for t in op.outputs if t not in homes and any(t in row for row in kept)]
    if guests:
        guest = guests[-1]
        read = max(k for k, used in enumerate(needed) if guest in used)
        hosts = [t for t in outputs if t.dtype == guest.dtype and stage[t] >= read]
        homes |= {guest: min(hosts, key=stage.__getitem__)} if hosts else {}
    return homes


def _keeper(group: LoopGroup, emit: Emitter, kept: set[Tensor], homes: dict[Tensor, Tensor], rows: int,
            at: str) -> Callable[[Tensor], tuple[int, str] | None]:
    """Gives the place of an element that is kept for a later loop: in its home, or `at` of scratch rows, and of another
    vector that may be written whole."""
    def keep(t: Tensor) -> tuple[int, str] | None:
        if t not in kept:
            return None
        if t in homes:
            return emit.slot(group.handle(homes[t])), emit.linear(group.domain, emit.identity())
        assert group.axes is not None
        row = rows * group.sizes(dm.product(group.domain[a] for a in group.axes))
        slot = emit.slot(scratch := Scratch(row * t.dtype.size // 64 * 64 + 64, per_lane=True))
        emit.lines[KERNEL].append(f"p{slot} += lane * {emit.argument(('lane', slot), scratch.apart)}")
        return slot, at
    return keep


def _accumulate(emit: Emitter, op: Operation) -> str:
    """One step of a reduction into a task's variable, whose name is returned."""
    element = emit.element(op.inputs[0], emit.identity())
    name = emit.name(TASK, op.output.dtype)
    emit.line(TASK, f"{name} = {emit.identity_element(op)}")
    step = op.definition.fields["combine"].format(name, element)
    emit.line(INNER, f"{name} = {step}" if op.output.dtype.is_floating else f"{name} = {op.output.dtype.code}({step})")
    return name


def _row_index(emit: Emitter, group: LoopGroup, t: Tensor) -> list[str]:
    """The index of a task's element in a tensor with the reduced axes gone or 1."""
    assert t.dims is not None and group.axes is not None
    if len(t.dims) == len(group.domain):
        return ["0" if a in group.axes else emit.axis(a) for a in range(len(t.dims))]
    return [emit.axis(a) for a in range(len(group.domain)) if a not in group.axes]
