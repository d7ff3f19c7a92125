"""Rows too short to fill vectors: blocks of them are transposed in vector registers on their way into the first-level
cache and out of it, so that the elements that many rows have in one place are vectors, and their sums too.
"""
from __future__ import annotations

import re
from collections.abc import Iterable

from .. import dims as dm
from ..dims import DimLike
from ..ir import Tensor
from ..native.processor import lanes
from .emitter import KERNEL, TASK, Emitter, is_costly, scope
from .kernel import KernelCall, Scratch
from .loop_group import SHORT, LoopGroup, kernel_call
from .source import indented

ROWS, FEWEST = 64, 32  # rows of a block, and how many are worth it (those of a batch of any size are)
# bytes of rows up to which this is faster than a vector of a row at a time: of any, and where there are functions
SIMPLE, COSTLY = 48, 96
VARIABLE = re.compile(r"\bv\d+\b")


def is_block(group: LoopGroup, inner: list[int]) -> bool:
    """Whether rows of these axes are short, and what is computed of them takes longer than to transpose them."""
    length: DimLike = dm.product(group.domain[a] for a in inner)
    rows: DimLike = dm.product(d for a, d in enumerate(group.domain) if a not in inner)
    last = list(range(len(group.domain) - len(inner), len(group.domain)))
    if (inner != last or isinstance(length, int) and length <= SHORT or not group.elements
            or isinstance(rows, int) and rows < FEWEST):
        return False
    costly = any(map(is_costly, group.body.operations))
    moved = {t.dtype.size for t in (*group.body.inputs, *group.full) if t.dims == group.domain}
    return ((costly or len(group.reductions) > 1) and moved <= {4, 8}
            and 1 < group.sizes(length) <= (COSTLY if costly else SIMPLE) // max(moved, default=8))


def lower_block(group: LoopGroup, emit: Emitter, inner: list[int], rows: int, in_place: tuple[tuple[int, int], ...]
                ) -> KernelCall:
    """The call of a group for whose rows `emit` has the lines of a task: its tasks are blocks of them."""
    length = emit.dim(dm.product(group.domain[a] for a in inner))
    block = _Block(emit, length, emit.linear(group.domain, emit.identity()))
    body = block.parts(emit.lines[TASK])
    here = tuple(emit.identity())
    read = [x for x, at in emit.reads.items() if x.dims == group.domain and here in at]
    body = block.moved(group, read, group.full, body)
    body = ["for block in range(begin, end):", *indented([
        f"first = block * {ROWS}", f"count = min({emit.argument('rows', rows)} - first, {ROWS})", *body])]
    return kernel_call(group, emit, body, -(-rows // ROWS), in_place)


class _Block:
    """The lines for a block of rows: rows are `l`, places in them `j`."""

    def __init__(self, emit: Emitter, length: str, place: str):
        self.emit, self.length, self.place = emit, length, place

    def scratch(self, nbytes: int) -> int:
        """The slot of memory of a lane."""
        scratch = Scratch(nbytes, per_lane=True)
        slot = self.emit.slot(scratch)
        self.emit.lines[KERNEL].append(f"p{slot} += lane * {self.emit.argument(('lane', slot), scratch.apart)}")
        return slot

    def parts(self, lines: list[str]) -> list[str]:
        """A row's lines, each part of them done for all rows: a loop over its elements, or what is between two loops.
        What one part computes for another, each row has in memory."""
        parts: list[list[str]] = []
        for line in lines:
            if line.startswith("for ") or not parts or parts[-1][0].startswith("for ") and line[0] != " ":
                parts.append([])
            parts[-1].append(line)
        named = [{name for line in part for name in VARIABLE.findall(line) if self.emit.levels[name] != KERNEL}
                 for part in parts]
        kept = {name: self.scratch(8 * ROWS) for k, names in enumerate(named) for name in sorted(names)
                if any(name in others for others in named[k + 1:])}
        body = []
        for part, names in zip(parts, named, strict=True):
            made = {line.split(" = ")[0].strip() for line in part}
            own = [name for name in kept if name in names]
            first = {name for name in own if name not in made or part[0].startswith("for ")}
            before = [f"{name} = load_{self.emit.types[name]}(p{kept[name]}, l, {scope(kept[name])})"
                      for name in own if name in first]
            after = [f"store_{self.emit.types[name]}(p{kept[name]}, l, {name}, {scope(kept[name])})"
                     for name in own if name in made]
            places = self.emit.axis_lines(part)[TASK]
            looped = part[0].startswith("for ")
            inside = [line[4:] for line in part[1:]] if looped else part
            rows = ["for l in range(count):", *indented(["i = first + l", *places, *before, *inside, *after])]
            body += [part[0], *indented(rows)] if looped else rows
        return body

    def moved(self, group: LoopGroup, read: Iterable[Tensor], made: Iterable[Tensor], lines: list[str]) -> list[str]:
        """The lines with the accesses of whole rows turned into such of columns, and what moves these."""
        ends: list[list[str]] = [[], []]
        for what, tensors in (("load", read), ("store", made)):
            for handle, size in {group.handle(t): t.dtype.size for t in tensors}.items():
                slot, code, width = self.emit.slot(handle), f"f{8 * size}", lanes(f"f{8 * size}")
                own = self.scratch(COSTLY * ROWS)
                self.emit.natives[f"transposed_{code}"] = "tiles", f"transpose_block({code!r})"
                access = re.compile(rf"\b({what}_\w+\()p{slot}, {re.escape(self.place)}, (.*?)\d+\)$")
                lines = [access.sub(rf"\1p{own}, j * {ROWS} + l, \g<2>{scope(own)})", line) for line in lines]
                row = f"p{slot} + ((first + top) * {self.length} + left) * {size}, {self.length}"
                column = f"p{own} + (left * {ROWS} + top) * {size}, {ROWS}"
                high, wide = f"min(count - top, {width})", f"min({self.length} - left, {width})"
                arguments = [row, column, high, wide] if what == "load" else [column, row, wide, high]
                ends[what == "store"] += [
                    f"for top in range(0, count, {width}):", f"    for left in range(0, {self.length}, {width}):",
                    f"        transposed_{code}({', '.join(arguments)})"]
        return [*ends[0], *lines, *ends[1]]
