"""The gradient of a convolution's filters by Winograd's minimal filtering (native/winograd.py): for each point the sums
over all tiles of inputs times gradients of outputs, a matrix product, which come back to the taps at the end.

Tasks share out the channels of all phases (winograd.py), and the tiles where these are few: each brings blocks of tiles
to the points, into scratch of the lane, and adds their products to sums that no other task has.
"""
from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from ..native.processor import lanes
from .conv_common import Windows, tile_cost
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words
from .winograd import (
    PASS_BY,
    WORTH,
    Tiling,
    kinds_of_panel,
    last_points,
    odd_lines,
    pays,
    place_of_tile,
    tilings,
    with_point,
)

# channels of a task, and tiles of a block, for which sums are read and written but once
CHUNK, BLOCK = 64, 32
# the tasks there are to be, each of so many tiles at least, whose sums do not take more than so much
TASKS, PART_TILES, PARTIAL_BYTES = 8, 128, 8 * 1024 * 1024
# bytes of sums that a cycle reads or writes
SUM_BYTES = 8
# the pixels of a direct gradient for which a tile's sums are counted
PIXELS = 512

DIMS = ["lane_bytes", "tiles", "tile_rows", "tile_columns", "tall_rows", "broad_columns", "block", "parts", "shares",
        "chunks", "chunk", "row_tiles", "panels", "full", "height", "width", "channels", "filters", "rows", "columns",
        "pad_h", "pad_w", "stride", "x_pitch", "x_apart", "y_pitch", "y_apart"]


