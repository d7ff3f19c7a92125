"""Products, a loop over their rows and products of what it makes, in one kernel, block of rows by block of rows.

A task is a block of rows, or all rows of a matrix where a product sums over them. What its rows meet whole (keys and
values) is packed as long as it has not yet been; what the products make for the loop, and the loop for other products,
stays in the lane's second-level cache. unit_rows.py and vector_rows.py multiply.
"""
from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import ceil, prod
from typing import Any

from ..ir import Graph, Operation, Tensor
from ..passes.fuse import parameter
from ..passes.rewrite import root
from ..passes.row_blocks import RowBlock, matrix_product
from .emitter import INNER, KERNEL, TASK, Emitter, Run
from .gemm import product_of
from .kernel import KernelCall, Scratch
from .loop_group import LoopGroup, in_place_pairs
from .loops import emit_rows
from .product import Product
from .source import calls, indented, loop
from .text import NATIVE

# what a lane may keep of a block and what its rows meet
LANE_BYTES = 1_500_000


class _Group(LoopGroup):
    """The loop of a block. What is `local` is at element j of the present row."""

    local: frozenset[Any] = frozenset()

    def emitter(self, runs: Sequence[Run]) -> Emitter:
        emit = _Emitter(self.domain, runs, self.sizes, self.fault_id, self.handle)
        emit.local = self.local
        emit.levels["at"] = TASK
        return emit


class _Emitter(Emitter):
    local: frozenset[Any]

    def load(self, dtype: Any, slot: int, at: str) -> str:
        return super().load(dtype, slot, "at + j" if self.buffers[slot] in self.local else at)

    def store(self, dtype: Any, slot: int, at: str, value: str) -> None:
        super().store(dtype, slot, "at + j" if self.buffers[slot] in self.local else at, value)


