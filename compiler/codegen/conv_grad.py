"""The two gradients of a convolution, direct as well: of its inputs, and of its filters.

The inputs' gradient is a convolution of dy by the filters turned round, one for each phase of the strides. The filters'
gradient is a matrix product whose inner dimension is all output pixels: its tiles keep their sums in registers while
the pixels of many rows stream by.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from typing import Any

from ..native.processor import ELEMENT_BYTES, lanes
from .conv import BLOCK_BYTES, NATIVE, ROW_PIXELS, direct
from .conv_common import (
    Axis,
    aligned,
    backward_axes,
    choose_tile,
    divisor_near,
    forward_axes,
    indent,
    padded_row,
    words,
)
from .epilogue import Epilogue
from .kernel import KernelCall, Scratch

# the partial sums of a filter's gradient: enough of them for many threads, each over enough pixels, none too large
PARTIAL_TASKS = 32
PARTIAL_PIXELS = 512
PARTIAL_BYTES = 4 * 1024 * 1024
# below as many elements in a window row, the rows of the window are interleaved to make longer tiles
INTERLEAVE_BELOW = 8


def lower_conv2d_input_grad(dy: Any, w: Any, dx: Any, *, dtype: str, x_shape: Sequence[int], w_shape: Sequence[int],
                            strides: Sequence[int], dilations: Sequence[int], padding: Sequence[Sequence[int]],
                            epilogue: Epilogue | None = None) -> list[KernelCall]:
    """dx[n, h, w, cin] of dy[n, oh, ow, cout]: `lower_conv2d`'s transpose, with its arguments.

    A transposed convolution is the same computation, hence the epilogue (whose rows are the pixels of dx).
    """
    images, *size, channels = x_shape
    *taps, _, filters = w_shape
    rows, cols = (backward_axes(*axis) for axis in zip(size, taps, strides, dilations, padding, strict=True))
    return [call for phase in product(rows, cols)
            for call in direct(dy, w, dx, dtype, images, filters, channels, *phase, w_shape=tuple(w_shape),
                               transposed=True, epilogue=epilogue, name="conv2d_input_grad")]


def lower_conv2d_weight_grad(x: Any, dy: Any, dw: Any, *, dtype: str, x_shape: Sequence[int], w_shape: Sequence[int],
                             strides: Sequence[int], dilations: Sequence[int],
                             padding: Sequence[Sequence[int]]) -> list[KernelCall]:
    """dw[kh, kw, cin, cout] of x[n, h, w, cin] and dy[n, oh, ow, cout], with `lower_conv2d`'s arguments."""
    images, *size, channels = x_shape
    *taps, _, filters = w_shape
    rows, cols = forward_axes(size, taps, strides, dilations, padding)
    if 0 in w_shape:
        return []
    return _WeightGrad(dtype, images, channels, filters, rows, cols).lower(x, dy, dw)


