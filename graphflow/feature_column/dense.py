"""Dense columns: numbers, and categorical columns as counts or embeddings."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..array_ops import one_hot
from ..compiler.dtypes import as_dtype, float32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, maximum, sqrt
from ..compiler.ops.gather import gather
from ..compiler.ops.reduction import reduce_sum
from ..compiler.ops.special import div_no_nan
from ..compiler.ops.view import expand_dims, reshape, zeros_of
from ..initializers import truncated_normal
from ..parsing_ops import FixedLenFeature
from ..variable_scope import get_variable
from .base import CategoricalColumn, DenseColumn, Features, feature


class NumericColumn(DenseColumn):
    """Numbers of a feature."""

    def __init__(self, key: str, shape: Sequence[int], default_value: Any, dtype: Any,
                 normalizer_fn: Callable[[Tensor], Tensor] | None):
        self.key = self.name = key
        self.shape = tuple(int(n) for n in shape)
        if any(n < 1 for n in self.shape):
            raise ValueError(f"shape dimensions must be greater than 0, shape: {shape}")
        self.dtype, self.default_value, self.normalizer_fn = as_dtype(dtype), default_value, normalizer_fn
        if not (self.dtype.is_integer or self.dtype.is_floating):
            raise ValueError(f"dtype must be convertible to float. dtype: {self.dtype}, key: {key}")
        self.width = int(np.prod(self.shape))

    def parse_spec(self) -> dict[str, Any]:
        return {self.key: FixedLenFeature(self.shape, self.dtype, self.default_value)}

    def dense(self, features: Features) -> Tensor:
        numbers = convert_to_tensor(feature(features, self.key))
        if self.normalizer_fn is not None:
            numbers = self.normalizer_fn(numbers)
        return reshape(cast(numbers, float32), [-1, self.width])


def counted(column: CategoricalColumn, features: Features) -> Tensor:
    """[batch, buckets]: how often each id occurs, or the sum of its weights."""
    hot = one_hot(column.ids(features), column.buckets)
    weights = column.weights(features)
    return reduce_sum(hot if weights is None else hot * expand_dims(weights, -1), 1)


def combined(table: Any, column: CategoricalColumn, features: Features, combiner: str) -> Tensor:
    """The rows of `table` [buckets, n] at an example's ids, combined by "sum", "mean" or "sqrtn": [batch, n]."""
    ids, weights = column.ids(features), column.weights(features)
    present = cast(ids >= 0, float32)
    weights = present if weights is None else weights * present
    rows = gather(convert_to_tensor(table), maximum(ids, zeros_of(ids)))
    total = reduce_sum(rows * expand_dims(weights, -1), 1)
    if combiner == "sum":
        return total
    norm = reduce_sum(weights, 1, True)
    return div_no_nan(total, norm if combiner == "mean" else sqrt(reduce_sum(weights * weights, 1, True)))


class _IndicatorColumn(DenseColumn):
    def __init__(self, column: CategoricalColumn):
        self.column, self.name, self.width = column, f"{column.name}_indicator", column.buckets

    def parse_spec(self) -> dict[str, Any]:
        return self.column.parse_spec()

    def dense(self, features: Features) -> Tensor:
        return counted(self.column, features)


class _EmbeddingColumn(DenseColumn):
    """Columns with one `shared` name use one table."""

    def __init__(self, column: CategoricalColumn, dimension: int, combiner: str, initializer: Any, trainable: bool,
                 shared: str | None = None):
        if dimension is None or dimension < 1:
            raise ValueError(f"Invalid dimension {dimension}.")
        if combiner not in ("sum", "mean", "sqrtn"):
            raise ValueError(f"combiner must be one of 'mean', 'sqrtn' or 'sum', received {combiner!r}")
        self.column, self.width, self.combiner, self.trainable = column, dimension, combiner, trainable
        self.initializer = initializer or truncated_normal(0.0, 1 / math.sqrt(dimension))
        self.name = f"{column.name}_{'shared_' if shared else ''}embedding"
        self.table_name = shared or "embedding_weights"

    def parse_spec(self) -> dict[str, Any]:
        return self.column.parse_spec()

    def dense(self, features: Features) -> Tensor:
        table = get_variable(self.table_name, [self.column.buckets, self.width], initializer=self.initializer,
                             trainable=self.trainable)
        return combined(table, self.column, features, self.combiner)


def numeric_column(key: str, shape: Any = (1,), default_value: Any = None, dtype: Any = float32,
                   normalizer_fn: Callable[[Tensor], Tensor] | None = None) -> NumericColumn:
    """The numbers of a feature, `shape` of them for each example, after `normalizer_fn`."""
    return NumericColumn(key, [shape] if isinstance(shape, int) else shape, default_value, dtype, normalizer_fn)


def _categorical(column: Any) -> CategoricalColumn:
    if not isinstance(column, CategoricalColumn):
        raise ValueError(f"Expected a categorical column, received {column!r}")
    return column


def indicator_column(categorical_column: Any) -> DenseColumn:
    """How often each id occurs, [batch, buckets]."""
    return _IndicatorColumn(_categorical(categorical_column))


def embedding_column(categorical_column: Any, dimension: int, combiner: str = "mean", initializer: Any = None,
                     ckpt_to_load_from: Any = None, tensor_name_in_ckpt: Any = None, max_norm: Any = None,
                     trainable: bool = True) -> DenseColumn:
    """Learned vectors of the ids, combined, [batch, dimension]."""
    return _EmbeddingColumn(_categorical(categorical_column), dimension, combiner, initializer, trainable)


def shared_embedding_columns(categorical_columns: Sequence[Any], dimension: int, combiner: str = "mean",
                             initializer: Any = None, shared_embedding_collection_name: str | None = None,
                             ckpt_to_load_from: Any = None, tensor_name_in_ckpt: Any = None, max_norm: Any = None,
                             trainable: bool = True) -> list[DenseColumn]:
    """Embedding columns with one table. Raises ValueError for columns of different sizes."""
    columns = [_categorical(c) for c in categorical_columns]
    if len({c.buckets for c in columns}) > 1:
        raise ValueError("To use shared_embedding_column, all categorical_columns must have the same number of "
                         f"buckets, received {[c.buckets for c in columns]}")
    shared = shared_embedding_collection_name or "_".join(sorted(c.name for c in columns)) + "_shared_embedding"
    return [_EmbeddingColumn(c, dimension, combiner, initializer, trainable, shared) for c in columns]
