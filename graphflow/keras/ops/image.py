"""Images, alone or in batches: colours, sizes, crops, patches, filters. Channels are last unless `data_format` says."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops import reduction as red
from ...compiler.ops import slicing, view
from ...compiler.ops.constant import convert_to_tensor
from ...image import colour, quality
from ...image.resize import resize_area, resize_bicubic, resize_bilinear, resize_nearest_neighbor
from ..layers.arguments import data_format_word, sizes
from . import geometry
from .axes import moveaxis, rank_of
from .core import saturate_cast
from .core import slice as _slice
from .dtypes import as_tensor, floating
from .geometry import resize_by_weights, scale_and_translate
from .windows import conv, depthwise_conv


def _pictures(images: Any, data_format: str | None, compute: Callable[[Tensor], Tensor], single_rank: int = 3,
              channels: int = -1) -> Tensor:
    """`compute` of a batch with channels last, and the result in the layout given; `channels` is their axis in it.

    Raises ValueError for another rank.
    """
    x = convert_to_tensor(images)
    rank = rank_of("image", x)
    if rank not in (single_rank, single_rank + 1):
        raise ValueError(f"Invalid images rank: expected rank {single_rank} (single image) or rank {single_rank + 1} "
                         f"(batch of images). Received input with shape: images.shape={x.shape}")
    x = x if rank > single_rank else view.expand_dims(x, 0)
    first = data_format_word(data_format) == "channels_first"
    y = compute(moveaxis(x, 1, -1) if first else x)
    y = moveaxis(y, channels, 1) if first else y
    return y if rank > single_rank else view.squeeze(y, [0])


def _floats_only(images: Any) -> Tensor:
    x = convert_to_tensor(images)
    if not x.dtype.is_floating:
        raise ValueError(f"Invalid images dtype: expected float dtype. Received: images.dtype={x.dtype.name}")
    return x


# colours

def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Tensor:
    """The luminance of RGB images, as one channel of their dtype. Raises ValueError for other than 1 or 3 channels."""
    def compute(x: Tensor) -> Tensor:
        if x.shape[-1] not in (1, 3):
            raise ValueError("Invalid channel size: expected 3 (RGB) or 1 (Grayscale). Received input with shape: "
                             f"images.shape={convert_to_tensor(images).shape}")
        if x.shape[-1] == 1:
            return x
        wide = floating(x)
        weights = as_tensor(np.array([0.2989, 0.5870, 0.1140]), wide.dtype)
        return as_tensor(red.reduce_sum(wide * weights, -1, keepdims=True), x.dtype)
    return _pictures(images, data_format, compute)


def rgb_to_hsv(images: Any, data_format: str | None = None) -> Tensor:
    """Hue, saturation and value, each in [0, 1], of RGB floats in [0, 1]. Raises ValueError for other dtypes."""
    return _pictures(_floats_only(images), data_format, colour.rgb_to_hsv)


def hsv_to_rgb(images: Any, data_format: str | None = None) -> Tensor:
    """RGB floats of hue, saturation and value. Raises ValueError for other dtypes."""
    return _pictures(_floats_only(images), data_format, colour.hsv_to_rgb)


# sizes

_RESIZES: dict[str, Callable[..., Tensor]] = {
    "nearest": resize_nearest_neighbor, "bilinear": resize_bilinear,
    "bicubic": resize_bicubic}
_METHODS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic", "area")


def resize(images: Any, size: Sequence[int], interpolation: str = "bilinear", antialias: bool = False,
           crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False, fill_mode: str = "constant",
           fill_value: float = 0.0, data_format: str | None = None) -> Tensor:
    """Images resized to (height, width), in their own dtype.

    `interpolation` is "nearest", "bilinear", "bicubic", "area", "lanczos3" or "lanczos5"; with `antialias` it is
    smoothed where images shrink. To keep proportions they are cropped, or padded with `fill_value`, before. Raises
    ValueError for other arguments.
    """
    if interpolation not in _METHODS:
        raise ValueError(f"Invalid value for argument `interpolation`. Expected of one {_METHODS}. Received: "
                         f"interpolation={interpolation}")
    if fill_mode != "constant":
        raise ValueError("Invalid value for argument `fill_mode`. Only `'constant'` is supported. Received: "
                         f"fill_mode={fill_mode}")
    if pad_to_aspect_ratio and crop_to_aspect_ratio:
        raise ValueError("Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`.")
    if len(size) != 2:
        raise ValueError(f"Argument `size` must be a tuple of two elements (height, width). Received: size={size}")
    target = [int(n) for n in size]

    def compute(x: Tensor) -> Tensor:
        if crop_to_aspect_ratio or pad_to_aspect_ratio:
            x = _proportioned(x, target, crop_to_aspect_ratio, fill_value)
        if x.shape.as_list()[1:3] == target:
            return x
        if interpolation == "nearest":
            return resize_nearest_neighbor(x, target, half_pixel_centers=True)
        if interpolation == "area":
            return resize_area(x, target)
        if antialias or interpolation.startswith("lanczos"):
            return resize_by_weights(x, target, interpolation, antialias)
        return _RESIZES[interpolation](x, target, half_pixel_centers=True)
    x = convert_to_tensor(images)
    resized = _pictures(x, data_format, compute)
    return saturate_cast(ew.round_half_even(resized) if x.dtype.is_integer and resized.dtype.is_floating else resized,
                         x.dtype)


def _proportioned(x: Tensor, target: Sequence[int], crop: bool, fill_value: float) -> Tensor:
    """The middle of images with the proportions of `target`, or the images with borders that give them these."""
    height, width = x.shape.as_list()[1:3]
    if height is None or width is None:
        raise ValueError(f"Keeping the aspect ratio needs images of a known size. Received: images.shape={x.shape}")
    wanted = int(width * target[0] / target[1]), int(height * target[1] / target[0])
    if crop:
        rows, columns = (max(min(have, want), 1) for have, want in zip((height, width), wanted, strict=True))
        top, left = int((height - rows) / 2), int((width - columns) / 2)
        return x[:, top:top + rows, left:left + columns]
    down, across = (int((max(have, want) - have) / 2) for have, want in zip((height, width), wanted, strict=True))
    return slicing.pad(x, [(0, 0), (down, down), (across, across), (0, 0)], constant_values=fill_value)


def _spans(what: str, before: Any, after: Any, total: Any, missing: Callable[[Any, Any], Any],
           whole: Callable[[Any, Any], Any]) -> tuple[Any, Any, Any]:
    """(before, after, total) along an axis, of which two are given. Raises ValueError."""
    if [before, after, total].count(None) != 1:
        raise ValueError(f"Must specify exactly two of {what}. Received: {before}, {after}, {total}")
    before = missing(total, after) if before is None else before
    after = missing(total, before) if after is None else after
    total = whole(before, after) if total is None else total
    for value in (before, after, total):
        if isinstance(value, int) and value < 0:
            raise ValueError(f"The values of {what} must be >= 0. Received: {before}, {after}, {total}")
    return before, after, total


def pad_images(images: Any, top_padding: int | None = None, left_padding: int | None = None,
               bottom_padding: int | None = None, right_padding: int | None = None, target_height: int | None = None,
               target_width: int | None = None, data_format: str | None = None) -> Tensor:
    """Images with zeros around. Two of top, bottom and target height are given, and so for the width: else ValueError.
    """
    def compute(x: Tensor) -> Tensor:
        _, height, width, _ = view.known_rank("pad_images", x)
        top, bottom, _ = _spans("top_padding, bottom_padding, target_height", top_padding, bottom_padding,
                                target_height, lambda t, o: t - o - height, lambda a, b: a + b + height)
        left, right, _ = _spans("left_padding, right_padding, target_width", left_padding, right_padding, target_width,
                                lambda t, o: t - o - width, lambda a, b: a + b + width)
        return slicing.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)])
    return _pictures(images, data_format, compute)


def crop_images(images: Any, top_cropping: int | None = None, left_cropping: int | None = None,
                bottom_cropping: int | None = None, right_cropping: int | None = None, target_height: int | None = None,
                target_width: int | None = None, data_format: str | None = None) -> Tensor:
    """Parts of images. Two of top, bottom and target height are given, and so for the width: else ValueError."""
    def compute(x: Tensor) -> Tensor:
        batch, height, width, channels = view.known_rank("crop_images", x)
        top, _, rows = _spans("top_cropping, bottom_cropping, target_height", top_cropping, bottom_cropping,
                              target_height, lambda t, o: height - t - o, lambda a, b: height - a - b)
        left, _, columns = _spans("left_cropping, right_cropping, target_width", left_cropping, right_cropping,
                                  target_width, lambda t, o: width - t - o, lambda a, b: width - a - b)
        return _slice(x, [0, top, left, 0], [batch, rows, columns, channels])
    return _pictures(images, data_format, compute)


# windows

def _patches(x: Tensor, size: Any, strides: Any, dilation_rate: Any, padding: str, rank: int) -> Tensor:
    window = sizes(size, rank, "size")
    channels = int(x.shape[-1])
    count = int(np.prod(window)) * channels
    kernel = np.eye(count, dtype=x.dtype.np).reshape(*window, channels, count)
    return conv(x, kernel, window if not strides else strides, padding, "channels_last", dilation_rate)


def extract_patches(images: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: str = "valid",
                    data_format: str | None = None) -> Tensor:
    """The windows of `size`, `strides` (default: `size`) apart, each laid out along the channels.

    `size` is one number or two, or three for volumes (see `extract_patches_3d`).
    """
    if hasattr(size, "__len__") and len(size) == 3:
        return extract_patches_3d(images, size, strides, dilation_rate, padding, data_format)
    return _pictures(images, data_format, lambda x: _patches(x, size, strides, dilation_rate, padding, 2))


def extract_patches_3d(volumes: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: str = "valid",
                       data_format: str | None = None) -> Tensor:
    """The windows of volumes [batch, depth, height, width, channels], each laid out along the channels."""
    return _pictures(volumes, data_format, lambda x: _patches(x, size, strides, dilation_rate, padding, 3), 4)


def gaussian_blur(images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0), data_format: str | None = None
                  ) -> Tensor:
    """Images smoothed by a Gaussian window; outside them there are zeros."""
    def weights(count: int, spread: Any, dtype: Any) -> Tensor:
        at = as_tensor(np.arange(count) - (count - 1) / 2, dtype)
        bell = ew.exp(-0.5 * ew.square(at / as_tensor(spread, dtype)))
        return bell / red.reduce_sum(bell)

    def compute(x: Tensor) -> Tensor:
        rows, columns = sizes(kernel_size, 2, "kernel_size")
        # as in Keras the first number is the width's
        window = view.expand_dims(weights(columns, sigma[1], x.dtype), 1) * weights(rows, sigma[0], x.dtype)
        channels = int(x.shape[-1])
        kernel = view.broadcast_to(view.reshape(window, (rows, columns, 1, 1)), (rows, columns, channels, 1))
        return depthwise_conv(x, kernel, 1, "same", "channels_last")
    return _pictures(images, data_format, compute)


def sobel_edges(images: Any, data_format: str | None = None) -> Tensor:
    """How a batch changes downwards and to the right, by Sobel filters, along a new last axis."""
    return _pictures(images, data_format, quality.sobel_edges, channels=-2)


def ssim(image1: Any, image2: Any, max_val: float = 1.0, filter_size: int = 11, filter_sigma: float = 1.5,
         k1: float = 0.01, k2: float = 0.03, data_format: str | None = None) -> Tensor:
    """The structural similarity of images (Wang et al. 2004), at most 1: [batch], or a scalar for one image."""
    first, second = convert_to_tensor(image1), convert_to_tensor(image2)
    if data_format_word(data_format) == "channels_first":
        first, second = (moveaxis(t, -3, -1) for t in (first, second))
    found = quality.ssim(floating(first), floating(second), max_val, filter_size, filter_sigma, k1, k2)
    return as_tensor(found, first.dtype)


# moved

def _moved(images: Any, interpolation: str, fill_mode: str, data_format: str | None,
           compute: Callable[[Tensor], Tensor]) -> Tensor:
    for name, value, allowed in (("interpolation", interpolation, ("nearest", "bilinear")),
                                 ("fill_mode", fill_mode, ("constant", "nearest", "wrap", "reflect"))):
        if value not in allowed:
            raise ValueError(f"Invalid value for argument `{name}`. Expected of one {allowed}. Received: "
                             f"{name}={value}")
    return _pictures(images, data_format, compute)


def affine_transform(images: Any, transform: Any, interpolation: str = "bilinear", fill_mode: str = "constant",
                     fill_value: float = 0, data_format: str | None = None) -> Tensor:
    """Images whose pixel (x, y) is that of the input at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k).

    `transform` [a0, a1, a2, b0, b1, b2, c0, c1], with k = c0 x + c1 y + 1, is one for all or one for each image.
    `fill_mode` is "constant", "nearest", "wrap" or "reflect". Raises ValueError for other arguments.
    """
    flat = as_tensor(transform, "float32")
    if rank_of("affine_transform", flat) not in (1, 2):
        raise ValueError("Invalid transform rank: expected rank 1 (single transform) or rank 2 (batch of transforms). "
                         f"Received input with shape: transform.shape={flat.shape}")
    return _moved(images, interpolation, fill_mode, data_format,
                  lambda x: geometry.transformed(x, flat, interpolation, fill_mode, fill_value))


def perspective_transform(images: Any, start_points: Any, end_points: Any, interpolation: str = "bilinear",
                          fill_value: float = 0, data_format: str | None = None) -> Tensor:
    """Images moved so that the four start points (x, y) come to lie on the end points: [4, 2] or [batch, 4, 2].

    Raises ValueError for other shapes or arguments.
    """
    start, end = as_tensor(start_points, "float32"), as_tensor(end_points, "float32")
    for name, points in (("start_points", start), ("end_points", end)):
        if rank_of(name, points) not in (2, 3) or points.shape[-2:].as_list() != [4, 2]:
            raise ValueError(f"Invalid {name} shape: expected (4,2) for a single image or (N,4,2) for a batch. "
                             f"Received shape: {points.shape}")
    if not start.shape.is_compatible_with(end.shape):
        raise ValueError("start_points and end_points must have the same shape. Received "
                         f"start_points.shape={start.shape}, end_points.shape={end.shape}")
    flat = geometry.homography(start, end)
    return _moved(images, interpolation, "constant", data_format,
                  lambda x: geometry.transformed(x, flat, interpolation, "constant", fill_value))


def elastic_transform(images: Any, alpha: float = 20.0, sigma: float = 5.0, interpolation: str = "bilinear",
                      fill_mode: str = "reflect", fill_value: float = 0.0, seed: Any = None,
                      data_format: str | None = None) -> Tensor:
    """Images whose pixels are moved at random, neighbours alike: `alpha` says how far, `sigma` how smoothly.

    Raises ValueError for other arguments.
    """
    def compute(x: Tensor) -> Tensor:
        around = (6 * int(sigma) | 1,) * 2
        return geometry.displaced(x, alpha, sigma, interpolation, fill_mode, fill_value, seed,
                                  lambda noise: gaussian_blur(noise, around, (sigma, sigma), "channels_last"))
    return _moved(images, interpolation, fill_mode, data_format, compute)


map_coordinates = geometry.map_coordinates

__all__ = [
    "affine_transform", "crop_images", "elastic_transform", "extract_patches", "extract_patches_3d", "gaussian_blur",
    "hsv_to_rgb", "map_coordinates", "pad_images", "perspective_transform", "resize", "rgb_to_grayscale", "rgb_to_hsv",
    "scale_and_translate", "sobel_edges", "ssim",
]
