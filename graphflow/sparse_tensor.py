"""`tf.SparseTensor`: the nonzero elements of a tensor, by their positions."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .compiler.dtypes import as_dtype, int64
from .compiler.ir import Graph, Operation, Tensor
from .compiler.ops.constant import convert_to_tensor, register_conversion
from .compiler.ops.state import placeholder
from .compiler.ops.symbolic import operand_dims
from .compiler.shapes import TensorShape
from .framework import name_scope


class SparseTensorValue(NamedTuple):
    """What a session fetches for a SparseTensor, and what may be fed for one: NumPy arrays."""

    indices: Any
    values: Any
    dense_shape: Any


class SparseTensor:
    """A tensor of shape `dense_shape` [rank] that has `values` [n] at the positions `indices` [n, rank], 0 elsewhere.

    Indices and shape are int64. Most functions expect the positions in row-major order (see tf.sparse.reorder). Raises
    ValueError for shapes that do not fit together.
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any):
        with name_scope(None, "SparseTensor", [indices, values, dense_shape]):
            self.indices = convert_to_tensor(indices, int64, "indices")
            self.values = convert_to_tensor(values, name="values")
            self.dense_shape = convert_to_tensor(dense_shape, int64, "dense_shape")
        for tensor, axes in ((self.indices, 2), (self.values, 1), (self.dense_shape, 1)):
            if tensor.dims is None:  # a placeholder: it has this rank, or it is no part of a sparse tensor
                tensor.set_shape([None] * axes)
        positions = self.indices.shape.with_rank(2)
        count, rank = positions.dims or (None, None)
        TensorShape([count]).assert_is_compatible_with(self.values.shape.with_rank(1))
        TensorShape([rank]).assert_is_compatible_with(self.dense_shape.shape.with_rank(1))

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """Of a SparseTensorValue (or a SparseTensor itself). Raises TypeError for anything else."""
        return as_sparse(sparse_tensor_value)

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    @property
    def op(self) -> Operation:
        return self.values.op

    @property
    def graph(self) -> Graph:
        return self.values.graph

    @property
    def shape(self) -> TensorShape:
        """The static shape, as far as it is known."""
        return TensorShape(operand_dims(self.dense_shape))

    def get_shape(self) -> TensorShape:
        return self.shape

    def consumers(self) -> list[Operation]:
        return self.values.consumers()

    def eval(self, feed_dict: Mapping[Any, Any] | None = None, session: Any = None) -> SparseTensorValue:
        """The value in `session` (default: the default session)."""
        from .session import chosen
        return chosen(session, "evaluate a SparseTensor using `eval()`").run(self, feed_dict)

    def _fetch_parts(self) -> tuple[tuple[Tensor, ...], Callable[..., SparseTensorValue]]:
        return (self.indices, self.values, self.dense_shape), SparseTensorValue

    def _feed_parts(self, value: Any) -> list[tuple[Tensor, Any]]:
        if not isinstance(value, (tuple, list)) or len(value) != 3:
            raise TypeError(f"A SparseTensor is fed a SparseTensorValue or (indices, values, dense_shape), received "
                            f"{value!r}")
        indices, values, shape = value
        rank = len(np.ravel(shape))
        parts = [(self.indices, np.reshape(np.asarray(indices, np.int64), (-1, rank))), (self.values, values),
                 (self.dense_shape, np.asarray(shape, np.int64))]
        return [(t, v) for t, v in parts if t.op.type != "Const"]

    def __repr__(self) -> str:
        return (f"SparseTensor(indices={self.indices!s}, values={self.values!s}, "
                f"dense_shape={self.dense_shape!s})")

    # arithmetic with dense tensors, which broadcast to the sparse one

    def _with(self, dense: Any, combine: Callable[[Tensor, Tensor], Tensor]) -> SparseTensor:
        from .sparse_ops import elements_at
        values = combine(self.values, elements_at(self, convert_to_tensor(dense, self.dtype)))
        return SparseTensor(self.indices, values, self.dense_shape)

    def __mul__(self, other: Any) -> SparseTensor:
        return self._with(other, lambda x, y: x * y)

    def __truediv__(self, other: Any) -> SparseTensor:
        return self._with(other, lambda x, y: x / y)

    def __rmul__(self, other: Any) -> SparseTensor:
        return self * other

    def __neg__(self) -> SparseTensor:
        return self.map_values(lambda values: -values)

    def map_values(self, function: Callable[[Tensor], Tensor]) -> SparseTensor:
        """The sparse tensor with `function(values)` for its values, at the same positions."""
        return SparseTensor(self.indices, function(self.values), self.dense_shape)


def as_sparse(value: Any) -> SparseTensor:
    """The SparseTensor that `value` is or is the value of. Raises TypeError for anything else."""
    if isinstance(value, SparseTensor):
        return value
    if isinstance(value, SparseTensorValue) or type(value).__name__ == "SparseTensorValue":
        return SparseTensor(*value)
    raise TypeError(f"Input must be a SparseTensor, received {value!r}")


def _refuse(value: Any, dtype: Any, name: str | None) -> Tensor:
    raise TypeError(f"Failed to convert object of type {type(value)} to Tensor. Contents: {value!r}. Consider "
                    "tf.sparse.to_dense.")


register_conversion(SparseTensor, _refuse)


def convert_to_tensor_or_sparse_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """`value` as a SparseTensor where it is one (or the value of one), else as a tensor."""
    if isinstance(value, (SparseTensor, SparseTensorValue)):
        sparse = as_sparse(value)
        if dtype is not None and sparse.dtype != dtype:
            raise RuntimeError(f"Sparse dtype: requested = {as_dtype(dtype).name}, actual = {sparse.dtype.name}")
        return sparse
    return convert_to_tensor(value, dtype, name)


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """A sparse tensor to be fed with a SparseTensorValue or (indices, values, dense_shape).

    What `shape` leaves open (None: even the rank) is fed as well. A tensor, int64 of [rank], is the dense shape.
    """
    of = f"{name}/" + "{}" if name else "Placeholder"  # TensorFlow's names
    dense_shape: Any = shape
    if isinstance(shape, Tensor):
        rank = shape.shape.with_rank(1)[0].value
    else:
        static = TensorShape(shape)
        rank = static.rank
        dense_shape = (static.as_list() if static.is_fully_defined()
                       else placeholder(int64, [rank], of.format("shape")))
    values = placeholder(as_dtype(dtype), [None], of.format("values"))
    indices = placeholder(int64, [None, rank], of.format("indices"))
    return SparseTensor(indices, values, dense_shape)
