"""Convolutions of float32 on a matrix unit (native/matrix_unit.py), without im2col.

A task copies a band of images into memory of its lane, zeros around them, split into bfloat16: a line of 64 bytes for
each part of 32 channels of a pixel. Sixteen pixels beside each other are then a tile of A for each tap of the window,
wherever it lies. The rows of a band are one long row of pixels, of which those that stand over the right edge are left
out of the outputs. Where windows move by more than a pixel, the pixels of a row that are the same step apart lie
together, and rows likewise, so that there too neighbours are sixteen outputs' inputs. Of few channels, the taps of a
row of the window are channels.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, gcd
from typing import Any

from ..native.processor import isa
from ..native.strips import CHUNK, EDGE_BYTES, HEAD_BYTES, LATE_BYTES, LINE_BYTES, PARTS, STRIP, strip_bytes
from .conv_common import Axis, Windows, aligned
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch
from .late import finishing, starting
from .text import NATIVE, indent, words
from .unit_gemm import CALL_CYCLES, PACK_CYCLES, STORE_CYCLES, TILE_CYCLES, VECTOR_CYCLES, whole_tiles

# of what a task copies: it stays in a second-level cache beside the filters that pass by
BAND_BYTES = 640 * 1024
# of filters that stay there too, so that all of them meet each few pixels
KEPT_BYTES = 768 * 1024
# taps of a row of a window are channels where that leaves so much of the k
JOINED = 0.6
# filters from which it is worth a look: with fewer, most of each tile is zeros
LEAST_FILTERS = 12

DIMS = ["height", "width", "rows", "columns", "channels", "filters", "stride_h", "stride_w", "dilation_h", "dilation_w",
        "taps_h", "taps_w", "pad_h", "pad_w", "period_h", "period_w", "phases_h", "phases_w", "image_step", "row_step",
        "pixel_step", "first_pixel", "images", "band_images", "run_images", "band_rows", "image_bands", "bands",
        "line", "lines", "line_step", "image_lines", "row_floats", "apart", "depth", "strips", "part_strips",
        "strip_bytes", "group_strips", "pitch", "lane_bytes"]


def _period(axis: Axis) -> int:
    """Taps whose inputs lie at different places modulo the stride."""
    return axis.stride // gcd(axis.stride, axis.dilation)


def _phases(axis: Axis) -> int:
    return min(axis.taps, _period(axis))


def _lines(axis: Axis, count: int) -> int:
    """Inputs of each phase that so many outputs read."""
    return count + (axis.taps - 1) * axis.dilation // axis.stride


def _apart(axis: Axis, there: int) -> int:
    """Inputs of a phase from one row (or image) to the next, if so many are there: the zeros after one are those before
    the next."""
    shared = there - axis.count
    for phase in range(_phases(axis)):
        first = phase * axis.dilation % axis.stride - axis.pad
        before, end = (min(max((at + axis.stride - 1) // axis.stride, 0), there) for at in (-first, axis.size - first))
        shared = min(shared, before, there - max(before, end))
    return there - shared


def _share(total: int, most: int, threads: int) -> int:
    """Into shares of what size, up to `most`, a total is cut for the thread with the most of it to have the least.
    A share costs, besides what is in it, as much as an eighth of the largest: its filters come from far."""
    def longest(size: int) -> float:
        shares = ceil(ceil(total / size) / threads)
        return min(total, shares * size) + shares * most / 8

    return min(range(min(total, max(most, 1)), 0, -1), key=longest)


@dataclass(frozen=True)
class Bands:
    """What a task works on: a band of `rows` of an image, or several images, whose pixels may be one `run`."""

    axes: tuple[Axis, Axis]
    depth: int  # channels of a pixel; if `joined`, of all taps of a row of its window
    joined: bool
    images: int
    rows: int

    @staticmethod
    def choose(p: Windows, threads: int) -> Bands:
        _, rows, cols = p.axes
        joined = cols.tap_step == cols.dilation == 1 < cols.taps and (
            ceil(p.channels * cols.taps / CHUNK) <= JOINED * cols.taps * ceil(p.channels / CHUNK))
        depth = p.channels
        if joined:
            depth, cols = depth * cols.taps, Axis(cols.count, cols.count, cols.count, 1, 1, 1, 0)
        whole = Bands((rows, cols), depth, joined, 1, rows.count)
        if whole.part_bytes * PARTS <= BAND_BYTES:
            return replace(whole, images=_share(p.images, BAND_BYTES // (whole.part_bytes * PARTS), threads))
        row_bytes = PARTS * _phases(rows) * _phases(cols) * whole.line * whole.pixel_bytes
        fit = max(1, BAND_BYTES // row_bytes - _lines(rows, 0))
        return replace(whole, rows=_share(rows.count, fit, threads))

    @property
    def pixel_bytes(self) -> int:
        return ceil(self.depth / CHUNK) * LINE_BYTES

    @property
    def line(self) -> int:
        """Pixels of a phase of a row."""
        return _lines(self.axes[1], self.axes[1].count)

    @property
    def lines(self) -> int:
        """Rows of a phase of an image."""
        return _lines(self.axes[0], self.rows)

    @property
    def line_step(self) -> int:
        """Pixels from row to row."""
        return _apart(self.axes[1], self.line)

    @property
    def image_lines(self) -> int:
        """Rows from image to image."""
        return _apart(self.axes[0], self.lines) if self.rows == self.axes[0].count else self.lines

    @property
    def pixels(self) -> int:
        """Of an image, that are split."""
        return _phases(self.axes[0]) * self.image_lines * _phases(self.axes[1]) * self.line_step

    @property
    def part_bytes(self) -> int:
        return self.images * self.pixels * self.pixel_bytes

    @property
    def nbytes(self) -> int:
        """Of all parts, with the zeros after the last image, and pixels beyond them that meet no output."""
        after = (self.lines - self.image_lines) * self.line_step + self.line - self.line_step + 2 * STRIP
        return PARTS * self.part_bytes + after * LINE_BYTES

    @property
    def chunks(self) -> int:
        """Of 32 k in all taps."""
        return self.axes[0].taps * self.axes[1].taps * ceil(self.depth / CHUNK)

    def count(self, p: Windows) -> int:
        return ceil(p.images / self.images) * ceil(p.axes[1].count / self.rows)

    @property
    def run_images(self) -> int:
        """How many images' pixels are one row: all of a band's, or each by itself, where that takes fewer tiles."""
        return self.images if self._tiles(self.images) < self.images * self._tiles(1) else 1

    def late(self, p: Windows) -> bool:
        """Whether the outputs of some pixels are finished while the next ones are multiplied: each pixel of a run must
        have them, one after the other, and more of them than they are sums of, or it gains nothing."""
        _, rows, cols = p.axes
        return (p.filters > p.channels * p.taps and rows.step == cols.step == 1
                and self.line_step == cols.count == cols.total
                and (self.run_images == 1 or self.image_lines == rows.count == rows.total))

    def _tiles(self, images: int) -> int:
        """Of 16 pixels, two by two, of a run."""
        run = ((images - 1) * self.image_lines + self.rows - 1) * self.line_step + self.axes[1].count
        return 2 * ceil(run / STRIP / 2)

    def tiles(self, p: Windows) -> int:
        """In all bands."""
        return self.count(p) * ceil(self.images / self.run_images) * self._tiles(self.run_images)


def pays(p: Windows) -> bool:
    """Whether the matrix unit is the faster one for a convolution."""
    if not isa().matrix_unit or p.dtype != "f32" or p.groups > 1 or p.volume or not p.taps:
        return False
    if p.filters < LEAST_FILTERS:
        return False
    bands = Bands.choose(p, 1)
    strips, copied = whole_tiles(p.filters), bands.count(p) * bands.images * bands.pixels
    tiles = bands.tiles(p) * strips * (bands.chunks * TILE_CYCLES + STORE_CYCLES)
    packing = (copied * bands.pixel_bytes // 2 + p.filters * p.channels * p.taps) * PACK_CYCLES
    return tiles + packing + CALL_CYCLES < p.flops / 2 * VECTOR_CYCLES


def lower(x: Any, w: Any, y: Any, p: Windows, pack_source: str, pack_dims: tuple[int, ...], epilogue: Epilogue | None,
          name: str, threads: int = 2) -> list[KernelCall]:
    """The calls of a convolution for which it `pays`.

    `pack_dims` are those of conv_pack.py but for what the filters become: what precedes their depth, and what follows.
    """
    _, rows, cols = p.axes
    bands = Bands.choose(p, threads)
    count, strips, late = bands.count(p), ceil(p.filters / STRIP), bands.late(p)
    # threads that find no band of their own share one, each with some of the filters
    parts = 1 if count >= threads else min(ceil(threads / count), ceil(strips / 2))
    part_strips = 2 * ceil(ceil(strips / parts) / 2)
    parts = ceil(strips / part_strips)
    strip = strip_bytes(bands.chunks * CHUNK)
    # filters that meet the same pixels; the rows of their outputs are an odd number of cache lines apart
    group = min(part_strips, 2 * max(1, KEPT_BYTES // (2 * strip)))
    pitch = (group + 1) * LINE_BYTES
    row_floats = cols.span * p.channels if bands.joined else 0
    table = bands.axes[0].taps * bands.axes[1].taps * 8
    lane = Scratch(aligned(EDGE_BYTES + HEAD_BYTES + LATE_BYTES) + aligned(table) + aligned(row_floats * 4)
                   + (1 + late) * 2 * STRIP * pitch + bands.nbytes, per_lane=True)
    packed = Scratch(whole_tiles(p.filters) * strip)
    if bands.joined:
        # the taps of a row of the window, which follow each other in w too, are one of more channels
        pack_dims = (*pack_dims[:3], bands.depth, *pack_dims[4:-2], 1, 1)
    pack = KernelCall(f"{name}.pack", pack_source, (w, packed), (1, strip, *pack_dims), strips,
                      nbytes=2 * packed.nbytes, writes=(1,), prepares=True)
    sides = bands.axes
    dims: tuple[int, ...] = (
        rows.size, cols.size, rows.count, cols.count, p.channels, p.filters, rows.stride, sides[1].stride,
        rows.dilation, cols.dilation, rows.taps, sides[1].taps, rows.pad, cols.pad, _period(rows), _period(sides[1]),
        _phases(rows), _phases(sides[1]), rows.total * cols.total, rows.step * cols.total, cols.step,
        rows.first * cols.total + cols.first, p.images, bands.images, bands.run_images, bands.rows,
        ceil(rows.count / bands.rows), count, bands.line, bands.lines, bands.line_step, bands.image_lines, row_floats,
        cols.stride * p.channels, bands.depth, strips, part_strips, strip, group, pitch, lane.apart)
    buffers: tuple[Any, ...] = (x, packed, y, lane)
    text = source(min(2, strips), bands.joined, late, epilogue)
    row = KernelCall(name, text, buffers, dims, parts * count, p.flops, p.nbytes, writes=(2, 3), grain=parts * count)
    return [pack, with_epilogue(row, epilogue)]


FINISH_LATER = """\
pixel = first_pixel + base * image_step + first_row * row_step + top
c = tiles - (pixel * filters + first_filter) * 4
later(late, min(32, run - top), pixel, first_filter, last_filter, c, pitch - filters * 4)
tiles, others = others, tiles""".splitlines()


def _finish(apply: Sequence[str]) -> list[str]:
    """Lines that go over some pixels of a run, and process those for which there is an output."""
    return f"""\
