"""Kernels that bring a convolution's filters into the order in which its tiles read them."""
from __future__ import annotations

from ..native.processor import ELEMENT_BYTES, lanes
from .text import NATIVE, indent, words

# channels whose taps are packed before they are transformed: whole blocks of a transposed panel, in the first cache
TAPS_DEPTH = 32

# `columns` are the filters of a group, or with `transposed` the channels that w gives it; `depth` is the other of them
DIMS = ["panels", "panel_size", "tap_size", "stride", "group_step", "depth", "columns", "first_tap", "taps_d", "step_d",
        "taps_h", "step_h", "taps_w", "step_w"]


def _each_tap(lines: list[str], levels: int = 2) -> str:
    """The lines for each tap, in the order in which they are met, with w's address of it as `source`."""
    loops = ["for d in range(taps_d):", "    for i in range(taps_h):", "        for j in range(taps_w):",
             "            tap = first_tap + d * step_d + i * step_h + j * step_w",
             *("            " + line for line in lines)]
    return indent(loops, levels) + "\n"


def pack_source(dtype: str, nv: int, transposed: bool) -> str:
    """Source that packs filters into panels of `nv` vectors of columns; a task is a panel of one group."""
    size, wide = ELEMENT_BYTES[dtype], nv * lanes(dtype)
    pack = "transpose_panel" if transposed else "copy_panel"
    lines = [f"source = w + (tap * tap_size + first * {'stride' if transposed else '1'} + group * group_step) * {size}",
             f"pack(source, stride, target, depth, min({wide}, columns - first))",
             f"target += depth * {wide * size}"]
    return f'''"""Packs filters into panels of {wide} columns{", channels exchanged" if transposed else ""}."""
from {NATIVE}.prelude import compiled, word
from {NATIVE}.tiles import {pack}

pack = {pack}({dtype!r}, {nv})


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["w", "packed"]), 1)}
{indent(words("dims", DIMS), 1)}
    for panel in range(begin, end):
        group = panel // panels
        first = (panel - group * panels) * {wide}
        target = packed + panel * panel_size * {size}
{_each_tap(lines)}'''


def pack_winograd_source(m: int, r: int, flat: bool, nv: int, transposed: bool) -> str:
    """Source that brings filters to the points of tiles of m x m outputs, in panels of `nv` vectors; a task is a phase
    of a panel, r x r taps, or r if `flat`. Each part of `part_panels` has all panels of its first point, then those of
    the next ones. The first size is that of a lane's memory, for the taps of `TAPS_DEPTH` channels.
    """
    wide, rows, points = nv * lanes("f32"), 1 if flat else r, (m + r - 1) ** (1 if flat else 2)
    pack = "transpose_panel" if transposed else "copy_panel"
    return f'''"""Packs filters at points, panels of {wide} columns{", channels exchanged" if transposed else ""}."""
from {NATIVE}.prelude import compiled, f32, store_f32, word
from {NATIVE}.tiles import {pack}
from {NATIVE}.winograd import transform_filters

pack = {pack}("f32", {nv})
transform = transform_filters({m}, {r}, {flat})


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["w", "packed", "scratch"]), 1)}
{indent(words("dims", ["lane_bytes", "part_panels", "phase_step", *DIMS[2:]]), 1)}
    scratch += lane * lane_bytes
    phases = phase_step * phase_step
    for task in range(begin, end):
        panel = task // phases
        phase = task - panel * phases
        first = panel * {wide}
        part = panel // part_panels
        points = packed + ((part * {points - 1} * part_panels + panel) * phases + phase) * depth * {wide * 4}
        for k in range(0, depth, {TAPS_DEPTH}):
            count = min({TAPS_DEPTH}, depth - k)
            target = scratch
            for i in range(phase // phase_step, {rows} * phase_step, phase_step):
                for j in range(phase % phase_step, {r} * phase_step, phase_step):
                    if i < taps_h and j < taps_w:
                        tap = first_tap + i * step_h + j * step_w
                        source = w + (tap * tap_size + first * {'stride + k' if transposed else '1 + k * stride'}) * 4
                        pack(source, stride, target, count, min({wide}, columns - first))
                    else:
                        for item in range({TAPS_DEPTH * wide}):
                            store_f32(target, item, f32(0.0), 0)
                    target += {TAPS_DEPTH * wide * 4}
            transform(scratch, {TAPS_DEPTH * wide}, points + k * {wide * 4}, part_panels * phases * depth * {wide},
                      count * {nv})
'''


