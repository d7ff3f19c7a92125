"""Colours and contrasts of images changed at random."""
from __future__ import annotations

from typing import Any

import numpy as np

from ....compiler.ir import Tensor
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.elementwise import cast, exp, floor, is_nan, power, square, where
from ....compiler.ops.reduction import reduce_max, reduce_mean, reduce_min, reduce_sum
from ....compiler.ops.slicing import concat, pad, slice_axis
from ....image.colour import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from .image_layer import BaseImagePreprocessingLayer, clipped, factor_range, rescaled, value_range_of


def blurred(images: Tensor, kernel_size: Any, sigma: Any) -> Tensor:
    """Images (channels last) smoothed by Gaussians of `sigma` (of rows, of columns), numbers or scalars."""
    for axis, size, deviation in zip((1, 2), kernel_size, sigma, strict=True):
        places = convert_to_tensor(np.arange(size, dtype=images.dtype.np) - (size - 1) / 2)
        weights = exp(square(places / deviation) * -0.5)
        images = _convolved(images, weights / reduce_sum(weights), axis, size)
    return images


def _convolved(x: Tensor, weights: Tensor, axis: int, size: int) -> Tensor:
    """A sum of shifted copies, 0 beyond the edges."""
    assert x.dims is not None
    margins = [[size // 2, (size - 1) // 2] if a == axis else [0, 0] for a in range(4)]
    wide, length = pad(x, margins), x.dims[axis]
    total = slice_axis(wide, axis, 0, length) * weights[0]
    for i in range(1, size):
        total = total + slice_axis(wide, axis, i, length) * weights[i]
    return total


class _Coloured(BaseImagePreprocessingLayer):
    """Base of layers with a random factor for each image and a range of values."""

    bounds = (-1.0, 1.0)

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.factor = factor_range(self, "factor", factor, *self.bounds)
        self.value_range = value_range_of(self, value_range)

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        return self.uniform((batch, 1, 1, 1), *self.factor)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range, "seed": self.seed}


class RandomBrightness(_Coloured):
    """A random share, within `factor`, of the range of values added to all pixels of an image."""

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any):
        super().__init__(factor, value_range, seed, **kwargs)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        low, high = self.value_range
        return clipped(images + drawn * float(high - low), self.value_range)


class RandomContrast(_Coloured):
    """Differences from a channel's mean multiplied by a random number within 1 - and 1 + `factor`."""

    bounds = (0.0, 1.0)

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any):
        super().__init__(factor, value_range, seed, **kwargs)

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        return self.uniform((batch, 1, 1, 1), 1.0 - self.factor[0], 1.0 + self.factor[1])

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        mean = reduce_mean(images, [1, 2], keepdims=True)
        return clipped((images - mean) * drawn + mean, self.value_range)


class RandomSaturation(_Coloured):
    """Saturation multiplied by f / (1 - f) for a random f within `factor`: 0.5 leaves it, 0 gives greys."""

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        hue, saturation, value = _parts(rgb_to_hsv(images))
        saturation = clipped(saturation * (drawn / (1.0 - drawn + 1e-7)), self.value_range)
        return hsv_to_rgb(concat([hue, saturation, value], -1))


def _parts(x: Tensor) -> list[Tensor]:
    return [slice_axis(x, 3, i, 1) for i in range(3)]


class RandomHue(_Coloured):
    """Hue shifted by up to half of `factor` of a turn, either way."""

    bounds = (0.0, 1.0)

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        shift = super().draw(batch, height, width) * 0.5
        return where(self.uniform((batch, 1, 1, 1)) > 0.5, -shift, shift)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        hue, saturation, value = _parts(rgb_to_hsv(rescaled(images, self.value_range, (0, 1))))
        hue = hue + drawn
        hue = where(hue > 1.0, hue - 1.0, where(hue < 0.0, hue + 1.0, hue))
        rgb = clipped(hsv_to_rgb(concat([hue, saturation, value], -1)), (0, 1))
        return rescaled(rgb, (0, 1), self.value_range)


class RandomGrayscale(BaseImagePreprocessingLayer):
    """Images made grey with probability `factor`."""

    def __init__(self, factor: float = 0.5, data_format: str | None = None, seed: int | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if not 0 <= factor <= 1:
            raise ValueError(f"`factor` should be between 0 and 1. Received: factor={factor}")
        self.factor = factor

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        return self.uniform((batch, 1, 1, 1)) < self.factor

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        return where(drawn, rgb_to_grayscale(images), images)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "seed": self.seed}


class RandomColorDegeneration(_Coloured):
    """Images mixed with their grey by a random share within `factor`."""

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        return clipped(images + drawn * (rgb_to_grayscale(images) - images), self.value_range)


