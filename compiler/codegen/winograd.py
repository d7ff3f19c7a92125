"""Convolutions of 3 x 3 windows by Winograd's minimal filtering (native/winograd.py): tiles of m x m outputs take
(m + 2)^2 products instead of 9 m^2.

A block of tiles is brought to the points, into scratch of the lane, where it stays in cache; then the products of each
point with a part of the filters, and the way back to the outputs, which the epilogue finishes. An infinity or NaN
among the inputs reaches all outputs of the tiles that read it: up to m - 1 pixels further than in a direct convolution.

Where an image is no multiple of m, the last tiles have a row or column less, which takes fewer points. Of each point,
the tiles that have it lie one behind the other.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from math import ceil
from typing import Any

from ..native.processor import isa, lanes
from .conv_common import NATIVE, Windows, indent, tile_cost, words
from .conv_images import inside
from .conv_pack import TAPS_DEPTH, pack_winograd_source
from .epilogue import Epilogue
from .kernel import KernelCall, Scratch

# the variable of TensorFlow's that turns it off, with 0 or false
SWITCH = "TF_ENABLE_WINOGRAD_NONFUSED"
# the least work worth a choice, and the part of a direct convolution's cycles that it must save to pay
MIN_FLOPS, WORTH = 10_000_000, 0.85
# cycles to bring a vector of a tile's channels to the points, or back, by m: half of them wait for memory
TRANSFORM = {2: 50, 4: 150}
# bytes of filters that a cycle reads and, where they are packed in each run, writes
READ_BYTES, WRITTEN_BYTES = 8, 5
# what a block reads and a part of the filters writes: both, with filters that pass by, in a second-level cache
BLOCK_BYTES, PART_BYTES = 320 * 1024, 256 * 1024
# tiles of a block: enough to use filters from a further cache for, however many channels they have
MIN_BLOCK, MAX_BLOCK = 32, 64
# the width of the products' tiles, for any number of filters
PRODUCT_VECTORS = 2
# with fewer blocks, parts of the filters are tasks of their own
FEW_TASKS = 8
LINE = 16  # float32

DIMS = ["lane_bytes", "tiles", "tile_rows", "tile_columns", "block", "parts", "part_panels", "panels", "full",
        "height", "width", "channels", "filters", "rows", "columns", "pad_h", "pad_w", "pitch", "input_apart",
        "product_apart", "tall_rows", "broad_columns"]


@dataclass(frozen=True)
class Tiling:
    """An image as `rows` x `columns` tiles of m x m outputs, `count` of all images, in blocks; `tall` rows and `broad`
    columns of them come first, the others' tiles are one less high or wide.

    The products of a point are tiles of `mr` of these by `nv` vectors of filters. Of two heights, which serve any
    number, it is the one that leaves less over: many images' sides are multiples of seven.
    """

    m: int
    rows: int
    columns: int
    tall: int
    broad: int
    count: int
    block: int
    mr: int
    nv: int

    @staticmethod
    def of(p: Windows, m: int) -> Tiling:
        depth, *plane = p.axes
        rows, columns = (ceil(axis.count / m) for axis in plane)
        tall, broad = (max(axis.count - (m - 1) * ceil(axis.count / m), 0) for axis in plane)
        count = p.images * depth.count * rows * columns
        fitting = BLOCK_BYTES // ((m + 2) ** 2 * _odd_lines(p.channels) * 4)
        block = ceil(count / ceil(count / min(max(fitting, MIN_BLOCK), MAX_BLOCK)))
        nv = min(PRODUCT_VECTORS, ceil(p.filters / lanes("f32")))
        mr = min(isa().mr, isa().mr - 1, key=lambda height: ceil(count / height) * height)
        return Tiling(m, rows, columns, tall, broad, count, ceil(block / mr) * mr, mr, nv)

    @property
    def points(self) -> float:
        """That a tile has on average."""
        return (self.m + 1 + self.tall / self.rows) * (self.m + 1 + self.broad / self.columns)

    def cost(self, p: Windows, stays: bool) -> float:
        """Cycles, as `tile_cost` counts them."""
        products, _, _ = tile_cost("f32", self.block, p.filters, p.channels, self.mr)
        vectors = ceil(p.channels / lanes("f32")) + ceil(p.filters / lanes("f32"))
        return (_with_filters(self.points * ceil(self.count / self.block) * products, p, (self.m + 2) ** 2, stays)
                + self.count * vectors * TRANSFORM[self.m])


def suits(p: Windows) -> bool:
    """Whether a convolution has windows of 3 x 3 in neighbouring places."""
    depth, *plane = p.axes
    return p.dtype == "f32" and p.groups == 1 and depth.pointwise and all(
        axis.taps == 3 and axis.stride == axis.dilation == axis.step == 1 for axis in plane)


def choose(p: Windows, stays: bool) -> Tiling | None:
    """The cheapest tiling of a convolution, if that is cheaper than to compute it directly; `stays` says whether its
    filters are the same from run to run."""
    if (not suits(p) or p.flops < MIN_FLOPS or min(p.each) < lanes("f32") or isa().matrix_unit
            or os.environ.get(SWITCH, "1").lower() in ("0", "false")):
        return None
    depth, rows, cols = p.axes
    cost, _, _ = tile_cost("f32", cols.count, p.filters, p.channels * 9)
    direct = _with_filters(p.images * depth.count * rows.count * cost * inside(rows) * inside(cols), p, 9, stays)
    cheapest, tiling = min(((each.cost(p, stays), each) for each in (Tiling.of(p, m) for m in TRANSFORM)),
                           key=lambda found: found[0])
    return tiling if cheapest < WORTH * direct else None


def _with_filters(cycles: float, p: Windows, points: int, stays: bool) -> float:
    """Those of products that wait for nothing, with what it takes to read filters at all points, and to pack them."""
    nbytes = points * p.channels * p.filters * 4
    return max(cycles, nbytes / READ_BYTES) + (not stays) * nbytes / WRITTEN_BYTES


def _odd_lines(elements: int) -> int:
    """Rounded up to an odd number of cache lines: places so far apart are in many sets of a cache."""
    return (ceil(elements / LINE) | 1) * LINE


def lower(x: Any, w: Any, y: Any, p: Windows, tiling: Tiling, transposed: bool, pack_dims: tuple[int, ...],
          epilogue: Epilogue | None, name: str) -> list[KernelCall]:
    """The calls that pack the filters, with `pack_dims` as other packers of conv_pack.py, and that convolve."""
    _, rows, cols = p.axes
    m, nv, block, points = tiling.m, tiling.nv, tiling.block, (tiling.m + 2) ** 2
    wide, blocks = nv * lanes("f32"), ceil(tiling.count / block)
    panels, full = ceil(p.filters / wide), p.filters // wide
    parts = max(ceil(panels * points * block * wide * 4 / PART_BYTES), ceil(FEW_TASKS / blocks))
    part_panels = ceil(panels / min(parts, panels))
    parts = ceil(panels / part_panels)
    packed = Scratch(parts * part_panels * points * p.channels * wide * 4)
    taps = Scratch(9 * TAPS_DEPTH * wide * 4, per_lane=True)
    pack = KernelCall(f"{name}.pack", pack_winograd_source(m, nv, transposed), (w, packed, taps),
                      (taps.apart, part_panels, *pack_dims), panels, nbytes=2 * packed.nbytes, writes=(1,),
                      prepares=True)
    pitch = _odd_lines(p.channels)
    input_apart, product_apart = _odd_lines(block * pitch), _odd_lines(block * part_panels * wide)
    scratch = Scratch(points * (input_apart + product_apart) * 4, per_lane=True)
    dims: tuple[int, ...] = (
        scratch.apart, tiling.count, tiling.rows, tiling.columns, block, parts, part_panels, panels, full, rows.size,
        cols.size, p.channels, p.filters, rows.count, cols.count, rows.pad, cols.pad, pitch, input_apart, product_apart,
        tiling.tall, tiling.broad)
    buffers: tuple[Any, ...] = (x, packed, y, scratch)
    tail = ceil((p.filters - full * wide) / lanes("f32"))
    source = winograd_source(m, tiling.mr, nv, full > 0, tail, epilogue)
    if epilogue is not None:
        name = f"{name}+{epilogue.key}"
        buffers, dims = (*buffers, *epilogue.buffers), (*dims, *epilogue.dims)
    flops = round(2 * tiling.points * tiling.count) * p.channels * p.filters
    return [pack, KernelCall(name, source, buffers, dims, blocks * parts, flops, p.nbytes, writes=(2,),
                             grain=parts if blocks >= FEW_TASKS else 1)]


def winograd_source(m: int, mr: int, nv: int, full: bool, tail: int, epilogue: Epilogue | None) -> str:
    """Source of a convolution by blocks of tiles; a task is a block and a part of the filters.

    `full` says whether any panel of filters is complete, `tail` how many vectors the last one has if it is not.
    """
    points, wide = (m + 2) ** 2, nv * lanes("f32")
    heads, multiply = [], []
    for name, vectors, condition in (("full", nv * full, "panel < full"), ("tail", tail, "panel == full")):
        if vectors:
            heads.append(f'multiply_{name} = microkernel("f32", {mr}, {vectors}, stream=True)')
            multiply += [f"if {condition}:",
                         f"    multiply_{name}(a, pitch, 1, 0, 1, channels, b, {wide}, 0, c, part_wide, 0, "
                         f"ahead + item % {vectors} * 64)"]
    place = f"""\