def pack_dots_source(dtype: str, transposed: bool) -> str:
    """Source that packs filters column by column; a task is a group, whose first column `first` is."""
    size = ELEMENT_BYTES[dtype]
    at = "(first + column) * stride + k" if transposed else "k * stride + first + column"
    lines = [f"source = w + (tap * tap_size + group * group_step) * {size}",
             "for column in range(columns):",
             "    for k in range(depth):",
             f"        value = load_{dtype}(source, {at}, 0)",
             f"        store_{dtype}(target, column * (panel_size // columns) + k, value, 1)",
             f"target += depth * {size}"]
    return f'''"""Packs filters one by one{", channels exchanged" if transposed else ""}."""
from {NATIVE}.prelude import compiled, load_{dtype}, store_{dtype}, word


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["w", "packed"]), 1)}
{indent(words("dims", ["first", *DIMS[1:]]), 1)}
    for group in range(begin, end):
        target = packed + group * panel_size * {size}
{_each_tap(lines)}'''


def pack_groups_source(dtype: str, transposed: bool) -> str:
    """Source that packs the filters of several groups side by side, a vector for each k; a task is a panel.

    Its dims are those of the others, but for the first two: the groups of a panel, and of all.
    """
    size, wide = ELEMENT_BYTES[dtype], lanes(dtype)
    at = "column * stride + k" if transposed else "k * stride + column"
    lines = [f"for item in range(depth * {wide}):",
             f"    store_{dtype}(target, item, {dtype}(0.0), 1)",
             "for group in range(first, min(first + panel_groups, groups)):",
             f"    source = w + (tap * tap_size + group * group_step) * {size}",
             "    for k in range(depth):",
             "        for column in range(columns):",
             f"            value = load_{dtype}(source, {at}, 0)",
             f"            store_{dtype}(target, k * {wide} + (group - first) * columns + column, value, 1)",
             f"target += depth * {wide * size}"]
    return f'''"""Packs filters of groups side by side{", channels exchanged" if transposed else ""}."""
from {NATIVE}.prelude import compiled, {dtype}, load_{dtype}, store_{dtype}, word


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["w", "packed"]), 1)}
{indent(words("dims", ["panel_groups", "groups", *DIMS[1:]]), 1)}
    for panel in range(begin, end):
        first = panel * panel_groups
        target = packed + panel * panel_size * {size}
{_each_tap(lines)}'''


def pack_unit_source(transposed: bool) -> str:
    """Source that packs filters into strips for the matrix unit; a task is a strip."""
    lines = [f"source = w + (tap * tap_size + first * {'stride' if transposed else '1'}) * 4",
             "pack(source, stride, head, target, depth, min(16, columns - first), panel_size)",
             "target += (depth + 31) // 32 * 3072"]
    return f'''"""Packs filters into strips{", channels exchanged" if transposed else ""}."""
from {NATIVE}.matrix_unit import pack_strips
from {NATIVE}.prelude import compiled, store_i64, word

pack = pack_strips(False, {transposed})


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["w", "packed"]), 1)}
{indent(words("dims", DIMS), 1)}
    for strip in range(begin, end):
        first = strip * 16
        head = packed + strip * panel_size
        store_i64(head, 0, 0, -1)
        target = head + 64
{_each_tap(lines)}'''
