"""Lookup tables: the session keeps a dict under the table's name."""
from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import DType, int64
from ..errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from ..ir import Tensor, TensorType
from ..shapes import Dims
from .resources import resource_op

WHOLE_LINE, LINE_NUMBER = -2, -1


class Table:
    """A table in a session; `values` is None until it is initialized."""

    def __init__(self) -> None:
        self.values: dict[Any, Any] | None = None
        self.lock = threading.Lock()

    def fill(self, keys: Sequence[Any], values: Sequence[Any]) -> None:
        """Initialize, unless it is already. Raises FailedPreconditionError for a key with two values."""
        if self.values is not None:
            return
        found: dict[Any, Any] = {}
        for key, value in zip(keys, values, strict=True):
            if found.setdefault(key, value) != value:
                raise FailedPreconditionError(f"HashTable has different value for same key. Key {_show(key)} has "
                                              f"{_show(found[key])} and trying to add value {_show(value)}")
        self.values = found


def _show(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _table(session: Any, key: str, mutable: bool = False) -> Table:
    table = session.resources.setdefault(("table", key), Table())
    if mutable and table.values is None:
        table.values = {}
    return table


def _values(session: Any, key: str, mutable: bool) -> dict[Any, Any]:
    values = _table(session, key, mutable).values
    if values is None:
        raise FailedPreconditionError(f"Table not initialized. ({key}: run tables_initializer() first)")
    return values


def _nothing(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return []


def _initialize(keys: np.ndarray, values: np.ndarray, key: str, session: Any) -> tuple[()]:
    _table(session, key).fill(keys.ravel().tolist(), values.ravel().tolist())
    return ()


# keys, values
initialize_table = resource_op("InitializeTableV2", _nothing, _initialize)


def _column(line: bytes, number: int, index: int, dtype: DType, delimiter: bytes) -> Any:
    if index == LINE_NUMBER:
        return number
    if index == WHOLE_LINE:
        return line
    parts = line.split(delimiter)
    if index >= len(parts):
        raise InvalidArgumentError(f"Invalid number of columns in line {number}: column {index} of "
                                   f"{_show(line)!r} is wanted")
    try:
        return parts[index] if dtype.is_string else float(parts[index]) if dtype.is_floating else int(parts[index])
    except ValueError:
        raise InvalidArgumentError(f"Field {_show(parts[index])!r} in line {number} is not a valid "
                                   f"{dtype.name}.") from None


def _from_file(filename: np.ndarray, key: str, columns: tuple[int, int], dtypes: tuple[DType, DType],
               vocab_size: int | None, delimiter: bytes, offset: int, session: Any) -> tuple[()]:
    table = _table(session, key)
    if table.values is not None:
        return ()
    name = os.fsdecode(filename.item())
    try:
        with open(name, "rb") as file:
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        raise NotFoundError(f"{name}; No such file or directory") from None
    if not lines[-1]:
        lines.pop()
    if vocab_size is not None:
        if len(lines) < vocab_size:
            raise InvalidArgumentError(f"Invalid vocab_size in {name}: expected {vocab_size} but got {len(lines)}.")
        lines = lines[:vocab_size]
    lines = [line.removesuffix(b"\r") for line in lines]
    keys, values = ([_column(line, i, c, d, delimiter) for i, line in enumerate(lines)]
                    for c, d in zip(columns, dtypes, strict=True))
    table.fill(keys, [v + offset for v in values] if offset else values)
    return ()


initialize_table_from_file = resource_op("InitializeTableFromTextFileV2", _nothing, _from_file)


def _find_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    keys, default = inputs
    dims: Dims | None = None if keys.dims is None or default.dims is None else (*keys.dims, *default.dims)
    if attrs.get("wide_keys") and dims is not None:
        dims = dims[:-1]
    return [TensorType(default.dtype, dims)]


def _hashable(keys: np.ndarray, wide: bool) -> list[Any]:
    """The keys one by one; with `wide` the last axis makes up a key."""
    return [row.tobytes() for row in keys.reshape(-1, keys.shape[-1])] if wide else keys.ravel().tolist()


def _find(keys: np.ndarray, default: np.ndarray, key: str, mutable: bool, session: Any, wide_keys: bool = False
          ) -> np.ndarray:
    table = _table(session, key, mutable)
    with table.lock:
        values = _values(session, key, mutable)
        other = default.item() if not default.ndim else default
        found = [values.get(k, other) for k in _hashable(keys, wide_keys)]
    shape = keys.shape[:-1] if wide_keys else keys.shape
    out = np.empty((len(found), *default.shape), default.dtype)
    for i, value in enumerate(found):
        out[i] = value
    return out.reshape((*shape, *default.shape))


# keys, default value
find = resource_op("LookupTableFindV2", _find_types, _find)


def _insert(keys: np.ndarray, values: np.ndarray, key: str, session: Any, wide_keys: bool = False) -> tuple[()]:
    table = _table(session, key, mutable=True)
    hashed = _hashable(keys, wide_keys)
    rows = values.reshape((len(hashed), *values.shape[keys.ndim - wide_keys:]))
    if len(hashed) and rows.size == 0 and values.size:
        raise InvalidArgumentError(f"Expected shape {keys.shape} for values, got {values.shape}")
    with table.lock:
        assert table.values is not None
        table.values.update(zip(hashed, rows.tolist() if rows.ndim == 1 else list(rows.copy()), strict=True))
    return ()


def _remove(keys: np.ndarray, key: str, session: Any, wide_keys: bool = False) -> tuple[()]:
    table = _table(session, key, mutable=True)
    with table.lock:
        assert table.values is not None
        for k in _hashable(keys, wide_keys):
            table.values.pop(k, None)
    return ()


insert = resource_op("LookupTableInsertV2", _nothing, _insert)
remove = resource_op("LookupTableRemoveV2", _nothing, _remove)

size = resource_op("LookupTableSizeV2", lambda inputs, attrs: [TensorType(int64, ())],
           lambda key, mutable, session: np.array(len(_values(session, key, mutable)), np.int64))


def _export_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    count = dm.fresh()
    return [TensorType(attrs["key_dtype"], (count, *attrs["key_shape"])),
            TensorType(attrs["value_dtype"], (count, *attrs["value_shape"]))]


def _filled(items: Sequence[Any], dtype: DType, shape: tuple[int, ...]) -> np.ndarray:
    out = np.empty((len(items), *shape), dtype.np)
    for i, item in enumerate(items):
        out[i] = np.frombuffer(item, dtype.np) if isinstance(item, bytes) and not dtype.is_string else item
    return out


def _export(key: str, mutable: bool, key_dtype: DType, value_dtype: DType, key_shape: tuple[int, ...],
            value_shape: tuple[int, ...], session: Any) -> tuple[np.ndarray, np.ndarray]:
    values = dict(_values(session, key, mutable))
    return _filled(list(values), key_dtype, key_shape), _filled(list(values.values()), value_dtype, value_shape)


# -> keys, values
export = resource_op("LookupTableExportV2", _export_types, _export)
