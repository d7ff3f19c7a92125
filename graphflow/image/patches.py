"""Patches of images: windows of pixels, each laid out along the channels."""
from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from ..compiler import dims as dm
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.slicing import concat, place, strided_slice
from ..framework import name_scope
from .common import as_image, check


def extract_patches(images: Any, sizes: Sequence[int], strides: Sequence[int], rates: Sequence[int], padding: str,
                    name: str | None = None) -> Tensor:
    """(batch, rows, columns, height * width * channels): the windows of `sizes` [1, height, width, 1] of a batch.

    They stand `strides` apart, and their pixels `rates`; `padding` is "VALID" or "SAME" (zeros around the image).
    Raises ValueError for other arguments.
    """
    with name_scope(name, "ExtractImagePatches", [images]) as scope:
        for what, value in (("sizes", sizes), ("strides", strides), ("rates", rates)):
            check(len(value) == 4 and value[0] == value[3] == 1,
                  f"extract_patches: {what} must be [1, height, width, 1], received {list(value)}")
        return _windows("extract_patches", as_image(images, "images", (4,)), sizes, strides, rates, padding, scope)


def extract_volume_patches(input: Any, ksizes: Sequence[int], strides: Sequence[int], padding: str,
                           name: str | None = None) -> Tensor:
    """(batch, planes, rows, columns, depth * height * width * channels): the windows of `ksizes` [1, depth, height,
    width, 1], `strides` apart, of a batch of volumes (batch, planes, rows, columns, channels); as `extract_patches`."""
    with name_scope(name, "ExtractVolumePatches", [input]) as scope:
        x = convert_to_tensor(input)
        check(x.dims is not None and len(x.dims) == 5,
              f"extract_volume_patches: the rank must be 5, received {x.shape}")
        for what, value in (("ksizes", ksizes), ("strides", strides)):
            check(len(value) == 5 and value[0] == value[4] == 1,
                  f"extract_volume_patches: {what} must be [1, depth, height, width, 1], received {list(value)}")
        return _windows("extract_volume_patches", x, ksizes, strides, [1] * 5, padding, scope)


def _windows(op: str, x: Tensor, sizes: Sequence[int], strides: Sequence[int], rates: Sequence[int], padding: str,
             name: str) -> Tensor:
    """The windows over all axes but the first and the last, one after another along the last."""
    check(padding.upper() in ("SAME", "VALID"), f"{op}: padding must be 'SAME' or 'VALID', received {padding!r}")
    assert x.dims is not None
    counts, before, extents = [], [], []
    inner = range(1, len(x.dims) - 1)
    for axis in inner:
        reach = (sizes[axis] - 1) * rates[axis] + 1
        if padding.upper() == "VALID":
            count = (x.dims[axis] - reach) // strides[axis] + 1
            above, extent = 0, x.dims[axis]
        else:
            count = dm.ceil_div(x.dims[axis], strides[axis])
            added = dm.maximum((count - 1) * strides[axis] + reach - x.dims[axis], 0)
            above, extent = added // 2, x.dims[axis] + added  # type: ignore[assignment]
        counts.append(count)
        before.append(above)
        extents.append(extent)
    around = x if extents == list(x.dims[1:-1]) else place(x, (x.dims[0], *extents, x.dims[-1]), (0, *before, 0))
    parts = [strided_slice(around, (0, *(k * rates[axis] for k, axis in zip(offsets, inner, strict=True)), 0),
                           (x.dims[0], *counts, x.dims[-1]), (1, *strides[1:-1], 1))
             for offsets in itertools.product(*(range(sizes[axis]) for axis in inner))]
    return concat(parts, -1, name=name)


def extract_image_patches(images: Any, ksizes: Any = None, strides: Any = None, rates: Any = None, padding: Any = None,
                          name: str | None = None, sizes: Any = None) -> Tensor:
    """`extract_patches`, with its sizes under an older name."""
    return extract_patches(images, ksizes if sizes is None else sizes, strides, rates, padding, name)
