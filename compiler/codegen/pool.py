"""Pooling over two spatial axes, channels last.

A window's maximum or sum is taken along rows first and columns second, so a task is one row of outputs and its window
rows are combined once, in scratch of its lane, as one long vector whatever the channels are.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

from ..native.processor import ELEMENT_BYTES
from .conv_common import aligned, forward_axes
from .kernel import KernelCall, Scratch
from .text import NATIVE, indent, words

# with fewer channels than this, the columns of a window are combined channel by channel instead of as vectors
FEW_CHANNELS = 5
# of combined rows, where windows do not overlap: they stay in the first-level cache until their columns are combined
LINE_BYTES = 8 * 1024
# rows or columns of a window that are combined at once, at most
TOGETHER = 8


def lower_pool2d(x: Any, y: Any, *, kind: Literal["max", "avg"], dtype: str, x_shape: Sequence[int],
                 window: Sequence[int], strides: Sequence[int], padding: Sequence[Sequence[int]]) -> list[KernelCall]:
    """y[n, oh, ow, c]: the maximum or mean of each window of x[n, h, w, c].

    `padding` is ((top, bottom), (left, right)). It never counts: a window wholly outside gives -infinity, or NaN as the
    mean of nothing. The maximum of a window that has a NaN is NaN.
    """
    images, *size, channels = x_shape
    rows, cols = forward_axes(size, window, strides, (1, 1), padding)
    outputs = images * rows.count * cols.count * channels
    if not outputs:
        return []
    strip = cols.count
    if cols.stride >= cols.taps and channels >= FEW_CHANNELS:
        strip = max(1, min(strip, LINE_BYTES // (cols.stride * channels * ELEMENT_BYTES[dtype])))
    scratch = Scratch(aligned(((strip - 1) * cols.stride + cols.taps) * channels * ELEMENT_BYTES[dtype]), per_lane=True)
    dims = (scratch.apart, rows.size, cols.size, rows.count, cols.count, channels, rows.taps, cols.taps, rows.stride,
            cols.stride, rows.pad, cols.pad, strip)
    nbytes = (images * rows.size * cols.size * channels + outputs) * ELEMENT_BYTES[dtype]
    source = Pooling(dtype, kind == "avg", rows.taps, cols.taps).source(channels < FEW_CHANNELS)
    return [KernelCall(f"{kind}_pool2d", source, (x, y, scratch), dims, images * rows.count,
                       outputs * rows.taps * cols.taps, nbytes, writes=(1,))]


DIMS = ["scratch", "height", "width", "rows", "cols", "channels", "taps_h", "taps_w", "stride_h", "stride_w", "pad_h",
        "pad_w"]


@dataclass(frozen=True)
class Pooling:
    """The text of max pooling, or of that by the `mean`, with windows of about so many taps: they say how many rows or
    columns are combined at once, so the source is the same for many of them."""

    dtype: str
    mean: bool
    taps_h: int
    taps_w: int

    @property
    def size(self) -> int:
        return ELEMENT_BYTES[self.dtype]

    def load(self, x: str, i: str, scope: int) -> str:
        return f"load_{self.dtype}({x}, {i}, {scope})"

    def store(self, x: str, i: str, value: str, scope: int) -> str:
        return f"store_{self.dtype}({x}, {i}, {value}, {scope})"

    def combined(self, values: list[str]) -> str:
        return reduce(lambda a, b: f"{a} + {b}" if self.mean else f"maximum({a}, {b})", values)

    def combine(self, to: str, own: int, x: str, step: str, other: int, count: str, length: str, taps: int
                ) -> list[str]:
        """Lines that combine `count` > 0 runs of so many elements, `step` elements apart."""
        most = min(range(min(taps, TOGETHER), 0, -1), key=lambda number: taps // number + taps % number)

        def several(number: int, more: bool) -> list[str]:
            values = [self.load(f"{x} + (done + {k}) * {step} * {self.size}", "i", other) for k in range(number)]
            value = self.combined([self.load(to, "i", own)] * more + values)
            return [f"    for i in range({length}):", f"        {self.store(to, 'i', value, own)}",
                    f"    done += {number}"]

        lines = ["done = 0", f"if {count} >= {most}:", *several(most, False)]
        if most > 1:
            lines += ["else:", *several(1, False), f"while done + {most} <= {count}:", *several(most, True)]
        return [*lines, f"while done < {count}:", *several(1, True)]

    def columns(self, at: str) -> str:
        """A window's result: all its columns, from element `at` of `taps` on."""
        value = self.combined([self.load("taps", f"{at} + {tap} * channels", 2) for tap in range(self.taps_w)])
        return f"({value}) * share" if self.mean else value

    @property
    def share(self) -> list[str]:
        """Lines that say what the sum of a window is multiplied by for the mean: it covers rows times columns of
        inputs, as both are clipped; a mean of none is NaN."""
        return f"""\
first_w = col * stride_w - pad_w
share = {self.dtype}(math.nan)
covered = max(0, last - first) * max(0, min(first_w + taps_w, width) - max(first_w, 0))
if covered:
    share = {self.dtype}(1.0) / {self.dtype}(covered)""".splitlines() if self.mean else []

    def by_channel(self) -> list[str]:
        """Lines that combine the columns of a row's windows, channel by channel."""
        put = self.store("to", "col * channels + c", self.columns("col * stride_w * channels"), 1)
        return ["for c in range(channels):", f"    taps = line + c * {self.size}", "    for col in range(cols):",
                *("        " + line for line in [*self.share, put])]

    def by_window(self) -> list[str]:
        """Those that do so window by window, all channels at once."""
        lines = [*self.share, f"pixel = to + col * channels * {self.size}",
                 f"taps = line + (col - begin_col) * stride_w * channels * {self.size}"]
        if self.taps_w <= TOGETHER:
            lines += ["for c in range(channels):", f"    {self.store('pixel', 'c', self.columns('c'), 1)}"]
        else:
            lines += self.combine("pixel", 1, "taps", "channels", 2, "taps_w", "channels", self.taps_w)
            if self.mean:
                value = f"{self.load('pixel', 'c', 1)} * share"
                lines += ["for c in range(channels):", f"    {self.store('pixel', 'c', value, 1)}"]
        return ["for col in range(begin_col, end_col):", *("    " + line for line in lines)]

    def source(self, few: bool) -> str:
        """A task is a row of outputs. If channels are `few`, its windows are combined channel by channel."""
        rows = self.combine("middle", 2, "source", "width * channels", 0, "(last - first)", "inside * channels",
                            self.taps_h)
        initial = self.store("line", "i", f"{self.dtype}({'0.0' if self.mean else '-math.inf'})", 2)
        imports = ["compiled", self.dtype, f"load_{self.dtype}", f"store_{self.dtype}", "word"]
        return f'''"""{"Mean" if self.mean else "Maximum"} of windows."""
import math

from {NATIVE}.prelude import {", ".join(sorted(imports + ["maximum"] * (not self.mean)))}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["x", "y", "line"]), 1)}
{indent(words("dims", [*DIMS, "strip"]), 1)}
    line += lane * scratch
    for task in range(begin, end):
        image = task // rows
        first = (task - image * rows) * stride_h - pad_h
        last = min(first + taps_h, height)
        first = max(first, 0)
        to = y + task * cols * channels * {self.size}
        for begin_col in range(0, cols, strip):
            end_col = min(begin_col + strip, cols)
            # the pixels of the window's rows: some beside the image, those inside, some beside it
            span = (end_col - begin_col - 1) * stride_w + taps_w
            begin_in = begin_col * stride_w - pad_w
            left = min(max(-begin_in, 0), span)
            inside = max(0, min(width - begin_in, span) - left) if last > first else 0
            for i in range(left * channels):
                {initial}
            for i in range((left + inside) * channels, span * channels):
                {initial}
            middle = line + left * channels * {self.size}
            source = x + ((image * height + first) * width + begin_in + left) * channels * {self.size}
            if inside:
{indent(rows, 4)}
{indent(self.by_channel() if few else self.by_window(), 3)}
'''
