"""`tf.contrib.resampler`: images at points between their pixels, as spatial transformers take them."""
from __future__ import annotations

from typing import Any

from ..array_ops import gather_nd, shape, zeros_like
from ..clip_ops import clip_by_value
from ..compiler.dtypes import int32
from ..compiler.errors import ShapeError
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import abs_, cast, floor, greater_equal, less_equal, logical_and
from ..compiler.ops.gather import range_
from ..compiler.ops.slicing import stack
from ..compiler.ops.view import expand_dims, reshape
from ..framework import name_scope

__all__ = ["resampler"]


def resampler(data: Any, warp: Any, name: str = "resampler") -> Tensor:
    """[batch, ..., channels]: data [batch, height, width, channels] at the points warp [batch, ..., 2], (x, y) in
    pixels, between four pixels linearly; outside the image they count as zeros. Raises ValueError for other ranks."""
    with name_scope(name, "resampler", [data, warp]):
        images, points = convert_to_tensor(data), convert_to_tensor(warp)
        if images.shape.rank != 4 or points.dims is None or points.dims[-1] != 2:
            raise ShapeError(f"resampler: expected data [batch, height, width, channels] and warp [batch, ..., 2], "
                             f"received {images!r} and {points!r}")
        sizes = shape(images)
        x, y = points[..., 0], points[..., 1]
        last = cast(sizes[2] - 1, x.dtype), cast(sizes[1] - 1, y.dtype)
        corner = floor(x), floor(y)
        rows = reshape(range_(0, sizes[0]), [-1, *[1] * (len(points.dims) - 2)]) + zeros_like(x, int32)
        result = None
        for dx, dy in ((0, 0), (0, 1), (1, 0), (1, 1)):
            at = corner[0] + dx, corner[1] + dy
            weight = (1 - abs_(x - at[0])) * (1 - abs_(y - at[1]))
            for place, end in zip(at, last, strict=True):
                weight = weight * cast(logical_and(greater_equal(place, 0), less_equal(place, end)), x.dtype)
            u, v = (cast(clip_by_value(place, 0, end), int32) for place, end in zip(at, last, strict=True))
            part = gather_nd(images, stack([rows, v, u], -1)) * expand_dims(weight, -1)
            result = part if result is None else result + part
        assert result is not None
        return result
