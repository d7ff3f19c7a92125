"""Categorical columns: features as ids."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compiler.dtypes import as_dtype, int64, string
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, equal, less, logical_and, where
from ..compiler.ops.gather import range_
from ..compiler.ops.view import reshape, zeros_of
from ..compiler.string_hash import fingerprint, fingerprint_of_two
from ..contrib.lookup import index_table_from_file, index_table_from_tensor
from ..ordering import searchsorted
from ..parsing_ops import VarLenFeature
from ..script_ops import array_function
from ..strings import as_string, string_to_hash_bucket_fast
from .base import CategoricalColumn, DenseColumn, FeatureColumn, Features, as_matrix, feature
from .dense import NumericColumn, counted

# what crossed columns start their hashes from, as TensorFlow does
HASH_KEY = 0xDECAFCAFFE


class _Keyed(CategoricalColumn):
    """A column of one feature, of strings or integers."""

    def __init__(self, key: str, dtype: Any):
        self.key = self.name = key
        self.dtype = as_dtype(dtype)
        if not (self.dtype.is_string or self.dtype.is_integer):
            raise ValueError(f"dtype must be string or integer. dtype: {self.dtype}, column_name: {key}")

    def parse_spec(self) -> dict[str, Any]:
        return {self.key: VarLenFeature(self.dtype)}

    def values(self, features: Features) -> tuple[Tensor, Tensor]:
        """(the feature as a matrix, where it has values)."""
        given = as_matrix(feature(features, self.key), "" if self.dtype.is_string else -1)
        missing = convert_to_tensor("" if given.dtype.is_string else -1, given.dtype)
        return given, equal(given, missing)


def _absent(missing: Tensor, ids: Tensor) -> Tensor:
    return where(missing, zeros_of(ids) - 1, ids)


class _HashColumn(_Keyed):
    def __init__(self, key: str, buckets: int, dtype: Any):
        super().__init__(key, dtype)
        if buckets < 1:
            raise ValueError(f"hash_bucket_size must be at least 1. hash_bucket_size: {buckets}, key: {key}")
        self.buckets = buckets

    def ids(self, features: Features) -> Tensor:
        values, missing = self.values(features)
        texts = values if values.dtype.is_string else as_string(values)
        return _absent(missing, string_to_hash_bucket_fast(texts, self.buckets))


class _IdentityColumn(_Keyed):
    def __init__(self, key: str, buckets: int, default: int | None):
        super().__init__(key, int64)
        if buckets < 1:
            raise ValueError(f"num_buckets {buckets} < 1, column_name {key}")
        if default is not None and not 0 <= default < buckets:
            raise ValueError(f"default_value {default} not in range [0, {buckets}), column_name {key}")
        self.buckets, self.default = buckets, default

    def ids(self, features: Features) -> Tensor:
        values, missing = self.values(features)
        ids = cast(values, int64)
        if self.default is not None:
            inside = logical_and(ids >= 0, less(ids, self.buckets))
            ids = where(inside, ids, zeros_of(ids) + self.default)
        return _absent(missing, ids)


class _VocabularyColumn(_Keyed):
    """`table` makes the lookup table, which the tables' initializer fills."""

    def __init__(self, key: str, dtype: Any, buckets: int, table: Any):
        super().__init__(key, dtype)
        self.buckets, self._table = buckets, table

    def ids(self, features: Features) -> Tensor:
        values, missing = self.values(features)
        if values.dtype.is_integer:
            values = cast(values, int64)
        return _absent(missing, self._table().lookup(values))


class BucketizedColumn(CategoricalColumn, DenseColumn):
    """The interval between boundaries that each number of a numeric column lies in."""

    def __init__(self, source: NumericColumn, boundaries: Sequence[float]):
        if not isinstance(source, NumericColumn) or len(source.shape) > 1:
            raise ValueError(f"source_column must be a one-dimensional column generated with numeric_column(). Given: "
                             f"{source}")
        if not boundaries or list(boundaries) != sorted(set(boundaries)):
            raise ValueError("boundaries must be a sorted list.")
        self.source, self.boundaries = source, list(boundaries)
        self.name = f"{source.name}_bucketized"
        self._each = len(self.boundaries) + 1
        self.buckets = self.width = self._each * source.width

    def parse_spec(self) -> dict[str, Any]:
        return self.source.parse_spec()

    def ids(self, features: Features) -> Tensor:
        numbers = self.source.dense(features)
        places = searchsorted(convert_to_tensor(np.array(self.boundaries, np.float32)), reshape(numbers, [-1]),
                              side="right")
        found = cast(reshape(places, [-1, self.source.width]), int64)
        return found + cast(range_(self.source.width), int64) * self._each

    def dense(self, features: Features) -> Tensor:
        return counted(self, features)


