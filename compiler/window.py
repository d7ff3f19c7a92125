"""Windows sliding over an axis: how many fit, and how much padding that takes, as TensorFlow counts them.

The same rules serve convolution and pooling. An unknown size (a symbolic dimension) gives a symbolic result.
"""
from __future__ import annotations

from collections.abc import Sequence

from .dims import DimLike, ceil_div, maximum

Pads = tuple[DimLike, DimLike]  # (before, after)
Padding = str | Sequence[Pads]  # "SAME", "VALID", or the pads of each spatial axis


def extent(window: int, dilation: int = 1) -> int:
    """How many inputs a window spans, from its first tap to its last."""
    return (window - 1) * dilation + 1


def output_size(size: DimLike, window: int, stride: int, dilation: int, pads: Pads) -> DimLike:
    """Number of windows that fit in an axis padded by `pads`; 0 when none does."""
    room = size + pads[0] + pads[1] - extent(window, dilation)
    return maximum(room // stride + 1, 0)


def same_pads(size: DimLike, window: int, stride: int, dilation: int = 1) -> Pads:
    """The pads with which ceil(size / stride) windows fit; the odd one goes after."""
    total = maximum((ceil_div(size, stride) - 1) * stride + extent(window, dilation) - size, 0)
    return total // 2, total - total // 2


def resolve(padding: Padding, sizes: Sequence[DimLike], window: Sequence[int], strides: Sequence[int],
            dilations: Sequence[int] | None = None) -> tuple[tuple[Pads, ...], tuple[DimLike, ...]]:
    """(pads, output sizes) of the spatial axes, for a padding as users write it: "SAME", "VALID", or explicit pads.

    Raises ValueError for another word, for a number of pads that differs from the axes, or for a window, stride or
    dilation below 1.
    """
    dilations = dilations if dilations is not None else (1,) * len(sizes)
    for name, values in (("window", window), ("strides", strides), ("dilations", dilations)):
        if len(values) != len(sizes) or min(values, default=1) < 1:
            raise ValueError(f"{name}: expected {len(sizes)} positive integers, received {tuple(values)}")
    axes = list(zip(sizes, window, strides, dilations, strict=True))
    pads: tuple[Pads, ...]
    if isinstance(padding, str) and padding.upper() == "SAME":
        return tuple(same_pads(*axis) for axis in axes), tuple(ceil_div(size, stride) for size, _, stride, _ in axes)
    if not isinstance(padding, str):
        pads = tuple((before, after) for before, after in padding)
        if len(pads) != len(axes):
            raise ValueError(f"padding: expected (before, after) for {len(axes)} axes, received {padding}")
    elif padding.upper() == "VALID":
        pads = ((0, 0),) * len(axes)
    else:
        raise ValueError(f"padding: expected 'SAME', 'VALID' or explicit pads, received {padding!r}")
    return pads, tuple(output_size(*axis, pad) for axis, pad in zip(axes, pads, strict=True))
