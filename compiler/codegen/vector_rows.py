"""Blocks of rows (row_kernel.py) whose products are computed in vector registers, by the micro-kernel.

What the rows meet whole is packed in panels as wide as a tile, unless it lies so that it is read as well as it is.
"""
from __future__ import annotations

from math import ceil
from typing import Any

from ..ir import Operation, Tensor
from ..native.processor import isa, lanes
from ..opdef import ELEMENTWISE
from ..passes.rewrite import consumers
from ..passes.row_blocks import RowBlock
from .emitter import INNER, TASK, Run
from .kernel import Scratch
from .loop_group import LoopGroup
from .product import Panels, Product, even_panels
from .row_kernel import RowKernel
from .source import indented, loop
from .text import NATIVE

# rows of a block: what the products make of 32 stays with what it meets in a second-level cache of 1 MiB; where some
# are summed over, more repay that what they are added to is read and written
ROWS, SUMMED_ROWS = 32, 64
# sizes from which on blocks are faster than kernels one by one, also where a task is a matrix, as rows are summed over
LEAST_ROWS, LEAST_COLUMNS = 32, 32
LEAST_SUMMED, LEAST_MATRICES = 128, 4
# bytes of B's rows up to which panels of it are read where they are
NEAR_ROW_BYTES = 512
PACK = '''
@compiled
def panels_{name}(source, stride, column_step, to, apart, depth, columns, wide):
    column = 0
    while column < columns:
        width = {wide} if column < wide * {wide} else {narrow}
        pack_{name}(source + column * column_step * 4, stride, to, depth, min(width, columns - column))
        column += width
        to += apart
'''
MULTIPLY = '''
@compiled
def multiply_{name}(a, a_row, a_k, b, apart, beside, b_k, c, c_row, rows, columns, shown, depth, wide, ahead):
    column = 0
    while column < shown:
        width = {wide} if column < wide * {wide} else {narrow}
        count = min(width, columns - column)
        for row in range(0, rows, {high}):
            from_a = a + row * a_row * 4
            to_c = c + (row * c_row + column) * 4
            high = min({high}, rows - row)
            if width == {wide}:
                tile_wide(from_a, a_row, a_k, 0, 1, depth, b, b_k, 0, to_c, c_row, 0, count, ahead, high)
            else:
                tile_narrow(from_a, a_row, a_k, 0, 1, depth, b, b_k, 0, to_c, c_row, 0, count, ahead, high)
        column += width
        b += apart + width * beside
'''
# Transposed A times B is added to C; A's rows beyond those that are met are zeros. Each tile fetches the C of the next.
ADD = '''
@compiled
def add_{name}(a, a_k, b, b_k, c, c_row, rows, columns, met, depth, wide, adds):
    column = 0
    while column < columns:
        width = {wide} if column < wide * {wide} else {narrow}
        count = min(width, columns - column)
        for row in range(0, met if adds else rows, {high}):
            from_a = a + row * 4
            to_c = c + (row * c_row + column) * 4
            ahead = (to_c - from_a) // 4 + {high} * c_row
            high = min({high}, rows - row)
            length = depth if row < met else 0
            if width == {wide}:
                sum_wide(from_a, 1, a_k, 0, 1, length, b + column * 4, b_k, 0, to_c, c_row, adds, count, ahead, high)
            else:
                sum_narrow(from_a, 1, a_k, 0, 1, length, b + column * 4, b_k, 0, to_c, c_row, adds, count, ahead, high)
        column += width
'''
# A mask leaves weights that are zeros to the ends of a block's rows: what these meet adds nothing, if it is finite.
ZEROS = '''
@compiled
def met_columns(a, a_row, rows, columns):
    most = f32(0)
    left = columns
    while left > 0 and most == 0:
        columns = left
        left = max(columns - 32, 0)
        row = rows
        while row > 0 and most == 0:
            row -= 1
            for column in few(left, columns):
                most = maximum(most, absolute(load_f32(a, row * a_row + column, -1)))
    return columns

@compiled
def finite_rows(b, b_k, b_column, depth, columns):
    most = f32(0)
    for k in range(depth):
        for column in range(columns):
            most = maximum(most, absolute(load_f32(b, k * b_k + column * b_column, -1)))
    return most < f32(1e999)
'''


