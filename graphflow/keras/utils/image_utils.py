"""Images as files, as Pillow's objects and as arrays."""
from __future__ import annotations

import io
import os
from typing import Any

import numpy as np

from ...compiler.ir import Graph, Tensor
from ...compiler.site import warn
from .. import backend

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def pillow(what: str) -> Any:
    """The module PIL.Image. Raises ImportError."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(f"{what} needs Pillow: pip install graphflow[image]") from None
    return Image


def data_format_of(value: str | None) -> str:
    """"channels_last" or "channels_first"; None is the global setting. Raises ValueError."""
    word = backend.image_data_format() if value is None else value
    if word not in ("channels_last", "channels_first"):
        raise ValueError("The `data_format` argument must be one of {'channels_first', 'channels_last'}. "
                         f"Received: data_format={value!r}")
    return word


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """One image, an array of rank 3 with 1, 3 or 4 channels, as Pillow's.

    With `scale` the smallest value becomes 0 and the largest 255. Raises ValueError for another rank or number of
    channels, ImportError without Pillow.
    """
    Image = pillow("array_to_img")
    x = np.asarray(x, dtype or backend.floatx())
    if x.ndim != 3:
        raise ValueError(f"Expected image array to have rank 3 (single image). Got array with shape: {x.shape}")
    if data_format_of(data_format) == "channels_first":
        x = x.transpose(1, 2, 0)
    if scale:
        x = x - x.min()
        x = x / (x.max() or 1) * 255
    channels = x.shape[2]
    if channels not in (1, 3, 4):
        raise ValueError(f"Unsupported channel number: {channels}")
    if channels == 1:
        return Image.fromarray(x[:, :, 0].astype(np.int32 if x.max() > 255 else np.uint8))
    return Image.fromarray(x.astype(np.uint8))


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """One image of Pillow's, or an array of rank 2 or 3, as an array of rank 3. Raises ValueError."""
    x = np.asarray(img, dtype or backend.floatx())
    if x.ndim not in (2, 3):
        raise ValueError(f"Unsupported image shape: {x.shape}")
    if data_format_of(data_format) == "channels_first":
        return x[None] if x.ndim == 2 else x.transpose(2, 0, 1)
    return x[..., None] if x.ndim == 2 else x


def save_img(path: Any, x: Any, data_format: str | None = None, file_format: str | None = None, scale: bool = True,
             **kwargs: Any) -> None:
    """Write an image to a file, in the format of its name or `file_format`. Other arguments are Pillow's."""
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = os.path.splitext(os.fspath(path))[1][1:].lower()
    if file_format and file_format.lower() == "jpg":
        file_format = "jpeg"
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        warn("The JPEG format does not support RGBA images, converting to RGB.")
        image = image.convert("RGB")
    image.save(path, format=file_format or None, **kwargs)


def load_img(path: Any, color_mode: str = "rgb", target_size: Any = None, interpolation: str = "nearest",
             keep_aspect_ratio: bool = False, grayscale: bool = False) -> Any:
    """An image file (a path or an `io.BytesIO`) as Pillow's, of `target_size` (height, width) if that is given.

    `color_mode`: "rgb", "rgba" or "grayscale". With `keep_aspect_ratio` its middle is cut out. Raises ValueError for
    an unknown mode or interpolation, OSError (Pillow's) for a file that is no image.
    """
    Image = pillow("load_img")
    if grayscale or color_mode is True:  # Keras 2's argument, once the second
        warn('grayscale is deprecated. Please use color_mode = "grayscale"')
        color_mode = "grayscale"
    if isinstance(path, io.BytesIO):
        image = Image.open(path)
    elif isinstance(path, (str, bytes, os.PathLike)):
        with open(path, "rb") as file:  # read at once: Pillow would keep the file open
            image = Image.open(io.BytesIO(file.read()))
    else:
        raise TypeError(f"path should be path-like or io.BytesIO, not {type(path)}")
    modes = {"grayscale": ("L", "I;16", "I"), "rgba": ("RGBA",), "rgb": ("RGB",)}
    if color_mode not in modes:
        raise ValueError('color_mode must be "grayscale", "rgb", or "rgba"')
    if image.mode not in modes[color_mode]:
        image = image.convert(modes[color_mode][0])
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"Invalid interpolation method {interpolation} specified. Supported methods are "
                         f"{', '.join(INTERPOLATIONS)}")
    box = middle(image.size[::-1], target_size) if keep_aspect_ratio else (0, 0, *image.size[::-1])
    top, left, height, width = box
    return image.resize((target_size[1], target_size[0]), getattr(Image.Resampling, interpolation.upper()),
                        box=(left, top, left + width, top + height))


