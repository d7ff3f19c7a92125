"""Convolutions by single pixels: a matrix of pixels times that of the filters, packed once for all blocks of pixels.

A task is a block of pixels for a part of the filters, panel after panel, the epilogue behind. Meanwhile the next
block's inputs and outputs are fetched, and what the epilogue reads beside these: a share with each tile, line by line
as it goes, since the tile would wait for many at once. Pixels that strides or borders leave apart are copied side by
side into scratch of the lane. A block has at least one tile of pixels, the last of which overlaps the one before.
"""
from __future__ import annotations

from math import ceil
from typing import Any

from ..native.processor import ELEMENT_BYTES, lanes
from .conv_common import Windows, aligned, tile_cost
from .epilogue import Epilogue, with_epilogue
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words

# what a block of pixels reads and writes, for the second-level cache; where parts of the filters are tasks, what it
# reads, and what it writes of a part
BLOCK_BYTES, PART_BYTES = 128 * 1024, 512 * 1024
# such parts are filters that come from far for each block, or for the threads where blocks would be few
FAR_FILTERS, FEW_BLOCKS, FEW_TASKS = 1024 * 1024, 8, 16
# blocks come in so many, which threads can share evenly
TOGETHER = 4
# the pixels that a tile is chosen for: few kinds of tiles, whatever their number
TILED_PIXELS = 168

DIMS = ["lane_bytes", "pixels", "tiles", "blocks", "channels", "filters", "panel_size", "panels", "all_panels",
        "parts", "part_panels", "apart", "fetched", "height", "width", "rows", "columns", "stride_h", "stride_w"]


def by_pixels(p: Windows) -> tuple[int, int] | None:
    """(mr, nv) of the tiles for a convolution by single pixels that has enough of them."""
    depth, *plane = p.axes
    if p.groups > 1 or not depth.pointwise or any(
            axis.taps != 1 or axis.pad or axis.padded or axis.step > 1 or axis.count != axis.total for axis in plane):
        return None
    _, mr, nv = tile_cost(p.dtype, TILED_PIXELS, p.filters, p.channels, once=True)
    return (mr, nv) if p.outputs >= mr else None


