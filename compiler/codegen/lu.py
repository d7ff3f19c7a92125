"""Kernels of what follows from P A = L U: the factors, systems, inverses and determinants of square matrices.

Panels of columns are factored from left to right (Golub and Van Loan, section 3.4) with partial pivoting; what the
panels before contribute is a matrix product. Rows change places within the panels. For each matrix there is kept which
row came from where, `n` positions, and after them the sign of the permutation.
"""
from __future__ import annotations

from math import ceil, prod
from typing import Any

from ..ir import Operation, Tensor
from . import abreast
from .boxes import HEADER
from .emitter import STATUS
from .kernel import KernelCall, Scratch
from .source import calls
from .text import indent
from .triangular import FaultId, Panel, ShapeOf


def lower_lu(op: Operation, shape_of: ShapeOf, fault_id: FaultId) -> list[KernelCall] | None:
    """The factors, then what the op makes of them. None for empty matrices, and where a matrix or a right-hand side
    serves for several."""
    x = op.inputs[0]
    (*batch, n, _), dtype = shape_of(x), x.dtype.code
    count = prod(batch)
    if not count * n or op.type == "MatrixSolve" and batch != list(shape_of(op.inputs[1])[:-2]):
        return None
    factors: Any = op.outputs[0] if op.type == "Lu" else Scratch(count * n * n * x.dtype.size)
    rows = Scratch(count * (n + 1) * 8)
    fault = 0 if op.type in ("MatrixDeterminant", "LogMatrixDeterminant") else fault_id(op)
    if op.type in ("MatrixSolve", "MatrixInverse"):
        columns = shape_of(op.output)[-1]
        if abreast.pays(dtype, n, columns, count):
            return [abreast.solve(op, n, columns, count, fault)]
        return [_factor(x, factors, rows, n, count, fault), _solve(op, factors, rows, n, count, columns)]
    factor = (abreast.lu if abreast.pays(dtype, n, 1, count) else _factor)(x, factors, rows, n, count, fault)
    body = {"Lu": _ROWS, "MatrixDeterminant": _DETERMINANT, "LogMatrixDeterminant": _LOG_DETERMINANT}[op.type]
    body = body.format(code=dtype, kind=op.outputs[-1].dtype.code)
    source = HEADER.format(title=f"{op.type} from factors", names=", ".join(sorted({"compiled", *calls(body)}))) + body
    results = op.outputs[1:] if op.type == "Lu" else op.outputs
    return [factor, KernelCall(op.name, source, (factors, rows, *results), (n,), count, flops=count * n,
                               nbytes=2 * count * n * x.dtype.size, writes=tuple(range(2, 2 + len(results))))]


# what follows from the factors of a matrix; a task is one
_ROWS = '''    rows = word(buffers, 1)
    out = word(buffers, 2)
    n = word(dims, 0)
    for task in range(begin, end):
        for i in range(n):
            store_{kind}(out, task * n + i, {kind}(load_i64(rows, task * (n + 1) + i, 1)), 2)
'''
_DETERMINANT = '''    factors = word(buffers, 0)
    rows = word(buffers, 1)
    out = word(buffers, 2)
    n = word(dims, 0)
    for task in range(begin, end):
        product = {code}(load_i64(rows, task * (n + 1) + n, 1))
        for i in range(n):
            product = product * load_{code}(factors, (task * n + i) * n + i, 0)
        store_{code}(out, task, product, 2)
'''
_LOG_DETERMINANT = '''    factors = word(buffers, 0)
    rows = word(buffers, 1)
    signs = word(buffers, 2)
    logs = word(buffers, 3)
    n = word(dims, 0)
    for task in range(begin, end):
        total = {code}(0)
        direction = {code}(load_i64(rows, task * (n + 1) + n, 1))
        for i in range(n):
            x = load_{code}(factors, (task * n + i) * n + i, 0)
            total += log(fabs(x))
            direction = direction * sign(x)
        store_{code}(signs, task, direction, 2)
        store_{code}(logs, task, total, 3)
'''


