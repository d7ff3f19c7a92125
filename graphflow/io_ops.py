"""Files, CSV and serialized tensors in a graph."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arguments import renamed
from .compiler.dtypes import as_dtype, string
from .compiler.ir import Operation, Tensor
from .compiler.ops import csv as _csv
from .compiler.ops import io as _ops
from .compiler.ops import strings as _strings
from .compiler.ops.arguments import is_tensor
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.slicing import stack
from .framework import GraphKeys
from .sparse_tensor import SparseTensor
from .variables import Variable


def _scalar(value: Any, name: str) -> Tensor:
    tensor = convert_to_tensor(value, string, name=name)
    if tensor.dims is not None and len(tensor.dims):
        raise ValueError(f"Shape must be rank 0 but is rank {len(tensor.dims)}: {name} {tensor!r}")
    return tensor


def read_file(filename: Any, name: str | None = None) -> Tensor:
    """The contents of a file, a string scalar. Raises NotFoundError when the graph runs."""
    return _ops.read_file(_scalar(filename, "filename"), name=name)


def write_file(filename: Any, contents: Any, name: str | None = None) -> Operation:
    """An operation that writes a file, and the directories that it needs."""
    return _ops.write_file.operation(_scalar(filename, "filename"), _scalar(contents, "contents"), name=name)


def matching_files(pattern: Any, name: str | None = None) -> Tensor:
    """The names, in order, of the files that match a shell pattern, or one of several."""
    return _ops.matching_files(convert_to_tensor(pattern, string, name="pattern"), name=name)


def match_filenames_once(pattern: Any, name: str | None = None) -> Variable:
    """A local variable that holds the names of the matching files from its initialization on."""
    return Variable(matching_files(pattern), trainable=False, validate_shape=False, name=name or "matching_filenames",
                    collections=[GraphKeys.LOCAL_VARIABLES])


def serialize_tensor(tensor: Any, name: str | None = None) -> Tensor:
    """The tensor as a string scalar, in the protocol buffer message TensorProto."""
    return _ops.serialize_tensor(convert_to_tensor(tensor), name=name)


def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Tensor:
    """The tensor that `serialize_tensor` wrote. Raises InvalidArgumentError when the graph runs on other data or
    another dtype."""
    return _ops.parse_tensor(_scalar(serialized, "serialized"), dtype=as_dtype(out_type), name=name)


def decode_compressed(bytes: Any, compression_type: str = "", name: str | None = None) -> Tensor:
    """Strings decompressed; `compression_type` is "", "ZLIB" or "GZIP"."""
    if compression_type not in ("", "ZLIB", "GZIP"):
        raise ValueError("decode_compressed: compression_type must be '', 'ZLIB' or 'GZIP', received "
                         f"{compression_type!r}")
    return _ops.decode_compressed(convert_to_tensor(bytes, string), compression=compression_type, name=name)


def decode_csv(records: Any, record_defaults: Sequence[Any], field_delim: str = ",", use_quote_delim: bool = True,
               name: str | None = None, na_value: str = "", select_cols: Sequence[int] | None = None) -> list[Tensor]:
    """The columns of CSV records (strings of any shape), each of the records' shape.

    `record_defaults` has for each column a value of its dtype for fields that are empty or `na_value`, or an empty
    list or tensor where they must not be. Raises ValueError for wrong arguments and, when the graph runs,
    InvalidArgumentError for records that do not fit.
    """
    if len(field_delim) != 1:
        raise ValueError(f"field_delim should be only 1 char, received {field_delim!r}")
    if select_cols is not None and list(select_cols) != sorted(set(select_cols)):
        raise ValueError("select_cols is not strictly increasing.")
    if select_cols is not None and select_cols and select_cols[0] < 0:
        raise ValueError("select_cols contains negative values.")
    if select_cols is not None and len(select_cols) != len(record_defaults):
        raise ValueError("Length of select_cols and record_defaults do not match.")
    defaults = [_default(d, i) for i, d in enumerate(record_defaults)]
    op = _csv.decode_csv.operation(
        convert_to_tensor(records, string, name="records"), *defaults, delimiter=field_delim.encode(),
        quoted=bool(use_quote_delim), na_value=na_value.encode(),
        select=None if select_cols is None else tuple(int(c) for c in select_cols), name=name)
    return list(op.outputs)


def _default(value: Any, number: int) -> Tensor:
    tensor = convert_to_tensor(value) if is_tensor(value) or np.size(np.asarray(value, object)) else convert_to_tensor(
        np.asarray(value, np.float32) if not isinstance(value, np.ndarray) else value)
    if tensor.dtype.name not in _csv.PARSED:
        raise TypeError(f"decode_csv: record_defaults[{number}] must be of {', '.join(_csv.PARSED)}, received "
                        f"{tensor!r}")
    if tensor.dims is not None and (len(tensor.dims) > 1 or any(isinstance(d, int) and d > 1 for d in tensor.dims)):
        raise ValueError(f"decode_csv: record_defaults[{number}] must be a scalar or have at most one element, "
                         f"received {tensor!r}")
    return tensor


def decode_raw(input_bytes: Any = None, out_type: Any = None, little_endian: bool = True, name: str | None = None,
               bytes: Any = None) -> Tensor:
    """The bytes of strings as numbers of `out_type`, along a new last axis. Raises, when the graph runs,
    InvalidArgumentError for a length that is no multiple of the number's, or that differs from another string's."""
    return _strings.decode_raw(renamed("input_bytes", input_bytes, "bytes", bytes), out_type, little_endian, name)


# sparse tensors as three strings


def serialize_sparse(sp_input: Any, name: str | None = None, out_type: Any = string) -> Tensor:
    """A sparse tensor as a vector of three strings: its indices, values and dense shape, serialized."""
    return stack([serialize_tensor(t) for t in (sp_input.indices, sp_input.values, sp_input.dense_shape)],
                 name=name or "SerializeSparse")


def serialize_many_sparse(sp_input: Any, name: str | None = None, out_type: Any = string) -> Tensor:
    """The rows of a sparse tensor (batch, ...), each as by `serialize_sparse`: (batch, 3)."""
    return _ops.serialize_many_sparse(sp_input.indices, sp_input.values, sp_input.dense_shape, name=name)


def deserialize_many_sparse(serialized_sparse: Any, dtype: Any, rank: int | None = None, name: str | None = None
                            ) -> SparseTensor:
    """The sparse tensor (batch, ...) whose rows, of `rank`, are serialized in (batch, 3). Raises, when the graph runs,
    InvalidArgumentError for other data."""
    op = _ops.deserialize_many_sparse.operation(convert_to_tensor(serialized_sparse, string), dtype=as_dtype(dtype),
                                                rank=rank, name=name)
    return SparseTensor(*op.outputs)
