"""The messages Example and SequenceExample (tensorflow/core/example) read into tensors."""
from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import DType, float32, int64, string
from ..errors import InvalidArgumentError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from ..shapes import Dims
from .tensor_proto import field, fields, read_varint, varint
from .texts import text

# Feature: which of its lists, by field number
KINDS = {1: string, 2: float32, 3: int64}


def read_feature(data: bytes) -> tuple[DType | None, list[Any]]:
    """(dtype, values) of the message Feature; (None, []) for an empty one."""
    dtype, values = None, []  # type: ignore[var-annotated]
    for kind, body in fields(data):
        if kind not in KINDS:
            continue
        dtype, values = KINDS[kind], []
        for number, value in fields(body):
            if number == 1:
                values += _items(kind, value)
    return dtype, values


def _items(kind: int, value: Any) -> list[Any]:
    if kind == 1:
        return [value]
    if kind == 2:
        return np.frombuffer(value, "<f4").tolist()
    if isinstance(value, int):
        return [value - 2**64 if value >= 2**63 else value]
    found, at = [], 0
    while at < len(value):
        item, at = read_varint(value, at)
        found.append(item - 2**64 if item >= 2**63 else item)
    return found


def read_map(data: bytes) -> dict[str, bytes]:
    """The entries of a map from strings to messages in field 1."""
    found = {}
    for number, entry in fields(data):
        if number == 1:
            parts = dict(fields(entry))
            found[parts.get(1, b"").decode()] = parts.get(2, b"")
    return found


def read_example(data: bytes) -> dict[str, bytes]:
    """The features of the message Example, each a message Feature."""
    return {k: v for number, body in fields(data) if number == 1 for k, v in read_map(body).items()}


@dataclass(frozen=True)
class Fixed:
    """A feature with a fixed number of values; `default` (flat values) where it is missing, None: it must not be."""

    key: str
    dtype: DType
    shape: tuple[int, ...]
    default: tuple[Any, ...] | None


@dataclass(frozen=True)
class Varying:
    """A feature with any number of values: as a sparse tensor (`shape` None), or padded with `default`, in rows of
    `shape`."""

    key: str
    dtype: DType
    shape: tuple[int, ...] | None = None
    default: Any = None


def _array(values: Sequence[Any], dtype: DType, shape: tuple[int, ...]) -> np.ndarray:
    out = np.empty(len(values), dtype.np)
    out[:] = values
    return out.reshape(shape)


def _values(features: dict[str, bytes], key: str, dtype: DType, name: str) -> list[Any] | None:
    """A feature's values, None where it is missing. Raises InvalidArgumentError for another dtype."""
    if key not in features:
        return None
    found, values = read_feature(features[key])
    if found is None:
        return None
    if found != dtype:
        raise InvalidArgumentError(f"Name: {name}, Feature: {key}.  Data types don't match. Data type: {found.name} "
                                   f"but expected type: {dtype.name}")
    return values