@dataclass(frozen=True)
class Shares:
    """Each phase's channels in `chunks`, all tiles in `parts` and these in blocks; products by tiles of mr x nv."""

    tiling: Tiling
    chunks: int
    chunk: int
    parts: int
    block: int
    mr: int
    nv: int
    cost: float  # cycles, as `tile_cost` counts them

    @staticmethod
    def of(p: Windows, tiling: Tiling) -> Shares:
        vector, points = lanes("f32"), tiling.all_points
        vectors = ceil(p.filters / vector)
        chunk = min(ceil(p.channels / ceil(p.channels / CHUNK) / vector) * vector, p.channels)
        chunks = ceil(p.channels / chunk)
        _, mr, nv = tile_cost("f32", chunk, p.filters, BLOCK)
        sums = points * tiling.phases * chunks * ceil(chunk / mr) * mr * ceil(vectors / nv) * nv * vector * 4
        parts = max(1, min(ceil(TASKS / (tiling.phases * chunks)), tiling.count // PART_TILES, PARTIAL_BYTES // sums))
        blocks = ceil(tiling.count / parts / BLOCK)
        block = ceil(tiling.count / parts / blocks)
        products, _, _ = tile_cost("f32", chunk, p.filters, block, mr)
        transforms = tiling.phases * (ceil(p.channels / vector) + chunks * vectors)
        cost = (tiling.points * tiling.phases * chunks * parts * blocks * products
                + tiling.count * transforms * tiling.transform_cycles + 2 * parts * sums / SUM_BYTES)
        return Shares(tiling, chunks, chunk, parts, block, mr, nv, cost)


def choose(p: Windows) -> Shares | None:
    """The cheapest way, if there is one cheaper than to compute the gradient directly."""
    candidates = [Shares.of(p, tiling) for tiling in tilings(p)] if pays(p) else []
    cheapest = min(candidates, key=lambda shares: shares.cost, default=None)
    _, rows, cols = p.axes
    direct = rows.taps * tile_cost("f32", p.channels * cols.taps, p.filters, PIXELS)[0] * p.outputs / PIXELS
    return cheapest if cheapest and cheapest.cost < WORTH * direct else None


def lower(x: Any, dy: Any, dw: Any, p: Windows, shares: Shares) -> list[KernelCall]:
    """The calls that sum the products at the points, and that bring the sums to the taps."""
    tiling, (_, rows, cols), points = shares.tiling, p.axes, shares.tiling.all_points
    wide, row_tiles = shares.nv * lanes("f32"), ceil(shares.chunk / shares.mr)
    panels, (full, rest) = ceil(p.filters / wide), divmod(p.filters, wide)
    x_pitch = odd_lines(max(row_tiles * shares.mr, shares.chunk + lanes("f32") - 1))
    y_pitch = odd_lines(p.filters)
    x_apart, y_apart = odd_lines(shares.block * x_pitch), odd_lines(shares.block * y_pitch)
    scratch = Scratch(points * (x_apart + y_apart) * 4, per_lane=True)
    each, split = row_tiles * shares.mr * panels * wide, tiling.phases * shares.chunks
    partials = Scratch(shares.parts * split * points * each * 4)
    dims = (scratch.apart, tiling.count, tiling.rows, tiling.columns, tiling.tall, tiling.broad, shares.block,
            shares.parts, split, shares.chunks, shares.chunk, row_tiles, panels, full, rows.size, cols.size, p.channels,
            p.filters, rows.count, cols.count, rows.pad, cols.pad, tiling.stride, x_pitch, x_apart, y_pitch, y_apart)
    source = sums_source(tiling.m, tiling.r, tiling.flat, shares.mr, shares.nv, full > 0, ceil(rest / lanes("f32")))
    flops = round(2 * tiling.points * tiling.count) * tiling.phases * p.channels * p.filters
    taps_dims = (shares.parts, split * points * each, shares.chunks, shares.chunk, p.channels, p.filters, tiling.stride,
                 rows.taps, cols.taps, each, panels * wide)
    return [KernelCall("conv_filter_grad", source, (x, dy, partials, scratch), dims, shares.parts * split, flops,
                       p.nbytes, writes=(2,)),
            KernelCall("conv_filter_grad.taps", taps_source(tiling.m, tiling.r, tiling.flat), (partials, dw), taps_dims,
                       tiling.phases * p.channels, nbytes=partials.nbytes, writes=(0, 1))]


def sums_source(m: int, r: int, flat: bool, mr: int, nv: int, full: bool, tail: int) -> str:
    """Source of the sums at the points; a task is a part of the tiles, a phase and a chunk of its channels, for these
    `kinds_of_panel`."""
    points, wide = (m + r - 1) ** (1 if flat else 2), nv * lanes("f32")
    heads, multiply = [], []
    for name, vectors, condition in kinds_of_panel(nv, full, tail):
        heads.append(f'multiply_{name} = microkernel("f32", {mr}, {vectors})')
        multiply += [f"if {condition}:",
                     f"    multiply_{name}(a, 1, x_pitch, 0, 1, there, b, y_pitch, 0, c, panels * {wide}, "
                     "first > begin_tile)"]
    newline = "\n"
    return f'''"""Sums of inputs times gradients at points: tiles of {m} x {m} outputs, windows of {r} x {r}."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import compiled, word
from {NATIVE}.winograd import transform_gradients, transform_inputs

inputs_to_points = transform_inputs({m}, {r}, {flat})
gradients_to_points = transform_gradients({m}, {r}, {flat})
{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "gradients", "partials", "xs"]), 1)}
{indent(words("dims", DIMS), 1)}
    xs += lane * lane_bytes
    ys = xs + {points * 4} * x_apart
    for task in range(begin, end):
        part = task // shares
        share = task - part * shares
        phase = share // chunks
        channel = (share - phase * chunks) * chunk
        begin_tile = part * tiles // parts
        end_tile = (part + 1) * tiles // parts
        first = begin_tile
        while first < end_tile:
            count = min(block, end_tile - first)
            talls, broads, boths = 0, 0, 0
            for tile in range(first, first + count):
{indent(place_of_tile(m, flat), 4)}
                inputs_to_points(inputs + (image * height * width * channels + channel) * 4, width * channels,
                                 channels, row * stride + phase // stride - pad_h,
                                 column * stride + phase % stride - pad_w, height, width, stride,
                                 min(chunk, channels - channel), xs + item * x_pitch * 4, x_apart,
                                 {last_points("x_pitch")})
                gradients_to_points(gradients + image * rows * columns * filters * 4, columns * filters, filters,
                                    row, column, min(row + {0 if flat else m - 1} + tall, rows),
                                    min(column + {m - 1} + broad, columns), 1, filters,
                                    ys + item * y_pitch * 4, y_apart, {last_points("y_pitch")})
{indent(PASS_BY, 4)}
            for point in range({points}):
{indent(with_point(m + r - 1, flat), 4)}
                for panel in range(panels):
                    b = ys + (point * y_apart + panel * {wide}) * 4
                    for item in range(row_tiles):
                        a = xs + (point * x_apart + item * {mr}) * 4
                        c = ((task * {points} + point) * row_tiles + item) * {mr} * panels + panel
                        c = partials + c * {wide * 4}
{indent(multiply, 6)}
            first += count
'''


def taps_source(m: int, r: int, flat: bool) -> str:
    """Source that adds up the parts' sums and brings them to the taps; a task is a channel of a phase."""
    points = (m + r - 1) ** (1 if flat else 2)
    names = ["parts", "part", "chunks", "chunk", "channels", "filters", "stride", "taps_h", "taps_w", "apart", "pitch"]
    return f'''"""Brings the sums at the points of tiles of {m} x {m} outputs to the {r} x {r} taps."""
from {NATIVE}.prelude import compiled, load_f32, store_f32, word
from {NATIVE}.winograd import transform_taps

to_taps = transform_taps({m}, {r}, {flat})


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["partials", "dw"]), 1)}
{indent(words("dims", names), 1)}
    for task in range(begin, end):
        phase = task // channels
        channel = task - phase * channels
        share = channel // chunk
        sums = partials + ((phase * chunks + share) * {points} * apart + (channel - share * chunk) * pitch) * 4
        for other in range(1, parts):
            for point in range({points}):
                at = sums + point * apart * 4
                for j in range(filters):
                    store_f32(at, j, load_f32(at, j, 1) + load_f32(at, other * part + j, 0), 1)
        row = phase // stride
        column = phase - row * stride
        to_taps(sums, apart, dw + ((row * taps_w + column) * channels + channel) * filters * 4,
                stride * taps_w * channels * filters, stride * channels * filters,
                (taps_h - row + stride - 1) // stride, (taps_w - column + stride - 1) // stride, filters, 0, 0, 0)
'''
