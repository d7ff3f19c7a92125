"""What a product or convolution does to each tile of its output while it is still in cache: bias, activation, masks."""
from __future__ import annotations

from dataclasses import replace
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
