"""Measures of images and edges: PSNR, SSIM, total variation, gradients."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compiler.errors import ShapeError
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import abs_, cast, log, maximum, squared_difference
from ..compiler.ops.reduction import reduce_mean, reduce_prod, reduce_sum
from ..compiler.ops.slicing import pad, slice_axis, stack
from ..compiler.ops.view import identity, reshape, transpose
from ..compiler.ops.window import avg_pool
from ..compiler.ops.window import conv2d as convolve
from ..framework import name_scope
from ..math_ops import pow_
from .colour import convert_image_dtype
from .common import as_image

# weights of the five scales: Wang, Simoncelli, Bovik, "Multiscale structural similarity", 2003
_MSSSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def total_variation(images: Any, name: str | None = None) -> Tensor:
    """The sum of absolute differences of neighbouring pixels: a scalar for an image, (batch,) for a batch."""
    with name_scope(name, "total_variation", [images]) as scope:
        x = convert_to_tensor(images, name="images")
        if x.dims is None or len(x.dims) not in (3, 4):
            raise ValueError("'images' must be either 3 or 4-dimensional.")
        height = len(x.dims) - 3
        axes = list(range(height, height + 3))
        down, across = (reduce_sum(abs_(_difference(x, axis)), axes) for axis in (height, height + 1))
        return identity(down + across, name=scope)


def _difference(x: Tensor, axis: int) -> Tensor:
    """x[1:] - x[:-1] along an axis."""
    assert x.dims is not None
    rest = x.dims[axis] - 1
    return slice_axis(x, axis, 1, rest) - slice_axis(x, axis, 0, rest)


def image_gradients(image: Any) -> tuple[Tensor, Tensor]:
    """(dy, dx) of a batch (batch, height, width, channels): differences to the pixel below and to the right, 0 at the
    last row and column. Raises ValueError unless of rank 4."""
    x = convert_to_tensor(image, name="image")
    if x.dims is None or len(x.dims) != 4:
        raise ShapeError(f"image_gradients expects a 4D tensor [batch_size, h, w, d], not {x.shape}.")
    down = pad(_difference(x, 1), [[0, 0], [0, 1], [0, 0], [0, 0]])
    across = pad(_difference(x, 2), [[0, 0], [0, 0], [0, 1], [0, 0]])
    return down, across


def sobel_edges(image: Any) -> Tensor:
    """Sobel's edge maps (batch, height, width, channels, 2) of a batch of images: [dy, dx] along the last axis."""
    x = as_image(image, "image", (4,))
    kernel = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], np.float32)
    around = pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    return stack([_per_channel(around, k.astype(x.dtype.np)) for k in (kernel, kernel.T)], -1)


def _per_channel(x: Tensor, kernel: np.ndarray) -> Tensor:
    """Each channel filtered by `kernel`, without padding: channels are moved into the batch."""
    assert x.dims is not None
    n, h, w, c = x.dims
    height, width = kernel.shape
    columns = reshape(transpose(x, [0, 3, 1, 2]), (n * c, h, w, 1))
    parts = convolve(columns, constant(kernel.reshape(height, width, 1, 1)), 1, "VALID")
    assert parts.dims is not None
    return transpose(reshape(parts, (n, c, parts.dims[1], parts.dims[2])), [0, 2, 3, 1])


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Tensor:
    """The peak signal-to-noise ratio in decibels of each pair of images; `max_val` is the range of their values."""
    with name_scope(name, "PSNR", [a, b]) as scope:
        first, second = convert_to_tensor(a, name="a"), convert_to_tensor(b, name="b")
        peak = convert_image_dtype(cast(convert_to_tensor(max_val), first.dtype), "float32")
        first, second = convert_image_dtype(first, "float32"), convert_image_dtype(second, "float32")
        _check_pair(first, second)
        error = reduce_mean(squared_difference(first, second), [-3, -2, -1])
        return identity(20 * log(peak) / float(np.float32(np.log(10.0)))
                        - float(np.float32(10 / np.log(10))) * log(error), name=scope)


def _check_pair(a: Tensor, b: Tensor) -> None:
    for x in (a, b):
        if x.dims is None or len(x.dims) < 3:
            raise ShapeError(f"images must have at least rank 3, received {x!r}")
    a.shape[-3:].assert_is_compatible_with(b.shape[-3:])


def _gaussian(size: int, sigma: float) -> np.ndarray:
    """A Gaussian window (size, size) of sum 1."""
    x = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    logits = -0.5 * np.square(x) / np.float32(sigma) ** 2
    both = np.exp((logits[:, None] + logits[None, :]) - logits.max() * 2)
    return (both / both.sum()).astype(np.float32)


