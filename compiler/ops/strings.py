"""Ops on strings: byte strings, of any content. They run on the host, element by element."""
from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import ALL, INTEGERS, DType, as_dtype, bool_, float32, float64, int32, int64, string
from ..errors import DTypeError, InvalidArgumentError, ShapeError
from ..ir import Tensor, TensorType
from ..names import named, to_snake_case
from ..opdef import HOST, OpDef
from ..shapes import broadcast, normalize_axis
from ..string_hash import fingerprint, hash64, siphash
from .arguments import check_dtype
from .constant import convert_to_tensor
from .texts import texts


def strings(value: Any, what: str) -> Tensor:
    """A string tensor. Raises DTypeError or TypeError for anything else."""
    return convert_to_tensor(value, string, what)


def each(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """The results of `function` on corresponding (broadcast) elements, as an object array."""
    return np.asarray(np.frompyfunc(function, len(arrays), 1)(*arrays), object)


def mapped(name: str, function: Callable[..., Any], result: DType = string) -> OpDef:
    """An op on each string, `function(text, **attrs)`."""
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        check_dtype(name, inputs[0], (string,))
        return [TensorType(attrs.get("out_type", result), inputs[0].dims)]

    return OpDef(name, HOST, infer, None, lambda x, **attrs: each(functools.partial(function, **attrs), x))


def _applied(op: OpDef) -> Callable[..., Tensor]:
    def build(input: Any, name: str | None = None, **attrs: Any) -> Tensor:
        return op(strings(input, f"{op.name}/input"), name=name, **attrs)
    return named(to_snake_case(op.name), build, f"{op.name} of each string of `input`; the result has its shape.")


# text, whose encoding is UTF-8 where one is named


def text(s: bytes) -> str:
    """Of UTF-8, with what is none kept aside so that it comes back unchanged."""
    return s.decode("utf-8", "surrogateescape")


def data(s: str) -> bytes:
    return s.encode("utf-8", "surrogateescape")


def _cased(method: str) -> Callable[..., bytes]:
    def change(s: bytes, encoding: str) -> bytes:
        return data(getattr(text(s), method)()) if encoding else getattr(s, method)()
    return change


def _unit(unit: str) -> str:
    if unit not in ("BYTE", "UTF8_CHAR"):
        raise ValueError(f"unit must be 'BYTE' or 'UTF8_CHAR', received {unit!r}")
    return unit


_lower = mapped("StringLower", _cased("lower"))
_upper = mapped("StringUpper", _cased("upper"))
_length = mapped("StringLength", lambda s, unit: len(s if unit == "BYTE" else text(s)), int32)
strip = _applied(mapped("StringStrip", lambda s: s.strip(b" \t\n\v\f\r")))


def lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """ASCII letters (all letters with encoding "utf-8") in lower case."""
    return _applied(_lower)(input, name, encoding=encoding)


def upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """ASCII letters (all letters with encoding "utf-8") in upper case."""
    return _applied(_upper)(input, name, encoding=encoding)


def string_length(input: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """The number of bytes, or of characters ("UTF8_CHAR"), int32."""
    return _applied(_length)(input, name, unit=_unit(unit))


def _substring(s: bytes, pos: int, length: int, unit: str) -> bytes:
    whole = s if unit == "BYTE" else text(s)
    if not -len(whole) <= pos <= len(whole):
        raise InvalidArgumentError(f"pos {pos} out of range for string {s!r}")
    start = pos if pos >= 0 else len(whole) + pos
    part = whole[start:max(start + length, start)]
    return part if isinstance(part, bytes) else data(part)


def _substr_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    check_dtype("Substr", inputs[0], (string,))
    check_dtype("Substr", inputs[1], (int32, int64))
    return [TensorType(string, broadcast("Substr", *(t.dims for t in inputs)))]


_substr = OpDef("Substr", HOST, _substr_types, None,
                lambda x, pos, length, unit: each(functools.partial(_substring, unit=unit), x, pos, length))


def substr(input: Any, pos: Any, len: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """`len` bytes (characters) from `pos` on, which counts from the end when negative.

    Raises InvalidArgumentError when the graph runs with a position outside a string.
    """
    return _substr(strings(input, "Substr/input"), convert_to_tensor(pos, name="Substr/pos"),
                   convert_to_tensor(len, name="Substr/len"), unit=_unit(unit), name=name)


# joining


def _join_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    scalars = [t for t in inputs if t.dims == ()]
    return [TensorType(string, broadcast("StringJoin", *(t.dims for t in inputs if t not in scalars)))]


_string_join = OpDef("StringJoin", HOST, _join_types, None,
                     lambda *xs, separator: each(lambda *parts: separator.join(parts), *xs))


def string_join(inputs: Sequence[Any], separator: str | bytes = "", name: str | None = None) -> Tensor:
    """Corresponding strings of the tensors (of one shape, or scalars) joined."""
    parts = [strings(x, f"StringJoin/inputs_{i}") for i, x in enumerate(inputs)]
    return _string_join(*parts, separator=_bytes(separator), name=name)


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _reduce_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, keep = inputs[0], attrs["keep_dims"]
    check_dtype("ReduceJoin", x, (string,))
    if x.dims is None:
        return [TensorType(string, () if attrs["axis"] is None and not keep else None)]
    axes = {normalize_axis("ReduceJoin", a, len(x.dims)) for a in _join_axes(attrs["axis"], len(x.dims))}
    return [TensorType(string, tuple(1 if i in axes else d for i, d in enumerate(x.dims) if keep or i not in axes))]


def _join_axes(axis: Any, rank: int) -> tuple[int, ...]:
    return tuple(range(rank - 1, -1, -1)) if axis is None else tuple(axis)


def _reduce_reference(x: np.ndarray, axis: Any, keep_dims: bool, separator: bytes) -> np.ndarray:
    axes = [a % x.ndim for a in _join_axes(axis, x.ndim)]
    kept = [a for a in range(x.ndim) if a not in axes]
    rows = np.transpose(x, kept + axes[::-1]).reshape(*(x.shape[a] for a in kept), -1)  # the first axis goes fastest
    joined = np.empty(rows.shape[:-1], object)
    for index in np.ndindex(*joined.shape):
        joined[index] = separator.join(rows[index])
    return joined.reshape([1 if a in axes else x.shape[a] for a in range(x.ndim)]) if keep_dims else joined


_reduce_join = OpDef("ReduceJoin", HOST, _reduce_types, None, _reduce_reference)


def reduce_join(inputs: Any, axis: tuple[int, ...] | None, keep_dims: bool, separator: str | bytes,
                name: str | None = None) -> Tensor:
    """Strings joined along axes, of which the first named goes fastest (None: all, the last fastest)."""
    return _reduce_join(strings(inputs, "ReduceJoin/inputs"), axis=axis, keep_dims=keep_dims,
                        separator=_bytes(separator), name=name)


def _segment_reference(x: np.ndarray, ids: np.ndarray, count: np.ndarray, separator: bytes) -> np.ndarray:
    rows: list[list[bytes]] = [[] for _ in range(int(count) * int(np.prod(x.shape[ids.ndim:])))]
    flat = x.reshape(ids.size, -1)
    for row, segment in zip(flat, ids.ravel(), strict=True):
        if segment >= count:
            raise InvalidArgumentError(f"segment id {segment} is not in [0, {int(count)})")
        for j, s in enumerate(row):
            if segment >= 0:
                rows[segment * flat.shape[1] + j].append(s)
    return texts([separator.join(r) for r in rows]).reshape(int(count), *x.shape[ids.ndim:])


def _segment_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, ids, count = inputs
    if x.dims is None or ids.dims is None:
        return [TensorType(string, None)]
    known = count.op.attrs.get("value") if count.op.type == "Const" else None
    return [TensorType(string, (dm.fresh() if known is None else int(known), *x.dims[len(ids.dims):]))]


_segment_join = OpDef("UnsortedSegmentJoin", HOST, _segment_types, None, _segment_reference)


def unsorted_segment_join(inputs: Any, segment_ids: Any, num_segments: Any, separator: str | bytes = "",
                          name: str | None = None) -> Tensor:
    """The strings of each segment joined, in order; rows with a negative id are left out."""
    return _segment_join(strings(inputs, "UnsortedSegmentJoin/inputs"), convert_to_tensor(segment_ids),
                         convert_to_tensor(num_segments), separator=_bytes(separator), name=name)


# numbers


def _parse(s: bytes, out_type: DType) -> Any:
    stripped = s.strip()
    try:
        if b"_" in stripped:  # Python's grouping is not the format's
            raise ValueError
        value = (float if out_type.is_floating else int)(stripped)
        if out_type.is_integer and not out_type.min <= value <= out_type.max:
            raise ValueError
        return value
    except ValueError:
        raise InvalidArgumentError(f"StringToNumberOp could not correctly convert string: {text(s)}") from None


_to_number = mapped("StringToNumber", _parse)


def string_to_number(input: Any, out_type: Any = float32, name: str | None = None) -> Tensor:
    """The numbers that strings write, as float32, float64, int32 or int64.

    Raises InvalidArgumentError when the graph runs with a string that is none.
    """
    dtype = as_dtype(out_type)
    if dtype not in (float32, float64, int32, int64):
        raise DTypeError(f"StringToNumber: out_type must be float32, float64, int32 or int64, received {dtype.name}")
    return _applied(_to_number)(input, name, out_type=dtype)


def _as_string_reference(x: np.ndarray, form: str, kind: str) -> np.ndarray:
    if kind == "b":
        return each(lambda v: b"true" if v else b"false", x)
    if kind == "c":
        return each(lambda v: f"({form % v.real},{form % v.imag})".encode(), x)
    if kind == "s":
        return each(lambda v: (form % text(v)).encode("utf-8", "surrogateescape"), x)
    return each(lambda v: (form % v).encode(), x)


_as_string = OpDef("AsString", HOST, lambda inputs, attrs: [TensorType(string, inputs[0].dims)], None,
                   _as_string_reference)


def as_string(input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1,
              fill: str = "", name: str | None = None) -> Tensor:
    """Each element in C's notation: %d, %f (%e if `scientific`, %g if `shortest`), true and false; complex numbers as
    (re,im). `fill` is a flag of C's ("0", "-", "+" or " "). Raises ValueError for arguments that do not go together."""
    x = convert_to_tensor(input, name="AsString/input")
    check_dtype("AsString", x, ALL)
    if scientific and shortest:
        raise ValueError("Cannot select both scientific and shortest notation")
    if len(fill) > 1 or fill not in " +-0#":
        raise ValueError(f"Fill argument not supported: {fill!r}")
    kind = x.dtype.code[0]
    if kind not in "fc" and (precision > -1 or scientific or shortest):
        raise ValueError(f"AsString: precision and notation are for floats, received {x!r}")
    letter = "s" if kind == "s" else "d" if x.dtype in INTEGERS else "e" if scientific else "g" if shortest else "f"
    form = f"%{fill}{width if width > -1 else ''}{f'.{precision}' if precision > -1 else ''}{letter}"
    return _as_string(x, form=form, kind=kind, name=name)


# hashing into buckets


def _bucket(name: str, function: Callable[[bytes], int]) -> Callable[..., Tensor]:
    op = mapped(name, lambda s, num_buckets: function(s) % num_buckets, int64)

    def build(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
        if num_buckets < 1:
            raise ValueError(f"{op.name}: num_buckets must be at least 1, received {num_buckets}")
        return _applied(op)(input, name, num_buckets=int(num_buckets))
    return named(to_snake_case(name), build, (
        f"{name}: for each string of `input` an int64 from 0 to `num_buckets` - 1, always the same.\n\n"
        "Raises ValueError for num_buckets below 1."))


to_hash_bucket_fast = _bucket("StringToHashBucketFast", fingerprint)
to_hash_bucket = _bucket("StringToHashBucket", hash64)
_strong = mapped("StringToHashBucketStrong", lambda s, num_buckets, key: siphash(s, key) % num_buckets, int64)


def to_hash_bucket_strong(input: Any, num_buckets: int, key: Sequence[int], name: str | None = None) -> Tensor:
    """SipHash under `key` (two integers) modulo `num_buckets`."""
    if len(key) != 2:
        raise ShapeError(f"StringToHashBucketStrong: key must have two elements, received {list(key)}")
    return _applied(_strong)(input, name, num_buckets=int(num_buckets), key=tuple(int(k) for k in key))


# base64 with "-" and "_" (RFC 4648, section 5)


def _decode_base64(s: bytes) -> bytes:
    try:
        if b"+" in s or b"/" in s:
            raise ValueError
        bare = s.rstrip(b"=")
        return base64.b64decode(bare + b"=" * (-len(bare) % 4), b"-_", validate=True)
    except ValueError:
        raise InvalidArgumentError(f"Invalid character found in base64: {s!r}") from None


_encode = mapped("EncodeBase64", lambda s, pad: (lambda e: e if pad else e.rstrip(b"="))(base64.urlsafe_b64encode(s)))
decode_base64 = _applied(mapped("DecodeBase64", _decode_base64))


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Tensor:
    """Web-safe base64, without "=" at the end unless `pad`."""
    return _applied(_encode)(input, name, pad=bool(pad))


# bytes as numbers


def _raw_reference(x: np.ndarray, out_type: DType, little_endian: bool) -> np.ndarray:
    sizes = {len(s) for s in x.ravel()}
    if len(sizes) > 1:
        raise InvalidArgumentError(f"DecodeRaw requires input strings to all be the same size, but sizes "
                                   f"{sorted(sizes)} were found")
    kind = np.dtype(np.uint8) if out_type == bool_ else out_type.np
    size = sizes.pop() if sizes else 0
    if size % kind.itemsize:
        raise InvalidArgumentError(f"Input to DecodeRaw has length {size} that is not a multiple of {kind.itemsize}, "
                                   f"the size of {out_type.name}")
    flat = np.frombuffer(b"".join(x.ravel()), kind.newbyteorder("<" if little_endian else ">"))
    return flat.astype(out_type.np).reshape(*x.shape, size // kind.itemsize)


_decode_raw = OpDef("DecodeRaw", HOST, lambda inputs, attrs: [TensorType(
    attrs["out_type"], None if inputs[0].dims is None else (*inputs[0].dims, dm.fresh()))], None, _raw_reference)


def decode_raw(input: Any, out_type: Any, little_endian: bool = True, name: str | None = None) -> Tensor:
    """The bytes of each string as numbers, along a new last axis; all strings must be of one length."""
    return _decode_raw(strings(input, "DecodeRaw/bytes"), out_type=as_dtype(out_type),
                       little_endian=bool(little_endian), name=name)
