"""Convolutions by Winograd's minimal filtering (native/winograd.py): tiles of m x m outputs take (m + r - 1)^2 products
for windows of r x r, instead of m^2 r^2.

Windows that go by steps of s have s^2 phases, the pixels of which meet taps s apart: they are channels of a
convolution in neighbouring places. Taps beyond the window are zeros. Where single phases fill no vectors, the pixels
are copied side by side first (phases.py). Windows of a single row have tiles of a row.

A block of tiles is brought to the points, into scratch of the lane, where it stays in cache; then the products of each
point with a part of the filters, and the way back to the outputs, which the epilogue finishes. While products are
formed, what the block will write and what the next one reads is fetched, a row of tiles ahead. An infinity or NaN among
the inputs reaches all outputs of the tiles that read it: m - 1 more to each side than in a direct convolution.

Where an image is no multiple of m, the last tiles have a row or column less, which takes fewer points. Of each point,
the tiles that have it lie one behind the other.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from math import ceil
from typing import Any

from ..native.processor import isa, lanes
from .conv_common import Windows, tile_cost
from .conv_images import inside
from .conv_pack import TAPS_DEPTH, pack_winograd_source
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch
from .phases import COPY_CYCLES, Phases
from .text import NATIVE, indent, words

# the variable of TensorFlow's that turns it off, with 0 or false
SWITCH = "TF_ENABLE_WINOGRAD_NONFUSED"
# the least work worth a choice, and the part of a direct convolution's cycles that it must save to pay
MIN_FLOPS, WORTH = 10_000_000, 0.85
# so much of a vector is most of it
MOSTLY = 4 / 3
# cycles to bring a vector of a tile's channels to n x n points, or back: half of them wait for memory
TRANSFORM = {4: 50, 5: 95, 6: 150}
# bytes of filters that a cycle reads, from a cache or from memory, where a layer's beyond `CACHED_BYTES` are taken to
# be, since other layers have theirs, and that it writes where they are packed in each run
READ_BYTES, FAR_READ_BYTES, WRITTEN_BYTES = 8, 4, 5
CACHED_BYTES = 8 * 1024 * 1024
# what a block reads and a part of the filters writes: both, with filters that pass by, in a second-level cache
BLOCK_BYTES, PART_BYTES = 160 * 1024, 512 * 1024
# tiles of a block: enough to use filters for that come from a further cache, or from memory, which holds all beyond
# `NEAR_BYTES`, however many channels they have
MIN_BLOCK, MIN_FAR_BLOCK, MAX_BLOCK = 16, 32, 64
NEAR_BYTES = 16 * 1024 * 1024
# the width of the products' tiles, for any number of filters
PRODUCT_VECTORS = 2
# with fewer blocks, parts of the filters are tasks of their own: no more than that, as each reads the block's inputs
FEW_TASKS = 4
LINE = 16  # float32

DIMS = ["lane_bytes", "tiles", "tile_rows", "tile_columns", "block", "parts", "part_panels", "panels", "full",
        "height", "width", "channels", "filters", "rows", "columns", "pad_h", "pad_w", "stride", "out_height",
        "out_width", "out_row", "out_column", "step_h", "step_w", "depth", "pitch", "input_apart", "product_apart",
        "tall_rows", "broad_columns"]


@dataclass(frozen=True)
class Tiling:
    """An image as `rows` x `columns` tiles of m x m outputs, `count` of all images, in blocks; `tall` rows and `broad`
    columns of them come first, the others' tiles are one less high or wide.

    The products of a point are tiles of `mr` of these by `nv` vectors of filters. Of two heights, which serve any
    number, it is the one that leaves less over: many images' sides are multiples of seven.
    """

    m: int
    r: int
    stride: int
    rows: int
    columns: int
    tall: int
    broad: int
    count: int
    block: int
    mr: int
    nv: int
    gathered: bool = False  # the pixels of all phases side by side
    flat: bool = False  # tiles of a single row

    @staticmethod
    def of(p: Windows, m: int, r: int, gathered: bool = False) -> Tiling:
        depth, *plane = p.axes
        flat = plane[0].taps == plane[0].stride == 1
        sizes = (1 if flat else m, m)
        rows, columns = (ceil(axis.count / size) for axis, size in zip(plane, sizes, strict=True))
        tall, broad = (max(axis.count - (size - 1) * ceil(axis.count / size), 0)
                       for axis, size in zip(plane, sizes, strict=True))
        count, stride = p.images * depth.count * rows * columns, plane[0].stride
        tile_bytes = (m + r - 1) ** (1 if flat else 2) * odd_lines(p.channels * stride ** 2) * 4
        least = MIN_BLOCK if tile_bytes * p.filters <= NEAR_BYTES else MIN_FAR_BLOCK
        block = ceil(count / ceil(count / min(max(BLOCK_BYTES // tile_bytes, least), MAX_BLOCK)))
        nv = min(PRODUCT_VECTORS, ceil(p.filters / lanes("f32")))
        mr = min(isa().mr, isa().mr - 1, key=lambda height: ceil(count / height) * height)
        return Tiling(m, r, stride, rows, columns, tall, broad, count, ceil(block / mr) * mr, mr, nv, gathered, flat)

    @property
    def side(self) -> int:
        """n, the inputs and points of a tile in each direction."""
        return self.m + self.r - 1

    @property
    def all_points(self) -> int:
        return self.side if self.flat else self.side ** 2

    @property
    def phases(self) -> int:
        return self.stride ** 2

    @property
    def points(self) -> float:
        """That a tile has on average."""
        return (self.all_points // self.side - 1 + self.tall / self.rows) * (self.side - 1 + self.broad / self.columns)

    def cost(self, p: Windows, stays: bool) -> float:
        """Cycles, as `tile_cost` counts them."""
        products, _, _ = tile_cost("f32", self.block, p.filters, p.channels * self.phases, self.mr)
        vectors = self.input_vectors(p) + ceil(p.filters / lanes("f32"))
        return (_with_filters(self.points * ceil(self.count / self.block) * products, p, self.all_points * self.phases,
                              stays)
                + self.count * vectors * self.transform_cycles + self.gather_cycles(p))

    @property
    def transform_cycles(self) -> float:
        return TRANSFORM[self.side] / (self.side if self.flat else 1)

    def input_vectors(self, p: Windows) -> int:
        """Vectors of channels in an input of all phases."""
        if self.gathered:
            return ceil(p.channels * self.phases / lanes("f32"))
        return ceil(p.channels / lanes("f32")) * self.phases

    def gather_cycles(self, p: Windows) -> int:
        return self.gathered * p.inputs // self.phases * (self.stride + self.input_vectors(p)) * COPY_CYCLES


def taps_of_phase(p: Windows) -> int:
    """r: how many neighbouring pixels of a phase a window reaches over, in the longer direction; 0 if it does not go
    over neighbours, by the same steps in both directions."""
    depth, rows, cols = p.axes
    if (p.dtype != "f32" or p.groups > 1 or not depth.pointwise or rows.stride != cols.stride
            or rows.dilation > 1 or cols.dilation > 1 or not p.taps):
        return 0
    return max(ceil(axis.taps / axis.stride) for axis in (rows, cols))


def pays(p: Windows, gathered: bool = False) -> bool:
    """Whether there is work enough to look for a tiling, and nothing better to do it."""
    channels = MOSTLY * p.channels * p.axes[1].stride ** 2 if gathered else p.channels
    return (p.flops >= MIN_FLOPS and min(channels, p.filters) >= lanes("f32") and not isa().matrix_unit
            and os.environ.get(SWITCH, "1").lower() not in ("0", "false"))


def tilings(p: Windows, gathered: bool = False) -> list[Tiling]:
    """Those for a window's size."""
    r = taps_of_phase(p)
    return [Tiling.of(p, n + 1 - r, r, gathered) for n in TRANSFORM if n > r] if r > 1 else []


