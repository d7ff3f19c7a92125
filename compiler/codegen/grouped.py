"""Convolutions in groups of few filters: a vector has those of several groups.

Each lane has inputs of its own, as of a depthwise convolution: a task spreads the pixels it works on in memory of its
lane, for each channel of a group a vector with that of every filter's group. What a tile of a row of outputs reads of
that stays in the first-level cache while the rows go by. A volume's slices are images, which add up over the taps in
depth; columns of taps that lie apart add up, too.
"""
from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from ..native.processor import ELEMENT_BYTES, isa, lanes, second_level
from ..window import extent
from .conv_common import MAX_ROWS, Windows, aligned
from .conv_pack import pack_groups_source
from .direct_conv import Tile
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words

# of the spread pixels of a window's rows: they stay in a first-level cache
WINDOW_BYTES = 32 * 1024
# of the rows that panel after panel goes over, for the second-level cache
BLOCK_BYTES = 512 * 1024
# to spread a pixel, for each of its vectors
COPY_CYCLES = 2
# for as many threads
TASKS = 32

DIMS = ["height", "width", "rows", "columns", "channels", "filters", "stride_h", "stride_w", "dilation_h", "taps_h",
        "dilation_w", "taps_w", "pad_h", "pad_w", "depth", "slices", "stride_d", "dilation_d", "taps_d", "pad_d",
        "panels"]


