"""Kernels of ops that copy boxes (pad, concat) or add rows (the gradient of a gather) into an output."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from ..dtypes import DType
from ..ir import Operation, Tensor
from .emitter import STATUS, literal
from .kernel import KernelCall
from .loop_group import SHORT

HEADER = '"""{title}"""\nfrom graphflow.compiler.native.prelude import {names}\n\n\n@compiled\n' \
         "def kernel(buffers, dims, begin, end, lane):\n"
# rows of a scatter's output per task: each task scans all indices for its own rows
SCATTER_TASKS = 8
TOGETHER = 8  # boxes that one kernel copies: rows of an output that it fills whole stay in the caches meanwhile


def fill(name: str, out: Any, size: int, value: Any, dtype: DType) -> KernelCall:
    """Every element of `out` becomes `value` (a zero's or another constant's literal goes into the source)."""
    code = dtype.code
    names = ["compiled", f"store_{code}", "word"] + ([code] if not dtype.is_bool else [])
    source = HEADER.format(title="fill", names=", ".join(sorted(names))) + (
        "    out = word(buffers, 0)\n    for i in range(begin, end):\n"
        f"        store_{code}(out, i, {literal(value, dtype)}, 0)\n")
    return KernelCall(name + "/fill", source, (out,), (), size, nbytes=size * dtype.size, writes=(0,))


def copy_all(name: str, x: Any, out: Any, count: int, dtype: DType) -> KernelCall:
    """out[i] = x[i], which costs nothing where both are the same memory."""
    code = dtype.code
    source = HEADER.format(title="copy", names=f"compiled, load_{code}, store_{code}, word") + (
        "    x = word(buffers, 0)\n    out = word(buffers, 1)\n    if x != out:\n        for i in range(begin, end):\n"
        f"            store_{code}(out, i, load_{code}(x, i, 0), 1)\n")
    return KernelCall(name, source, (x, out), (), count, nbytes=2 * count * dtype.size, writes=(1,), in_place=((1, 0),),
                      copies=True)


class Box:
    """x, or its part of this shape from `first` on, into a box of an output:
    out[begin[k] + strides[k] * i] = x[first[k] + i] for each axis k."""

    def __init__(self, x: Any, shape: Sequence[int], source: Sequence[int], first: Sequence[int] | None,
                 out_shape: Sequence[int], begin: Sequence[int], strides: Sequence[int]):
        self.x, self.size = x, prod(shape)
        steps, source_steps = ([prod(dims[k + 1:]) for k in range(len(dims))] for dims in (out_shape, source))
        self.base = sum(b * s for b, s in zip(begin, steps, strict=True))
        self.start = None if first is None else sum(b * s for b, s in zip(first, source_steps, strict=True))
        # (size, step in the output, step in x), joined where one run continues in the next
        axes: list[tuple[int, int, int]] = []
        for size, step, near in ((n, s * t, r) for n, s, t, r in zip(shape, steps, strides, source_steps, strict=True)
                                 if n != 1):
            if axes and axes[-1][1:] == (size * step, size * near):
                axes[-1] = axes[-1][0] * size, step, near
            else:
                axes.append((size, step, near))
        # elements that lie in one row of both are tasks
        *axes, (self.inner, self.step, self.near) = axes if len(axes) > 1 else [*(axes or [(1, 1, 1)]), (1, 1, 1)]
        self.outer = [axis[:2] for axis in axes]
        self.nears = [near for _, _, near in axes]


class _Sizes:
    """Sizes as the source has them: numbers where they are small, which LLVM then unrolls, else slots."""

    def __init__(self) -> None:
        self.slots: list[int] = []

    def slot(self, size: int) -> str:
        self.slots.append(size)
        return f"n{len(self.slots) - 1}"

    def short(self, size: int) -> str:
        return str(size) if size < SHORT else self.slot(size)

    def times(self, variable: str, size: int, known: bool = False) -> str:
        return variable if size == 1 else f"{variable} * {size if known else self.slot(size)}"


def copy_boxes(name: str, boxes: Sequence[Box], out: Any, dtype: DType) -> KernelCall:
    """Boxes with the same axes but for the last one: a task copies one row of each."""
    outer, code, count = boxes[0].outer, dtype.code, len(boxes)
    rank, sizes = len(outer), _Sizes()
    full = rank == 1 and outer[0][1] == sum(box.inner for box in boxes) <= SHORT  # rows that they fill together
    begins, body = ["at = 0"], []
    for i, box in enumerate(boxes):
        inner = sizes.short(box.inner)
        base = str(box.base) if full else sizes.slot(box.base)
        source = f"task * {inner}" if box.start is None else f"from{i}"
        if box.start is not None:
            begins.append(f"from{i} = {sizes.slot(box.start)}")
        body += [f"for j in range({inner}):",
                 f"    store_{code}(out, at + {base} + {sizes.times('j', box.step)}, "
                 f"load_{code}(x{i}, {source} + {sizes.times('j', box.near)}, {i}), {count})"]
    places: list[str] = []
    for k in reversed(range(rank)):
        size = sizes.slot(outer[k][0]) if k else ""
        digit = "task" if rank == 1 else f"rest % {size}" if k else "rest"
        places += [f"at += {sizes.times(digit, outer[k][1], full)}", *(
            f"from{i} += {sizes.times(digit, box.nears[k])}" for i, box in enumerate(boxes) if box.start is not None)]
        places += [f"rest = rest // {size}"] if k else []
    lines = [*(f"x{i} = word(buffers, {i})" for i in range(count)), f"out = word(buffers, {count})",
             *(f"n{i} = word(dims, {i})" for i in range(len(sizes.slots))), "for task in range(begin, end):",
             *("    " + line for line in (*begins, *(["rest = task"] if rank > 1 else []), *places, *body))]
    text = HEADER.format(title="copy boxes", names=f"compiled, load_{code}, store_{code}, word") + "\n".join(
        "    " + line for line in lines) + "\n"
    return KernelCall(name, text, (*(box.x for box in boxes), out), tuple(sizes.slots), prod(n for n, _ in outer),
                      nbytes=2 * sum(box.size for box in boxes) * dtype.size, writes=(count,))


def lower_boxes(op: Operation, shape_of: Callable[[Tensor], tuple[int, ...]], sizes: Callable[[Any], int]
                ) -> list[KernelCall]:
    value, placed = op.definition.lower(op)
    out, out_shape, dtype = op.output, shape_of(op.output), op.output.dtype
    if not prod(out_shape):
        return []
    calls = [] if value is None else [fill(op.name, out, prod(out_shape), value, dtype)]
    boxes = []
    for x, begin, strides, *part in placed:
        source = shape_of(x)
        first, shape = ([sizes(n) for n in each] for each in part) if part else (None, source)
        boxes.append(Box(x, shape, source, first, out_shape, [sizes(b) for b in begin], strides))
    left = [box for box in boxes if box.size]
    while left:
        together = [box for box in left if box.outer == left[0].outer][:TOGETHER]
        calls.append(copy_boxes(op.name, together, out, dtype))
        left = [box for box in left if box not in together]
    return calls


SCATTER = '''    g = word(buffers, 0)
    indices = word(buffers, 1)
    out = word(buffers, 2)
    status = word(buffers, 3)
    count = word(dims, 0)
    rows = word(dims, 1)
    inner = word(dims, 2)
    parts = word(dims, 3)
    fault = word(dims, 4)
    while begin < end:
        outer = begin // parts
        stop = min(end, (outer + 1) * parts)
        low = rows * (begin - outer * parts) // parts
        high = rows * (stop - outer * parts) // parts
        for i in range((high - low) * inner):
            store_{code}(out, (outer * rows + low) * inner + i, {code}(0), 2)
        for i in range(count):
            row = i64(load_{index}(indices, i, 1))
            if row >= low and row < high:
                source = (outer * count + i) * inner
                target = (outer * rows + row) * inner
                for j in range({inner}):
                    total = load_{code}(out, target + j, 2) + load_{code}(g, source + j, 0)
                    store_{code}(out, target + j, {code}(total), 2)
            elif row < 0 or row >= rows:
                store_i64(status, 1, row, -1)
                store_i64(status, 2, rows, -1)
                store_i64(status, 0, fault, -1)
        begin = stop
'''


def lower_scatter(op: Operation, shape_of: Callable[[Tensor], tuple[int, ...]],
                  fault_id: Callable[[Operation], int]) -> list[KernelCall]:
    """out[..., indices[i], ...] += g[..., i, ...]: tasks own ranges of the output's rows, so none collide."""
    g, indices = op.inputs[:2]
    axis, out_shape = op.attrs["axis"], shape_of(op.output)
    if not prod(out_shape):
        return []
    count, rows = prod(shape_of(indices)), out_shape[axis]
    outer, inner = prod(out_shape[:axis]), prod(out_shape[axis + 1:])
    code, index = op.output.dtype.code, indices.dtype.code
    names = sorted({"compiled", "word", "i64", code, f"load_{code}", f"store_{code}", f"load_{index}", "store_i64"})
    source = HEADER.format(title="add rows at indices", names=", ".join(names)) + SCATTER.format(
        code=code, index=index, inner="1" if inner == 1 else "inner")
    parts = min(SCATTER_TASKS, rows)
    return [KernelCall(op.name, source, (g, indices, op.output, STATUS), (count, rows, inner, parts, fault_id(op)),
                       outer * parts, flops=outer * count * inner,
                       nbytes=(prod(out_shape) + 2 * outer * count * inner) * op.output.dtype.size, writes=(2,))]
