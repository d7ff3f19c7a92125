"""Pooling over two spatial axes, channels last, and its gradients.

A window's maximum or sum is taken along rows first and columns second, so a task is one row of outputs and its window
rows are combined once, in scratch of its lane, as one long vector whatever the channels are.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import ceil
from typing import Any, Literal

from ..native.processor import ELEMENT_BYTES
from .conv_common import NATIVE, aligned, forward_axes, indent, words
from .epilogue import Epilogue
from .kernel import KernelCall, Scratch

# with fewer channels than this, the columns of a window are combined channel by channel instead of as vectors
FEW_CHANNELS = 5
# of combined rows, where windows do not overlap: they stay in the first-level cache until their columns are combined
LINE_BYTES = 8 * 1024
# rows or columns of a window that are combined at once, at most
TOGETHER = 4
# rows of windows that a task of the maximum's gradient owns, where windows overlap and its neighbours' are scanned too
OVERLAPPING_ROWS = 8
# windows of stride 1 and at most so many channels go side by side, as one window of so many elements
RUN_CHANNELS, RUN_ELEMENTS = 32, 1024
# windows of up to this many taps are written out
UNROLLED_TAPS = 25


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


def lower_max_pool2d_grad(x: Any, y: Any, dy: Any, dx: Any, *, dtype: str, x_shape: Sequence[int],
                          window: Sequence[int], strides: Sequence[int], padding: Sequence[Sequence[int]],
                          epilogue: Epilogue | None = None) -> list[KernelCall]:
    """dx[n, h, w, c]: the first maximum of each window, by rows, gets all of the window's dy, as in TensorFlow.

    The first NaN counts as the maximum of a window that has one. Overlapping windows add up.
    """
    images, *size, channels = x_shape
    rows, cols = forward_axes(size, window, strides, (1, 1), padding)
    if 0 in x_shape:
        return []
    # a band of input rows from the first of one window row to the first of another; the last reaches the end
    band = (OVERLAPPING_ROWS if rows.taps > rows.stride else 1) * rows.stride
    bands = max(1, ceil((rows.size + max(rows.pad, 0)) / band))
    # a window's rows outside the band go to a sink
    run = max(1, RUN_ELEMENTS // channels) if cols.stride == 1 and channels <= RUN_CHANNELS else 1
    row_bytes = aligned((run + cols.taps - 1) * channels * ELEMENT_BYTES[dtype])
    scratch = Scratch(2 * row_bytes, per_lane=True)
    dims: tuple[int, ...] = (scratch.apart, rows.size, cols.size, rows.count, cols.count, channels, rows.taps,
                             cols.taps, rows.stride, cols.stride, rows.pad, cols.pad, band, bands, row_bytes, run)
    inputs, outputs = images * rows.size * cols.size * channels, images * rows.count * cols.count * channels
    taps = (rows.taps, cols.taps) if run == 1 and rows.taps * cols.taps <= UNROLLED_TAPS else (0, 0)
    apart = rows.taps <= rows.stride and cols.taps <= cols.stride
    source = max_grad_source(dtype, *taps, apart, run > 1, epilogue)
    name, buffers = "max_pool2d_grad", (x, y, dy, dx, scratch)
    if epilogue is not None:
        name, buffers, dims = f"{name}+{epilogue.key}", (*buffers, *epilogue.buffers), (*dims, *epilogue.dims)
    return [KernelCall(name, source, buffers, dims, images * bands, outputs * rows.taps * cols.taps,
                       2 * (inputs + outputs) * ELEMENT_BYTES[dtype], writes=(3,))]


def lower_avg_pool2d_grad(dy: Any, dx: Any, *, dtype: str, x_shape: Sequence[int], window: Sequence[int],
                          strides: Sequence[int], padding: Sequence[Sequence[int]]) -> list[KernelCall]:
    """dx[n, h, w, c]: each input gets its share of dy from every window over it."""
    images, *size, channels = x_shape
    rows, cols = forward_axes(size, window, strides, (1, 1), padding)
    if 0 in x_shape:
        return []
    scratch = Scratch(aligned(cols.count * channels * ELEMENT_BYTES[dtype]), per_lane=True)
    dims = (scratch.apart, rows.size, cols.size, rows.count, cols.count, channels, rows.taps, cols.taps, rows.stride,
            cols.stride, rows.pad, cols.pad)
    inputs, outputs = images * rows.size * cols.size * channels, images * rows.count * cols.count * channels
    return [KernelCall("avg_pool2d_grad", avg_grad_source(dtype), (dy, dx, scratch), dims, images * rows.size,
                       inputs * rows.taps * cols.taps, (inputs + outputs) * ELEMENT_BYTES[dtype], writes=(1,))]


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


def max_grad_source(dtype: str, taps_h: int, taps_w: int, apart: bool, runs: bool, epilogue: Epilogue | None) -> str:
    """Source of the maximum's gradient; a task is a band of input rows, which scans every window that meets it.

    What remains of a window's dy is kept by channel: the first hit takes it all. Windows inside the image have their
    `taps_h` x `taps_w` taps written out, unless these are 0. Windows that are `apart` overlap nowhere; of stride 1,
    `runs` of them go side by side.
    """
    size, load, store = ELEMENT_BYTES[dtype], f"load_{dtype}", f"store_{dtype}"
    inside = "first_h >= 0 and first_h + taps_h <= height and first_w >= 0 and first_w + taps_w <= width"
    names = [*DIMS, "band", "bands", "row_bytes", "run"]
    imports = {"compiled", dtype, "fence", load, "select", store, "word"} | (epilogue.imports if epilogue else set())
    setup = epilogue.setup(5, len(names)) if epilogue else []
    count, part = ("min(run, cols - col)", "max(0, -j) * channels, min(count, width - j) * channels") if runs \
        else ("1", "channels")
    finish = ["for pixel in range((image * height + top) * width, (image * height + bottom) * width):",
              *("    " + line for line in epilogue.apply("pixel", "0", "channels", "dx"))] if epilogue else []
    places, steps = [], []
    for i in range(taps_h):
        places += [f"x{i} = x + ((image * height + first_h + {i}) * line + first_w * channels) * {size}",
                   f"dx{i} = dx + ((image * height + first_h + {i}) * line + first_w * channels) * {size}",
                   f"if first_h + {i} < top or first_h + {i} >= bottom:", f"    dx{i} = sink"]
        for j in range(taps_w):
            scope, at = 5 + i * taps_w + j, f"c + {j} * channels"
            value = f"select(hit, share, {dtype}(0.0))"
            old = "" if apart else f"{load}(dx{i}, {at}, {scope}) + "
            steps += [f"value = {load}(x{i}, {at}, 3)", "hit = (value == most) | (value != value)",
                      f"{store}(dx{i}, {at}, {old}{value}, {scope})",
                      f"share = select(hit, {dtype}(0.0), share)"]
    unrolled = [f"if {inside}:", *("    " + line for line in places), "    for c in range(channels):",
                f"        most = {load}(y + at, c, 4)", f"        share = {load}(dy + at, c, 1)",
                *("        " + line for line in steps), "    fence()", "    continue"] if steps else []
    return f'''"""Gradient of the maximum of windows."""
from {NATIVE}.prelude import {", ".join(sorted(imports))}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["x", "y", "dy", "dx", "remains"]), 1)}
{indent(words("dims", names), 1)}
{indent(setup, 1)}
    remains += lane * scratch
    sink = remains + row_bytes
    line = width * channels
    for task in range(begin, end):
        image = task // bands
        # rows of the band, counted with the padding above
        begin_row = (task - image * bands) * band
        end_row = begin_row + band
        top = max(0, begin_row - max(pad_h, 0))
        bottom = height
        if task - image * bands < bands - 1:
            bottom = min(height, end_row - max(pad_h, 0))
        for i in range(max(0, bottom - top) * line):
            {store}(dx + (image * height + top) * line * {size}, i, {dtype}(0.0), 0)
        first_output = max(0, (top + pad_h - taps_h + stride_h) // stride_h)
        last_output = min(rows, (bottom + pad_h - 1) // stride_h + 1)
        fence()
        for output in range(first_output, last_output):
            first_h = output * stride_h - pad_h
            for col in range(0, cols, run):
                first_w = col * stride_w - pad_w
                at = ((image * rows + output) * cols + col) * channels * {size}
{indent(unrolled, 4)}
                count = {count}
                for c in range(count * channels):
                    {store}(remains, c, {load}(dy + at, c, 1), 2)
                for i in range(max(first_h, 0), min(first_h + taps_h, height)):
                    for j in range(max(first_w, 1 - count), min(first_w + taps_w, width)):
                        source = ((image * height + i) * line + j * channels) * {size}
                        target = dx + source
                        if i < top or i >= bottom:
                            target = sink
                        for c in range({part}):
                            value = {load}(x + source, c, 3)
                            most = {load}(y + at, c, 4)
                            share = {load}(remains, c, 2)
                            hit = (value == most) | (value != value)
                            {store}(remains, c, select(hit, {dtype}(0.0), share), 2)
                            {store}(target, c, {load}(target, c, 0) + select(hit, share, {dtype}(0.0)), 0)
                fence()
{indent(finish, 2)}
'''


def avg_grad_source(dtype: str) -> str:
    """Source of the mean's gradient; a task is a row of inputs."""
    size, load, store = ELEMENT_BYTES[dtype], f"load_{dtype}", f"store_{dtype}"
    return f'''"""Gradient of the mean of windows."""
from {NATIVE}.prelude import compiled, {dtype}, {load}, {store}, word


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["dy", "dx", "line"]), 1)}
{indent(words("dims", DIMS), 1)}
    line += lane * scratch
    for task in range(begin, end):
        image = task // height
        row = task - image * height
        for i in range(cols * channels):
            {store}(line, i, {dtype}(0.0), 2)
        for output in range(max(0, (row + pad_h - taps_h + stride_h) // stride_h),
                            min(rows, (row + pad_h) // stride_h + 1)):
            first_h = output * stride_h - pad_h
            # at least this row
            share = {dtype}(1.0) / {dtype}(min(first_h + taps_h, height) - max(first_h, 0))
            source = dy + (image * rows + output) * cols * channels * {size}
            for i in range(cols * channels):
                {store}(line, i, {load}(line, i, 2) + {load}(source, i, 1) * share, 2)
        target = dx + task * width * channels * {size}
        for i in range(width * channels):
            {store}(target, i, {dtype}(0.0), 0)
        for output in range(cols):
            first_w = output * stride_w - pad_w
            last_w = min(first_w + taps_w, width)
            first_w = max(first_w, 0)
            share = {dtype}(1.0) / {dtype}(max(last_w - first_w, 1))
            source = line + output * channels * {size}
            for col in range(first_w, last_w):
                pixel = target + col * channels * {size}
                for c in range(channels):
                    {store}(pixel, c, {load}(pixel, c, 0) + {load}(source, c, 2) * share, 0)
'''
