"""Datasets of comma-separated values."""
from __future__ import annotations

import collections
import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..compiler.dtypes import DType, as_dtype, float32, float64, int32, int64, string
from ..compiler.errors import InvalidArgumentError, NotFoundError
from ..compiler.ops.arguments import is_tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.csv import PARSED, column, default_of, read_record, split_record
from ..tensor_spec import TensorSpec
from . import Dataset
from .dataset import AUTOTUNE
from .files import interleaved, matching, open_file
from .function import Failure, Scope


def _records(file: Any) -> Iterator[bytes]:
    """Lines; one whose quotes are not closed goes on in the next."""
    while line := file.readline():
        while line.count(b'"') % 2 and (more := file.readline()):
            line += more
        yield line.removesuffix(b"\n").removesuffix(b"\r")


class CsvDataset(Dataset):
    """The records of CSV files, as tuples of scalars, one for each of `record_defaults`.

    A default is a dtype or an empty tensor for a column that must be there, else its value where a field is empty or
    `na_value`. `select_cols` are the numbers of the columns, in rising order.
    """

    def __init__(self, filenames: Any, record_defaults: Sequence[Any], compression_type: Any = None,
                 buffer_size: Any = None, header: Any = False, field_delim: Any = ",", use_quote_delim: Any = True,
                 na_value: Any = "", select_cols: Sequence[int] | None = None,
                 exclude_cols: Sequence[int] | None = None):
        names = convert_to_tensor(filenames, string, name="filenames")
        compression = convert_to_tensor("" if compression_type is None else compression_type, string)
        defaults = [_default(d) for d in record_defaults]
        dtypes = [t.dtype for t in defaults]
        if select_cols is not None and list(select_cols) != sorted(set(select_cols)):
            raise ValueError("select_cols should be strictly increasing indices")
        options = [field_delim, use_quote_delim, na_value, header]
        delimiter, quoted, missing, headed = (convert_to_tensor(v) for v in options)

        def iterate(scope: Scope) -> Iterator[Any]:
            given = [default_of(np.asarray(scope[t])) for t in defaults]
            select = None if select_cols is None else [int(c) for c in select_cols]
            settings = (scope.scalar(delimiter), bool(scope.scalar(quoted)), scope.scalar(missing))
            for name in np.ravel(scope[names]):
                try:
                    with contextlib.closing(open_file(name.decode(), scope.scalar(compression).decode())) as file:
                        for i, record in enumerate(itertools.islice(_records(file), int(scope.scalar(headed)), None)):
                            yield _row(record, i, given, dtypes, *settings, select, exclude_cols)
                except NotFoundError as error:
                    yield Failure(error)

        spec = tuple(TensorSpec([], d) for d in dtypes)
        super().__init__(spec, iterate,
                         tensors=[names, compression, delimiter, quoted, missing, headed, *defaults])


def _default(value: Any) -> Any:
    if not is_tensor(value) and (isinstance(value, (DType, type)) or isinstance(value, str) and value in PARSED):
        return convert_to_tensor(np.zeros(0, as_dtype(value).np), as_dtype(value))
    tensor = convert_to_tensor(value)
    if tensor.dtype.name not in PARSED:
        raise TypeError(f"record_defaults must be of {', '.join(PARSED)}, received {tensor!r}")
    return tensor


def _row(record: bytes, number: int, defaults: Sequence[Any], dtypes: Sequence[DType], delimiter: bytes, quoted: bool,
         na_value: bytes, select: Sequence[int] | None, exclude: Sequence[int] | None) -> Any:
    try:
        if exclude is not None:
            select = [i for i in range(len(split_record(record, delimiter, quoted))) if i not in exclude]
        values = read_record(record, number, defaults, dtypes, delimiter, quoted, na_value, select)
    except InvalidArgumentError as error:
        return Failure(error)
    return tuple(column([v], d, ()) for v, d in zip(values, dtypes, strict=True))


# whole files with names