class _CrossedColumn(CategoricalColumn):
    """Every combination of the values of several features, hashed."""

    def __init__(self, keys: Sequence[Any], buckets: int, hash_key: int | None):
        if len(keys) < 2:
            raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
        if buckets < 1:
            raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {buckets}")
        for key in keys:
            if isinstance(key, _HashColumn) or isinstance(key, FeatureColumn) and not isinstance(
                    key, CategoricalColumn):
                raise ValueError(f"Unsupported key type. All keys must be either string, or categorical column except "
                                 f"HashedCategoricalColumn. Given: {key}")
        self.keys, self.buckets = list(keys), buckets
        self.hash_key = HASH_KEY if hash_key is None else hash_key
        self.name = "_X_".join(sorted(self._names()))

    def _names(self) -> list[str]:
        return [name for key in self.keys for name in (
            key._names() if isinstance(key, _CrossedColumn) else [getattr(key, "name", key)])]

    def _leaves(self) -> list[Any]:
        return [leaf for key in self.keys for leaf in (key._leaves() if isinstance(key, _CrossedColumn) else [key])]

    def parse_spec(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in self._leaves():
            found.update(key.parse_spec() if isinstance(key, FeatureColumn) else {key: VarLenFeature(string)})
        return found

    def ids(self, features: Features) -> Tensor:
        parts = [key.ids(features) if isinstance(key, CategoricalColumn) else _text(features, key)
                 for key in self._leaves()]
        found = array_function(self._cross, parts, int64)
        widths = [p.shape[1:].num_elements() for p in parts]
        found.set_shape([parts[0].shape.as_list()[0],
                         None if None in widths else math.prod(w for w in widths if w is not None)])
        return found

    def _cross(self, *parts: np.ndarray) -> np.ndarray:
        """The last feature's values change fastest."""
        rows = []
        for values in zip(*parts, strict=True):
            crossed: list[int | None] = [self.hash_key]
            for row in values:
                hashed = [_hashed(v) for v in row]
                crossed = [None if a is None or b is None else fingerprint_of_two(a, b) for a in crossed
                           for b in hashed]
            rows.append([-1 if h is None else h % self.buckets for h in crossed])
        return np.array(rows, np.int64)


def _text(features: Features, key: str) -> Tensor:
    value = feature(features, key)
    is_string = value.dtype == string
    return as_matrix(value, "" if is_string else -1)


def _hashed(value: Any) -> int | None:
    if isinstance(value, bytes):
        return fingerprint(value) if value else None
    return None if value < 0 else int(value)


class _WeightedColumn(CategoricalColumn):
    """A column whose ids have weights, another feature."""

    def __init__(self, column: CategoricalColumn, key: str, dtype: Any):
        self.column, self.key, self.dtype = column, key, as_dtype(dtype)
        self.name = f"{column.name}_weighted_by_{key}"
        self.buckets = column.buckets

    def parse_spec(self) -> dict[str, Any]:
        return {**self.column.parse_spec(), self.key: VarLenFeature(self.dtype)}

    def ids(self, features: Features) -> Tensor:
        return self.column.ids(features)

    def weights(self, features: Features) -> Tensor:
        return cast(as_matrix(feature(features, self.key), 0.0), "float32")


def categorical_column_with_hash_bucket(key: str, hash_bucket_size: int, dtype: Any = string) -> CategoricalColumn:
    """Ids below `hash_bucket_size` by hash. Raises ValueError for a size below 1."""
    return _HashColumn(key, hash_bucket_size, dtype)


def categorical_column_with_identity(key: str, num_buckets: int, default_value: int | None = None
                                     ) -> CategoricalColumn:
    """Integers below `num_buckets` as they are, others as `default_value` where that is given."""
    return _IdentityColumn(key, num_buckets, default_value)


def categorical_column_with_vocabulary_list(key: str, vocabulary_list: Sequence[Any], dtype: Any = None,
                                            default_value: int = -1, num_oov_buckets: int = 0) -> CategoricalColumn:
    """Positions in a list; other values get `default_value`, or one of `num_oov_buckets` ids behind by hash."""
    words = list(vocabulary_list or ())
    if not words:
        raise ValueError(f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}")
    if len(set(words)) != len(words):
        raise ValueError(f"Duplicate keys in vocabulary_list {words}, column_name: {key}")
    if num_oov_buckets and default_value != -1:
        raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")
    texts = isinstance(words[0], (str, bytes))
    return _VocabularyColumn(key, dtype or (string if texts else int64), len(words) + num_oov_buckets,
                             lambda: index_table_from_tensor(
                                 convert_to_tensor(words if texts else np.array(words, np.int64)), num_oov_buckets,
                                 default_value, dtype=string if texts else int64))


def categorical_column_with_vocabulary_file(key: str, vocabulary_file: str, vocabulary_size: int | None = None,
                                            num_oov_buckets: int = 0, default_value: int | None = None,
                                            dtype: Any = string) -> CategoricalColumn:
    """Line numbers of a file with one value on each line."""
    if vocabulary_size is None:
        with open(vocabulary_file, encoding="utf-8") as lines:
            vocabulary_size = sum(1 for _ in lines)
    return _VocabularyColumn(key, dtype, vocabulary_size + num_oov_buckets, lambda: index_table_from_file(
        vocabulary_file, num_oov_buckets, vocabulary_size, -1 if default_value is None else default_value))


def bucketized_column(source_column: NumericColumn, boundaries: Sequence[float]) -> BucketizedColumn:
    """The interval between sorted `boundaries` that a number lies in; a boundary belongs to the one above."""
    return BucketizedColumn(source_column, boundaries)


def crossed_column(keys: Sequence[Any], hash_bucket_size: int, hash_key: int | None = None) -> CategoricalColumn:
    """Combinations of the values of features (keys or categorical columns), hashed."""
    return _CrossedColumn(keys, hash_bucket_size, hash_key)


def weighted_categorical_column(categorical_column: CategoricalColumn, weight_feature_key: str,
                                dtype: Any = "float32") -> CategoricalColumn:
    """A column whose ids count by another feature of the same shape."""
    return _WeightedColumn(categorical_column, weight_feature_key, dtype)


