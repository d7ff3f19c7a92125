"""PNG files (ISO/IEC 15948): written with 8 or 16 bits per channel, read with 16, of which Pillow keeps 8 unless they
are grey."""
from __future__ import annotations

import struct
import zlib

import numpy as np

from ..errors import InvalidArgumentError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels: colour type
_HEADER = struct.Struct(">IIBBBBB")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def encode(pixels: np.ndarray, compression: int) -> bytes:
    """The file of uint8 or uint16 pixels (height, width, channels), rows unfiltered."""
    height, width, channels = pixels.shape
    size = pixels.dtype.itemsize
    header = _HEADER.pack(width, height, 8 * size, _COLOURS[channels], 0, 0, 0)
    rows = np.zeros((height, 1 + size * width * channels), np.uint8)
    rows[:, 1:] = np.ascontiguousarray(pixels, f">u{size}").view(np.uint8).reshape(height, -1)
    return (SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows.tobytes(), compression))
            + _chunk(b"IEND", b""))


def decode(data: bytes) -> np.ndarray | None:
    """The pixels (height, width, channels), uint16, of a file of 16 bits per channel; None for any other PNG file.

    Raises InvalidArgumentError for damaged ones.
    """
    width, height, depth, colour, _, _, interlaced = _HEADER.unpack_from(data, 16)
    if depth != 16 or interlaced:
        return None
    channels = next(c for c, number in _COLOURS.items() if number == colour)
    at, parts = len(SIGNATURE), []
    while at + 8 <= len(data):
        size, = struct.unpack_from(">I", data, at)
        if data[at + 4:at + 8] == b"IDAT":
            parts.append(data[at + 8:at + 8 + size])
        at += size + 12
    try:
        raw = zlib.decompress(b"".join(parts))
        rows = np.frombuffer(raw, np.uint8).reshape(height, 1 + 2 * width * channels)
    except (zlib.error, ValueError) as error:
        raise InvalidArgumentError(f"Invalid PNG data: {error}") from None
    step, above, out = 2 * channels, np.zeros(2 * width * channels, np.uint8), []
    for row in rows:
        above = _unfiltered(int(row[0]), row[1:], above, step)
        out.append(above)
    return np.stack(out).view(">u2").astype(np.uint16).reshape(height, width, channels)


def _unfiltered(kind: int, row: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """A row's bytes from their differences to the pixel before and the row above (filter types 0 to 4)."""
    if kind == 0:
        return row.copy()
    if kind == 2:
        return row + above
    if kind == 1:
        return np.cumsum(row.reshape(-1, step), 0, dtype=np.uint8).ravel()
    out = np.zeros(len(row), np.uint8)
    for i in range(len(row)):
        left, corner = (int(out[i - step]), int(above[i - step])) if i >= step else (0, 0)
        up = int(above[i])
        if kind == 3:
            guess = (left + up) // 2
        else:
            distances = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            guess = (left, up, corner)[distances.index(min(distances))]
        out[i] = int(row[i]) + guess & 255
    return out
