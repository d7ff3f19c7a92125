"""Protocol buffer messages as tensors: `tf.io.decode_proto` and `tf.io.encode_proto`, through the package protobuf."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .compiler.dtypes import as_dtype, int32, string
from .compiler.errors import DataLossError, InvalidArgumentError, NotFoundError
from .compiler.ir import Tensor
from .compiler.ops.constant import convert_to_tensor
from .script_ops import array_function

__all__ = ["decode_proto", "encode_proto"]


def _message_class(message_type: str, descriptor_source: Any) -> Any:
    """The class of a message. `descriptor_source` is "local://" (the messages that this program has imported), a file
    with a FileDescriptorSet, or "bytes://" and such a set. Raises ImportError without protobuf, NotFoundError for a
    message that is not there."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError as error:
        raise ImportError("tf.io.decode_proto and encode_proto need the package protobuf: "
                          "pip install graphflow[proto]") from error
    source = descriptor_source.encode("latin-1") if isinstance(descriptor_source, str) else bytes(descriptor_source)
    pool = descriptor_pool.Default()
    if source not in (b"", b"local://"):
        if source.startswith(b"bytes://"):
            data = source.removeprefix(b"bytes://")
        else:
            with open(source, "rb") as file:
                data = file.read()
        pool = descriptor_pool.DescriptorPool()
        for described in descriptor_pb2.FileDescriptorSet.FromString(data).file:
            pool.Add(described)
    try:
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(message_type))
    except KeyError:
        raise NotFoundError(f"No descriptor found for message type {message_type}") from None


def _fields(kind: Any, names: Sequence[str]) -> list[Any]:
    known = kind.DESCRIPTOR.fields_by_name
    for name in names:
        if name not in known:
            raise InvalidArgumentError(f"Unknown field: {name} in message type {kind.DESCRIPTOR.full_name}")
    return [known[name] for name in names]


def _is_repeated(field: Any) -> bool:
    return bool(field.is_repeated)


def decode_proto(bytes: Any, message_type: str, field_names: Sequence[str], output_types: Sequence[Any],
                 descriptor_source: Any = "local://", message_format: str = "binary", sanitize: bool = False,
                 name: str | None = None) -> tuple[Tensor, list[Tensor]]:
    """(how often each field is there, int32 [..., fields]; for each field its values [..., most], padded with zeros or
    empty strings) of serialized messages `bytes`. A message in a field comes serialized.

    Raises, when the graph runs, DataLossError for bytes that are no message.
    """
    from google.protobuf import text_format
    kind, dtypes = _message_class(message_type, descriptor_source), [as_dtype(t) for t in output_types]
    described = _fields(kind, field_names)
    if message_format not in ("binary", "text"):
        raise InvalidArgumentError(f'format must be one of "text" or "binary", received {message_format!r}')

    def read(data: Any) -> Any:
        try:
            return kind.FromString(data) if message_format == "binary" else text_format.Parse(data, kind())
        except Exception as error:  # each of protobuf's implementations has a class of its own
            raise DataLossError(f"Unable to parse {message_format} protobuf {message_type}: {error}") from None

    def decode(serialized: Any) -> list[np.ndarray]:
        serialized = np.asarray(serialized, object)
        messages = [read(data) for data in serialized.ravel()]
        columns = [[_values(message, field) for message in messages] for field in described]
        sizes = np.array([[len(row) for row in column] for column in columns], np.int32).T
        out = [sizes.reshape(*serialized.shape, len(described))]
        for column, dtype in zip(columns, dtypes, strict=True):
            most = max(map(len, column), default=0)
            padded = np.full((len(messages), most), b"" if dtype.is_string else 0, dtype.np)
            for row, values in zip(padded, column, strict=True):
                row[:len(values)] = values
            out.append(padded.reshape(*serialized.shape, most))
        return out

    decode.is_op = True  # type: ignore[attr-defined]
    x = convert_to_tensor(bytes, string)
    sizes, *values = array_function(decode, [x], [int32, *dtypes], name=name or "DecodeProtoV2")
    if x.shape.dims is not None:
        shape = x.shape.as_list()
        sizes.set_shape([*shape, len(described)])
        for value in values:
            value.set_shape([*shape, None])
    return sizes, values


def _values(message: Any, field: Any) -> list[Any]:
    """A field's values; none where it is not there."""
    if _is_repeated(field):
        found = list(getattr(message, field.name))
    else:
        value = getattr(message, field.name)
        there = message.HasField(field.name) if field.has_presence else value != field.default_value
        found = [value] if there else []
    if field.message_type is not None:
        return [part.SerializeToString() for part in found]
    return [part.encode() if isinstance(part, str) else part for part in found]


def encode_proto(sizes: Any, values: Sequence[Any], field_names: Sequence[str], message_type: str,
                 descriptor_source: Any = "local://", name: str | None = None) -> Tensor:
    """Serialized messages [...]: of field f the first sizes[..., f] of values[f] [..., most]. Raises, when the graph
    runs, InvalidArgumentError for more than there are, or more than one of a field that is not repeated."""
    kind = _message_class(message_type, descriptor_source)
    described = _fields(kind, field_names)

    def encode(sizes: np.ndarray, *columns: np.ndarray) -> np.ndarray:
        shape = sizes.shape[:-1]
        rows, count = [c.reshape(-1, c.shape[-1]) for c in columns], sizes.reshape(-1, len(described))
        out = np.empty(len(count), object)
        for i, each in enumerate(count):
            message = kind()
            for field, n, column in zip(described, each, rows, strict=True):
                _fill(message, field, int(n), column[i])
            out[i] = message.SerializeToString()
        return out.reshape(shape)

    encode.is_op = True  # type: ignore[attr-defined]
    inputs = [convert_to_tensor(sizes, int32), *map(convert_to_tensor, values)]
    found = array_function(encode, inputs, string, name=name or "EncodeProto")
    if inputs[0].shape.dims is not None:
        found.set_shape(inputs[0].shape.as_list()[:-1])
    return found


def _fill(message: Any, field: Any, size: int, values: np.ndarray) -> None:
    if size > len(values) or size > 1 and not _is_repeated(field):
        raise InvalidArgumentError(f"encode_proto: field {field.name!r} cannot take {size} values of {len(values)}")
    for value in values[:size].tolist():
        if field.message_type is not None:
            part = getattr(message, field.name)
            (part.add() if _is_repeated(field) else part).MergeFromString(value)
            continue
        given = value.decode() if field.type == field.TYPE_STRING else value
        if _is_repeated(field):
            getattr(message, field.name).append(given)
        else:
            setattr(message, field.name, given)
