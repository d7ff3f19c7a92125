"""Depthwise convolution and its gradients: each channel by itself, vectors of channels side by side.

Nothing is packed or padded. Where a channel is filtered more than once, tiles that roll down over the rows read it for
all its filters, and for others it is repeated first.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, prod
from typing import Any

from ..native.processor import ELEMENT_BYTES, isa, lanes, second_level
from .conv_common import FAR_BYTES, Axis, aligned, backward_axes, forward_axes, sum_source
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words

# the rows that all channels, or all taps of a gradient, go over before the next ones: they stay in a second-level cache
BLOCK_BYTES = 256 * 1024
# pixels of a tile, and its multiplications, which are unrolled, by a row of the window and by all of it
MAX_PIXELS, UNROLLED, ROLLING_UNROLLED = 14, 128, 200
# so many rows of outputs that meet in an input are worth registers, if only for so few pixels of each, where as many
# rows of an image as the next stay in a second-level cache
ROLLING_DEPTH, ROLLING_PIXELS, ROLLING_ROWS = 5, 4, 4
# partial gradients of the filters, for as many threads: at most, and where an image has rows for more
PARTS, FEW_PARTS = 32, 8

DIMS = ["height", "width", "rows", "columns", "channels", "stride_h", "dilation_h", "taps_h", "pad_h", "pad_w",
        "tap_first", "tap_row", "tap_step", "image_step", "row_step", "pixel_step", "start", "block", "sources"]


@dataclass(frozen=True)
class Vectors:
    """Of outputs: those of so many channels of the inputs, or some of those of one, each so many `times`."""

    channels: int
    times: int

    @staticmethod
    def choose(dtype: str, multiplier: int) -> Vectors:
        times = min(multiplier, lanes(dtype))
        return Vectors(lanes(dtype) // times, times)

    @property
    def width(self) -> int:
        return self.channels * self.times

    def loops(self) -> list[str]:
        """Lines that go over vectors, from channel `source` of the inputs and the `first` of `count` of the outputs."""
        return f"""\
