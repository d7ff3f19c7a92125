"""Convolutions of many small images or volumes, where much of the windows lies outside.

A tile's rows are the same pixel of one image after the other: they share the taps inside the image, and those outside
cost nothing. Nothing is copied. Rows of a window are the segments of a tile, or its pixels where these lie apart.
"""
from __future__ import annotations

from math import ceil, prod
from typing import Any

from ..native.processor import ELEMENT_BYTES, lanes
from .conv_common import Axis, Windows, tile_cost
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words

# of a block's pixels: what is written of them until the epilogue, for the second-level cache
OUTPUT_BYTES = 1024 * 1024
# few pixels of many images: tiles of a row of pixels are as good else
MIN_IMAGES, MAX_COLUMNS = 4, 32
# with fewer channels or elements of a window, what is written counts for more than the sums, and is written best row by
# row
MIN_CHANNELS, MIN_DEPTH = 8, 48
# the part of the sums that it must save to pay
WORTH = 0.9

EACH = ["size", "count", "stride", "dilation", "taps", "pad", "step"]
DIMS = [*(f"{name}_{axis}" for axis in "dhw" for name in EACH),
        "channels", "filters", "images", "block", "panel_size", "panels", "volume", "first_pixel", "apart",
        "segment_step", "packed_step"]


def inside(axis: Axis) -> float:
    """The part of all taps of an axis that meets the image."""
    met = sum(0 <= i * axis.stride + t * axis.dilation - axis.pad < axis.size
              for i in range(axis.count) for t in range(axis.taps))
    return met / max(axis.count * axis.taps, 1)


def by_images(p: Windows, row_cycles: float) -> tuple[int, int] | None:
    """(mr, nv) of tiles along the images, if these are many and small enough for that to be cheaper than rows of so
    many cycles."""
    cols = p.axes[2]
    if (p.groups > 1 or p.images < MIN_IMAGES or cols.count > MAX_COLUMNS or p.channels < MIN_CHANNELS
            or p.channels * p.taps < MIN_DEPTH):
        return None
    cost, mr, nv = tile_cost(p.dtype, p.images, p.filters, p.channels * p.taps, once=p.taps == 1)
    return (mr, nv) if cost * cols.count * inside(cols) < WORTH * p.images * row_cycles else None


def images_call(p: Windows, mr: int, nv: int, x: Any, packed: Scratch, y: Any, panel_size: int,
                epilogue: Epilogue | None, name: str) -> KernelCall:
    """The convolution with filters that are packed in panels; a task is a pixel of outputs."""
    depth, rows, cols = p.axes
    size, wide = ELEMENT_BYTES[p.dtype], nv * lanes(p.dtype)
    full, rest = divmod(p.filters, wide)
    block = max(1, OUTPUT_BYTES // (p.images * p.filters * size))
    steps = rows.total * cols.total, cols.total, 1
    apart = cols.dilation > 1 < cols.taps
    dims: list[int] = []
    for axis, step in zip(p.axes, steps, strict=True):
        dims += [axis.size, axis.count, axis.stride, axis.dilation, axis.taps, axis.pad, axis.step * step]
    dims += [p.channels, p.filters, p.images, block, panel_size, full, depth.total * steps[0],
             sum(axis.first * step for axis, step in zip(p.axes, steps, strict=True)), int(apart),
             (cols.dilation if apart else rows.dilation * cols.size) * p.channels,
             (1 if apart else cols.taps) * p.channels * wide]
    dilated = any(axis.dilation > 1 < axis.taps for axis in p.axes)
    source = images_source(p.dtype, mr, nv, full > 0, ceil(rest / lanes(p.dtype)), dilated, epilogue)
    buffers: tuple[Any, ...] = (x, packed, y)
    flops = round(p.flops * prod(map(inside, p.axes)))
    tasks = depth.count * rows.count * cols.count
    row = KernelCall(name, source, buffers, tuple(dims), tasks, flops, p.nbytes, writes=(2,))
    return with_epilogue(row, epilogue)


def images_source(dtype: str, mr: int, nv: int, full: bool, tail: int, dilated: bool, epilogue: Epilogue | None) -> str:
    """`full` says whether any panel is complete, `tail` how many vectors the last one has if it is not."""
    size, wide = ELEMENT_BYTES[dtype], nv * lanes(dtype)
    heads, bodies = [], []
    place = """\
line = task // count_w
slice = line // count_h
row = line - slice * count_h
column = task - line * count_w
pixel = first_pixel + slice * step_d + row * step_h + column * step_w""".splitlines()
    # the taps [near, far) of each axis lie inside
    window = list(place)
    for axis, index in zip("dhw", ("slice", "row", "column"), strict=True):
        whole = f" + dilation_{axis} - 1) // dilation_{axis}" if dilated else ")"
        window += f"""\
at_{axis} = {index} * stride_{axis} - pad_{axis}
near_{axis} = min((max(0, -at_{axis}){whole}, taps_{axis})
far_{axis} = max(near_{axis}, min(taps_{axis}, (size_{axis} - at_{axis}{whole}))""".splitlines()
    window += """\
parts, segments, length = 1, far_h - near_h, (far_w - near_w) * channels
if apart:
    parts, segments, length = segments, far_w - near_w, channels
if far_d == near_d or parts == 0:
    far_d, parts, segments = near_d + 1, 1, 0""".splitlines()
    for name, vectors, panels in (("full", nv * full, "panels"), ("tail", tail, "panels, panels + 1")):
        if vectors:
            masked = name == "tail"
            columns = f", filters - panel * {wide}" if masked else ""
            heads.append(f"tile_{name} = microkernel({dtype!r}, {mr}, {vectors}, masked={masked})")
            bodies += f"""for panel in range({panels}):
    for item in range((images + {mr - 1}) // {mr}):
        image = min(item * {mr}, images - {mr})
        for task in range(top, bottom):
{indent(window, 3)}
            c = outputs + ((pixel + image * volume) * filters + panel * {wide}) * {size}
            for tap_d in range(near_d, far_d):
                for tap_h in range(near_h, near_h + parts):
                    corner = (at_d + tap_d * dilation_d) * size_h + at_h + tap_h * dilation_h
                    corner = corner * size_w + at_w + near_w * dilation_w
                    tap = (tap_d * taps_h + tap_h) * taps_w + near_w
                    tile_{name}(inputs + (image * step + corner * channels) * {size}, step, 1, segment_step, segments,
                                length, packed + (panel * panel_size + tap * channels * {wide}) * {size}, {wide},
                                packed_step, c, volume * filters, tap_d - near_d + tap_h - near_h{columns})
""".splitlines()
    imports, setup = {"compiled", "word"}, []
    if epilogue is not None:
        imports |= epilogue.imports
        setup = epilogue.setup(3, len(DIMS))
        bodies += ["for task in range(top, bottom):", *("    " + line for line in place),
                   "    for image in range(images):",
                   *("        " + line for line in epilogue.apply("pixel + image * volume", "0", "filters", "outputs"))]
    newline = "\n"
    return f'''"""Convolution of small images, tiles of {mr} images by {wide} filters."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import {", ".join(sorted(imports))}

{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "packed", "outputs"]), 1)}
{indent(words("dims", DIMS), 1)}
{indent(setup, 1)}
    step = size_d * size_h * size_w * channels
    for top in range(begin, end, block):
        bottom = min(end, top + block)
{indent(bodies, 2)}
'''
