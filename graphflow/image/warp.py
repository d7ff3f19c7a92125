"""Images moved: each output pixel is taken from a place of the input."""
from __future__ import annotations

from typing import Any

from ..compiler import dims as dm
from ..compiler.ir import Tensor
from ..compiler.ops.elementwise import cast, floor, logical_and, maximum, minimum, mod, where
from ..compiler.ops.gather import gather
from ..compiler.ops.view import expand_dims, reshape
from ..math_ops import range_
from .common import Scalar, as_tensor


def sampled(x: Tensor, rows: Tensor, columns: Tensor, bilinear: bool, fill_value: Any = 0.0) -> Tensor:
    """The pixels of a batch (batch, height, width, channels) at places (batch or 1, new height, new width), which are
    float32; outside the image `fill_value`.
    """
    assert x.dims is not None
    flat = reshape(x, (dm.product(x.dims[:3]), x.dims[3]))
    count, height, width = (as_tensor(d, "int32") for d in x.dims[:3])
    number = reshape(range_(count), [-1, 1, 1])

    def pixels(row: Tensor, column: Tensor) -> Tensor:
        row, column = cast(row, "int32"), cast(column, "int32")
        inside = logical_and(logical_and(row >= 0, row < height), logical_and(column >= 0, column < width))
        index = (number * height + where(inside, row, 0)) * width + where(inside, column, 0)
        return where(expand_dims(inside, 3), gather(flat, index), cast(fill_value, x.dtype))

    if not bilinear:
        return pixels(_rounded(rows), _rounded(columns))
    top, left = floor(rows), floor(columns)
    down, across = (cast(expand_dims(v, 3), x.dtype) for v in (rows - top, columns - left))
    upper = pixels(top, left) * (1 - across) + pixels(top, left + 1.0) * across
    lower = pixels(top + 1.0, left) * (1 - across) + pixels(top + 1.0, left + 1.0) * across
    return upper * (1 - down) + lower * down


def _rounded(x: Tensor) -> Tensor:
    """To the nearest integer, halves away from 0."""
    return where(x < 0.0, -floor(0.5 - x), floor(x + 0.5))


def projected(transforms: Tensor, height: Scalar, width: Scalar) -> tuple[Tensor, Tensor]:
    """The places (rows, columns) that transforms (n, 8) give to the pixels of images of this size.

    Pixel (x, y) comes from ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1; a transform is
    [a0, a1, a2, b0, b1, b2, c0, c1].
    """
    row = reshape(cast(range_(as_tensor(height, "int32")), "float32"), [1, -1, 1])
    column = reshape(cast(range_(as_tensor(width, "int32")), "float32"), [1, 1, -1])
    a = [expand_dims(reshape(transforms, [-1, 8])[:, i:i + 1], 2) for i in range(8)]
    k = a[6] * column + a[7] * row + 1.0
    return (a[3] * column + a[4] * row + a[5]) / k, (a[0] * column + a[1] * row + a[2]) / k


def folded(places: Tensor, size: Scalar, fill_mode: str) -> Tensor:
    """Places along an axis brought inside it: "reflect" (d c b a | a b c d | d c b a), "mirror" (d c b | a b c d |
    c b a), "wrap" (a b c d | a b c d), "nearest"; "constant" leaves them outside.
    """
    if fill_mode == "constant":
        return places
    n = as_tensor(size, "float32")
    last = n - 1.0
    if fill_mode == "reflect":
        places = mod(places, 2.0 * n)
        places = where(places >= n, 2.0 * n - places - 1.0, places)
    elif fill_mode == "mirror":
        places = mod(places, maximum(2.0 * last, 1.0))
        places = where(places > last, 2.0 * last - places, places)
    elif fill_mode == "wrap":
        around = maximum(last, 1.0)
        places = where(places < 0.0, places + n * (floor(-places / around) + 1.0),
                       where(places > last, places - n * floor(places / around), places))
    return minimum(maximum(places, 0.0), last)
