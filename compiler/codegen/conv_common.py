"""What the three convolutions share: the geometry of an axis, the choice of a register tile, and source snippets."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, gcd
from typing import cast

from ..native.processor import isa, lanes
from ..window import extent, output_size

# vector registers, and the widest tile worth its code: beyond 14 rows a step gains nothing
REGISTERS = {"avx512": 32, "neon": 32, "avx2": 16, "generic": 16}
MAX_ROWS = 14
NATIVE = "graphflow.compiler.native"


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a convolution.

    Output `first + i*step` of `total`, for i < count, sums over t < taps the input `i*stride + t*dilation - pad`
    times the filter's tap `tap + t*tap_step`. Inputs outside [0, size) are zeros.
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
        return (self.count - 1) * self.stride + max(extent(self.taps, self.dilation), 1)

    @property
    def padded(self) -> bool:
        return self.taps > 0 and (self.pad > 0 or self.span - self.pad > self.size)

    @property
    def pointwise(self) -> bool:
        """Output i depends on input i alone, for every i."""
        return (self.taps == self.stride == self.step == 1 and self.pad == 0
                and self.size == self.count == self.total)


def forward_axis(size: int, taps: int, stride: int, dilation: int, pads: Sequence[int]) -> Axis:
    """A convolution's axis from its inputs to its outputs; `pads` are (before, after)."""
    total = cast(int, output_size(size, taps, stride, dilation, (pads[0], pads[1])))
    return Axis(size, total, total, stride, dilation, taps, pads[0])


def forward_axes(size: Sequence[int], taps: Sequence[int], strides: Sequence[int], dilations: Sequence[int],
                 padding: Sequence[Sequence[int]]) -> tuple[Axis, Axis]:
    """Rows and columns."""
    rows, cols = (forward_axis(*axis) for axis in zip(size, taps, strides, dilations, padding, strict=True))
    return rows, cols


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


@cache
def choose_tile(dtype: str, rows: int, columns: int, depth: int) -> tuple[int, int]:
    """(mr, nv) of the register tile that covers `rows` x `columns` in the fewest cycles.

    The last tile of the rows overlaps the one before, so a height just below a divisor wastes little; a height that
    does not suit the rows costs more than half the speed. A step of k takes two FMAs or two loads a cycle, no less than
    the latency of an FMA, and some wait for each vector of the filters; a tile costs its stores besides.
    """
    vectors = ceil(columns / lanes(dtype))
    registers = REGISTERS[isa().name] - (not isa().fma)

    def cycles(mr: int, nv: int) -> float:
        step = max(mr * nv / 2, (mr + nv) / 2, 4) + nv / 2
        return depth * step + mr * nv + 12

    def cost(tile: tuple[int, int]) -> float:
        mr, nv = tile
        full, rest = divmod(vectors, nv)
        return ceil(rows / mr) * (full * cycles(mr, nv) + (cycles(mr, rest) if rest else 0))

    candidates = [(mr, nv) for nv in range(min(vectors, 4), 0, -1) for mr in range(min(rows, MAX_ROWS), 0, -1)
                  if mr * nv + nv + 1 <= registers]
    return min(candidates, key=cost)


def divisor_near(total: int, limit: int) -> int:
    """The largest divisor of `total` up to `limit`."""
    return max(d for d in range(1, min(total, limit) + 1) if total % d == 0)


def padded_row(dtype: str, size: int, interleave: int = 1) -> list[str]:
    """Lines that copy input row `row_in` of image `image` to `to`, zeros where it leaves the image.

    With `interleave`, the pixels come to lie that many times as far apart, to make room for those of other rows.
    """
    def each(pixels: str, target: str, value: str) -> str:
        if interleave == 1:
            return f"""for item in range({pixels} * channels):
    store_{dtype}({target}, item, {value}, 0)"""
        return f"""for offset in range(channels):
    for pixel in range({pixels}):
        item = pixel * channels + offset
        store_{dtype}({target}, pixel * channels * {interleave} + offset, {value}, 0)"""

    pitch = f"channels * {interleave * size}"
    return f"""left = min(max(pad_w, 0), span_w)
skip = max(-pad_w, 0)
inside = max(0, min(width - skip, span_w - left))
if row_in < 0 or row_in >= height:
    inside = 0
source = inputs + ((image * height + row_in) * width + skip) * channels * {size}
{each("left", "to", f"{dtype}(0.0)")}
to += left * {pitch}
{each("inside", "to", f"load_{dtype}(source, item, 1)")}
to += inside * {pitch}
{each("(span_w - left - inside)", "to", f"{dtype}(0.0)")}
""".splitlines()


def aligned(nbytes: int) -> int:
    """Rounded up to whole cache lines, so that the blocks of two lanes share none."""
    return ceil(nbytes / 64) * 64


def words(table: str, names: Sequence[str], first: int = 0) -> list[str]:
    """Lines that name the consecutive slots of a kernel's table."""
    return [f"{name} = word({table}, {slot})" for slot, name in enumerate(names, first)]


def indent(lines: Sequence[str], levels: int) -> str:
    return "\n".join("    " * levels + line for line in lines)