class VectorRows(RowKernel):
    name = "vector_rows"
    imports = (f"from {NATIVE}.microkernel import microkernel",
               f"from {NATIVE}.tiles import copy_panel, transpose_panel")

    def __init__(self, block: RowBlock, lowering: Any):
        super().__init__(block, lowering)
        self.heights = ((SUMMED_ROWS if any(self.sums) else ROWS) // isa().mr * isa().mr,)

    def fits(self) -> bool:
        rows, matrices = (LEAST_SUMMED, LEAST_MATRICES) if any(self.sums) else (LEAST_ROWS, 1)
        return (self.m >= rows and self.n >= LEAST_COLUMNS and self.matrices >= matrices and self._whole_blocks()
                and all(p.dtype == "f32" for p in (*self.makers, *self.takers))
                and all(p.b_column == 1 for p, sums in zip(self.takers, self.sums, strict=True) if sums))

    def _make(self, p: Product, out: Tensor, whole: list[str]) -> list[str]:
        a_row, a_k = self._new(p.a_row), self._new(p.a_k)
        source = f"{self._matrix(p.a, p.batch, p.a_batch)} + first * {a_row} * 4"
        shown = self._shown(self.at[out])
        target = f"p{self.emit.slot(self.at[out])}, pitch"
        return [*shown, self._multiply(f"{source}, {a_row}, {a_k}", p, whole, target, f"block * {a_row}",
                                       shown="shown" if shown else "")]

    def _shown(self, product: Any) -> list[str]:
        """How many columns a mask shows of what is made for the loop: what it hides to the end of all rows of a block
        is replaced, whatever it is."""
        mask = _mask(self.group, product)
        if mask is None:
            return []
        emit, rank = self.emit, len(self.group.domain)
        emit.walk([Run([rank - 1], "j", INNER), Run(self.group.walked(range(rank - 1)), "i", TASK)])
        emit.counting, emit.copies = "few", 0
        seen = emit.broadcast_element(mask.inputs[0], emit.identity(), self.group.domain)
        emit.line(INNER, f"seen = seen | i64({seen})")
        emit.lines[TASK] += loop("j", "left", "shown", emit, INNER)
        return ["seen = 0", "left = n", "while left > 0 and seen == 0:", *indented([
            "shown = left", "left = max(left - 32, 0)", "i = base + rows",
            "while i > base and seen == 0:", "    i -= 1", *loop("i", "base", "i", emit, TASK)[1:]])]

    def _take(self, p: Product, whole: list[str]) -> list[str]:
        source, stride = self._rows_of(p.a)
        columns = self._new(p.n)
        target = f"p{self.emit.slot(p.c)} + base * {columns} * 4, {columns}"
        finite, k = f"finite{len(whole)}", self._new(p.k)
        others = f"{self._matrix(p.b, p.batch, p.b_batch)}, {self._new(p.b_k)}, {self._new(p.b_column)}, {k}, {columns}"
        self.natives[""] = ZEROS
        whole.append(f"{finite} = -1  # not known")
        return [f"met = met_columns({source}, {stride}, rows, {k})",
                f"if met < {k}:", f"    if {finite} < 0:", f"        {finite} = finite_rows({others})",
                f"    if {finite} == 0:", f"        met = {k}",
                self._multiply(f"{source}, {stride}, 1", p, whole, target, f"{isa().mr} * {stride}", depth="met")]

    def _sum(self, p: Product, before: list[str]) -> list[str]:
        source, stride = self._rows_of(p.a)
        b_k, columns = self._new(p.b_k), self._new(p.n)
        b = f"{self._matrix(p.b, p.batch, p.b_batch)} + first * {b_k} * 4, {b_k}"
        nv, wide = self._tiles(p, "sum", ADD)
        return [f"met = met_columns({source}, {stride}, rows, n)",
                f"if met < n and finite_rows({b}, 1, rows, {columns}) == 0:", "    met = n",
                f"add_{nv}({source}, {stride}, {b}, p{self.emit.slot(p.c)} + matrix * n * {columns} * 4, {columns}, n, "
                f"{columns}, met, rows, {self._new(wide)}, first)"]

    def _multiply(self, a: str, p: Product, whole: list[str], c: str, ahead: str, depth: str = "", shown: str = ""
                  ) -> str:
        """The block's rows of a product; `a` and `c` are the address and the strides of theirs. Only so many columns
        need be `shown`, and only the first of `depth` be summed."""
        nv, first = self._tiles(p, "tile", MULTIPLY, ", claim=1")
        k, columns, wide = self._new(p.k), self._new(p.n), self._new(first)
        b, width = self._matrix(p.b, p.batch, p.b_batch), lanes(p.dtype)
        if p.b_column == 1 and p.n * 4 <= NEAR_ROW_BYTES:
            places = f"{b}, 0, 4, {self._new(p.b_k)}"
        else:
            packer = "copy_panel" if p.b_column == 1 else "transpose_panel"
            name = f"{packer}_{nv}"
            self.natives[f'pack_{name} = {packer}("{p.dtype}", {nv})'] = PACK.format(name=name, **_widths(p))
            nbytes = (p.k + width) * nv * isa().vector_bytes
            packed, apart = self._scratch(_panels(p).panels * nbytes), self._new(nbytes)
            steps = f"{self._new(p.b_k if p.b_column == 1 else p.b_column)}, {self._new(p.b_column)}"
            whole.append(f"panels_{name}({b}, {steps}, {packed}, {apart}, {k}, {columns}, {wide})")
            places = f"{packed}, {apart}, 0, {nv * width}"
        return f"multiply_{nv}({a}, {places}, {c}, rows, {columns}, {shown or columns}, {depth or k}, {wide}, {ahead})"

    def _tiles(self, p: Product, name: str, helper: str, claim: str = "") -> tuple[int, int]:
        """Define the helper that multiplies by tiles as wide as panels: how many vectors the first ones have, and how
        many these are."""
        panels = _panels(p)
        nv, least = panels.widths[0], panels.widths[-1]
        helper = helper.replace(f"{name}_", f"{name}_{nv}_").format(name=nv, **_widths(p))
        for size, count, text in (("narrow", least, ""), ("wide", nv, helper)):
            self.natives[f'{name}_{nv}_{size} = microkernel("{p.dtype}", {isa().mr}, {count}, masked=True, '
                         f'clamped=True, fetch="tile"{claim})'] = text
        return nv, panels.wide


def _panels(p: Product) -> Panels:
    return even_panels(ceil(p.n / lanes(p.dtype)), isa().nv)


def _widths(p: Product) -> dict[str, int]:
    """Of tiles, what helpers are written with."""
    widths = _panels(p).widths
    return {"wide": widths[0] * lanes(p.dtype), "narrow": widths[-1] * lanes(p.dtype), "high": isa().mr}


def _mask(group: LoopGroup, product: Any) -> Operation | None:
    """The selection that all use of a product goes through, which takes elements of it where its condition, known
    before, holds."""
    users = consumers(group.body)
    t = next(p for p in group.body.inputs if group.handle(p) is product)
    while len(users.get(t, ())) == 1 and t not in group.body.outputs:
        op = users[t][0]
        if op.type == "SelectV2":
            condition, chosen, other = op.inputs
            known = condition.op.type == "Parameter" and not isinstance(group.handle(condition), Scratch)
            return op if known and chosen is t and other.op.type == "Const" else None
        if op.definition.family != ELEMENTWISE:
            return None
        t = op.output
    return None