def make_csv_dataset(file_pattern: Any, batch_size: int, column_names: Sequence[str] | None = None,
                     column_defaults: Sequence[Any] | None = None, label_name: str | None = None,
                     select_columns: Sequence[Any] | None = None, field_delim: str = ",", use_quote_delim: bool = True,
                     na_value: str = "", header: bool = True, num_epochs: int | None = None, shuffle: bool = True,
                     shuffle_buffer_size: int = 10000, shuffle_seed: int | None = None,
                     prefetch_buffer_size: int | None = None, num_parallel_reads: int | None = None,
                     sloppy: bool = False, num_rows_for_inference: int | None = 100,
                     compression_type: str | None = None, ignore_errors: bool = False, encoding: str = "utf-8"
                     ) -> Dataset:
    """Batches of the records of CSV files: a dict of columns by name or, with `label_name`, (that dict, the label).

    Names come from the first line, types from the first rows where they are not given. Raises ValueError for names
    that are missing or doubled, and for files that are not there.
    """
    names = [n.decode() for n in matching(file_pattern)]
    if not names:
        raise ValueError(f"No files match the pattern(s) {file_pattern}")
    delimiter, missing = field_delim.encode(), na_value.encode()
    if column_names is None:
        if not header:
            raise ValueError("Cannot infer column names without a header line.")
        column_names = _header(names, delimiter, use_quote_delim, compression_type or "", encoding)
    if len(column_names) != len(set(column_names)):
        raise ValueError("Cannot have duplicate column names.")
    select = None if select_columns is None else _column_numbers(select_columns, column_names)
    if column_defaults is None:
        column_defaults = _inferred(names, len(column_names), delimiter, use_quote_delim, missing, header,
                                    num_rows_for_inference, select, compression_type or "")
    if select is not None:
        if len(column_defaults) != len(select):
            raise ValueError("If specified, column_defaults and select_columns must have same length.")
        column_names = [column_names[i] for i in select]
    if label_name is not None and label_name not in column_names:
        raise ValueError("`label_name` provided must be one of the columns.")
    labels, defaults = list(column_names), list(column_defaults)

    def of_file(name: Any) -> Dataset:
        rows: Dataset = CsvDataset(
            name, defaults, compression_type, None, header, field_delim, use_quote_delim, na_value, select
        )
        return rows.ignore_errors() if ignore_errors else rows

    def named(*columns: Any) -> Any:
        features = collections.OrderedDict(zip(labels, columns, strict=True))
        if label_name is None:
            return features
        label = features.pop(label_name)
        return features, label

    dataset = interleaved(names, of_file, num_parallel_reads or 1, shuffle, shuffle_buffer_size, shuffle_seed,
                          num_epochs)
    dataset = dataset.batch(batch_size, drop_remainder=num_epochs is None).map(named)
    return dataset.prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)


def _rows(name: str, compression: str, delimiter: bytes, quoted: bool) -> Iterator[list[bytes]]:
    with contextlib.closing(open_file(name, compression)) as file:
        for record in _records(file):
            yield split_record(record, delimiter, quoted)


def _header(names: Sequence[str], delimiter: bytes, quoted: bool, compression: str, encoding: str) -> list[str]:
    found = [[c.decode(encoding) for c in next(_rows(n, compression, delimiter, quoted), [])] for n in names]
    for columns in found:
        if columns != found[0]:
            raise ValueError("Files have different column names in the header row.")
    return found[0]


def _column_numbers(columns: Sequence[Any], names: Sequence[str]) -> list[int]:
    """The numbers of columns given by number or by name, rising. Raises ValueError for those that are not there."""
    numbers = []
    for c in columns:
        if isinstance(c, str):
            if c not in names:
                raise ValueError(f"Value '{c}' specified in `select_columns` not a valid index or column name.")
            c = list(names).index(c)
        if not 0 <= int(c) < len(names):
            raise ValueError(f"Column {c} of `select_columns` is not in [0, {len(names)})")
        numbers.append(int(c))
    if len(set(numbers)) != len(numbers):
        raise ValueError("`select_columns` contains duplicate columns")
    return sorted(numbers)


def _inferred(names: Sequence[str], count: int, delimiter: bytes, quoted: bool, missing: bytes, header: bool,
              limit: int | None, select: Sequence[int] | None, compression: str) -> list[Any]:
    """A default for each column, of the narrowest type that holds the values of the first rows."""
    order = [int32, int64, float32, float64, string]
    columns = range(count) if select is None else select
    found = [0 for _ in columns]
    seen = [False for _ in columns]
    rows = (row for n in names for row in itertools.islice(_rows(n, compression, delimiter, quoted), int(header), None))
    for row in itertools.islice(rows, limit):
        if len(row) != count:
            raise ValueError(f"Problem inferring types: CSV row has {len(row)} number of fields. Expected: {count}.")
        for k, c in enumerate(columns):
            if row[c] and row[c] != missing:
                seen[k] = True
                while not _fits(row[c], order[found[k]]):
                    found[k] += 1
    types = [order[f] if s else string for f, s in zip(found, seen, strict=True)]
    return [convert_to_tensor("" if d.is_string else np.zeros((), d.np)) for d in types]


def _fits(text: bytes, dtype: DType) -> bool:
    if dtype.is_string:
        return True
    try:
        if dtype.is_floating:
            value = float(text)
            return dtype == float64 or not np.isfinite(value) or abs(value) <= float(float32.max)
        return bool(dtype.min <= int(text) <= dtype.max)
    except ValueError:
        return False
