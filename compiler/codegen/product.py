"""One matrix product, as its kernels' calls describe it."""
from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any, NamedTuple

from ..native.processor import ELEMENT_BYTES
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch


@dataclass(frozen=True)
class Product:
    """One product with concrete sizes; strides count elements, those of a batch go with its dimensions."""

    a: Any
    b: Any
    c: Any
    dtype: str
    m: int
    n: int
    k: int
    a_row: int
    a_k: int
    b_k: int
    b_column: int
    batch: tuple[int, ...] = ()
    a_batch: tuple[int, ...] = ()
    b_batch: tuple[int, ...] = ()
    splits: int = 1

    @property
    def matrices(self) -> int:
        return prod(self.batch)

    @property
    def part(self) -> int:
        """How much of k one split sums; the last one may have less."""
        return max(1, ceil(self.k / self.splits))

    @property
    def flops(self) -> int:
        return 2 * self.matrices * self.m * self.n * self.k

    @property
    def nbytes(self) -> int:
        return self.matrices * (self.m * self.k + self.k * self.n + self.m * self.n) * ELEMENT_BYTES[self.dtype]

    @property
    def batch_dims(self) -> tuple[int, ...]:
        """What kernels decode a matrix number with: how many rows come before the last, whose index is what is left
        undivided, then the rows: (size, stride of A, stride of B), innermost first."""
        rows = list(zip(self.batch, self.a_batch, self.b_batch, strict=True))[::-1]
        if self.splits > 1:
            rows.append((self.splits, self.part * self.a_k, self.part * self.b_k))
        rows = rows or [(1, 0, 0)]
        return (len(rows) - 1, *(entry for row in rows for entry in row))


class Panels(NamedTuple):
    """Widths of panels of columns, in vectors, how many panels there are, and how many of them have the first width."""

    widths: tuple[int, ...]
    panels: int
    wide: int


def even_panels(vectors: int, most: int) -> Panels:
    """Panels of up to `most` vectors that differ by one, so that they waste no lanes but in the last."""
    widths = (most, most - 1) if vectors > 1 else (1,)
    panels = ceil(vectors / widths[0])
    return Panels(widths, panels, max(0, vectors - panels * (widths[0] - 1)))


def call(name: str, source: str, p: Product, scratch: tuple[Scratch, ...], dims: tuple[int, ...], tasks: int,
          epilogue: Epilogue | None, grain: int = 1) -> KernelCall:
    """Slots in the order kernels expect: a, b, c, scratch, the epilogue's; sizes, the epilogue's, the batch."""
    row = with_epilogue(KernelCall(name, source, (p.a, p.b, p.c, *scratch), dims, tasks, flops=p.flops,
                                   nbytes=p.nbytes, writes=tuple(range(2, 3 + len(scratch))), grain=grain), epilogue)
    return replace(row, dims=(*row.dims, *p.batch_dims))
