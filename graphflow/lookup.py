"""`tf.lookup`: tables from keys to values. A session keeps them; an initializer, or insertions, fill them."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .compiler.dtypes import DType, as_dtype, int64, string
from .compiler.ir import Graph, Operation, Tensor, default_graph
from .compiler.ops import lookup as _ops
from .compiler.ops import strings as _strings
from .compiler.ops.arguments import is_tensor
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, not_equal, where
from .framework import GraphKeys, name_scope


class TextFileIndex:
    """What of a line a table takes, besides a column's number."""

    WHOLE_LINE = _ops.WHOLE_LINE
    LINE_NUMBER = _ops.LINE_NUMBER


class HasherSpec(NamedTuple):
    """A hash function for strings outside a vocabulary: "fasthash", or "stronghash" with a key of two integers."""

    hasher: str
    key: Any


FastHashSpec = HasherSpec("fasthash", None)


def StrongHashSpec(key: Sequence[int]) -> HasherSpec:
    """A hash function that cannot be foreseen without `key`, two integers."""
    if len(key) != 2:
        raise ValueError("key must have size 2.")
    if any(not isinstance(k, (int, np.integer)) for k in key):
        raise TypeError("Invalid key. Must be unsigned integer values")
    return HasherSpec("stronghash", list(key))


# what tables are filled with


class TableInitializerBase:
    """Fills a table whose keys and values have these dtypes."""

    def __init__(self, key_dtype: Any, value_dtype: Any):
        self.key_dtype: DType = as_dtype(key_dtype)
        self.value_dtype: DType = as_dtype(value_dtype)

    def initialize(self, table: LookupInterface) -> Operation:
        """The operation that fills the table, once; it is in the collection TABLE_INITIALIZERS."""
        if (table.key_dtype, table.value_dtype) != (self.key_dtype, self.value_dtype):
            raise TypeError(f"Invalid key or value dtype, expected {self.key_dtype} and {self.value_dtype} but got "
                            f"{table.key_dtype} and {table.value_dtype}.")
        op = self._fill(table.name, table.graph)
        table.graph.add_to_collection(GraphKeys.TABLE_INITIALIZERS, op)
        return op

    def _fill(self, key: str, graph: Graph) -> Operation:
        raise NotImplementedError


class KeyValueTensorInitializer(TableInitializerBase):
    """The table keys[i] -> values[i]. Raises, when the graph runs, FailedPreconditionError for a key with two
    values."""

    def __init__(self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: str | None = None):
        with name_scope(name, "key_value_init"):
            self._keys = convert_to_tensor(keys, key_dtype, name="keys")
            self._values = convert_to_tensor(values, value_dtype, name="values")
            self._scope = default_graph().get_name_scope()
        self._keys.shape.assert_is_compatible_with(self._values.shape)
        super().__init__(self._keys.dtype, self._values.dtype)

    def _fill(self, key: str, graph: Graph) -> Operation:
        return _ops.initialize_table.operation(self._keys, self._values, key=key, name=_inside(self._scope))


def _inside(scope: str) -> str:
    """An op's name under `scope`, whatever the present one."""
    present = default_graph().get_name_scope()
    relative = scope.removeprefix(present + "/") if present else scope
    return f"{relative}/InitializeTableV2" if relative else "InitializeTableV2"


