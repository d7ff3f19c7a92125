"""Brightness, contrast, hue, saturation and gamma, set or drawn at random; images standardised."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..compiler.dtypes import as_dtype
from ..compiler.ir import Tensor
from ..compiler.ops.arguments import is_tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import cast, maximum, rsqrt, subtract
from ..compiler.ops.random import random_uniform
from ..compiler.ops.reduction import reduce_mean, size_of
from ..compiler.ops.view import identity
from ..framework import name_scope
from ..math_ops import pow_, reduce_std
from .colour import convert_image_dtype, scale_saturation, shift_hue
from .common import as_image, check, rank_at_least


def _in_floats(image: Any, scope: str | None, default: str, change: Callable[[Tensor], Tensor]) -> Tensor:
    """`change` applied to the image as floats, converted back with saturation."""
    with name_scope(scope, default, [image]) as name:
        x = convert_to_tensor(image, name="image")
        floats = x if x.dtype.is_floating and x.dtype.size <= 4 else convert_image_dtype(x, "float32")
        return convert_image_dtype(change(floats), x.dtype, saturate=True, name=name)


def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """`delta` added to the image, whose range (for integers: scaled to it) is [0, 1]."""
    return _in_floats(image, None, "adjust_brightness", lambda x: x + _number(delta, x))


def _number(value: Any, like: Tensor) -> Tensor:
    return cast(convert_to_tensor(value, None if is_tensor(value) else "float32"), like.dtype)


def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """Brightness adjusted by a delta from [-max_delta, max_delta). Raises ValueError for a negative one."""
    check(max_delta >= 0, "max_delta must be non-negative.")
    return adjust_brightness(image, random_uniform([], -max_delta, max_delta, seed=seed))


def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """Each channel of each image with its distance from the channel's mean multiplied by `contrast_factor`."""
    rank_at_least(images, 3, "images")

    def change(x: Tensor) -> Tensor:
        mean = reduce_mean(x, [-3, -2], keepdims=True)
        return (x - mean) * _number(contrast_factor, x) + mean
    return _in_floats(images, None, "adjust_contrast", change)


def random_contrast(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """Contrast adjusted by a factor from [lower, upper). Raises ValueError unless 0 <= lower < upper."""
    return adjust_contrast(image, _between(lower, upper, seed))


def _between(lower: float, upper: float, seed: int | None) -> Tensor:
    check(upper > lower, "upper must be > lower.")
    check(lower >= 0, "lower must be non-negative.")
    return random_uniform([], lower, upper, seed=seed)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """gain * image ** gamma, the image's range being [0, 1]. Raises ValueError for a negative gamma."""
    check(is_tensor(gamma) or gamma >= 0, "Gamma should be a non-negative real number.")
    return _in_floats(image, None, "adjust_gamma", lambda x: pow_(x, _number(gamma, x)) * _number(gain, x))


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """The RGB image with `delta` (turns, in [-1, 1]) added to its hue."""
    rank_at_least(image, 3)
    return _in_floats(image, name, "adjust_hue", lambda x: shift_hue(x, _number(delta, x)))


def random_hue(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """Hue adjusted by a delta from [-max_delta, max_delta). Raises ValueError for one outside [0, 0.5]."""
    check(max_delta <= 0.5, "max_delta must be <= 0.5.")
    check(max_delta >= 0, "max_delta must be non-negative.")
    return adjust_hue(image, random_uniform([], -max_delta, max_delta, seed=seed))


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Tensor:
    """The RGB image with its saturation multiplied by `saturation_factor`."""
    rank_at_least(image, 3)
    return _in_floats(image, name, "adjust_saturation", lambda x: scale_saturation(x, _number(saturation_factor, x)))


def random_saturation(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """Saturation adjusted by a factor from [lower, upper). Raises ValueError unless 0 <= lower < upper."""
    return adjust_saturation(image, _between(lower, upper, seed))


def per_image_standardization(image: Any) -> Tensor:
    """Each image with mean 0 and standard deviation 1, which is taken as at least 1 / sqrt(number of elements)."""
    with name_scope(None, "per_image_standardization", [image]) as scope:
        x = cast(as_image(image), as_dtype("float32"))
        rank = len(x.dims)  # type: ignore[arg-type]
        axes = [rank - 3, rank - 2, rank - 1]
        mean = reduce_mean(x, axes, keepdims=True)
        floor = rsqrt(cast(size_of(x, tuple(axes)), "float32"))
        result = subtract(x, mean) / maximum(reduce_std(x, axes, keepdims=True), floor)
        return identity(result, name=scope)


def adjust_jpeg_range(quality: Any) -> Tensor:
    """A quality as an int32 scalar; a number must be in [0, 100]."""
    if not is_tensor(quality):
        check(math.isfinite(quality) and 0 <= quality <= 100, f"jpeg_quality must be in [0, 100], received {quality}")
        return constant(int(quality))
    return cast(quality, "int32")


__all__ = ["adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation",
           "per_image_standardization", "random_brightness", "random_contrast", "random_hue", "random_saturation"]
