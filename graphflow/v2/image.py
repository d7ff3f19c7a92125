"""`tf.image` of TensorFlow 2."""
from __future__ import annotations

from typing import Any

from .. import image as _v1
from ..compiler.ir import Tensor
from ..image.resize import METHODS, ResizeMethod, method_of, resized
from ..keras.ops.geometry import resize_by_weights

__all__ = ["resize"]


def resize(images: Any, size: Any, method: Any = "bilinear", preserve_aspect_ratio: bool = False,
           antialias: bool = False, name: str | None = None) -> Tensor:
    """An image or a batch [batch, height, width, channels] resized to `size`, float32 (by "nearest" of its own dtype).

    `method` is "bilinear", "nearest", "bicubic", "area", "lanczos3" or "lanczos5". Pixels are squares with their values
    in the middle, unlike TensorFlow 1's. `preserve_aspect_ratio` makes `size` the largest one; with `antialias` it is
    smoothed where images shrink. Raises ValueError for another rank, size or method.
    """
    weighted = antialias and method in ("bilinear", "bicubic") or method in ("lanczos3", "lanczos5")

    def compute(x: Tensor, wanted: Any) -> Tensor:
        if weighted:
            return resize_by_weights(x, wanted, method, antialias)
        kind = method_of(method)
        centres: dict[str, Any] = {} if kind is ResizeMethod.AREA else {"half_pixel_centers": True}
        return METHODS[kind](x, wanted, **centres)
    return resized(images, size, preserve_aspect_ratio, name, compute, keeps=False)


def __getattr__(name: str) -> Any:
    return getattr(_v1, name)
