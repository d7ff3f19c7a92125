"""Convolutions as direct, register-blocked kernels: each row of outputs is a few tiles of a micro-kernel.

With the channels last, the inputs of a window row are contiguous, so the micro-kernel walks a window as segments of one
row each, and no im2col is needed. The filters are packed once per call into panels as wide as a tile; while tiles work
on one, the next is fetched into the cache. Of the last filters, if few, vectors run along the window. Where the window
leaves the image, the kernel copies the rows it needs, zeros around them, into scratch of its lane: they stay in cache,
and the inner loop knows no borders. A volume's slices are images, which add up over the taps in depth.

The gradient for the inputs is a convolution by the filters turned round, one for each phase of the strides.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from typing import Any

from ..native.processor import ELEMENT_BYTES, lanes
from . import grouped, unit_conv, unit_gemm, winograd
from .conv_common import (
    FAR_BYTES,
    NATIVE,
    Windows,
    aligned,
    backward_axes,
    dots_cost,
    flattened,
    forward_axes,
    indent,
    padded_row,
    three_axes,
    tile_cost,
    whole_axes,
    words,
)
from .conv_images import by_images, images_call
from .conv_pack import pack_dots_source, pack_source, pack_unit_source
from .epilogue import Epilogue
from .gemm import lower_gemm, product_of
from .kernel import KernelCall, Scratch

# what a block of output rows reads and writes: small enough for a second-level cache while panel after panel of filters
# goes over it, or where all filters are one panel, for the first-level cache until the epilogue
BLOCK_BYTES = 256 * 1024
PANEL_BLOCK_BYTES = 16 * 1024
# the rows that panel after panel goes over, copied once if they are so few
KEPT_BYTES = 512 * 1024
# pixels from which packing the filters pays in a plain product too, once for all runs and in each
PACKED_PIXELS, PACKED_ANEW_PIXELS = 32, 1024
# of a panel of filters: with what it meets and the next one, it stays in a second-level cache
PANEL_BYTES = 512 * 1024
# so few rows of outputs are split over the threads by filters
FEW_ROWS = 8
# a window of up to so many elements is baked into its kernel: its loops would cost as much as its sums
UNROLLED_DEPTH = 27

DIMS = ["scratch", "padded", "block", "height", "width", "rows", "columns", "channels", "filters", "stride_h",
        "stride_w", "dilation_h", "taps_h", "pad_h", "pad_w", "span_h", "span_w", "apart", "part_step", "segments",
        "segment_step", "segment_len", "panel_size", "panels", "image_step", "row_step", "pixel_step", "first_pixel",
        "groups", "group_channels", "group_filters", "lines", "all_panels", "part_panels", "slabs", "slab_parts", "few",
        "window_size", "touched"]
VOLUME_DIMS = ["depth", "slices", "taps_d", "stride_d", "dilation_d", "pad_d", "slice_step", "volume_step",
               "window_step"]


def lower_conv(x: Any, w: Any, y: Any, *, dtype: str, x_shape: Sequence[int], w_shape: Sequence[int],
               strides: Sequence[int], dilations: Sequence[int], padding: Sequence[Sequence[int]],
               epilogue: Epilogue | None = None, stays: bool = False) -> list[KernelCall]:
    """y[n, ..., cout] = x[n, ..., cin] convolved with w[..., cin / groups, cout], over two or three axes.

    `padding` is (before, after) for each axis; `stays` says whether w is the same from run to run. No calls when y is
    empty.
    """
    x_shape, w_shape, strides = whole_axes(x_shape, w_shape, strides, dilations, padding)
    axes = three_axes(forward_axes(x_shape[1:-1], w_shape[:-2], strides, dilations, padding))
    p = Windows(dtype, x_shape[0], x_shape[-1], w_shape[-1], x_shape[-1] // max(w_shape[-2], 1) or 1, axes)
    if _is_best_product(p, PACKED_PIXELS if stays else PACKED_ANEW_PIXELS):
        return lower_gemm(x, w, y, dtype=dtype, m=p.outputs, n=p.filters, k=p.channels, epilogue=epilogue)
    return _direct(x, w, y, p, tuple(w_shape), False, epilogue, "conv", stays)


def lower_conv_input_grad(dy: Any, w: Any, dx: Any, *, dtype: str, x_shape: Sequence[int], w_shape: Sequence[int],
                          strides: Sequence[int], dilations: Sequence[int], padding: Sequence[Sequence[int]],
                          epilogue: Epilogue | None = None) -> list[KernelCall]:
    """dx[n, ..., cin] of dy[n, ..., cout]: `lower_conv`'s transpose, with its arguments.

    A transposed convolution is the same computation, hence the epilogue (whose rows are the pixels of dx).
    """
    x_shape, w_shape, strides = whole_axes(x_shape, w_shape, strides, dilations, padding)
    groups = x_shape[-1] // max(w_shape[-2], 1) or 1
    phases = (backward_axes(*axis)
              for axis in zip(x_shape[1:-1], w_shape[:-2], strides, dilations, padding, strict=True))
    calls = []
    for axes in product(*phases):
        p = Windows(dtype, x_shape[0], w_shape[-1], x_shape[-1], groups, three_axes(axes))
        if _is_best_product(p, PACKED_ANEW_PIXELS):
            return lower_gemm(dy, w, dx, dtype=dtype, m=p.outputs, n=p.filters, k=p.channels, transpose_b=True,
                              epilogue=epilogue)
        calls += _direct(dy, w, dx, p, tuple(w_shape), True, epilogue, "conv_input_grad")
    return calls


def _is_best_product(p: Windows, packed_pixels: int) -> bool:
    """Whether a plain matrix product computes it fastest: one of too few pixels for packed filters or, on the matrix
    unit, one that reads more than it writes, as products pack pixels while they multiply."""
    return p.is_product and (p.outputs < packed_pixels or p.channels >= p.filters and unit_gemm.pays(
        product_of(None, None, None, p.dtype, p.outputs, p.filters, p.channels, (), (), (), False, False)))


def _direct(x: Any, w: Any, y: Any, p: Windows, w_shape: tuple[int, ...], transposed: bool, epilogue: Epilogue | None,
            name: str, stays: bool = False) -> list[KernelCall]:
    """One dense convolution of x by taps of w, or by w with its channels exchanged (`transposed`), into y's pixels."""
    if 0 in (p.images, p.filters, *(axis.count for axis in p.axes)):
        return []
    if not p.taps * p.channels:
        p = replace(p, axes=(p.axes[0], replace(p.axes[1], taps=0), replace(p.axes[2], taps=0)))
    (channels, filters), flat = p.each, flattened(p)
    (w_rows, w_cols), (inner, last) = w_shape[-4:-2], w_shape[-2:]
    taps = [n for axis in p.axes for n in (axis.taps, axis.tap, axis.tap_step)]
    pack_dims = (w_rows, w_cols, inner * last, last, last // p.groups, channels, filters, *taps)
    if unit_conv.pays(flat):
        return unit_conv.lower(x, w, y, flat, pack_unit_source(transposed), pack_dims, epilogue, name)
    if grouped.pays(p):
        return grouped.lower(x, w, y, p, transposed, pack_dims, epilogue, name)
    if tiling := winograd.choose(p, stays):
        return winograd.lower(x, w, y, p, tiling, transposed, pack_dims, epilogue, name)
    tile = Tile.choose(flat)
    along_images = None if tile.dots else by_images(flat)
    if along_images:
        tile = Tile(p.dtype, *along_images)
    depth, wide, rest = channels * p.taps, tile.wide, tile.rest.nv if tile.rest else 0
    panels = 1 if tile.dots else ceil((filters - rest) / wide)
    # a transposed panel is written in whole blocks
    panel_size = (depth + lanes(p.dtype) * (transposed and not tile.dots)) * wide
    packs = [(0, filters - rest, p.groups * panels, panel_size, tile.dots)]
    packs += [(filters - rest, rest, 1, depth * rest, True)] * bool(rest)
    packed, calls = [], []
    for first, columns, count, block, dots in packs:
        packed.append(Scratch(aligned(count * block * ELEMENT_BYTES[p.dtype])))
        source = pack_dots_source(p.dtype, transposed) if dots else pack_source(p.dtype, tile.nv, transposed)
        dims = (first if dots else panels, block, *pack_dims[:6], columns, *pack_dims[7:])
        if depth:
            calls.append(KernelCall(f"{name}.pack", source, (w, packed[-1]), dims, count, nbytes=2 * packed[-1].nbytes,
                                    writes=(1,), prepares=True))
    if along_images:
        return [*calls, images_call(p, *along_images, x, packed[0], y, panel_size, epilogue, name)]
    return [*calls, _call(flat, tile, x, packed, y, panel_size, epilogue, name)]


def _segments(p: Windows, width: int) -> tuple[int, int, int, int, int]:
    """(apart, part step, segments, their step and length) of a window in a slice.

    A row of the window is a segment, unless its taps are apart: then the row is a part, and each tap a segment.
    """
    _, rows, cols = p.axes
    row_step, tap_step = rows.dilation * width * p.channels, cols.dilation * p.channels
    if not p.taps:
        return 0, 0, 0, 0, 0
    if p.groups == 1 and (cols.dilation == 1 or cols.taps == 1):
        return 0, 0, rows.taps, row_step, cols.taps * p.channels
    return 1, row_step, cols.taps, tap_step, p.each[0]


@dataclass(frozen=True)
class Tile:
    """`mr` pixels by `nv` vectors of filters or, of `dots`, by `nv` filters, the vectors running along the window.

    `rest` are the tiles of the last filters, if these are so few that they are best as dots.
    """

    dtype: str
    mr: int
    nv: int
    dots: bool = False
    rest: Tile | None = None

    @staticmethod
    def choose(p: Windows) -> Tile:
        (channels, filters), columns = p.each, p.axes[2].count
        apart, _, segments, _, length = _segments(p, 1)
        cost, mr, nv = tile_cost(p.dtype, columns, filters, channels * p.taps, once=p.taps == 1)
        runs = segments * p.axes[0].taps * (p.axes[1].taps if apart else 1)
        dots, rows = dots_cost(p.dtype, columns, filters, runs, length)
        if dots < cost:
            return Tile(p.dtype, rows, filters, True)
        if p.groups == 1 and 0 < (few := filters % lanes(p.dtype)) < filters:
            dots, rows = dots_cost(p.dtype, columns, few, runs, length)
            fewer, height, vectors = tile_cost(p.dtype, columns, filters - few, channels * p.taps, once=p.taps == 1)
            if fewer + dots < cost:
                return Tile(p.dtype, height, vectors, rest=Tile(p.dtype, rows, few, True))
        return Tile(p.dtype, mr, nv)

    @property
    def wide(self) -> int:
        return self.nv if self.dots else self.nv * lanes(self.dtype)

    def head(self, name: str, vectors: int, masked: bool) -> str:
        kernel = (f"dot_kernel({self.dtype!r}, {self.mr}, {self.nv})" if self.dots
                  else f"microkernel({self.dtype!r}, {self.mr}, {vectors}, masked={masked}, stream=True)")
        return f"{name} = {kernel}"


def _call(p: Windows, tile: Tile, x: Any, packed: list[Scratch], y: Any, panel_size: int, epilogue: Epilogue | None,
          name: str) -> KernelCall:
    (depth, rows, cols), size = p.axes, ELEMENT_BYTES[p.dtype]
    padded = rows.padded or cols.padded or p.volume
    span_w = cols.span if padded else cols.size
    lines = p.images * depth.count * rows.count
    layers = max(depth.taps, 1) if p.volume else 1
    few = tile.rest.nv if tile.rest else 0
    full, left = (1, 0) if tile.dots else divmod(p.each[1] - few, tile.wide)
    tail = ceil(left / lanes(p.dtype))
    all_panels = p.groups * (full + (tail > 0)) + (few > 0)
    read_bytes = layers * rows.stride * span_w * p.channels * size
    limit = BLOCK_BYTES if p.filters > tile.wide else PANEL_BLOCK_BYTES
    block = max(1, min(lines, limit // max(read_bytes + cols.count * p.filters * size, 1)))
    # either all filters go over a block of rows, or all rows by a panel of filters: what reads less
    by_panels = p.groups == 1 and (lines < FEW_ROWS or all_panels * p.inputs * p.channels
                                   < ceil(lines / block) * all_panels * panel_size)
    part_panels = 1 if by_panels else all_panels
    if by_panels:
        block = max(1, min(lines, KEPT_BYTES // max(read_bytes, 1)))
    # a block that enters another image skips to its first row
    window = (block - 1) * rows.stride + rows.span - (rows.count - 1) * rows.stride
    crossings = (block + rows.count - 2) // rows.count
    window += crossings * max(0, rows.span - rows.count * rows.stride)
    layer = aligned(window * span_w * p.channels * size) if padded else 0
    scratch = Scratch(layers * layer, per_lane=True)
    apart, part_step, segments, segment_step, segment_len = _segments(p, span_w)
    slab_parts = max(1, rows.taps)
    # the rows of a large panel one after the other over all pixels: not where tiles overlap, whose sums would add up
    if segments > 1 and not (apart or tile.dots or few or cols.count % tile.mr) and panel_size * size > PANEL_BYTES:
        slab_parts, apart, part_step, segments, segment_step = 1, 1, segment_step, 1, 0
    plane = rows.total * cols.total
    dims: tuple[int, ...] = (
        scratch.apart, int(padded), block, rows.size, cols.size, rows.count, cols.count, p.channels, p.filters,
        rows.stride, cols.stride, rows.dilation, rows.taps, rows.pad, cols.pad, rows.span if padded else rows.size,
        span_w, apart, part_step, segments, segment_step, segment_len, panel_size, full, plane,
        rows.step * cols.total, cols.step, depth.first * plane + rows.first * cols.total + cols.first,
        p.groups, *p.each, lines, all_panels, part_panels,
        ceil(rows.taps / slab_parts) if apart else 1, slab_parts, few, p.taps * p.each[0],
        int(p.nbytes > FAR_BYTES))
    if p.volume:
        dims += (depth.size, depth.count, layers, depth.stride, depth.dilation, depth.pad, depth.step * plane,
                 depth.total * plane, layer // size)
    buffers: tuple[Any, ...] = (x, packed[0], y, scratch, *packed[1:])
    baked = not apart and 0 < segments * segment_len <= UNROLLED_DEPTH
    in_order = not by_panels and all(axis.pointwise for axis in p.axes)
    source = direct_source(tile, full > 0, tail, (segments, segment_len) if baked else None, p.groups > 1, p.volume,
                           by_panels, in_order, epilogue, len(buffers))
    if epilogue is not None:
        name = f"{name}+{epilogue.key}"
        buffers, dims = (*buffers, *epilogue.buffers), (*dims, *epilogue.dims)
    return KernelCall(name, source, buffers, dims, lines * ceil(all_panels / part_panels), p.flops, p.nbytes,
                      writes=(2,))


def direct_source(tile: Tile, full: bool, tail: int, window: tuple[int, int] | None, grouped: bool, volume: bool,
                  by_panels: bool, in_order: bool, epilogue: Epilogue | None, buffer_slot: int) -> str:
    """Source of a convolution over blocks of output rows: fill the window, then tiles panel by panel, then epilogue.

    A task is a row of outputs, for one panel or (not `by_panels`) for all. `full` says whether any panel is complete,
    `tail` how many vectors the last one has if it is not; `window` bakes in its segments and their length. What is read
    and written `in_order` is touched before, if it comes from far.
    """
    dtype, size = tile.dtype, ELEMENT_BYTES[tile.dtype]
    heads, bodies = [], []
    for name, of, vectors in (("tile_full", tile, tile.nv * full), ("tile_tail", tile, tail),
                              ("tile_rest", tile.rest, 1)):
        if of and vectors:
            heads.append(of.head(name, vectors, name == "tile_tail"))
            bodies += _panel_lines(of, name, size, window, grouped, volume, epilogue if by_panels else None)
    imports = {"compiled", "word", f"load_{dtype}", f"store_{dtype}", dtype}
    names = DIMS + VOLUME_DIMS * volume
    setup: list[str] = []
    if epilogue is not None:
        imports |= epilogue.imports
        setup = epilogue.setup(buffer_slot, len(names))
        if not by_panels:
            bodies += ["for offset in range(count):", "    image = (top + offset) // rows",
                       f"    first = {_first_pixel(volume)} + (top + offset - image * rows) * row_step",
                       *("    " + line for line in _finish(epilogue, "0", "filters"))]
    target = "window + " + f"tap_d * window_step * {size} + " * volume
    copy = f"""
for row in range(base, last):
    image = row // span_h
    row_in = row - image * span_h - pad_h
    to = {target}(row - base) * line * {size}
{indent(padded_row(dtype, size, volume), 1)}""".splitlines()[1:]
    if volume:
        copy = ["for tap_d in range(taps_d):", *("    " + line for line in copy)]
    fill = f"""
corner = inputs + ((base - pad_h) * line - pad_w * channels) * {size}
if padded:
    corner = window
if padded and (top != filled or next_row != filled_end):
    filled, filled_end = top, next_row
    image = (next_row - 1) // rows
    last = image * span_h + (next_row - 1 - image * rows) * stride_h + span_h - (rows - 1) * stride_h
{indent(copy, 1)}""".splitlines()[1:]
    if in_order:
        imports.add("touch")
        fill += ["if touched:",
                 f"    touch(corner, count * line * {size})",
                 f"    touch(outputs + top * columns * filters * {size}, count * columns * filters * {size})"]
    newline = "\n"
    return f'''"""Direct convolution, tiles of {tile.mr} pixels by {tile.wide} filters."""
from {NATIVE}.microkernel import dot_kernel, microkernel
from {NATIVE}.prelude import {", ".join(sorted(imports))}

{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "packed", "outputs", "window", *["packed_few"] * bool(tile.rest)]), 1)}
{indent(words("dims", names), 1)}
{indent(setup, 1)}
    window += lane * scratch
    line = span_w * channels
    step = stride_w * channels
    pitch = pixel_step * filters
    ahead = segments * segment_len * {tile.wide * size}
    filled, filled_end = -1, -1
    task = begin
    while task < end:
        first_panel = task // lines * part_panels
        last_panel = min(first_panel + part_panels, all_panels)
        top = task % lines
        count = min(block, end - task, lines - top)
        next_row = top + count
        task += count
        # virtual rows: those of all images, padding included, one below the other
        image = top // rows
        base = image * span_h + (top - image * rows) * stride_h
{indent([*fill, *bodies], 2)}
'''


def _first_pixel(volume: bool) -> str:
    """The output pixel where slice `image` of the outputs begins."""
    if volume:
        return "first_pixel + image // slices * volume_step + image % slices * slice_step"
    return "first_pixel + image * image_step"


def _finish(epilogue: Epilogue, begin: str, end: str) -> list[str]:
    """The epilogue on the filters [begin, end) of a row of outputs."""
    lines = epilogue.apply("pixel", begin, end, "outputs")
    return ["for item in range(columns):", "    pixel = first + item * pixel_step", *("    " + line for line in lines)]


def _panel_lines(tile: Tile, name: str, size: int, window: tuple[int, int] | None, grouped: bool, volume: bool,
                 epilogue: Epilogue | None) -> list[str]:
    """The tiles of some panels over a block of rows, the epilogue behind; a row's last tile overlaps the one before.

    Rows of the window above and below the image are left out, except from a window baked in.
    """
    wide, complete, rest = tile.wide, name == "tile_full", name == "tile_rest"
    segments, length = window or ("last_segment - first_segment", "segment_len")
    limits = ["begin_part, first_part, last_part, first_segment = 0, 0, 1, 0"] if window else """\
near = min((max(0, pad_h - row * stride_h) + dilation_h - 1) // dilation_h, taps_h - 1)
far = max(near + 1, min(taps_h, (height + pad_h - row * stride_h + dilation_h - 1) // dilation_h))
begin_part = near if apart else 0
first_part = max(near, slab * slab_parts) if apart else 0
last_part = min(far, (slab + 1) * slab_parts) if apart else 1
first_segment = 0 if apart else near
last_segment = segments if apart else far""".splitlines()
    panels = ("first_panel, min(last_panel, groups * panels)" if complete
              else "max(first_panel, all_panels - 1), last_panel" if rest
              else "max(first_panel, groups * panels), min(last_panel, all_panels - (few > 0))")
    place = [f"first_filter = {'panel' if complete else 'panels'} * {wide}",
             f"b = packed + panel * panel_size * {size}", "group_a = corner"]
    if rest:
        place[:2] = ["first_filter = filters - few", "b = packed_few"]
    if grouped:
        place = [f"group = panel{' // panels' if complete else ' - groups * panels'}",
                 f"first_filter = {'(panel - group * panels)' if complete else 'panels'} * {wide}",
                 f"b = packed + (group * ((group_filters + {wide - 1}) // {wide}) * panel_size"
                 f" + first_filter // {wide} * panel_size) * {size}",
                 f"group_a = corner + group * group_channels * {size}"]
    place.append(f"filter = {'group * group_filters + ' * grouped}first_filter")
    count = str(wide) if complete else "few" if rest else "group_filters - few - first_filter"
    a = f"group_a + (image * span_h + row * stride_h - base) * line * {size}"
    loops, started, layer_a, layer_b = ["for part in range(first_part, last_part):"], "part - begin_part", "", ""
    if volume:
        loops.insert(0, "for tap_d in range(taps_d):")
        started += " + tap_d"
        layer_a, layer_b = "tap_d * window_step + ", "(tap_d * taps_h if apart else tap_d) * segments * segment_len + "
    where = f"a + ({layer_a}column * step + part * part_step + first_segment * segment_step) * {size}"
    packed = f"b + ({layer_b}(part * segments + first_segment) * segment_len)"
    if tile.dots:
        run = (f"{where}, step, segment_step, {segments}, {length}, {packed} * {size}, window_size, {length}, "
               f"c + column * pitch * {size}, pitch, {started}")
    else:
        masked = "" if complete else f", {count}"
        run = (f"{where}, step, 1, segment_step, {segments}, {length}, {packed} * {wide * size}, {wide}, "
               f"{length} * {wide}, c + column * pitch * {size}, pitch, {started}{masked}, "
               f"ahead + (offset * columns + column) // {tile.mr} % {tile.nv} * 64")
    tiles = [f"for item in range((columns + {tile.mr - 1}) // {tile.mr}):",
             f"    column = min(item * {tile.mr}, columns - {tile.mr})",
             *("    " * level + loop for level, loop in enumerate(loops, 1)),
             "    " * (1 + len(loops)) + f"{name}({run})"]
    finish = []
    if epilogue is not None:
        finish = ["if slab == slabs - 1:",
                  *("    " + line for line in _finish(epilogue, "filter", f"filter + {count}"))]
    return f'''for panel in range({panels}):
{indent(place, 1)}
    for slab in range(slabs):
        for offset in range(count):
            image = (top + offset) // rows
            row = top + offset - image * rows
            a = {a}
            first = {_first_pixel(volume)} + row * row_step
            c = outputs + (first * filters + filter) * {size}
{indent([*limits, *tiles, *finish], 3)}
'''.splitlines()
