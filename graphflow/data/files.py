"""Datasets of files: lines of text, records, names."""
from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..compiler.dtypes import int64, string
from ..compiler.errors import DataLossError, InvalidArgumentError, NotFoundError, OpError
from ..compiler.ops.constant import as_strings, convert_to_tensor
from ..compiler.ops.io import matching_files
from ..compiler.ops.texts import text
from ..tensor_spec import TensorSpec
from ..tfrecord import inflated, read_records
from . import Dataset
from .dataset import AUTOTUNE, as_scalar
from .function import Failure, Scope
from .transforms import generator, seeds_of

_LINES = 256 * 1024  # bytes read at once


def open_file(name: str, compression: str, buffer_size: int = 0) -> Any:
    """A file opened for reading bytes. Raises NotFoundError when it is not there, InvalidArgumentError for a
    compression that is not "", "GZIP" or "ZLIB"."""
    try:
        if compression == "GZIP":
            return gzip.open(name, "rb")
        file = open(name, "rb", buffering=buffer_size or _LINES)
    except FileNotFoundError:
        raise NotFoundError(f"{name}; No such file or directory") from None
    if compression not in ("", "ZLIB"):
        raise InvalidArgumentError(f"Unsupported compression_type: {compression!r}; expected '', 'GZIP' or 'ZLIB'")
    return inflated(file) if compression else file


Records = Callable[[Any], Iterator[bytes]]


class _FilesDataset(Dataset):
    """String scalars read from one file after the other, or from several at once."""

    def _setup(self, filenames: Any, compression_type: Any, buffer_size: Any, num_parallel_reads: Any,
               records: Callable[[Scope], Records], tensors: Any = ()) -> None:
        inputs: list[Any] = []
        if isinstance(filenames, Dataset):
            if filenames.output_types != string:
                raise TypeError("`filenames` must be a `tf.data.Dataset` of `tf.string` elements.")
            inputs, names = [filenames], None
        else:
            names = convert_to_tensor(filenames, string, name="filenames")
        compression = convert_to_tensor("" if compression_type is None else compression_type, string,
                                        name="compression_type")
        buffer = as_scalar(0 if buffer_size is None else buffer_size, int64, "buffer_size")
        given = [compression, buffer, *tensors, *([] if names is None else [names])]

        def each_name(scope: Scope) -> Iterator[Any]:
            if names is not None:
                yield from (os.fsdecode(n) for n in np.ravel(scope[names]))
                return
            for element in filenames._iterate(scope):
                yield from [element] if isinstance(element, Failure) else map(os.fsdecode, np.ravel(element[0]))

        def read(scope: Scope, name: Any) -> Iterator[Any]:
            if isinstance(name, Failure):
                yield name
                return
            try:
                kind = np.asarray(scope[compression]).item().decode()
                with contextlib.closing(open_file(name, kind, int(scope.scalar(buffer)))) as file:
                    for record in records(scope)(file):
                        yield (text(record),)
            except (OSError, zlib.error, InvalidArgumentError, NotFoundError) as error:
                yield Failure(error if isinstance(error, OpError) else DataLossError(f"{name}: {error}"))

        def iterate(scope: Scope) -> Iterator[Any]:
            from .background import Buffer
            from .functional import interleaved
            if num_parallel_reads in (None, 1):
                for name in each_name(scope):
                    yield from read(scope, name)
                return
            width = 4 if num_parallel_reads == AUTOTUNE else int(num_parallel_reads)
            yield from interleaved(each_name(scope), lambda name: Buffer.ahead(read(scope, name), 16), width, 1)

        super().__init__(TensorSpec([], string), iterate, inputs=inputs, tensors=given)


def _lines(file: Any) -> Iterator[bytes]:
    while line := file.readline():
        yield line.removesuffix(b"\n").removesuffix(b"\r")


class TextLineDataset(_FilesDataset):
    """The lines of text files, without their ends. `compression_type`: "", "GZIP" or "ZLIB"."""

    def __init__(self, filenames: Any, compression_type: Any = None, buffer_size: Any = None,
                 num_parallel_reads: Any = None, name: str | None = None):
        self._setup(filenames, compression_type, buffer_size, num_parallel_reads, lambda scope: _lines)


class TFRecordDataset(_FilesDataset):
    """The records of TFRecord files. Raises DataLossError when the graph runs and a record's checksum is wrong."""

    def __init__(self, filenames: Any, compression_type: Any = None, buffer_size: Any = None,
                 num_parallel_reads: Any = None, name: str | None = None):
        self._setup(filenames, compression_type, buffer_size, num_parallel_reads, lambda scope: read_records)


class FixedLengthRecordDataset(_FilesDataset):
    """Records of `record_bytes` bytes, between a header and a footer of binary files."""

    def __init__(self, filenames: Any, record_bytes: Any, header_bytes: Any = None, footer_bytes: Any = None,
                 buffer_size: Any = None, compression_type: Any = None, num_parallel_reads: Any = None,
                 name: str | None = None):
        sizes = [as_scalar(0 if v is None else v, int64, n) for v, n in (
            (record_bytes, "record_bytes"), (header_bytes, "header_bytes"), (footer_bytes, "footer_bytes"))]

        def records(scope: Scope) -> Records:
            length, header, footer = (int(scope.scalar(s)) for s in sizes)
            if length < 1:
                raise InvalidArgumentError(f"`record_bytes` must be > 0, received {length}")

            def read(file: Any) -> Iterator[bytes]:
                data = file.read()[header:]
                data = data[:len(data) - footer]
                if len(data) % length:
                    raise InvalidArgumentError(
                        f"Excess bytes in input file: {len(data)} bytes between header and footer are no multiple of "
                        f"the record length {length}")
                yield from (data[i:i + length] for i in range(0, len(data), length))
            return read

        self._setup(filenames, compression_type, buffer_size, num_parallel_reads, records, sizes)


def matching(patterns: Any) -> list[bytes]:
    """The names of the files that match one of the patterns, in order."""
    return matching_files.reference(np.asarray(as_strings(patterns))).tolist()  # type: ignore[misc]


def interleaved(names: Sequence[str], read: Callable[[Any], Dataset], at_once: int, shuffle: bool,
                shuffle_buffer_size: int, shuffle_seed: int | None, num_epochs: int | None) -> Dataset:
    """What `read` gives of several files at once, shuffled (the files, too) and repeated."""
    dataset: Dataset = Dataset.from_tensor_slices(names)
    if shuffle:
        dataset = dataset.shuffle(len(names), shuffle_seed)
    dataset = dataset.interleave(read, at_once)
    if shuffle:
        dataset = dataset.shuffle(shuffle_buffer_size, shuffle_seed)
    return dataset if num_epochs == 1 else dataset.repeat(num_epochs)


def list_files(make: Callable[..., Any], file_pattern: Any, shuffle: bool | None, seed: Any) -> Any:
    """See `Dataset.list_files`."""
    patterns = convert_to_tensor(file_pattern, string, name="file_pattern")
    seeds = seeds_of(seed)

    def iterate(scope: Scope) -> Iterator[Any]:
        names = matching(scope[patterns])
        if not names:
            shown = ", ".join(p.decode() for p in np.ravel(np.asarray(scope[patterns], object)))
            yield Failure(InvalidArgumentError(f"No files matched pattern: {shown}"))
            return
        if shuffle is not False:
            generator(scope, key, seeds, True).shuffle(names)
        for name in names:
            yield (text(name),)

    key = make(TensorSpec([], string), iterate, tensors=[patterns])
    return key
