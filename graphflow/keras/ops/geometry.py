"""Arrays and images sampled at other places: interpolation, projections, weights of resizing."""
from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from ... import array_ops
from ... import linalg as gl
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops import reduction as red
from ...compiler.ops import slicing, view
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.contraction import tensordot
from ...compiler.ops.gather import range_
from ...compiler.ops.matrix_parts import size_tensor
from ...compiler.ops.positions import gather_nd
from ...image.warp import folded, projected, sampled
from ..random import normal
from .axes import moveaxis, rank_of
from .dtypes import as_tensor, is_int_dtype, strong

_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def map_coordinates(inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: float = 0
                    ) -> Tensor:
    """The elements of an array at places that need not be whole: coordinates [rank of inputs, ...] give [...].

    `order` is 0 (nearest) or 1 (linear). Outside, `fill_mode` says "constant" (`fill_value`), "nearest", "wrap",
    "mirror" or "reflect". Raises ValueError for other arguments, NotImplementedError for other orders.
    """
    x, places = convert_to_tensor(inputs), convert_to_tensor(coordinates)
    sizes = view.known_rank("map_coordinates", x)
    if places.shape[0] != len(sizes):
        raise ValueError("First dim of `coordinates` must be the same as the rank of `inputs`. Received inputs with "
                         f"shape: {x.shape} and coordinate leading dim of {places.shape[0]}")
    if rank_of("map_coordinates", places) < 2:
        raise ValueError(f"Invalid coordinates rank: expected at least rank 2. Received input with shape: "
                         f"{places.shape}")
    if fill_mode not in _FILL_MODES:
        raise ValueError(f"Invalid value for argument `fill_mode`. Expected one of {_FILL_MODES}. Received: "
                         f"fill_mode={fill_mode}")
    if order not in (0, 1):
        raise NotImplementedError("map_coordinates currently requires order<=1")
    nodes = []
    for place, size in zip(slicing.unstack(places, len(sizes), 0), sizes, strict=True):
        nodes.append([(*_index(i, size, fill_mode), w) for i, w in (_nearest if order == 0 else _linear)(place)])
    found = []
    for node in itertools.product(*nodes):
        indices, inside, weights = zip(*node, strict=True)
        value = as_tensor(gather_nd(x, slicing.stack(indices, rank_of("map_coordinates", indices[0]))),
                          weights[0].dtype)
        if fill_mode == "constant":
            value = ew.where(functools.reduce(ew.logical_and, inside), value, as_tensor(fill_value, value.dtype))
        found.append(functools.reduce(operator.mul, weights) * value)
    total = functools.reduce(operator.add, found)
    return as_tensor(ew.round_half_even(total) if x.dtype.is_integer else total, x.dtype)


def _nearest(place: Tensor) -> list[tuple[Tensor, Tensor]]:
    whole = place if place.dtype.is_integer else ew.round_half_even(place)
    return [(ew.cast(whole, "int32"), view.ones_of(place))]


def _linear(place: Tensor) -> list[tuple[Tensor, Tensor]]:
    low = ew.floor(place)
    index, share = ew.cast(low, "int32"), place - low
    return [(index, 1 - share), (index + 1, share)]


def _index(index: Tensor, size: Any, fill_mode: str) -> tuple[Tensor, Tensor]:
    """(the index brought inside, whether it was)."""
    count = as_tensor(size_tensor(size), "int32")
    inside = ew.logical_and(index >= 0, index < count)
    if fill_mode in ("mirror", "reflect"):
        around = ew.mod(ew.abs_(index), count * 2)
        back = count * 2 - around
        return ew.where(around < count, around, back - 1 if fill_mode == "reflect" else back), inside
    if fill_mode == "wrap":
        return ew.mod(index, count), inside
    return ew.minimum(ew.maximum(index, 0), count - 1), inside


# projections

def transformed(x: Tensor, transforms: Tensor, interpolation: str, fill_mode: str, fill_value: float) -> Tensor:
    """A batch of images moved by projective transforms (8,) or (batch, 8), in its own dtype."""
    _, height, width, _ = view.known_rank("affine_transform", x)
    rows, columns = projected(transforms, height, width)
    wide = x if x.dtype.is_floating else ew.cast(x, "float32")
    found = sampled(wide, folded(rows, height, fill_mode), folded(columns, width, fill_mode),
                    interpolation == "bilinear", fill_value)
    found = as_tensor(found, x.dtype)
    found.set_shape(x.shape)
    return found


def homography(start: Tensor, end: Tensor) -> Tensor:
    """The transforms [..., 8] that take the pixels at `end` points [..., 4, 2] from the `start` points."""
    def row(kind: int) -> Tensor:
        x, y, to = end[..., 0], end[..., 1], start[..., kind]
        one, zero = view.ones_like(x), view.zeros_like(x)
        own, none = [x, y, one], [zero, zero, zero]
        return slicing.stack([*(own + none if kind == 0 else none + own), -to * x, -to * y], -1)

    matrix = slicing.concat([row(0), row(1)], -2)
    target = slicing.concat([start[..., 0], start[..., 1]], -1)
    return view.squeeze(gl.solve(matrix, view.expand_dims(target, -1)), [-1])


