"""Pooling over two spatial axes, channels last.

A window's maximum or sum is taken along rows first and columns second, so a task is one row of outputs and its window
rows are combined once, in scratch of its lane, as one long vector whatever the channels are.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, Literal

from ..native.processor import ELEMENT_BYTES
from .conv_common import aligned, forward_axes
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words

# with fewer channels than this, the columns of a window are combined channel by channel instead of as vectors
FEW_CHANNELS = 5
# of combined rows, where windows do not overlap: they stay in the first-level cache until their columns are combined
LINE_BYTES = 8 * 1024
# rows or columns of a window that are combined at once, at most
TOGETHER = 8


def lower_pool2d(x: Any, y: Any, *, kind: Literal["max", "avg"], dtype: str, x_shape: Sequence[int],
                 window: Sequence[int], strides: Sequence[int], padding: Sequence[Sequence[int]]) -> list[KernelCall]:
    """y[n, oh, ow, c]: the maximum or mean of each window of x[n, h, w, c].

    `padding` is ((top, bottom), (left, right)). It never counts: a window wholly outside gives -infinity, or NaN as the
    mean of nothing. The maximum of a window that has a NaN is NaN.
    """
    images, *size, channels = x_shape
    rows, cols = forward_axes(size, window, strides, (1, 1), padding)
    outputs = images * rows.count * cols.count * channels
    if not outputs:
        return []
    strip = cols.count
    if cols.stride >= cols.taps and channels >= FEW_CHANNELS:
        strip = max(1, min(strip, LINE_BYTES // (cols.stride * channels * ELEMENT_BYTES[dtype])))
    scratch = Scratch(aligned(((strip - 1) * cols.stride + cols.taps) * channels * ELEMENT_BYTES[dtype]), per_lane=True)
    dims = (scratch.apart, rows.size, cols.size, rows.count, cols.count, channels, rows.taps, cols.taps, rows.stride,
            cols.stride, rows.pad, cols.pad, strip)
    nbytes = (images * rows.size * cols.size * channels + outputs) * ELEMENT_BYTES[dtype]
    source = pool_source(dtype, kind, rows.taps, cols.taps, channels < FEW_CHANNELS)
    return [KernelCall(f"{kind}_pool2d", source, (x, y, scratch), dims, images * rows.count,
                       outputs * rows.taps * cols.taps, nbytes, writes=(1,))]


DIMS = ["scratch", "height", "width", "rows", "cols", "channels", "taps_h", "taps_w", "stride_h", "stride_w", "pad_h",
        "pad_w"]


def pool_source(dtype: str, kind: str, taps_h: int, taps_w: int, few: bool) -> str:
    """Source of max or mean pooling; a task is a row of outputs.

    The sizes of a window say how many rows or columns are combined at once: the source is the same for many of them. If
    channels are `few`, all columns are.
    """
    size, load, store = ELEMENT_BYTES[dtype], f"load_{dtype}", f"store_{dtype}"
    mean = kind == "avg"
    initial = f"{dtype}({'0.0' if mean else '-math.inf'})"

    def combined(values: list[str]) -> str:
        return reduce(lambda a, b: f"{a} + {b}" if mean else f"maximum({a}, {b})", values)

    def combine(to: str, own: int, x: str, step: str, other: int, count: str, length: str, taps: int) -> list[str]:
        """Lines that combine `count` > 0 runs of so many elements, `step` elements apart."""
        most = min(range(min(taps, TOGETHER), 0, -1), key=lambda number: taps // number + taps % number)

        def several(number: int, more: bool) -> list[str]:
            values = [f"{load}({x} + (done + {k}) * {step} * {size}, i, {other})" for k in range(number)]
            value = combined([f"{load}({to}, i, {own})"] * more + values)
            return [f"    for i in range({length}):", f"        {store}({to}, i, {value}, {own})",
                    f"    done += {number}"]

        lines = ["done = 0", f"if {count} >= {most}:", *several(most, False)]
        if most > 1:
            lines += ["else:", *several(1, False), f"while done + {most} <= {count}:", *several(most, True)]
        return [*lines, f"while done < {count}:", *several(1, True)]

    # a window covers rows times columns of inputs, as both are clipped; a mean of none is NaN
    share = f"""first_w = col * stride_w - pad_w
share = {dtype}(math.nan)
covered = max(0, last - first) * max(0, min(first_w + taps_w, width) - max(first_w, 0))
if covered:
    share = {dtype}(1.0) / {dtype}(covered)""".splitlines() if mean else []
    whole = combined([f"{load}(taps, {{}} + {tap} * channels, 2)" for tap in range(taps_w)])
    whole = f"({whole}) * share" if mean else whole
    if few:
        at = whole.replace("{}", "col * stride_w * channels")
        columns = ["for c in range(channels):", f"    taps = line + c * {size}", "    for col in range(cols):",
                   *("        " + line for line in share), f"        {store}(to, col * channels + c, {at}, 1)"]
    else:
        lines = [*share, f"pixel = to + col * channels * {size}",
                 f"taps = line + (col - begin_col) * stride_w * channels * {size}"]
        if taps_w <= TOGETHER:
            lines += ["for c in range(channels):", f"    {store}(pixel, c, {whole.replace('{}', 'c')}, 1)"]
        else:
            lines += combine("pixel", 1, "taps", "channels", 2, "taps_w", "channels", taps_w)
            if mean:
                lines += ["for c in range(channels):", f"    {store}(pixel, c, {load}(pixel, c, 1) * share, 1)"]
        columns = ["for col in range(begin_col, end_col):", *("    " + line for line in lines)]
    imports = ["compiled", dtype, load, store, "word"] + ["maximum"] * (not mean)
    return f'''"""{"Mean" if mean else "Maximum"} of windows."""
import math

from {NATIVE}.prelude import {", ".join(sorted(imports))}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["x", "y", "line"]), 1)}
{indent(words("dims", [*DIMS, "strip"]), 1)}
    line += lane * scratch
    for task in range(begin, end):
        image = task // rows
        first = (task - image * rows) * stride_h - pad_h
        last = min(first + taps_h, height)
        first = max(first, 0)
        to = y + task * cols * channels * {size}
        for begin_col in range(0, cols, strip):
            end_col = min(begin_col + strip, cols)
            # the pixels of the window's rows: some beside the image, those inside, some beside it
            span = (end_col - begin_col - 1) * stride_w + taps_w
            begin_in = begin_col * stride_w - pad_w
            left = min(max(-begin_in, 0), span)
            inside = max(0, min(width - begin_in, span) - left) if last > first else 0
            for i in range(left * channels):
                {store}(line, i, {initial}, 2)
            for i in range((left + inside) * channels, span * channels):
                {store}(line, i, {initial}, 2)
            middle = line + left * channels * {size}
            source = x + ((image * height + first) * width + begin_in + left) * channels * {size}
            if inside:
{indent(combine("middle", 2, "source", "width * channels", 0, "(last - first)", "inside * channels", taps_h), 4)}
{indent(columns, 3)}
'''
