"""Depthwise convolution and its gradients: each channel by itself, vectors of channels side by side.

Nothing is packed or padded. Where a channel is filtered more than once, it is repeated first.
"""
from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import ceil, prod
from typing import Any

from ..native.processor import ELEMENT_BYTES, isa, lanes
from .conv_common import FAR_BYTES, Axis, aligned, backward_axes, forward_axes, sum_source
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words

# the rows that all channels, or all taps of a gradient, go over before the next ones: they stay in a second-level cache
BLOCK_BYTES = 256 * 1024
# pixels of a tile, and its multiplications, which are unrolled
MAX_PIXELS, UNROLLED = 14, 128
# partial gradients of the filters, for as many threads
PARTS = 32
# the taps of a window's row from which its gradient's sums do not wait for one another
SLIDING_TAPS = 4

DIMS = ["height", "width", "rows", "columns", "channels", "stride_h", "dilation_h", "taps_h", "pad_h", "pad_w",
        "tap_first", "tap_row", "tap_step", "image_step", "row_step", "pixel_step", "start", "block"]


def lower_depthwise(x: Any, w: Any, y: Any, *, dtype: str, x_shape: Sequence[int], w_shape: Sequence[int],
                    strides: Sequence[int], dilations: Sequence[int], padding: Sequence[Sequence[int]],
                    epilogue: Epilogue | None = None) -> list[KernelCall]:
    """y[n, oh, ow, c*multiplier + q] = x[n, h, w, c] convolved with w[kh, kw, c, q].

    `padding` is ((top, bottom), (left, right)).
    """
    rows, cols = forward_axes(x_shape[1:3], w_shape[:2], strides, dilations, padding)
    x, calls = _repeated(x, dtype, prod(x_shape), w_shape[3])
    return calls + _windows(x, w, y, dtype, x_shape[0], w_shape, rows, cols, epilogue, "depthwise")


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
    calls = [call for rows, cols in product(*phases)
             for call in _windows(dy, w, target, dtype, x_shape[0], w_shape, rows, cols, last, "depthwise_input_grad")]
    if multiplier > 1 and size:
        total = KernelCall("depthwise_input_grad.sum", sum_runs_source(dtype, epilogue), (target, dx),
                           (x_shape[3], multiplier), size // x_shape[3], size * multiplier, target.nbytes, writes=(1,))
        calls.append(with_epilogue(total, epilogue))
    return calls


def _repeated(x: Any, dtype: str, count: int, times: int) -> tuple[Any, list[KernelCall]]:
    """(x with each element so many times, the calls that make it)."""
    if times == 1 or not count:
        return x, []
    repeated = Scratch(aligned(count * times * ELEMENT_BYTES[dtype]))
    return repeated, [KernelCall("depthwise.repeat", repeat_source(dtype), (x, repeated), (times,), count,
                                 nbytes=2 * repeated.nbytes, writes=(1,))]


def _inner(axis: Axis) -> tuple[int, int]:
    """The outputs [begin, end) whose windows lie inside."""
    reach = (axis.taps - 1) * axis.dilation
    begin = min(axis.count, max(0, ceil(axis.pad / axis.stride)))
    end = min(axis.count, (axis.size - 1 - reach + axis.pad) // axis.stride + 1)
    return (begin, end) if begin < end else (0, 0)


def _panels(dtype: str, channels: int, rows: int) -> tuple[int, int, int]:
    """(vectors of a panel, complete panels, vectors of the last one if it is not) beside `rows` rows of a tile."""
    vectors, room = ceil(channels / lanes(dtype)), (isa().registers - 2) // (rows + 1)
    most = max(1, min(4, room, vectors))
    nv = min(range(most, 0, -1), key=lambda n: ceil(vectors / n))
    full, rest = divmod(channels, nv * lanes(dtype))
    return nv, full, ceil(rest / lanes(dtype))


def _windows(x: Any, w: Any, y: Any, dtype: str, images: int, w_shape: Sequence[int], rows: Axis, cols: Axis,
             epilogue: Epilogue | None, name: str) -> list[KernelCall]:
    channels, size, tasks = w_shape[2] * w_shape[3], ELEMENT_BYTES[dtype], images * rows.count
    if 0 in (tasks, channels, cols.count):
        return []
    taps_h = rows.taps if cols.taps else 0
    most = max(4, min(MAX_PIXELS, UNROLLED // max(cols.taps, 1), isa().registers - 3 - min(cols.taps, 8)))
    mr = ceil(cols.count / ceil(cols.count / most))
    block = max(1, min(rows.count, BLOCK_BYTES // ((rows.stride * cols.size + cols.count) * channels * size)))
    dims: tuple[int, ...] = (
        rows.size, cols.size, rows.count, cols.count, channels, rows.stride, rows.dilation, taps_h, rows.pad, cols.pad,
        rows.tap * w_shape[1] + cols.tap, rows.tap_step * w_shape[1], cols.tap_step, rows.total * cols.total,
        rows.step * cols.total, cols.step, rows.first * cols.total + cols.first, block)
    buffers: tuple[Any, ...] = (x, w, y)
    pixels = tasks * cols.count
    nbytes = (images * rows.size * cols.size + pixels) * channels * size
    source = depthwise_source(dtype, mr, cols.taps, cols.stride, cols.dilation, nbytes > FAR_BYTES, epilogue,
                              len(buffers))
    row = KernelCall(name, source, buffers, dims, tasks, 2 * pixels * channels * rows.taps * cols.taps, nbytes,
                     writes=(2,))
    return [with_epilogue(row, epilogue)]


def depthwise_source(dtype: str, mr: int, taps: int, stride: int, dilation: int, far: bool, epilogue: Epilogue | None,
                     buffer_slot: int) -> str:
    """Source of a depthwise convolution; a task is a row of outputs.

    Tiles are `mr` pixels by a vector of channels; `taps` is the width of the window. What comes from `far` is touched.
    """
    size, wide = ELEMENT_BYTES[dtype], lanes(dtype)
    imports, setup, finish = {"compiled", "word"}, [], []
    touches = f"""\
near = max(0, top * stride_h - pad_h)
far = min(height, (bottom - 1) * stride_h - pad_h + (taps_h - 1) * dilation_h + 1)
touch(inputs + (image * height + near) * width * channels * {size}, (far - near) * width * channels * {size})
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
    return f'''"""Depthwise convolution, tiles of {mr} pixels by {wide} channels."""
from {NATIVE}.prelude import {", ".join(sorted(imports))}
from {NATIVE}.sliding import sliding_kernel

tile = sliding_kernel({dtype!r}, {mr}, {taps}, {stride}, {dilation})


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
        for item in range((columns + {mr - 1}) // {mr}):
            column = min(item * {mr}, columns - {mr})
            left = pad_w - column * {stride}
            for first in range(0, channels, {wide}):
                for row in range(top, bottom):
                    above = pad_h - row * stride_h
                    near = min((max(0, above) + dilation_h - 1) // dilation_h, taps_h)
                    far = max(near, min(taps_h, (height + above + dilation_h - 1) // dilation_h))
                    corner = (image * height - above + near * dilation_h) * width - left
                    pixel = first_pixel + row * row_step + column * pixel_step
                    tile(inputs + (corner * channels + first) * {size}, channels, dilation_h * width * channels,
                         far - near, left, width,
                         filters + ((tap_first + near * tap_row) * channels + first) * {size}, tap_step * channels,
                         tap_row * channels, outputs + (pixel * channels + first) * {size}, pixel_step * channels,
                         channels - first)
{indent(finish, 2)}
'''


# the gradient of the filters


def lower_depthwise_filter_grad(x: Any, dy: Any, dw: Any, *, dtype: str, x_shape: Sequence[int],
                                w_shape: Sequence[int], strides: Sequence[int], dilations: Sequence[int],
                                padding: Sequence[Sequence[int]]) -> list[KernelCall]:
    """dw[kh, kw, c, q] of x[n, h, w, c] and dy[n, oh, ow, c*multiplier + q], with `lower_depthwise`'s arguments."""
    rows, cols = forward_axes(x_shape[1:3], w_shape[:2], strides, dilations, padding)
    channels, size = w_shape[2] * w_shape[3], ELEMENT_BYTES[dtype]
    x, calls = _repeated(x, dtype, prod(x_shape), w_shape[3])
    total = rows.taps * cols.taps * channels
    if not total:
        return []
    row_bytes = (rows.stride * cols.size + cols.count) * channels * size
    # a block lies in one image
    block = max(1, min(rows.count, BLOCK_BYTES // max(row_bytes, 1)))
    per_image = ceil(rows.count / block) if cols.count else 0
    blocks = x_shape[0] * per_image
    parts = max(1, min(PARTS, blocks))
    partials = Scratch(aligned(parts * total * size))
    pixels = x_shape[0] * rows.count * cols.count
    nbytes = (x_shape[0] * rows.size * cols.size + pixels) * channels * size
    tiles = _sliding_tiles if cols.taps >= SLIDING_TAPS else _tap_tiles
    names, values, heads, bodies = tiles(dtype, channels, cols)
    dims = (block, rows.size, cols.size, rows.count, cols.count, channels, rows.stride, rows.dilation, rows.taps,
            cols.taps, rows.pad, cols.pad, per_image, blocks, parts, *values)
    return [*calls,
            KernelCall("depthwise_filter_grad", filter_grad_source(dtype, names, heads, bodies, nbytes > FAR_BYTES),
                       (x, dy, partials), dims, parts, 2 * pixels * rows.taps * cols.taps * channels, nbytes,
                       writes=(2,)),
            KernelCall("depthwise_filter_grad.combine", sum_source(dtype), (partials, dw), (parts, total), total,
                       nbytes=parts * total * size, writes=(1,))]


def filter_grad_source(dtype: str, names: Sequence[str], heads: Sequence[str], bodies: Sequence[str], far: bool) -> str:
    """Source of partial sums; a task is one part of the blocks of rows. The tiles' `bodies` go over the rows from `top`
    to `bottom` of an image. What comes from `far` is touched."""
    size = ELEMENT_BYTES[dtype]
    imports = ["compiled", dtype, f"store_{dtype}", *["touch"] * far, "word"]
    touches = f"""\
first_in = max(0, top * stride_h - pad_h)
last_in = min(height, (bottom - 1) * stride_h - pad_h + (taps_h - 1) * dilation_h + 1)
touch(inputs + (image * height + first_in) * width * channels * {size},
      (last_in - first_in) * width * channels * {size})
touch(grads + (image * rows + top) * columns * channels * {size}, (bottom - top) * columns * channels * {size})
""".splitlines() if far else []
    newline = "\n"
    return f'''"""Gradient of a depthwise convolution's filters."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import {", ".join(imports)}
from {NATIVE}.sliding import sliding_gradient

{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "grads", "partials"]), 1)}
{indent(words("dims", ["block", *DIMS[:6], "dilation_h", "taps_h", "taps_w", "pad_h", "pad_w", "per_image", "blocks",
                       "parts", *names]), 1)}
    total = taps_h * taps_w * channels
    for task in range(begin, end):
        partial = partials + task * total * {size}
        for i in range(total):
            store_{dtype}(partial, i, {dtype}(0.0), 2)
        for number in range(task * blocks // parts, (task + 1) * blocks // parts):
            image = number // per_image
            top = (number - image * per_image) * block
            bottom = min(rows, top + block)
{indent([*touches, *bodies], 3)}
'''


# the rows of outputs that a row of taps meets in the image
MET_ROWS = """\
above = pad_h - tap_h * dilation_h
near = max(top, min(bottom, (max(0, above) + stride_h - 1) // stride_h))
far = max(near, min(bottom, (height + above + stride_h - 1) // stride_h))""".splitlines()


def _sliding_tiles(dtype: str, channels: int, cols: Axis) -> tuple[list[str], tuple[int, ...], list[str], list[str]]:
    """(names and values of sizes, kernels, lines that call them) of tiles of pixels by a vector of channels, which read
    each input once for a row of taps. They do not overlap: some of them have a pixel less."""
    size, wide = ELEMENT_BYTES[dtype], lanes(dtype)
    most = max(2, min(MAX_PIXELS, UNROLLED // cols.taps, isa().registers - 2 - cols.taps))
    tiles = max(1, ceil(cols.count / most))
    mr = max(1, ceil(cols.count / tiles))
    short = (mr * tiles - cols.count) % tiles

    def call(name: str) -> list[str]:
        return f"""\
{name}(inputs + corner * {size}, channels, stride_h * width * channels, far - near, left, width,
{" " * len(name)} grads + (((image * rows + near) * columns + column) * channels + first) * {size}, channels,
{" " * len(name)} columns * channels, partial + (tap_h * taps_w * channels + first) * {size}, channels,
{" " * len(name)} channels - first)""".splitlines()

    heads = [f"{name} = sliding_gradient({dtype!r}, {pixels}, {cols.taps}, {cols.stride}, {cols.dilation})"
             for name, pixels in (("tile", mr), ("tile_short", mr - 1))][:1 + (short > 0)]
    calls = ["if item < long_tiles:", *("    " + line for line in call("tile")), "else:",
             *("    " + line for line in call("tile_short"))] if short else call("tile")
    bodies = f"""\
for first in range(0, channels, {wide}):
    for item in range(tiles):
        column = item * {mr} - max(0, item - long_tiles)
        left = pad_w - column * {cols.stride}
        for tap_h in range(taps_h):
{indent(MET_ROWS, 3)}
            corner = ((image * height + near * stride_h - above) * width - left) * channels + first
{indent(calls, 3)}""".splitlines()
    return ["tiles", "long_tiles"], (tiles, tiles - short), heads, bodies


def _tap_tiles(dtype: str, channels: int, cols: Axis) -> tuple[list[str], tuple[int, ...], list[str], list[str]]:
    """The same of tiles of taps by vectors of channels, beside those at the edges, of one tap."""
    size = ELEMENT_BYTES[dtype]
    mr = cols.taps
    nv, panels, tail = _panels(dtype, channels, mr)
    begin, end = _inner(cols)
    wide, heads = nv * lanes(dtype), []
    bodies = ["step = stride_w * channels", "tap_step = dilation_w * channels",
              "segment = stride_h * width * channels"]
    for suffix, vectors, numbers in (("full", nv * (panels > 0), "range(panels)"),
                                     ("tail", tail, "range(panels, panels + 1)")):
        if not vectors:
            continue
        masked = suffix == "tail"
        columns = f", channels - panel * {wide}" if masked else ""
        heads.append(f"inner_{suffix} = microkernel({dtype!r}, {mr}, {vectors}, masked={masked}, channelwise=True)")
        bodies += f'''\
for panel in {numbers}:
    for tap_h in range(taps_h):
{indent(MET_ROWS, 2)}
        a = inputs + (((image * height + near * stride_h - above) * width - pad_w) * channels + panel * {wide}) * {size}
        b = grads + ((image * rows + near) * columns * channels + panel * {wide}) * {size}
        c = partial + (tap_h * taps_w * channels + panel * {wide}) * {size}
        inner_{suffix}(a + inner * step * {size}, tap_step, step, segment, far - near, inner_end - inner,
                       b + inner * channels * {size}, channels, columns * channels, c, channels, 1{columns})
'''.splitlines()
        if begin > 0 or end < cols.count:
            heads.append(f"edge_{suffix} = microkernel({dtype!r}, 1, {vectors}, masked={masked}, channelwise=True)")
            bodies += f'''        for tap in range(taps_w):
            left = pad_w - tap * dilation_w
            low = max(0, (left + stride_w - 1) // stride_w)
            high = min(columns, max(0, (width + left + stride_w - 1) // stride_w))
            for side in range(2):
                first = low if side == 0 else max(low, inner_end)
                last = min(high, inner) if side == 0 else high
                edge_{suffix}(a + (first * step + tap * tap_step) * {size}, 0, step, segment, far - near,
                              last - first if last > first else 0, b + first * channels * {size}, channels,
                              columns * channels, c + tap * channels * {size}, channels, 1{columns})
'''.splitlines()
    names = ["stride_w", "dilation_w", "inner", "inner_end", "panels"]
    return names, (cols.stride, cols.dilation, begin, end, panels), heads, bodies


def repeat_source(dtype: str) -> str:
    """Source that writes each element so many times; a task is an element."""
    return f'''"""Repeats elements."""
from {NATIVE}.prelude import compiled, load_{dtype}, store_{dtype}, word


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["x", "repeated"]), 1)}
    times = word(dims, 0)
    for i in range(begin, end):
        value = load_{dtype}(x, i, 0)
        for j in range(times):
            store_{dtype}(repeated, i * times + j, value, 1)
'''


def sum_runs_source(dtype: str, epilogue: Epilogue | None) -> str:
    """Source that sums runs of so many elements; a task is a pixel of the sums."""
    imports = {"compiled", f"load_{dtype}", f"store_{dtype}", "word"} | (epilogue.imports if epilogue else set())
    setup = epilogue.setup(2, 2) if epilogue else []
    finish = epilogue.apply("pixel", "0", "channels", "sums") if epilogue else []
    return f'''"""Sums runs of elements."""
from {NATIVE}.prelude import {", ".join(sorted(imports))}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["parts", "sums"]), 1)}
{indent(words("dims", ["channels", "times"]), 1)}
{indent(setup, 1)}
    for pixel in range(begin, end):
        for i in range(pixel * channels, pixel * channels + channels):
            total = load_{dtype}(parts, i * times, 0)
            for j in range(1, times):
                total += load_{dtype}(parts, i * times + j, 0)
            store_{dtype}(sums, i, total, 1)
{indent(finish, 2)}
'''
