"""Rows of a variable changed in place, at indices that a run computes; and the sums that sparse updates need.

A variable is taken as rows: its first `depth` axes count them, so that indices of several axes are flat positions too.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import FLOATS, INTEGERS, NUMBERS, DType, bool_
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import COPY, EFFECT, OpDef
from ..shapes import format_dims
from .arguments import check_dtype, check_same_dtype
from .gather import checked_indices, index_fault


def _row_effect(name: str, combine: str, at: Callable[..., Any], dtypes: Sequence[DType] = NUMBERS) -> OpDef:
    """An op `(variable, indices, updates)` that stores combine(row, update) in each indexed row, one after another.

    `combine` is the source of one element: `{0}` what the variable holds, `{1}` the update. Where `repeated`, each
    row of the updates serves as many consecutive indices as there are for one.
    """
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        variable, indices, updates = inputs
        check_dtype(name, indices, INTEGERS, "indices")
        check_dtype(name, variable, dtypes)
        check_same_dtype(name, (variable, updates))
        if variable.dims is not None and indices.dims is not None and not attrs.get("repeated"):
            wanted = (*indices.dims, *variable.dims[attrs["depth"]:])
            if not updates.shape.is_compatible_with(wanted):
                raise ShapeError(f"{name}: updates must have the shape indices.shape + variable.shape"
                                 f"[{attrs['depth']}:] = {format_dims(wanted)}, received {updates!r}")
        return [variable.type]

    def reference(variable: np.ndarray, indices: np.ndarray, updates: np.ndarray, depth: int,
                  repeated: bool = False) -> np.ndarray:
        rows = variable.reshape(-1, *variable.shape[depth:]).copy()
        flat = checked_indices(indices, len(rows)).ravel()
        if repeated and len(updates):
            updates = updates.repeat(flat.size // len(updates), 0)
        at(rows, flat, updates.reshape(flat.size, *variable.shape[depth:]))
        return rows.reshape(variable.shape)

    return OpDef(name, EFFECT, infer, lambda op, g: (None, None, None), reference, stateful=True,
                 fields={"rows": combine, "fault": index_fault})


scatter_update = _row_effect("ScatterUpdate", "{1}", np.ndarray.__setitem__, (*NUMBERS, bool_))
scatter_add = _row_effect("ScatterAdd", "{0} + {1}", np.add.at)
scatter_sub = _row_effect("ScatterSub", "{0} - {1}", np.subtract.at)
scatter_mul = _row_effect("ScatterMul", "{0} * {1}", np.multiply.at)
scatter_div = _row_effect("ScatterDiv", "{0} / {1}", np.divide.at, FLOATS)
scatter_min = _row_effect("ScatterMin", "minimum({0}, {1})", np.minimum.at)
scatter_max = _row_effect("ScatterMax", "maximum({0}, {1})", np.maximum.at)


def _sum_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    values, indices = inputs
    check_dtype("SumEqualRows", indices, INTEGERS)
    check_dtype("SumEqualRows", values, NUMBERS)
    if values.dims is not None and not indices.shape.is_compatible_with(values.dims[:1]):
        raise ShapeError(f"SumEqualRows: there must be one index for each row of {values!r}, received {indices!r}")
    return [values.type]


def _sum_reference(values: np.ndarray, indices: np.ndarray, rows: int) -> np.ndarray:
    total = np.zeros((rows, *values.shape[1:]), values.dtype)
    np.add.at(total, checked_indices(indices, rows), values)
    return total[indices]


def _sum_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    return [_sum_equal_rows(g, op.inputs[1], rows=op.attrs["rows"]), None]


# out[i] = the sum of all values[j] whose indices[j] == indices[i]
_sum_equal_rows = OpDef("SumEqualRows", COPY, _sum_types, _sum_grad, _sum_reference, fields={"sum_rows": True})


def sum_equal_rows(values: Tensor, indices: Tensor, rows: dm.DimLike, name: str = "SumEqualRows") -> Tensor:
    """`values`, each row replaced by the sum of all rows that have its index.

    A sparse update then treats every row by itself: rows of one index come out equal, so that storing them one after
    another is the same as storing their sum once. `indices` are in [0, rows).
    """
    return _sum_equal_rows(values, indices, rows=rows, name=name)