def fixed_values(features: dict[str, bytes], spec: Fixed, name: str) -> list[Any]:
    """The values of a fixed feature. Raises InvalidArgumentError where they are missing or of another number."""
    count = int(np.prod(spec.shape, dtype=np.int64))
    values = _values(features, spec.key, spec.dtype, name)
    if values is None:
        if spec.default is None:
            raise InvalidArgumentError(f"Name: {name}, Feature: {spec.key} (data type: {spec.dtype.name}) is required "
                                       "but could not be found.")
        return list(spec.default) * (count // max(len(spec.default), 1))
    if len(values) != count:
        raise InvalidArgumentError(f"Name: {name}, Key: {spec.key}, Index: 0.  Number of {spec.dtype.name} values != "
                                   f"expected.  values size: {len(values)} but output shape: {list(spec.shape)}")
    return values


def sparse_of(rows: Sequence[Sequence[Any]], dtype: DType, batched: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(indices, values, dense_shape) of rows of different lengths."""
    flat = [v for row in rows for v in row]
    indices = [[i, k] if batched else [k] for i, row in enumerate(rows) for k in range(len(row))]
    longest = max((len(r) for r in rows), default=0)
    return (np.array(indices, np.int64).reshape(len(flat), 1 + batched), _array(flat, dtype, (len(flat),)),
            np.array([len(rows), longest] if batched else [longest], np.int64))


def padded(rows: Sequence[Sequence[Any]], spec: Varying, name: str) -> np.ndarray:
    """Rows of values, each cut into rows of the spec's shape, padded to the longest."""
    assert spec.shape is not None
    width = int(np.prod(spec.shape, dtype=np.int64))
    for row in rows:
        if len(row) % max(width, 1):
            raise InvalidArgumentError(f"Name: {name}, Key: {spec.key}: {len(row)} values do not make up rows of shape "
                                       f"{list(spec.shape)}")
    longest = max((len(r) // width for r in rows), default=0)
    out = np.empty((len(rows), longest * width), spec.dtype.np)
    out[...] = spec.default if spec.default is not None else b"" if spec.dtype.is_string else 0
    for i, row in enumerate(rows):
        out[i, :len(row)] = row
    return out.reshape(len(rows), longest, *spec.shape)


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return _feature_types(inputs[0].dims if inputs[0].dims is not None else (dm.fresh(),), attrs["specs"])


def _feature_types(batch: Dims, specs: Sequence[Any]) -> list[TensorType]:
    found = []
    for spec in specs:
        if isinstance(spec, Fixed):
            found.append(TensorType(spec.dtype, (*batch, *spec.shape)))
        elif spec.shape is None:
            count = dm.fresh()
            found += [TensorType(int64, (count, len(batch) + 1)), TensorType(spec.dtype, (count,)),
                      TensorType(int64, (len(batch) + 1,))]
        else:
            found.append(TensorType(spec.dtype, (*batch, dm.fresh(), *spec.shape)))
    return found


def _reference(serialized: np.ndarray, names: np.ndarray, specs: tuple[Any, ...]) -> tuple[np.ndarray, ...]:
    given = [n.decode() for n in names.ravel()] or ["<unknown>"] * serialized.size
    examples = []
    for name, data in zip(given, serialized.ravel(), strict=True):
        try:
            examples.append(read_example(data))
        except (InvalidArgumentError, UnicodeDecodeError, TypeError, AttributeError):
            raise InvalidArgumentError(f"Could not parse example input, value: {data[:100]!r} (name: {name})") from None
    out: list[np.ndarray] = []
    for spec in specs:
        if isinstance(spec, Fixed):
            flat = [v for name, e in zip(given, examples, strict=True) for v in fixed_values(e, spec, name)]
            out.append(_array(flat, spec.dtype, (*serialized.shape, *spec.shape)))
            continue
        rows = [_values(e, spec.key, spec.dtype, name) or [] for name, e in zip(given, examples, strict=True)]
        if spec.shape is None:
            out += sparse_of(rows, spec.dtype, bool(serialized.ndim))
        else:
            whole = padded(rows, spec, given[0] if given else "")
            out.append(whole if serialized.ndim else whole[0])
    return tuple(out)


# serialized examples (a vector, or a scalar), their names (or none) -> for each spec a tensor, or a sparse one's three
parse_example = OpDef("ParseExample", HOST, _types, None, _reference)


# sequences


def _sequence_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    found = _feature_types((), attrs["context"])
    for spec in attrs["lists"]:
        if spec.shape is None:
            count = dm.fresh()
            found += [TensorType(int64, (count, 2)), TensorType(spec.dtype, (count,)), TensorType(int64, (2,))]
        else:
            found.append(TensorType(spec.dtype, (dm.fresh(), *spec.shape)))
    return [*found, *(TensorType(int64, ()) for _ in attrs["lists"])]


def _sequence_reference(serialized: np.ndarray, names: np.ndarray, context: tuple[Any, ...], lists: tuple[Any, ...]
                        ) -> tuple[np.ndarray, ...]:
    parts: dict[int, bytes] = dict(fields(serialized.item()))
    out = list(_reference(text(field(1, parts.get(1, b""))), names, context))
    sequences = read_map(parts.get(2, b""))
    lengths = []
    for spec in lists:
        steps = []
        if spec.key in sequences:
            for number, feature in fields(sequences[spec.key]):
                if number == 1:
                    dtype, values = read_feature(feature)
                    if dtype is not None and dtype != spec.dtype:
                        raise InvalidArgumentError(f"Feature list: {spec.key}.  Data types don't match. Expected type: "
                                                   f"{spec.dtype.name}, received {dtype.name}")
                    steps.append(values)
        elif spec.shape is not None and spec.default != "allowed":
            raise InvalidArgumentError(
                f"Name: <unknown>, Feature list '{spec.key}' is required but could not be "
                "found.  Did you mean to include it in feature_list_dense_missing_assumed_empty or "
                "feature_list_dense_defaults?"
            )
        lengths.append(np.array(len(steps), np.int64))
        if spec.shape is None:
            out += sparse_of(steps, spec.dtype, True)
            continue
        width = int(np.prod(spec.shape, dtype=np.int64))
        if any(len(s) != width for s in steps):
            raise InvalidArgumentError(f"Feature list: {spec.key}: each step must have {width} values, received "
                                       f"{[len(s) for s in steps]}")
        out.append(_array([v for s in steps for v in s], spec.dtype, (len(steps), *spec.shape)))
    return (*out, *lengths)


# a serialized sequence, its name -> as parse_example for `context`; for each of `lists` likewise; then their lengths
parse_sequence_example = OpDef("ParseSingleSequenceExample", HOST, _sequence_types, None, _sequence_reference)


def example_of_json(data: bytes) -> bytes:
    """The message Example that JSON describes (the protocol buffers' mapping). Raises InvalidArgumentError."""
    try:
        features = (json.loads(data) or {}).get("features", {}).get("feature", {})
        body = b"".join(field(1, field(1, key.encode()) + field(2, _feature_of_json(value)))
                        for key, value in sorted(features.items()))
    except (ValueError, AttributeError, TypeError, struct.error):
        raise InvalidArgumentError(f"Error while parsing JSON: {data[:100]!r}") from None
    return field(1, body)


def _feature_of_json(feature: dict[str, Any]) -> bytes:
    (kind, content), = feature.items()
    values = content.get("value", [])
    if kind in ("bytesList", "bytes_list"):
        return field(1, b"".join(field(1, base64.b64decode(v)) for v in values))
    if kind in ("floatList", "float_list"):
        return field(2, field(1, struct.pack(f"<{len(values)}f", *map(float, values))))
    if kind in ("int64List", "int64_list"):
        return field(3, field(1, b"".join(varint(int(v)) for v in values)))
    raise ValueError(kind)


def _json_reference(examples: np.ndarray) -> np.ndarray:
    out = np.empty(examples.shape, object)
    for index, data in np.ndenumerate(examples):
        out[index] = example_of_json(data)
    return out


decode_json_example = OpDef("DecodeJSONExample", HOST, lambda inputs, attrs: [inputs[0].type], None, _json_reference)
