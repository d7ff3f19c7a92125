"""Blocks of rows (row_kernel.py) whose products are computed on a matrix unit.

Each block packs its own operands; what its rows meet whole is packed with the first block of a matrix.
"""
from __future__ import annotations

from math import ceil
from typing import Any

from ..ir import Tensor
from ..native.strips import EDGE_BYTES, STRIP, strip_bytes
from ..passes.row_blocks import RowBlock
from . import unit_gemm
from .product import Product
from .row_kernel import RowKernel
from .text import NATIVE

LEAST_MATRICES = 4
# rows of a block, fewer where nothing is summed over them
ROWS = (64, 32)
# columns of a block that are packed at once, to be multiplied while they are in the first-level cache
PART = 64
HELPER = '''
@compiled
def strips_{name}(source, stride, to, depth, count, apart):
    for strip in range((count + 31) // 32 * 2):
        store_i64(to + strip * apart, 0, 0, -1)
    pack_{name}(source, stride, to, to + 64, depth, count, apart)
'''
MULTIPLY = '''
@compiled
def multiply_{name}(a, a_bytes, b, b_bytes, skip, chunks, c, c_row, rows, columns, adds, edge):
    for column in range(0, columns, {wide}):
        for row in range(0, rows, {high}):
            strip_a = a + row // 16 * a_bytes
            strip_b = b + column // 16 * b_bytes
            infinite = word(strip_a, 0) + word(strip_a + a_bytes * {below}, 0)
            infinite += word(strip_b, 0) + word(strip_b + b_bytes * {beside}, 0)
            tile_{name}(strip_a + 64, 64, 1024, a_bytes, 3072, 0, strip_b + skip, b_bytes, 1, chunks,
                        c + row * c_row + column * 4, c_row, adds, min({high}, rows - row),
                        min({wide}, columns - column), edge, infinite)
'''


class UnitRows(RowKernel):
    name = "unit_rows"
    part = str(PART)
    imports = (f"from {NATIVE}.matrix_unit import close_unit, multiply_tiles, open_unit, pack_strips",)
    opening, closing = ("ready()",), ("leave()",)

    def __init__(self, block: RowBlock, lowering: Any):
        super().__init__(block, lowering)
        self.heights = ROWS if any(self.sums) else ROWS[-1:]

    def fits(self) -> bool:
        """Where the matrix unit is the faster one for each product. Where one sums over rows a task is a matrix: a few
        would leave threads without."""
        return self.matrices >= (LEAST_MATRICES if any(self.sums) else 1) and self._whole_blocks() and all(
            unit_gemm.pays_near(p) for p in (*self.makers, *self.takers))

    def _prepare(self) -> None:
        self.natives["ready, leave = open_unit(), close_unit()"] = ""
        self.edge = self._scratch(EDGE_BYTES)
        self.own = self._scratch(max(strips(PART) * strip_bytes(self.rows), *(
            strips(self.rows) * strip_bytes(k) for k in (PART, *(p.k for p in self.makers)))))

    def _make(self, p: Product, out: Tensor, whole: list[str]) -> list[str]:
        others = self._pack_whole(p, whole)
        k, nbytes, a_row, inside = self._new(p.k), self._new(strip_bytes(p.k)), self._new(p.a_row), p.a_k == 1
        source = f"{self._matrix(p.a, p.batch, p.a_batch)} + first * {a_row} * 4"
        # whole tiles: there is room, and no one reads what is beyond the block
        return [self._pack("a", inside, source, a_row if inside else self._new(p.a_k), self.own, k, "rows", nbytes),
                self._multiply((2, 2), f"{self.own}, {nbytes}, {others}, {nbytes}, 64, ({k} + 31) // 32",
                               f"p{self.emit.slot(self.at[out])}", "pitch * 4", "(rows + 31) // 32 * 32",
                               "(n + 31) // 32 * 32", "0")]

    def _take(self, p: Product, whole: list[str]) -> list[str]:
        others = self._pack_whole(p, whole)
        columns, (source, stride) = self._new(p.n), self._rows_of(p.a)
        return [self._pack("a", True, f"{source} + part * 4", stride, self.own, "wide", "rows", str(strip_bytes(PART))),
                self._multiply((2, min(2, strips(p.n, 1))), f"{self.own}, {strip_bytes(PART)}, {others}, "
                               f"{self._new(strip_bytes(p.k))}, 64 + part * {strip_bytes(PART) - 64} // {PART}, "
                               "(wide + 31) // 32", f"p{self.emit.slot(p.c)} + base * {columns} * 4", f"{columns} * 4",
                               "rows", columns, "part")]

    def _sum(self, p: Product, before: list[str]) -> list[str]:
        nbytes, columns, (source, stride) = self._new(strip_bytes(self.rows)), self._new(p.n), self._rows_of(p.a)
        b_k, b_column, inside = self._new(p.b_k), self._new(p.b_column), p.b_k == 1
        others = self._scratch(strips(p.n) * strip_bytes(self.rows))
        before.append(self._pack("b", inside, f"{self._matrix(p.b, p.batch, p.b_batch)} + first * {b_k} * 4",
                                 b_column if inside else b_k, others, "rows", columns, nbytes))
        return [self._pack("a", False, f"{source} + part * 4", stride, self.own, "rows", "wide", nbytes),
                self._multiply((2, min(2, strips(p.n, 1))), f"{self.own}, {nbytes}, {others}, {nbytes}, 64, "
                               "(rows + 31) // 32", f"p{self.emit.slot(p.c)} + (matrix * n + part) * {columns} * 4",
                               f"{columns} * 4", "wide", columns, "first")]

    def _pack_whole(self, p: Product, whole: list[str]) -> str:
        """Strips of all of B, packed with a matrix: their address."""
        nbytes, inside = strip_bytes(p.k), p.b_k == 1
        target = self._scratch(strips(p.n) * nbytes)
        whole.append(self._pack("b", inside, self._matrix(p.b, p.batch, p.b_batch),
                                self._new(p.b_column if inside else p.b_k), target, self._new(p.k), self._new(p.n),
                                self._new(nbytes)))
        return target

    def _pack(self, operand: str, inside: bool, *arguments: str) -> str:
        name = f"{'inside' if inside else 'across'}_{operand}"
        self.natives[f"pack_{name} = pack_strips({operand == 'a'}, {inside})"] = HELPER.format(name=name)
        return f"strips_{name}({', '.join(arguments)})"

    def _multiply(self, tile: tuple[int, int], operands: str, *arguments: str) -> str:
        name = f"{tile[0]}x{tile[1]}"
        self.natives[f"tile_{name} = multiply_tiles{tile}"] = MULTIPLY.format(
            name=name, high=16 * tile[0], wide=16 * tile[1], below=tile[0] - 1, beside=tile[1] - 1)
        return f"multiply_{name}({operands}, {', '.join(arguments)}, {self.edge})"


def strips(count: int, multiple: int = 2) -> int:
    """How many strips so many rows or columns take: two by two they make a tile."""
    return ceil(count / STRIP / multiple) * multiple