def choose(p: Windows, stays: bool) -> Tiling | None:
    """The cheapest tiling of a convolution, if that is cheaper than to compute it directly; `stays` says whether its
    filters are the same from run to run."""
    candidates = tilings(p) if pays(p) else []
    if p.axes[1].stride > 1 and pays(p, True):
        candidates += tilings(p, True)
    if not candidates:
        return None
    depth, rows, cols = p.axes
    cost, _, _ = tile_cost("f32", cols.count, p.filters, p.channels * p.taps)
    direct = _with_filters(p.images * depth.count * rows.count * cost * inside(rows) * inside(cols), p, p.taps, stays)
    cheapest, tiling = min(((each.cost(p, stays), each) for each in candidates), key=lambda found: found[0])
    return tiling if cheapest < WORTH * direct else None


def _with_filters(cycles: float, p: Windows, points: int, stays: bool) -> float:
    """Those of products that wait for nothing, with what it takes to read filters at all points, and to pack them."""
    nbytes = points * p.channels * p.filters * 4
    read = nbytes / (READ_BYTES if nbytes <= CACHED_BYTES else FAR_READ_BYTES)
    return max(cycles, read) + (not stays) * nbytes / WRITTEN_BYTES


def odd_lines(elements: int) -> int:
    """Rounded up to an odd number of cache lines: places so far apart are in many sets of a cache."""
    return (ceil(elements / LINE) | 1) * LINE