image = tile // (tile_rows * tile_columns)
row = tile // tile_columns - image * tile_rows
column = tile % tile_columns
tall, broad = min(max(tall_rows - row, 0), 1), min(max(broad_columns - column, 0), 1)
row, column = row * {m - 1} + min(row, tall_rows), column * {m - 1} + min(column, broad_columns)
item = tile - first""".splitlines()
    last, pass_by = "(talls - item) * {0}, (broads - item) * {0}, (boths - item) * {0}", """\
talls += tall
broads += broad
boths += tall * broad""".splitlines()
    imports, setup, finish = {"compiled", "word"}, [], []
    if epilogue is not None:
        imports |= epilogue.imports
        setup = epilogue.setup(4, len(DIMS))
        finish = ["for below in range(row, row + high):",
                  "    left = (image * rows + below) * columns + column",
                  "    for pixel in range(left, left + wide):",
                  *("        " + line
                    for line in epilogue.apply("pixel", "first_filter", "last_filter", "outputs"))]
    newline = "\n"
    return f'''"""Convolution of 3 x 3 windows by Winograd's minimal filtering, tiles of {m} x {m} outputs."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import {", ".join(sorted(imports))}
from {NATIVE}.winograd import transform_inputs, transform_outputs

to_points = transform_inputs({m})
to_outputs = transform_outputs({m})
{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "packed", "outputs", "scratch"]), 1)}
{indent(words("dims", DIMS), 1)}
{indent(setup, 1)}
    scratch += lane * lane_bytes
    products = scratch + {points * 4} * input_apart
    part_wide = part_panels * {wide}
    ahead = channels * {wide * 4}
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
                to_points(inputs + image * height * width * channels * 4, row - pad_h, column - pad_w, height, width,
                          channels, scratch + item * pitch * 4, input_apart, {last.format("pitch")})
{indent(pass_by, 4)}
        for point in range({points}):
            there = count
            if point % {m + 2} == {m + 1}:
                there = broads
            if point >= {points - m - 2}:
                there = boths if point == {points - 1} else talls
            for panel in range(first_panel, min(first_panel + part_panels, panels)):
                b = packed + ((part * {points - 1} + point) * part_panels + panel) * channels * {wide * 4}
                for item in range((there + {mr - 1}) // {mr}):
                    a = scratch + (point * input_apart + item * {mr} * pitch) * 4
                    c = (item * {mr} * part_panels + panel - first_panel) * {wide}
                    c = products + (point * product_apart + c) * 4
{indent(multiply, 5)}
        talls, broads, boths = 0, 0, 0
        for tile in range(first, first + count):
{indent(place, 3)}
            high, wide = min({m - 1} + tall, rows - row), min({m - 1} + broad, columns - column)
            to_outputs(products + item * part_wide * 4, product_apart,
                       outputs + (((image * rows + row) * columns + column) * filters + first_filter) * 4,
                       columns * filters, filters, high, wide, last_filter - first_filter,
                       {last.format("part_wide")})
{indent(pass_by, 3)}
{indent(finish, 3)}
'''
