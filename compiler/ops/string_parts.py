"""Strings taken apart, and written from tensors: what gives as many strings or numbers as the data says."""
from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import int32, int64, string
from ..errors import InvalidArgumentError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from .arguments import check_dtype
from .strings import each, mapped, text
from .texts import texts

# splitting a vector into the rows of a sparse matrix


def _sparse_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    check_dtype("StringSplit", inputs[0], (string,))
    n = dm.fresh()
    return [TensorType(int64, (n, 2)), TensorType(string, (n,)), TensorType(int64, (2,))]


def _rows(rows: list[list[bytes]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(indices, values, shape) of the sparse matrix with these rows."""
    indices = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    return (np.array(indices, np.int64).reshape(-1, 2), texts([s for row in rows for s in row]),
            np.array([len(rows), max(map(len, rows), default=0)], np.int64))


def _split_any(s: bytes, delimiters: bytes, skip_empty: bool) -> list[bytes]:
    """At each byte that is one of the delimiters; into bytes when there are none. An empty string has no parts."""
    if not s or not delimiters:
        return [s[i:i + 1] for i in range(len(s))]
    parts, begin = [], 0
    for i, byte in enumerate(s):
        if byte in delimiters:
            parts.append(s[begin:i])
            begin = i + 1
    parts.append(s[begin:])
    return [p for p in parts if p or not skip_empty]


# (strings [n], delimiters ()) -> sparse
string_split = OpDef(
    "StringSplit", HOST, _sparse_types, None,
    lambda x, delimiters, skip_empty: _rows([_split_any(s, delimiters.item(), skip_empty) for s in x]))
# (strings [n], separator ()) -> sparse, as Python's str.split; an empty separator stands for white space
string_split_v2 = OpDef(
    "StringSplitV2", HOST, _sparse_types, None,
    lambda x, separator, maxsplit: _rows([s.split(separator.item() or None, maxsplit) for s in x]))

# one string into a vector


def _vector(name: str, split: Callable[..., list[Any]], dtype: Any = string) -> OpDef:
    def reference(x: np.ndarray, **attrs: Any) -> np.ndarray:
        parts = split(x.item(), **attrs)
        values = np.empty(len(parts), dtype.np)
        values[:] = parts
        return values

    return OpDef(name, HOST, lambda inputs, attrs: [TensorType(dtype, (dm.fresh(),))], None, reference)


ENCODINGS = {"UTF-8": "utf-8", "UTF-16-BE": "utf-16-be", "UTF-32-BE": "utf-32-be"}


def decoded(s: bytes, encoding: str, errors: str, replacement: int, replace_control: bool) -> list[tuple[int, int]]:
    """(code point, where it starts) of each character, after the rules for malformed input and control characters."""
    python = ENCODINGS.get(encoding.upper(), encoding)
    found, at = [], 0
    while at < len(s):
        point, size = _character(s, at, python)
        if point is None:
            if errors == "strict":
                raise InvalidArgumentError("Invalid formatting on input string")
            point = replacement if errors == "replace" else None
        elif replace_control and (point < 32 and point not in (9, 10, 13) or point == 127):
            point = replacement
        if point is not None:
            found.append((point, at))
        at += size
    return found


def _character(s: bytes, at: int, encoding: str) -> tuple[int | None, int]:
    """(code point or None, bytes) of the character at a position."""
    try:
        for size in range(1, 5):
            try:
                character = s[at:at + size].decode(encoding)
            except UnicodeDecodeError:
                continue
            if len(character) == 1:
                return ord(character), size
    except LookupError:
        raise InvalidArgumentError(f"Unknown encoding: {encoding}") from None
    return None, 1


def _encode_point(point: int, encoding: str) -> bytes:
    return chr(point).encode(ENCODINGS.get(encoding.upper(), encoding))


bytes_split = _vector("BytesSplit", lambda s: [s[i:i + 1] for i in range(len(s))])
unicode_decode = _vector("UnicodeDecode", lambda s, **rules: [p for p, _ in decoded(s, **rules)], int32)
unicode_offsets = _vector("UnicodeOffsets", lambda s, **rules: [at for _, at in decoded(s, **rules)], int64)
unicode_split = _vector("UnicodeSplit", lambda s, encoding, **rules: [
    _encode_point(p, encoding) for p, _ in decoded(s, encoding, **rules)])


def _transcode(s: bytes, input_encoding: str, output_encoding: str, **rules: Any) -> bytes:
    return b"".join(_encode_point(p, output_encoding) for p, _ in decoded(s, input_encoding, **rules))


unicode_transcode = mapped("UnicodeTranscode", _transcode)


def _encode_rows(x: np.ndarray, output_encoding: str, errors: str, replacement: int) -> np.ndarray:
    def one(point: int) -> bytes:
        if 0 <= point < 0x110000 and not 0xD800 <= point < 0xE000:
            return _encode_point(point, output_encoding)
        if errors == "strict":
            raise InvalidArgumentError(f"Code point is out of range for Unicode, or a noncharacter: {point}")
        return _encode_point(replacement, output_encoding) if errors == "replace" else b""

    joined = np.empty(x.shape[:-1], object)
    for index in np.ndindex(*joined.shape):
        joined[index] = b"".join(one(int(p)) for p in x[index])
    return joined


unicode_encode = OpDef("UnicodeEncode", HOST, lambda inputs, attrs: [TensorType(
    string, None if inputs[0].dims is None else inputs[0].dims[:-1])], None, _encode_rows)

# tensors as text


def summarize(x: np.ndarray, most: int) -> str:
    """As TensorFlow prints a tensor: rows in brackets, of which only the first and last `most` (all if negative)."""
    return _summarize(x, most if most >= 0 else max(x.shape, default=1), 1)


def _summarize(x: np.ndarray, most: int, depth: int) -> str:
    if isinstance(x, bytes):  # an element of a row of texts
        return _element(x)
    if x.ndim == 0:
        return _element(x.item() if x.dtype != np.float32 else x[()])
    parts = [_summarize(row, most, depth + 1) for row in (x if len(x) <= 2 * most else x[:most])]
    separator = " " if x.ndim == 1 else "\n" * (x.ndim - 1) + " " * depth
    if len(x) > 2 * most:
        parts += ["...", *(_summarize(row, most, depth + 1) for row in x[len(x) - most:])]
    return f"[{separator.join(parts)}]"


def _element(value: Any) -> str:
    if isinstance(value, bytes):
        return f'"{text(value)}"'
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return str(value).removesuffix(".0") if np.isfinite(value) else f"{float(value)}"
    return str(value)


def _format(*arrays: np.ndarray, template: str, placeholder: str, most: int) -> bytes:
    pieces = template.split(placeholder)
    filled = [pieces[0]]
    for array, piece in zip(arrays, pieces[1:], strict=True):
        filled += [summarize(array, most), piece]
    return "".join(filled).encode("utf-8", "surrogateescape")


string_format = OpDef("StringFormat", HOST, lambda inputs, attrs: [TensorType(string, ())], None,
                      lambda *arrays, **attrs: np.array(_format(*arrays, **attrs), object))


def _script(point: int) -> int:
    """ICU's number of a character's script, of those that its Unicode name begins with; -1 for others."""
    if not 0 <= point < 0x110000:
        return -1
    first = unicodedata.name(chr(point), "").split(" ")[0]
    return SCRIPTS.get(first, 0 if first else -1)


# from the UScriptCode of ICU
SCRIPTS = {"ARABIC": 2, "ARMENIAN": 3, "BENGALI": 4, "CYRILLIC": 8, "DEVANAGARI": 10, "GEORGIAN": 12, "GREEK": 14,
           "GUJARATI": 15, "GURMUKHI": 16, "CJK": 17, "HANGUL": 18, "HEBREW": 19, "HIRAGANA": 20, "KANNADA": 21,
           "KATAKANA": 22, "KHMER": 23, "LAO": 24, "LATIN": 25, "MALAYALAM": 26, "MONGOLIAN": 27, "MYANMAR": 28,
           "TAMIL": 35, "TELUGU": 36, "THAANA": 37, "THAI": 38, "TIBETAN": 39}
unicode_script = OpDef("UnicodeScript", HOST, lambda inputs, attrs: [TensorType(int32, inputs[0].dims)], None,
                       lambda x: each(_script, x))