def lower(x: Any, w: Any, y: Any, p: Windows, tiling: Tiling, transposed: bool, pack_dims: tuple[int, ...],
          epilogue: Epilogue | None, name: str) -> list[KernelCall]:
    """The calls that pack the filters, with `pack_dims` as other packers of conv_pack.py, and that convolve."""
    nv, block, points, phases = tiling.nv, tiling.block, tiling.all_points, tiling.phases
    wide, blocks = nv * lanes("f32"), ceil(tiling.count / block)
    panels, full = ceil(p.filters / wide), p.filters // wide
    parts = max(ceil(panels * points * block * wide * 4 / PART_BYTES), ceil(FEW_TASKS / blocks))
    part_panels = ceil(panels / min(parts, panels))
    parts = ceil(panels / part_panels)
    packed = Scratch(parts * part_panels * points * phases * p.channels * wide * 4)
    taps = Scratch(tiling.r ** (1 if tiling.flat else 2) * TAPS_DEPTH * wide * 4, per_lane=True)
    source = pack_winograd_source(tiling.m, tiling.r, tiling.flat, nv, transposed)
    pack = KernelCall(f"{name}.pack", source, (w, packed, taps), (taps.apart, part_panels, tiling.stride, *pack_dims),
                      panels * phases, nbytes=2 * packed.nbytes, writes=(1,), prepares=True)
    depth, calls = p.channels * phases, [pack]
    if tiling.gathered:
        gathered = Phases.of(p)
        x, gather = gathered.call(x, name)
        p, calls = gathered.windows, [pack, gather]
    _, rows, cols = p.axes
    pitch = odd_lines(depth + lanes("f32") - 1)
    input_apart, product_apart = odd_lines(block * pitch), odd_lines(block * part_panels * wide)
    scratch = Scratch(points * (input_apart + product_apart) * 4, per_lane=True)
    dims: tuple[int, ...] = (
        scratch.apart, tiling.count, tiling.rows, tiling.columns, block, parts, part_panels, panels, full, rows.size,
        cols.size, p.channels, p.filters, rows.count, cols.count, rows.pad, cols.pad, rows.stride, rows.total,
        cols.total, rows.first, cols.first, rows.step, cols.step, depth, pitch, input_apart, product_apart, tiling.tall,
        tiling.broad)
    buffers: tuple[Any, ...] = (x, packed, y, scratch)
    tail = ceil((p.filters - full * wide) / lanes("f32"))
    source = winograd_source(tiling.m, tiling.r, tiling.flat, tiling.mr, nv, full > 0, tail, epilogue)
    flops = round(2 * tiling.points * tiling.count) * depth * p.filters
    row = KernelCall(name, source, buffers, dims, blocks * parts, flops, p.nbytes, writes=(2,),
                     grain=parts if blocks >= FEW_TASKS else 1)
    return [*calls, with_epilogue(row, epilogue)]


def place_of_tile(m: int, flat: bool) -> list[str]:
    """Lines that say of which image a tile is, where it begins, and whether it has the last row and column."""
    return f"""\
image = tile // (tile_rows * tile_columns)
row = tile // tile_columns - image * tile_rows
column = tile % tile_columns
tall, broad = min(max(tall_rows - row, 0), 1), min(max(broad_columns - column, 0), 1)
row, column = row * {0 if flat else m - 1} + min(row, tall_rows), column * {m - 1} + min(column, broad_columns)
item = tile - first""".splitlines()


# lines that count the tiles of a block that have the last points
PASS_BY = """\
talls += tall
broads += broad
boths += tall * broad""".splitlines()


def last_points(pitch: str) -> str:
    """How much nearer a tile's last points are than the others, if tiles are a `pitch` apart."""
    return ", ".join(f"({counted} - item) * {pitch}" for counted in ("talls", "broads", "boths"))


def with_point(side: int, flat: bool) -> list[str]:
    """Lines that say how many tiles of a block have a point."""
    lines = f"""\
there = count
if point % {side} == {side - 1}:
    there = broads""".splitlines()
    return lines if flat else lines + f"""\
if point >= {side * (side - 1)}:
    there = boths if point == {side ** 2 - 1} else talls""".splitlines()


def kinds_of_panel(nv: int, full: bool, tail: int) -> list[tuple[str, int, str]]:
    """(name, vectors, which ones) of the kinds of panels of filters that there are: `full` says whether any is
    complete, `tail` how many vectors the last one has if it is not."""
    kinds = ("full", nv * full, "panel < full"), ("tail", tail, "panel == full")
    return [(name, vectors, condition) for name, vectors, condition in kinds if vectors]


def _finish(epilogue: Epilogue) -> list[str]:
    """Lines that process the outputs of a tile."""
    return ["for below in range(row, row + high):",
            "    left = (image * out_height + out_row + below * step_h) * out_width + out_column",
            "    left += column * step_w",
            "    for pixel in range(left, left + wide * step_w, step_w):",
            *("        " + line for line in epilogue.apply("pixel", "first_filter", "last_filter", "outputs"))]


