"""The gradient of a convolution's filters: matrix products whose inner dimension is all output pixels.

The tiles keep their sums in registers while the pixels of many rows stream by. Their rows are elements of the window
and their columns the filters, or the other way round where the filters are few. Where the elements of a window's row
are few, a tile takes several rows of it.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any

from ..native.processor import ELEMENT_BYTES, lanes
from . import grouped, unit_filter_grad, winograd_filter_grad
from .conv_common import (
    FAR_BYTES,
    MAX_ROWS,
    Axis,
    Windows,
    aligned,
    arranged,
    flattened,
    forward_axes,
    is_narrow,
    padded_row,
    three_axes,
    tile_cost,
    whole_axes,
)
from .gemm import lower_gemm
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words

# the rows of x and dy that all tiles of a group go over before the next ones: they stay in a second-level cache, where
# the sums are not read and written for too few pixels
BLOCK_BYTES, BLOCK_PIXELS = 128 * 1024, 16
# the partial sums of a filter's gradient: enough of them for many threads, each over enough pixels, none too large
PARTIAL_TASKS = 32
PARTIAL_PIXELS = 512
PARTIAL_BYTES = 4 * 1024 * 1024
# a plain matrix product is best of up to so many pixels, and for so many elements of dw, whose partial sums would leave
# the cache: so many at least on each side, and so many pixels. Those that strides leave apart are brought together
PRODUCT_PIXELS, PRODUCT_ELEMENTS, PRODUCT_SIDE, MIN_PIXELS = 8192, 64 * 1024, 128, 1024
# columns of dy are packed for so many tiles to read them, as long as they stay in the first-level cache
PACKED_TILES, PACKED_BYTES = 4, 24 * 1024


def lower_conv_filter_grad(x: Any, dy: Any, dw: Any, *, dtype: str, x_shape: Sequence[int], w_shape: Sequence[int],
                           strides: Sequence[int], dilations: Sequence[int],
                           padding: Sequence[Sequence[int]]) -> list[KernelCall]:
    """dw[..., cin / groups, cout] of x[n, ..., cin] and dy[n, ..., cout], with `lower_conv`'s arguments."""
    x_shape, w_shape, strides = whole_axes(x_shape, w_shape, strides, dilations, padding)
    if 0 in w_shape:
        return []
    axes, window = forward_axes(x_shape[1:-1], w_shape[:-2], strides, dilations, padding), w_shape[:-2]
    p = Windows.of(dtype, x_shape[0], x_shape[-1], w_shape[-1], x_shape[-1] // w_shape[-2], arranged(axes, window))
    if p.taps == prod(window):
        return _lower(x, dy, dw, p)
    kept = Scratch(p.taps * prod(w_shape[-2:]) * ELEMENT_BYTES[dtype])
    return [*(_lower(x, dy, kept, p) if p.taps else []), _placed(kept, dw, dtype, axes, w_shape)]


def _placed(kept: Scratch, dw: Any, dtype: str, axes: Sequence[Axis], w_shape: Sequence[int]) -> KernelCall:
    """The call that writes the gradients of the taps that meet inputs to their places, and zeros for the others."""
    trimmed = three_axes([axis.trimmed for axis in axes])
    window = [1] * (5 - len(w_shape)) + list(w_shape[:-2])
    source = f'''"""Brings gradients of some taps of a window to their places."""
from {NATIVE}.prelude import compiled, {dtype}, load_{dtype}, store_{dtype}, word


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["kept", "dw"]), 1)}
{indent(words("dims", ["elements", "window_h", "window_w", "tap_d", "tap_h", "tap_w", "taps_d", "taps_h",
                       "taps_w"]), 1)}
    for task in range(begin, end):
        row = task // window_w
        plane = row // window_h
        d, h, w = plane - tap_d, row - plane * window_h - tap_h, task - row * window_w - tap_w
        source = kept + ((d * taps_h + h) * taps_w + w) * elements * {ELEMENT_BYTES[dtype]}
        target = dw + task * elements * {ELEMENT_BYTES[dtype]}
        if min(d, h, w, taps_d - 1 - d, taps_h - 1 - h, taps_w - 1 - w) < 0:
            for i in range(elements):
                store_{dtype}(target, i, {dtype}(0.0), 1)
        else:
            for i in range(elements):
                store_{dtype}(target, i, load_{dtype}(source, i, 0), 1)
'''
    dims = (prod(w_shape[-2:]), *window[1:], *(axis.tap for axis in trimmed), *(axis.taps for axis in trimmed))
    return KernelCall("conv_filter_grad.place", source, (kept, dw), dims, prod(window),
                      nbytes=kept.nbytes + prod(w_shape) * ELEMENT_BYTES[dtype], writes=(1,))


def _lower(x: Any, dy: Any, dw: Any, p: Windows) -> list[KernelCall]:
    """dw of the taps that p has."""
    calls: list[KernelCall] = []
    large = (p.channels * p.filters >= PRODUCT_ELEMENTS and min(p.channels, p.filters) >= PRODUCT_SIDE
             and p.outputs >= MIN_PIXELS)
    if (large and p.groups == p.taps == 1 and p.outputs < p.inputs
            and not any(axis.padded or axis.pad for axis in p.axes)):
        calls, x, p = _together(p, x)
    if p.is_product and (large or p.outputs <= PRODUCT_PIXELS):
        return calls + lower_gemm(x, dy, dw, dtype=p.dtype, m=p.channels, n=p.filters, k=p.outputs, transpose_a=True)
    if unit_filter_grad.pays(p):
        return unit_filter_grad.lower(p, x, dy, dw)
    if grouped.pays(p):
        return grouped.lower_filter_grad(x, dy, dw, p)
    if shares := winograd_filter_grad.choose(p):
        return winograd_filter_grad.lower(x, dy, dw, p, shares)
    return calls + _tiled(flattened(p), x, dy, dw)


def _together(p: Windows, x: Any) -> tuple[list[KernelCall], Scratch, Windows]:
    """(calls, their result, the same convolution of that): the pixels that windows of one pixel read, no others."""
    slices, rows, cols = p.axes
    kept = Scratch(p.outputs * p.channels * ELEMENT_BYTES[p.dtype])
    dims = (p.channels, slices.size, slices.count, slices.stride, rows.size, rows.count, rows.stride, cols.size,
            cols.count, cols.stride)
    source = f'''"""Brings the pixels together that strides leave."""
from {NATIVE}.prelude import compiled, load_{p.dtype}, store_{p.dtype}, word


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "kept"]), 1)}
{indent(words("dims", ["channels", "depth", "slices", "stride_d", "height", "rows", "stride_h", "width", "cols",
                       "stride_w"]), 1)}
    for task in range(begin, end):
        plane = task // rows
        image = plane // slices
        slice_in = image * depth + (plane - image * slices) * stride_d
        first = (slice_in * height + (task - plane * rows) * stride_h) * width
        for col in range(cols):
            for c in range(channels):
                value = load_{p.dtype}(inputs, (first + col * stride_w) * channels + c, 0)
                store_{p.dtype}(kept, (task * cols + col) * channels + c, value, 1)
'''
    call = KernelCall("conv_filter_grad.together", source, (x, kept), dims, p.images * slices.count * rows.count,
                      nbytes=2 * kept.nbytes, writes=(1,))
    alone = [replace(axis, size=axis.count, stride=1) for axis in p.axes]
    return [call], kept, replace(p, axes=three_axes(alone))


@dataclass(frozen=True)
class Tile:
    """`mr` rows by `nv` vectors: window elements by filters, or filters by elements (`swapped`).

    `each` rows of the window meet in a tile; `dense` says whether the elements of a row are contiguous, else a tile
    has those of one tap.
    """

    dtype: str
    mr: int
    nv: int
    dense: bool
    each: int = 1
    swapped: bool = False

    @staticmethod
    def choose(p: Windows) -> Tile:
        _, rows, cols = p.axes
        channels, filters = p.each
        dense = p.groups == 1 and (cols.dilation == 1 or cols.taps == 1)
        elements = channels * cols.taps if dense else channels

        def cost(count: int, m: int, n: int, **options: Any) -> tuple[float, Tile]:
            cycles, mr, nv = tile_cost(p.dtype, m, n, PARTIAL_PIXELS, options.get("each", 0) and m)
            return count * cycles, Tile(p.dtype, mr, nv, dense, **options)

        candidates = [cost(rows.taps, elements, filters), cost(rows.taps, filters, elements, swapped=True)]
        if dense:
            candidates += [cost(ceil(rows.taps / each), each * elements, filters, each=each)
                           for each in range(2, min(rows.taps, MAX_ROWS // elements) + 1)]
        return min(candidates, key=lambda candidate: candidate[0])[1]


def _tiled(p: Windows, x: Any, dy: Any, dw: Any) -> list[KernelCall]:
    tile, (depth, rows, cols), size = Tile.choose(p), p.axes, ELEMENT_BYTES[p.dtype]
    channels, filters = p.each
    wide = tile.nv * lanes(p.dtype)
    bands = ceil(rows.taps / tile.each)
    outer = (1 if tile.dense else cols.taps) * p.groups
    elements = tile.each * channels * (cols.taps if tile.dense else 1)
    height, width = (filters, elements) if tile.swapped else (elements, filters)
    tasks = p.images * depth.count * rows.count
    tiles, panels = ceil(height / tile.mr), ceil(width / wide)

    # rows of outputs that are evenly spaced in x need no copy
    even = p.images * depth.count == 1 or rows.size == rows.count * rows.stride
    in_place = even and not (rows.padded or cols.padded or p.volume)
    line = (cols.size if in_place else cols.span) * p.channels
    row_bytes = (line * (1 if in_place else tile.each) + cols.count * p.filters) * size
    fit = BLOCK_BYTES * min(p.groups, 2) // max(1, row_bytes)
    block = max(1, min(tasks, max(fit, ceil(BLOCK_PIXELS / max(1, cols.count)))))
    packs = tiles >= PACKED_TILES and filters > wide and not tile.swapped
    if packs:
        block = max(1, min(block, PACKED_BYTES // max(1, cols.count * wide * size)))
    copied = 0 if in_place else aligned(block * tile.each * line * size)
    scratch = Scratch(copied + packs * aligned(block * cols.count * wide * size), per_lane=True)

    partial = depth.taps * bands * outer * tiles * panels * tile.mr * wide
    parts = max(1, min(ceil(PARTIAL_TASKS / (depth.taps * bands)), tasks * cols.count // PARTIAL_PIXELS,
                       PARTIAL_BYTES // (partial * size)))
    splits = max(1, min(panels, PARTIAL_TASKS // (depth.taps * bands * parts)))
    partials = Scratch(parts * partial * size)

    dims: tuple[int, ...] = (
        scratch.apart, int(in_place), block, tasks, parts, bands, splits, rows.size, cols.size, rows.count, cols.count,
        p.channels, p.filters, rows.stride, cols.stride, rows.dilation, rows.taps, rows.pad, cols.pad, cols.span, line,
        outer, p.groups, cols.dilation * p.channels, channels, filters, height, width, tiles, panels, depth.taps,
        copied)
    if p.volume:
        dims += (depth.size, depth.count, depth.stride, depth.dilation, depth.pad)
    far = in_place and p.nbytes > FAR_BYTES
    source = filter_grad_source(tile, packs, width >= wide, ceil(width % wide / lanes(p.dtype)),
                                is_narrow(p.dtype, width), p.volume, far)
    if tile.swapped:
        combine, combined = swapped_combine_source(tile), depth.taps * bands * outer * panels
        sizes: tuple[int, ...] = parts, partial, p.filters, filters, elements, tiles, panels, p.groups
    else:
        combine, combined = combine_source(tile), p.taps * channels
        sizes = (parts, partial, depth.taps, rows.taps, cols.taps, channels, p.filters, filters, height, tiles, panels,
                 bands, outer, p.groups, channels * cols.taps if tile.dense else channels)
    return [
        KernelCall("conv_filter_grad", source, (x, dy, partials, scratch), dims,
                   parts * depth.taps * bands * splits, p.flops, p.nbytes, writes=(2,)),
        KernelCall("conv_filter_grad.combine", combine, (partials, dw), sizes, combined, nbytes=partials.nbytes,
                   writes=(0, 1) if tile.swapped else (1,))]


DIMS = ["scratch", "in_place", "block", "tasks", "parts", "bands", "splits", "height", "width", "rows", "cols",
        "channels", "filters", "stride_h", "stride_w", "dilation_h", "taps_h", "pad_h", "pad_w", "span_w", "line",
        "outer", "groups", "tap_step", "group_channels", "group_filters", "tile_rows", "tile_cols", "tiles", "panels",
        "taps_d", "copied"]
VOLUME_DIMS = ["depth", "slices", "stride_d", "dilation_d", "pad_d"]


def filter_grad_source(tile: Tile, packs: bool, full: bool, tail: int, narrow: bool, volume: bool, far: bool) -> str:
    """Source of the partial sums of a filter's gradient: fill the window rows of a block, then all its tiles.

    A task is (part of the output rows, tap in depth, band of window rows, split of the panels). What comes from `far`
    is touched.
    """
    dtype, size, wide = tile.dtype, ELEMENT_BYTES[tile.dtype], tile.nv * lanes(tile.dtype)
    inputs, grads = "stride_w * channels, a_segment", "filters, cols * filters"
    if tile.swapped:
        operands = f"b + first_row * {size}, 1, {grads}, count, cols, a + panel * {wide * size}, {inputs}"
    else:
        columns = f"packed, {wide}, cols * {wide}" if packs else f"b + panel * {wide * size}, {grads}"
        operands = f"a + first_row * {size}, 1, {inputs}, count, cols, {columns}"
    call = f"({operands}, c, {wide}, first > begin_row"
    options, block = (f", grid={tile.mr // tile.each}", ", a_block") if tile.each > 1 else ("", "")
    heads, bodies = [], []
    if full:
        heads.append(f"tile_full = microkernel({dtype!r}, {tile.mr}, {tile.nv}{options})")
        bodies.append(f"tile_full{call}{block})")
    if tail:
        heads.append(f"tile_tail = microkernel({dtype!r}, {tile.mr}, {tail}, masked=True, narrow={narrow}{options})")
        masked = f"tile_tail{call}, tile_cols - panel * {wide}{block})"
        bodies = [f"if tile_cols - panel * {wide} >= {wide}:", f"    {bodies[0]}", "else:", f"    {masked}"] \
            if full else [masked]
    pack = []
    if packs:
        heads += [f"copy = copy_panel({dtype!r}, {tile.nv})"]
        pack = [f"columns = min({wide}, tile_cols - panel * {wide})",
                f"copy(b + panel * {wide * size}, filters, packed, count * cols, columns)"]
    touches = [f"touch(a0, ((count - 1) * a_segment + line) * {size})",
               f"touch(b0, count * cols * filters * {size})"] if far else []
    newline = "\n"
    return f'''"""Gradient of a convolution's filters, tiles of {tile.mr} rows by {wide} columns."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import compiled, {dtype}, load_{dtype}, store_{dtype}{", touch" * far}, word
{f"from {NATIVE}.tiles import copy_panel" if packs else ""}

{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "dy", "partials", "window"]), 1)}
{indent(words("dims", DIMS + VOLUME_DIMS * volume), 1)}
    window += lane * scratch
    packed = window + copied
    for task in range(begin, end):
        band = task // splits
        split = task - band * splits
        plane = band // bands
        band -= plane * bands
        part = plane // taps_d
        tap_d = plane - part * taps_d
        first_tap = min(band * {tile.each}, taps_h - {tile.each})
        begin_row = part * tasks // parts
        end_row = (part + 1) * tasks // parts
        first = begin_row
        while first < end_row or first == begin_row:
            count = min(block, end_row - first)
            a0 = window
            a_segment = {tile.each} * line
            a_block = line
            if in_place:
                a0 = inputs + ((first * stride_h + first_tap * dilation_h - pad_h) * line - pad_w * channels) * {size}
                a_segment = stride_h * line
                a_block = dilation_h * line
            else:
                for row in range(first, first + count):
                    for inner in range({tile.each}):
                        image = row // rows
                        row_in = (row - image * rows) * stride_h + (first_tap + inner) * dilation_h - pad_h
                        to = window + ((row - first) * {tile.each} + inner) * line * {size}
{indent(padded_row(dtype, size, volume), 6)}
            b0 = dy + first * cols * filters * {size}
{indent(touches, 3)}
            for apart in range(outer):
                tap = apart // groups
                group = apart - tap * groups
                a = a0 + (tap * tap_step + group * group_channels) * {size}
                b = b0 + group * group_filters * {size}
                for panel in range(split * panels // splits, (split + 1) * panels // splits):
{indent(pack, 5)}
                    for tile in range(tiles):
                        first_row = min(tile * {tile.mr}, tile_rows - {tile.mr})
                        c = partials + ((((plane * bands + band) * outer + apart) * tiles + tile) * panels
                                        + panel) * {tile.mr * wide * size}
{indent(bodies, 6)}
            first += max(count, 1)
'''


def combine_source(tile: Tile) -> str:
    """Source that sums the partial gradients and takes them out of their tiles; a task is one (tap, channel) of dw."""
    dtype, size, wide = tile.dtype, ELEMENT_BYTES[tile.dtype], tile.nv * lanes(tile.dtype)
    names = ["parts", "partial", "taps_d", "taps_h", "taps_w", "channels", "filters", "group_filters", "tile_rows",
             "tiles", "panels", "bands", "outer", "groups", "row_elements"]
    return f'''"""Sums the partial gradients of a convolution's filters."""
from {NATIVE}.prelude import compiled, load_{dtype}, store_{dtype}, word


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["partials", "dw"]), 1)}
{indent(words("dims", names), 1)}
    for task in range(begin, end):
        tap = task // channels
        line = tap // taps_w
        tap_w = tap - line * taps_w
        plane = line // taps_h
        tap_h = line - plane * taps_h
        band = tap_h // {tile.each}
        first_tap = min(band * {tile.each}, taps_h - {tile.each})
        element = (tap_h - first_tap) * row_elements + task - tap * channels{" + tap_w * channels" * tile.dense}
        for group in range(groups):
            apart = {"group" if tile.dense else "tap_w * groups + group"}
            block = partials + ((plane * bands + band) * outer + apart) * tiles * panels * {tile.mr * wide * size}
            target = dw + (task * filters + group * group_filters) * {size}
            tile = element // {tile.mr}
            row = element - min(tile * {tile.mr}, tile_rows - {tile.mr})
            for panel in range(panels):
                source = block + ((tile * panels + panel) * {tile.mr} + row) * {wide * size}
                columns = min({wide}, group_filters - panel * {wide})
                for j in range(columns):
                    store_{dtype}(target, j, load_{dtype}(source, j, 0), 1)
                for part in range(1, parts):
                    source += partial * {size}
                    for j in range(columns):
                        store_{dtype}(target, j, load_{dtype}(target, j, 1) + load_{dtype}(source, j, 0), 1)
                target += {wide * size}
'''


def swapped_combine_source(tile: Tile) -> str:
    """Source that sums the partial gradients in tiles of filters by elements and transposes them into dw; a task is a
    panel of the elements of a row of the window, or of one tap and group of it."""
    dtype, size, width = tile.dtype, ELEMENT_BYTES[tile.dtype], lanes(tile.dtype)
    wide = tile.nv * width
    return f'''"""Sums the partial gradients of a convolution's filters and transposes them."""
from {NATIVE}.prelude import compiled, load_{dtype}, store_{dtype}, word
from {NATIVE}.tiles import transpose_block

transposed = transpose_block({dtype!r})


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["partials", "dw"]), 1)}
{indent(words("dims", ["parts", "partial", "filters", "group_filters", "elements", "tiles", "panels", "groups"]), 1)}
    for task in range(begin, end):
        block = task // panels
        panel = task - block * panels
        row = block // groups
        columns = min({wide}, elements - panel * {wide})
        target = dw + ((row * elements + panel * {wide}) * filters + (block - row * groups) * group_filters) * {size}
        for tile in range(tiles):
            sums = partials + ((block * tiles + tile) * panels + panel) * {tile.mr * wide * size}
            for part in range(1, parts):
                more = sums + part * partial * {size}
                for i in range({tile.mr * wide}):
                    store_{dtype}(sums, i, load_{dtype}(sums, i, 0) + load_{dtype}(more, i, 1), 0)
            first = min(tile * {tile.mr}, group_filters - {tile.mr})
            for i in range(0, {tile.mr}, {width}):
                for j in range(0, columns, {width}):
                    transposed(sums + (i * {wide} + j) * {size}, {wide}, target + (j * filters + first + i) * {size},
                               filters, min({tile.mr} - i, {width}), min(columns - j, {width}))
'''
