"""Fingerprints of rows (FarmHash's Fingerprint64), and crosses of the values in the rows of several matrices."""
from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import int64, string, uint8
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from ..string_hash import fingerprint as hashed
from ..string_hash import fingerprint_of_two

MAX = 2 ** 63 - 1


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    data, method = inputs
    if data.dims == ():
        raise ShapeError(f"Fingerprint: Shape must be at least rank 1 but is rank 0 for {data!r}")
    return [TensorType(uint8, (dm.fresh() if data.dims is None else data.dims[0], 8))]


def _reference(data: np.ndarray, method: np.ndarray) -> np.ndarray:
    if method.item() != b"farmhash64":
        raise InvalidArgumentError(f"Fingerprint: Unsupported fingerprint method: {method.item()!r}")
    if data.dtype == object:
        rows = [[hashed(s) for s in np.ravel(row)] for row in data]
        numbers = [row[0] if data.ndim == 1 else hashed(struct.pack(f"<{len(row)}Q", *row)) for row in rows]
    else:
        numbers = [hashed(np.ascontiguousarray(row).tobytes()) for row in data]
    return np.array(numbers, "<u8").view(np.uint8).reshape(len(data), 8)


fingerprint = OpDef("Fingerprint", HOST, _types, None, _reference)


# crosses: for each row one value of each matrix in every combination, the last matrix's changing fastest


def _cross_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    n = dm.fresh()
    dtype = string if attrs["hash_key"] is None else int64
    return [TensorType(int64, (n, 2)), TensorType(dtype, (n,)), TensorType(int64, (2,))]


def _columns(arrays: Sequence[np.ndarray], sparse: Sequence[bool]) -> list[list[list[Any]]]:
    """The values of each matrix (given as it is, or as indices, values and shape) by row."""
    rest, columns = iter(arrays), []
    for is_sparse in sparse:
        if is_sparse:
            indices, values, shape = next(rest), next(rest), next(rest)
            rows: list[list[Any]] = [[] for _ in range(int(shape[0]))]
            for (row, _), value in zip(indices, values, strict=True):
                rows[row].append(value)
        else:
            rows = [list(row) for row in next(rest)]
        columns.append(rows)
    if len({len(c) for c in columns}) > 1:
        raise InvalidArgumentError("SparseCross: Expected all inputs to have the same number of rows, received "
                                   f"{[len(c) for c in columns]}")
    return columns


def _cross(*arrays: np.ndarray, sparse: Sequence[bool], separator: bytes, hash_key: int | None, buckets: int
           ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    def joined(values: Sequence[Any]) -> bytes:
        return separator.join(v if isinstance(v, bytes) else str(int(v)).encode() for v in values)

    def number(values: Sequence[Any]) -> int:
        found = hash_key or 0
        for v in values:
            found = fingerprint_of_two(found, hashed(v) if isinstance(v, bytes) else int(v) % 2 ** 64)
        return found % (buckets or MAX)

    columns = _columns(arrays, sparse)
    made = [[(joined if hash_key is None else number)(values) for values in itertools.product(*rows)]
            for rows in zip(*columns, strict=True)]
    indices = np.array([(r, k) for r, row in enumerate(made) for k in range(len(row))], np.int64).reshape(-1, 2)
    out = np.empty(len(indices), object if hash_key is None else np.int64)
    out[:] = [value for row in made for value in row]
    return indices, out, np.array([len(made), max(map(len, made), default=0)], np.int64)


cross = OpDef("SparseCrossV2", HOST, _cross_types, None, _cross)
