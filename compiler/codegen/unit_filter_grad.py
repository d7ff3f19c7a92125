"""The gradient of a convolution's filters on a matrix unit (native/matrix_unit.py): k are the pixels of the outputs.

The images of a band are one long row of pixels, with zeros where windows leave them, and the outputs' gradients lie at
the same places, zeros between them. For each tap of the window the gradient is then the product of the pixels, that far
along, with the outputs' gradients: rows of tiles of A that begin at other bytes, of what was split once.
"""
from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from ..native.processor import isa
from ..native.strips import CHUNK, CHUNK_BYTES, EDGE_BYTES, HEAD_BYTES, LINE_BYTES, PARTS, STRIP
from ..window import extent
from .conv_common import Axis, Windows, aligned
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words
from .unit_gemm import CALL_CYCLES, PACK_CYCLES, STORE_CYCLES, VECTOR_CYCLES, whole_tiles

# pixels of a band, and bytes of those of a group of channels, beside which the band's gradients stay in the cache
BAND_PIXELS, GROUP_BYTES = 768, 512 * 1024
# cycles of a product of 16 x 16 x 32 whose lines begin anywhere
TILE_CYCLES = 160

DIMS = ["height", "width", "rows", "columns", "channels", "filters", "dilation_h", "dilation_w", "taps_h", "taps_w",
        "pad_h", "pad_w", "line", "images", "band_images", "band_rows", "image_bands", "bands", "image_lines", "chunks",
        "row_bytes", "strip_bytes", "channel_strips", "group_strips", "part_channels", "filter_strips", "part_filters",
        "parts", "grad_bytes", "lane_bytes"]


def _pitch(axis: Axis) -> int:
    """Inputs from one row of pixels to the next, zeros between them; windows that leave a row see those of the next."""
    return max(axis.pad + axis.size, axis.count, axis.count + extent(axis.taps, axis.dilation) - 1 - axis.pad)


