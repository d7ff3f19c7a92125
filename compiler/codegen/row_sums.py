"""Kernels of loop groups that read sums of rows at indices: the gradient of a table and its optimizer in one pass.

Tasks are the rows of the table. A call first lists for each of its rows where the row's index stands, from first to
last, so that a sum is the same for any number of threads. It then takes block after block of rows, small enough for
the first-level cache: sums what belongs to each row, and does the group's loop over the block's elements.
"""
from __future__ import annotations

from functools import partial

from .. import dims as dm
from .emitter import INNER, STATUS, TASK, Run, SplitRun, scope
from .kernel import KernelCall, Scratch
from .loop_group import LoopGroup, in_place_pairs, kernel_call, store
from .source import indented, loop, nest

BLOCK_ELEMENTS = 1024


def lower_row_sums(group: LoopGroup) -> list[KernelCall]:
    """All sums of the group have the same indices."""
    if not group.elements:
        return []
    inner = group.walked(range(1, len(group.domain)))
    try:
        return _summed(group, [Run(inner, "j", INNER)])
    except SplitRun:
        return _summed(group, [Run([a], f"j{a}", INNER) for a in inner])


def _summed(group: LoopGroup, of_row: list[Run]) -> list[KernelCall]:
    """The kernel that adds rows up in loops over these runs."""
    rank, sizes = len(group.domain), group.sizes
    emit = group.emitter([])
    emit.levels["at"] = TASK
    indices = group.row_sums[0].inputs[1]
    rows, row_elements = sizes(group.domain[0]), sizes(dm.product(group.domain[1:]))
    count, inner = emit.argument("count", sizes(dm.product(indices.dims))), emit.argument("inner", row_elements)
    block_rows = max(1, BLOCK_ELEMENTS // row_elements)
    block = emit.argument("block", block_rows)

    # a list of positions for each row: where it begins, and for each position the next
    row = emit.element(indices, ["at"])
    limit, fault = emit.argument("rows", rows), emit.argument("fault", group.fault_id(group.row_sums[0]))
    first, following = (_List(emit.slot(Scratch(8 * max(1, n)))) for n in (rows, sizes(dm.product(indices.dims))))
    status = emit.slot(STATUS)
    lists = [
        "for row in range(begin, end):", f"    {first.set('row', '-1')}",
        f"for k in range({count}):", f"    at = {count} - 1 - k", *indented(emit.lines[TASK]), f"    row = i64({row})",
        f"    if row < 0 or row >= {limit}:",
        *(f"        store_i64(p{status}, {word}, {what}, -1)"
          for word, what in ((1, "row"), (2, limit), (3, "at"), (0, fault))),
        "    elif row >= begin and row < end:",
        f"        {following.set('at', first.get('row'))}", f"        {first.set('row', 'at')}",
        f"if load_i64(p{status}, 0, -1) != 0:", "    end = begin"]

    emit.walk(of_row)
    place = emit.linear(group.domain[1:], emit.identity()[1:])
    clear, slots = [], {}
    for op in group.row_sums:
        code = op.output.dtype.code
        scratch = Scratch(-(-block_rows * row_elements * op.output.dtype.size // 64) * 64, per_lane=True)
        slots[op] = slot = emit.slot(scratch)
        lists.append(f"p{slot} += lane * {emit.argument(('lane', slot), scratch.apart)}")
        clear.append(f"store_{code}(p{slot}, i, {code}(0), {scope(slot)})")
    for op, slot in slots.items():
        code, value = op.output.dtype.code, emit.element(op.inputs[0], ["at", *emit.identity()[1:]])
        total = f"load_{code}(p{slot}, base + {place}, {scope(slot)}) + {value}"
        emit.line(INNER, f"store_{code}(p{slot}, base + {place}, {code}({total}), {scope(slot)})")
    add = [*emit.lines[TASK], *nest(emit, of_row)]

    emit.walk([Run(group.walked(range(rank)), "i", INNER)])
    for op, slot in slots.items():
        emit.stored[op.output] = partial(emit.load, op.output.dtype, slot, "i - low")
    for t in group.full:
        store(emit, group, t, emit.identity())
    emit.lines[INNER][:0] = emit.lines[TASK]
    body = [
        *lists,
        "while begin < end:",
        f"    stop = select(begin + {block} < end, begin + {block}, end)",
        f"    low = begin * {inner}",
        f"    for i in range((stop - begin) * {inner}):",
        *indented(indented(clear)),
        "    for row in range(begin, stop):",
        f"        base = row * {inner} - low",
        f"        at = {first.get('row')}",
        "        while at >= 0:",
        *indented(indented(indented([*add, f"at = {following.get('at')}"]))),
        *indented(loop("i", "low", f"stop * {inner}", emit, INNER)),
        "    begin = stop"]
    return [kernel_call(group, emit, body, rows, in_place_pairs(emit, group))]


class _List:
    """Elements of int64 in a slot."""

    def __init__(self, slot: int):
        self.slot = slot

    def get(self, at: str) -> str:
        return f"load_i64(p{self.slot}, {at}, {scope(self.slot)})"

    def set(self, at: str, value: str) -> str:
        return f"store_i64(p{self.slot}, {at}, {value}, {scope(self.slot)})"
