"""Images resized: each output pixel mixes input pixels whose places and weights depend on one axis at a time.

Sampling follows TensorFlow 1: output pixel i stands at i * scale of the input, scale being in / out, or
(in - 1) / (out - 1) with `align_corners`; at (i + 1/2) * scale - 1/2 with `half_pixel_centers`.
"""
from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from ..compiler.dims import Dim
from ..compiler.dtypes import FLOATS
from ..compiler.ir import Tensor
from ..compiler.ops.contraction import matmul
from ..compiler.ops.elementwise import cast, equal, floor, maximum, minimum, rint, where
from ..compiler.ops.gather import gather
from ..compiler.ops.view import identity, reshape, transpose
from ..framework import name_scope
from ..math_ops import range_
from .common import (
    Scalar,
    as_image,
    as_tensor,
    batched,
    check,
    check_known,
    height_width,
    scalar,
    static_size,
    unbatched,
)
from .crop import pad_to_bounding_box


class ResizeMethod(enum.IntEnum):
    """How `resize_images` fills in pixels."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


def _scale(have: Scalar, want: Scalar, align_corners: bool) -> Tensor:
    """Input pixels per output pixel, float32."""
    size, wanted = as_tensor(have, "float32"), as_tensor(want, "float32")
    if not align_corners:
        return size / wanted
    return where(wanted > 1, (size - 1) / maximum(wanted - 1, 1.0), size / wanted)


def _positions(have: Scalar, want: Scalar, align_corners: bool, half_pixel_centers: bool, shift: float = 0.5) -> Tensor:
    """Where in the input each output pixel stands, float32."""
    check(not (align_corners and half_pixel_centers),
          "If half_pixel_centers is True, align_corners must be False.")
    steps, scale = cast(range_(as_tensor(want, "int32")), "float32"), _scale(have, want, align_corners)
    return (steps + 0.5) * scale - shift if half_pixel_centers else steps * scale


def _within(index: Tensor, have: Scalar) -> Tensor:
    return minimum(maximum(index, 0), as_tensor(have, "int32") - 1)


def _column(weights: Tensor, axis: int) -> Tensor:
    return reshape(weights, [-1 if a == axis else 1 for a in range(axis, 4)])


def _sizes(images: Any, size: Any) -> tuple[Tensor, list[tuple[int, Scalar, Scalar]]]:
    """The batch of images, and (axis, present size, new size) for height and width."""
    x = as_image(images, "images", (4,))
    wanted = static_size("size", size)
    for want in wanted:
        check_known(want, 1, f"output dimensions must be positive, received size {size!r}")
    return x, [(axis, have, want) for axis, have, want in zip((1, 2), height_width(x), wanted, strict=True)]


def resize_nearest_neighbor(images: Any, size: Any, align_corners: bool = False, name: str | None = None,
                            half_pixel_centers: bool = False) -> Tensor:
    """Images (batch, height, width, channels) of any dtype resized to `size` by taking the pixel below each place."""
    with name_scope(name, "ResizeNearestNeighbor", [images]) as scope:
        x, axes = _sizes(images, size)
        for axis, have, want in axes:
            place = _positions(have, want, align_corners, half_pixel_centers, shift=0.0)
            # half a pixel rounds up here, where NumPy and rint go to the even one
            index = cast(floor(place + 0.5) if align_corners else floor(place), "int32")
            x = gather(x, _within(index, have), axis)
        return identity(x, name=scope)


def resize_bilinear(images: Any, size: Any, align_corners: bool = False, name: str | None = None,
                    half_pixel_centers: bool = False) -> Tensor:
    """Images (batch, height, width, channels) resized to `size` as float32, linear between the nearest pixels."""
    with name_scope(name, "ResizeBilinear", [images]) as scope:
        x, axes = _sizes(images, size)
        x = _floats(x)
        for axis, have, want in axes:
            place = _positions(have, want, align_corners, half_pixel_centers)
            below = floor(place)
            first = cast(below, "int32")
            low, high = (gather(x, _within(first + k, have), axis) for k in (0, 1))
            x = low + (high - low) * _column(place - below, axis)
        return identity(x, name=scope)


def _floats(x: Tensor) -> Tensor:
    return x if x.dtype in FLOATS and x.dtype.size == 4 else cast(x, "float32")


def resize_bicubic(images: Any, size: Any, align_corners: bool = False, name: str | None = None,
                   half_pixel_centers: bool = False) -> Tensor:
    """Images (batch, height, width, channels) resized to `size` as float32 by cubic convolution.

    Keys, "Cubic convolution interpolation for digital image processing", 1981: a = -0.5 with `half_pixel_centers`,
    where pixels outside the image count nothing; else a = -0.75 and border pixels repeat, as TensorFlow does.
    """
    with name_scope(name, "ResizeBicubic", [images]) as scope:
        x, axes = _sizes(images, size)
        x = _floats(x)
        a = -0.5 if half_pixel_centers else -0.75
        for axis, have, want in axes:
            place = _positions(have, want, align_corners, half_pixel_centers)
            below = floor(place)
            near = rint((place - below) * 1024.0) / 1024.0  # TensorFlow tabulates the weights
            weights = [_far(1.0 + near, a), _near(near, a), _near(1.0 - near, a), _far(2.0 - near, a)]
            first = cast(below, "int32")
            taps = [_within(first + k, have) for k in (-1, 0, 1, 2)]
            if half_pixel_centers:
                weights = [where(equal(tap, first + k), w, 0.0)
                           for k, tap, w in zip((-1, 0, 1, 2), taps, weights, strict=True)]
                total = weights[0] + weights[1] + weights[2] + weights[3]
                weights = [w / total for w in weights]
            parts = [gather(x, tap, axis) * _column(w, axis) for tap, w in zip(taps, weights, strict=True)]
            x = parts[0] + parts[1] + parts[2] + parts[3]
        return identity(x, name=scope)


def _near(x: Tensor, a: float) -> Tensor:
    """The cubic kernel at distance x <= 1."""
    return ((a + 2) * x - (a + 3)) * x * x + 1.0


def _far(x: Tensor, a: float) -> Tensor:
    """The cubic kernel at distance 1 <= x <= 2."""
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a


def resize_area(images: Any, size: Any, align_corners: bool = False, name: str | None = None) -> Tensor:
    """Images (batch, height, width, channels) resized to `size` as float32: means over what each pixel covers."""
    with name_scope(name, "ResizeArea", [images]) as scope:
        x, axes = _sizes(images, size)
        x = _floats(x)
        for axis, have, want in axes:
            scale = _scale(have, want, align_corners)
            low = reshape(cast(range_(as_tensor(want, "int32")), "float32") * scale, [-1, 1])
            high = low + scale
            pixel = reshape(cast(range_(as_tensor(have, "int32")), "float32"), [1, -1])
            last = as_tensor(have, "float32") - 1.0
            end = where(equal(pixel, last), maximum(high, pixel + 1.0), pixel + 1.0)  # the border repeats beyond it
            cover = maximum(minimum(end, high) - maximum(pixel, low), 0.0) / scale
            assert x.dims is not None
            perm = [0, 2, 1, 3] if axis == 2 else [0, 1, 2, 3]
            rows = transpose(x, perm)
            assert rows.dims is not None
            flat = reshape(rows, [rows.dims[0], rows.dims[1], rows.dims[2] * rows.dims[3]])
            mixed = matmul(cover, flat)
            x = transpose(reshape(mixed, [rows.dims[0], want, rows.dims[2], rows.dims[3]]), perm)
        return identity(x, name=scope)


METHODS = {ResizeMethod.BILINEAR: resize_bilinear, ResizeMethod.NEAREST_NEIGHBOR: resize_nearest_neighbor,
            ResizeMethod.BICUBIC: resize_bicubic, ResizeMethod.AREA: resize_area}
_NAMES = {"bilinear": 0, "nearest": 1, "bicubic": 2, "area": 3}


def resize_images(images: Any, size: Any, method: Any = ResizeMethod.BILINEAR, align_corners: bool = False,
                  preserve_aspect_ratio: bool = False, name: str | None = None) -> Tensor:
    """An image or a batch resized to `size` (height, width): float32, but of its own dtype by NEAREST_NEIGHBOR or
    where the size is known to be as before.

    `preserve_aspect_ratio` makes `size` the largest one. Raises ValueError for another rank, size or method.
    """
    method = method_of(method)
    return resized(images, size, preserve_aspect_ratio, name,
                   lambda x, wanted: METHODS[method](x, wanted, align_corners=align_corners), keeps=True)


def method_of(method: Any) -> ResizeMethod:
    """The method that a number or name stands for. Raises ValueError for others."""
    method = _NAMES.get(method, method)
    if method not in list(ResizeMethod):
        raise ValueError("Resize method is not implemented.")
    return ResizeMethod(method)


def resized(images: Any, size: Any, preserve_aspect_ratio: bool, name: str | None,
            compute: Callable[[Tensor, list[Scalar]], Tensor], keeps: bool) -> Tensor:
    """An image or a batch as `compute` makes it of a batch and a size; as it is, where it `keeps` what has the size."""
    with name_scope(name, "resize", [images]) as scope:
        x, single = batched(as_image(images, "images"))
        have = height_width(x)
        height, width = static_size("size", size)
        if preserve_aspect_ratio:
            height, width = _fitting(have, (height, width))
        if keeps and (height, width) == have:
            return unbatched(x, single)
        result = compute(x, [height, width])
        result.set_shape([None, *(s if isinstance(s, int) else None for s in (height, width)), None])
        return unbatched(result, single, scope)


def _fitting(have: tuple[Any, Any], limits: tuple[Scalar, Scalar]) -> tuple[Scalar, Scalar]:
    """The largest size within `limits` with the proportions of `have`."""
    if all(isinstance(s, int) for s in (*have, *limits)):
        ratio = min(float(want) / float(size) for want, size in zip(limits, have, strict=True))  # type: ignore[arg-type]
        return int(round(have[0] * ratio)), int(round(have[1] * ratio))
    sizes = [as_tensor(s, "float32") for s in have]
    wanted = [as_tensor(s, "float32") for s in limits]
    ratio = minimum(wanted[0] / sizes[0], wanted[1] / sizes[1])  # type: ignore[assignment]
    return cast(rint(sizes[0] * ratio), "int32"), cast(rint(sizes[1] * ratio), "int32")


def resize_image_with_pad(image: Any, target_height: Any, target_width: Any, method: Any = ResizeMethod.BILINEAR,
                          align_corners: bool = False) -> Tensor:
    """The image (or batch) resized to fit the target size, keeping its proportions, centred within zeros."""
    with name_scope(None, "resize_image_with_pad", [image]):
        x, single = batched(as_image(image))
        height, width = scalar(target_height), scalar(target_width)
        check_known(width, 1, "target_width must be > 0.")
        check_known(height, 1, "target_height must be > 0.")
        rows, columns = height_width(x)
        if any(isinstance(s, (Dim, Tensor)) for s in (rows, columns, height, width)):
            sizes = [as_tensor(s, "float32") for s in (rows, columns)]
            targets = [as_tensor(s, "float32") for s in (height, width)]
            ratio = maximum(sizes[0] / targets[0], sizes[1] / targets[1])
            exact = [s / ratio for s in sizes]
            new: list[Any] = [cast(floor(e), "int32") for e in exact]
            above: list[Any] = [cast(maximum(floor((t - e) / 2.0), 0.0), "int32")
                                for t, e in zip(targets, exact, strict=True)]
        else:
            known = max(rows / height, columns / width)  # type: ignore[operator]
            new = [int(rows / known), int(columns / known)]  # type: ignore[operator]
            above = [max(0, int((height - rows / known) // 2)), max(0, int((width - columns / known) // 2))]  # type: ignore[arg-type, operator]
        resized = resize_images(x, new, method, align_corners)
        return unbatched(pad_to_bounding_box(resized, *above, height, width), single)  # type: ignore[call-arg]


resize = resize_images

__all__ = ["ResizeMethod", "resize", "resize_area", "resize_bicubic", "resize_bilinear", "resize_image_with_pad",
           "resize_images", "resize_nearest_neighbor"]