class TextFileInitializer(TableInitializerBase):
    """A table from the lines of a file: keys and values are a column's number, WHOLE_LINE or LINE_NUMBER.

    Raises, when the graph runs, NotFoundError, and InvalidArgumentError for a file with fewer than `vocab_size` lines.
    """

    def __init__(self, filename: Any, key_dtype: Any, key_index: int, value_dtype: Any, value_index: int,
                 vocab_size: int | None = None, delimiter: str = "\t", name: str | None = None,
                 value_index_offset: int = 0):
        if not isinstance(filename, str) and not is_tensor(filename) or filename == "":
            raise ValueError(f"Filename required for text file table initializer, received {filename!r}.")
        super().__init__(key_dtype, value_dtype)
        for what, index, dtype in (("key", key_index, self.key_dtype), ("value", value_index, self.value_dtype)):
            if index < TextFileIndex.WHOLE_LINE:
                raise ValueError(f"Invalid {what} index {index}.")
            if index == TextFileIndex.LINE_NUMBER and dtype != int64:
                raise ValueError(f"Signature mismatch. {what.capitalize()}s must be dtype {int64}, got {dtype}.")
            if index == TextFileIndex.WHOLE_LINE and not (dtype.is_string or dtype.is_integer):
                raise ValueError(f"Signature mismatch. {what.capitalize()}s must be integer or string, got {dtype}.")
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"Invalid vocab_size {vocab_size}.")
        self._filename, self._name = filename, name
        self._columns, self._vocab_size = (int(key_index), int(value_index)), vocab_size
        self._delimiter, self._offset = delimiter, value_index_offset

    def _fill(self, key: str, graph: Graph) -> Operation:
        filename = convert_to_tensor(self._filename, string, name="asset_filepath")
        graph.add_to_collection(GraphKeys.ASSET_FILEPATHS, filename)
        return _ops.initialize_table_from_file.operation(
            filename, key=key, columns=self._columns, dtypes=(self.key_dtype, self.value_dtype),
            vocab_size=self._vocab_size, delimiter=self._delimiter.encode(), offset=self._offset, name=self._name)


class TextFileStringTableInitializer(TextFileInitializer):
    """A table from int64 line numbers to the lines of a file."""

    def __init__(self, filename: Any, key_column_index: int = TextFileIndex.LINE_NUMBER,
                 value_column_index: int = TextFileIndex.WHOLE_LINE, vocab_size: int | None = None,
                 delimiter: str = "\t", name: str = "text_file_string_table_init"):
        super().__init__(filename, int64, key_column_index, string, value_column_index, vocab_size, delimiter, name)


class TextFileIdTableInitializer(TextFileInitializer):
    """A table from the lines of a file to their int64 numbers."""

    def __init__(self, filename: Any, key_column_index: int = TextFileIndex.WHOLE_LINE,
                 value_column_index: int = TextFileIndex.LINE_NUMBER, vocab_size: int | None = None,
                 delimiter: str = "\t", name: str = "text_file_id_table_init", key_dtype: Any = string):
        super().__init__(filename, key_dtype, key_column_index, int64, value_column_index, vocab_size, delimiter, name)


# tables


class LookupInterface:
    """A table, `name` in its graph."""

    _mutable = False

    def __init__(self, key_dtype: Any, value_dtype: Any, name: str, shared_name: str | None = None):
        self.key_dtype: DType = as_dtype(key_dtype)
        self.value_dtype: DType = as_dtype(value_dtype)
        self.graph = default_graph()
        self._name = shared_name or self.graph.unique_name(name)

    @property
    def name(self) -> str:
        return self._name

    @property
    def resource_handle(self) -> str:
        """The name under which a session keeps the table."""
        return self._name

    table_ref = resource_handle

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        raise NotImplementedError

    def size(self, name: str | None = None) -> Tensor:
        """The number of keys, int64."""
        return _ops.size(key=self._name, mutable=self._mutable, name=name or f"{self._name}_Size/LookupTableSizeV2")

    def _keys(self, keys: Any) -> tuple[Tensor, Any]:
        """The keys as a tensor and, for a sparse one, itself. Raises TypeError for another dtype."""
        sparse = keys if hasattr(keys, "dense_shape") else None
        tensor = convert_to_tensor(keys.values if sparse is not None else keys,
                                   None if sparse is not None or is_tensor(keys) else self.key_dtype, name="keys")
        if tensor.dtype != self.key_dtype:
            raise TypeError(f"Signature mismatch. Keys must be dtype {self.key_dtype}, got {tensor.dtype}.")
        return tensor, sparse


def _like(sparse: Any, values: Tensor) -> Any:
    """Values in the places of a sparse tensor's, where there is one."""
    return values if sparse is None else type(sparse)(sparse.indices, values, sparse.dense_shape)


