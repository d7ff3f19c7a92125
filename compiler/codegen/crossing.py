"""Kernels of groups that read along another axis than they write: two loops take turns."""
from __future__ import annotations

from .. import dims as dm
from ..ir import Operation
from .emitter import INNER, TASK, Emitter, Run, SplitRun
from .kernel import KernelCall
from .loop_group import LoopGroup, kernel_call, store
from .source import indented

# elements that a task takes of an axis along which it reads but does not write: so many lines 4 KB apart, as rows of a
# power of two may be, still fit into a set of the first-level cache
TILE = 8
# elements of an axis up to which it is written out, and what a task then takes of the other one
FEW, BLOCK = 7, 4096


def lower_tiles(group: LoopGroup, permuted: Operation) -> list[KernelCall]:
    """Tasks take some of axis b, along which the op reads what it writes along the last one, so that the lines of
    memory which a pass over the last axes reads are the next pass's too."""
    across, inner, outer = _axes(group, permuted)
    emit = _emitted(group, across, inner, outer)
    count = emit.dim(dm.product(group.domain[a] for a in inner))
    return _call(group, emit, across, outer, TILE, [f"for j in range({count}):", "    for b in range(low, high):"])


def lower_few(group: LoopGroup, permuted: Operation) -> list[KernelCall]:
    """Where one of the two axes is known to be short, such as an image's channels, it is written out: LLVM then reads
    or writes whole vectors of it and of the other one together. Raises SplitRun elsewhere."""
    across, inner, outer = _axes(group, permuted)
    lengths = [dm.product(group.domain[a] for a in axes) for axes in (across, inner)]
    short = next((n for n in lengths if isinstance(n, int) and n <= FEW), 0)
    if not short:
        raise SplitRun
    few, many, parted = ("b", "j", inner) if short == lengths[0] else ("j", "b", across)
    emit = _emitted(group, across, inner, outer, short)
    if any("//" in line for line in emit.axis_lines(emit.lines[INNER])[INNER]):
        raise SplitRun
    return _call(group, emit, parted, outer, BLOCK, [f"for {many} in range(low, high):",
                                                     f"    for {few} in range({short}):"])


def _axes(group: LoopGroup, permuted: Operation) -> tuple[list[int], list[int], list[int]]:
    """The axes along which the op reads its input's last ones, those after them, and those before."""
    source = permuted.attrs[permuted.definition.fields["permutes"]]
    rank = len(group.domain)
    last = first = source.index(rank - 1)
    while first and source[first - 1] == source[first] - 1:
        first -= 1
    across, inner, outer = (group.walked(axes) for axes in (
        range(first, last + 1), range(last + 1, rank), range(first)))
    if permuted.output.dims != group.domain or not across or not inner:
        raise SplitRun
    return across, inner, outer


def _emitted(group: LoopGroup, across: list[int], inner: list[int], outer: list[int], short: int = 0) -> Emitter:
    emit = group.emitter([run for run in (Run(across, "b", INNER), Run(inner, "j", INNER), Run(outer, "i", TASK))
                          if run.axes])
    if short:
        emit.bake(short)
    for t in group.full:
        store(emit, group, t, emit.identity())
    return emit


def _call(group: LoopGroup, emit: Emitter, parted: list[int], outer: list[int], part: int, loops: list[str]
          ) -> list[KernelCall]:
    """Tasks are parts of some axes, from `low` to `high`, for each of what the outer ones have."""
    size = dm.product(group.domain[a] for a in parted)
    parts = -(-group.sizes(size) // part)
    per_row = emit.argument("parts", parts)
    definitions = emit.axis_lines([*emit.lines[TASK], *emit.lines[INNER]])
    body = ["for task in range(begin, end):", *indented([
        f"i = task // {per_row}", f"low = task % {per_row} * {part}",
        f"high = select(low + {part} < {emit.dim(size)}, low + {part}, {emit.dim(size)})",
        *definitions[TASK], *emit.lines[TASK], *loops,
        *indented(indented([*definitions[INNER], *emit.lines[INNER]]))])]
    tasks = group.sizes(dm.product(group.domain[a] for a in outer)) * parts
    return [kernel_call(group, emit, body, tasks)] if group.elements else []