def middle(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the largest part in the middle that has the target's proportions."""
    rows, cols = size
    height = max(min(rows, cols * target[0] // target[1]), 1)
    width = max(min(cols, rows * target[1] // target[0]), 1)
    return (rows - height) // 2, (cols - width) // 2, height, width


def resized(x: np.ndarray, size: Any, interpolation: str = "bilinear") -> np.ndarray:
    """Images (..., height, width, channels) resized as `ops.image.resize` does, without antialiasing."""
    if interpolation not in ("bilinear", "nearest"):
        from ..ops.image import resize
        with Graph().as_default():
            return np.asarray(backend.eval(resize(x, size, interpolation=interpolation, data_format="channels_last")))
    for axis, want in zip((x.ndim - 3, x.ndim - 2), size, strict=True):
        have = x.shape[axis]
        place = (np.arange(want, dtype=np.float32) + 0.5) * np.float32(have / want)
        if interpolation == "nearest":
            x = x.take(np.minimum(place.astype(int), have - 1), axis)
        elif have != want:
            low = np.floor(place - 0.5)
            share = (place - 0.5 - low).reshape(-1, *(1,) * (x.ndim - 1 - axis))
            first = low.astype(int)
            below, above = (x.take(np.clip(first + i, 0, have - 1), axis).astype(np.float32) for i in (0, 1))
            x = below + (above - below) * share
    return x if interpolation == "nearest" else x.astype(np.float32, copy=False)


def padded(x: np.ndarray, size: Any, interpolation: str = "bilinear") -> np.ndarray:
    """An image (height, width, channels) resized within `size` in its proportions, with zeros around it."""
    rows, cols = x.shape[:2]
    ratio = max(rows / size[0], cols / size[1])
    inner = max(int(rows / ratio), 1), max(int(cols / ratio), 1)
    before = [max((total - part) // 2, 0) for total, part in zip(size, inner, strict=True)]
    after = [total - part - b for total, part, b in zip(size, inner, before, strict=True)]
    return np.pad(resized(x, inner, interpolation), [*zip(before, after, strict=True), (0, 0)])


def smart_resize(x: Any, size: Any, interpolation: str = "bilinear", data_format: str = "channels_last",
                 **kwargs: Any) -> Any:
    """Images of rank 3 or 4 resized to `size` (height, width): the middle of the same proportions is cut out first.

    An array gives an array, a tensor a tensor. Raises ValueError for another rank or size.
    """
    kwargs.pop("backend_module", None)
    if kwargs:
        raise TypeError(f"smart_resize() got unexpected keyword arguments: {list(kwargs)}")
    if len(size) != 2:
        raise ValueError(f"Expected `size` to be a tuple of 2 integers, but got: {size}.")
    if len(x.shape) not in (3, 4):
        raise ValueError("Expected an image array with shape `(height, width, channels)`, or `(batch_size, height, "
                         f"width, channels)`, but got input with incorrect rank, of shape {x.shape}.")
    if isinstance(x, Tensor):
        from ..ops.image import resize
        return resize(x, size, interpolation=interpolation, crop_to_aspect_ratio=True, data_format=data_format)
    x = np.asarray(x)
    last = data_format_of(data_format) == "channels_last"
    x = x if last else np.moveaxis(x, -3, -1)
    top, left, height, width = middle((x.shape[-3], x.shape[-2]), size)
    x = resized(x[..., top:top + height, left:left + width, :], size, interpolation)
    return x if last else np.moveaxis(x, -1, -3)
