"""Convolutions as direct, register-blocked kernels: each row of outputs is a few tiles of a micro-kernel.

With the channels last, the inputs of a window row are contiguous, so the micro-kernel walks a window as segments of one
row each, and no im2col is needed. While tiles work on one panel of filters, the next is fetched into the cache. Of the
last filters, if few, vectors run along the window. Where the window leaves the image, the kernel copies the rows it
needs, zeros around them, into scratch of its lane: they stay in cache, and the inner loop knows no borders. Groups are
copied apart, the channels of one side by side, and images so narrow that columns make the better rows are turned. A
volume's slices are images, which add up over the taps in depth.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from ..native.processor import ELEMENT_BYTES, lanes, second_level
from .conv_common import Windows, aligned, dots_cost, is_narrow, padded_row, tile_cost
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words

# what a block of output rows reads and writes: small enough for a second-level cache while panel after panel of filters
# goes over it, or where all filters are one panel, for the first-level cache until the epilogue
BLOCK_BYTES = 256 * 1024
PANEL_BLOCK_BYTES = 16 * 1024
# the rows that panel after panel goes over, copied once if they are so few
KEPT_BYTES = 512 * 1024
# of a panel of filters: with what it meets and the next one, it stays in a second-level cache
PANEL_BYTES = 512 * 1024
# so few rows of outputs are split over the threads by filters
FEW_ROWS = 8
# a window of up to so many elements is baked into its kernel: its loops would cost as much as its sums
UNROLLED_DEPTH = 27
# the part of the sums that turning images must save to pay
TURNED = 0.8

DIMS = ["scratch", "padded", "block", "height", "width", "rows", "columns", "channels", "filters", "stride_h",
        "stride_w", "dilation_h", "taps_h", "pad_h", "pad_w", "span_h", "span_w", "apart", "part_step", "segments",
        "segment_step", "segment_len", "panel_size", "panels", "image_step", "row_step", "pixel_step", "first_pixel",
        "pixel_len", "group_step", "groups", "group_channels", "group_filters", "lines", "all_panels", "part_panels",
        "slabs", "slab_parts", "few", "window_size", "from_far", "row_pitch", "pixel_pitch", "together"]
VOLUME_DIMS = ["depth", "slices", "taps_d", "stride_d", "dilation_d", "pad_d", "slice_step", "volume_step",
               "window_step"]


def _is_copied(p: Windows) -> bool:
    _, rows, cols = p.axes
    return rows.padded or cols.padded or p.volume or p.groups > 1 and p.taps > 1


def _pixel_len(p: Windows) -> int:
    """Elements from pixel to pixel of what the tiles read."""
    return p.each[0] if _is_copied(p) else p.channels


def _segments(p: Windows, width: int) -> tuple[int, int, int, int, int]:
    """(apart, part step, segments, their step and length) of a window in a slice.

    A row of the window is a segment, unless its taps are apart: then the row is a part, and each tap a segment.
    """
    (_, rows, cols), pixel_len = p.axes, _pixel_len(p)
    row_step, tap_step = rows.dilation * width * pixel_len, cols.dilation * pixel_len
    if not p.taps:
        return 0, 0, 0, 0, 0
    if pixel_len == p.each[0] and (cols.dilation == 1 or cols.taps == 1):
        return 0, 0, rows.taps, row_step, cols.taps * pixel_len
    return 1, row_step, cols.taps, tap_step, p.each[0]


@dataclass(frozen=True)
class Tile:
    """`mr` pixels by `nv` vectors of filters or, of `dots`, by `nv` filters, the vectors running along the window.

    `rest` are the tiles of the last filters, if these are so few that they are best as dots; a row of outputs takes so
    many `cycles`.
    """

    dtype: str
    mr: int
    nv: int
    dots: bool = False
    rest: Tile | None = None
    cycles: float = 0.0

    @staticmethod
    def choose(p: Windows) -> Tile:
        (channels, filters), columns = p.each, p.axes[2].count
        apart, _, segments, _, length = _segments(p, 1)
        cost, mr, nv = tile_cost(p.dtype, columns, filters, channels * p.taps, once=p.taps == 1)
        runs = segments * p.axes[0].taps * (p.axes[1].taps if apart else 1)
        dots, rows = dots_cost(p.dtype, columns, filters, runs, length)
        if dots < cost:
            return Tile(p.dtype, rows, filters, True, cycles=dots)
        if p.groups == 1 and 0 < (few := filters % lanes(p.dtype)) < filters:
            dots, rows = dots_cost(p.dtype, columns, few, runs, length)
            fewer, height, vectors = tile_cost(p.dtype, columns, filters - few, channels * p.taps, once=p.taps == 1)
            if fewer + dots < cost:
                return Tile(p.dtype, height, vectors, False, Tile(p.dtype, rows, few, True), fewer + dots)
        return Tile(p.dtype, mr, nv, cycles=cost)

    @property
    def wide(self) -> int:
        return self.nv if self.dots else self.nv * lanes(self.dtype)

    def head(self, name: str, vectors: int, masked: bool, narrow: bool) -> str:
        kernel = (f"dot_kernel({self.dtype!r}, {self.mr}, {self.nv})" if self.dots else
                  f"microkernel({self.dtype!r}, {self.mr}, {vectors}, masked={masked}, stream=True, narrow={narrow})")
        return f"{name} = {kernel}"


def turned(p: Windows) -> Windows | None:
    """Groups of narrow images with columns for rows, if tiles cover these in less time: a copy has any order."""
    depth, rows, cols = p.axes
    if (p.groups == 1 or p.volume or not _is_copied(p)
            or rows.span * cols.taps * p.channels * ELEMENT_BYTES[p.dtype] > KEPT_BYTES):
        return None
    cycles = Tile.choose(other := replace(p, axes=(depth, cols, rows))).cycles * cols.count
    return other if cycles < TURNED * Tile.choose(p).cycles * rows.count else None


def direct_call(p: Windows, tile: Tile, x: Any, packed: list[Scratch], y: Any, panel_size: int,
                epilogue: Epilogue | None, name: str, across: bool = False) -> KernelCall:
    """The convolution with filters that are packed in panels; `across` says whether p is `turned`."""
    (depth, rows, cols), size = p.axes, ELEMENT_BYTES[p.dtype]
    padded, pixel_len = _is_copied(p), _pixel_len(p)
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
    # from row to row and from column to column, in pixels of inputs and of outputs
    row_pitch, pixel_pitch, row_step, pixel_step = (
        (1, rows.size, 1, rows.total) if across else (cols.size, 1, cols.total, 1))
    dims: tuple[int, ...] = (
        scratch.apart, int(padded), block, rows.size, cols.size, rows.count, cols.count, p.channels, p.filters,
        rows.stride, cols.stride, rows.dilation, rows.taps, rows.pad, cols.pad, rows.span if padded else rows.size,
        span_w, apart, part_step, segments, segment_step, segment_len, panel_size, full, plane,
        rows.step * row_step, cols.step * pixel_step,
        depth.first * plane + rows.first * row_step + cols.first * pixel_step,
        pixel_len, window * span_w * pixel_len if padded else p.each[0], p.groups, *p.each, lines, all_panels,
        part_panels, ceil(rows.taps / slab_parts) if apart else 1, slab_parts, few, p.taps * p.each[0],
        int(p.nbytes > second_level()), row_pitch * p.channels, pixel_pitch * p.channels, 1 if across else cols.count)
    if p.volume:
        dims += (depth.size, depth.count, layers, depth.stride, depth.dilation, depth.pad, depth.step * plane,
                 depth.total * plane, layer // size)
    buffers: tuple[Any, ...] = (x, packed[0], y, scratch, *packed[1:])
    baked = not apart and 0 < segments * segment_len <= UNROLLED_DEPTH
    source = direct_source(tile, full > 0, tail, is_narrow(p.dtype, left), (segments, segment_len) if baked else None,
                           p.groups > 1, p.volume, by_panels, epilogue, len(buffers))
    row = KernelCall(name, source, buffers, dims, lines * ceil(all_panels / part_panels), p.flops, p.nbytes,
                     writes=(2,))
    return with_epilogue(row, epilogue)


def direct_source(tile: Tile, full: bool, tail: int, narrow: bool, window: tuple[int, int] | None, grouped: bool,
                  volume: bool, by_panels: bool, epilogue: Epilogue | None, buffer_slot: int) -> str:
    """Source of a convolution over blocks of output rows: fill the window, then tiles panel by panel, then epilogue.

    A task is a row of outputs, for one panel or (not `by_panels`) for all. `full` says whether any panel is complete,
    `tail` how many vectors the last one has if it is not, `narrow` if half of its last suffices; `window` bakes in its
    segments and their length.
    """
    dtype, size = tile.dtype, ELEMENT_BYTES[tile.dtype]
    heads, bodies = [], []
    for name, of, vectors in (("tile_full", tile, tile.nv * full), ("tile_tail", tile, tail),
                              ("tile_rest", tile.rest, 1)):
        if of and vectors:
            heads.append(of.head(name, vectors, name == "tile_tail", narrow and name == "tile_tail"))
            bodies += _panel_lines(of, name, size, window, grouped, volume, epilogue if by_panels else None)
    imports = {"compiled", "word", f"load_{dtype}", f"store_{dtype}", dtype}
    names = DIMS + VOLUME_DIMS * volume
    if grouped:
        heads.append(f"copy = copy_block({dtype!r})")
        imports.add("touch")
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
{indent(padded_row(dtype, size, volume, grouped), 1)}""".splitlines()[1:]
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
    # each group reads and writes parts of lines that lie far apart, and so do turned images
    ahead = f"""\
if from_far and row_pitch < pixel_pitch:
    for offset in range(count):
        image = (top + offset) // rows
        if top + offset == image * rows:
            touch(inputs + image * height * width * channels * {size}, height * width * channels * {size})
""".splitlines() if grouped else []
    fill += f"""\
if from_far:
    for offset in range(count):
        image = (top + offset) // rows
        row = top + offset - image * rows
        first_in = (image * height + row * stride_h - pad_h) * width - pad_w
        if not padded:
            touch(inputs + first_in * channels * {size}, ((columns - 1) * stride_w + 1) * channels * {size})
        first = {_first_pixel(volume)} + row * row_step
        for item in range(0, columns, together):
            touch(outputs + (first + item * pixel_step) * filters * {size},
                  ((together - 1) * pixel_step + 1) * filters * {size})
""".splitlines() if grouped else []
    newline = "\n"
    return f'''"""Direct convolution, tiles of {tile.mr} pixels by {tile.wide} filters."""
from {NATIVE}.dots import dot_kernel
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import {", ".join(sorted(imports))}
{f"from {NATIVE}.tiles import copy_block" * grouped}

{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "packed", "outputs", "window", *["packed_few"] * bool(tile.rest)]), 1)}
{indent(words("dims", names), 1)}
{indent(setup, 1)}
    window += lane * scratch
    line = span_w * pixel_len
    step = stride_w * pixel_len
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
{indent([*ahead, *fill, *bodies], 2)}
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

    Rows of the window above and below the image are left out, except from a window baked in; so are slices beyond a
    volume.
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
                 f"group_a = corner + group * group_step * {size}"]
    place.append(f"filter = {'group * group_filters + ' * grouped}first_filter")
    count = str(wide) if complete else "few" if rest else "group_filters - few - first_filter"
    a = f"group_a + (image * span_h + row * stride_h - base) * line * {size}"
    loops, started, layer_a, layer_b = ["for part in range(first_part, last_part):"], "part - begin_part", "", ""
    if volume:
        limits += """\
front = image % slices * stride_d - pad_d
near_d = min((max(0, -front) + dilation_d - 1) // dilation_d, taps_d - 1)
far_d = max(near_d + 1, min(taps_d, (depth - front + dilation_d - 1) // dilation_d))""".splitlines()
        loops.insert(0, "for tap_d in range(near_d, far_d):")
        started += " + tap_d - near_d"
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
