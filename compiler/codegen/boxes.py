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
    """x into a box of an output: out[begin[k] + strides[k] * i] = x[i] for each axis k."""

    def __init__(self, x: Any, shape: Sequence[int], out_shape: Sequence[int], begin: Sequence[int],
                 strides: Sequence[int]):
        steps = [prod(out_shape[k + 1:]) for k in range(len(shape))]
        self.x, self.size = x, prod(shape)
        self.base = sum(b * s for b, s in zip(begin, steps, strict=True))
        axes: list[tuple[int, int]] = []  # (size, step in the output), joined where one run continues in the next
        for size, step in ((n, s * t) for n, s, t in zip(shape, steps, strides, strict=True) if n != 1):
            if axes and axes[-1][1] == size * step:
                axes[-1] = axes[-1][0] * size, step
            else:
                axes.append((size, step))
        *self.outer, (self.inner, self.step) = axes or [(1, 1)]


def copy_boxes(name: str, boxes: Sequence[Box], out: Any, dtype: DType) -> KernelCall:
    """Boxes with the same axes but for the last one: a task copies one row of each."""
    outer, code, count = boxes[0].outer, dtype.code, len(boxes)
    rank = len(outer)
    lines = [*(f"x{i} = word(buffers, {i})" for i in range(count)), f"out = word(buffers, {count})",
             *(f"n{i} = word(dims, {i})" for i in range(2 * rank + 3 * count)),
             "for task in range(begin, end):", "    at = 0", "    rest = task"]
    for k in reversed(range(1, rank)):
        lines += [f"    at += rest % n{2 * k} * n{2 * k + 1}", f"    rest = rest // n{2 * k}"]
    # LLVM unrolls short rows, and interleaves those of several elements
    row = outer[0][1] if rank == 1 and all(box.inner > 1 for box in boxes) else SHORT + 1
    lines += [f"    at += rest * {row if row <= SHORT else 'n1'}"] if rank else []
    for i, box in enumerate(boxes):
        inner, step, base = (f"n{2 * rank + 3 * i + k}" for k in range(3))
        if box.inner <= SHORT:
            inner = str(box.inner)
        if row <= SHORT:
            base = str(box.base)
        target = f"at + {base} + j" if box.step == 1 else f"at + {base} + j * {step}"
        lines += [f"    for j in range({inner}):",
                  f"        store_{code}(out, {target}, load_{code}(x{i}, task * {inner} + j, {i}), {count})"]
    source = HEADER.format(title="copy boxes", names=f"compiled, load_{code}, store_{code}, word") + "\n".join(
        "    " + line for line in lines) + "\n"
    sizes = (*(v for axis in outer for v in axis), *(v for box in boxes for v in (box.inner, box.step, box.base)))
    return KernelCall(name, source, (*(box.x for box in boxes), out), sizes, prod(n for n, _ in outer),
                      nbytes=2 * sum(box.size for box in boxes) * dtype.size, writes=(count,))


def lower_boxes(op: Operation, shape_of: Callable[[Tensor], tuple[int, ...]], sizes: Callable[[Any], int]
                ) -> list[KernelCall]:
    value, placed = op.definition.lower(op)
    out, out_shape, dtype = op.output, shape_of(op.output), op.output.dtype
    if not prod(out_shape):
        return []
    calls = [] if value is None else [fill(op.name, out, prod(out_shape), value, dtype)]
    boxes = [Box(x, shape_of(x), out_shape, [sizes(b) for b in begin], strides) for x, begin, strides in placed]
    left = [box for box in boxes if box.size]
    while left:
        together = [box for box in left if box.outer and box.outer == left[0].outer][:TOGETHER] or left[:1]
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
