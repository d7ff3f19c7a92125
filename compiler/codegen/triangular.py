"""Kernels of Cholesky factors and triangular systems, in panels of columns that are as wide as a tile of a product.

Both go down packed panels a block of rows at a time: what the rows before contribute is a tile of a matrix product, and
what remains is a small triangle, whose solution runs along the panel's columns. Cholesky factors the upper triangle,
A = U^T U (Golub and Van Loan, section 4.2), so that a block of rows of U solves such a system with U^T.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, prod

from ..ir import Operation, Tensor
from ..native.processor import ELEMENT_BYTES, isa, lanes
from . import abreast
from .emitter import STATUS
from .kernel import KernelCall, Scratch
from .source import calls
from .text import NATIVE, indent, words

ShapeOf = Callable[[Tensor], tuple[int, ...]]
FaultId = Callable[[Operation], int]


def lower_cholesky(op: Operation, shape_of: ShapeOf, fault_id: FaultId) -> list[KernelCall]:
    """Tasks are the matrices."""
    x, y = op.inputs[0], op.output
    *batch, n, _ = shape_of(x)
    if not prod(batch) * n:
        return []
    if abreast.pays(x.dtype.code, n, 0, prod(batch)):
        return [abreast.cholesky(x, y, n, prod(batch), fault_id(op))]
    panel = Panel.of(x.dtype.code, n)
    panel_bytes = panel.nbytes(n)
    work = Scratch(panel.small_bytes + ceil(n / panel.width) * panel_bytes, per_lane=True)
    return [KernelCall("cholesky", _cholesky(panel), (x, y, STATUS, work),
                       (n, panel_bytes, work.apart, fault_id(op)), prod(batch), flops=prod(batch) * n ** 3 // 3,
                       nbytes=2 * prod(batch) * n * n * panel.size, writes=(1, 3))]


def lower_triangular_solve(op: Operation, shape_of: ShapeOf, fault_id: FaultId) -> list[KernelCall] | None:
    """Tasks are the panels of the right-hand sides. None where matrices of either side serve for several of the other.
    """
    (a, b), x = op.inputs, op.output
    (*batch, n, _), (*own, _, columns) = shape_of(a), shape_of(b)
    if batch != own:
        return None
    if not prod(batch) * n * columns:
        return []
    if abreast.pays(b.dtype.code, n, columns, prod(batch)):
        return [abreast.triangular_solve(op, n, columns, prod(batch), fault_id(op))]
    panel = Panel.of(b.dtype.code, columns)
    panels, panel_bytes = ceil(columns / panel.width), panel.nbytes(n)
    work = Scratch(panel.small_bytes + panel_bytes, per_lane=True)
    source = _triangular_solve(panel, op.attrs["adjoint"], op.attrs["lower"] != op.attrs["adjoint"])
    return [KernelCall("triangular_solve", source, (a, b, x, STATUS, work),
                       (n, columns, panels, panel_bytes, work.apart, fault_id(op)), prod(batch) * panels,
                       flops=prod(batch) * n * n * columns,
                       nbytes=prod(batch) * (n * n + 2 * n * columns) * panel.size, writes=(2, 4))]


@dataclass(frozen=True)
class Panel:
    """Columns side by side, `nv` vectors of them, and how they are solved."""

    dtype: str
    nv: int

    @staticmethod
    def of(dtype: str, columns: int) -> Panel:
        """One for matrices of so many columns."""
        return Panel(dtype, 1 if columns <= lanes(dtype) else isa().nv)

    @property
    def size(self) -> int:
        return ELEMENT_BYTES[self.dtype]

    @property
    def width(self) -> int:
        return self.nv * lanes(self.dtype)

    @property
    def block(self) -> int:
        """Rows at a time: no more than a tile's, and no block of columns stands in two panels."""
        return next(rows for rows in (8, 4, 2) if rows <= isa().mr and self.width % rows == 0)

    @property
    def small_bytes(self) -> int:
        """Of a tile of a product and of a triangle."""
        return (self.block * self.width + self.block ** 2) * self.size

    def nbytes(self, rows: int) -> int:
        """Of a panel, whose rows are whole blocks and vectors."""
        unit = max(self.block, lanes(self.dtype))
        return ceil(rows / unit) * unit * self.width * self.size

    def fill(self) -> list[str]:
        """Lines that fill up a block of fewer rows: with the identity's, and nothing to be subtracted."""
        return [f"if rows < {self.block}:",
                f"    for i in range({self.block * self.width}):",
                f"        store_{self.dtype}(tile, i, {self.dtype}(0), 2)",
                f"    for i in range({self.block ** 2}):",
                f"        store_{self.dtype}(triangle, i, {self.dtype}(0), 3)",
                f"    for i in range({self.block}):",
                f"        store_{self.dtype}(triangle, i * {self.block + 1}, {self.dtype}(1), 3)"]

    def triangle(self, element: str, backward: bool) -> list[str]:
        """Lines that copy the triangle of a block: the arguments of its element (i, j) are `element`."""
        return ["for i in range(rows):",
                f"    for j in range({'i, rows' if backward else 'i + 1'}):",
                f"        store_{self.dtype}(triangle, j * {self.block} + i, load_{self.dtype}({element}), 3)"]

    def substitute(self, backward: bool) -> list[str]:
        """Lines that solve a block's system for the rows of a panel at `target`, less the product in `tile`; element
        (i, j) of its triangle stands at (j, i)."""
        dtype, block, width = self.dtype, self.block, self.width
        order = list(range(block))[::-1] if backward else list(range(block))
        factors, steps = [], []
        for place, i in enumerate(order):
            factors.append(f"d{i} = {dtype}(1) / load_{dtype}(triangle, {i * (block + 1)}, 3)")
            factors += [f"l{i}_{j} = load_{dtype}(triangle, {j * block + i}, 3)" for j in order[:place]]
            known = "".join(f" - l{i}_{j} * x{j}" for j in order[:place])
            steps.append(f"x{i} = (load_{dtype}(target, {i * width} + j, 1) - load_{dtype}(tile, {i * width} + j, 2)"
                         f"{known}) * d{i}")
        steps += [f"store_{dtype}(target, {i * width} + j, x{i}, 1)" for i in order]
        return [*factors, f"for j in range({width}):", *("    " + line for line in steps)]

    def place(self) -> str:
        """Lines that say which panel of which right-hand sides a task has, and clear what is below it."""
        return f'''matrix = task // count
column = (task - matrix * count) * {self.width}
offset = (matrix * n * columns + column) * {self.size}
here = min({self.width}, columns - column)
for i in range(n * {self.width}, panel_bytes // {self.size}):
    store_{self.dtype}(panels, i, {self.dtype}(0), 1)'''

    def sweep(self, adjoint: bool, forward: bool, diagonal: Sequence[str]) -> list[str]:
        """Lines that solve triangular systems for the panel at `panels`: `matrix_a` (or its transpose) is lower
        triangular if they go `forward`. `diagonal` are what they do with element (i, i) of a block's triangle."""
        size, width, block = self.size, self.width, self.block
        row_step, step = ("1", "n") if adjoint else ("n", "1")
        first, last = ("0", "row") if forward else (f"(row + {block})", "n")
        return [
            f"for turn in range((n + {block - 1}) // {block}):",
            *(f"    {line}" for line in [
                f"row = {f'turn * {block}' if forward else f'((n - 1) // {block} - turn) * {block}'}",
                f"rows = min({block}, n - row)",
                *self.fill(),
                f"multiply(matrix_a + (row * {row_step} + {first} * {step}) * {size}, {row_step}, {step}, 0, 1,",
                f"         {last} - {first}, panels + {first} * {width * size}, {width}, 0, tile, {width}, 0, rows)",
                *self.triangle(f"matrix_a, (row + i) * {row_step} + (row + j) * {step}, 0", not forward),
                *(f"    {line}" for line in diagonal),
                f"target = panels + row * {width * size}",
                *self.substitute(not forward)])]

    def module(self, title: str, pack: str, buffers: list[str], dims: list[str], body: str) -> str:
        """The text of a kernel's module; `work` and `work_bytes` are among its buffers and dims."""
        dtype = self.dtype
        names = {"compiled", *calls(body), "word"} - {"multiply", "pack", "min"}
        return f'''"""{title}"""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import {", ".join(sorted(names))}
{f"from {NATIVE}.tiles import {pack}" if pack else ""}

{f'pack = {pack}("{dtype}", {self.nv})' if pack else ""}
multiply = microkernel("{dtype}", {self.block}, {self.nv}, clamped=True)


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", buffers), 1)}
{indent(words("dims", dims), 1)}
    tile = work + lane * work_bytes
    triangle = tile + {self.block * self.width * self.size}
    panels = tile + {self.small_bytes}
    for task in range(begin, end):
{indent(body.split(chr(10)), 2)}
'''