class RandomColorJitter(BaseImagePreprocessingLayer):
    """RandomBrightness, RandomContrast, RandomSaturation and RandomHue, those that have a factor, in turn."""

    def __init__(self, value_range: Any = (0, 255), brightness_factor: Any = None, contrast_factor: Any = None,
                 saturation_factor: Any = None, hue_factor: Any = None, seed: int | None = None,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.value_range = value_range
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        kinds = ((RandomBrightness, brightness_factor), (RandomContrast, contrast_factor),
                 (RandomSaturation, saturation_factor), (RandomHue, hue_factor))
        self._steps = [kind(factor, value_range, seed=None if seed is None else seed + i)
                       for i, (kind, factor) in enumerate(kinds) if factor is not None]

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        return [step.draw(batch, height, width) for step in self._steps]

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        for step, own in zip(self._steps, drawn, strict=True):
            images = step.change(images, own, interpolation)
        return images

    def get_config(self) -> dict[str, Any]:
        names = ("value_range", "brightness_factor", "contrast_factor", "saturation_factor", "hue_factor", "seed")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


class RandomPosterization(_Coloured):
    """Values kept to their first bits of eight, a random number of them within `factor`."""

    bounds = (1, 8)

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        step = power(cast(2.0, images.dtype), 8.0 - floor(drawn))
        kept = floor(floor(rescaled(images, self.value_range, (0, 255))) / step) * step
        return rescaled(kept, (0, 255), self.value_range)


class RandomSharpness(_Coloured):
    """Images mixed with a smoothed copy: a random factor within `factor` of 0.5 leaves them, less smooths."""

    bounds = (0.0, 1.0)

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        ones = convert_to_tensor(np.ones(3, images.dtype.np))
        around = _convolved(_convolved(images, ones, 1, 3), ones, 2, 3)
        smooth = (around + images * 4.0) * (1.0 / 13.0)  # the pixel itself counts five times
        return clipped(images + (1.0 - drawn * 2.0) * (smooth - images), self.value_range)


class RandomInvert(_Coloured):
    """Images turned to their negative, with a probability within `factor`."""

    bounds = (0.0, 1.0)

    def __init__(self, factor: Any = 1.0, value_range: Any = (0, 255), seed: int | None = None,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        return self.chance(batch, self.factor)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        return where(drawn, float(self.value_range[1]) - images, images)


class Solarization(BaseImagePreprocessingLayer):
    """A random number added to the pixels, then those not below a random threshold turned to their negative.

    Both are counted in parts of 255, within the factors.
    """

    def __init__(self, addition_factor: Any = 0.0, threshold_factor: Any = 0.0, value_range: Any = (0, 255),
                 seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = factor_range(self, "addition_factor", addition_factor, 0, 1.0)
        self.threshold_factor = factor_range(self, "threshold_factor", threshold_factor, 0, 1.0)
        self.value_range = value_range_of(self, value_range)

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        return [self.uniform((batch, 1, 1, 1), low, high * 255)
                for low, high in (self.addition_factor, self.threshold_factor)]

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        more, threshold = drawn
        x = clipped(rescaled(images, self.value_range, (0, 255)) + more, (0, 255))
        return rescaled(where(x < threshold, x, 255.0 - x), (0, 255), self.value_range)

    def get_config(self) -> dict[str, Any]:
        names = ("value_range", "addition_factor", "threshold_factor", "seed")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


class AutoContrast(BaseImagePreprocessingLayer):
    """The values of each channel stretched over the whole range, also outside training."""

    always = True

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any):
        super().__init__(**kwargs)
        self.value_range = value_range_of(self, value_range)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        x = rescaled(images, self.value_range, (0, 255))
        low, high = (reduce(x, [1, 2], keepdims=True) for reduce in (reduce_min, reduce_max))
        scale = 255.0 / (high - low)
        stretched = rescaled(clipped(x * scale - low * scale, (0, 255)), (0, 255), self.value_range)
        return where(is_nan(stretched), images, stretched)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value_range": self.value_range}


class RandomGaussianBlur(BaseImagePreprocessingLayer):
    """Images smoothed, with a probability within `factor`, by a Gaussian of random deviation within `sigma`."""

    def __init__(self, factor: Any = 1.0, kernel_size: Any = 3, sigma: Any = 1.0, value_range: Any = (0, 255),
                 data_format: str | None = None, seed: int | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.factor = factor_range(self, "factor", factor, 0.0, 1.0)
        self.sigma = factor_range(self, "sigma", sigma, 0.0, 1.0)
        sizes = tuple(kernel_size) if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * 2
        if len(sizes) != 2 or any(not hasattr(s, "__index__") or s % 2 == 0 for s in sizes):
            raise ValueError(f"kernel_size must be an odd number. Received: kernel_size={kernel_size}")
        self.kernel_size, self.value_range = sizes, value_range

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        return self.chance(batch, self.factor), [self.uniform((), *self.sigma) + 1e-6 for _ in range(2)]

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        chosen, sigma = drawn
        return clipped(where(chosen, blurred(images, self.kernel_size, sigma), images), self.value_range)

    def get_config(self) -> dict[str, Any]:
        names = ("factor", "kernel_size", "sigma", "value_range", "seed")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}