@dataclass(frozen=True)
class Bands:
    """What is summed at a time: `rows` of an image, or several images; their pixels, in lines of an even length."""

    images: int
    rows: int
    line: int
    image_lines: int

    @staticmethod
    def choose(p: Windows) -> Bands:
        _, rows, cols = p.axes
        line = 2 * ceil(_pitch(cols) / 2)
        if (pitch := _pitch(rows)) * line <= BAND_PIXELS:
            images = min(p.images, BAND_PIXELS // (pitch * line))
            return Bands(ceil(p.images / ceil(p.images / images)), rows.count, line, pitch)
        count = max(1, min(rows.count, BAND_PIXELS // line))
        count = ceil(rows.count / ceil(rows.count / count))
        return Bands(1, count, line, count + extent(rows.taps, rows.dilation) - 1)

    def count(self, p: Windows) -> int:
        return ceil(p.images / self.images) * ceil(p.axes[1].count / self.rows)

    @property
    def chunks(self) -> int:
        return ceil(((self.images - 1) * self.image_lines + self.rows) * self.line / CHUNK)

    def row_bytes(self, p: Windows) -> int:
        """Of the pixels of a channel, with what the last windows read; an odd number of cache lines."""
        _, rows, cols = p.axes
        far = (rows.taps - 1) * rows.dilation * self.line + (cols.taps - 1) * cols.dilation
        pixels = max(self.chunks * CHUNK, self.images * self.image_lines * self.line) + far + STRIP
        return LINE_BYTES * (ceil(2 * pixels / LINE_BYTES) | 1)


def pays(p: Windows) -> bool:
    """Whether the matrix unit is the faster one."""
    _, rows, cols = p.axes
    if not isa().matrix_unit or p.dtype != "f32" or p.groups > 1 or p.volume or not p.taps * p.outputs:
        return False
    if rows.stride * cols.stride > 1:
        return False
    bands = Bands.choose(p)
    strips, count = whole_tiles(p.channels) * whole_tiles(p.filters), bands.count(p)
    tiles = strips * p.taps * count * (bands.chunks * TILE_CYCLES + STORE_CYCLES)
    packing = count * bands.chunks * CHUNK * (2 * p.channels + p.filters) * PACK_CYCLES
    return tiles + packing + CALL_CYCLES < p.flops / 2 * VECTOR_CYCLES


def lower(p: Windows, x: Any, dy: Any, dw: Any, threads: int = 2) -> list[KernelCall]:
    """The call of a gradient for which it `pays`."""
    _, rows, cols = p.axes
    bands, channel_strips, filter_strips = Bands.choose(p), whole_tiles(p.channels), whole_tiles(p.filters)
    row_bytes, strip = bands.row_bytes(p), bands.chunks * CHUNK_BYTES
    # each thread has some of the filters, or some of the channels
    by_filters = filter_strips >= channel_strips
    parts = min(threads, max(1, (filter_strips if by_filters else channel_strips) // 2))
    part_filters, part_channels = (whole_tiles(STRIP * ceil(strips / (parts if split else 1))) for strips, split in (
        (filter_strips, by_filters), (channel_strips, not by_filters)))
    parts = max(ceil(filter_strips / part_filters), ceil(channel_strips / part_channels))
    group = max(2, min(part_channels, GROUP_BYTES // (PARTS * STRIP * row_bytes)) // 2 * 2)
    gradients, tile = part_filters * strip, (min(2, channel_strips), min(2, filter_strips))
    lane = Scratch(aligned(EDGE_BYTES + HEAD_BYTES + gradients + PARTS * group * STRIP * row_bytes), per_lane=True)
    dims = (rows.size, cols.size, rows.count, cols.count, p.channels, p.filters, rows.dilation, cols.dilation,
            rows.taps, cols.taps, rows.pad, cols.pad, bands.line, p.images, bands.images, bands.rows,
            ceil(rows.count / bands.rows), bands.count(p), bands.image_lines, bands.chunks, row_bytes, strip,
            channel_strips, group, part_channels, filter_strips, part_filters, parts, gradients, lane.apart)
    return [KernelCall("conv_filter_grad", source(tile), (x, dy, dw, lane), dims, parts, p.flops, p.nbytes,
                       writes=(2, 3), grain=parts)]


def source(tile: tuple[int, int]) -> str:
    """Source of the gradient, in tiles of so many strips; a task is some of the filters, or of the channels."""
    return f'''"""Gradient of a convolution's filters on the matrix unit."""
from {NATIVE}.matrix_unit import close_unit, multiply_tiles, open_unit
from {NATIVE}.split import split_channels, split_pairs
from {NATIVE}.prelude import compiled, f32, load_i64, store_f32, store_i64, word

ready, leave, split, split_gradients = open_unit(), close_unit(), split_channels(), split_pairs()
multiply = multiply_tiles{tile}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "dy", "dw", "edge"]), 1)}
{indent(words("dims", DIMS), 1)}
    edge += lane * lane_bytes
    head = edge + {EDGE_BYTES}
    gradients = head + {HEAD_BYTES}
    lines = gradients + grad_bytes
    part_bytes = group_strips * 16 * row_bytes
    ready()
    for task in range(begin, end):
        first_filter = task * part_filters if part_filters < filter_strips else 0
        last_filter = min(first_filter + part_filters, filter_strips)
        first_channel = task * part_channels if part_channels < channel_strips else 0
        last_channel = min(first_channel + part_channels, channel_strips)
        filters_here = min(last_filter * 16, filters) - first_filter * 16
        for band in range(bands):
            first_image = band // image_bands * band_images
            last_image = min(first_image + band_images, images)
            first_row = band % image_bands * band_rows
            count = min(band_rows, rows - first_row)
            store_i64(head, 0, 0, -1)
            for item in range(grad_bytes // 4):
                store_f32(gradients, item, f32(0), -1)
            for image in range(first_image, last_image):
                for row in range(count):
                    start = ((image * rows + first_row + row) * columns * filters + first_filter * 16) * 4
                    place = ((image - first_image) * image_lines + row) * line
                    split_gradients(dy + start, filters, head, gradients, strip_bytes, place, columns, filters_here)
            for group in range(first_channel, last_channel, group_strips):
                last = min(group + group_strips, last_channel)
                for item in range(3 * part_bytes // 4):
                    store_f32(lines, item, f32(0), -1)
                for image in range(first_image, last_image):
                    for row in range(image_lines):
                        row_in = first_row + row - pad_h
                        if row_in >= 0 and row_in < height:
                            place = ((image - first_image) * image_lines + row) * line + max(pad_w, 0)
                            pixels = min(width - max(-pad_w, 0), line - max(pad_w, 0))
                            start = ((image * height + row_in) * width + max(-pad_w, 0)) * channels
                            for strip in range(group, last):
                                split(inputs + (start + strip * 16) * 4, channels, head,
                                      lines + (strip - group) * 16 * row_bytes + place * 2, part_bytes, row_bytes,
                                      pixels, min(16, channels - strip * 16))
                infinite = load_i64(head, 0, -1)
                for tap in range(taps_h * taps_w):
                    far = tap // taps_w * dilation_h * line + tap % taps_w * dilation_w
                    for filter in range(first_filter, last_filter, 2):
                        wide = min(32, filters - filter * 16)
                        b = gradients + (filter - first_filter) * strip_bytes
                        for strip in range(group, last, 2):
                            there = min(32, channels - strip * 16)
                            a = lines + (strip - group) * 16 * row_bytes + far * 2
                            c = dw + ((tap * channels + strip * 16) * filters + filter * 16) * 4
                            multiply(a, row_bytes, part_bytes, 16 * row_bytes, 64, 0, b, strip_bytes, 1, chunks, c,
                                     filters * 4, band, there, wide, edge, infinite)
    leave()
'''
