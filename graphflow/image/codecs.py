"""Image files: decoding and encoding, through Pillow (`pip install graphflow[image]`)."""
from __future__ import annotations

from typing import Any

from ..compiler.dtypes import as_dtype, uint8, uint16
from ..compiler.ir import Tensor
from ..compiler.ops import codecs as _ops
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import equal
from ..compiler.ops.random import random_uniform
from ..framework import name_scope
from .adjust import adjust_jpeg_range
from .colour import convert_image_dtype
from .common import check


def _contents(value: Any) -> Tensor:
    return convert_to_tensor(value, "string", name="contents")


def _check_channels(channels: int | None, allowed: tuple[int, ...]) -> int:
    check((channels or 0) in allowed, f"channels must be in {allowed}, received {channels}")
    return int(channels or 0)


def decode_png(contents: Any, channels: int = 0, dtype: Any = uint8, name: str | None = None) -> Tensor:
    """The pixels (height, width, channels), uint8 or uint16, of a PNG file (or JPEG, BMP, one-frame GIF).

    `channels`: 0 as in the file, 1 grey, 3 RGB, 4 RGBA. Raises InvalidArgumentError when the graph runs on other data.
    """
    element = as_dtype(dtype)
    check(element in (uint8, uint16), f"decode_png: dtype must be uint8 or uint16, received {element.name}")
    return _ops.decode_png(
        _contents(contents),
        channels=_check_channels(channels, (0, 1, 3, 4)),
        dtype=element,
        ratio=1,
        name=name or "DecodePng",
    )


def decode_jpeg(contents: Any, channels: int = 0, ratio: int = 1, fancy_upscaling: bool = True,
                try_recover_truncated: bool = False, acceptable_fraction: float = 1, dct_method: str = "",
                name: str | None = None) -> Tensor:
    """The pixels (height, width, channels), uint8, of a JPEG file (or PNG, BMP, one-frame GIF), 1 / `ratio` as large.

    `channels`: 0 as in the file, 1 grey, 3 RGB; `ratio`: 1, 2, 4 or 8. Raises InvalidArgumentError when the graph runs
    on other data.
    """
    check(ratio in (1, 2, 4, 8), f"decode_jpeg: ratio must be 1, 2, 4 or 8, received {ratio}")
    return _ops.decode_jpeg(_contents(contents), channels=_check_channels(channels, (0, 1, 3)), dtype=uint8,
                            ratio=int(ratio), name=name or "DecodeJpeg")


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Tensor:
    """The pixels (height, width, channels), uint8, of a BMP file."""
    return _ops.decode_bmp(_contents(contents), channels=_check_channels(channels, (0, 1, 3, 4)), dtype=uint8, ratio=1,
                           name=name or "DecodeBmp")


def decode_gif(contents: Any, name: str | None = None) -> Tensor:
    """The frames (frames, height, width, 3), uint8, of a GIF file."""
    return _ops.decode_gif(_contents(contents), name=name or "DecodeGif")


def decode_webp(contents: Any, channels: int = 0, dtype: Any = uint8, name: str | None = None) -> Tensor:
    """The frames (frames, height, width, channels), uint8, of a WebP file; `channels`: 0 as in the file, 3 or 4, which
    it must have. Raises InvalidArgumentError when the graph runs on other data."""
    check(as_dtype(dtype) == uint8, f"decode_webp: dtype must be uint8, received {dtype}")
    return _ops.decode_webp(_contents(contents), channels=_check_channels(channels, (0, 3, 4)),
                            name=name or "DecodeWebP")


def decode_image(contents: Any, channels: int | None = None, dtype: Any = uint8, name: str | None = None,
                 expand_animations: bool = True) -> Tensor:
    """The pixels of a JPEG, PNG, GIF or BMP file in `dtype` (floats in [0, 1]).

    The shape, of unknown rank while the graph is built, is (height, width, channels), for a GIF
    (frames, height, width, 3) unless `expand_animations` is False, which takes its first frame.
    """
    with name_scope(name, "decode_image", [contents]):
        pixels = _ops.decode_image(_contents(contents), channels=_check_channels(channels, (0, 1, 3, 4)),
                                   animations=bool(expand_animations))
        return pixels if as_dtype(dtype) == uint8 else convert_image_dtype(pixels, dtype)


