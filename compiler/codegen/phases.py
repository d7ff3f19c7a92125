"""The pixels of all phases of a convolution's strides copied side by side: they are channels of images with a pixel for
each step, over which the windows go by single pixels.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from ..native.processor import lanes
from .conv_common import Axis, Windows
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words

# cycles to copy a vector, or a piece of one
COPY_CYCLES = 8

DIMS = ["height", "width", "channels", "stride", "lead_h", "lead_w", "lines", "columns", "pitch"]

SOURCE = f'''"""Copies the pixels of all phases side by side."""
from {NATIVE}.prelude import compiled, f32, store_f32, word
from {NATIVE}.tiles import copy_block

copy = copy_block("f32")


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["inputs", "outputs"]), 1)}
{indent(words("dims", DIMS), 1)}
    row = width * channels
    step = stride * channels
    # of a row of pixels: those of the first step, of whole ones, and of the last one
    head = min(stride - lead_w, width)
    whole = (width - head) // stride
    left = width - head - whole * stride
    for task in range(begin, end):
        image = task // lines
        first = (task - image * lines) * stride - lead_h
        near = max(0, -first)
        rows = min(stride, height - first) - near
        source = inputs + (image * height + first + near) * row * 4
        target = outputs + task * columns * pitch * 4
        for item in range(columns * pitch):
            store_f32(target, item, f32(0.0), 0)
        target += near * step * 4
        copy(source, row, 0, target + lead_w * channels * 4, step, 0, rows, 1, head * channels)
        source += head * channels * 4
        target += pitch * 4
        copy(source, row, step, target, step, pitch, rows, whole, step)
        copy(source + whole * step * 4, row, 0, target + whole * pitch * 4, step, 0, rows, 1, left * channels)
'''


@dataclass(frozen=True)
class Phases:
    """The images of a convolution so copied: `windows` go over them, whose pixels are vectors, zeros behind the last
    channel. Zeros before the first pixel (`leads`, for rows and columns) let windows begin with a whole step."""

    windows: Windows
    leads: tuple[int, int]
    copied: Windows

    @staticmethod
    def of(p: Windows) -> Phases:
        stride, (depth, *plane) = p.axes[1].stride, p.axes
        rows, columns = plane
        leads = rows.pad % stride, columns.pad % stride
        pitch = ceil(p.channels * stride ** 2 / lanes("f32")) * lanes("f32")

        def of_steps(axis: Axis, lead: int) -> Axis:
            return replace(axis, size=ceil((axis.size + lead) / stride), stride=1, taps=ceil(axis.taps / stride),
                           pad=(axis.pad - lead) // stride)

        return Phases(replace(p, channels=pitch, axes=(depth, of_steps(rows, leads[0]), of_steps(columns, leads[1]))),
                      leads, p)

    def call(self, x: Any, name: str) -> tuple[Scratch, KernelCall]:
        """The copy, and the call that makes it; a task is a row of it."""
        _, rows, columns = self.windows.axes
        _, height, width = self.copied.axes
        copy = Scratch(self.windows.inputs * self.windows.channels * 4)
        dims = (height.size, width.size, self.copied.channels, height.stride, *self.leads, rows.size, columns.size,
                self.windows.channels)
        return copy, KernelCall(f"{name}.phases", SOURCE, (x, copy), dims, self.windows.inputs // columns.size,
                                nbytes=self.copied.inputs * self.copied.channels * 4 + copy.nbytes, writes=(1,))