def _factor(x: Tensor, factors: Any, rows: Scratch, n: int, count: int, fault: int) -> KernelCall:
    """A task is a matrix. A `fault` of 0 lets singular ones pass."""
    panel = Panel.of(x.dtype.code, n)
    panel_bytes = panel.nbytes(n)
    work = Scratch(panel.small_bytes + ceil(n / panel.width) * panel_bytes, per_lane=True)
    sizes = (n, panel_bytes, work.apart, fault)
    return KernelCall("lu", _factors(panel), (x, factors, rows, STATUS, work), sizes, count,
                      flops=count * 2 * n ** 3 // 3, nbytes=2 * count * n * n * x.dtype.size, writes=(1, 2, 4))


def _factors(panel: Panel) -> str:
    dtype, size, width, block = panel.dtype, panel.size, panel.width, panel.block
    load, store = f"load_{dtype}", f"store_{dtype}"
    return panel.module("P A = L U.", "", ["a", "out", "rows_of", "status", "work"],
                        ["n", "panel_bytes", "work_bytes", "fault"], f'''source = a + task * n * n * {size}
order = rows_of + task * (n + 1) * 8
for i in range(n):
    store_i64(order, i, i, 5)
store_i64(order, n, 1, 5)
for number in range((n + {width - 1}) // {width}):
    panel = panels + number * panel_bytes
    first = number * {width}
    columns = min({width}, n - first)
    for i in range(panel_bytes // {width * size}):
        for j in range({width}):
            {store}(panel, i * {width} + j, {dtype}(0), 1)
    for i in range(n):
        place = load_i64(order, i, 5) * n + first
        for j in range(columns):
            {store}(panel, i * {width} + j, {load}(source, place + j, 0), 1)
    for row in range(0, n, {block}):
        rows = min({block}, n - row)
        target = panel + row * {width * size}
        before = min(row, first)
        whole = before // {width}
        rest = before - whole * {width}
        above = panels + whole * panel_bytes + row * {width * size}
        multiply(panels + row * {width * size}, {width}, 1, panel_bytes // {size}, whole, {width},
                 panel, {width}, {width * width}, tile, {width}, 0, rows)
        if rest > 0:
            multiply(above, {width}, 1, 0, 1, rest, panel + whole * {width * width * size}, {width}, 0,
                     tile, {width}, 1, rows)
        if row < first:
            for i in range({block}):
                for j in range(i):
                    {store}(triangle, j * {block} + i, {load}(above, i * {width} + rest + j, 1), 3)
                {store}(triangle, i * {block + 1}, {dtype}(1), 3)
{indent(panel.substitute(False), 3)}
        else:
            for i in range(rows * {width}):
                {store}(target, i, {load}(target, i, 1) - {load}(tile, i, 2), 1)
    for j in range(columns):
{indent(_eliminate(panel), 2)}
for number in range((n + {width - 1}) // {width}):
    panel = panels + number * panel_bytes
    first = number * {width}
    columns = min({width}, n - first)
    for i in range(n):
        for j in range(columns):
            {store}(out, (task * n + i) * n + first + j, {load}(panel, i * {width} + j, 1), 4)''')


def _eliminate(panel: Panel) -> list[str]:
    """Lines for column j of a panel: its largest element comes to the diagonal, and leaves the rows below."""
    dtype, width = panel.dtype, panel.width
    load, store = f"load_{dtype}", f"store_{dtype}"
    return f'''top = first + j
best = top
largest = {dtype}(-1)
for i in range(top, n):
    found = fabs({load}(panel, i * {width} + j, 1))
    best = i if found > largest else best
    largest = found if found > largest else largest
if best != top:
    for k in range(number + 1):
        other = panels + k * panel_bytes
        for c in range({width}):
            held = {load}(other, top * {width} + c, 1)
            {store}(other, top * {width} + c, {load}(other, best * {width} + c, 1), 1)
            {store}(other, best * {width} + c, held, 1)
    came = load_i64(order, top, 5)
    store_i64(order, top, load_i64(order, best, 5), 5)
    store_i64(order, best, came, 5)
    store_i64(order, n, 0 - load_i64(order, n, 5), 5)
pivot = {load}(panel, top * {width} + j, 1)
if pivot == {dtype}(0):
    if fault != 0:
        store_i64(status, 0, fault, -1)
    pivot = {dtype}(1)
for c in range({width}):
    {store}(tile, c, {load}(panel, top * {width} + c, 1), 2)
for c in range(j + 1):
    {store}(tile, c, {dtype}(0), 2)
for i in range(top + 1, n):
    ratio = {load}(panel, i * {width} + j, 1) / pivot
    for c in range({width}):
        {store}(panel, i * {width} + c, {load}(panel, i * {width} + c, 1) - ratio * {load}(tile, c, 2), 1)
    {store}(panel, i * {width} + j, ratio, 1)'''.split("\n")


def _solve(op: Operation, factors: Any, rows: Scratch, n: int, count: int, columns: int) -> KernelCall:
    """Tasks are the panels of the right-hand sides; an inverse has the identity's."""
    inverts, adjoint = op.type == "MatrixInverse", op.attrs["adjoint"]
    panel = Panel.of(op.output.dtype.code, columns)
    dtype, width = panel.dtype, panel.width
    panels, panel_bytes = ceil(columns / width), panel.nbytes(n)
    work = Scratch(panel.small_bytes + panel_bytes, per_lane=True)
    unit = [f"store_{dtype}(triangle, i * {panel.block + 1}, {dtype}(1), 3)"]
    lower, upper = ([], unit) if adjoint else (unit, [])  # L has ones on the diagonal
    sweeps = [*panel.sweep(adjoint, True, lower), *panel.sweep(adjoint, False, upper)]
    moved = "load_i64(rows_of, matrix * (n + 1) + i, 5)"
    given, taken = ("i", moved) if adjoint else (moved, "i")
    right = f"{dtype}(1) if {given} == column + j else {dtype}(0)" if inverts else (
        f"load_{dtype}(b + offset, {given} * columns + j, 6)")
    source = panel.module(
        f"X with {'A^T' if adjoint else 'A'} X = {'1' if inverts else 'B'} from factors.", "",
        ["a", "rows_of", "x", "work", *([] if inverts else ["b"])],
        ["n", "columns", "count", "panel_bytes", "work_bytes"], f'''{panel.place()}
matrix_a = a + matrix * n * n * {panel.size}
for i in range(n):
    for j in range({width}):
        store_{dtype}(panels, i * {width} + j, {dtype}(0), 1)
    for j in range(here):
        store_{dtype}(panels, i * {width} + j, {right}, 1)
{chr(10).join(sweeps)}
for i in range(n):
    place = {taken} * columns
    for j in range(here):
        store_{dtype}(x + offset, place + j, load_{dtype}(panels, i * {width} + j, 1), 4)''')
    buffers = (factors, rows, op.output, work, *op.inputs[1:])
    return KernelCall("solve", source, buffers, (n, columns, panels, panel_bytes, work.apart), count * panels,
                      flops=2 * count * n * n * columns, nbytes=count * n * (n + 2 * columns) * panel.size,
                      writes=(2, 3))
