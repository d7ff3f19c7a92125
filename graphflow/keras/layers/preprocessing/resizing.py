"""Images of another size: resized, cut out of the middle or at random."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....compiler import dims as dm
from ....compiler.ir import Tensor
from ....compiler.ops.contraction import tensordot
from ....compiler.ops.dynamic_slice import dynamic_slice
from ....compiler.ops.elementwise import abs_, cast, greater, maximum, sin, where
from ....compiler.ops.gather import range_
from ....compiler.ops.reduction import reduce_sum
from ....compiler.ops.slicing import place, slice_axis, stack
from ....compiler.ops.view import dim_scalar, expand_dims, known_rank, transpose, zeros_of
from ....image.resize import resize_area, resize_bicubic, resize_bilinear, resize_nearest_neighbor
from .boxes import crop
from .image_layer import BaseImagePreprocessingLayer

INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5")


def resized(x: Tensor, size: Sequence[dm.DimLike], interpolation: str = "bilinear", antialias: bool = False,
            crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False, fill_value: float = 0.0) -> Tensor:
    """A batch of images (channels last) resized, pixels being areas: their centres are half a pixel from the edges.

    To keep the aspect ratio, the image is first cut, or padded with `fill_value`, around its middle.
    """
    if crop_to_aspect_ratio or pad_to_aspect_ratio:
        x = _of_aspect_ratio(x, size, crop_to_aspect_ratio, fill_value)
    if interpolation == "nearest":
        return resize_nearest_neighbor(x, size, half_pixel_centers=True)
    if interpolation == "area":
        return resize_area(x, size)
    if not antialias and interpolation in ("bilinear", "bicubic"):
        resize = resize_bilinear if interpolation == "bilinear" else resize_bicubic
        return resize(x, size, half_pixel_centers=True)
    kernel, radius = _KERNELS[interpolation]
    for axis in (1, 2):
        weights = _weights(known_rank("resized", x)[axis], size[axis - 1], kernel, radius, antialias)
        rest = [a for a in range(4) if a != axis]
        x = transpose(tensordot(x, cast(weights, x.dtype), [[axis], [1]]),
                      [3 if a == axis else rest.index(a) for a in range(4)])  # the new axis came out last
    return x


def _of_aspect_ratio(x: Tensor, size: Sequence[Any], crop: bool, fill_value: float) -> Tensor:
    assert x.dims is not None
    batch, height, width, channels = x.dims
    fitting = [width * size[0] // size[1], height * size[1] // size[0]]
    if not crop:
        new = [dm.maximum(height, fitting[0]), dm.maximum(width, fitting[1])]
        return place(x, (batch, *new, channels), (0, (new[0] - height) // 2, (new[1] - width) // 2, 0),
                     value=fill_value)
    new = [dm.maximum(dm.minimum(d, f), 1) for d, f in zip((height, width), fitting, strict=True)]
    return slice_axis(slice_axis(x, 1, (height - new[0]) // 2, new[0]), 2, (width - new[1]) // 2, new[1])


def _triangle(x: Tensor) -> Tensor:
    return maximum(1.0 - x, 0.0)


def _keys(x: Tensor) -> Tensor:
    """Keys's cubic with a = -1/2."""
    near, far = ((1.5 * x - 2.5) * x) * x + 1.0, ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return where(x >= 2.0, zeros_of(x), where(x >= 1.0, far, near))


def _lanczos(radius: float) -> Any:
    def kernel(x: Tensor) -> Tensor:
        safe = where(greater(x, 1e-3), x, cast(1.0, x.dtype)) * np.pi
        value = radius * sin(safe) * sin(safe / radius) / (safe * safe)
        return where(x > radius, zeros_of(x), where(greater(x, 1e-3), value, cast(1.0, x.dtype)))
    return kernel


_KERNELS: dict[str, tuple[Any, float]] = {"bilinear": (_triangle, 1.0), "bicubic": (_keys, 2.0),
                                          "lanczos3": (_lanczos(3.0), 3.0), "lanczos5": (_lanczos(5.0), 5.0)}


def _weights(have: Any, want: Any, kernel: Any, radius: float, antialias: bool) -> Tensor:
    """[want, have]: how much each input pixel along an axis counts for each output pixel."""
    scale = cast(dim_scalar(have), "float32") / cast(dim_scalar(want), "float32")
    centres = (cast(range_(dim_scalar(want)), "float32") + 0.5) * scale
    stretch = maximum(scale, 1.0) if antialias else 1.0
    pixels = cast(range_(dim_scalar(have)), "float32") + 0.5
    distance = abs_(expand_dims(pixels, 0) - expand_dims(centres, 1)) / stretch
    weights = kernel(distance)
    return weights / reduce_sum(weights, -1, keepdims=True)


