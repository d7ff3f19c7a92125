"""TFRecord files: each record between its length and checksums (tensorflow/core/lib/io/record_writer.h).

Length (uint64), masked CRC-32C of the length, data, masked CRC-32C of the data, little-endian.
"""
from __future__ import annotations

import functools
import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from .compiler.errors import DataLossError

_POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected
_LANES = 512
_HEADER, _FOOTER = struct.Struct("<QI"), struct.Struct("<I")


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()
_TABLE_ARRAY = np.array(_TABLE, np.uint32)


def crc32c(data: bytes) -> int:
    """The CRC-32C of the data (RFC 3720, appendix B.4)."""
    crc = 0xFFFFFFFF
    whole = len(data) // _LANES
    if whole >= 16:  # many stretches at once; the remainder of each then passes through those after it
        lanes = np.frombuffer(data, np.uint8, whole * _LANES).reshape(_LANES, whole)
        state = np.zeros(_LANES, np.uint32)
        state[0] = crc
        for position in range(whole):
            state = _TABLE_ARRAY[(state ^ lanes[:, position]) & 255] ^ state >> np.uint32(8)
        length = whole
        while len(state) > 1:
            state = _shifted(state[::2], length) ^ state[1::2]
            length *= 2
        crc = int(state[0])
        data = data[whole * _LANES:]
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _shifted(state: np.ndarray, length: int) -> np.ndarray:
    """The states after `length` zero bytes."""
    columns, out = _operator(length), np.zeros_like(state)
    for bit in range(32):
        out ^= np.where(state >> np.uint32(bit) & np.uint32(1), columns[bit], np.uint32(0))
    return out


@functools.lru_cache(64)
def _operator(length: int) -> np.ndarray:
    """What `length` zero bytes make of each bit of the state."""
    if length == 1:
        bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
        return _TABLE_ARRAY[bits & 255] ^ bits >> np.uint32(8)
    half = _operator(length // 2)
    whole = _shifted(half, length // 2)
    return _shifted(whole, 1) if length % 2 else whole


def masked(crc: int) -> int:
    """A checksum as it is stored: data may hold checksums themselves."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def framed(record: bytes) -> bytes:
    """The record as it stands in a file."""
    length = struct.pack("<Q", len(record))
    return length + _FOOTER.pack(masked(crc32c(length))) + record + _FOOTER.pack(masked(crc32c(record)))


def read_records(file: Any) -> Iterator[bytes]:
    """The records of an open binary file. Raises DataLossError for a wrong checksum and where the file is cut off."""
    at = 0
    while header := file.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise DataLossError(f"truncated record at {at}")
        length, crc = _HEADER.unpack(header)
        if masked(crc32c(header[:8])) != crc:
            raise DataLossError(f"corrupted record at {at}")
        record, footer = file.read(length), file.read(_FOOTER.size)
        if len(record) < length or len(footer) < _FOOTER.size:
            raise DataLossError(f"truncated record at {at}")
        if masked(crc32c(record)) != _FOOTER.unpack(footer)[0]:
            raise DataLossError(f"corrupted record at {at}")
        yield record
        at += _HEADER.size + length + _FOOTER.size


class _Inflated(io.RawIOBase):
    def __init__(self, file: BinaryIO):
        self._file, self._inflate, self._ready = file, zlib.decompressobj(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            chunk = self._file.read(1 << 16)
            if not chunk:
                return 0
            self._ready = self._inflate.decompress(chunk)
        part, self._ready = self._ready[:len(buffer)], self._ready[len(buffer):]
        buffer[:len(part)] = part
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()


def inflated(file: BinaryIO) -> io.BufferedReader:
    """A zlib stream as a file to read from."""
    return io.BufferedReader(_Inflated(file))
