"""Convolutions of many small images, where much of the windows lies outside.

A tile's rows are the same pixel of one image after the other: they share the taps inside the image, and those outside
cost nothing. Nothing is copied.
"""
from __future__ import annotations

from math import ceil
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
# with fewer channels, what is written counts for more than the sums, and is written best row by row
MIN_CHANNELS = 8
# the part of the sums that it must save to pay
WORTH = 0.9

DIMS = ["height", "width", "rows", "columns", "channels", "filters", "stride_h", "stride_w", "dilation_h", "taps_h",
        "taps_w", "pad_h", "pad_w", "images"]


def inside(axis: Axis) -> float:
    """The part of all taps of an axis that meets the image."""
    met = sum(0 <= i * axis.stride + t * axis.dilation - axis.pad < axis.size
              for i in range(axis.count) for t in range(axis.taps))
    return met / max(axis.count * axis.taps, 1)


def by_images(p: Windows) -> tuple[int, int] | None:
    """(mr, nv) of tiles along the images, if these are many and small enough for that to be the cheapest way."""
    depth, _, cols = p.axes
    if (p.volume or depth.count * p.groups > 1 or p.images < MIN_IMAGES or cols.count > MAX_COLUMNS or not p.taps
            or cols.dilation > 1 < cols.taps or p.channels < MIN_CHANNELS):
        return None
    cost, mr, nv = tile_cost(p.dtype, p.images, p.filters, p.channels * p.taps)
    by_rows = p.images * tile_cost(p.dtype, cols.count, p.filters, p.channels * p.taps)[0]
    return (mr, nv) if cost * cols.count * inside(cols) < WORTH * by_rows else None


def images_call(p: Windows, mr: int, nv: int, x: Any, packed: Scratch, y: Any, panel_size: int,
                epilogue: Epilogue | None, name: str) -> KernelCall:
    """The convolution with filters that are packed in panels; a task is a pixel of outputs."""
    _, rows, cols = p.axes
    size, wide = ELEMENT_BYTES[p.dtype], nv * lanes(p.dtype)
    full, rest = divmod(p.filters, wide)
    block = max(1, OUTPUT_BYTES // (p.images * p.filters * size))
    dims: tuple[int, ...] = (
        rows.size, cols.size, rows.count, cols.count, p.channels, p.filters, rows.stride, cols.stride, rows.dilation,
        rows.taps, cols.taps, rows.pad, cols.pad, p.images, block, panel_size, full, rows.total * cols.total,
        rows.step * cols.total, cols.step, rows.first * cols.total + cols.first)
    source = images_source(p.dtype, mr, nv, full > 0, ceil(rest / lanes(p.dtype)), epilogue)
    buffers: tuple[Any, ...] = (x, packed, y)
    flops = round(p.flops * inside(rows) * inside(cols))
    row = KernelCall(name, source, buffers, dims, rows.count * cols.count, flops, p.nbytes, writes=(2,))
    return with_epilogue(row, epilogue)


def images_source(dtype: str, mr: int, nv: int, full: bool, tail: int, epilogue: Epilogue | None) -> str:
    size, wide = ELEMENT_BYTES[dtype], nv * lanes(dtype)
    names = [*DIMS, "block", "panel_size", "panels", "plane", "row_step", "pixel_step", "first_pixel"]
    heads, bodies = [], []
    # the taps [near, far) x [first, last) of a pixel lie inside
    window = """row = task // columns
column = task - row * columns
pixel = first_pixel + row * row_step + column * pixel_step
above = row * stride_h - pad_h
left = column * stride_w - pad_w
near = min((max(0, -above) + dilation_h - 1) // dilation_h, taps_h)
far = max(near, min(taps_h, (height - above + dilation_h - 1) // dilation_h))
first = min(max(0, -left), taps_w)
last = max(first, min(taps_w, width - left))""".splitlines()
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
            corner = (above + near * dilation_h) * width + left + first
            tile_{name}(inputs + (image * step + corner * channels) * {size}, step, 1, dilation_h * width * channels,
                        far - near, (last - first) * channels,
                        packed + (panel * panel_size + (near * taps_w + first) * channels * {wide}) * {size}, {wide},
                        taps_w * channels * {wide},
                        outputs + ((pixel + image * plane) * filters + panel * {wide}) * {size}, plane * filters,
                        0{columns})
""".splitlines()
    imports, setup = {"compiled", "word"}, []
    if epilogue is not None:
        imports |= epilogue.imports
        setup = epilogue.setup(3, len(names))
        bodies += ["for task in range(top, bottom):", "    row = task // columns",
                   "    pixel = first_pixel + row * row_step + (task - row * columns) * pixel_step",
                   "    for image in range(images):",
                   *("        " + line for line in epilogue.apply("pixel + image * plane", "0", "filters", "outputs"))]
    newline = "\n"
    return f'''"""Convolution of small images, tiles of {mr} images by {wide} filters."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import {", ".join(sorted(imports))}

{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "packed", "outputs"]), 1)}
{indent(words("dims", names), 1)}
{indent(setup, 1)}
    step = height * width * channels
    for top in range(begin, end, block):
        bottom = min(end, top + block)
{indent(bodies, 2)}
'''
