"""The bytes of elements, seen as another dtype."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import ShapeError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, dtype = inputs[0], attrs["dtype"]
    if x.dims is None:
        return [TensorType(dtype, None)]
    if x.dtype.size > dtype.size:
        return [TensorType(dtype, (*x.dims, x.dtype.size // dtype.size))]
    if x.dtype.size == dtype.size:
        return [TensorType(dtype, x.dims)]
    if not x.dims or isinstance(x.dims[-1], int) and x.dims[-1] * x.dtype.size != dtype.size:
        raise ShapeError(f"Bitcast: {x!r} does not end in an axis of {dtype.size // x.dtype.size} elements, as many as "
                         f"make one {dtype.name}")
    return [TensorType(dtype, x.dims[:-1])]


def _reference(x: np.ndarray, dtype: DType) -> np.ndarray:
    x = np.ascontiguousarray(x).reshape(x.shape)
    if x.dtype.itemsize == dtype.size:
        return x.reshape(-1).view(dtype.np).reshape(x.shape)
    if x.dtype.itemsize > dtype.size:
        return x.reshape(-1).view(dtype.np).reshape(*x.shape, -1)
    return x.reshape(-1).view(dtype.np).reshape(x.shape[:-1])


bitcast = OpDef("Bitcast", HOST, _types, lambda op, g: [None], _reference)
