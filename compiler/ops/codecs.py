"""Image files as strings, decoded and encoded with Pillow (the extra `graphflow[image]`)."""
from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import string, uint8
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from ..shapes import Dims
from . import png
from .symbolic import static_value
from .texts import text

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_SIGNATURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"GIF8": "GIF", b"BM": "BMP",
               b"RIFF": "WEBP"}


def pillow() -> Any:
    """The package's module `Image`. Raises ImportError with what to install."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("Decoding and encoding images needs Pillow: pip install graphflow[image]") from None
    return Image


def image_format(contents: bytes) -> str:
    """"JPEG", "PNG", "GIF", "BMP" or "WEBP", by the first bytes. Raises InvalidArgumentError for anything else."""
    for signature, name in _SIGNATURES.items():
        if contents.startswith(signature):
            return name
    raise InvalidArgumentError("Unknown image file format. One of JPEG, PNG, GIF, BMP, WebP required; the contents "
                               f"start with {contents[:16]!r} ({len(contents)} bytes)")


def _open(contents: np.ndarray) -> Any:
    data = contents.item()
    image_format(data)
    try:
        return pillow().open(io.BytesIO(data))
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidArgumentError(f"Invalid image data: {error}") from None


def _grey(pixels: np.ndarray) -> np.ndarray:
    """The luma of RGB pixels as libpng computes it."""
    red, green, blue = (pixels[..., k].astype(np.uint32) for k in range(3))
    return ((9797 * red + 19234 * green + 3737 * blue) >> 15).astype(pixels.dtype)[..., None]


def _pixels(image: Any, channels: int, wide: bool = False) -> np.ndarray:
    """(height, width, channels) of a Pillow image; `wide` keeps 16 bits."""
    try:
        if channels == 1 and image.format == "PNG" and image.mode in ("RGB", "RGBA", "P"):
            return _grey(_pixels(image, 3, wide))
        if image.mode.startswith("I"):
            return _deep(np.array(image).astype(np.uint16)[..., None], channels, wide)
        if image.mode == "P":
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        elif image.mode not in _MODES.values():
            image = image.convert("L" if image.mode == "1" else "RGB")
        if channels and image.mode != _MODES[channels]:
            image = image.convert(_MODES[channels])
        values = np.array(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidArgumentError(f"Invalid image data: {error}") from None
    values = values.reshape(*values.shape[:2], -1)
    return values.astype(np.uint16) * 257 if wide else values


def _frames(image: Any) -> np.ndarray:
    """(frames, height, width, 3) of a GIF or WebP file; of the latter with as many channels as its frames have."""
    frames = []
    for k in range(getattr(image, "n_frames", 1)):
        image.seek(k)
        frames.append(np.array(image if image.mode == "RGBA" and image.format == "WEBP" else image.convert("RGB")))
    return np.stack(frames)


def _deep(pixels: np.ndarray, channels: int, wide: bool) -> np.ndarray:
    """Pixels of 16 bits per channel with as many channels and bits as asked for."""
    have = pixels.shape[-1]
    if channels == 1 and have > 2:
        pixels = _grey(pixels)
    elif channels in (3, 4) and have < 3:
        pixels = np.concatenate([pixels[..., :1]] * 3 + [pixels[..., 1:]], -1)
    if channels == 4 and pixels.shape[-1] == 3:
        pixels = np.concatenate([pixels, np.full_like(pixels[..., :1], 65535)], -1)
    pixels = pixels[..., :channels or None]
    return pixels if wide else (pixels >> 8).astype(np.uint8)


def _decode(contents: np.ndarray, channels: int, dtype: Any, ratio: int) -> np.ndarray:
    image = _open(contents)
    if image.format == "WEBP":
        raise InvalidArgumentError("Expected a JPEG, PNG, GIF or BMP file, received a WebP file (see decode_webp)")
    if image.format == "PNG":
        pixels = png.decode(contents.item())
        if pixels is not None:
            return _deep(pixels, channels, dtype.size == 2)
    if image.format == "GIF":
        frames = _frames(image)
        if len(frames) > 1:
            raise InvalidArgumentError(f"Got {len(frames)} frames, but animated gifs can only be decoded by "
                                       "tf.image.decode_gif or tf.image.decode_image")
        return frames[0]
    if image.format == "JPEG" and (ratio > 1 or channels == 1):
        image.draft("L" if channels == 1 else image.mode, (image.width // ratio, image.height // ratio))
    return _pixels(image, channels, wide=dtype.size == 2)


def _image_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    contents = inputs[0]
    if contents.dims is not None and len(contents.dims):
        raise ShapeError(f"Shape must be rank 0 but is rank {len(contents.dims)}: contents {contents!r}")
    return [TensorType(attrs["dtype"], (dm.fresh(), dm.fresh(), attrs["channels"] or dm.fresh()))]


def _decoder(name: str) -> OpDef:
    return OpDef(name, HOST, _image_types, None, _decode)


decode_png, decode_jpeg, decode_bmp = (_decoder(name) for name in ("DecodePng", "DecodeJpeg", "DecodeBmp"))

decode_gif = OpDef("DecodeGif", HOST, lambda inputs, attrs: [TensorType(uint8, (*(dm.fresh() for _ in range(3)), 3))],
                   None, lambda contents: _frames(_open(contents)))


def _webp(contents: np.ndarray, channels: int) -> np.ndarray:
    image = _open(contents)
    if image.format != "WEBP":
        raise InvalidArgumentError(f"Expected image/webp, received a {image.format} file")
    frames = _frames(image)
    if channels not in (0, frames.shape[-1]):
        raise InvalidArgumentError(f"The WebP file has {frames.shape[-1]} channels, asked for were {channels}")
    return frames


decode_webp = OpDef("DecodeWebP", HOST, lambda inputs, attrs: [TensorType(uint8, (
    *(dm.fresh() for _ in range(3)), attrs["channels"] or dm.fresh()))], None, _webp)


def _decode_any(contents: np.ndarray, channels: int, animations: bool) -> np.ndarray:
    image = _open(contents)
    if image.format in ("GIF", "WEBP"):
        frames = _frames(image)
        return frames if animations else frames[0]
    return _pixels(image, channels)


# a GIF or WebP file gives rank 4, everything else rank 3
decode_image = OpDef(
    "DecodeImage", HOST, lambda inputs, attrs: [TensorType(uint8, None if attrs["animations"] else (
        dm.fresh(), dm.fresh(), attrs["channels"] or dm.fresh()))], None, _decode_any)


def _crop_reference(contents: np.ndarray, window: np.ndarray, channels: int) -> np.ndarray:
    top, left, height, width = (int(v) for v in window)
    pixels = _pixels(_open(contents), channels)
    if min(top, left) < 0 or min(height, width) < 1 or top + height > len(pixels) or left + width > pixels.shape[1]:
        raise InvalidArgumentError(f"Invalid JPEG data or crop window, data size {len(contents.item())}: the window "
                                   f"{window.tolist()} is not in an image of {pixels.shape[0]} x {pixels.shape[1]}")
    return pixels[top:top + height, left:left + width]


def _crop_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    window = static_value(inputs[1])
    sizes = (dm.fresh(), dm.fresh()) if window is None else (int(window[2]), int(window[3]))
    return [TensorType(uint8, (*sizes, attrs["channels"] or dm.fresh()))]


decode_and_crop_jpeg = OpDef("DecodeAndCropJpeg", HOST, _crop_types, None, _crop_reference)


def _shape_reference(contents: np.ndarray, dtype: Any) -> np.ndarray:
    image = _open(contents)
    return np.array([image.height, image.width, len(image.getbands())], dtype.np)


first_bytes = OpDef("FirstBytes", HOST, lambda inputs, attrs: [TensorType(string, ())], None,
                    lambda contents, count: text(contents.item()[:count]))

extract_jpeg_shape = OpDef("ExtractJpegShape", HOST, lambda inputs, attrs: [TensorType(attrs["dtype"], (3,))], None,
                           _shape_reference)


def _save(array: np.ndarray, file_format: str, **options: Any) -> np.ndarray:
    image = array[..., 0] if array.shape[-1] == 1 else array
    buffer = io.BytesIO()
    pillow().fromarray(image).save(buffer, file_format, **options)
    return text(buffer.getvalue())


def _encode_types(allowed: Sequence[int]) -> Any:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        dims: Dims | None = inputs[0].dims
        if dims is not None and (len(dims) != 3 or isinstance(dims[2], int) and dims[2] not in allowed):
            raise ShapeError(f"image must be (height, width, channels) with channels in {allowed}, received "
                             f"{inputs[0]!r}")
        return [TensorType(string, ())]
    return infer


def _png_reference(image: np.ndarray, compression: int) -> np.ndarray:
    if image.dtype == np.uint16:
        return text(png.encode(image, compression))
    return _save(image, "PNG", **({} if compression < 0 else {"compress_level": compression}))


def _jpeg_reference(image: np.ndarray, quality: np.ndarray, format: str, progressive: bool, optimize_size: bool,
                    chroma_downsampling: bool) -> np.ndarray:
    if format == "grayscale" and image.shape[-1] != 1 or format == "rgb" and image.shape[-1] != 3:
        raise InvalidArgumentError(f"format {format!r} does not fit an image with {image.shape[-1]} channels")
    return _save(image, "JPEG", quality=int(quality), progressive=progressive, optimize=optimize_size,
                 subsampling=2 if chroma_downsampling else 0)


encode_png = OpDef("EncodePng", HOST, _encode_types((1, 2, 3, 4)), None, _png_reference)
# image, quality -> contents
encode_jpeg = OpDef("EncodeJpeg", HOST, _encode_types((1, 3)), None, _jpeg_reference)
