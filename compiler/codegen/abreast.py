"""Kernels of many small matrices: these lie abreast, one in each element of a vector, and are solved in step.

A matrix of a few rows fills no tile of a product and hardly a vector, and each of its steps waits for the one before.
Those of others are as many independent elements. Rows change places by selection, so that no step branches.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil
from typing import Any

from ..ir import Operation, Tensor
from ..native.processor import ELEMENT_BYTES, lanes
from .boxes import HEADER
from .emitter import STATUS
from .kernel import KernelCall, Scratch
from .source import calls
from .text import words

_ELEMENT = re.compile(r"([AB])\[([^]]*)\]")
LARGEST = 600  # elements of a matrix and its right-hand sides: those abreast stay in the first caches


def pays(dtype: str, n: int, columns: int, count: int) -> bool:
    """Whether so many matrices, beside this many columns, are better solved together than one by one."""
    return n * (n + columns) <= LARGEST and 2 * count >= lanes(dtype)


def cholesky(x: Tensor, y: Tensor, n: int, count: int, fault: int) -> KernelCall:
    """L with L L^T = A."""
    return _call("cholesky", x.dtype.code, [*_packed(False), *_CHOLESKY], {"a": x, "out": y, "status": STATUS},
                 {"n": n, "m": n, "fault": fault}, count, n ** 3 // 3, ("out", "status"))


def triangular_solve(op: Operation, n: int, columns: int, count: int, fault: int) -> KernelCall:
    """X with A X = B (or A^T X = B) for triangular A."""
    (a, b), adjoint = op.inputs, op.attrs["adjoint"]
    body = [*_packed(adjoint), *_RIGHT, *_substitute(op.attrs["lower"] != adjoint), *_SOLUTION, *_SINGULAR]
    return _call("triangular_solve", a.dtype.code, body, {"a": a, "out": op.output, "status": STATUS, "b": b},
                 {"n": n, "m": n + columns, "fault": fault}, count, n * n * columns, ("out", "status"))


def lu(x: Tensor, factors: Any, rows: Scratch, n: int, count: int, fault: int) -> KernelCall:
    """P A = L U, as codegen/lu.py has it."""
    positions = ["for i in range(n):", "    for c in vectors(0, WIDTH, 1):", "        A[i, n] = REAL(i)"]
    body = [*_packed(False), *positions, *_eliminate("0", "n"), *_FACTORS, "if fault != 0:",
            *("    " + line for line in _SINGULAR)]
    return _call("lu", x.dtype.code, body, {"a": x, "out": factors, "rows_of": rows, "status": STATUS},
                 {"n": n, "m": n + 1, "fault": fault}, count, 2 * n ** 3 // 3, ("out", "rows_of", "status"))


def solve(op: Operation, n: int, columns: int, count: int, fault: int) -> KernelCall:
    """X with A X = B (or A^T X = B); that of an inverse is the identity."""
    inverts = op.type == "MatrixInverse"
    right = ["for i in range(n):", "    for k in range(n):", "        for c in vectors(0, WIDTH, 1):",
             "            A[i, n + k] = REAL(1) if i == k else REAL(0)"] if inverts else _RIGHT
    body = [*_packed(op.attrs["adjoint"]), *right, *_eliminate("top", "m"), *_substitute(False), *_SOLUTION, *_SINGULAR]
    buffers = dict(zip(("a", "b"), op.inputs, strict=False)) | {"out": op.output, "status": STATUS}
    return _call("solve", op.output.dtype.code, body, buffers, {"n": n, "m": n + columns, "fault": fault}, count,
                 2 * n ** 3 // 3 + 2 * n * n * columns, ("out", "status"))


# The text of kernels. A[i, k] is the element (i, k) of matrix `c` of those abreast, whose right-hand sides are columns
# n to m; B[s] are other numbers of each: the pivot's row, its size, and the sign of the permutation.
def _packed(transposed: bool) -> list[str]:
    return f'''for i in range(n):
    for k in range(n):
        place = first * n * n + {"k * n + i" if transposed else "i * n + k"}
        for c in range(here):
            A[i, k] = load_REAL(a, place + c * n * n, 0)'''.split("\n")


_RIGHT = '''for i in range(n):
    for k in range(n, m):
        place = first * n * (m - n) + i * (m - n) + k - n
        for c in range(here):
            A[i, k] = load_REAL(b, place + c * n * (m - n), 4)'''.split("\n")
_SOLUTION = '''for i in range(n):
    for k in range(n, m):
        place = first * n * (m - n) + i * (m - n) + k - n
        for c in range(here):
            store_REAL(out, place + c * n * (m - n), A[i, k], 2)'''.split("\n")
_FACTORS = '''for i in range(n):
    for k in range(n):
        place = first * n * n + i * n + k
        for c in range(here):
            store_REAL(out, place + c * n * n, A[i, k], 2)
    for c in range(here):
        store_i64(rows_of, (first + c) * (n + 1) + i, i64(A[i, n]), 5)
for c in range(here):
    store_i64(rows_of, (first + c) * (n + 1) + n, i64(B[2]), 5)'''.split("\n")
_SINGULAR = '''for i in range(n):
    for c in range(here):
        if A[i, i] == REAL(0):
            store_i64(status, 0, fault, -1)'''.split("\n")
_CHOLESKY = '''for j in range(n):
    for c in vectors(0, WIDTH, 1):
        A[j, j] = sqrt(A[j, j])
    for i in range(j + 1, n):
        for c in vectors(0, WIDTH, 1):
            A[i, j] = A[i, j] / A[j, j]
        for k in range(j + 1, i + 1):
            for c in vectors(0, WIDTH, 1):
                A[i, k] = A[i, k] - A[i, j] * A[k, j]
for i in range(n):
    for k in range(n):
        place = first * n * n + i * n + k
        for c in range(here):
            store_REAL(out, place + c * n * n, A[i, k] if k <= i else REAL(0), 2)
    for c in range(here):
        if not A[i, i] > REAL(0):
            store_i64(status, 0, fault, -1)'''.split("\n")


def _eliminate(moved: str, end: str) -> list[str]:
    """Rows change places from column `moved` on, and are subtracted up to column `end`."""
    return f'''for c in vectors(0, WIDTH, 1):
    B[2] = REAL(1)
for top in range(n):
    for c in vectors(0, WIDTH, 1):
        B[0] = REAL(top)
        B[1] = REAL(-1)
    for i in range(top, n):
        for c in vectors(0, WIDTH, 1):
            size = fabs(A[i, top])
            largest = B[1]
            B[0] = select(size > largest, REAL(i), B[0])
            B[1] = select(size > largest, size, largest)
    for c in vectors(0, WIDTH, 1):
        B[2] = select(B[0] == REAL(top), B[2], REAL(0) - B[2])
    for i in range(top + 1, n):
        for k in range({moved}, m):
            for c in vectors(0, WIDTH, 1):
                chosen = B[0] == REAL(i)
                above = A[top, k]
                below = A[i, k]
                A[top, k] = select(chosen, below, above)
                A[i, k] = select(chosen, above, below)
    for i in range(top + 1, n):
        for c in vectors(0, WIDTH, 1):
            pivot = A[top, top]
            A[i, top] = A[i, top] / select(pivot == REAL(0), REAL(1), pivot)
        for k in range(top + 1, {end}):
            for c in vectors(0, WIDTH, 1):
                A[i, k] = A[i, k] - A[i, top] * A[top, k]'''.split("\n")


def _substitute(forward: bool) -> list[str]:
    """Each right-hand side becomes the solution of a triangular system."""
    row, known = ("turn", "turn") if forward else ("n - 1 - turn", "row + 1, n")
    return f'''for turn in range(n):
    row = {row}
    for k in range(n, m):
        for j in range({known}):
            for c in vectors(0, WIDTH, 1):
                A[row, k] = A[row, k] - A[row, j] * A[j, k]
        for c in vectors(0, WIDTH, 1):
            A[row, k] = A[row, k] / A[row, row]'''.split("\n")


_ABSENT = '''if here < WIDTH:
    for i in range(n):
        for k in range(m):
            for c in range(here, WIDTH):
                A[i, k] = REAL(1) if i == k else REAL(0)'''.split("\n")


def _call(name: str, dtype: str, body: Sequence[str], buffers: dict[str, Any], sizes: dict[str, int], count: int,
          flops: int, writes: Sequence[str]) -> KernelCall:
    """Tasks are groups of as many matrices as a vector has elements."""
    width, size = lanes(dtype), ELEMENT_BYTES[dtype]
    work = Scratch((sizes["n"] * sizes["m"] + 3) * width * size, per_lane=True)
    buffers, sizes = buffers | {"work": work}, sizes | {"count": count, "work_bytes": work.apart}
    lines = [*words("buffers", list(buffers)), *words("dims", list(sizes)), "panel = work + lane * work_bytes",
             "for task in range(begin, end):", "    first = task * WIDTH", "    here = min(WIDTH, count - first)",
             *("    " + line for line in [*_ABSENT, *body])]
    text = "\n".join("    " + _elements(line) for line in lines).replace("WIDTH", str(width)).replace("REAL", dtype)
    used = sorted({"compiled", *calls(text)})
    slots = list(buffers)
    return KernelCall(name, HEADER.format(title=f"{name}, matrices abreast", names=", ".join(used)) + text + "\n",
                      tuple(buffers.values()), tuple(sizes.values()), ceil(count / width), flops=count * flops,
                      nbytes=2 * count * sizes["n"] * sizes["m"] * size,
                      writes=tuple(slots.index(x) for x in (*writes, "work")))


def _elements(line: str) -> str:
    """A line whose A[i, k] and B[s] are numbers in the panel."""
    target, equals, value = line.partition(" = ")
    if not equals or not _ELEMENT.search(target):
        target, value = "", line
    value = _ELEMENT.sub(lambda found: f"load_REAL(panel, {_place(*found.groups())}, 1)", value)
    return _ELEMENT.sub(lambda found: f"store_REAL(panel, {_place(*found.groups())}, {value}, 1)", target) or value


def _place(which: str, index: str) -> str:
    i, _, k = index.partition(", ")
    return f"({f'({i}) * m + {k}' if which == 'A' else f'n * m + {i}'}) * WIDTH + c"
