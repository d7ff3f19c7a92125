"""Convolutions of float32 on a matrix unit (native/matrix_unit.py), without im2col.

A task copies a band of images into memory of its lane, zeros around them, split into bfloat16: a line of 64 bytes for
each part of 32 channels of a pixel. Sixteen pixels beside each other are then a tile of A for each tap of the window,
wherever it lies. Where windows move by one pixel the rows of a band are one long row of pixels, of which those that
stand over the right edge are left out of the outputs.
"""
from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from ..native.processor import isa
from ..native.strips import CHUNK, EDGE_BYTES, HEAD_BYTES, LINE_BYTES, PARTS, STRIP, strip_bytes
from .conv_common import NATIVE, Windows, aligned, indent, words
from .epilogue import Epilogue
from .kernel import KernelCall, Scratch
from .unit_gemm import CALL_CYCLES, PACK_CYCLES, STORE_CYCLES, TILE_CYCLES, VECTOR_CYCLES, whole_tiles

# of what a task copies: it stays in a second-level cache beside the filters that pass by
BAND_BYTES = 640 * 1024
# channels and filters from which it is worth a look: with fewer, most of each tile is zeros
LEAST_CHANNELS, LEAST_FILTERS = 12, 12

DIMS = ["height", "width", "rows", "columns", "channels", "filters", "stride_h", "stride_w", "dilation_h", "pad_h",
        "pad_w", "span_w", "image_step", "row_step", "pixel_step", "first_pixel", "images", "band_images", "band_rows",
        "image_bands", "bands", "image_bytes", "part_bytes", "segments", "chunks", "strips", "part_strips",
        "strip_bytes", "flat", "lane_bytes"]


