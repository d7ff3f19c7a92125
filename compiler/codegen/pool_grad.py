"""The gradients of pooling over two spatial axes, channels last."""
from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

from ..native.processor import ELEMENT_BYTES
from .conv_common import aligned, forward_axes
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch
from .pool import DIMS
from .text import NATIVE, indent, words

# rows of windows that a task of the maximum's gradient owns, where windows overlap and its neighbours' are scanned too
OVERLAPPING_ROWS = 8
# windows of up to this many taps are written out. Rows and columns of larger ones than the next are done separately,
# where so many windows overlap; so are those of stride 1 and so few channels, to go side by side, so many elements
UNROLLED_TAPS, SEPARATE_TAPS, OVERLAPPING, RUN_CHANNELS, RUN_ELEMENTS = 25, 9, 3, 32, 1024


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
    inputs, outputs = images * rows.size * cols.size * channels, images * rows.count * cols.count * channels
    dims: tuple[int, ...] = (rows.size, cols.size, rows.count, cols.count, channels, rows.taps, cols.taps, rows.stride,
                             cols.stride, rows.pad, cols.pad, band, bands)
    many = rows.taps * cols.taps > SEPARATE_TAPS and rows.taps >= OVERLAPPING * rows.stride
    if many or cols.stride == 1 < rows.taps and channels <= RUN_CHANNELS:
        kept, row_bytes = band + rows.taps - 1, aligned(cols.count * channels * ELEMENT_BYTES[dtype])
        scratch = Scratch(row_bytes * (2 * kept + 1), per_lane=True)
        run = max(1, RUN_ELEMENTS // channels) if cols.stride == 1 else 1
        dims = (scratch.apart, *dims, row_bytes, kept, run)
        source = separate_max_grad_source(dtype, epilogue)
    else:
        # a window's rows outside the band go to a sink
        row_bytes = aligned(cols.taps * channels * ELEMENT_BYTES[dtype])
        scratch = Scratch(2 * row_bytes, per_lane=True)
        dims = (scratch.apart, *dims, row_bytes)
        apart = rows.taps <= rows.stride and cols.taps <= cols.stride
        taps = (rows.taps, cols.taps) if rows.taps * cols.taps <= UNROLLED_TAPS else (0, 0)
        source = max_grad_source(dtype, *taps, apart, epilogue)
    name, buffers = "max_pool2d_grad", (x, y, dy, dx, scratch)
    row = KernelCall(name, source, buffers, dims, images * bands, outputs * rows.taps * cols.taps,
                     2 * (inputs + outputs) * ELEMENT_BYTES[dtype], writes=(3,))
    return [with_epilogue(row, epilogue)]


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


BAND_DIMS = [*DIMS, "band", "bands", "row_bytes"]


def _by_bands(title: str, dtype: str, names: Sequence[str], imports: set[str], before: Sequence[str], body: str,
              epilogue: Epilogue | None) -> str:
    """Source of the maximum's gradient; a task is a band of input rows. Its `body` goes over the rows of windows that
    meet the band, which is zeros by then, with what is set `before` all tasks."""
    imports |= {"compiled", dtype, "fence", f"load_{dtype}", "select", f"store_{dtype}", "word"}
    setup: list[str] = []
    finish: list[str] = []
    if epilogue:
        imports |= epilogue.imports
        setup = epilogue.setup(5, len(names))
        finish = ["for pixel in range((image * height + top) * width, (image * height + bottom) * width):",
                  *("    " + line for line in epilogue.apply("pixel", "0", "channels", "dx"))]
    math = "import math\n\n" * ("math." in body)
    return f'''"""{title}"""
{math}from {NATIVE}.prelude import {", ".join(sorted(imports))}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["x", "y", "dy", "dx", "remains"]), 1)}
{indent(words("dims", names), 1)}
{indent(setup, 1)}
    remains += lane * scratch
{indent(before, 1)}
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
            store_{dtype}(dx + (image * height + top) * line * {ELEMENT_BYTES[dtype]}, i, {dtype}(0.0), 0)
        first_output = max(0, (top + pad_h - taps_h + stride_h) // stride_h)
        last_output = min(rows, (bottom + pad_h - 1) // stride_h + 1)
        fence()
{indent(body.splitlines(), 2)}
{indent(finish, 2)}
'''


def max_grad_source(dtype: str, taps_h: int, taps_w: int, apart: bool, epilogue: Epilogue | None) -> str:
    """Source of the maximum's gradient that goes from window to window.

    What remains of a window's dy is kept by channel: the first hit takes it all. Windows inside the image have their
    `taps_h` x `taps_w` taps written out, unless these are 0. Windows that are `apart` overlap nowhere.
    """
    size, load, store = ELEMENT_BYTES[dtype], f"load_{dtype}", f"store_{dtype}"
    unrolled = _unrolled(dtype, taps_h, taps_w, apart) if taps_h * taps_w else []
    before = ["sink = remains + row_bytes", "line = width * channels"]
    return _by_bands("Gradient of the maximum of windows.", dtype, BAND_DIMS, set(), before, f"""\
for output in range(first_output, last_output):
    first_h = output * stride_h - pad_h
    for col in range(cols):
        first_w = col * stride_w - pad_w
        at = ((image * rows + output) * cols + col) * channels * {size}
{indent(unrolled, 2)}
        for c in range(channels):
            {store}(remains, c, {load}(dy + at, c, 1), 2)
        for i in range(max(first_h, 0), min(first_h + taps_h, height)):
            for j in range(max(first_w, 0), min(first_w + taps_w, width)):
                source = ((image * height + i) * line + j * channels) * {size}
                target = dx + source
                if i < top or i >= bottom:
                    target = sink
                for c in range(channels):
                    value = {load}(x + source, c, 3)
                    most = {load}(y + at, c, 4)
                    share = {load}(remains, c, 2)
                    hit = (value == most) | (value != value)
                    {store}(remains, c, select(hit, {dtype}(0.0), share), 2)
                    {store}(target, c, {load}(target, c, 0) + select(hit, share, {dtype}(0.0)), 0)
        fence()""", epilogue)


def _unrolled(dtype: str, taps_h: int, taps_w: int, apart: bool) -> list[str]:
    """Lines that go over the taps of a window inside the image, one by one."""
    size, load, store = ELEMENT_BYTES[dtype], f"load_{dtype}", f"store_{dtype}"
    inside = "first_h >= 0 and first_h + taps_h <= height and first_w >= 0 and first_w + taps_w <= width"
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
    return [f"if {inside}:", *("    " + line for line in places), "    for c in range(channels):",
            f"        most = {load}(y + at, c, 4)", f"        share = {load}(dy + at, c, 1)",
            *("        " + line for line in steps), "    fence()", "    continue"]


def separate_max_grad_source(dtype: str, epilogue: Epilogue | None) -> str:
    """Source of the maximum's gradient by rows and by columns.

    A window's dy goes to the first row of the window that has its maximum, and there to the first such column. Windows
    of stride 1 go side by side.
    """
    size, load, store = ELEMENT_BYTES[dtype], f"load_{dtype}", f"store_{dtype}"
    row_maxima = [f"{store}(most + place, c, maximum({load}(most + place, c, 5), {load}(x + source, c, 3)), 5)"]
    by_rows = _give(dtype, f"{load}(most, c, 5)", f"{load}(y + at, c, 4)", "remains", 2, "share", 6)
    by_columns = _give(dtype, f"{load}(x + source, c, 3)", f"{load}(most + place, c, 5)", "share + place", 6,
                       "dx + source", 0)
    before = ["maxima = remains + row_bytes", "shares = maxima + kept * row_bytes", "line = width * channels",
              "across = cols * channels"]
    return _by_bands("Gradient of the maximum of windows, by rows and by columns.", dtype, [*BAND_DIMS, "kept", "run"],
                     {"maximum"}, before, f"""\
begin_in = max(0, min(top, first_output * stride_h - pad_h))
for row in range(begin_in, bottom):
    for i in range(across):
        {store}(maxima + (row - begin_in) * row_bytes, i, {dtype}(-math.inf), 5)
        {store}(shares + (row - begin_in) * row_bytes, i, {dtype}(0.0), 6)
{indent(_each_tap(row_maxima, size), 1)}
fence()
for output in range(first_output, last_output):
    first_h = output * stride_h - pad_h
    for first in range(0, across, {RUN_ELEMENTS}):
        count = min({RUN_ELEMENTS}, across - first)
        at = ((image * rows + output) * across + first) * {size}
        for c in range(count):
            {store}(remains, c, {load}(dy + at, c, 1), 2)
        for row in range(max(first_h, 0), min(first_h + taps_h, bottom)):
            most = maxima + (row - begin_in) * row_bytes + first * {size}
            share = shares + (row - begin_in) * row_bytes + first * {size}
            for c in range(count):
{indent(by_rows, 4)}
fence()
for row in range(top, bottom):
{indent(_each_tap(by_columns, size), 1)}
fence()""", epilogue)


def _each_tap(body: Sequence[str], size: int) -> list[str]:
    """For each tap of `row`'s windows, lines on elements c: of windows from `place` on, of inputs from `source`."""
    return f"""\
most = maxima + (row - begin_in) * row_bytes
share = shares + (row - begin_in) * row_bytes
for col in range(0, cols, run):
    count = min(run, cols - col)
    first_w = col * stride_w - pad_w
    place = col * channels * {size}
    for j in range(max(first_w, 1 - count), min(first_w + taps_w, width)):
        source = ((image * height + row) * line + j * channels) * {size}
        for c in range(max(0, -j) * channels, min(count, width - j) * channels):
{indent(body, 3)}""".splitlines()


def _give(dtype: str, value: str, of: str, remains: str, scope: int, to: str, to_scope: int) -> list[str]:
    """Lines that give what remains to where the value is the maximum."""
    load, store = f"load_{dtype}", f"store_{dtype}"
    return [f"value = {value}", f"left = {load}({remains}, c, {scope})",
            f"hit = (value == {of}) | (value != value)",
            f"{store}({remains}, c, select(hit, {dtype}(0.0), left), {scope})",
            f"{store}({to}, c, {load}({to}, c, {to_scope}) + select(hit, left, {dtype}(0.0)), {to_scope})"]


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
