"""Convolutions as direct, register-blocked kernels: each row of outputs is a few tiles of the micro-kernel.

In NHWC the inputs of a window row are contiguous, so the micro-kernel walks a window as segments of one row each, and
no im2col is needed. The filters are packed once per call into panels as wide as a tile. Where the window leaves the
image, the kernel copies the rows it needs, zeros around them, into scratch of its lane: they stay in cache, and the
inner loop knows no borders.

Grouped and depthwise convolutions have other kernels; they belong in a file of their own.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from ..native.processor import ELEMENT_BYTES, lanes
from .conv_common import Axis, aligned, choose_tile, divisor_near, forward_axes, indent, padded_row, words
from .epilogue import Epilogue
from .kernel import KernelCall, Scratch

NATIVE = "graphflow.compiler.native"
# what a block of output rows reads and writes: small enough for a second-level cache while panel after panel of filters
# goes over it, or where all filters are one panel, for the first-level cache until the epilogue
BLOCK_BYTES = 256 * 1024
PANEL_BLOCK_BYTES = 16 * 1024
# a window of this many elements is baked into its kernel, as its loops would cost as much as its sums
UNROLLED_DEPTH = 9
# pixels of a row, where rows can be chosen
ROW_PIXELS = 168

DIMS = ["scratch", "padded", "block", "height", "width", "rows", "columns", "channels", "filters", "stride_h",
        "stride_w", "dilation_h", "taps_h", "pad_h", "pad_w", "span_h", "span_w", "apart", "part_step", "segments",
        "segment_step", "segment_len", "panel_size", "panels", "image_step", "row_step", "pixel_step", "first_pixel"]


def lower_conv2d(x: Any, w: Any, y: Any, *, dtype: str, x_shape: Sequence[int], w_shape: Sequence[int],
                 strides: Sequence[int], dilations: Sequence[int], padding: Sequence[Sequence[int]],
                 epilogue: Epilogue | None = None) -> list[KernelCall]:
    """y[n, oh, ow, cout] = x[n, h, w, cin] convolved with w[kh, kw, cin, cout].

    `padding` is ((top, bottom), (left, right)). No calls when y is empty.
    """
    images, *size, channels = x_shape
    *taps, _, filters = w_shape
    rows, cols = forward_axes(size, taps, strides, dilations, padding)
    return direct(x, w, y, dtype, images, channels, filters, rows, cols, tuple(w_shape), False, epilogue, "conv2d")


def direct(x: Any, w: Any, y: Any, dtype: str, images: int, channels: int, filters: int, rows: Axis, cols: Axis,
           w_shape: tuple[int, ...], transposed: bool, epilogue: Epilogue | None, name: str) -> list[KernelCall]:
    """One dense convolution of x by taps of w, or by w with its channels exchanged (`transposed`), into y's pixels."""
    if 0 in (images, filters, rows.count, cols.count):
        return []
    problem = _Direct(dtype, images, channels, filters, rows, cols)
    depth = channels * rows.taps * cols.taps
    flat = problem.flattened()
    mr, nv = choose_tile(dtype, flat.cols.count, filters, depth)
    width = lanes(dtype)
    panels = ceil(filters / (nv * width))
    # a transposed panel is written in whole blocks
    panel_size = (depth + width * transposed) * nv * width
    packed = Scratch(panels * panel_size * ELEMENT_BYTES[dtype])
    calls = []
    if depth:
        dims = (panels, panel_size, w_shape[1], w_shape[2] * w_shape[3], w_shape[3], channels, filters,
                rows.taps, rows.tap, rows.tap_step, cols.taps, cols.tap, cols.tap_step)
        nbytes = 2 * packed.nbytes
        calls.append(KernelCall(f"{name}.pack", pack_source(dtype, nv, transposed), (w, packed), dims, panels,
                                nbytes=nbytes, writes=(1,)))
    calls.append(flat.call(x, packed, y, mr, nv, panel_size, epilogue, name))
    return calls