for source in range(0, sources, {self.channels}):
    past = min(source + {self.channels}, sources) * (channels // sources)
    for first in range(source * (channels // sources), past, {self.width}):
        count = min({self.width}, past - first)""".splitlines()


def lower_depthwise(x: Any, w: Any, y: Any, *, dtype: str, x_shape: Sequence[int], w_shape: Sequence[int],
                    strides: Sequence[int], dilations: Sequence[int], padding: Sequence[Sequence[int]],
                    epilogue: Epilogue | None = None) -> list[KernelCall]:
    """y[n, oh, ow, c*multiplier + q] = x[n, h, w, c] convolved with w[kh, kw, c, q].

    `padding` is ((top, bottom), (left, right)).
    """
    rows, cols = forward_axes(x_shape[1:3], w_shape[:2], strides, dilations, padding)
    return _windows(x, w, y, dtype, x_shape[0], w_shape, w_shape[3], rows, cols, epilogue, "depthwise")


def lower_depthwise_input_grad(dy: Any, w: Any, dx: Any, *, dtype: str, x_shape: Sequence[int], w_shape: Sequence[int],
                               strides: Sequence[int], dilations: Sequence[int], padding: Sequence[Sequence[int]],
                               epilogue: Epilogue | None = None) -> list[KernelCall]:
    """dx[n, h, w, c] of dy[n, oh, ow, c*multiplier + q]: a convolution by the filters turned round, for each phase of
    the strides."""
    phases = (backward_axes(*axis) for axis in zip(x_shape[1:3], w_shape[:2], strides, dilations, padding, strict=True))
    size, multiplier, last = prod(x_shape), w_shape[3], epilogue
    target = dx
    if multiplier > 1:
        target, last = Scratch(aligned(size * multiplier * ELEMENT_BYTES[dtype])), None
    calls = [replace(call, phase=True) for rows, cols in product(*phases)
             for call in _windows(dy, w, target, dtype, x_shape[0], w_shape, 1, rows, cols, last,
                                  "depthwise_input_grad")]
    if multiplier > 1 and size:
        total = KernelCall("depthwise_input_grad.sum", sum_runs_source(dtype, multiplier, epilogue), (target, dx),
                           (x_shape[3],), size // x_shape[3], size * multiplier, target.nbytes, writes=(1,))
        calls.append(replace(with_epilogue(total, epilogue), phase=True))
    return calls


def _repeated(x: Any, dtype: str, count: int, times: int, rolling: int) -> tuple[Any, int, list[KernelCall]]:
    """(what to read for x, how many times each element of that, the calls that make it)."""
    if times == 1 or rolling or not count:
        return x, times, []
    repeated = Scratch(aligned(count * times * ELEMENT_BYTES[dtype]))
    return repeated, 1, [KernelCall("depthwise.repeat", repeat_source(dtype, times), (x, repeated), (), count,
                                    nbytes=2 * repeated.nbytes, writes=(1,))]


def _rolling_pixels(rows: Axis, cols: Axis, row_bytes: int, kept: int) -> int:
    """The pixels of a tile that rolls down over the rows, 0 if none should: of those whose outputs and inputs
    have registers, and so many more vectors, the one whose tiles overlap least."""
    depth, reach = ceil(rows.taps / rows.stride), (cols.taps - 1) * cols.dilation + 1

    def fits(pixels: int) -> bool:
        inputs = min(pixels * cols.taps, (pixels - 1) * cols.stride + reach)
        return pixels == ROLLING_PIXELS or depth * pixels + inputs + kept <= isa().registers

    few = min(cols.count, ROLLING_PIXELS)
    if (depth > ROLLING_DEPTH or rows.dilation > 1 or not 0 < few * rows.taps * cols.taps <= ROLLING_UNROLLED
            or row_bytes * ROLLING_ROWS > second_level()):
        return 0
    wide = [n for n in range(ROLLING_PIXELS, min(cols.count, MAX_PIXELS) + 1) if fits(n)] or [few]
    return min(reversed(wide), key=lambda n: ceil(cols.count / n) * n)


def _windows(x: Any, w: Any, y: Any, dtype: str, images: int, w_shape: Sequence[int], times: int, rows: Axis,
             cols: Axis, epilogue: Epilogue | None, name: str) -> list[KernelCall]:
    """The calls of a convolution of `x`, whose channels meet so many filters each."""
    channels, size, tasks = w_shape[2] * w_shape[3], ELEMENT_BYTES[dtype], images * rows.count
    if 0 in (tasks, channels, cols.count):
        return []
    taps_h = rows.taps if cols.taps else 0
    row_bytes = (rows.stride * cols.size + cols.count) * channels * size
    rolling = _rolling_pixels(rows, cols, row_bytes, 3)
    x, times, calls = _repeated(x, dtype, images * rows.size * cols.size * (channels // times), times, rolling)
    sources, vectors = channels // times, Vectors.choose(dtype, times)
    # of equal blocks
    blocks = ceil(rows.count / max(1, (second_level() if rolling else BLOCK_BYTES) // row_bytes))
    block = ceil(rows.count / blocks)
    dims: tuple[int, ...] = (
        rows.size, cols.size, rows.count, cols.count, channels, rows.stride, rows.dilation, taps_h, rows.pad, cols.pad,
        rows.tap * w_shape[1] + cols.tap, rows.tap_step * w_shape[1], cols.tap_step, rows.total * cols.total,
        rows.step * cols.total, cols.step, rows.first * cols.total + cols.first, block, sources)
    buffers: tuple[Any, ...] = (x, w, y)
    pixels = tasks * cols.count
    nbytes = (images * rows.size * cols.size * sources + pixels * channels) * size
    if rolling:
        taps, strides = (rows.taps, cols.taps), (rows.stride, cols.stride)
        mr = rolling
        tile = f"rolling_kernel({dtype!r}, {mr}, {taps}, {strides}, {cols.dilation}, {vectors.times})"
    else:
        most = max(4, min(MAX_PIXELS, UNROLLED // max(cols.taps, 1), isa().registers - 3 - min(cols.taps, 8)))
        mr = ceil(cols.count / ceil(cols.count / most))
        tile = f"sliding_kernel({dtype!r}, {mr}, {cols.taps}, {cols.stride}, {cols.dilation})"
    source = depthwise_source(dtype, vectors, mr, cols.stride, tile, nbytes > FAR_BYTES, epilogue, len(buffers))
    row = KernelCall(name, source, buffers, dims, tasks, 2 * pixels * channels * rows.taps * cols.taps, nbytes,
                     writes=(2,), grain=block if rolling else 1)
    return [*calls, with_epilogue(row, epilogue)]


def depthwise_source(dtype: str, vectors: Vectors, mr: int, stride: int, tile: str, far: bool,
                     epilogue: Epilogue | None, buffer_slot: int) -> str:
    """Source of a depthwise convolution; a task is a row of outputs.

    A `tile` is `mr` pixels by a vector of channels, of one row or rolling down over all rows of a block; `stride` is
    that of columns. What comes from `far` is touched.
    """
    size = ELEMENT_BYTES[dtype]
    imports, setup, finish = {"compiled", "word"}, [], []
    touches = f"""\
near = max(0, top * stride_h - pad_h)
far = min(height, (bottom - 1) * stride_h - pad_h + (taps_h - 1) * dilation_h + 1)
touch(inputs + (image * height + near) * width * sources * {size}, (far - near) * width * sources * {size})
for row in range(top, bottom):
    touch(outputs + (first_pixel + row * row_step) * channels * {size},
          ((columns - 1) * pixel_step + 1) * channels * {size})""".splitlines() if far else []
    imports |= {"touch"} if far else set()
    if epilogue is not None:
        imports |= epilogue.imports
        setup = epilogue.setup(buffer_slot, len(DIMS))
        finish = ["for row in range(top, bottom):", "    for column in range(columns):",
                  "        pixel = first_pixel + row * row_step + column * pixel_step",
                  *("        " + line for line in epilogue.apply("pixel", "0", "channels", "outputs"))]
    if tile.startswith("rolling"):
        tiles = f"""\
corner = image * height * width - left
pixel = first_pixel + top * row_step + column * pixel_step
tile(inputs + (corner * sources + source) * {size}, sources, width * sources, pad_h, height, left, width,
     filters + (tap_first * channels + first) * {size}, tap_step * channels, tap_row * channels,
     outputs + (pixel * channels + first) * {size}, pixel_step * channels, row_step * channels, top, bottom,
     count)"""
    else:
        tiles = f"""\
for row in range(top, bottom):
    above = pad_h - row * stride_h
    near = min((max(0, above) + dilation_h - 1) // dilation_h, taps_h)
    far = max(near, min(taps_h, (height + above + dilation_h - 1) // dilation_h))
    corner = (image * height - above + near * dilation_h) * width - left
    pixel = first_pixel + row * row_step + column * pixel_step
    tile(inputs + (corner * sources + source) * {size}, sources, dilation_h * width * sources, far - near, left,
         width, filters + ((tap_first + near * tap_row) * channels + first) * {size}, tap_step * channels,
         tap_row * channels, outputs + (pixel * channels + first) * {size}, pixel_step * channels, count)"""
    return f'''"""Depthwise convolution, tiles of {mr} pixels by {vectors.width} channels."""
from {NATIVE}.prelude import {", ".join(sorted(imports))}
from {NATIVE}.sliding import {tile.partition("(")[0]}

tile = {tile}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "filters", "outputs"]), 1)}
{indent(words("dims", DIMS), 1)}
{indent(setup, 1)}
    task = begin
    while task < end:
        image = task // rows
        top = task - image * rows
        bottom = min(top + block, top + end - task, rows)
        task += bottom - top
        first_pixel = start + image * image_step
{indent(touches, 2)}
{indent(vectors.loops(), 2)}
                for item in range((columns + {mr - 1}) // {mr}):
                    column = min(item * {mr}, columns - {mr})
                    left = pad_w - column * {stride}
{indent(tiles.splitlines(), 5)}
{indent(finish, 2)}
'''


# the gradient of the filters


def lower_depthwise_filter_grad(x: Any, dy: Any, dw: Any, *, dtype: str, x_shape: Sequence[int],
                                w_shape: Sequence[int], strides: Sequence[int], dilations: Sequence[int],
                                padding: Sequence[Sequence[int]]) -> list[KernelCall]:
    """dw[kh, kw, c, q] of x[n, h, w, c] and dy[n, oh, ow, c*multiplier + q], with `lower_depthwise`'s arguments."""
    rows, cols = forward_axes(x_shape[1:3], w_shape[:2], strides, dilations, padding)
    channels, size = w_shape[2] * w_shape[3], ELEMENT_BYTES[dtype]
    total = rows.taps * cols.taps * channels
    if not total:
        return []
    row_bytes = (rows.stride * cols.size + cols.count) * channels * size
    rolling = _rolling_pixels(rows, cols, row_bytes, rows.taps * cols.taps + 1) if cols.count else 0
    x, times, calls = _repeated(x, dtype, prod(x_shape), w_shape[3], rolling)
    sources, vectors = channels // times, Vectors.choose(dtype, times)
    # a block lies in one image; threads need some
    fit = max(1, (second_level() if rolling else BLOCK_BYTES) // max(row_bytes, 1))
    per_image = max(ceil(rows.count / fit), min(FEW_PARTS // max(x_shape[0], 1), rows.count // ROLLING_ROWS))
    block = max(1, ceil(rows.count / max(per_image, 1)))
    per_image = ceil(rows.count / block) if cols.count else 0
    blocks = x_shape[0] * per_image
    parts = max(1, min(PARTS, blocks))
    partials = Scratch(aligned(parts * total * size))
    pixels = x_shape[0] * rows.count * cols.count
    nbytes = (x_shape[0] * rows.size * cols.size * sources + pixels * channels) * size
    if rolling:
        taps, strides = (rows.taps, cols.taps), (rows.stride, cols.stride)
        mr = rolling
        tile = f"rolling_gradient({dtype!r}, {mr}, {taps}, {strides}, {cols.dilation}, {vectors.times})"
    else:
        most = max(2, min(MAX_PIXELS, UNROLLED // cols.taps, isa().registers - 2 - cols.taps))
        mr = max(1, ceil(cols.count / max(1, ceil(cols.count / most))))
        tile = f"sliding_gradient({dtype!r}, {mr}, {cols.taps}, {cols.stride}, {cols.dilation})"
    dims = (block, rows.size, cols.size, rows.count, cols.count, channels, rows.stride, rows.dilation, rows.taps,
            cols.taps, rows.pad, cols.pad, per_image, blocks, parts, sources)
    source = filter_grad_source(dtype, vectors, mr, cols.stride, tile, nbytes > FAR_BYTES)
    return [*calls,
            KernelCall("depthwise_filter_grad", source, (x, dy, partials), dims, parts,
                       2 * pixels * rows.taps * cols.taps * channels, nbytes, writes=(2,)),
            KernelCall("depthwise_filter_grad.combine", sum_source(dtype), (partials, dw), (parts, total), total,
                       nbytes=parts * total * size, writes=(1,))]


def filter_grad_source(dtype: str, vectors: Vectors, mr: int, stride: int, tile: str, far: bool) -> str:
    """Source of partial sums; a task is one part of the blocks of rows. A `tile` is as for `depthwise_source`, of up to
    `mr` pixels. What comes from `far` is touched."""
    size = ELEMENT_BYTES[dtype]
    imports = ["compiled", dtype, f"store_{dtype}", *["touch"] * far, "word"]
    touches = f"""\
first_in = max(0, top * stride_h - pad_h)
last_in = min(height, (bottom - 1) * stride_h - pad_h + (taps_h - 1) * dilation_h + 1)
touch(inputs + (image * height + first_in) * width * sources * {size},
      (last_in - first_in) * width * sources * {size})
touch(grads + (image * rows + top) * columns * channels * {size}, (bottom - top) * columns * channels * {size})
""".splitlines() if far else []
    if tile.startswith("rolling"):
        tiles = f"""\
corner = (image * height * width - left) * sources + source
tile(inputs + corner * {size}, sources, width * sources, pad_h, height, left, width,
     grads + (((image * rows + top) * columns + column) * channels + first) * {size}, channels, columns * channels,
     columns - column, partial + first * {size}, channels, top, bottom, count)"""
    else:
        # the rows of outputs that a row of taps meets in the image
        tiles = f"""\
for tap_h in range(taps_h):
    above = pad_h - tap_h * dilation_h
    near = max(top, min(bottom, (max(0, above) + stride_h - 1) // stride_h))
    far = max(near, min(bottom, (height + above + stride_h - 1) // stride_h))
    corner = ((image * height + near * stride_h - above) * width - left) * sources + source
    tile(inputs + corner * {size}, sources, stride_h * width * sources, far - near, left, width,
         grads + (((image * rows + near) * columns + column) * channels + first) * {size}, channels,
         columns * channels, columns - column, partial + (tap_h * taps_w * channels + first) * {size}, channels,
         count)"""
    return f'''"""Gradient of a depthwise convolution's filters."""
from {NATIVE}.prelude import {", ".join(imports)}
from {NATIVE}.sliding import {tile.partition("(")[0]}

tile = {tile}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "grads", "partials"]), 1)}
{indent(words("dims", ["block", *DIMS[:6], "dilation_h", "taps_h", "taps_w", "pad_h", "pad_w", "per_image", "blocks",
                       "parts", "sources"]), 1)}
    total = taps_h * taps_w * channels
    for task in range(begin, end):
        partial = partials + task * total * {size}
        for i in range(total):
            store_{dtype}(partial, i, {dtype}(0.0), 2)
        for number in range(task * blocks // parts, (task + 1) * blocks // parts):
            image = number // per_image
            top = (number - image * per_image) * block
            bottom = min(rows, top + block)
{indent(touches, 3)}
{indent(vectors.loops(), 3)}
                    for column in range(0, columns, {mr}):
                        left = pad_w - column * {stride}
{indent(tiles.splitlines(), 6)}
'''


def repeat_source(dtype: str, times: int) -> str:
    """Source that writes each element so many times; a task is an element."""
    return f'''"""Repeats elements."""
from {NATIVE}.prelude import compiled, load_{dtype}, store_{dtype}, word


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["x", "repeated"]), 1)}
    for i in range(begin, end):
        value = load_{dtype}(x, i, 0)
        for j in range({times}):
            store_{dtype}(repeated, i * {times} + j, value, 1)
'''


def sum_runs_source(dtype: str, times: int, epilogue: Epilogue | None) -> str:
    """Source that sums runs of so many elements; a task is a pixel of the sums."""
    imports = {"compiled", f"load_{dtype}", f"store_{dtype}", "word"} | (epilogue.imports if epilogue else set())
    setup = epilogue.setup(2, 1) if epilogue else []
    finish = epilogue.apply("pixel", "0", "channels", "sums") if epilogue else []
    return f'''"""Sums runs of elements."""
from {NATIVE}.prelude import {", ".join(sorted(imports))}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["parts", "sums"]), 1)}
{indent(words("dims", ["channels"]), 1)}
{indent(setup, 1)}
    for pixel in range(begin, end):
        for i in range(pixel * channels, pixel * channels + channels):
            total = load_{dtype}(parts, i * {times}, 0)
            for j in range(1, {times}):
                total += load_{dtype}(parts, i * {times} + j, 0)
            store_{dtype}(sums, i, total, 1)
{indent(finish, 2)}
'''
