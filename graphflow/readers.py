"""Readers (`tf.TextLineReader` and its kin): each run gives the next record of the files whose names a queue gives."""
from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

from .compiler.dtypes import int64
from .compiler.errors import NotFoundError
from .compiler.ir import Operation, Tensor, default_graph
from .compiler.ops import reader as ops
from .compiler.ops.constant import convert_to_tensor
from .compiler.queues import Queue
from .python_io import TFRecordOptions, open_records
from .queues import QueueBase
from .tfrecord import read_records

Record = tuple[bytes, bytes]


class _State:
    """What a session keeps of a reader. `_records(name)` gives the (key, value)s of a file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self._current: Iterator[Record] | None = None
        self.produced = self.completed = 0

    def _records(self, name: bytes) -> Iterator[Record]:
        raise NotImplementedError

    def read(self, queue: Queue) -> Record:
        """The next record; OutOfRangeError when the queue of names is closed and empty."""
        with self._lock:
            while True:
                if self._current is None:
                    self._current = self._records(bytes(queue.dequeue(1)[0][0].item()))
                record = next(self._current, None)
                if record is not None:
                    self.produced += 1
                    return record
                self._current = None
                self.completed += 1


class _Identity(_State):
    def _records(self, name: bytes) -> Iterator[Record]:
        yield name, name


class _WholeFile(_State):
    def _records(self, name: bytes) -> Iterator[Record]:
        with _opened(name) as file:
            yield name, file.read()


class _TextLine(_State):
    def __init__(self, skip_header_lines: int):
        self._skip = skip_header_lines
        super().__init__()

    def _records(self, name: bytes) -> Iterator[Record]:
        with _opened(name) as file:
            for number, line in enumerate(file, 1):
                if number > self._skip:
                    yield name + b":%d" % number, line.rstrip(b"\n").removesuffix(b"\r")


class _FixedLength(_State):
    def __init__(self, record_bytes: int, header_bytes: int, footer_bytes: int, hop_bytes: int):
        self._size, self._header, self._footer = record_bytes, header_bytes, footer_bytes
        self._hop = hop_bytes or record_bytes
        super().__init__()

    def _records(self, name: bytes) -> Iterator[Record]:
        with _opened(name) as file:
            data = file.read()
        end = len(data) - self._footer
        for number, at in enumerate(range(self._header, end - self._size + 1, self._hop)):
            yield name + b":%d" % number, data[at:at + self._size]


class _TFRecord(_State):
    def __init__(self, compression: str):
        self._compression = compression
        super().__init__()

    def _records(self, name: bytes) -> Iterator[Record]:
        with open_records(name.decode(), self._compression) as file:
            for number, record in enumerate(read_records(file)):
                yield name + b":%d" % number, record


class _LMDB(_State):
    def _records(self, name: bytes) -> Iterator[Record]:
        try:
            import lmdb
        except ImportError as error:
            raise ImportError("tf.LMDBReader needs the package lmdb: pip install graphflow[lmdb]") from error
        path = name.decode()
        if not os.path.exists(path):
            raise NotFoundError(f"{path}; No such file or directory")
        with lmdb.open(path, subdir=os.path.isdir(path), readonly=True, lock=False) as environment:
            with environment.begin() as transaction:
                yield from transaction.cursor()


def _opened(name: bytes) -> Any:
    try:
        return open(name, "rb")
    except FileNotFoundError as error:
        raise NotFoundError(f"{name.decode()}; {error.strerror}") from error


ops.KINDS.update(IdentityReaderV2=_Identity, WholeFileReaderV2=_WholeFile, TextLineReaderV2=_TextLine,
                 FixedLengthRecordReaderV2=_FixedLength, TFRecordReaderV2=_TFRecord, LMDBReader=_LMDB)


class ReaderBase:
    """What readers share: `read` takes from a queue of file names (or work items) and gives a key and a value."""

    def __init__(self, reader_ref: Tensor, supports_serialize: bool = False):
        self._reader_ref = reader_ref
        self._supports_serialize = supports_serialize

    @property
    def reader_ref(self) -> Tensor:
        return self._reader_ref

    @property
    def supports_serialize(self) -> bool:
        """Whether the state can be saved: it cannot."""
        return self._supports_serialize

    def read(self, queue: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
        """(key, value) of the next record, string scalars. OutOfRangeError when there is no more."""
        key, value = ops.read.operation(self._reader_ref, _queue_ref(queue), name=name).outputs
        return key, value

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
        """(keys, values) of up to `num_records` records, string vectors, of fewer only at the end."""
        keys, values = ops.read_up_to.operation(self._reader_ref, _queue_ref(queue),
                                                convert_to_tensor(num_records, int64), name=name).outputs
        return keys, values

    def num_records_produced(self, name: str | None = None) -> Tensor:
        """How many records were read: an int64 scalar."""
        return ops.num_records_produced(self._reader_ref, name=name)

    def num_work_units_completed(self, name: str | None = None) -> Tensor:
        """How many files were read to their ends: an int64 scalar."""
        return ops.num_work_units_completed(self._reader_ref, name=name)

    def reset(self, name: str | None = None) -> Operation:
        """An operation after which the reader begins anew, with the next file."""
        return ops.reset.operation(self._reader_ref, name=name)


def _queue_ref(queue: Any) -> Tensor:
    return queue.queue_ref if isinstance(queue, QueueBase) else queue


def _made(kind: str, name: str | None, *options: Any) -> Tensor:
    name = name or kind
    return ops.reader(name=name, key=default_graph().unique_name(name, mark_as_used=False), kind=kind, options=options)


class IdentityReader(ReaderBase):
    """Gives each work item as key and value."""

    def __init__(self, name: str | None = None):
        super().__init__(_made("IdentityReaderV2", name))


class WholeFileReader(ReaderBase):
    """Gives each file's name and content."""

    def __init__(self, name: str | None = None):
        super().__init__(_made("WholeFileReaderV2", name))


class TextLineReader(ReaderBase):
    """Gives lines without their ends, after the first `skip_header_lines` of a file; keys are "name:line"."""

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None):
        super().__init__(_made("TextLineReaderV2", name, skip_header_lines or 0))


class FixedLengthRecordReader(ReaderBase):
    """Gives records of `record_bytes` bytes, each `hop_bytes` (default: its size) after the one before, between a
    file's header and footer; keys are "name:record"."""

    def __init__(self, record_bytes: int, header_bytes: int | None = None, footer_bytes: int | None = None,
                 hop_bytes: int | None = None, name: str | None = None, encoding: str | None = None):
        if encoding:
            raise ValueError(f"FixedLengthRecordReader: encoding must be empty, received {encoding!r}")
        super().__init__(_made("FixedLengthRecordReaderV2", name, int(record_bytes), header_bytes or 0,
                               footer_bytes or 0, hop_bytes or 0))


class TFRecordReader(ReaderBase):
    """Gives the records of TFRecord files; keys are "name:record"."""

    def __init__(self, name: str | None = None, options: Any = None):
        super().__init__(_made("TFRecordReaderV2", name, TFRecordOptions.get_compression_type_string(options)))


class LMDBReader(ReaderBase):
    """Gives the keys and values of LMDB databases, in the order of the keys. Needs the package lmdb (an extra)."""

    def __init__(self, name: str | None = None, options: Any = None):
        super().__init__(_made("LMDBReader", name))
