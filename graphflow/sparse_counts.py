"""How often each whole number comes, as a sparse table."""
from __future__ import annotations

from typing import Any

from .compiler.dtypes import int32, int64
from .compiler.errors import DTypeError
from .compiler.ir import Tensor
from .compiler.ops import sparse
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.gather import range_
from .compiler.ops.view import broadcast_to, expand_dims, known_rank, reshape, shape_of, zeros
from .framework import name_scope
from .sparse_tensor import SparseTensor


def _flat(x: Any) -> Tensor:
    return x.values if isinstance(x, SparseTensor) else reshape(convert_to_tensor(x), [-1])


def bincount(values: Any, weights: Any = None, axis: int | None = 0, minlength: int | None = None,
             maxlength: int | None = None, binary_output: bool = False, name: str | None = None) -> SparseTensor:
    """How often each of 0, 1, ... comes in `values` (a tensor or SparseTensor of int32 or int64), or the total of their
    `weights`; only those that come are in the result.

    `axis` 0 (default) counts over everything, -1 in each row. The table is `maxlength` wide, else as wide as the
    largest value says and at least `minlength`; larger values are left out. `binary_output` gives 1 for each count.
    Raises ValueError for another axis or weights of binary counts, InvalidArgumentError at run time for negative
    values.
    """
    if weights is not None and binary_output:
        raise ValueError("Arguments `binary_output` and `weights` are mutually exclusive. Please specify only one.")
    if axis not in (None, 0, -1):
        raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported.")
    with name_scope(name, "count"):
        given = values if isinstance(values, SparseTensor) else convert_to_tensor(values, name="values")
        if given.dtype not in (int32, int64):
            raise DTypeError(f"Value passed to parameter 'values' has DataType {given.dtype.name} not in list of "
                             "allowed values: int32, int64")
        rank = given.shape.ndims if isinstance(given, SparseTensor) else len(known_rank("bincount", given))
        by_row = axis == -1 and rank != 1
        if by_row and rank != 2:
            raise ValueError(f"bincount: values must have rank 1 or 2 to be counted by rows, received {given!r}")
        rows, height = zeros([0], int64), zeros([], int64)
        if by_row and isinstance(given, SparseTensor):
            rows, height = given.indices[:, 0], given.dense_shape[0]
        elif by_row:
            sizes = shape_of(convert_to_tensor(given))
            rows = _flat(broadcast_to(expand_dims(range_(sizes[0]), 1), sizes))
            height = sizes[0]
        op = sparse.count_values.operation(
            rows, _flat(given), zeros([0], int64) if weights is None else _flat(weights), height,
            minlength=int(minlength or 0), maxlength=int(maxlength or 0), binary=bool(binary_output), by_row=by_row,
            plain=weights is None)
        return SparseTensor(*op.outputs)


__all__ = ["bincount"]
