"""The products of a recurrence's step: rows of a few values with a matrix that is the same in each step."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

from ..dims import DimLike
from ..ir import Operation, Tensor
from ..native.processor import ELEMENT_BYTES, isa, lanes
from .emitter import Emitter
from .kernel import Scratch
from .product import even_panels
from .source import indented


class StepProduct:
    """Source lines for C = A B: B is packed before the first step, for each lane, in panels as wide as a tile of C.

    Steps go through the panels to and fro: what caches hold of B from one step is what the next one begins with. One
    row reads B as it lies, which is as fast where a tile's columns fill half of the registers. With C are fetched the
    step's rows of the sequences `beside`, of C's shape, which are read with it next.
    """

    def __init__(self, op: Operation, b: Any, sizes: Callable[[DimLike], int], one_row: bool,
                 beside: Sequence[Tensor] = ()):
        self.op, self.b, self.beside = op, b, beside
        self.k_dim, self.n_dim = op.inputs[0].dims[1], op.output.dims[1]  # type: ignore[index]
        self.dtype = op.output.dtype.code
        self.size, self.width = ELEMENT_BYTES[self.dtype], lanes(self.dtype)
        self.heights: tuple[int, ...] = (1,) if one_row else (isa().mr, isa().mr // 2)
        vectors = ceil(sizes(self.n_dim) / self.width)
        self.packs = not one_row or op.attrs["transpose_b"]
        nv = isa().nv if self.packs else ceil(vectors / max(1, ceil(vectors / (isa().registers // 2))))
        self.widths, self.panels, self.wide = even_panels(vectors, nv)
        self.panel_bytes = ceil(sizes(self.k_dim) / self.width) * self.width * self.widths[0] * isa().vector_bytes
        self.packed = Scratch(self.panels * self.panel_bytes, per_lane=True)
        self.pack_name = "transpose_panel" if op.attrs["transpose_b"] else "copy_panel"

    def natives(self) -> dict[str, str]:
        """What the lines call, by name."""
        dtype, wide = self.dtype, self.widths[0]
        kind = "masked=True, clamped=True"
        if self.beside:
            kind += f', fetch="tile", claim={1 + len(self.beside)}'
        packing = {f"{self.pack_name}_{dtype}_{wide}": f'{self.pack_name}("{dtype}", {wide})'} if self.packs else {}
        return {**packing, **{
            f"tile_{dtype}_{rows}x{width}": f'microkernel("{dtype}", {rows}, {width}, {kind})'
            for rows in self.heights for width in self.widths}}

    def pack(self, emit: Emitter) -> list[str]:
        """Lines that pack B, if it is to be."""
        if not self.packs:
            return []
        k, n, packed = emit.dim(self.k_dim), emit.dim(self.n_dim), f"p{emit.slot(self.packed)}"
        step, stride = (k, k) if self.op.attrs["transpose_b"] else ("1", n)
        panel_bytes = self._argument(emit, "panel_bytes")
        return [
            f"{packed} += lane * {self._argument(emit, 'panels')} * {panel_bytes}",
            *self._each_panel(emit, lambda width: [
                f"{self.pack_name}_{self.dtype}_{self.widths[0]}(p{emit.slot(self.b)} + column * {step} * {self.size}, "
                f"{stride}, {packed} + panel * {panel_bytes}, {k}, columns)"])]

    def multiply(self, emit: Emitter, rows_of: Callable[[Tensor], str]) -> list[str]:
        """Lines for the rows [first, last) of C. `rows_of` gives the address of the step's rows of a value."""
        a, c = rows_of(self.op.inputs[0]), rows_of(self.op.output)
        k, n = emit.dim(self.k_dim), emit.dim(self.n_dim)
        if self.packs:
            b = (f"p{emit.slot(self.packed)} + panel * {self._argument(emit, 'panel_bytes')}, "
                 f"{self.widths[0] * self.width}")
        else:
            b = f"p{emit.slot(self.b)} + column * {self.size}, {n}"
        tall = self.heights[0]
        fetched = "".join(f"{x}, " for x in ["0", *(f"beside_{i}" for i in range(len(self.beside)))] if self.beside)

        def tiles(width: int) -> list[str]:
            arguments = (f"({a} + row * {k} * {self.size}, {k}, 1, 0, 1, {k}, {b}, 0, "
                         f"{c} + (row * {n} + column) * {self.size}, {n}, 0, columns, {fetched}rows)")
            lines = [f"tile_{self.dtype}_{rows}x{width}{arguments}" for rows in self.heights]
            if len(lines) > 1:
                lines = [f"if rows > {self.heights[1]}:", *indented(lines[:1]), "else:", *indented(lines[1:])]
            return ["row = first", "while row < last:",
                    *indented([f"rows = min({tall}, last - row)", *lines, f"row += {tall}"])]

        return [*(f"beside_{i} = ({rows_of(t)} - {c}) // {self.size}" for i, t in enumerate(self.beside)),
                *self._each_panel(emit, tiles, "at + turn % 2 * ({panels} - 1 - 2 * at)")]

    def _each_panel(self, emit: Emitter, lines: Callable[[int], list[str]], order: str = "at") -> list[str]:
        """A loop over the panels, with the lines for panels of each width."""
        n, panels = emit.dim(self.n_dim), self._argument(emit, "panels")

        def of_width(width: int, column: str) -> list[str]:
            return [f"column = {column}", f"columns = min({width * self.width}, {n} - column)", *lines(width)]

        first = self.widths[0] * self.width
        if len(self.widths) == 1:
            return [f"for panel in range({panels}):", *indented(of_width(1, f"panel * {first}"))]
        wide, narrow = self._argument(emit, "wide"), self.widths[-1]
        return [f"for at in range({panels}):", *indented([
            f"panel = {order.format(panels=panels)}",
            f"if panel < {wide}:", *indented(of_width(self.widths[0], f"panel * {first}")),
            "else:", *indented(of_width(narrow, f"{wide} * {first} + (panel - {wide}) * {narrow * self.width}"))])]

    def _argument(self, emit: Emitter, what: str) -> str:
        return emit.argument((what, self), getattr(self, what))
