"""Columns put to use: the input of a network, a linear model, what parse_example needs."""
from __future__ import annotations

from typing import Any

from ..compiler.ir import Tensor
from ..compiler.ops.contraction import matmul
from ..compiler.ops.slicing import concat
from ..framework import add_to_collections
from ..initializers import zeros
from ..math_ops import add_n
from ..nn import bias_add
from ..variable_scope import AUTO_REUSE, get_variable, variable_scope
from .base import CategoricalColumn, DenseColumn, Features, ordered
from .dense import _EmbeddingColumn, combined


def input_layer(features: Features, feature_columns: Any, weight_collections: Any = None, trainable: bool = True,
                cols_to_vars: dict[Any, Any] | None = None, cols_to_output_tensors: dict[Any, Any] | None = None
                ) -> Tensor:
    """The dense columns joined in the order of their names, [batch, sum of widths]. Raises ValueError for others."""
    columns = ordered(feature_columns)
    outputs = []
    with variable_scope(None, "input_layer", list(features.values())) as layer:
        for column in columns:
            if not isinstance(column, DenseColumn):
                raise ValueError(f"Items of feature_columns must be a _DenseColumn. You can wrap a categorical column "
                                 f"with an embedding_column or indicator_column. Given: {column}")
            shared = isinstance(column, _EmbeddingColumn) and column.table_name != "embedding_weights"
            with variable_scope(layer if shared else column.name, reuse=AUTO_REUSE if shared else None) as scope:
                outputs.append(column.dense(features))
            if cols_to_vars is not None:
                cols_to_vars[column] = scope.global_variables() if not shared else []
            if cols_to_output_tensors is not None:
                cols_to_output_tensors[column] = outputs[-1]
        return concat(outputs, 1)


def linear_model(features: Features, feature_columns: Any, units: int = 1, sparse_combiner: str = "sum",
                 weight_collections: Any = None, trainable: bool = True,
                 cols_to_vars: dict[Any, Any] | None = None) -> Tensor:
    """The weighted sum of the columns and a bias, [batch, units]; weights begin at 0."""
    sums = []
    with variable_scope(None, "linear_model", list(features.values())):
        for column in ordered(feature_columns):
            with variable_scope(column.name):
                size = column.buckets if isinstance(column, CategoricalColumn) else column.width  # type: ignore[attr-defined]
                weights = get_variable("weights", [size, units], initializer=zeros(), trainable=trainable)
                sums.append(combined(weights, column, features, sparse_combiner)
                            if isinstance(column, CategoricalColumn)
                            else matmul(column.dense(features), weights))  # type: ignore[attr-defined]
            _kept(column, weights, weight_collections, cols_to_vars)
        bias = get_variable("bias_weights", [units], initializer=zeros(), trainable=trainable)
        _kept("bias", bias, weight_collections, cols_to_vars)
        return bias_add(add_n(sums), bias, name="weighted_sum")


def _kept(key: Any, variable: Any, collections: Any, cols_to_vars: dict[Any, Any] | None) -> None:
    add_to_collections(collections or (), variable)
    if cols_to_vars is not None:
        cols_to_vars[key] = [variable]


def make_parse_example_spec(feature_columns: Any) -> dict[str, Any]:
    """The features that columns read, for parse_example. Raises ValueError for two that differ under one key."""
    found: dict[str, Any] = {}
    for column in feature_columns:
        for key, spec in column.parse_spec().items():
            if found.setdefault(key, spec) != spec:
                raise ValueError(f"feature_columns contain different parse_spec for key {key}: {found[key]}, {spec}")
    return found