def decode_and_crop_jpeg(contents: Any, crop_window: Any, channels: int = 0, ratio: int = 1,
                         fancy_upscaling: bool = True, try_recover_truncated: bool = False,
                         acceptable_fraction: float = 1, dct_method: str = "", name: str | None = None) -> Tensor:
    """The pixels of a JPEG file within `crop_window` [top, left, height, width]."""
    check(ratio == 1, f"decode_and_crop_jpeg: ratio must be 1, received {ratio}")
    return _ops.decode_and_crop_jpeg(_contents(contents), convert_to_tensor(crop_window, "int32", name="crop_window"),
                                     channels=_check_channels(channels, (0, 1, 3)), name=name or "DecodeAndCropJpeg")


def extract_jpeg_shape(contents: Any, output_type: Any = "int32", name: str | None = None) -> Tensor:
    """[height, width, channels] of a JPEG file, from its header."""
    return _ops.extract_jpeg_shape(_contents(contents), dtype=as_dtype(output_type), name=name or "ExtractJpegShape")


def is_jpeg(contents: Any, name: str | None = None) -> Tensor:
    """Whether the contents start as a JPEG file does."""
    return equal(_ops.first_bytes(_contents(contents), count=3), b"\xff\xd8\xff", name=name or "is_jpeg")


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Tensor:
    """A PNG file of pixels (height, width, channels), uint8 or uint16; `compression` 0 (none) to 9, -1 the default."""
    x = convert_to_tensor(image, name="image")
    check(x.dtype in (uint8, uint16), f"encode_png: image must be uint8 or uint16, received {x!r}")
    return _ops.encode_png(x, compression=int(compression), name=name or "EncodePng")


def encode_jpeg(image: Any, format: str = "", quality: Any = 95, progressive: bool = False,
                optimize_size: bool = False, chroma_downsampling: bool = True, density_unit: str = "in",
                x_density: int = 300, y_density: int = 300, xmp_metadata: str = "", name: str | None = None) -> Tensor:
    """A JPEG file of pixels (height, width, 1 or 3), uint8, of a `quality` from 0 to 100."""
    x = convert_to_tensor(image, uint8, name="image")
    return _ops.encode_jpeg(x, convert_to_tensor(quality, name="quality"), format=format, progressive=bool(progressive),
                            optimize_size=bool(optimize_size), chroma_downsampling=bool(chroma_downsampling),
                            name=name or "EncodeJpeg")


def adjust_jpeg_quality(image: Any, jpeg_quality: Any, dct_method: str = "", name: str | None = None) -> Tensor:
    """The RGB image as it comes back from a JPEG file of that quality (0 to 100)."""
    with name_scope(name, "adjust_jpeg_quality", [image]):
        x = convert_to_tensor(image, name="image")
        pixels = convert_image_dtype(x, uint8, saturate=True)
        back = decode_jpeg(encode_jpeg(pixels, quality=adjust_jpeg_range(jpeg_quality)), channels=3)
        if x.dims is not None:
            back.set_shape([*(d if isinstance(d, int) else None for d in x.dims[:2]), 3])
        return convert_image_dtype(back, x.dtype, saturate=True)


def random_jpeg_quality(image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: int | None = None) -> Tensor:
    """The image as it comes back from a JPEG file of a quality from [min_jpeg_quality, max_jpeg_quality)."""
    for bound in (min_jpeg_quality, max_jpeg_quality):
        check(0 <= bound <= 100, "jpeg encoding range must be between 0 and 100.")
    check(min_jpeg_quality < max_jpeg_quality, "`min_jpeg_quality` must be less than `max_jpeg_quality`.")
    return adjust_jpeg_quality(image, random_uniform([], min_jpeg_quality, max_jpeg_quality, "int32", seed))


__all__ = ["adjust_jpeg_quality", "decode_and_crop_jpeg", "decode_bmp", "decode_gif", "decode_image", "decode_jpeg",
           "decode_png", "decode_webp", "encode_jpeg", "encode_png", "extract_jpeg_shape", "is_jpeg",
           "random_jpeg_quality"]