def winograd_source(m: int, r: int, flat: bool, mr: int, nv: int, full: bool, tail: int, epilogue: Epilogue | None
                    ) -> str:
    """Source of a convolution by blocks of tiles; a task is a block and a part of the filters, in these
    `kinds_of_panel`."""
    points, wide = (m + r - 1) ** (1 if flat else 2), nv * lanes("f32")
    heads, multiply = [], []
    for name, vectors, condition in kinds_of_panel(nv, full, tail):
        heads.append(f'multiply_{name} = microkernel("f32", {mr}, {vectors}, stream=True, beside=2)')
        multiply += [f"if {condition}:",
                     f"    multiply_{name}(a, pitch, 1, 0, 1, depth, b, {wide}, 0, c, part_wide, 0, next_read,",
                     f"                    read_step, next_written, written_step, ahead + item % {vectors} * 64)"]
    multiply += ["next_read += depth * read_step", "next_written += depth * written_step"]
    place = place_of_tile(m, flat)
    imports, setup, finish = {"compiled", "word"}, [], []
    if epilogue is not None:
        imports |= epilogue.imports
        setup, finish = epilogue.setup(4, len(DIMS)), _finish(epilogue)
    newline = "\n"
    return f'''"""Convolution by Winograd's minimal filtering, tiles of {m} x {m} outputs of {r} x {r} inputs each."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import {", ".join(sorted(imports))}
from {NATIVE}.winograd import transform_inputs, transform_outputs

to_points = transform_inputs({m}, {r}, {flat})
to_outputs = transform_outputs({m}, {r}, {flat})
{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "packed", "outputs", "scratch"]), 1)}
{indent(words("dims", DIMS), 1)}
{indent(setup, 1)}
    scratch += lane * lane_bytes
    products = scratch + {points * 4} * input_apart
    part_wide = part_panels * {wide}
    ahead = depth * {wide * 4}
    # bytes of a tile's own inputs and outputs
    tile_read = height * width * channels * 4 // (tile_rows * tile_columns)
    tile_written = rows * columns * filters * 4 // (tile_rows * tile_columns)
    filled, talls, broads, boths = -1, 0, 0, 0
    for task in range(begin, end):
        first = task // parts * block
        count = min(block, tiles - first)
        part = task % parts
        first_panel = part * part_panels
        first_filter = part * part_wide
        last_filter = min(first_filter + part_wide, filters)
        if filled != first:
            filled = first
            talls, broads, boths = 0, 0, 0
            for tile in range(first, first + count):
{indent(place, 4)}
                for phase in range(stride * stride):
                    to_points(inputs + image * height * width * channels * 4, width * channels, channels,
                              row * stride + phase // stride - pad_h, column * stride + phase % stride - pad_w,
                              height, width, stride, channels,
                              scratch + (item * pitch + phase * channels) * 4, input_apart, {last_points("pitch")})
{indent(PASS_BY, 4)}
        steps = {points} * (min(part_panels, panels - first_panel) * ((count + {mr - 1}) // {mr})) * depth * parts
        read_step, written_step = min(count * tile_read // steps + 1, 64), min(count * tile_written // steps + 1, 64)
        coming = first + count + tile_columns
        next_read = inputs + coming * tile_read + part * count * tile_read // parts
        next_written = outputs + (first + tile_columns) * tile_written + part * count * tile_written // parts
        for point in range({points}):
{indent(with_point(m + r - 1, flat), 3)}
            for panel in range(first_panel, min(first_panel + part_panels, panels)):
                b = packed + ((part * {points - 1} + point) * part_panels + panel) * depth * {wide * 4}
                for item in range((there + {mr - 1}) // {mr}):
                    a = scratch + (point * input_apart + item * {mr} * pitch) * 4
                    c = (item * {mr} * part_panels + panel - first_panel) * {wide}
                    c = products + (point * product_apart + c) * 4
{indent(multiply, 5)}
        talls, broads, boths = 0, 0, 0
        for tile in range(first, first + count):
{indent(place, 3)}
            high, wide = min({0 if flat else m - 1} + tall, rows - row), min({m - 1} + broad, columns - column)
            target = (image * out_height + out_row + row * step_h) * out_width + out_column + column * step_w
            to_outputs(products + item * part_wide * 4, product_apart,
                       outputs + (target * filters + first_filter) * 4, step_h * out_width * filters,
                       step_w * filters, high, wide, last_filter - first_filter, {last_points("part_wide")})
{indent(PASS_BY, 3)}
{indent(finish, 3)}
'''
