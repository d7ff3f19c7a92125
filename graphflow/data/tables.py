"""Datasets as lookup tables, padded to a length, and as single tensors."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..array_ops import zeros
from ..compiler.dtypes import as_dtype, string, variant
from ..compiler.ir import Graph, Operation, Tensor, TensorType
from ..compiler.opdef import HOST, OpDef
from ..compiler.ops import lookup as _ops
from ..compiler.ops.constant import constant
from ..lookup import FastHashSpec, HasherSpec, IdTableWithHashBuckets, StaticHashTable, TableInitializerBase
from ..tensor_spec import TensorSpec
from . import Dataset
from .dataset import INFINITE_CARDINALITY

ALL = 2**62  # of a dataset's elements


class DatasetInitializer(TableInitializerBase):
    """Fills a table with the (key, value) elements of a dataset. Raises ValueError for other elements."""

    def __init__(self, dataset: Dataset):
        self.dataset = dataset
        spec = dataset.element_spec
        if not (isinstance(spec, tuple) and len(spec) == 2 and all(isinstance(s, TensorSpec) for s in spec)):
            raise ValueError(f"Input dataset elements must be tuples of a key and a value, received {spec}")
        if any(not s.shape.is_compatible_with(()) for s in spec):
            raise ValueError(f"Keys and values of the dataset must be scalars, received {spec}")
        super().__init__(spec[0].dtype, spec[1].dtype)

    def _fill(self, key: str, graph: Graph) -> Operation:
        from .experimental import get_single_element
        keys, values = get_single_element(self.dataset.batch(ALL))
        return _ops.initialize_table.operation(keys, values, key=key, name="InitializeTableFromDataset")


def table_from_dataset(dataset: Dataset | None = None, num_oov_buckets: int = 0, vocab_size: int | None = None,
                       default_value: Any = None, hasher_spec: HasherSpec = FastHashSpec, key_dtype: Any = string,
                       name: str | None = None) -> Any:
    """A table of a dataset's (key, value)s, of the first `vocab_size` if given; other keys give `default_value` or,
    with `num_oov_buckets`, a bucket's number after the values. Raises ValueError for wrong arguments."""
    if dataset is None:
        raise ValueError("`dataset` must be specified.")
    if num_oov_buckets < 0:
        raise ValueError(f"`num_oov_buckets` must be greater than or equal to 0, got {num_oov_buckets}.")
    if vocab_size is not None and (not isinstance(vocab_size, int) or vocab_size < 1):
        raise ValueError(f"`vocab_size` must be greater than 0, got {vocab_size}.")
    spec = dataset.element_spec
    if num_oov_buckets and not spec[1].dtype.is_integer:
        raise TypeError(f"Expected the values to be integers with num_oov_buckets, received {spec[1].dtype.name}")
    if default_value is None:
        default_value = "" if spec[1].dtype.is_string else -1
    table: Any = StaticHashTable(DatasetInitializer(dataset if vocab_size is None else dataset.take(vocab_size)),
                                 default_value, name=name or "table_from_dataset")
    if num_oov_buckets:
        table = IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec, f"{table.name}_buckets",
                                       as_dtype(key_dtype))
    return table


def index_table_from_dataset(dataset: Dataset | None = None, num_oov_buckets: int = 0, vocab_size: int | None = None,
                             default_value: int = -1, hasher_spec: HasherSpec = FastHashSpec, key_dtype: Any = string,
                             name: str | None = None) -> Any:
    """A table from a dataset's elements to their numbers, int64; other keys as in `table_from_dataset`."""
    numbered = None if dataset is None else dataset.enumerate().map(lambda number, key: (key, number))
    return table_from_dataset(numbered, num_oov_buckets, vocab_size, default_value, hasher_spec, key_dtype, name)


def pad_to_cardinality(cardinality: int, mask_key: str = "valid") -> Callable[[Dataset], Dataset]:
    """For `apply`: `cardinality` elements, those that are missing zeros. Elements are dicts and get the bool
    `mask_key`, false for padding. Raises ValueError for an infinite dataset, TypeError for other elements."""
    def apply(dataset: Dataset) -> Dataset:
        if dataset._size == INFINITE_CARDINALITY:
            raise ValueError("Dataset must have finite cardinality.")
        spec = dataset.element_spec
        if not isinstance(spec, dict):
            raise TypeError(f"`pad_to_cardinality` requires its input dataset to be a dictionary, received {spec}")
        nothing = {k: zeros(s.shape, s.dtype) for k, s in spec.items()}
        padding = Dataset.from_tensors({**nothing, mask_key: constant(False)}).repeat(cardinality)
        return dataset.map(lambda x: {**x, mask_key: constant(True)}).concatenate(padding).take(cardinality)
    return apply


_to_variant = OpDef("DatasetToVariant", HOST, lambda inputs, attrs: [TensorType(variant, ())],
                    reference=lambda dataset: dataset)


def to_variant(dataset: Dataset) -> Tensor:
    """A scalar that stands for a dataset, which `from_variant` takes in the same graph."""
    return _to_variant(dataset=dataset)


def from_variant(variant: Tensor, structure: Any) -> Dataset:
    """The dataset behind a scalar that `to_variant` made. Raises ValueError for another, or other elements."""
    dataset = getattr(variant, "op", None) and variant.op.attrs.get("dataset")
    if dataset is None:
        raise ValueError(f"from_variant: {variant!r} was not made by to_variant")
    if dataset.element_spec != structure:
        raise ValueError(f"from_variant: the dataset has elements {dataset.element_spec}, not {structure}")
    return dataset


__all__ = ["DatasetInitializer", "from_variant", "index_table_from_dataset", "pad_to_cardinality",
           "table_from_dataset", "to_variant"]
