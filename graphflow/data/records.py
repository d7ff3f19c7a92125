"""Datasets of serialized examples and of databases, and a dataset's records written to a file."""
from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..compiler.dtypes import as_dtype, string
from ..compiler.errors import InvalidArgumentError
from ..compiler.ir import Operation
from ..compiler.ops.constant import as_strings, convert_to_tensor
from ..parsing_ops import parse_example
from ..tensor_spec import TensorSpec
from . import Dataset, TFRecordDataset
from . import structure as st
from .dataset import AUTOTUNE, take_error
from .files import interleaved, matching
from .function import Element, Scope
from .iterator import whole


def parse_example_dataset(features: Mapping[str, Any], num_parallel_calls: Any = 1, deterministic: bool | None = None
                          ) -> Callable[[Dataset], Dataset]:
    """Batches of serialized Examples (vectors of strings) parsed, see `tf.parse_example`."""
    if features is None:
        raise ValueError("Missing: features was None.")
    return lambda dataset: dataset.map(lambda serialized: parse_example(serialized, features), num_parallel_calls)


def make_batched_features_dataset(file_pattern: Any, batch_size: int, features: Mapping[str, Any], reader: Any = None,
                                  label_key: str | None = None, reader_args: Sequence[Any] | None = None,
                                  num_epochs: int | None = None, shuffle: bool = True,
                                  shuffle_buffer_size: int = 10000, shuffle_seed: int | None = None,
                                  prefetch_buffer_size: int | None = None, reader_num_threads: int | None = None,
                                  parser_num_threads: int | None = None, sloppy_ordering: bool = False,
                                  drop_final_batch: bool = False) -> Dataset:
    """Batches of the Examples in files: a dict of features or, with `label_key`, (that dict, the label).

    `reader` makes a dataset of records of a file's name (default TFRecordDataset). Raises ValueError where no file
    matches.
    """
    names = [n.decode() for n in matching(file_pattern)]
    if not names:
        raise ValueError(f"No files match {file_pattern!r}.")
    if label_key is not None and label_key not in features:
        raise ValueError(f"The `label_key` provided ({label_key!r}) must be one of the `features` keys.")
    read = reader or TFRecordDataset
    dataset = interleaved(names, lambda name: read(name, *(reader_args or ())), reader_num_threads or 1, shuffle,
                          shuffle_buffer_size, shuffle_seed, num_epochs)
    dataset = dataset.batch(batch_size, drop_remainder=drop_final_batch or num_epochs is None)
    dataset = dataset.apply(parse_example_dataset(features, parser_num_threads or 2))
    if label_key is not None:
        dataset = dataset.map(lambda parsed: ({k: v for k, v in parsed.items() if k != label_key}, parsed[label_key]))
    return dataset.prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)


class SqlDataset(Dataset):
    """The rows that a query gives, as tuples of scalars of `output_types`. The driver is "sqlite", the source a file.

    Raises, when the graph runs, InvalidArgumentError for another driver or a wrong query.
    """

    def __init__(self, driver_name: Any, data_source_name: Any, query: Any, output_types: Sequence[Any]):
        tensors = [convert_to_tensor(v, string) for v in (driver_name, data_source_name, query)]
        types = [as_dtype(t) for t in output_types]

        def iterate(scope: Scope) -> Iterator[Any]:
            driver, source, text = (np.asarray(scope[t]).item().decode() for t in tensors)
            if driver != "sqlite":
                raise InvalidArgumentError(f"The database type, {driver!r}, is not supported by SqlDataset. The set of "
                                           "supported databases is: {'sqlite'}.")
            try:
                with contextlib.closing(sqlite3.connect(source)) as connection:
                    for row in connection.execute(text):
                        yield tuple(np.asarray(as_strings(v) if t.is_string else v, t.np)
                                    for t, v in zip(types, row, strict=True))
            except (sqlite3.Error, ValueError) as error:
                raise InvalidArgumentError(f"Failed to query {source!r}: {error}") from None

        super().__init__(tuple(TensorSpec([], t) for t in types), iterate, tensors=tensors)


class TFRecordWriter:
    """Writes a dataset of string scalars as the records of a file."""

    def __init__(self, filename: str, compression_type: str | None = None):
        self._filename, self._compression = filename, compression_type or ""

    def write(self, dataset: Dataset) -> Operation:
        """The operation that writes the file. Raises TypeError for a dataset of other elements."""
        spec = dataset.element_spec
        if not isinstance(spec, TensorSpec) or spec.dtype != string or not spec.shape.is_compatible_with([]):
            raise TypeError(f"`dataset` must be a dataset of scalar strings, received {dataset!r}")

        def write(scope: Scope) -> Element:
            from ..python_io import TFRecordWriter as FileWriter
            with FileWriter(self._filename, self._compression) as writer:
                for record, in map(take_error, dataset._iterate(scope)):
                    writer.write(np.asarray(record).item())
            return ()

        return whole(dataset, (), [], write, "DatasetToTFRecord", operation=True)


def from_list(elements: Sequence[Any], name: str | None = None) -> Dataset:
    """The elements of a list, which have the same structure, shapes and dtypes. Raises ValueError for an empty one."""
    if not isinstance(elements, list) or not elements:
        raise ValueError(f"`elements` must be a non-empty list, received {elements!r}")
    leaves = [st.flatten(e) for e in elements]
    columns = [convert_to_tensor(list(column)) for column in zip(*leaves, strict=True)]
    return Dataset.from_tensor_slices(st.pack(elements[0], columns))
