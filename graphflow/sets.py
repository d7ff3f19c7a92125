"""`tf.sets`: the rows of a tensor's last axis as sets."""
from __future__ import annotations

from typing import Any

from .compiler.dtypes import INTEGERS, string
from .compiler.errors import DTypeError
from .compiler.ir import Tensor
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.sets import set_operation
from .compiler.ops.sets import set_size as _set_size
from .framework import name_scope
from .sparse_ops import from_positions
from .sparse_tensor import SparseTensor, SparseTensorValue, as_sparse


def _parts(x: Any) -> tuple[Tensor, Tensor, Tensor]:
    """(positions, values, shape) of a sparse tensor, or of all the elements of a dense one."""
    sp = as_sparse(x) if isinstance(x, (SparseTensor, SparseTensorValue)) else from_positions(convert_to_tensor(x))
    if sp.dtype not in (*INTEGERS, string):
        raise DTypeError(f"sets: expected integers or strings, received {sp.values!r}")
    return sp.indices, sp.values, sp.dense_shape


def _operation(kind: str, a: Any, b: Any, validate_indices: bool) -> SparseTensor:
    with name_scope(None, f"set_{kind}"):
        return SparseTensor(*set_operation.operation(*_parts(a), *_parts(b), kind=kind).outputs)


def intersection(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """For each row (of the last axis; the other axes agree) the elements that are in both, in order."""
    return _operation("intersection", a, b, validate_indices)


def union(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """For each row the elements that are in either, in order."""
    return _operation("union", a, b, validate_indices)


def difference(a: Any, b: Any, aminusb: bool = True, validate_indices: bool = True) -> SparseTensor:
    """For each row the elements of `a` that are not in `b`, or with aminusb=False the reverse."""
    return _operation("difference", *((a, b) if aminusb else (b, a)), validate_indices)


def size(a: Any, validate_indices: bool = True) -> Tensor:
    """The number of different elements in each row of a SparseTensor, int32 [...]. Raises TypeError for a dense one."""
    if not isinstance(a, (SparseTensor, SparseTensorValue)):
        raise TypeError(f"Expected `SparseTensor`, got {a!r}.")
    return _set_size(*_parts(a))


set_intersection, set_union, set_difference, set_size = intersection, union, difference, size

__all__ = ["difference", "intersection", "set_difference", "set_intersection", "set_size", "set_union", "size", "union"]