@dataclass(frozen=True)
class Panel:
    """Filters side by side in a vector: of so many groups, each with so many channels and filters."""

    dtype: str
    channels: int
    filters: int
    groups: int

    @staticmethod
    def choose(p: Windows) -> Panel:
        channels, filters = p.each
        width = lanes(p.dtype)
        return Panel(p.dtype, channels, filters, min(width // filters, 2 * width // max(channels, 1), p.groups))

    def count(self, p: Windows) -> int:
        return ceil(p.groups / self.groups)

    @property
    def all_channels(self) -> int:
        return self.groups * self.channels

    @property
    def all_filters(self) -> int:
        return self.groups * self.filters

    @property
    def pixel(self) -> int:
        """Elements of a pixel that is spread."""
        return self.channels * lanes(self.dtype)

    @property
    def head(self) -> str:
        return f"spread = spread_groups({self.dtype!r}, {self.channels}, {self.filters}, {self.groups})"

    def fill(self) -> list[str]:
        """Lines that spread row `row_in` of slice `slice_in`, from column `left_in` on, in `line` pixels at `to`, zeros
        beside the image."""
        size, pixel = ELEMENT_BYTES[self.dtype], self.pixel
        zeros = f"""\
for item in range({{}} * {pixel}):
    store_{self.dtype}(to, item, {self.dtype}(0.0), 3)"""
        return f"""\
before = min(max(-left_in, 0), line)
there = max(0, min(width - left_in, line) - before)
source = inputs + (((slice_in * height + row_in) * width + left_in + before) * channels + first_channel) * {size}
{zeros.format("before")}
to += before * {pixel * size}
spread(source, channels, to, there, min({self.all_channels}, channels - first_channel), width * channels)
to += there * {pixel * size}
{zeros.format("(line - before - there)")}""".splitlines()


def pays(p: Windows) -> bool:
    """Whether several groups fit in a vector, and fill enough of it; only two, as well as in its halves, in rows of one
    tile."""
    depth, rows, cols = p.axes
    several = 2 if not isa().halves or cols.count <= MAX_ROWS else 3
    if p.groups == 1 or not isa().masks or not p.taps * p.channels or several * p.each[1] > lanes(p.dtype):
        return False
    panel = Panel.choose(p)
    copies = COPY_CYCLES * depth.taps * rows.stride * cols.stride
    cycles = cols.count * panel.channels * (p.taps + copies)
    return panel.groups > 1 and panel.count(p) * cycles < p.groups * Tile.choose(p).cycles


def _sizes(p: Windows) -> list[int]:
    """The values of DIMS, but for the panels."""
    depth, rows, cols = p.axes
    return [rows.size, cols.size, rows.count, cols.count, p.channels, p.filters, rows.stride, cols.stride,
            rows.dilation, rows.taps, cols.dilation, cols.taps, rows.pad, cols.pad, depth.size, depth.count,
            depth.stride, depth.dilation, depth.taps, depth.pad]


# the taps in depth of output slice `slice` that meet its volume; the first of all would read slice `front`
NEAR_DEPTH = """\
front = slice * stride_d - pad_d
near_d = min((max(0, -front) + dilation_d - 1) // dilation_d, taps_d)
far_d = max(near_d, min(taps_d, (depth - front + dilation_d - 1) // dilation_d))
front += volume * depth""".splitlines()


def lower(x: Any, w: Any, y: Any, p: Windows, transposed: bool, pack_dims: tuple[int, ...],
          epilogue: Epilogue | None, name: str) -> list[KernelCall]:
    """The calls of a convolution for which it `pays`; `pack_dims` as those of conv_pack.py from `tap_size` on."""
    panel, (depth, rows, cols), size = Panel.choose(p), p.axes, ELEMENT_BYTES[p.dtype]
    panels, tiles = panel.count(p), ceil(cols.count / MAX_ROWS)
    mr = ceil(cols.count / tiles)
    block = p.taps * panel.channels * lanes(p.dtype)
    packed = Scratch(panels * block * size)
    pack = KernelCall(f"{name}.pack", pack_groups_source(p.dtype, transposed), (w, packed),
                      (panel.groups, p.groups, block, *pack_dims), panels, nbytes=2 * packed.nbytes,
                      writes=(1,), prepares=True)
    line, lines = (mr - 1) * cols.stride + extent(cols.taps, cols.dilation), extent(rows.taps, rows.dilation)
    images, plane = p.images * depth.count, rows.total * cols.total
    row_bytes = (depth.taps * rows.stride * cols.size * p.channels + cols.count * p.filters) * size
    band_rows = min(ceil(rows.count / ceil(TASKS / (images * panels))), max(lines, BLOCK_BYTES // row_bytes))
    bands = ceil(rows.count / band_rows)
    window = Scratch(aligned(depth.taps * lines * line * panel.pixel * size), per_lane=True)
    dims: tuple[int, ...] = (
        *_sizes(p), panels, depth.total * plane, depth.step * plane, rows.step * cols.total, cols.step,
        depth.first * plane + rows.first * cols.total + cols.first, tiles, line, lines, band_rows, bands, window.apart,
        int(p.nbytes > second_level()))
    buffers: tuple[Any, ...] = (x, packed, y, window)
    text = grouped_source(panel, mr, p.groups % panel.groups > 0, epilogue)
    row = KernelCall(name, text, buffers, dims, images * bands * panels, p.flops, p.nbytes, writes=(2,))
    return [pack, with_epilogue(row, epilogue)]


def grouped_source(panel: Panel, mr: int, rest: bool, epilogue: Epilogue | None) -> str:
    """Source of a convolution in groups; a task is a band of rows of a slice, for a panel of filters.

    The rows of a window lie in a ring, each where its number modulo their count says.
    """
    dtype, size, wide, pixel = panel.dtype, ELEMENT_BYTES[panel.dtype], lanes(panel.dtype), panel.pixel
    masked = rest or panel.all_filters < wide
    names = [*DIMS, "volume_step", "slice_step", "row_step", "pixel_step", "first_pixel", "tiles", "line", "lines",
             "band_rows", "bands", "scratch", "far"]
    imports, setup, finish = {"compiled", "touch", "word", f"store_{dtype}", dtype}, [], []
    if epilogue is not None:
        imports |= epilogue.imports
        setup = epilogue.setup(4, len(names))
        finish = ["for row in range(first_row, last_row):", "    for column in range(columns):",
                  "        pixel = top_pixel + row * row_step + column * pixel_step",
                  *("        " + each for each in epilogue.apply("pixel", "filter", "filter + count", "outputs"))]
    return f'''"""Convolution in groups, tiles of {mr} pixels by {panel.groups} groups of {panel.filters} filters."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import {", ".join(sorted(imports))}
from {NATIVE}.spread import spread_groups

{panel.head}
tile = microkernel({dtype!r}, {mr}, 1, masked={masked}, channelwise=True)


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "packed", "outputs", "window"]), 1)}
{indent(words("dims", names), 1)}
{indent(setup, 1)}
    window += lane * scratch
    tap_row = taps_w * {pixel}
    pieces = taps_w if dilation_w > 1 else 1
    piece_len = tap_row // pieces // {wide}
    touched = -1
    for task in range(begin, end):
        panel = task % panels
        band = task // panels // slices
        slice = task // panels - band * slices
        volume = band // bands
        first_row = (band - volume * bands) * band_rows
        last_row = min(first_row + band_rows, rows)
        first_channel = panel * {panel.all_channels}
        filter = panel * {panel.all_filters}
        count = min({panel.all_filters}, filters - filter)
{indent(NEAR_DEPTH, 2)}
        top_pixel = first_pixel + volume * volume_step + slice * slice_step
        if far and task // panels != touched:
            touched = task // panels
            above = max(0, first_row * stride_h - pad_h)
            below = min(height, (last_row - 1) * stride_h - pad_h + (taps_h - 1) * dilation_h + 1)
            for tap_d in range(near_d, far_d):
                slice_in = front + tap_d * dilation_d
                touch(inputs + (slice_in * height + above) * width * channels * {size},
                      (below - above) * width * channels * {size})
            for row in range(first_row, last_row):
                touch(outputs + (top_pixel + row * row_step) * filters * {size},
                      ((columns - 1) * pixel_step + 1) * filters * {size})
        for number in range(tiles):
            column = min(number * {mr}, columns - {mr})
            left_in = column * stride_w - pad_w
            done = 0
            for row in range(first_row, last_row):
                above = row * stride_h - pad_h
                near = min((max(0, -above) + dilation_h - 1) // dilation_h, taps_h)
                far = max(near, min(taps_h, (height - above + dilation_h - 1) // dilation_h))
                below = min(height, above + (taps_h - 1) * dilation_h + 1)
                if near_d == far_d:
                    far, below = near, 0
                c = outputs + ((top_pixel + row * row_step + column * pixel_step) * filters + filter) * {size}
                # the rows of the window up to the end of the ring, then those from its start on
                first_place = (above + near * dilation_h) % lines
                turn = min(far, near + (lines - first_place + dilation_h - 1) // dilation_h)
                started = 0
                for tap_d in range(near_d, max(far_d, near_d + 1)):
                    slice_in = front + tap_d * dilation_d
                    ring = window + tap_d * lines * line * {pixel * size}
                    for row_in in range(max(done, above), below):
                        to = ring + row_in % lines * line * {pixel * size}
{indent(panel.fill(), 6)}
                    b = packed + (panel * taps_d + tap_d) * taps_h * tap_row * {size}
                    place = first_place
                    for part in range(2):
                        begin_tap = turn if part else near
                        end_tap = far if part else turn
                        for piece in range(pieces if end_tap > begin_tap else 1 - started):
                            tile(ring + (place * line + piece * dilation_w) * {pixel * size}, stride_w * {pixel},
                                 {wide}, dilation_h * line * {pixel}, end_tap - begin_tap, piece_len,
                                 b + (begin_tap * taps_w + piece) * {pixel * size}, {wide}, tap_row, c,
                                 pixel_step * filters, started{", count" * masked})
                            started = 1
                        place += (turn - near) * dilation_h - lines
                done = max(done, below)
{indent(finish, 2)}
'''


# the gradient of the filters


def lower_filter_grad(x: Any, dy: Any, dw: Any, p: Windows) -> list[KernelCall]:
    """dw of a convolution for which it `pays`."""
    panel, (depth, rows, cols), size = Panel.choose(p), p.axes, ELEMENT_BYTES[p.dtype]
    panels, elements = panel.count(p), cols.taps * panel.channels
    # rows of a tile, elements of a row of the window; of some whole taps or of one, where these lie apart
    fits = [d for d in range(1, min(elements, MAX_ROWS) + 1) if elements % d == 0]
    if cols.dilation > 1:
        fits = [d for d in fits if d % panel.channels == 0 or panel.channels % d == 0]
    mr = max(fits)
    # columns of outputs whose window's rows stay in a first-level cache
    reach = extent(cols.taps, cols.dilation)
    fit = WINDOW_BYTES // (rows.taps * panel.pixel * size) - reach
    strips = ceil(cols.count / max(1, fit // cols.stride))
    columns = ceil(cols.count / strips)
    line = (columns - 1) * cols.stride + reach
    lines = extent(rows.taps, rows.dilation)
    window = Scratch(aligned(lines * line * panel.pixel * size), per_lane=True)
    images = p.images * depth.count
    parts = max(1, min(ceil(TASKS / panels), images))
    total = depth.taps * rows.taps * elements * lanes(p.dtype)
    partials = Scratch(parts * panels * total * size)
    dims = (*_sizes(p), panels, columns, line, lines, images, parts, window.apart)
    combine = (parts, panels * total, total, p.taps, p.filters)
    grid = min(mr, panel.channels) if cols.dilation > 1 else 0
    return [KernelCall("conv_filter_grad", filter_grad_source(panel, mr, p.groups % panel.groups > 0, grid),
                       (x, dy, partials, window), dims, parts * panels, p.flops, p.nbytes, writes=(2,)),
            KernelCall("conv_filter_grad.combine", combine_source(panel), (partials, dw), combine, p.taps,
                       nbytes=partials.nbytes, writes=(1,))]


def filter_grad_source(panel: Panel, mr: int, rest: bool, grid: int) -> str:
    """Source of partial sums; a task is a panel, for a part of the images. Taps that lie apart have a `grid` of as many
    elements each in a tile."""
    dtype, size, wide, pixel = panel.dtype, ELEMENT_BYTES[panel.dtype], lanes(panel.dtype), panel.pixel
    masked = rest or panel.all_filters < wide
    names = [*DIMS, "strip", "line", "lines", "images", "parts", "scratch"]
    return f'''"""Gradient of the filters of groups, tiles of {mr} elements of a window by {wide} filters."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import compiled, {dtype}, store_{dtype}, word
from {NATIVE}.spread import spread_groups

{panel.head}
tile = microkernel({dtype!r}, {mr}, 1, masked={masked}, channelwise=True, grid={grid})


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "grads", "partials", "window"]), 1)}
{indent(words("dims", names), 1)}
    window += lane * scratch
    tap_row = taps_w * {pixel}
    for task in range(begin, end):
        panel = task % panels
        part = task // panels
        first_channel = panel * {panel.all_channels}
        filter = panel * {panel.all_filters}
        count = min({panel.all_filters}, filters - filter)
        partial = partials + task * taps_d * taps_h * tap_row * {size}
        for i in range(taps_d * taps_h * tap_row):
            store_{dtype}(partial, i, {dtype}(0.0), 2)
        for image in range(part * images // parts, (part + 1) * images // parts):
            volume = image // slices
            slice = image - volume * slices
{indent(NEAR_DEPTH, 3)}
            for tap_d in range(near_d, far_d):
                slice_in = front + tap_d * dilation_d
                for column in range(0, columns, strip):
                    left_in = column * stride_w - pad_w
                    done = 0
                    for row in range(rows):
                        above = row * stride_h - pad_h
                        below = min(height, above + (taps_h - 1) * dilation_h + 1)
                        for row_in in range(max(done, above), below):
                            to = window + row_in % lines * line * {pixel * size}
{indent(panel.fill(), 7)}
                        done = max(done, below)
                        first = (image * rows + row) * columns + column
                        for tap in range(taps_h):
                            row_in = above + tap * dilation_h
                            if row_in >= 0 and row_in < height:
                                for element in range(0, tap_row, {mr * wide}):
                                    tap_w = element // {pixel}
                                    at = row_in % lines * line * {pixel} + element + tap_w * (dilation_w - 1) * {pixel}
                                    tile(window + at * {size}, {wide}, stride_w * {pixel}, 0, 1,
                                         min(strip, columns - column), grads + (first * filters + filter) * {size},
                                         filters, 0, partial + ((tap_d * taps_h + tap) * tap_row + element) * {size},
                                         {wide}, 1{", count" * masked}{f", dilation_w * {pixel}" if grid else ""})
'''


def combine_source(panel: Panel) -> str:
    """Source that sums the partial gradients, lane by lane; a task is a tap."""
    dtype, wide = panel.dtype, lanes(panel.dtype)
    return f'''"""Sums the partial gradients of groups' filters."""
from {NATIVE}.prelude import compiled, load_{dtype}, store_{dtype}, word


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["partials", "dw"]), 1)}
{indent(words("dims", ["parts", "partial", "total", "taps", "filters"]), 1)}
    for task in range(begin, end):
        for k in range({panel.channels}):
            for filter in range(filters):
                panel = filter // {panel.all_filters}
                at = panel * total + (task * {panel.channels} + k) * {wide} + filter - panel * {panel.all_filters}
                sum = load_{dtype}(partials, at, 0)
                for part in range(1, parts):
                    sum += load_{dtype}(partials, part * partial + at, 0)
                store_{dtype}(dw, (task * {panel.channels} + k) * filters + filter, sum, 1)
'''
