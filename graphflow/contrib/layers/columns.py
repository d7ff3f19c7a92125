"""Feature columns under `tf.contrib.layers`' names."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import feature_column as fc
from ...compiler.ir import Tensor
from ...variable_scope import variable_scope
from ..learn.estimators import real_valued_column

__all__ = ["bucketized_column", "create_feature_spec_for_parsing", "crossed_column", "embedding_column",
           "input_from_feature_columns", "one_hot_column", "real_valued_column", "shared_embedding_columns",
           "sparse_column_with_hash_bucket", "sparse_column_with_integerized_feature", "sparse_column_with_keys",
           "weighted_sparse_column", "weighted_sum_from_feature_columns"]

bucketized_column = fc.bucketized_column
create_feature_spec_for_parsing = fc.make_parse_example_spec
one_hot_column = fc.indicator_column


def crossed_column(columns: Sequence[Any], hash_bucket_size: int, combiner: str = "sum",
                   ckpt_to_load_from: Any = None, tensor_name_in_ckpt: Any = None, hash_key: Any = None) -> Any:
    """Combinations of the values of columns, hashed."""
    return fc.crossed_column([getattr(c, "key", c) if type(c).__name__ == "_HashColumn" else c for c in columns],
                             hash_bucket_size, hash_key)


def embedding_column(sparse_id_column: Any, dimension: int, combiner: str = "mean", initializer: Any = None,
                     ckpt_to_load_from: Any = None, tensor_name_in_ckpt: Any = None, max_norm: Any = None,
                     trainable: bool = True) -> Any:
    """Learned vectors of ids, combined."""
    return fc.embedding_column(sparse_id_column, dimension, combiner, initializer, trainable=trainable)


def shared_embedding_columns(sparse_id_columns: Sequence[Any], dimension: int, combiner: str = "mean",
                             shared_embedding_name: str | None = None, initializer: Any = None, **unused: Any
                             ) -> list[Any]:
    """Embedding columns with one table."""
    return list(fc.shared_embedding_columns(sparse_id_columns, dimension, combiner, initializer,
                                            shared_embedding_name))


def sparse_column_with_hash_bucket(column_name: str, hash_bucket_size: int, combiner: str = "sum",
                                   dtype: Any = "string", hash_keys: Any = None) -> Any:
    """Ids by hash."""
    return fc.categorical_column_with_hash_bucket(column_name, hash_bucket_size, dtype)


def sparse_column_with_integerized_feature(column_name: str, bucket_size: int, combiner: str = "sum",
                                           dtype: Any = "int64") -> Any:
    """Integers as they are."""
    return fc.categorical_column_with_identity(column_name, bucket_size)


def sparse_column_with_keys(column_name: str, keys: Sequence[Any], default_value: int = -1, combiner: str = "sum",
                            dtype: Any = "string") -> Any:
    """Positions in a list."""
    return fc.categorical_column_with_vocabulary_list(column_name, keys, dtype, default_value)


def weighted_sparse_column(sparse_id_column: Any, weight_column_name: str, dtype: Any = "float32",
                           trainable: bool = True) -> Any:
    """Ids with weights, another feature."""
    return fc.weighted_categorical_column(sparse_id_column, weight_column_name, dtype)


def input_from_feature_columns(columns_to_tensors: Any, feature_columns: Any, weight_collections: Any = None,
                               trainable: bool = True, scope: Any = None, cols_to_outs: Any = None) -> Tensor:
    """The dense columns joined, [batch, sum of widths]."""
    with variable_scope(scope, "input_from_feature_columns", list(columns_to_tensors.values())):
        return fc.input_layer(columns_to_tensors, feature_columns, weight_collections, trainable, None, cols_to_outs)


def weighted_sum_from_feature_columns(columns_to_tensors: Any, feature_columns: Any, num_outputs: int,
                                      weight_collections: Any = None, trainable: bool = True, scope: Any = None
                                      ) -> tuple[Tensor, dict[Any, Any], Any]:
    """(logits, the variables of each column, the bias) of a linear model."""
    variables: dict[Any, Any] = {}
    with variable_scope(scope, "weighted_sum_from_feature_columns", list(columns_to_tensors.values())):
        logits = fc.linear_model(columns_to_tensors, feature_columns, num_outputs,
                                 weight_collections=weight_collections, trainable=trainable, cols_to_vars=variables)
    bias, = variables.pop("bias")
    return logits, variables, bias