@dataclass(frozen=True)
class Bands:
    """What a task works on: a band of `rows` of an image, or several images."""

    images: int
    rows: int
    chunks: int  # of a pixel's channels
    flat: bool  # whether the rows of a band are one long row

    @staticmethod
    def choose(p: Windows) -> Bands:
        _, rows, cols = p.axes
        chunks = ceil(p.channels / CHUNK)
        row_bytes = PARTS * cols.span * chunks * LINE_BYTES
        image_bytes = rows.span * row_bytes
        flat = rows.stride == cols.stride == 1
        if image_bytes <= BAND_BYTES:
            images = min(p.images, BAND_BYTES // image_bytes)
            return Bands(ceil(p.images / ceil(p.images / images)), rows.count, chunks, flat)
        over = rows.span - (rows.count - 1) * rows.stride
        fit = max(1, (BAND_BYTES // row_bytes - over) // rows.stride + 1)
        return Bands(1, ceil(rows.count / ceil(rows.count / fit)), chunks, flat)

    def count(self, p: Windows) -> int:
        return ceil(p.images / self.images) * ceil(p.axes[1].count / self.rows)

    def tiles(self, p: Windows) -> int:
        """Of 16 pixels, two by two, in all bands."""
        _, rows, cols = p.axes
        if not self.flat:
            return p.images * rows.count * 2 * ceil(cols.count / STRIP / 2)
        return p.images * ceil(rows.count / self.rows) * 2 * ceil(self.rows * cols.span / STRIP / 2)


def pays(p: Windows) -> bool:
    """Whether the matrix unit is the faster one for a convolution."""
    _, rows, cols = p.axes
    if not isa().matrix_unit or p.dtype != "f32" or p.groups > 1 or p.volume or not p.taps:
        return False
    if cols.dilation > 1 < cols.taps or p.channels < LEAST_CHANNELS or p.filters < LEAST_FILTERS:
        return False
    bands = Bands.choose(p)
    strips, copied = whole_tiles(p.filters), bands.count(p) * bands.images * _in_rows(p, bands) * cols.span
    tiles = bands.tiles(p) * strips * (p.taps * bands.chunks * TILE_CYCLES + STORE_CYCLES)
    packing = (copied * bands.chunks * CHUNK + p.filters * p.channels * p.taps) * PACK_CYCLES
    return tiles + packing + CALL_CYCLES < p.flops / 2 * VECTOR_CYCLES


def _in_rows(p: Windows, bands: Bands) -> int:
    """Rows of inputs that a band of an image reads."""
    rows = p.axes[1]
    return rows.span - (rows.count - bands.rows) * rows.stride


def lower(x: Any, w: Any, y: Any, p: Windows, pack_source: str, pack_dims: tuple[int, ...], epilogue: Epilogue | None,
          name: str, threads: int = 2) -> list[KernelCall]:
    """The calls of a convolution for which it `pays`; `pack_dims` go before the taps in those of conv_pack.py."""
    _, rows, cols = p.axes
    bands = Bands.choose(p)
    count, strips = bands.count(p), ceil(p.filters / STRIP)
    # threads that find no band of their own share one, each with some of the filters
    parts = 1 if count >= threads else min(ceil(threads / count), ceil(strips / 2))
    part_strips = 2 * ceil(ceil(strips / parts) / 2)
    parts = ceil(strips / part_strips)
    pixel_bytes = bands.chunks * LINE_BYTES
    image_bytes = _in_rows(p, bands) * cols.span * pixel_bytes
    part_bytes = bands.images * image_bytes
    # tiles at the end of a band read past it
    over = 2 * STRIP * cols.stride * pixel_bytes
    lane = Scratch(aligned(EDGE_BYTES + HEAD_BYTES + 4096 + PARTS * part_bytes + over), per_lane=True)
    strip = strip_bytes(p.taps * bands.chunks * CHUNK)
    packed = Scratch(whole_tiles(p.filters) * strip)
    pack = KernelCall(f"{name}.pack", pack_source, (w, packed), (1, strip, *pack_dims), strips,
                      nbytes=2 * packed.nbytes, writes=(1,), prepares=True)
    dims: tuple[int, ...] = (
        rows.size, cols.size, rows.count, cols.count, p.channels, p.filters, rows.stride, cols.stride, rows.dilation,
        rows.pad, cols.pad, cols.span, rows.total * cols.total, rows.step * cols.total, cols.step,
        rows.first * cols.total + cols.first, p.images, bands.images, bands.rows, ceil(rows.count / bands.rows), count,
        image_bytes, part_bytes, rows.taps, cols.taps * bands.chunks, strips, part_strips, strip, int(bands.flat),
        lane.nbytes)
    buffers: tuple[Any, ...] = (x, packed, y, lane)
    text = source(min(2, strips), epilogue)
    if epilogue is not None:
        name = f"{name}+{epilogue.key}"
        buffers, dims = (*buffers, *epilogue.buffers), (*dims, *epilogue.dims)
    return [pack, KernelCall(name, text, buffers, dims, parts * count, p.flops, p.nbytes, writes=(2, 3))]


def source(columns: int, epilogue: Epilogue | None) -> str:
    """Source of a convolution by bands, in tiles of so many strips of filters; a task is a band, for some filters."""
    imports = {"compiled", "word", "load_f32", "store_f32", "store_i64", "load_i64", "f32"}
    setup: list[str] = []
    finish: list[str] = []
    if epilogue is not None:
        imports |= epilogue.imports
        setup = epilogue.setup(4, len(DIMS))
        finish = epilogue.apply("pixel", "column", "column + there", "outputs")

    zeros = """\
for part in range(3):
    for item in range({count} * pixel_bytes // 4):
        store_f32({to} + part * part_bytes, item, f32(0), -1)"""
    return f'''"""Convolution on the matrix unit, bands of images by two strips of filters."""
from {NATIVE}.matrix_unit import close_unit, multiply_tiles, open_unit, split_pixels
from {NATIVE}.prelude import {", ".join(sorted(imports))}

ready, leave, split = open_unit(), close_unit(), split_pixels()
multiply = multiply_tiles(2, {columns})


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "packed", "outputs", "edge"]), 1)}
{indent(words("dims", DIMS), 1)}
{indent(setup, 1)}
    edge += lane * lane_bytes
    head = edge + {EDGE_BYTES}
    tile = head + 64
    lines = tile + 4096
    pixel_bytes = (channels + 31) // 32 * 64
    line = span_w * pixel_bytes
    left = min(max(pad_w, 0), span_w)
    skip = max(-pad_w, 0)
    inside = max(0, min(width - skip, span_w - left))
    held = -1
    ready()
    for task in range(begin, end):
        band = task % bands
        first_strip = task // bands * part_strips
        last_strip = min(first_strip + part_strips, strips)
        first_image = band // image_bands * band_images
        last_image = min(first_image + band_images, images)
        first_row = band % image_bands * band_rows
        count = min(band_rows, rows - first_row)
        if band != held:
            held = band
            store_i64(head, 0, 0, -1)
            for image in range(first_image, last_image):
                for item in range(image_bytes // line):
                    row_in = first_row * stride_h + item - pad_h
                    to = lines + (image - first_image) * image_bytes + item * line
                    if row_in < 0 or row_in >= height:
{indent(zeros.format(count="span_w", to="to").splitlines(), 6)}
                    else:
{indent(zeros.format(count="left", to="to").splitlines(), 6)}
                        start = ((image * height + row_in) * width + skip) * channels
                        to += left * pixel_bytes
                        split(inputs + start * 4, head, to, part_bytes, inside, channels)
                        to += inside * pixel_bytes
{indent(zeros.format(count="(span_w - left - inside)", to="to").splitlines(), 6)}
        # pixels of a run, and of a row in it
        run = columns
        wrap = columns
        if flat:
            run = (count - 1) * span_w + columns
            wrap = span_w
        for strip in range(first_strip, last_strip, 2):
            column = strip * 16
            there = min(32, filters - column)
            b = packed + strip * strip_bytes + 64
            infinite = load_i64(head, 0, -1) + load_i64(b - 64, 0, -1)
            if there > 16:
                infinite += load_i64(b - 64 + strip_bytes, 0, -1)
            for image in range(first_image, last_image):
                for top in range(0, count, count if flat else 1):
                    corner = lines + (image - first_image) * image_bytes + top * stride_h * line
                    first = first_pixel + image * image_step + (first_row + top) * row_step
                    row, col = 0, 0
                    for number in range(0, run, 32):
                        a = corner + number * stride_w * pixel_bytes
                        multiply(a, stride_w * pixel_bytes, part_bytes, 16 * stride_w * pixel_bytes, 64,
                                 dilation_h * line, b, strip_bytes, segments, chunks, tile, 128, 0, 32, 32, edge,
                                 infinite)
                        for item in range(min(32, run - number)):
                            if col < columns:
                                pixel = first + row * row_step + col * pixel_step
                                to = outputs + (pixel * filters + column) * 4
                                for offset in range(there):
                                    store_f32(to, offset, load_f32(tile, item * 32 + offset, 1), 0)
{indent(finish, 8)}
                            col += 1
                            if col == wrap:
                                col = 0
                                row += 1
    leave()
'''
