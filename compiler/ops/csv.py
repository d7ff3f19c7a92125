"""Comma-separated values (RFC 4180) as tensors."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import DType, as_dtype
from ..errors import InvalidArgumentError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from .texts import texts

PARSED = ("float32", "float64", "int32", "int64", "string")


def split_record(record: bytes, delimiter: bytes = b",", quoted: bool = True) -> list[bytes]:
    """The fields of a record. With `quoted`, one in double quotes may hold delimiters, line ends and doubled quotes.

    Raises InvalidArgumentError for quotes in other places.
    """
    if not quoted or b'"' not in record:
        if quoted and (b"\n" in record or b"\r" in record):
            raise InvalidArgumentError("Unquoted fields cannot have quotes/CRLFs inside")
        return record.split(delimiter)
    fields, at, end = [], 0, len(record)
    while True:
        if record[at:at + 1] == b'"':
            field, at = _quoted(record, at + 1)
            if at < end and record[at:at + 1] != delimiter:
                raise InvalidArgumentError("Quoted field has to end with quote followed by delim or end")
        else:
            stop = record.find(delimiter, at)
            stop = end if stop < 0 else stop
            field, at = record[at:stop], stop
            if any(c in field for c in (b'"', b"\n", b"\r")):
                raise InvalidArgumentError("Unquoted fields cannot have quotes/CRLFs inside")
        fields.append(field)
        if at >= end:
            return fields
        at += 1


def _quoted(record: bytes, at: int) -> tuple[bytes, int]:
    """The field whose opening quote is before `at`, and the position after its closing quote."""
    parts = []
    while True:
        stop = record.find(b'"', at)
        if stop < 0:
            raise InvalidArgumentError("Quoted field has to end with quote followed by delim or end")
        parts.append(record[at:stop])
        if record[stop + 1:stop + 2] != b'"':
            return b'"'.join(parts), stop + 1
        at = stop + 2


def parse_field(text: bytes, dtype: DType, field: int, record: int) -> Any:
    """A field as a value of the dtype. Raises InvalidArgumentError naming it where it is none."""
    if dtype.is_string:
        return text
    try:
        if dtype.is_floating:
            return float(text)
        value = int(text)
        if dtype.min <= value <= dtype.max and b"_" not in text:
            return value
    except ValueError:
        pass
    shown = text.decode("utf-8", "replace")
    raise InvalidArgumentError(f"Field {field} in record {record} is not a valid {dtype.name}: {shown}")


def read_record(record: bytes, number: int, defaults: Sequence[Any], dtypes: Sequence[DType], delimiter: bytes,
                quoted: bool, na_value: bytes, select: Sequence[int] | None) -> list[Any]:
    """The values of a record's fields; `defaults` has None for fields that may not be missing.

    Raises InvalidArgumentError for another number of fields, missing ones and values of another type.
    """
    fields = split_record(record, delimiter, quoted)
    if select is None:
        if len(fields) != len(dtypes):
            raise InvalidArgumentError(f"Expect {len(dtypes)} fields but have {len(fields)} in record {number}")
    else:
        if select and max(select) >= len(fields):
            raise InvalidArgumentError(f"Expect {len(dtypes)} fields but have "
                                       f"{sum(i < len(fields) for i in select)} in record {number}")
        fields = [fields[i] for i in select]
    values = []
    for i, (text, default, dtype) in enumerate(zip(fields, defaults, dtypes, strict=True)):
        if not text or text == na_value:
            if default is None:
                raise InvalidArgumentError(f"Field {i} is required but missing in record {number}!")
            values.append(default)
        else:
            values.append(parse_field(text, dtype, i, number))
    return values


def column(values: Sequence[Any], dtype: DType, shape: tuple[int, ...]) -> np.ndarray:
    """Values as an array of that dtype and shape."""
    if dtype.is_string:
        return texts(values).reshape(shape)
    return np.array(values, dtype.np).reshape(shape)


def default_of(value: np.ndarray) -> Any:
    """A column's default as `read_record` takes it, from an array of one element or none."""
    return value.ravel()[0].item() if value.size and value.dtype != object else value.ravel()[0] if value.size else None


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [TensorType(t.dtype, inputs[0].dims) for t in inputs[1:]]


def _reference(records: np.ndarray, *defaults: np.ndarray, delimiter: bytes, quoted: bool, na_value: bytes,
               select: tuple[int, ...] | None) -> tuple[np.ndarray, ...]:
    dtypes = [as_dtype(d.dtype) for d in defaults]
    given = [default_of(d) for d in defaults]
    rows = [read_record(r, i, given, dtypes, delimiter, quoted, na_value, select)
            for i, r in enumerate(records.ravel())]
    columns = zip(*rows, strict=True) if rows else [[] for _ in dtypes]
    return tuple(column(list(c), d, records.shape) for c, d in zip(columns, dtypes, strict=True))


# records, then a default of one element or none for each column
decode_csv = OpDef("DecodeCSV", HOST, _types, None, _reference)