@dataclass(frozen=True)
class _WeightGrad:
    """dw as matrix products: for each group of window rows, (elements of the window) x (filters), over all pixels."""

    dtype: str
    images: int
    channels: int
    filters: int
    rows: Axis
    cols: Axis

    def lower(self, x: Any, dy: Any, dw: Any) -> list[KernelCall]:
        p = self._flattened()
        rows, cols, size, width = p.rows, p.cols, ELEMENT_BYTES[p.dtype], lanes(p.dtype)
        dense = cols.dilation == 1 or cols.taps == 1
        interleave = rows.taps if dense and cols.taps * p.channels < INTERLEAVE_BELOW else 1
        groups, outer = rows.taps // interleave, 1 if dense else cols.taps
        height = interleave * p.channels * (cols.taps if dense else 1)
        tasks = p.images * rows.count
        mr, nv = choose_tile(p.dtype, height, p.filters, PARTIAL_PIXELS)
        wide = nv * width
        tiles, panels = ceil(height / mr), ceil(p.filters / wide)

        # rows of outputs that are evenly spaced in x need no copy
        even = p.images == 1 or rows.size == rows.count * rows.stride
        in_place = even and interleave == 1 and not (rows.padded or cols.padded)
        line = (cols.size if in_place else cols.span) * interleave * p.channels
        block = max(1, min(tasks, BLOCK_BYTES // max(1, (line + cols.count * p.filters) * size)))
        scratch = Scratch(0 if in_place else aligned(block * line * size), per_lane=True)

        partial = groups * outer * tiles * panels * mr * wide
        parts = max(1, min(ceil(PARTIAL_TASKS / groups), tasks * cols.count // PARTIAL_PIXELS,
                           PARTIAL_BYTES // (partial * size)))
        splits = max(1, min(panels, PARTIAL_TASKS // (groups * parts)))
        partials = Scratch(parts * partial * size)

        dims = (scratch.nbytes, int(in_place), block, tasks, parts, groups, splits, rows.size, cols.size, rows.count,
                cols.count, p.channels, p.filters, rows.stride, cols.stride, rows.dilation, rows.pad, cols.pad,
                cols.span, line, outer, cols.dilation * p.channels, height, tiles, panels)
        flops = 2 * tasks * cols.count * p.filters * p.channels * rows.taps * cols.taps
        nbytes = (p.images * rows.size * cols.size * p.channels + tasks * cols.count * p.filters) * size
        source = weight_grad_source(p.dtype, mr, nv, interleave, p.filters >= wide, ceil(p.filters % wide / width))
        # (element of the window, tile group) that a step along the window's rows and columns means
        step_rows = (p.channels, 0) if interleave > 1 else (0, outer)
        step_cols = (interleave * p.channels, 0) if dense else (0, 1)
        combine = (parts, partial, rows.taps, cols.taps, p.channels, p.filters, mr, wide, height, tiles, panels,
                   *step_rows, *step_cols)
        return [
            KernelCall("conv2d_weight_grad", source, (x, dy, partials, scratch), dims, parts * groups * splits, flops,
                       nbytes, writes=(2,)),
            KernelCall("conv2d_weight_grad.combine", combine_source(p.dtype), (partials, dw), combine,
                       rows.taps * cols.taps * p.channels, nbytes=partials.nbytes, writes=(1,))]

    def _flattened(self) -> _WeightGrad:
        """The same gradient over longer rows, if the window is a single pixel."""
        if not (self.rows.pointwise and self.cols.pointwise and self.images):
            return self
        pixels = self.images * self.rows.size * self.cols.size
        length = divisor_near(pixels, ROW_PIXELS)
        return replace(self, images=1, rows=Axis(pixels // length, pixels // length, pixels // length, 1, 1, 1, 0),
                       cols=Axis(length, length, length, 1, 1, 1, 0))


DIMS = ["scratch", "in_place", "block", "tasks", "parts", "groups", "splits", "height", "width", "rows", "cols",
        "channels", "filters", "stride_h", "stride_w", "dilation_h", "pad_h", "pad_w", "span_w", "line", "outer",
        "outer_step", "elements", "tiles", "panels"]


def weight_grad_source(dtype: str, mr: int, nv: int, interleave: int, full: bool, tail: int) -> str:
    """Source of the partial sums of a filter's gradient: fill the window rows of a block, then all its tiles.

    A task is (part of the output rows, group of window rows, split of the panels). With `interleave` the elements of
    all window rows lie together for each column of x: [column, window row, channel].
    """
    size, wide = ELEMENT_BYTES[dtype], nv * lanes(dtype)
    heads, bodies = [], []
    call = (f"a + start * {size}, 1, stride_w * channels * {interleave}, a_segment, count, cols, "
            f"b + panel * {wide * size}, filters, cols * filters, c, {wide}, first > begin_row")
    if full:
        heads.append(f"tile_full = microkernel({dtype!r}, {mr}, {nv})")
        bodies.append(f"tile_full({call})")
    if tail:
        heads.append(f"tile_tail = microkernel({dtype!r}, {mr}, {tail}, masked=True)")
        masked = f"tile_tail({call}, filters - panel * {wide})"
        bodies = [f"if filters - panel * {wide} >= {wide}:", f"    {bodies[0]}", "else:", f"    {masked}"] \
            if full else [masked]
    newline = "\n"
    return f'''"""Gradient of a convolution's filters, tiles of {mr} window elements by {wide} filters."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import compiled, {dtype}, load_{dtype}, store_{dtype}, word

{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "dy", "partials", "window"]), 1)}
{indent(words("dims", DIMS), 1)}
    window += lane * scratch
    for task in range(begin, end):
        part = task // (groups * splits)
        group = (task - part * groups * splits) // splits
        split = task - (part * groups + group) * splits
        begin_row = part * tasks // parts
        end_row = (part + 1) * tasks // parts
        first = begin_row
        while first < end_row or first == begin_row:
            count = min(block, end_row - first)
            a0 = window
            a_segment = line
            if in_place:
                a0 = inputs + ((first * stride_h + group * dilation_h - pad_h) * line - pad_w * channels) * {size}
                a_segment = stride_h * line
            else:
                for row in range(first, first + count):
                    image = row // rows
                    for inner in range({interleave}):
                        row_in = (row - image * rows) * stride_h + (group + inner) * dilation_h - pad_h
                        to = window + ((row - first) * line + inner * channels) * {size}
{indent(padded_row(dtype, size, interleave), 6)}
            b = dy + first * cols * filters * {size}
            for apart in range(outer):
                a = a0 + apart * outer_step * {size}
                for tile in range(tiles):
                    start = min(tile * {mr}, elements - {mr})
                    for panel in range(split * panels // splits, (split + 1) * panels // splits):
                        c = partials + ((((part * groups + group) * outer + apart) * tiles + tile) * panels
                                        + panel) * {mr * wide * size}
{indent(bodies, 6)}
            first += max(count, 1)
'''


def combine_source(dtype: str) -> str:
    """Source that sums the partial gradients and takes them out of their tiles; a task is one (tap, channel) of dw."""
    size = ELEMENT_BYTES[dtype]
    names = ["parts", "partial", "taps_h", "taps_w", "channels", "filters", "mr", "wide", "height", "tiles", "panels",
             "element_h", "group_h", "element_w", "group_w"]
    return f'''"""Sums the partial gradients of a convolution's filters."""
from {NATIVE}.prelude import compiled, load_{dtype}, store_{dtype}, word


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["partials", "dw"]), 1)}
{indent(words("dims", names), 1)}
    for task in range(begin, end):
        tap = task // channels
        tap_h = tap // taps_w
        tap_w = tap - tap_h * taps_w
        element = tap_h * element_h + tap_w * element_w + task - tap * channels
        tile = element // mr
        row = element - min(tile * mr, height - mr)
        tile += (tap_h * group_h + tap_w * group_w) * tiles
        for panel in range(panels):
            source = partials + ((tile * panels + panel) * mr + row) * wide * {size}
            target = dw + (task * filters + panel * wide) * {size}
            columns = min(wide, filters - panel * wide)
            for j in range(columns):
                store_{dtype}(target, j, load_{dtype}(source, j, 0), 1)
            for part in range(1, parts):
                source += partial * {size}
                for j in range(columns):
                    store_{dtype}(target, j, load_{dtype}(target, j, 1) + load_{dtype}(source, j, 0), 1)
'''