def _ssim_per_channel(a: Tensor, b: Tensor, peak: Tensor, filter_size: int, filter_sigma: float, k1: float, k2: float
                      ) -> tuple[Tensor, Tensor]:
    """(SSIM, contrast-structure) of each channel at each place of the window."""
    for x in (a, b):
        if any(isinstance(d, int) and d < filter_size for d in x.dims[-3:-1]):  # type: ignore[index]
            raise ShapeError(f"ssim: images must be at least {filter_size} x {filter_size} (filter_size), received "
                             f"{x!r}")
    c1, c2 = (peak * k1) * (peak * k1), (peak * k2) * (peak * k2)
    window = _gaussian(filter_size, filter_sigma)

    def local(x: Tensor) -> Tensor:
        assert x.dims is not None
        flat = reshape(x, (-1, *x.dims[-3:]))
        filtered = _per_channel(flat, window)
        assert filtered.dims is not None
        return reshape(filtered, (*x.dims[:-3], *filtered.dims[1:]))

    mean_a, mean_b = local(a), local(b)
    luminance = (mean_a * mean_b * 2.0 + c1) / (mean_a * mean_a + mean_b * mean_b + c1)
    numerator = local(a * b) * 2.0 - mean_a * mean_b * 2.0
    denominator = local(a * a + b * b) - (mean_a * mean_a + mean_b * mean_b)
    structure = (numerator + c2) / (denominator + c2)
    return luminance * structure, structure


def _prepared(img1: Any, img2: Any, max_val: Any) -> tuple[Tensor, Tensor, Tensor]:
    first, second = convert_to_tensor(img1, name="img1"), convert_to_tensor(img2, name="img2")
    _check_pair(first, second)
    peak = convert_image_dtype(cast(convert_to_tensor(max_val), first.dtype), "float32")
    return convert_image_dtype(first, "float32"), convert_image_dtype(second, "float32"), peak


def ssim(img1: Any, img2: Any, max_val: Any, filter_size: int = 11, filter_sigma: float = 1.5, k1: float = 0.01,
         k2: float = 0.03, return_index_map: bool = False) -> Tensor:
    """The structural similarity of each pair of images, in (-1, 1]; with `return_index_map` of each place of the
    window, (..., height - filter_size + 1, width - filter_size + 1).

    Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", 2004. Raises ValueError for images that are smaller
    than the window or differ in shape.
    """
    with name_scope(None, "SSIM", [img1, img2]):
        first, second, peak = _prepared(img1, img2, max_val)
        places, _ = _ssim_per_channel(first, second, peak, filter_size, filter_sigma, k1, k2)
        return reduce_mean(places if return_index_map else reduce_mean(places, [-3, -2]), [-1])


def ssim_multiscale(img1: Any, img2: Any, max_val: Any, power_factors: Sequence[float] = _MSSSIM_WEIGHTS,
                    filter_size: int = 11, filter_sigma: float = 1.5, k1: float = 0.01, k2: float = 0.03) -> Tensor:
    """The multiscale structural similarity of each pair of images (see `ssim`), one scale for each power factor."""
    with name_scope(None, "MS-SSIM", [img1, img2]):
        first, second, peak = _prepared(img1, img2, max_val)
        factors: list[Tensor] = []
        similarity = first
        for k, _ in enumerate(power_factors):
            if k:
                first, second = _halved(first), _halved(second)
            similarity, structure = _ssim_per_channel(first, second, peak, filter_size, filter_sigma, k1, k2)
            factors.append(maximum(reduce_mean(structure, [-3, -2]), 0.0))
        factors[-1] = maximum(reduce_mean(similarity, [-3, -2]), 0.0)
        weighted = pow_(stack(factors, -1), constant(np.array(power_factors, np.float32)))
        return reduce_mean(reduce_prod(weighted, [-1]), [-1])


def _halved(x: Tensor) -> Tensor:
    """Means over 2 x 2 pixels; a last odd row or column is repeated."""
    assert x.dims is not None
    flat = reshape(x, (-1, *x.dims[-3:]))
    odd = [int(d % 2) if isinstance(d, int) else 0 for d in x.dims[-3:-1]]
    flat = pad(flat, [[0, 0], [0, odd[0]], [0, odd[1]], [0, 0]], mode="SYMMETRIC")
    small = avg_pool(flat, 2, 2, "VALID")
    assert small.dims is not None
    return reshape(small, (*x.dims[:-3], *small.dims[1:]))


__all__ = ["image_gradients", "psnr", "sobel_edges", "ssim", "ssim_multiscale", "total_variation"]
