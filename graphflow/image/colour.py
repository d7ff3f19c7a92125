"""Colour spaces (RGB, HSV, YIQ, YUV, grey) and the value ranges of dtypes.

The YIQ and YUV matrices are those of NTSC and of ITU-R BT.601, as TensorFlow rounds them.
"""
from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..compiler.dtypes import as_dtype
from ..compiler.errors import ShapeError
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.contraction import tensordot
from ..compiler.ops.elementwise import abs_, cast, equal, floordiv, maximum, minimum, mod, multiply, where
from ..compiler.ops.reduction import reduce_max, reduce_min
from ..compiler.ops.slicing import concat, slice_axis, tile
from ..compiler.ops.view import identity, ones_of, stop_gradient, zeros_of
from ..framework import name_scope
from ..late import ranked
from ..math_ops import saturate_cast

_YIQ = [[0.299, 0.59590059, 0.2115], [0.587, -0.27455667, -0.52273617], [0.114, -0.32134392, 0.31119955]]
_RGB_FROM_YIQ = [[1, 1, 1], [0.95598634, -0.27201283, -1.10674021], [0.6208248, -0.64720424, 1.70423049]]
_YUV = [[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512], [0.114, 0.43601035, -0.10001026]]
_RGB_FROM_YUV = [[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]]


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """The image in `dtype`, scaled so that its range is kept: floats are in [0, 1], integers fill their type.

    `saturate` clips what the integer type cannot hold, where it would wrap around.
    """
    x, target = convert_to_tensor(image, name="image"), as_dtype(dtype)
    if x.dtype == target:
        return identity(x, name=name)
    with name_scope(name, "convert_image", [x]) as scope:
        narrow = saturate_cast if saturate else cast
        if x.dtype.is_floating:
            if target.is_floating:
                return cast(x, target, name=scope)
            return narrow(x * (target.max + 0.5), target, name=scope)
        if target.is_floating:
            return multiply(cast(x, target), 1.0 / x.dtype.max, name=scope)
        if x.dtype.max > target.max:
            return narrow(floordiv(x, (int(x.dtype.max) + 1) // (int(target.max) + 1)), target, name=scope)
        return multiply(narrow(x, target), (int(target.max) + 1) // (int(x.dtype.max) + 1), name=scope)


def _channels(x: Tensor, count: int, what: str) -> list[Tensor]:
    """The `count` slices of size 1 along the last axis. Raises ValueError for another number of channels."""
    if x.dims is None or not x.dims or isinstance(x.dims[-1], int) and x.dims[-1] != count:
        raise ShapeError(f"{what}: the last axis must hold {count} channels, received {x!r}")
    return [slice_axis(x, len(x.dims) - 1, i, 1) for i in range(count)]


@partial(ranked, count=1)
def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """The luma 0.2989 R + 0.587 G + 0.114 B in one channel, of the dtype of `images`."""
    with name_scope(name, "rgb_to_grayscale", [images]) as scope:
        x = convert_to_tensor(images, name="images")
        red, green, blue = _channels(convert_image_dtype(x, "float32"), 3, "rgb_to_grayscale")
        return convert_image_dtype(red * 0.2989 + green * 0.5870 + blue * 0.1140, x.dtype, name=scope)


@partial(ranked, count=1)
def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """The one channel three times. Raises ValueError unless the last axis has size 1."""
    with name_scope(name, "grayscale_to_rgb", [images]) as scope:
        x = convert_to_tensor(images, name="images")
        _channels(x, 1, "grayscale_to_rgb")
        return tile(x, [*[1] * (len(x.dims) - 1), 3], name=scope)  # type: ignore[arg-type]


def hue_of(red: Tensor, green: Tensor, blue: Tensor, value: Tensor, spread: Tensor) -> Tensor:
    """The hue in [0, 1), 0 for greys (`spread`, largest minus smallest channel, is 0)."""
    unit = ones_of(spread) / (6 * where(spread > 0, spread, ones_of(spread)))
    turn = where(equal(red, value), unit * (green - blue),
                 where(equal(green, value), unit * (blue - red) + 2.0 / 6.0, unit * (red - green) + 4.0 / 6.0))
    turn = where(spread > 0, turn, zeros_of(turn))
    return where(turn < 0, turn + 1.0, turn)


@partial(ranked, count=1)
def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Hue, saturation and value, each in [0, 1], of RGB floats in [0, 1]."""
    with name_scope(name, "RGBToHSV", [images]) as scope:
        x = convert_to_tensor(images, name="images")
        red, green, blue = _channels(x, 3, "RGBToHSV")
        value = reduce_max(x, -1, keepdims=True)
        spread = value - reduce_min(x, -1, keepdims=True)
        saturation = where(value > 0, spread / where(value > 0, value, ones_of(value)), zeros_of(value))
        return concat([hue_of(red, green, blue, value, spread), saturation, value], -1, name=scope)


@partial(ranked, count=1)
def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """RGB floats in [0, 1] of hue, saturation and value, each in [0, 1]; no gradient flows through, as in
    TensorFlow."""
    with name_scope(name, "HSVToRGB", [images]) as scope:
        return stop_gradient(_rgb(convert_to_tensor(images, name="images")), name=scope)


def _rgb(hsv: Tensor) -> Tensor:
    hue, saturation, value = _channels(hsv, 3, "HSVToRGB")
    return concat([((1.0 - saturation) + saturation * p) * value for p in _pure(hue)], -1)


def _pure(hue: Tensor) -> list[Tensor]:
    """Red, green and blue of a saturated colour."""
    sixths = hue * 6.0
    return [clipped(c) for c in (abs_(sixths - 3.0) - 1.0, 2.0 - abs_(sixths - 2.0), 2.0 - abs_(sixths - 4.0))]


def clipped(x: Tensor) -> Tensor:
    """Within [0, 1]."""
    return minimum(maximum(x, zeros_of(x)), ones_of(x))


def shift_hue(x: Tensor, delta: Tensor) -> Tensor:
    """RGB floats with `delta` added to their hue, counted in turns."""
    red, green, blue = _channels(x, 3, "adjust_hue")
    low, high = reduce_min(x, -1, keepdims=True), reduce_max(x, -1, keepdims=True)
    hue = mod(hue_of(red, green, blue, high, high - low) + delta, 1.0)
    return concat([low + (high - low) * p for p in _pure(hue)], -1)


def scale_saturation(x: Tensor, factor: Tensor) -> Tensor:
    """RGB floats with their saturation multiplied and clipped to [0, 1]."""
    hsv = rgb_to_hsv(x)
    hue, saturation, value = _channels(hsv, 3, "adjust_saturation")
    return _rgb(concat([hue, clipped(saturation * factor), value], -1))


def _mixed(images: Any, matrix: list[list[float]], name: str) -> Tensor:
    x = convert_to_tensor(images, name="images")
    _channels(x, 3, name)
    return tensordot(x, constant(np.array(matrix, x.dtype.np), name="kernel"), [[len(x.dims) - 1], [0]])  # type: ignore[arg-type]


@partial(ranked, count=1)
def rgb_to_yiq(images: Any) -> Tensor:
    """Luma and the two chroma components of NTSC, of RGB floats in [0, 1]."""
    return _mixed(images, _YIQ, "rgb_to_yiq")


@partial(ranked, count=1)
def yiq_to_rgb(images: Any) -> Tensor:
    """RGB of luma and NTSC's chroma components."""
    return _mixed(images, _RGB_FROM_YIQ, "yiq_to_rgb")  # type: ignore[arg-type]


@partial(ranked, count=1)
def rgb_to_yuv(images: Any) -> Tensor:
    """Luma and the two chroma components of PAL, of RGB floats in [0, 1]."""
    return _mixed(images, _YUV, "rgb_to_yuv")


@partial(ranked, count=1)
def yuv_to_rgb(images: Any) -> Tensor:
    """RGB of luma and PAL's chroma components."""
    return _mixed(images, _RGB_FROM_YUV, "yuv_to_rgb")  # type: ignore[arg-type]


__all__ = ["convert_image_dtype", "grayscale_to_rgb", "hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv", "rgb_to_yiq",
           "rgb_to_yuv", "yiq_to_rgb", "yuv_to_rgb"]
