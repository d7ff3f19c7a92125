"""Patches of images: windows of pixels, each laid out along the channels."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler import dims as dm
from ..compiler.ir import Tensor
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
        x = as_image(images, "images", (4,))
        for what, value in (("sizes", sizes), ("strides", strides), ("rates", rates)):
            check(len(value) == 4 and value[0] == value[3] == 1,
                  f"extract_patches: {what} must be [1, height, width, 1], received {list(value)}")
        check(padding.upper() in ("SAME", "VALID"),
              f"extract_patches: padding must be 'SAME' or 'VALID', received {padding!r}")
        assert x.dims is not None
        counts, before, extents = [], [], []
        for axis in (1, 2):
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
        around = x if extents == list(x.dims[1:3]) else place(
            x, (x.dims[0], *extents, x.dims[3]), (0, *before, 0))
        parts = [strided_slice(around, (0, row * rates[1], column * rates[2], 0), (x.dims[0], *counts, x.dims[3]),
                               (1, strides[1], strides[2], 1))
                 for row in range(sizes[1]) for column in range(sizes[2])]
        return concat(parts, 3, name=scope)


def extract_image_patches(images: Any, ksizes: Any = None, strides: Any = None, rates: Any = None, padding: Any = None,
                          name: str | None = None, sizes: Any = None) -> Tensor:
    """`extract_patches`, with its sizes under an older name."""
    return extract_patches(images, ksizes if sizes is None else sizes, strides, rates, padding, name)
