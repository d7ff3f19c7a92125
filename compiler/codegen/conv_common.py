"""What convolutions share: the geometry of an axis, the choice of a register tile, and source snippets."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil, gcd, inf, prod
from typing import cast

from ..native.processor import ELEMENT_BYTES, isa, lanes
from ..window import extent, output_size
from .text import NATIVE, indent, words

# the widest tile worth its code: beyond 14 rows a step gains nothing
MAX_ROWS = 14
# heights of tiles beside long rows of single pixels: few, so that kernels serve many shapes
ONCE_ROWS = (7, 6)
# of the tiles whose vectors run along k: what it takes to add up their lanes soon outweighs the rest
MAX_DOTS = 8
# the fewest channels of a convolution by single pixels that is best a plain matrix product
PRODUCT_CHANNELS = 16
# pixels of a row, where rows can be chosen
ROW_PIXELS = 168
# what reads and writes more has its memory touched in order before tiles work on it: their own orders are none that a
# processor foresees, and lines would come from memory one by one
FAR_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a convolution.

    Output `first + i*step` of `total`, for i < count, sums over t < taps the input `i*stride + t*dilation - pad`
    times the filter's tap `tap + t*tap_step`, as `arranged` counts them all. Inputs outside [0, size) are zeros.
    """

    size: int
    total: int
    count: int
    stride: int
    dilation: int
    taps: int
    pad: int
    first: int = 0
    step: int = 1
    tap: int = 0
    tap_step: int = 1

    @property
    def span(self) -> int:
        """Inputs, padding included, from the first that an output reads to the last."""
        return max(0, (self.count - 1) * self.stride + max(extent(self.taps, self.dilation), 1))

    @property
    def padded(self) -> bool:
        return self.taps > 0 and (self.pad > 0 or self.span - self.pad > self.size)

    @property
    def pointwise(self) -> bool:
        """Output i depends on input i alone, for every i."""
        return (self.taps == self.stride == self.step == 1 and self.pad == 0
                and self.size == self.count == self.total)

    @property
    def trimmed(self) -> Axis:
        """The same axis without the taps at its ends that meet no input."""
        begin = max(0, ceil((self.pad - (self.count - 1) * self.stride) / self.dilation))
        end = min(self.taps, (self.size - 1 + self.pad) // self.dilation + 1)
        if not self.count or (begin, end) == (0, self.taps):
            return self
        return replace(self, taps=max(0, end - begin), pad=self.pad - begin * self.dilation,
                       tap=self.tap + begin * self.tap_step)


def forward_axis(size: int, taps: int, stride: int, dilation: int, pads: Sequence[int]) -> Axis:
    """A convolution's axis from its inputs to its outputs; `pads` are (before, after)."""
    total = cast(int, output_size(size, taps, stride, dilation, (pads[0], pads[1])))
    return Axis(size, total, total, stride, dilation, taps, pads[0])


def forward_axes(size: Sequence[int], taps: Sequence[int], strides: Sequence[int], dilations: Sequence[int],
                 padding: Sequence[Sequence[int]]) -> list[Axis]:
    return [forward_axis(*axis) for axis in zip(size, taps, strides, dilations, padding, strict=True)]


def backward_axes(size: int, taps: int, stride: int, dilation: int, pads: Sequence[int]) -> list[Axis]:
    """The same axis from the outputs' gradient back to the inputs', as convolutions of stride 1.

    An input `i` meets the taps t for which `i + pad - t*dilation` is a multiple of the stride. Which ones depends on
    `i % stride` alone, so each phase of the inputs is a dense convolution with every (stride / gcd)-th tap, reversed.
    A phase that meets no tap has `taps=0`: its gradient is zero.
    """
    total, pad, divisor = forward_axis(size, taps, stride, dilation, pads).total, pads[0], gcd(stride, dilation)
    axes = []
    for phase in range(min(stride, size)):
        met = [t for t in range(taps) if (phase + pad - t * dilation) % stride == 0]
        offset = (phase + pad - met[-1] * dilation) // stride if met else 0
        axes.append(Axis(size=total, total=size, count=ceil((size - phase) / stride), stride=1,
                         dilation=dilation // divisor, taps=len(met), pad=-offset, first=phase, step=stride,
                         tap=met[-1] if met else 0, tap_step=-(stride // divisor)))
    return axes


@dataclass(frozen=True)
class Windows:
    """The sizes of a convolution over depth, rows and columns; images have one slice of depth.

    `channels` and `filters` are those of all groups together, for a gradient in the direction in which it computes.
    """

    dtype: str
    images: int
    channels: int
    filters: int
    groups: int
    axes: tuple[Axis, Axis, Axis]

    @staticmethod
    def of(dtype: str, images: int, channels: int, filters: int, groups: int, axes: tuple[Axis, Axis, Axis]) -> Windows:
        """Slices of depth that no window joins are images."""
        depth, rows, cols = axes
        if depth.pointwise:
            images, depth = images * depth.size, replace(depth, size=1, total=1, count=1)
        return Windows(dtype, images, channels, filters, groups, (depth, rows, cols))

    @property
    def volume(self) -> bool:
        """Whether an output slice reads other slices than the one at its place."""
        return not self.axes[0].pointwise

    @property
    def each(self) -> tuple[int, int]:
        """Channels and filters of one group."""
        return self.channels // self.groups, self.filters // self.groups

    @property
    def is_product(self) -> bool:
        """Whether it is a matrix product of many columns."""
        return (self.groups == 1 and all(axis.pointwise for axis in self.axes)
                and min(self.channels, self.filters) >= PRODUCT_CHANNELS)

    @property
    def taps(self) -> int:
        return prod(axis.taps for axis in self.axes)

    @property
    def inputs(self) -> int:
        return self.images * prod(axis.size for axis in self.axes)

    @property
    def outputs(self) -> int:
        return self.images * prod(axis.count for axis in self.axes)

    @property
    def flops(self) -> int:
        return 2 * self.outputs * self.filters * self.each[0] * self.taps

    @property
    def nbytes(self) -> int:
        return (self.inputs * self.channels + self.outputs * self.filters) * ELEMENT_BYTES[self.dtype]


def three_axes(axes: Sequence[Axis]) -> tuple[Axis, Axis, Axis]:
    """The axes of images or volumes as depth, rows and columns."""
    depth, rows, cols = [Axis(1, 1, 1, 1, 1, 1, 0)] * (3 - len(axes)) + list(axes)
    return depth, rows, cols


def arranged(axes: Sequence[Axis], window: Sequence[int]) -> tuple[Axis, Axis, Axis]:
    """Depth, rows and columns whose taps are counted through the whole `window`, without those that meet no input.

    Axes of a single pixel come first: where images are one wide, their rows lie one behind the other.
    """
    found = []
    for i, axis in enumerate(axes):
        each, apart = axis.trimmed, prod(window[i + 1:])
        each = replace(each, tap=each.tap * apart, tap_step=each.tap_step * apart)
        found.append(replace(each, stride=1, dilation=1, step=1) if each.size == each.total == 1 else each)
    return three_axes(sorted(found, key=lambda axis: not axis.size == axis.total == 1))


def whole_axes(x_shape: Sequence[int], w_shape: Sequence[int], strides: Sequence[int], dilations: Sequence[int],
               padding: Sequence[Sequence[int]]) -> tuple[list[int], list[int], list[int]]:
    """(x shape, w shape, strides) of the same convolution, in which axes that a window covers whole are channels."""
    x, w, steps = list(x_shape), list(w_shape), list(strides)
    for axis in reversed(range(len(steps))):
        taps = w[axis]
        if x[-1] != w[-2] or x[axis + 1] != taps or any(padding[axis]) or taps > 1 and dilations[axis] > 1:
            break
        x[axis + 1], w[axis], steps[axis] = 1, 1, 1
        x[-1], w[-2] = x[-1] * taps, w[-2] * taps
    return x, w, steps


def flattened(p: Windows) -> Windows:
    """The same convolution with longer rows, if its windows are single pixels."""
    if not all(axis.pointwise for axis in p.axes):
        return p
    length = divisor_near(p.inputs, ROW_PIXELS)
    cols, rows = (Axis(n, n, n, 1, 1, 1, 0) for n in (length, p.inputs // length))
    return replace(p, images=1, axes=three_axes([rows, cols]))


@cache
def tile_cost(dtype: str, rows: int, columns: int, depth: int, height: int = 0, once: bool = False
              ) -> tuple[float, int, int]:
    """(cycles, mr, nv) of the register tile that covers `rows` x `columns` in the fewest cycles; of `height`, if given.

    The last tile of the rows overlaps the one before, so a height just below a divisor wastes little; a height that
    does not suit the rows costs more than half the speed. A step of k takes two FMAs or two loads a cycle, no less than
    the latency of an FMA, and some wait for each vector of the filters, or for each row that is used but `once`; a
    tile costs its stores besides.
    """
    vectors = ceil(columns / lanes(dtype))
    registers = isa().registers - (not isa().fma)

    def cycles(mr: int, nv: int) -> float:
        step = max(mr * nv / 2, (mr + nv) / 2, 4) + max(nv / 2, mr / 4 * once)
        return depth * step + mr * nv + 12

    def cost(mr: int, nv: int) -> float:
        full, rest = divmod(vectors, nv)
        return ceil(rows / mr) * (full * cycles(mr, nv) + (cycles(mr, rest) if rest else 0))

    heights = [height] if height else ONCE_ROWS if once and rows > MAX_ROWS else range(min(rows, MAX_ROWS), 0, -1)
    return min(((cost(mr, nv), mr, nv) for nv in range(min(vectors, 8), 0, -1) for mr in heights
                if mr * nv + nv + 1 <= registers and (nv <= 4 or mr <= 2)), key=lambda found: found[0])


@cache
def dots_cost(dtype: str, rows: int, columns: int, runs: int, length: int) -> tuple[float, int]:
    """(cycles, mr) of the tiles of so few columns that vectors run along k, in `runs` of `length` elements."""
    if columns > MAX_DOTS:
        return inf, 0
    steps, registers = runs * ceil(length / lanes(dtype)), isa().registers

    def cost(mr: int) -> float:
        step = max(mr * columns / 2, (mr + columns) / 2, 4)
        return ceil(rows / mr) * (steps * step + runs * 4 + mr * columns * 6 + 12)

    return min((cost(mr), mr) for mr in range(1, min(rows, MAX_DOTS) + 1) if mr == 1 or (mr + 1) * columns < registers)


def is_narrow(dtype: str, columns: int) -> bool:
    """Whether half a vector suffices for the last of so many columns, and takes less time than a whole one."""
    return isa().halves and 0 < columns % lanes(dtype) <= lanes(dtype) // 2


def divisor_near(total: int, limit: int) -> int:
    """The largest divisor of `total` up to `limit`."""
    return max(d for d in range(1, min(total, limit) + 1) if total % d == 0)


def padded_row(dtype: str, size: int, volume: bool, grouped: bool = False) -> list[str]:
    """Lines that copy input row `row_in` of image `image` to `to`, zeros where it leaves the image; if `grouped`, each
    group `group_step` elements after the one before.

    In a volume, `image` counts slices of outputs, and it is the slice that tap `tap_d` reads there.
    """
    def each(pixels: str, value: str) -> str:
        loop = f"""for item in range({pixels} * channels):
    store_{dtype}(to, item, {value}, 0)"""
        return f"""for group in range(groups):
    for item in range({pixels} * group_channels):
        store_{dtype}(to, group * group_step + item, {value}, 0)""" if grouped else loop

    pitch = f"{'group_channels' if grouped else 'channels'} * {size}"
    copy = ("copy(source, pixel_pitch, group_channels, to, group_channels, group_step, inside, groups, group_channels)"
            if grouped else each("inside", f"load_{dtype}(source, item, 1)"))
    find = """volume = image // slices
slice_in = (image - volume * slices) * stride_d + tap_d * dilation_d - pad_d
image = volume * depth + slice_in
if slice_in < 0 or slice_in >= depth:
    inside = 0
""" if volume else ""
    place = ("image * height * width * channels + row_in * row_pitch + skip * pixel_pitch" if grouped
             else "((image * height + row_in) * width + skip) * channels")
    return f"""left = min(max(pad_w, 0), span_w)
skip = max(-pad_w, 0)
inside = max(0, min(width - skip, span_w - left))
if row_in < 0 or row_in >= height:
    inside = 0
{find}source = inputs + ({place}) * {size}
{each("left", f"{dtype}(0.0)")}
to += left * {pitch}
{copy}
to += inside * {pitch}
{each("(span_w - left - inside)", f"{dtype}(0.0)")}
""".splitlines()


def aligned(nbytes: int) -> int:
    """Rounded up to whole cache lines, so that the blocks of two lanes share none."""
    return ceil(nbytes / 64) * 64


def sum_source(dtype: str) -> str:
    """Source that sums the rows of a matrix; a task is a column."""
    return f'''"""Sums partial gradients."""
from {NATIVE}.prelude import compiled, load_{dtype}, store_{dtype}, word


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["partials", "total"]), 1)}
{indent(words("dims", ["parts", "count"]), 1)}
    for i in range(end - begin):
        store_{dtype}(total, begin + i, load_{dtype}(partials, begin + i, 0), 1)
    for part in range(1, parts):
        for i in range(end - begin):
            value = load_{dtype}(total, begin + i, 1) + load_{dtype}(partials, part * count + begin + i, 0)
            store_{dtype}(total, begin + i, value, 1)
'''
