"""What a product or convolution does to each tile of its output while it is still in cache: bias, activation, masks."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from .kernel import KernelCall


class Epilogue(Protocol):
    """Source lines that a contraction kernel runs on finished output.

    Lines are unindented; nested blocks use four spaces. They may assign names of one letter other than a, b, c, m, n
    and k, and names that start with `e_`: the others are the kernel's.
    """

    @property
    def key(self) -> str:
        """What distinguishes the epilogue in the kernel's name."""

    @property
    def imports(self) -> frozenset[str]:
        """The names of the prelude that the lines use."""

    @property
    def buffers(self) -> tuple[Any, ...]:
        """Handles, appended after the kernel's own buffer slots."""

    @property
    def dims(self) -> tuple[int, ...]:
        """Sizes, appended after the kernel's own dimension slots."""

    @property
    def beside(self) -> tuple[str, ...]:
        """The variables of `setup` with addresses of what is read or written just where the output lies, element for
        element."""

    def setup(self, buffer_slot: int, dim_slot: int) -> list[str]:
        """Lines at the start of the kernel, given the slots of the first of `buffers` and of `dims`."""

    def apply(self, row: str, begin: str, end: str, c: str, to: str = "") -> list[str]:
        """Lines that process columns [begin, end) of one output row.

        `row` and the columns are int64 expressions, `c` the variable with the address of the raw output; its element
        (row, column) is at row * n + column. Results go to the epilogue's own buffers, or back in place, or
        to what has its address in the variable `to`.
        """


def with_epilogue(call: KernelCall, epilogue: Epilogue | None) -> KernelCall:
    """The call of a kernel that runs this epilogue: its buffers and sizes come after the kernel's own."""
    if epilogue is None:
        return call
    return replace(call, name=f"{call.name}+{epilogue.key}", buffers=(*call.buffers, *epilogue.buffers),
                   dims=(*call.dims, *epilogue.dims))


@dataclass(frozen=True)
class Joined:
    """The epilogue of an output whose rows come so many in one, of `columns` each, from the contraction."""

    rows: Epilogue
    many: int
    columns: int

    @property
    def key(self) -> str:
        return self.rows.key

    @property
    def imports(self) -> frozenset[str]:
        return self.rows.imports

    @property
    def buffers(self) -> tuple[Any, ...]:
        return self.rows.buffers

    @property
    def dims(self) -> tuple[int, ...]:
        return *self.rows.dims, self.many, self.columns

    @property
    def beside(self) -> tuple[str, ...]:
        return self.rows.beside

    def setup(self, buffer_slot: int, dim_slot: int) -> list[str]:
        slot = dim_slot + len(self.rows.dims)
        return [*self.rows.setup(buffer_slot, dim_slot), f"e_many = word(dims, {slot})",
                f"e_columns = word(dims, {slot + 1})"]

    def apply(self, row: str, begin: str, end: str, c: str, to: str = "") -> list[str]:
        lines = self.rows.apply("(e_first + e_part)", "max(e_begin - e_part * e_columns, 0)",
                                "min(e_end - e_part * e_columns, e_columns)", c, to)
        return [f"e_begin, e_end, e_first = {begin}, {end}, ({row}) * e_many",
                "for e_part in range(e_begin // e_columns, (e_end + e_columns - 1) // e_columns):",
                *("    " + line for line in lines)]