def pixels_call(p: Windows, mr: int, nv: int, x: Any, packed: Scratch, y: Any, panel_size: int,
                epilogue: Epilogue | None, name: str) -> KernelCall:
    """The convolution with filters that are packed in panels."""
    _, rows, cols = p.axes
    size, wide = ELEMENT_BYTES[p.dtype], nv * lanes(p.dtype)
    full, left = divmod(p.filters, wide)
    panels = full + (left > 0)
    apart = (rows.size, cols.size) != (rows.count, cols.count)
    block = BLOCK_BYTES // ((p.channels + p.filters) * size)
    if p.outputs < FEW_BLOCKS * block or panels * panel_size * size > FAR_FILTERS:
        block = min(BLOCK_BYTES // (p.channels * size), p.outputs)
    tiles = p.outputs // mr
    blocks = ceil(tiles / max(1, block // mr))
    blocks = min(tiles, ceil(blocks / min(blocks, TOGETHER)) * min(blocks, TOGETHER))
    block = ceil(tiles / blocks) * mr
    parts = max(ceil(FEW_TASKS / blocks), ceil(block * p.filters * size / PART_BYTES))
    part_panels = ceil(panels / min(panels, parts))
    parts = ceil(panels / part_panels)
    scratch = Scratch(aligned(apart * (block + mr) * p.channels * size), per_lane=True)
    dims: tuple[int, ...] = (
        scratch.apart, p.outputs, tiles, blocks, p.channels, p.filters, panel_size, full, panels, parts, part_panels,
        int(apart), int(parts == 1), rows.size, cols.size, rows.count, cols.count, rows.stride, cols.stride)
    buffers: tuple[Any, ...] = (x, packed, y, scratch)
    source = pixels_source(p.dtype, mr, nv, full > 0, ceil(left / lanes(p.dtype)), epilogue)
    row = KernelCall(name, source, buffers, dims, blocks * parts, p.flops, p.nbytes, writes=(2,))
    return with_epilogue(row, epilogue)


def pixels_source(dtype: str, mr: int, nv: int, full: bool, tail: int, epilogue: Epilogue | None) -> str:
    """`full` says whether any panel is complete, `tail` how many vectors the last one has if it is not."""
    size, wide = ELEMENT_BYTES[dtype], nv * lanes(dtype)
    beside = ["outputs", *(epilogue.beside if epilogue else ())]
    fetched = "".join(f", {each} + next_written, written_step" for each in beside)
    heads, bodies = [], []
    for name, vectors, panels in (("full", nv * full, "first_panel, min(last_panel, panels)"),
                                  ("tail", tail, "max(first_panel, panels), last_panel")):
        if vectors:
            masked = name == "tail"
            columns = f"filters - panels * {wide}, " if masked else ""
            heads.append(f"tile_{name} = microkernel({dtype!r}, {mr}, {vectors}, masked={masked}, stream=True, "
                         f"beside={1 + len(beside)})")
            bodies += f"""for panel in range({panels}):
    b = packed + panel * panel_size * {size}
    ahead = ((panel + 1 if panel + 1 < last_panel else first_panel) - panel) * panel_size * {size}
    c = outputs + (first * filters + panel * {wide}) * {size}
    for item in range((count + {mr - 1}) // {mr}):
        pixel = min(item * {mr}, count - {mr})
        tile_{name}(a + pixel * channels * {size}, channels, 1, 0, 1, channels, b, {wide}, 0,
                    c + pixel * filters * {size}, filters, 0, {columns}next_read, read_step{fetched},
                    ahead + item % {nv} * 64)
        fetch_lines(next_read + stepped, read_share - stepped)
        next_read += read_share
{indent([f"fetch_lines({each} + next_written + stepped, written_share - stepped)" for each in beside], 2)}
        next_written += written_share
""".splitlines()
    imports, setup = {"compiled", "fetch_lines", "word", f"load_{dtype}", f"store_{dtype}"}, []
    if epilogue is not None:
        imports |= epilogue.imports
        setup = epilogue.setup(4, len(DIMS))
        bodies += [f"first_filter = first_panel * {wide}", f"last_filter = min(last_panel * {wide}, filters)",
                   "for pixel in range(first, first + count):",
                   *("    " + line for line in epilogue.apply("pixel", "first_filter", "last_filter", "outputs"))]
    newline = "\n"
    return f'''"""Convolution by single pixels, tiles of {mr} pixels by {wide} filters."""
from {NATIVE}.microkernel import microkernel
from {NATIVE}.prelude import {", ".join(sorted(imports))}

{newline.join(heads)}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "packed", "outputs", "gathered"]), 1)}
{indent(words("dims", DIMS), 1)}
{indent(setup, 1)}
    gathered += lane * lane_bytes
    filled = -1
    for task in range(begin, end):
        place = task // parts
        first_panel = (task - place * parts) * part_panels
        last_panel = min(first_panel + part_panels, all_panels)
        first = (place * tiles + blocks - 1) // blocks * {mr}
        count = (pixels if place == blocks - 1 else ((place + 1) * tiles + blocks - 1) // blocks * {mr}) - first
        a = inputs + first * channels * {size}
        if apart:
            a = gathered
            if filled != first:
                filled = first
                for pixel in range(count):
                    row = (first + pixel) // columns
                    column = first + pixel - row * columns
                    image = row // rows
                    row = image * height + (row - image * rows) * stride_h
                    source = inputs + (row * width + column * stride_w) * channels * {size}
                    target = gathered + pixel * channels * {size}
                    for item in range(channels):
                        store_{dtype}(target, item, load_{dtype}(source, item, 1), 0)
        # each tile has a share of the next block's inputs and outputs fetched
        shares = (last_panel - first_panel) * ((count + {mr - 1}) // {mr})
        read_share, written_share = 0, 0
        if fetched and task + 1 < end:
            read_share = 0 if apart else (count * channels * {size} // shares + 63) // 64 * 64
            written_share = (count * filters * {size} // shares + 63) // 64 * 64
        # up to a line with each step of a tile, what is left behind it
        read_step = min((read_share + channels - 1) // channels, 64)
        written_step = min((written_share + channels - 1) // channels, 64)
        stepped = channels * 64
        next_read = inputs + (first + count) * channels * {size}
        next_written = (first + count) * filters * {size}
{indent(bodies, 2)}
'''