image = top // (image_lines * line_step)
row = top // line_step - image * image_lines
col = top % line_step
for item in range(min(32, run - top)):
    if col < columns and row < count:
        pixel = first_pixel + (base + image) * image_step + (first_row + row) * row_step + col * pixel_step
        c = tiles + item * pitch - (pixel * filters + first_filter) * 4
{indent(apply, 2)}
    col += 1
    if col == line_step:
        col = 0
        row += 1
        if row == image_lines:
            row = 0
            image += 1""".splitlines()


def _zeros(count: str) -> list[str]:
    """Lines that write the parts of so many pixels that are zeros."""
    return ["for chunk in range(3 * chunks):", f"    for item in range({count} * 16):",
            "        store_f32(to + chunk * chunk_bytes, item, f32(0), -1)"]


# lines that split the pixels of a phase of a row that is there, between zeros
SPLIT = f"""\
v = phase_w * dilation_w % stride_w - pad_w
left = min(max((stride_w - 1 - v) // stride_w, 0), line)
inside = min(max((width - v + stride_w - 1) // stride_w, left), line) - left
start = ((image * height + row_in) * width + left * stride_w + v) * channels
{indent(_zeros("left"), 0)}
to += left * 64
split(inputs + start * 4, head, to, part_bytes, chunk_bytes, inside, depth, apart)
to += inside * 64
{indent(_zeros("(line - left - inside)"), 0)}""".splitlines()
# those that copy a row between zeros first, for the taps of a window to be channels
SPLIT_JOINED = """\
begin_row = max(-pad_w, 0)
before = min(max(pad_w, 0) * channels, row_floats)
there = min(max(width - begin_row, 0) * channels, row_floats - before)
start = ((image * height + row_in) * width + begin_row) * channels
for item in range(before):
    store_f32(row_lines, item, f32(0), 1)
for item in range(there):
    store_f32(row_lines, before + item, load_f32(inputs, start + item, 0), 1)
for item in range(row_floats - before - there):
    store_f32(row_lines, before + there + item, f32(0), 1)
split(row_lines, head, to, part_bytes, chunk_bytes, line, depth, apart)""".splitlines()


def source(columns: int, joined: bool, late: bool, epilogue: Epilogue | None) -> str:
    """Source of a convolution by bands, in tiles of so many strips of filters; a task is a band, for some filters.

    Of each 32 pixels, what has been summed is finished at once or, `late`, while the next ones are multiplied.
    """
    imports = {"compiled", "word", "load_f32", "store_f32", "store_i64", "load_i64", "f32"}
    row, column, stop = ("row", "column", "end") if late else ("pixel", "first_filter", "last_filter")
    setup = ["filters = word(dims, 5)"] * late
    apply = [f"at = ({row} * filters + {column}) * 4", f"put(c + at, outputs + at, {stop} - {column})"]
    if epilogue is not None:
        imports |= epilogue.imports
        setup = epilogue.setup(4, len(DIMS))
        apply = epilogue.apply(row, column, stop, "c", "outputs")
    functions, finish, rest = [], _finish(apply), []
    if late:
        functions = ["longest_vectors = full_vectors()", *finishing(["outputs = word(buffers, 2)", *setup], apply)]
        setup, finish, rest = starting(), FINISH_LATER, ["finish_all(late)"]
    return f'''"""Convolution on the matrix unit, bands of images by two strips of filters."""
from {NATIVE}.matrix_unit import close_unit, {'full_vectors, ' * late}multiply_tiles, open_unit
from {NATIVE}.split import split_pixels
from {NATIVE}.prelude import {", ".join(sorted(imports))}
from {NATIVE}.tiles import put_row

ready, leave, split, put = open_unit(), close_unit(), split_pixels(), put_row()
multiply = multiply_tiles(2, {columns}, True, None, {late})
{indent(functions, 0)}

@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "packed", "outputs", "edge"]), 1)}
{indent(words("dims", DIMS), 1)}
    edge += lane * lane_bytes
    late = edge + {EDGE_BYTES}
    head = late + {LATE_BYTES}
    table = head + 64
    row_lines = table + (taps_h * taps_w * 8 + 63) // 64 * 64
    tiles = row_lines + (row_floats * 4 + 63) // 64 * 64
    others = tiles + 32 * pitch
    planes = others + {32 * late} * pitch
{indent(setup, 1)}
    chunks = (depth + 31) // 32
    plane_bytes = band_images * image_lines * line_step * 64
    chunk_bytes = phases_h * phases_w * plane_bytes
    part_bytes = chunks * chunk_bytes
    for i in range(taps_h):
        for j in range(taps_w):
            plane = i % period_h * phases_w + j % period_w
            near = i * dilation_h // stride_h * line_step + j * dilation_w // stride_w
            store_i64(table, i * taps_w + j, plane * plane_bytes + near * 64, -1)
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
                for phase_h in range(phases_h):
                    for level in range(lines):
                        row_in = (first_row + level) * stride_h + phase_h * dilation_h % stride_h - pad_h
                        for phase_w in range(phases_w):
                            to = planes + (phase_h * phases_w + phase_w) * plane_bytes
                            to += ((image - first_image) * image_lines + level) * line_step * 64
                            if row_in < 0 or row_in >= height:
{indent(_zeros("line"), 8)}
                            else:
{indent(SPLIT_JOINED if joined else SPLIT, 8)}
        for first in range(first_strip, last_strip, group_strips):
            last = min(first + group_strips, last_strip)
            first_filter = first * 16
            last_filter = min(last * 16, filters)
            for base in range(first_image, last_image, run_images):
                corner = planes + (base - first_image) * image_lines * line_step * 64
                run = ((min(run_images, last_image - base) - 1) * image_lines + count - 1) * line_step + columns
                for top in range(0, run, 32):
                    for strip in range(first, last, 2):
                        b = packed + strip * strip_bytes + 64
                        infinite = load_i64(head, 0, -1) + load_i64(b - 64, 0, -1)
                        if strip + 1 < strips:
                            infinite += load_i64(b - 64 + strip_bytes, 0, -1)
                        multiply(corner + top * 64, 64, part_bytes, 1024, chunk_bytes, table, b,
                                 strip_bytes, taps_h * taps_w, chunks, tiles + (strip - first) * 64, pitch,
                                 0, 32, 32, edge, infinite{', finish, late' * late})
{indent(finish, 5)}
{indent(rest, 1)}
    leave()
'''
