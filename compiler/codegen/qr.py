"""Kernels of Q R = A by Householder's reflections, in panels of columns that are as wide as a tile of a product.

A panel's reflections are one matrix, 1 + V T V^T (Schreiber and Van Loan, "A storage-efficient WY representation",
1989), so that what follows is products: panels go from left to right, each through those before it; Q is the identity
gone through all from the last to the first. Signs are LAPACK's: what is zero below the diagonal already stays.
"""
from __future__ import annotations

from math import ceil, prod

from ..ir import Operation
from .kernel import KernelCall, Scratch
from .source import calls
from .text import NATIVE, indent, words
from .triangular import Panel, ShapeOf


def lower_qr(op: Operation, shape_of: ShapeOf) -> list[KernelCall] | None:
    """The reflections of each matrix and R, then Q by panels. None for empty matrices."""
    (x,), (q, r) = op.inputs, op.outputs
    *batch, m, n = shape_of(x)
    count, inner, columns, size = prod(batch), min(m, n), shape_of(q)[-1], x.dtype.size
    if not count * inner:
        return None
    panel = Panel.of(x.dtype.code, n)
    width = panel.width
    square, panel_bytes, panels = width * width * size, m * width * size, ceil(inner / width)
    reflections = Scratch(count * ceil(n / width) * panel_bytes)
    factors = Scratch(count * panels * square)
    small = 2 * square + 2 * width * size
    work, own = Scratch(small, per_lane=True), Scratch(small + panel_bytes, per_lane=True)
    tasks = ceil(columns / width)
    return [
        KernelCall("qr_factor", _factor(panel), (x, r, reflections, factors, work),
                   (m, n, inner, shape_of(r)[-2], panel_bytes, work.apart), count,
                   flops=count * 2 * inner * inner * (max(m, n) - inner // 3), nbytes=2 * count * m * n * size,
                   writes=(1, 2, 3, 4)),
        KernelCall("qr_form", _form(panel), (q, reflections, factors, own),
                   (m, n, inner, columns, panel_bytes, own.apart, tasks), count * tasks,
                   flops=count * 4 * m * inner * columns, nbytes=count * m * (inner + columns) * size, writes=(0, 3))]


def _module(panel: Panel, title: str, buffers: list[str], dims: list[str], body: str) -> str:
    dtype, size, width = panel.dtype, panel.size, panel.width
    names = {"compiled", *calls(body), "word"} - {"multiply", "multiply_row", "min"}
    return f'''"""{title}"""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import {", ".join(sorted(names))}

multiply = microkernel("{dtype}", {panel.block}, {panel.nv}, clamped=True)
multiply_row = microkernel("{dtype}", 1, {panel.nv})


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", buffers), 1)}
{indent(words("dims", dims), 1)}
    total = (n + {width - 1}) // {width}
    count = (inner + {width - 1}) // {width}
    product = work + lane * work_bytes
    scaled = product + {width * width * size}
    line = scaled + {width * width * size}
    for task in range(begin, end):
{indent(body.split(chr(10)), 2)}
'''


def _reflect(panel: Panel, transposed: bool) -> str:
    """Lines that take the panel through those reflections of number `before` (in reverse order if `transposed`)."""
    size, width, block = panel.size, panel.width, panel.block
    row_step, step = (1, width) if transposed else (width, 1)
    return f'''start = before * {width}
depth = min({width}, inner - start)
vectors = own + before * panel_bytes + start * {width * size}
factor = own_factors + before * {width * width * size}
target = panel + start * {width * size}
for row in range(0, depth, {block}):
    multiply(vectors + row * {size}, 1, {width}, 0, 1, m - start, target, {width}, 0,
             product + row * {width * size}, {width}, 0, min({block}, depth - row))
for row in range(0, depth, {block}):
    multiply(factor + row * {row_step * size}, {row_step}, {step}, 0, 1, depth, product, {width}, 0,
             scaled + row * {width * size}, {width}, 0, min({block}, depth - row))
for row in range(0, m - start, {block}):
    multiply(vectors + row * {width * size}, {width}, 1, 0, 1, depth, scaled, {width}, 0,
             target + row * {width * size}, {width}, 1, min({block}, m - start - row))'''


def _factor(panel: Panel) -> str:
    """A task is a matrix. One whose squares might leave the range of numbers is scaled."""
    dtype, size, width, block = panel.dtype, panel.size, panel.width, panel.block
    load, store, large = f"load_{dtype}", f"store_{dtype}", 1e15 if size == 4 else 1e150
    return _module(panel, "Q R = A.", ["a", "out", "reflections", "factors", "work"],
                   ["m", "n", "inner", "rows", "panel_bytes", "work_bytes"], f'''source = a + task * m * n * {size}
result = out + task * rows * n * {size}
own = reflections + task * total * panel_bytes
own_factors = factors + task * count * {width * width * size}
largest = {dtype}(0)
for i in range(m * n):
    largest = maximum(largest, fabs({load}(source, i, 0)))
scale = {dtype}(1)
if largest > {dtype}({large}) or largest < {dtype}({1 / large}) and largest > {dtype}(0):
    scale = largest
for number in range(total):
    panel = own + number * panel_bytes
    first = number * {width}
    columns = min({width}, n - first)
    reflected = min({width}, inner - first)  # below 0 right of the last
    for i in range(m):
        for j in range({width}):
            {store}(panel, i * {width} + j, {dtype}(0), 2)
        for j in range(columns):
            {store}(panel, i * {width} + j, {load}(source, i * n + first + j, 0) / scale, 2)
    for before in range(min(number, count)):
{indent(_reflect(panel, True).split(chr(10)), 2)}
    for j in range(reflected):
        top = first + j
        multiply_row(panel + ((top + 1) * {width} + j) * {size}, 0, {width}, 0, 1, m - 1 - top,
                     panel + (top + 1) * {width * size}, {width}, 0, line, 0, 0)
        head = {load}(panel, top * {width} + j, 2)
        tail = {load}(line, j, 4)
        turned = head
        share = {dtype}(0)
        ratio = {dtype}(0)
        if tail != {dtype}(0):
            norm = sqrt(head * head + tail)
            turned = -norm if head > {dtype}(0) else norm
            share = (turned - head) / turned
            ratio = {dtype}(1) / (head - turned)
        {store}(line, {width} + j, share, 4)
        for c in range({width}):
            x = {load}(panel, top * {width} + c, 2)
            left = share * (x + ratio * {load}(line, c, 4)) if c > j else {dtype}(0)
            {store}(line, c, left, 4)
            {store}(panel, top * {width} + c, x - left, 2)
        {store}(panel, top * {width} + j, turned, 2)
        for i in range(top + 1, m):
            x = {load}(panel, i * {width} + j, 2) * ratio
            for c in range({width}):
                {store}(panel, i * {width} + c, {load}(panel, i * {width} + c, 2) - x * {load}(line, c, 4), 2)
            {store}(panel, i * {width} + j, x, 2)
    for i in range(rows):
        for j in range(columns):
            x = {load}(panel, i * {width} + j, 2) * scale
            {store}(result, i * n + first + j, x if i <= first + j else {dtype}(0), 1)
    vectors = panel + first * {width * size}
    for i in range(reflected):
        for c in range(i, reflected):
            {store}(vectors, i * {width} + c, {dtype}(1) if c == i else {dtype}(0), 2)
    for row in range(0, reflected, {block}):
        multiply(vectors + row * {size}, 1, {width}, 0, 1, m - first, vectors, {width}, 0,
                 product + row * {width * size}, {width}, 0, min({block}, reflected - row))
    factor = own_factors + number * {width * width * size}
    for turn in range(reflected):
        i = reflected - 1 - turn
        share = {load}(line, {width} + i, 4)
        multiply_row(product + (i * {width} + i + 1) * {size}, 0, 1, 0, 1, turn,
                     factor + (i + 1) * {width * size}, {width}, 0, line, 0, 0)
        for c in range({width}):
            x = {load}(line, c, 4)
            x = x + {dtype}(1) if c == i else x
            {store}(factor, i * {width} + c, -share * x, 3)''')


def _form(panel: Panel) -> str:
    """A task is a panel of a matrix Q. Reflections that begin below its ones leave it as it is."""
    dtype, size, width = panel.dtype, panel.size, panel.width
    load, store = f"load_{dtype}", f"store_{dtype}"
    return _module(panel, "Q from reflections.", ["out", "reflections", "factors", "work"],
                   ["m", "n", "inner", "columns", "panel_bytes", "work_bytes", "panels"], f'''matrix = task // panels
column = (task - matrix * panels) * {width}
here = min({width}, columns - column)
own = reflections + matrix * total * panel_bytes
own_factors = factors + matrix * count * {width * width * size}
panel = line + {2 * width * size}
for i in range(m * {width}):
    {store}(panel, i, {dtype}(0), 3)
for j in range(here):
    {store}(panel, (column + j) * {width} + j, {dtype}(1), 3)
last = min(count - 1, column // {width})
for turn in range(last + 1):
    before = last - turn
{indent(_reflect(panel, False).split(chr(10)), 1)}
result = out + (matrix * m * columns + column) * {size}
for i in range(m):
    for j in range(here):
        {store}(result, i * columns + j, {load}(panel, i * {width} + j, 3), 0)''')