def displaced(x: Tensor, alpha: float, sigma: float, interpolation: str, fill_mode: str, fill_value: float, seed: Any,
              smooth: Callable[[Tensor], Tensor]) -> Tensor:
    """A batch of images whose pixels are moved by smoothed noise."""
    batch, height, width, channels = view.known_rank("elastic_transform", x)

    def moved(size: Any, axis: int) -> Tensor:
        noise = normal([batch, height, width, 1], dtype=x.dtype.name, seed=seed) * as_tensor(sigma, x.dtype)
        grid = as_tensor(range_(size_tensor(size)), x.dtype)
        return view.reshape(grid, [1, -1, 1, 1] if axis else [1, 1, -1, 1]) + smooth(noise) * as_tensor(alpha, x.dtype)

    columns, rows = moved(width, 0), moved(height, 1)
    shape = [batch, height, width, channels]

    def whole(size: Any, places: Sequence[int]) -> Tensor:
        numbers = view.reshape(as_tensor(range_(size_tensor(size)), x.dtype), places)
        return view.broadcast_to(numbers, shape)

    places = [whole(batch, (-1, 1, 1, 1)), view.broadcast_to(rows, shape), view.broadcast_to(columns, shape),
              whole(channels, (1, 1, 1, -1))]
    return map_coordinates(x, slicing.stack(places, 0), int(interpolation == "bilinear"), fill_mode, fill_value)


# resizing by weights

def _triangle(x: Tensor) -> Tensor:
    return ew.maximum(1.0 - x, 0.0)


def _cubic(x: Tensor) -> Tensor:
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return ew.where(x >= 2.0, view.zeros_of(x), ew.where(x >= 1.0, far, near))


def _lanczos(radius: float, x: Tensor) -> Tensor:
    wave = radius * ew.sin(math.pi * x) * ew.sin(x * (math.pi / radius))
    safe = ew.where(x > 1e-3, x, view.ones_of(x))
    found = ew.where(x > 1e-3, wave / (math.pi ** 2 * ew.square(safe)), view.ones_of(x))
    return ew.where(x > radius, view.zeros_of(x), found)


_KERNELS: dict[str, Callable[[Tensor], Tensor]] = {
    **dict.fromkeys(("linear", "bilinear", "trilinear"), _triangle), **dict.fromkeys(("cubic", "bicubic", "tricubic"),
                                                                                     _cubic),
    "lanczos3": functools.partial(_lanczos, 3.0), "lanczos5": functools.partial(_lanczos, 5.0)}


def _weights(have: Any, want: int, scale: Tensor, shift: Tensor, kernel: Callable[[Tensor], Tensor], antialias: bool
             ) -> Tensor:
    """[have, want]: how much each old element counts in each new one."""
    inverse = 1.0 / scale
    spread = ew.maximum(inverse, 1.0) if antialias else view.ones_of(inverse)
    at = (as_tensor(range_(want), scale.dtype) + 0.5) * inverse - shift * inverse - 0.5
    old = as_tensor(range_(size_tensor(have)), scale.dtype)
    weights = kernel(ew.abs_(view.expand_dims(at, 0) - view.expand_dims(old, 1)) / spread)
    total = red.reduce_sum(weights, 0, keepdims=True)
    counts = ew.abs_(total) > 1000 * 1.1920928955078125e-07
    weights = ew.where(counts, weights / ew.where(counts, total, view.ones_of(total)), view.zeros_of(weights))
    inside = ew.logical_and(at >= -0.5, at <= as_tensor(size_tensor(have), scale.dtype) - 0.5)
    return ew.where(view.expand_dims(inside, 0), weights, view.zeros_of(weights))


def scale_and_translate(images: Any, output_shape: Sequence[int], scale: Any, translation: Any,
                        spatial_dims: Sequence[int], method: str, antialias: bool = True) -> Tensor:
    """`images` scaled and then moved along `spatial_dims`, by one number each, to `output_shape`.

    `method` is "linear", "cubic", "lanczos3" or "lanczos5"; `antialias` smooths what shrinks. Integers are rounded.
    Raises ValueError for another method.
    """
    if method not in _KERNELS:
        raise ValueError(f"Invalid value for argument `method`. Expected of one {sorted(_KERNELS)}. Received: "
                         f"method={method}")
    x = convert_to_tensor(images)
    scales, shifts = strong(scale, translation)
    rank = rank_of("scale_and_translate", x)
    found = as_tensor(x, "float32") if is_int_dtype(x.dtype) else x
    for i, dim in enumerate(d % rank for d in spatial_dims):
        weights = _weights(view.known_rank("scale_and_translate", x)[dim], int(output_shape[dim]), scales[i], shifts[i],
                           _KERNELS[method], antialias)
        found = moveaxis(tensordot(found, as_tensor(weights, found.dtype), [[dim], [0]]), -1, dim)
    if is_int_dtype(x.dtype) and len(spatial_dims):
        low, high = (as_tensor(f(x), found.dtype) for f in (red.reduce_min, red.reduce_max))
        found = ew.minimum(ew.maximum(ew.round_half_even(found), low), high)
    return as_tensor(found, x.dtype)


def resize_by_weights(x: Tensor, target: Sequence[int], method: str, antialias: bool) -> Tensor:
    """A batch of images resized by weights: float32."""
    batch, height, width, channels = view.known_rank("resize", x)
    have = [as_tensor(size_tensor(n), "float32") for n in (height, width)]
    scale = slicing.stack([as_tensor(n, "float32") / h for n, h in zip(target, have, strict=True)])
    return scale_and_translate(as_tensor(x, "float32"), [0, *target, 0], scale, array_ops.zeros([2]), (1, 2), method,
                               antialias)


__all__ = ["map_coordinates", "scale_and_translate"]
