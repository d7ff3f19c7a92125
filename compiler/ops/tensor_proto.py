"""Arrays in TensorFlow's serialized form, the protocol buffer message TensorProto (tensorflow/core/framework)."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..dtypes import ALL, BY_NUMBER, DType, as_dtype
from ..errors import InvalidArgumentError
from .texts import texts

_VALUES = {5: "<f4", 6: "<f8", 7: "i", 9: "<f4", 10: "i", 11: "i", 12: "<f8", 13: "i", 16: "i", 17: "i"}
_CONTENT, _STRINGS = 4, 8


def varint(value: int) -> bytes:
    """An unsigned integer (negative: its 64-bit two's complement) in groups of seven bits, the lowest first."""
    value &= 2**64 - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, position after it). Raises InvalidArgumentError at the end of the data."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise InvalidArgumentError("Could not parse a protocol buffer message: it is truncated")
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of each field: an int, or bytes. Raises InvalidArgumentError for what is no message."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = read_varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = read_varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise InvalidArgumentError(f"Could not parse a protocol buffer message: wire type {kind}")
        if at + size > len(data):
            raise InvalidArgumentError("Could not parse a protocol buffer message: it is truncated")
        yield key >> 3, data[at:at + size]
        at += size


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def serialize(array: np.ndarray) -> bytes:
    """The message for an array; strings are an object array of bytes."""
    dtype = as_dtype(array.dtype)
    shape = b"".join(field(2, b"\x08" + varint(n)) for n in array.shape)
    head = b"\x08" + varint(dtype.as_datatype_enum) + field(2, shape)
    if dtype.is_string:
        return head + b"".join(field(_STRINGS, s) for s in array.ravel())
    return head + field(_CONTENT, np.ascontiguousarray(array).tobytes())


def parse(data: bytes, expected: DType | None = None) -> np.ndarray:
    """The array in a message. Raises InvalidArgumentError for other data, or another dtype than expected."""
    number, dims, content = 0, [], b""
    strings: list[bytes] = []
    numbers: list[Any] = []
    for key, value in fields(data):
        if key == 1:
            number = value
        elif key == 2:
            dims = [_signed(next((v for k, v in fields(d) if k == 1), 0)) for k2, d in fields(value) if k2 == 2]
        elif key == _CONTENT:
            content = value
        elif key == _STRINGS:
            strings.append(value)
        elif key in _VALUES:
            numbers += _numbers(_VALUES[key], value)
    dtype = BY_NUMBER.get(number)
    if dtype not in ALL:
        raise InvalidArgumentError(f"Could not parse tensor proto: data type {number} is unknown")
    if expected is not None and dtype != expected:
        raise InvalidArgumentError(f"Type mismatch between parsed tensor ({dtype.name}) and dtype ({expected.name})")
    return _array(dtype, dims, content, strings, numbers)


def _numbers(kind: str, value: Any) -> list[Any]:
    if kind != "i":
        return np.frombuffer(value, kind).tolist()
    if isinstance(value, int):
        return [_signed(value)]
    found, at = [], 0
    while at < len(value):
        item, at = read_varint(value, at)
        found.append(_signed(item))
    return found


def _array(dtype: DType, dims: list[int], content: bytes, strings: list[bytes], numbers: list[Any]) -> np.ndarray:
    size = int(np.prod(dims, dtype=np.int64))
    try:
        if dtype.is_string:
            flat = texts(strings)
        elif content:
            flat = np.frombuffer(content, dtype.np).copy()
        elif dtype.name in ("float16", "bfloat16"):
            flat = np.array(numbers, np.uint16).view(dtype.np)
        elif dtype.is_complex:
            flat = (np.array(numbers[::2]) + 1j * np.array(numbers[1::2])).astype(dtype.np)
        else:
            flat = np.array(numbers).astype(dtype.np)
        if 0 < len(flat) < size:  # the last value stands for all that follow
            flat = np.concatenate([flat, np.repeat(flat[-1:], size - len(flat))])
        elif not len(flat) and size and not dtype.is_string:
            flat = np.zeros(size, dtype.np)
        return flat.reshape(dims)
    except ValueError as error:
        raise InvalidArgumentError(f"Could not parse tensor proto: {error}") from None
