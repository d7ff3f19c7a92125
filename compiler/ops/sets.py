"""Set operations on the rows of sparse tensors."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import int32, int64
from ..errors import InvalidArgumentError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from .symbolic import operand_dims

KINDS = {"intersection": set.intersection, "union": set.union, "difference": set.difference}
Rows = dict[tuple[int, ...], set[Any]]


def _rows(indices: np.ndarray, values: np.ndarray) -> Rows:
    rows: Rows = {}
    for position, value in zip(indices.tolist(), values.tolist(), strict=True):
        rows.setdefault(tuple(position[:-1]), set()).add(value)
    return rows


def _operate(a_indices: np.ndarray, a_values: np.ndarray, a_shape: np.ndarray, b_indices: np.ndarray,
             b_values: np.ndarray, b_shape: np.ndarray, kind: str) -> tuple[np.ndarray, ...]:
    if a_shape[:-1].tolist() != b_shape[:-1].tolist():
        raise InvalidArgumentError(f"set {kind}: the shapes {a_shape.tolist()} and {b_shape.tolist()} must agree but "
                                   "for their last sizes")
    a, b = _rows(a_indices, a_values), _rows(b_indices, b_values)
    positions: list[tuple[int, ...]] = []
    found: list[Any] = []
    longest = 0
    for row in sorted({*a, *b}):
        elements = sorted(KINDS[kind](a.get(row, set()), b.get(row, set())))  # type: ignore[call-overload]
        positions += [(*row, i) for i in range(len(elements))]
        found += elements
        longest = max(longest, len(elements))
    values = np.empty(len(found), a_values.dtype)
    values[:] = found
    return (np.array(positions, np.int64).reshape(-1, len(a_shape)), values,
            np.array([*a_shape[:-1], longest], np.int64))


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    n = dm.fresh()
    rank = dm.fresh() if inputs[2].dims is None else inputs[2].dims[0]
    return [TensorType(int64, (n, rank)), TensorType(inputs[1].dtype, (n,)), TensorType(int64, (rank,))]


# (indices, values, shape) twice -> (indices, values, shape)
set_operation = OpDef("DenseToDenseSetOperation", HOST, _types, lambda op, *g: [None] * 6, _operate)


def _size(indices: np.ndarray, values: np.ndarray, shape: np.ndarray) -> np.ndarray:
    result = np.zeros(tuple(shape[:-1]), np.int32)
    for row, elements in _rows(indices, values).items():
        result[row] = len(elements)
    return result


def _size_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dims = operand_dims(inputs[2])
    return [TensorType(int32, None if dims is None else dims[:-1])]


set_size = OpDef("SetSize", HOST, _size_types, lambda op, g: [None] * 3, _size)