def _triangular_solve(panel: Panel, adjoint: bool, forward: bool) -> str:
    dtype, size, width, block = panel.dtype, panel.size, panel.width, panel.block
    check = [f"if load_{dtype}(triangle, i * {block + 1}, 3) == {dtype}(0):", "    store_i64(status, 0, fault, -1)"]
    return panel.module(
        f"X with {'A^T' if adjoint else 'A'} X = B for triangular A.", "copy_panel",
        ["a", "b", "x", "status", "work"], ["n", "columns", "count", "panel_bytes", "work_bytes", "fault"],
        f'''{panel.place()}
matrix_a = a + matrix * n * n * {size}
pack(b + offset, columns, panels, n, here)
{chr(10).join(panel.sweep(adjoint, forward, check))}
for i in range(n):
    for j in range(here):
        store_{dtype}(x + offset, i * columns + j, load_{dtype}(panels, i * {width} + j, 1), 4)''')


def _cholesky(panel: Panel) -> str:
    """Panel by panel from the left; what stands in one below the diagonal is never read."""
    dtype, size, width, block = panel.dtype, panel.size, panel.width, panel.block
    load, store = f"load_{dtype}", f"store_{dtype}"
    return panel.module(
        "L with L L^T = A.", "transpose_panel", ["a", "out", "status", "work"],
        ["n", "panel_bytes", "work_bytes", "fault"], f'''source = a + task * n * n * {size}
factor = out + task * n * n * {size}
for number in range((n + {width - 1}) // {width}):
    panel = panels + number * panel_bytes
    first = number * {width}
    columns = min({width}, n - first)
    pack(source + first * n * {size}, n, panel, first + columns, columns)
    for row in range(0, first + columns, {block}):
        rows = min({block}, n - row)
        at = row % {width}
        above = panels + row // {width} * panel_bytes + at * {size}
        target = panel + row * {width * size}
{indent(panel.fill(), 2)}
        multiply(above, 1, {width}, 0, 1, row, panel, {width}, 0, tile, {width}, 0, rows)
        if row < first:
            for i in range({block}):
                for j in range({block}):
                    {store}(triangle, i * {block} + j, {load}(above, (row + i) * {width} + j, 5), 3)
        else:
{indent(_factor(panel), 3)}
{indent(panel.substitute(False), 2)}
    for i in range(columns):
        for k in range(first + i + 1):
            {store}(factor, (first + i) * n + k, {load}(panel, k * {width} + i, 1), 4)
        for k in range(first + i + 1, n):
            {store}(factor, (first + i) * n + k, {dtype}(0), 4)''')


def _factor(panel: Panel) -> list[str]:
    """Lines for the triangle on the diagonal, row by row."""
    dtype, block, width = panel.dtype, panel.block, panel.width
    load, store = f"load_{dtype}", f"store_{dtype}"
    return f'''for i in range(rows):
    for j in range(rows):
        left = {load}(target, i * {width} + at + j, 1) - {load}(tile, i * {width} + at + j, 2)
        {store}(triangle, i * {block} + j, left, 3)
for i in range({block}):
    pivot = {load}(triangle, i * {block + 1}, 3)
    if pivot > {dtype}(0):
        pivot = sqrt(pivot)
    else:
        store_i64(status, 0, fault, -1)
    for j in range({block}):
        {store}(triangle, i * {block} + j, {load}(triangle, i * {block} + j, 3) / pivot, 3)
    for k in range(i + 1, {block}):
        ratio = {load}(triangle, i * {block} + k, 3)
        for j in range({block}):
            left = {load}(triangle, k * {block} + j, 3) - ratio * {load}(triangle, i * {block} + j, 3)
            {store}(triangle, k * {block} + j, left, 3)'''.split("\n")