class RowKernel(ABC):
    """The kernel of a block; subclasses say how its products are computed, and where that is worth it."""

    name: str
    heights: Sequence[int]  # rows of a block that may be, the first that fits
    part = "n"  # how many columns of a block meet a taker at once
    imports: Sequence[str] = ()  # names of other modules than the prelude
    opening: Sequence[str] = ()
    closing: Sequence[str] = ()

    def __init__(self, block: RowBlock, lowering: Any):
        self.block, self.lowering = block, lowering
        *batch, self.m, self.n = (lowering.sizes(d) for d in block.loop.attrs["domain"])
        self.matrices = prod(batch)
        # elements from row to row, as those that lie a multiple of 256 bytes apart share a few lines of a cache
        self.pitch = 32 * ceil(self.n / 32) + 16
        self.makers = [self._product(op) for op in block.makers]
        self.takers = [self._product(op) for op in block.takers]
        self.natives: dict[str, str] = {}  # definitions of the module, each with what in Python calls it
        self.sums = [op.attrs["transpose_a"] for op in block.takers]

    def _product(self, op: Operation) -> Product:
        found = matrix_product(op)
        assert found is not None
        product, (a, b) = found
        return product_of(a, b, op.outputs[0], **self.lowering.product_sizes(product, (a, b)))

    @abstractmethod
    def fits(self) -> bool:
        """Whether one kernel can compute the block, and is faster than several."""

    def _prepare(self) -> None:  # noqa: B027 (a kernel may need none)
        """Take the memory that the products need."""

    @abstractmethod
    def _make(self, p: Product, out: Tensor, whole: list[str]) -> list[str]:
        """The block's rows of a product for the loop; `whole` gets what is done once for a matrix."""

    @abstractmethod
    def _take(self, p: Product, whole: list[str]) -> list[str]:
        """What a part of the block's columns adds to the block's rows of a product."""

    def _sum(self, p: Product, before: list[str]) -> list[str]:
        """What a part of the block's columns, transposed, adds to these rows of a product that sums over blocks,
        where `fits` allows any."""
        raise TypeError(f"{self.name} takes no product that sums over blocks")

    def _whole_blocks(self) -> bool:
        """Whether the products are those of the loop's rows."""
        m, n, matrices = self.m, self.n, self.matrices
        return all(p.matrices == matrices for p in (*self.makers, *self.takers)) and all(
            (p.m, p.n) == (m, n) for p in self.makers) and all(
            (p.m, p.k) == ((n, m) if sums else (m, n)) and prod(self.lowering.shape(p.a)) == matrices * m * n
            for p, sums in zip(self.takers, self.sums, strict=True))

    def call(self) -> KernelCall | None:
        if not self.fits():
            return None
        for rows in self.heights:
            text = self._text(min(rows, 32 * ceil(self.m / 32)))
            group, emit = self.group, self.emit
            buffers = tuple(self.overwrites.get(x, x) for x in emit.buffers)
            if sum(x.nbytes for x in {*buffers} if isinstance(x, Scratch)) <= LANE_BYTES:
                break
        here = {tuple(emit.identity())}
        if any(emit.reads.get(p, here) != here for p in group.body.inputs if group.handle(p) in group.local):
            return None  # of other rows than its own
        made = {t for op in self.block.operations for t in op.outputs}
        writes = tuple(i for i, x in enumerate(emit.buffers) if isinstance(x, Scratch) or x in made)
        outer = [x for x in emit.buffers if isinstance(x, Tensor)]
        return KernelCall(self.name, text, buffers, tuple(emit.dims), self.matrices * self.parts,
                          flops=group.flops + sum(p.flops for p in (*self.makers, *self.takers)),
                          nbytes=sum(prod(self.lowering.shape(t)) * t.dtype.size for t in outer),
                          streams=tuple(emit.streams), writes=writes, grain=self.parts)

    # the loop, with what the makers do to their results

    def _loop_group(self, room: int) -> _Group:
        """The body of the loop and of the makers' epilogues, on the products as they are."""
        loop_op = self.block.loop
        body = Graph()
        values: dict[Tensor, Tensor] = {}
        handles: dict[Tensor, Any] = {}
        local = {t: Scratch(room, per_lane=True) for t in self.block.local}

        def given(p: Tensor, handle: Any) -> Tensor:
            out = body.add(parameter, (), {"type": p.type}, "in", control_inputs=(), site=p.op.site).output
            handles[out] = handle
            return out

        def append(inner: Graph, inputs: Sequence[Tensor]) -> None:
            for p, t in zip(inner.inputs, inputs, strict=True):
                if p not in values:
                    values[p] = made[root(t)] if root(t) in made else given(p, t)
            for op in inner.operations:
                if op.outputs[0] not in values:
                    copy = body.append(op, [values[t] for t in op.inputs])
                    values.update(zip(op.outputs, copy.outputs, strict=True))

        made: dict[Tensor, Tensor] = {}
        for maker in self.block.makers:
            out = maker.outputs[0]
            p = next(p for p, t in zip(loop_op.attrs["body"].inputs, loop_op.inputs, strict=True) if root(t) is out)
            if maker.type != "Fused":
                made[out] = given(p, local[out])
                continue
            inner, anchor = maker.attrs["body"], maker.attrs["anchor"]
            values[anchor.output] = given(anchor.output, local[out])
            used = {t for op in inner.operations if op is not anchor for t in op.inputs}
            values.update({p: p for p in anchor.inputs if p not in used})
            append(inner, maker.inputs)
            made[out] = values[inner.outputs[0]]
        append(loop_op.attrs["body"], loop_op.inputs)
        body.inputs = tuple(handles)
        body.outputs = tuple(values[t] for t in loop_op.attrs["body"].outputs)
        for t, out in zip(body.outputs, loop_op.outputs, strict=True):
            handles[t] = local.get(out, out)
        self.at = {root(t): local.get(root(t), t) for t in (*loop_op.inputs, *loop_op.outputs)}
        group = _Group(loop_op.name, body, loop_op.attrs["domain"], loop_op.attrs["axes"], self.lowering.sizes,
                       self.lowering.fault_id, lambda t: handles.get(t, t))
        group.local = frozenset(local.values())
        return group

    def _text(self, rows: int) -> str:
        self.rows, self.natives = rows, {}
        self.group = group = self._loop_group(rows * self.pitch * 4)
        rank = len(group.domain)
        self.emit = emit = group.emitter([Run([rank - 1], "j", INNER), Run(group.walked(range(rank - 1)), "i", TASK)])
        lines = emit_rows(group, emit, [rank - 1], merged=True)
        self.overwrites = {emit.buffers[out]: emit.buffers[x] for out, x in in_place_pairs(emit, group, lines)
                           if {emit.buffers[out], emit.buffers[x]} <= group.local}
        for x in [x for x in emit.buffers if x in group.local]:
            self._lane(x)
        share = self.m if any(self.sums) else rows
        self.parts = ceil(self.m / share)
        sizes = {"m": self.m, "n": self.n, "parts": self.parts, "block": rows, "share": share, "pitch": self.pitch}
        names = [f"{name} = {emit.argument(name, value)}" for name, value in sizes.items()]
        rows_loop = loop("i", "base", "base + rows", emit, TASK)
        rows_loop.insert(1, "    at = (i - base) * pitch")
        self._prepare()
        whole: list[str] = []  # once for a matrix
        before = [line for p, op in zip(self.makers, self.block.makers, strict=True)
                  for line in self._make(p, op.outputs[0], whole)]
        after: list[str] = []
        taken = [line for p, sums in zip(self.takers, self.sums, strict=True)
                 for line in (self._sum(p, after) if sums else self._take(p, whole))]
        return self._module([
            *names, *self.opening, "held = -1", "for task in range(begin, end):", *indented([
                "matrix = task // parts", "start = (task - matrix * parts) * share",
                "if matrix != held:", "    held = matrix", *indented(whole),
                "for first in range(start, min(start + share, m), block):", *indented([
                    "rows = min(block, m - first)", "base = matrix * m + first", *before, *rows_loop, *after,
                    f"for part in range(0, n, {self.part}):", f"    wide = min({self.part}, n - part)",
                    *indented(taken)])]),
            *self.closing])

    def _rows_of(self, t: Tensor) -> tuple[str, str]:
        """Address and stride of the block's rows of what the loop reads or makes."""
        handle = self.at[root(t)]
        here = f"p{self.emit.slot(handle)}"
        return (here, "pitch") if isinstance(handle, Scratch) else (f"{here} + base * n * 4", "n")

    def _matrix(self, handle: Any, batch: Sequence[int], strides: Sequence[int]) -> str:
        """The address of the present matrix of an operand: axes of the batch that lie one in the other are one."""
        levels: list[list[int]] = []
        for size, stride in zip(batch[::-1], strides[::-1], strict=True):
            if levels and stride == levels[-1][0] * levels[-1][1]:
                levels[-1][0] *= size
            elif size > 1:
                levels.append([size, stride])
        terms, index = [f"p{self.emit.slot(handle)}"], "matrix"
        for i, (size, stride) in enumerate(levels):
            count = self._new(size)
            digit = index if i == len(levels) - 1 else f"({index}) % {count}"
            terms.append(f"({digit}) * {self._new(4 * stride)}")
            index = f"({index}) // {count}"
        return " + ".join(terms)

    def _new(self, value: int) -> str:
        """A size of its own: equal ones may differ for other shapes, which the same text serves."""
        return self.emit.argument(("own", len(self.emit.dims)), value)

    def _scratch(self, nbytes: int) -> str:
        scratch = Scratch(-(-nbytes // 64) * 64, per_lane=True)
        self._lane(scratch)
        return f"p{self.emit.slot(scratch)}"

    def _lane(self, scratch: Scratch) -> None:
        slot = self.emit.slot(scratch)
        self.emit.lines[KERNEL].append(f"p{slot} += lane * {self._new(scratch.apart)}")

    def _module(self, body: Sequence[str]) -> str:
        emit, helpers = self.emit, "".join(self.natives.values())
        setup = [f"p{i} = word(buffers, {i})" for i in range(len(emit.buffers))]
        setup += [f"n{i} = word(dims, {i})" for i in range(len(emit.dims))]
        text = "\n".join(indented([*setup, *emit.lines[KERNEL], *body]))
        ours = re.compile("(strips|panels|pack|tile|sum|add|multiply|met|finite)_|(ready|leave|min|max)$")
        names = sorted({"compiled", *(name for name in calls(text + helpers) if not ours.match(name))})
        return "\n".join([
            '"""Blocks of rows."""', *self.imports, f"from {NATIVE}.prelude import {', '.join(names)}", "",
            *self.natives, helpers, "", "@compiled", "def kernel(buffers, dims, begin, end, lane):", text]) + "\n"
