"""Parts of the text of products' kernels (gemm_kernels.py, unit_kernels.py)."""
from __future__ import annotations

from collections.abc import Sequence

from .epilogue import Epilogue
from .source import indented
from .text import NATIVE


def module(title: str, names: list[str], epilogue: Epilogue | None, imports: list[str], natives: list[str],
           body: str, functions: Sequence[str] = ()) -> str:
    """The text of a kernel's module; lines left blank by absent parts are dropped."""
    used = sorted({"compiled", "word", *names, *(epilogue.imports if epilogue else ())})
    prelude = f"from {NATIVE}.prelude import {', '.join(used)}"
    head = [f'"""{title}"""', *sorted([*imports, prelude]), "", *natives, *([""] if natives else []), "", *functions,
            "@compiled", "def kernel(buffers, dims, begin, end, lane):"]
    return "\n".join([*head, *(line for line in body.split("\n") if line.strip())]) + "\n"


def matrices(size: int, slot: int, epilogue: Epilogue | None) -> list[str]:
    """Addresses matrix_a and matrix_b of matrix number `matrix`, from the table of the batch."""
    slot += len(epilogue.dims) if epilogue else 0
    return ["matrix_a, matrix_b, index = a, b, matrix",
            f"outermost = word(dims, {slot})",
            "for level in range(outermost):",
            f"    outer = index // word(dims, {slot + 1} + 3 * level)",
            f"    index -= outer * word(dims, {slot + 1} + 3 * level)",
            f"    matrix_a += index * word(dims, {slot + 2} + 3 * level) * {size}",
            f"    matrix_b += index * word(dims, {slot + 3} + 3 * level) * {size}",
            "    index = outer",
            f"matrix_a += index * word(dims, {slot + 2} + 3 * outermost) * {size}",
            f"matrix_b += index * word(dims, {slot + 3} + 3 * outermost) * {size}"]


def setup(epilogue: Epilogue | None, buffer_slot: int, dim_slot: int) -> list[str]:
    """The epilogue's lines at the start of the kernel."""
    return epilogue.setup(buffer_slot, dim_slot) if epilogue else []


def each(epilogue: Epilogue | None, count: str, row: str, begin: str, end: str, c: str = "c") -> list[str]:
    """The epilogue on rows i < count of a finished tile."""
    if epilogue is None:
        return []
    return [f"for i in range({count}):", f"    out_row = {row}", *indented(epilogue.apply("out_row", begin, end, c))]
