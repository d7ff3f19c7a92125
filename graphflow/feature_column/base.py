"""What feature columns share. A feature is a tensor [batch, ...] or a sparse tensor [batch, any], found by its key."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.view import expand_dims, known_rank, reshape
from ..sparse_ops import sparse_tensor_to_dense
from ..sparse_tensor import SparseTensor

Features = Mapping[Any, Any]


class FeatureColumn:
    """A column; `name` is that of its variables, and gives the order of columns."""

    name: str

    def parse_spec(self) -> dict[str, Any]:
        """What parse_example needs to know to read the column's features."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it is parsed")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class DenseColumn(FeatureColumn):
    """A column of numbers: `width` of them for each example."""

    width: int

    def dense(self, features: Features) -> Tensor:
        """[batch, width], float32."""
        raise NotImplementedError(f"{type(self).__name__} has no dense values")


class CategoricalColumn(FeatureColumn):
    """A column of ids below `buckets`, any number of them for each example."""

    buckets: int

    def ids(self, features: Features) -> Tensor:
        """[batch, n], int64; -1 where there is no id."""
        raise NotImplementedError(f"{type(self).__name__} has no ids")

    def weights(self, features: Features) -> Tensor | None:
        """[batch, n], the weight of each id; None where all are 1."""
        return None


def feature(features: Features, key: Any) -> Any:
    """A feature by its key. Raises ValueError where it is missing."""
    if key not in features:
        raise ValueError(f"Feature {key} is not in features dictionary.")
    return features[key]


def as_matrix(value: Any, missing: Any) -> Tensor:
    """A feature as [batch, n]; what a sparse one lacks is `missing`."""
    if isinstance(value, SparseTensor):
        return sparse_tensor_to_dense(value, missing, validate_indices=False)
    tensor = convert_to_tensor(value)
    rank = len(known_rank("feature", tensor))
    if rank == 1:
        return expand_dims(tensor, 1)
    return tensor if rank == 2 else reshape(tensor, [tensor.dims[0] if tensor.dims else -1, -1])


def ordered(columns: Any) -> list[FeatureColumn]:
    """Columns by name. Raises ValueError for none, for what is no column, and for two of one name."""
    items: Sequence[Any] = list(columns) if isinstance(columns, (list, tuple, set)) else [columns]
    if not items:
        raise ValueError("feature_columns must not be empty.")
    for item in items:
        if not isinstance(item, FeatureColumn):
            raise ValueError(f"Items of feature_columns must be a FeatureColumn. Given (type {type(item)}): {item}.")
    names = [item.name for item in items]
    if len(set(names)) < len(names):
        raise ValueError(f"Duplicate feature column name found for columns: {sorted(names)}")
    return sorted(items, key=lambda column: column.name)
