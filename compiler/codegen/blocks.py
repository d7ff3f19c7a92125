"""Kernels of loop groups whose reductions several tasks share: each task accumulates a row of what is kept after the
reduced axes, and where several tasks add to one row a second kernel combines theirs.
"""
from __future__ import annotations

import re
from typing import Any

from .. import dims as dm
from ..ir import Operation
from .emitter import INNER, TASK, Emitter, Run, scope
from .kernel import KernelCall, Scratch
from .loop_group import LoopGroup, kernel_call, store
from .source import indented, loop, module, nest

# rows from which on what is the same for them is read before them
ALIKE = 16
# elements per block of a reduction that several tasks share, and how many blocks at most
BLOCK_ELEMENTS, MAX_BLOCKS = 1 << 15, 16
# of a row of totals that is longer than twice this, a task takes a part: totals stay in the first-level cache
PART = 1024
# rows that are added to one of totals at a time, and operations up to which they are; what is read is then no single
# stream, which for short rows is slower from so many bytes on
BESIDE, SIMPLE, NEAR = 4, 10, 1 << 24


def lower_blocks(group: LoopGroup, reduced: list[int], kept: list[int], merged: bool, divided: bool = False
                 ) -> list[KernelCall]:
    """Tasks are blocks of the reduced run, or parts of long rows; each accumulates a row of what is kept after it. The
    run is `divided` where operands need its first axis by itself: they need it but once for what comes after that."""
    outer, after = group.walked(a for a in kept if a < reduced[0]), group.walked(a for a in kept if a > reduced[-1])
    walked = group.walked(reduced)
    count, width, rows = (group.sizes(dm.product(group.domain[a] for a in axes)) for axes in (walked, after, outer))
    parts = -(-width // PART) if merged and width > 2 * PART else 1
    blocks = 1 if outer or parts > 1 else max(1, min(MAX_BLOCKS, count * width // BLOCK_ELEMENTS, count))
    inner_runs = [Run(after, "j", INNER)] if merged else [Run([a], f"j{a}", INNER) for a in after]
    runs = [Run(walked[divided:], "r", TASK if after else INNER), *inner_runs, Run(outer, "i", TASK)]
    runs += [Run(walked[:1], "s", TASK)] if divided else []
    emit = group.emitter([run for run in runs if run.axes])
    short = group.bake_short(emit, after)
    within = emit.linear(tuple(group.domain[a] for a in after), [emit.axis(a) for a in after])
    targets = {op: Scratch(blocks * width * op.output.dtype.size) if blocks > 1 else group.handle(op.output)
               for op in group.reductions}
    wide, length = (emit.dim(dm.product(group.domain[a] for a in axes)) for axes in (after, walked))
    elements = {op: emit.element(op.inputs[0], emit.identity()) for op in group.reductions}
    below = group.sizes(dm.product(group.domain[a] for a in walked[1:]))
    places = emit.axis_lines([*emit.lines[TASK], *emit.lines[INNER], *elements.values()])[TASK]
    if after and not divided and below >= ALIKE and any(line.startswith(f"x{walked[0]} = r //") for line in places):
        return lower_blocks(group, reduced, kept, merged, divided=True)
    simple = merged and after and not short and not group.full and len(group.body.operations) <= SIMPLE
    simple = simple and (width >= PART or group.nbytes < NEAR)
    beside = _beside(emit, elements, targets, wide) if simple else None
    before: list[str] = []
    finish: list[str] = []
    for op, element in elements.items():
        code, slot = op.output.dtype.code, emit.slot(targets[op])
        at = f"row * {wide} + ({within})" if after else "row"
        total = f"total{slot}"
        before.append(f"{total} = {emit.identity_element(op)}")
        if after:  # the row of totals is in memory
            before.append(f"store_{code}(p{slot}, row * {wide} + j, {total}, {scope(slot)})")
            emit.line(INNER, f"{total} = load_{code}(p{slot}, {at}, {scope(slot)})")
        emit.line(INNER, f"{total} = {code}({_step(op, total, element)})")
        (emit.lines[INNER] if after else finish).append(f"store_{code}(p{slot}, {at}, {total}, {scope(slot)})")
    for t in group.full:
        store(emit, group, t, emit.identity())
    if parts > 1:
        part_count = emit.argument("parts", parts)
        bounds = [f"row = task // {part_count}", f"left = task % {part_count} * {PART}",
                  f"right = select(left + {PART} < {wide}, left + {PART}, {wide})"]
    else:
        bounds = ["row = task"]
    if outer or parts > 1:
        bounds += ["i = row", "low = 0", f"high = {length}"]
    else:
        block_count = emit.argument("blocks", blocks)
        bounds += [f"low = {length} * task // {block_count}", f"high = {length} * (task + 1) // {block_count}"]
    definitions = emit.axis_lines([*emit.lines[TASK], *emit.lines[INNER]])[TASK]
    if after:
        left, right = ("left", "right") if parts > 1 else ("0", wide)
        inner = loop("j", left, right, emit, INNER) if merged else nest(emit, inner_runs)
        walk, first = [], "low"
        if beside:
            first = f"high - (high - low) % {BESIDE}"
            of_rows, of_elements = beside
            walk = [f"for r in range(low, high - {BESIDE - 1}, {BESIDE}):",
                    *indented([*of_rows, f"for j in range({left}, {right}):", *indented(of_elements)])]
        walk += [f"for r in range({first}, high):", *indented([*definitions, *emit.lines[TASK], *inner])]
        if divided:
            size = emit.argument("below", below)
            bounds += ["start = low", "stop = high"]
            walk = [f"for s in range(start // {size}, (stop + {size} - 1) // {size}):", *indented([
                f"low = select(start > s * {size}, start - s * {size}, 0)",
                f"high = select(stop - s * {size} < {size}, stop - s * {size}, {size})", *walk])]
        task = [f"for j in range({left}, {right}):", *indented(before), *walk]
    else:
        task = [*definitions, *emit.lines[TASK], *before, *loop("r", "low", "high", emit, INNER), *finish]
    body = ["for task in range(begin, end):", *indented([*bounds, *task])]
    calls = [kernel_call(group, emit, body, rows * parts * blocks)]
    if blocks > 1:
        calls += [_combine(group, op, targets[op], blocks, width) for op in group.reductions]
    return calls


def _beside(emit: Emitter, elements: dict[Operation, str], targets: dict[Operation, Any],
            wide: str) -> tuple[list[str], list[str]]:
    """The lines before and in an inner loop that adds the elements of several rows to a row of totals, which is read
    and written but once for them."""
    axes = emit.axis_lines([*emit.lines[TASK], *emit.lines[INNER], *elements.values()])
    levels = [[*axes[level], *emit.lines[level]] for level in (TASK, INNER)]
    own = {found[1] for lines in levels for line in lines if (found := re.match(r"\s*(\w+) = ", line))}
    names = re.compile(rf"\b(?:{'|'.join(['r', *own])})\b")

    def of_row(source: str, row: int) -> str:
        return names.sub(lambda name: f"(r + {row})" if name[0] == "r" else f"{name[0]}_{row}", source)

    before, body = ([of_row(line, row) for row in range(BESIDE) for line in lines] for lines in levels)
    for op, element in elements.items():
        code, slot = op.output.dtype.code, emit.slot(targets[op])
        place = f"p{slot}, row * {wide} + j"
        body.append(f"total{slot} = load_{code}({place}, {scope(slot)})")
        body += [f"total{slot} = {code}({_step(op, f'total{slot}', of_row(element, row))})" for row in range(BESIDE)]
        body.append(f"store_{code}({place}, total{slot}, {scope(slot)})")
    return before, body


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
