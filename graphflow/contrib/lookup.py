"""`tf.contrib.lookup`: tables under their older names, and those of vocabularies."""
from __future__ import annotations

from typing import Any

from ..array_ops import size as size_of
from ..compiler.dtypes import as_dtype, int64, string
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast
from ..framework import name_scope
from ..lookup import (
    DenseHashTable,
    FastHashSpec,
    HasherSpec,
    IdTableWithHashBuckets,
    KeyValueTensorInitializer,
    LookupInterface,
    MutableHashTable,
    StaticHashTable,
    StrongHashSpec,
    TextFileIdTableInitializer,
    TextFileIndex,
    TextFileInitializer,
    TextFileStringTableInitializer,
)
from ..math_ops import range_


class HashTable(StaticHashTable):
    """`tf.lookup.StaticHashTable`, with its arguments in an older order."""

    def __init__(self, initializer: Any, default_value: Any, shared_name: str | None = None, name: str | None = None):
        super().__init__(initializer, default_value, name, shared_name)


InitializableLookupTableBase = StaticHashTable
MutableDenseHashTable = DenseHashTable


def _vocabulary(table: StaticHashTable, buckets: int, hasher: HasherSpec, key_dtype: Any) -> Any:
    return IdTableWithHashBuckets(table, buckets, hasher, key_dtype=key_dtype) if buckets else table


def index_table_from_file(vocabulary_file: Any = None, num_oov_buckets: int = 0, vocab_size: int | None = None,
                          default_value: int = -1, hasher_spec: HasherSpec = FastHashSpec, key_dtype: Any = string,
                          name: str | None = None, key_column_index: int = TextFileIndex.WHOLE_LINE,
                          value_column_index: int = TextFileIndex.LINE_NUMBER, delimiter: str = "\t") -> Any:
    """A table from the lines of a file to their numbers, int64; other keys give `default_value` or, with
    `num_oov_buckets`, a bucket's number after them. Raises ValueError for wrong arguments."""
    if vocabulary_file is None or isinstance(vocabulary_file, str) and not vocabulary_file:
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"vocab_size must be greater than 0, got {vocab_size}.")
    key = as_dtype(key_dtype)
    if not (key.is_integer or key.is_string):
        raise TypeError("Only integer and string keys are supported.")
    with name_scope(name, "string_to_index"):
        filler = TextFileInitializer(vocabulary_file, int64 if key.is_integer else key, key_column_index, int64,
                                     value_column_index, vocab_size, delimiter, "table_init")
        return _vocabulary(StaticHashTable(filler, default_value), num_oov_buckets, hasher_spec, key)


def index_table_from_tensor(mapping: Any = None, num_oov_buckets: int = 0, default_value: int = -1,
                            hasher_spec: HasherSpec = FastHashSpec, dtype: Any = string, name: str | None = None,
                            vocabulary_list: Any = None) -> Any:
    """A table from the elements of a vector to their numbers, int64; other keys as in `index_table_from_file`."""
    words = mapping if vocabulary_list is None else vocabulary_list
    if words is None:
        raise ValueError("vocabulary_list must be specified.")
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    key = as_dtype(dtype)
    with name_scope(name, "string_to_index"):
        keys = convert_to_tensor(words)
        if keys.dtype.is_integer != key.is_integer:
            raise ValueError(f"Expected {'integer' if key.is_integer else 'non-integer'}, got {keys.dtype}.")
        if not key.is_integer and keys.dtype != key:
            raise ValueError(f"Expected {key}, got {keys.dtype}.")
        keys = cast(keys, int64) if key.is_integer else keys
        filler = KeyValueTensorInitializer(keys, cast(range_(size_of(keys)), int64), name="table_init")
        return _vocabulary(StaticHashTable(filler, default_value), num_oov_buckets, hasher_spec, key)


def index_to_string_table_from_file(vocabulary_file: Any, vocab_size: int | None = None, default_value: str = "UNK",
                                    name: str | None = None, key_column_index: int = TextFileIndex.LINE_NUMBER,
                                    value_column_index: int = TextFileIndex.WHOLE_LINE, delimiter: str = "\t"
                                    ) -> StaticHashTable:
    """A table from int64 line numbers to the lines of a file."""
    if not vocabulary_file and isinstance(vocabulary_file, (str, type(None))):
        raise ValueError("vocabulary_file must be specified.")
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"vocab_size must be greater than 0, got {vocab_size}.")
    with name_scope(name, "index_to_string"):
        filler = TextFileStringTableInitializer(vocabulary_file, key_column_index, value_column_index, vocab_size,
                                                delimiter, "table_init")
        return StaticHashTable(filler, default_value)


def index_to_string_table_from_tensor(mapping: Any = None, default_value: str = "UNK", name: str | None = None,
                                      vocabulary_list: Any = None) -> StaticHashTable:
    """A table from int64 numbers to the strings of a vector."""
    words = mapping if vocabulary_list is None else vocabulary_list
    if words is None:
        raise ValueError("vocabulary_list must be specified.")
    with name_scope(name, "index_to_string"):
        values = convert_to_tensor(words, string)
        filler = KeyValueTensorInitializer(cast(range_(size_of(values)), int64), values, name="table_init")
        return StaticHashTable(filler, default_value)


def string_to_index_table_from_file(vocabulary_file: Any = None, num_oov_buckets: int = 0,
                                    vocab_size: int | None = None, default_value: int = -1,
                                    hasher_spec: HasherSpec = FastHashSpec, name: str | None = None) -> Any:
    """`index_table_from_file` for strings."""
    return index_table_from_file(vocabulary_file, num_oov_buckets, vocab_size, default_value, hasher_spec, string, name)


def string_to_index_table_from_tensor(mapping: Any, num_oov_buckets: int = 0, default_value: int = -1,
                                      hasher_spec: HasherSpec = FastHashSpec, name: str | None = None) -> Any:
    """`index_table_from_tensor` for strings."""
    return index_table_from_tensor(mapping, num_oov_buckets, default_value, hasher_spec, string, name)


def string_to_index(tensor: Any, mapping: Any, default_value: int = -1, name: str | None = None) -> Tensor:
    """The numbers of strings in `mapping`."""
    return index_table_from_tensor(mapping, default_value=default_value, name=name).lookup(tensor)


def index_to_string(tensor: Any, mapping: Any, default_value: str = "UNK", name: str | None = None) -> Tensor:
    """The strings of `mapping` that numbers stand for."""
    return index_to_string_table_from_tensor(mapping, default_value, name).lookup(tensor)


__all__ = ["DenseHashTable", "FastHashSpec", "HashTable", "HasherSpec", "IdTableWithHashBuckets",
           "InitializableLookupTableBase", "KeyValueTensorInitializer", "LookupInterface", "MutableDenseHashTable",
           "MutableHashTable", "StrongHashSpec", "TextFileIdTableInitializer", "TextFileIndex", "TextFileInitializer",
           "TextFileStringTableInitializer", "index_table_from_file", "index_table_from_tensor", "index_to_string",
           "index_to_string_table_from_file", "index_to_string_table_from_tensor", "string_to_index",
           "string_to_index_table_from_file", "string_to_index_table_from_tensor"]