@dataclass(frozen=True)
class _Direct:
    dtype: str
    images: int
    channels: int
    filters: int
    rows: Axis
    cols: Axis

    def flattened(self) -> _Direct:
        """The same convolution with longer rows, if its windows are single pixels or whole images."""
        rows, cols = self.rows, self.cols
        if rows.pointwise and cols.pointwise:
            pixels, channels = self.images * rows.size * cols.size, self.channels
        elif (rows.count == cols.count == rows.total == cols.total == 1 and rows.pad == cols.pad == 0
              and (rows.taps, cols.taps) == (rows.size, cols.size) and rows.dilation == cols.dilation == 1):
            pixels, channels = self.images, self.channels * rows.taps * cols.taps
        else:
            return self
        length = divisor_near(pixels, ROW_PIXELS)
        axis = Axis(length, length, length, 1, 1, 1, 0)
        return replace(self, images=1, channels=channels, cols=axis,
                       rows=replace(axis, size=pixels // length, total=pixels // length, count=pixels // length))

    def call(self, x: Any, packed: Scratch, y: Any, mr: int, nv: int, panel_size: int, epilogue: Epilogue | None,
             name: str) -> KernelCall:
        rows, cols, size = self.rows, self.cols, ELEMENT_BYTES[self.dtype]
        padded = rows.padded or cols.padded
        span_w = cols.span if padded else cols.size
        tasks = self.images * rows.count
        row_bytes = (rows.stride * span_w * self.channels + cols.count * self.filters) * size
        limit = BLOCK_BYTES if self.filters > nv * lanes(self.dtype) else PANEL_BLOCK_BYTES
        block = max(1, min(tasks, limit // max(row_bytes, 1)))
        # a block that enters another image skips to its first row
        window = (block - 1) * rows.stride + rows.span - (rows.count - 1) * rows.stride
        crossings = (block + rows.count - 2) // rows.count
        window += crossings * max(0, rows.span - rows.count * rows.stride)
        scratch = Scratch(aligned(window * span_w * self.channels * size) if padded else 0, per_lane=True)
        apart, part_step, segments, segment_step, segment_len = self._segments(span_w)
        full, rest = divmod(self.filters, nv * lanes(self.dtype))
        tail = ceil(rest / lanes(self.dtype))
        dims: tuple[int, ...] = (
            scratch.nbytes, int(padded), block, rows.size, cols.size, rows.count, cols.count, self.channels,
            self.filters, rows.stride, cols.stride, rows.dilation, rows.taps, rows.pad, cols.pad,
            rows.span if padded else rows.size, span_w, apart, part_step, segments, segment_step, segment_len,
            panel_size, full, rows.total * cols.total, rows.step * cols.total, cols.step,
            rows.first * cols.total + cols.first)
        buffers: tuple[Any, ...] = (x, packed, y, scratch)
        pixels = tasks * cols.count
        flops = 2 * pixels * self.filters * self.channels * rows.taps * cols.taps
        nbytes = (self.images * rows.size * cols.size * self.channels + pixels * self.filters) * size
        baked = not apart and 0 < segments * segment_len <= UNROLLED_DEPTH
        source = direct_source(self.dtype, mr, nv, full > 0, tail, (segments, segment_len) if baked else None, epilogue,
                               len(buffers))
        if epilogue is not None:
            name = f"{name}+{epilogue.key}"
            buffers, dims = (*buffers, *epilogue.buffers), (*dims, *epilogue.dims)
        return KernelCall(name, source, buffers, dims, tasks, flops, nbytes, writes=(2,))

    def _segments(self, width: int) -> tuple[int, int, int, int, int]:
        """(apart, part step, segments, their step and length) of a window.

        A row of the window is a segment, unless its taps are apart: then the row is a part, and each tap a segment.
        """
        row_step, tap_step = self.rows.dilation * width * self.channels, self.cols.dilation * self.channels
        if not self.rows.taps or not self.cols.taps:
            return 0, 0, 0, 0, 0
        if self.cols.dilation == 1 or self.cols.taps == 1:
            return 0, 0, self.rows.taps, row_step, self.cols.taps * self.channels
        return 1, row_step, self.cols.taps, tap_step, self.channels


def pack_source(dtype: str, nv: int, transposed: bool) -> str:
    """Source that packs the taps of a filter, in the order they are met, into panels of `nv` vectors of columns.

    A task is a panel. `columns` are the filters, or with `transposed` the channels of the original w.
    """
    size, wide = ELEMENT_BYTES[dtype], nv * lanes(dtype)
    pack = "transpose_panel" if transposed else "copy_panel"
    names = ["panels", "panel_size", "w_cols", "tap_size", "stride", "depth", "columns",
             "taps_h", "tap_h", "step_h", "taps_w", "tap_w", "step_w"]
    return f'''"""Packs filters into panels of {wide} columns{", channels exchanged" if transposed else ""}."""
from {NATIVE}.prelude import compiled, word
from {NATIVE}.tiles import {pack}

pack = {pack}({dtype!r}, {nv})


@compiled
def kernel(buffers, dims, begin, end, lane):
    w = word(buffers, 0)
    packed = word(buffers, 1)
{indent(words("dims", names), 1)}
    for panel in range(begin, end):
        column = panel * {wide}
        target = packed + panel * panel_size * {size}
        for i in range(taps_h):
            for j in range(taps_w):
                tap = (tap_h + i * step_h) * w_cols + tap_w + j * step_w
                source = w + (tap * tap_size + column{" * stride" if transposed else ""}) * {size}
                pack(source, stride, target, depth, min({wide}, columns - column))
                target += depth * {wide * size}
'''


def direct_source(dtype: str, mr: int, nv: int, full: bool, tail: int, window: tuple[int, int] | None,
                  epilogue: Epilogue | None, buffer_slot: int) -> str:
    """Source of a convolution over blocks of output rows: fill the window, then tiles panel by panel, then epilogue.

    A task is a row of outputs. Tiles are `mr` pixels by `nv` vectors of filters; `full` says whether any panel is
    complete, `tail` how many vectors the last one has if it is not; `window` bakes in its segments and their
    length.
    """
    size, wide = ELEMENT_BYTES[dtype], nv * lanes(dtype)
    heads, bodies = [], []
    if full:
        heads.append(f"tile_full = microkernel({dtype!r}, {mr}, {nv})")
        bodies += _panel_lines("range(panels)", "tile_full", mr, wide, size, window, "")
    if tail:
        heads.append(f"tile_tail = microkernel({dtype!r}, {mr}, {tail}, masked=True)")
        bodies += _panel_lines("range(panels, panels + 1)", "tile_tail", mr, wide, size, window,
                               f", filters - panel * {wide}")
    imports = {"compiled", "word", f"load_{dtype}", f"store_{dtype}", dtype}
    setup: list[str] = []
    if epilogue is not None:
        imports |= epilogue.imports
        setup = epilogue.setup(buffer_slot, len(DIMS))
        bodies += [
            "for offset in range(count):",
            "    image = (top + offset) // rows",
            "    first = first_pixel + image * image_step + (top + offset - image * rows) * row_step",
            "    for item in range(columns):",
            "        pixel = first + item * pixel_step",
            *("        " + line for line in epilogue.apply("pixel", "0", "filters", "outputs")),
        ]
    newline = "\n"
    return f'''"""Direct convolution, tiles of {mr} pixels by {wide} filters."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import {", ".join(sorted(imports))}

{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "packed", "outputs", "window"]), 1)}
{indent(words("dims", DIMS), 1)}
{indent(setup, 1)}
    window += lane * scratch
    line = span_w * channels
    step = stride_w * channels
    pitch = pixel_step * filters
    next_row = begin
    while next_row < end:
        top = next_row
        count = min(block, end - top)
        next_row += count
        # virtual rows: those of all images, padding included, one below the other
        image = top // rows
        base = image * span_h + (top - image * rows) * stride_h
        corner = inputs + ((base - pad_h) * line - pad_w * channels) * {size}
        if padded:
            corner = window
            image = (next_row - 1) // rows
            last = image * span_h + (next_row - 1 - image * rows) * stride_h + span_h - (rows - 1) * stride_h
            for row in range(base, last):
                image = row // span_h
                row_in = row - image * span_h - pad_h
                to = window + (row - base) * line * {size}
{indent(padded_row(dtype, size), 4)}
{indent(bodies, 2)}
'''


def _panel_lines(panels: str, tile: str, mr: int, wide: int, size: int, window: tuple[int, int] | None,
                 columns: str) -> list[str]:
    """The tiles of some panels over a block of rows; the last tile of a row overlaps the one before.

    Rows of the window above and below the image are left out, except from a window baked in.
    """
    segments, length = window or ("last_segment - first_segment", "segment_len")
    limits = ["first_part = 0", "last_part = 1", "first_segment = 0"] if window else """\
near = min((max(0, pad_h - row * stride_h) + dilation_h - 1) // dilation_h, taps_h - 1)
far = max(near + 1, min(taps_h, (height + pad_h - row * stride_h + dilation_h - 1) // dilation_h))
first_part = near if apart else 0
last_part = far if apart else 1
first_segment = 0 if apart else near
last_segment = segments if apart else far""".splitlines()
    return f'''for panel in {panels}:
    b = packed + panel * panel_size * {size}
    for offset in range(count):
        image = (top + offset) // rows
        row = top + offset - image * rows
        a = corner + (image * span_h + row * stride_h - base) * line * {size}
        c = outputs + ((first_pixel + image * image_step + row * row_step) * filters + panel * {wide}) * {size}
{indent(limits, 2)}
        for item in range((columns + {mr - 1}) // {mr}):
            column = min(item * {mr}, columns - {mr})
            for part in range(first_part, last_part):
                {tile}(
                    a + (column * step + part * part_step + first_segment * segment_step) * {size},
                    step, 1, segment_step, {segments}, {length},
                    b + (part * segments + first_segment) * segment_len * {wide * size}, {wide}, {length} * {wide},
                    c + column * pitch * {size}, pitch, part - first_part{columns})
'''.splitlines()