class Resizing(BaseImagePreprocessingLayer):
    """Images resized to `height` and `width`."""

    moves = always = True

    def __init__(self, height: int, width: int, interpolation: str = "bilinear", crop_to_aspect_ratio: bool = False,
                 pad_to_aspect_ratio: bool = False, fill_mode: str = "constant", fill_value: float = 0.0,
                 antialias: bool = False, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        if interpolation not in INTERPOLATIONS:
            raise ValueError("Invalid value for argument `interpolation`. Expected of one "
                             f"{INTERPOLATIONS}. Received: interpolation={interpolation}")
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can be `True`.")
        if fill_mode != "constant":
            raise ValueError(f"Invalid value for argument `fill_mode`. Expected `'constant'`. Received: {fill_mode}")
        self.height, self.width, self.interpolation = height, width, interpolation
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value, self.antialias = fill_mode, fill_value, bool(antialias)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        return resized(images, (self.height, self.width), interpolation, self.antialias, self.crop_to_aspect_ratio,
                       self.pad_to_aspect_ratio, self.fill_value)

    def change_boxes(self, boxes: Tensor, drawn: Any, height: Any, width: Any) -> tuple[Tensor, Any, Any]:
        have = [cast(dim_scalar(d), boxes.dtype) for d in (width, height)]
        want = [float(self.width), float(self.height)]
        scales = [w / h for w, h in zip(want, have, strict=True)]
        if self.pad_to_aspect_ratio or self.crop_to_aspect_ratio:
            choose = maximum if self.crop_to_aspect_ratio else _least
            scales = [choose(*scales)] * 2
        shifts = [(w - h * s) / 2.0 for w, h, s in zip(want, have, scales, strict=True)]
        return stack([boxes[..., i] * scales[i % 2] + shifts[i % 2] for i in range(4)], -1), self.height, self.width

    def get_config(self) -> dict[str, Any]:
        names = ("height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode",
                 "fill_value", "antialias")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


def _least(a: Tensor, b: Tensor) -> Tensor:
    return -maximum(-a, -b)


class CenterCrop(BaseImagePreprocessingLayer):
    """The middle of images; smaller ones are resized, keeping their aspect ratio."""

    moves = always = True

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = height, width

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        assert images.dims is not None
        rest = [images.dims[1] - self.height, images.dims[2] - self.width]
        if any(isinstance(r, int) and r < 0 for r in rest):
            return resized(images, (self.height, self.width), interpolation, crop_to_aspect_ratio=True)
        return slice_axis(slice_axis(images, 1, rest[0] // 2, self.height), 2, rest[1] // 2, self.width)

    def change_boxes(self, boxes: Tensor, drawn: Any, height: Any, width: Any) -> tuple[Tensor, Any, Any]:
        rest = [height - self.height, width - self.width]
        if any(isinstance(r, int) and r < 0 for r in rest):
            resizing = Resizing(self.height, self.width, crop_to_aspect_ratio=True)
            return resizing.change_boxes(boxes, drawn, height, width)
        shifts = [cast(dim_scalar(r // 2), boxes.dtype) for r in reversed(rest)]
        return stack([boxes[..., i] - shifts[i % 2] for i in range(4)], -1), self.height, self.width

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


class RandomCrop(BaseImagePreprocessingLayer):
    """In training a part of `height` and `width` at a random place, the same in all images of a batch.

    Images that are not larger are cut where a middle part of its aspect ratio would begin, and resized.
    """

    moves = True

    def __init__(self, height: int, width: int, seed: int | None = None, data_format: str | None = None,
                 name: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, seed=seed, name=name, **kwargs)
        self.height, self.width = height, width

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        """Where the part begins, or None where images are resized."""
        if not (isinstance(height, int) and isinstance(width, int)):
            raise ValueError("RandomCrop requires the input to have a fully defined height and width. Received: "
                             f"height={height}, width={width}")
        if height <= self.height or width <= self.width:
            return None
        return [cast(self.uniform((), 0, have - want + 1), "int32")
                for have, want in ((height, self.height), (width, self.width))]

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        sizes: tuple[Any, ...] = known_rank("RandomCrop", images)
        batch, height, width, channels = sizes
        if drawn is None:
            for axis, begin, size in zip((1, 2), self._begins(height, width), (self.height, self.width), strict=True):
                images = slice_axis(images, axis, begin, min((height, width)[axis - 1] - begin, size))
            return resized(images, (self.height, self.width), interpolation)
        return dynamic_slice(images, (0, *drawn, 0), (batch, self.height, self.width, channels))

    def change_boxes(self, boxes: Tensor, drawn: Any, height: Any, width: Any) -> tuple[Tensor, Any, Any]:
        if drawn is None:
            begins = self._begins(height, width)
            boxes = crop(boxes, *begins, min(height - begins[0], self.height), min(width - begins[1], self.width))
            return Resizing(self.height, self.width).change_boxes(boxes, drawn, min(height - begins[0], self.height),
                                                                  min(width - begins[1], self.width))
        shifts = [cast(d, boxes.dtype) for d in reversed(drawn)]
        return stack([boxes[..., i] - shifts[i % 2] for i in range(4)], -1), self.height, self.width

    def _begins(self, height: int, width: int) -> tuple[int, int]:
        """Where the middle part of the crop's aspect ratio begins."""
        down, across = width * self.height // self.width, height * self.width // self.height
        return (height - max(min(height, down), 1)) // 2, (width - max(min(width, across), 1)) // 2

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width, "seed": self.seed}