class StaticHashTable(LookupInterface):
    """A table that `initializer` fills and that does not change then; a key that is not there gives `default_value`.

    Raises, when the graph runs, FailedPreconditionError before `tables_initializer()` has run.
    """

    def __init__(self, initializer: TableInitializerBase, default_value: Any, name: str | None = None,
                 shared_name: str | None = None):
        super().__init__(initializer.key_dtype, initializer.value_dtype, name or "hash_table", shared_name)
        self._default = convert_to_tensor(default_value, self.value_dtype)
        if self._default.dims is None or len(self._default.dims):
            raise ValueError(f"default_value must be a scalar, received {default_value!r}")
        self._initializer = initializer.initialize(self)

    @property
    def default_value(self) -> Tensor:
        return self._default

    @property
    def initializer(self) -> Operation:
        """The operation that fills the table."""
        return self._initializer

    init = initializer

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of `keys`, a tensor or sparse tensor. Raises TypeError for another dtype."""
        tensor, sparse = self._keys(keys)
        return _like(sparse, _ops.find(tensor, self._default, key=self._name, mutable=False,
                                       name=name or f"{self._name}_Lookup/LookupTableFindV2"))

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """All keys and their values."""
        return _exported(self, (), (), name)


def _exported(table: LookupInterface, key_shape: Any, value_shape: Any, name: str | None) -> tuple[Tensor, Tensor]:
    op = _ops.export.operation(key=table.name, mutable=table._mutable, key_dtype=table.key_dtype,
                               value_dtype=table.value_dtype, key_shape=key_shape, value_shape=value_shape,
                               name=name or f"{table.name}_lookup_table_export_values")
    return op.outputs[0], op.outputs[1]


class MutableHashTable(LookupInterface):
    """A table that is filled by `insert`. Values have the shape of `default_value`."""

    _mutable = True
    _wide_keys = False

    def __init__(self, key_dtype: Any, value_dtype: Any, default_value: Any, name: str = "MutableHashTable",
                 checkpoint: bool = True, shared_name: str | None = None):
        super().__init__(key_dtype, value_dtype, name, shared_name)
        self._default = convert_to_tensor(default_value, self.value_dtype)
        self._key_shape: tuple[int, ...] = ()

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of `keys`, along new last axes where values are no scalars. Raises TypeError."""
        tensor, sparse = self._keys(keys)
        return _like(sparse, _ops.find(tensor, self._default, key=self._name, mutable=True, wide_keys=self._wide_keys,
                                       name=name or f"{self._name}_lookup_table_find/LookupTableFindV2"))

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Operation:
        """An operation that sets the values of `keys`."""
        tensor, _ = self._keys(keys)
        given = convert_to_tensor(values, None if is_tensor(values) else self.value_dtype, name="values")
        if given.dtype != self.value_dtype:
            raise TypeError(f"Signature mismatch. Values must be dtype {self.value_dtype}, got {given.dtype}.")
        return _ops.insert.operation(tensor, given, key=self._name, wide_keys=self._wide_keys,
                                     name=name or f"{self._name}_lookup_table_insert/LookupTableInsertV2")

    def remove(self, keys: Any, name: str | None = None) -> Operation:
        """An operation that removes `keys`, those that are there."""
        tensor, _ = self._keys(keys)
        return _ops.remove.operation(tensor, key=self._name, wide_keys=self._wide_keys,
                                     name=name or f"{self._name}_lookup_table_remove/LookupTableRemoveV2")

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """All keys and their values."""
        return _exported(self, self._key_shape, tuple(self._default.shape.as_list()), name)


class DenseHashTable(MutableHashTable):
    """A table that is filled by `insert`; a key may be a vector. `empty_key` and `deleted_key` are no keys."""

    def __init__(self, key_dtype: Any, value_dtype: Any, default_value: Any, empty_key: Any, deleted_key: Any,
                 initial_num_buckets: int | None = None, name: str = "MutableDenseHashTable", checkpoint: bool = True,
                 shared_name: str | None = None):
        super().__init__(key_dtype, value_dtype, default_value, name, checkpoint, shared_name)
        empty = convert_to_tensor(empty_key, self.key_dtype)
        self._key_shape = tuple(empty.shape.as_list())  # type: ignore[arg-type]
        self._wide_keys = bool(self._key_shape)


# vocabularies


class IdTableWithHashBuckets(LookupInterface):
    """The ids of `table` (None: an empty one) and, for other strings, one of `num_oov_buckets` ids after them."""

    def __init__(
        self,
        table: Any,
        num_oov_buckets: int,
        hasher_spec: HasherSpec = FastHashSpec,
        name: str | None = None,
        key_dtype: Any = None,
    ):
        if table is None and num_oov_buckets <= 0:
            raise ValueError("oov_buckets must be > 0 if no table is supplied")
        if not isinstance(hasher_spec, HasherSpec):
            raise TypeError(f"hasher_spec must be of type HasherSpec, got {type(hasher_spec)}")
        key = as_dtype(key_dtype or (table.key_dtype if table is not None else string))
        if key not in (as_dtype("int32"), int64, string):
            raise TypeError(f"Invalid key_dtype, expected integer or string, got {key}.")
        if table is not None and (table.key_dtype.is_integer != key.is_integer or table.value_dtype != int64):
            raise TypeError(f"Invalid value_dtype, expected {int64} but got {table.value_dtype}; keys are "
                            f"{table.key_dtype} and {key}.")
        super().__init__(key, int64, name or "hash_bucket", None)
        self._table, self._buckets, self._hasher = table, int(num_oov_buckets), hasher_spec

    @property
    def initializer(self) -> Any:
        """The operation that fills the table."""
        from .framework import no_op
        return self._table.initializer if self._table is not None else no_op()

    init = initializer

    def size(self, name: str | None = None) -> Tensor:
        """The number of ids, those of the buckets included."""
        with name_scope(name, f"{self._name}_Size"):
            own = convert_to_tensor(np.int64(self._buckets))
            return own if self._table is None else self._table.size() + own

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The ids of `keys`, a tensor or sparse tensor of strings or integers. Raises TypeError."""
        with name_scope(name, f"{self._name}_Lookup"):
            tensor, sparse = self._keys(keys)
            values = tensor
            if self._table is not None and self._table.key_dtype == int64:
                values = cast(values, int64)
            if not self._buckets:
                return _like(sparse, self._table.lookup(values))
            ids = self._hash(values)
            if self._table is not None:
                found = self._table.lookup(values)
                ids = where(not_equal(found, self._table.default_value), found, ids + self._table.size())
            return _like(sparse, ids)

    def _hash(self, values: Tensor) -> Tensor:
        words = values if values.dtype.is_string else _strings.as_string(values)
        if self._hasher.hasher == "fasthash":
            return _strings.to_hash_bucket_fast(words, self._buckets, name="hash_bucket")
        return _strings.to_hash_bucket_strong(words, self._buckets, self._hasher.key, name="hash_bucket")


class StaticVocabularyTable(IdTableWithHashBuckets):
    """The int64 ids that `initializer` gives to strings and, for others, one of `num_oov_buckets` ids after them."""

    def __init__(self, initializer: TableInitializerBase | None, num_oov_buckets: int, lookup_key_dtype: Any = None,
                 name: str | None = None):
        if num_oov_buckets <= 0:
            raise ValueError("oov_buckets must be > 0.")
        if initializer is not None and initializer.value_dtype != int64:
            raise TypeError(f"Invalid value dtype, expected {int64} but got {initializer.value_dtype}.")
        table = None if initializer is None else StaticHashTable(initializer, -1)
        super().__init__(table, num_oov_buckets, name=name, key_dtype=lookup_key_dtype)


class experimental:
    """`tf.lookup.experimental`."""

    DenseHashTable = DenseHashTable
    MutableHashTable = MutableHashTable
