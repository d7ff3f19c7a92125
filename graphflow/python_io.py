"""`tf.python_io`: files of records (TFRecord), read and written in Python."""
from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any, BinaryIO

from .compiler.errors import NotFoundError, PermissionDeniedError, UnknownError
from .tfrecord import framed, inflated, read_records

__all__ = ["TFRecordCompressionType", "TFRecordOptions", "TFRecordWriter", "tf_record_iterator"]


class TFRecordCompressionType:
    """How a file is compressed: NONE, GZIP or ZLIB."""

    NONE, ZLIB, GZIP = 0, 1, 2


class TFRecordOptions:
    """How records are kept: the compression, as a TFRecordCompressionType or a name; other options but the level are
    accepted."""

    compression_type_map = {TFRecordCompressionType.NONE: "", TFRecordCompressionType.ZLIB: "ZLIB",
                            TFRecordCompressionType.GZIP: "GZIP"}

    def __init__(self, compression_type: Any = None, flush_mode: int | None = None,
                 input_buffer_size: int | None = None, output_buffer_size: int | None = None,
                 window_bits: int | None = None, compression_level: int | None = None,
                 compression_method: int | None = None, mem_level: int | None = None,
                 compression_strategy: int | None = None):
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type
        self.flush_mode, self.input_buffer_size, self.output_buffer_size = flush_mode, input_buffer_size, \
            output_buffer_size
        self.window_bits, self.compression_level, self.compression_method = window_bits, compression_level, \
            compression_method
        self.mem_level, self.compression_strategy = mem_level, compression_strategy

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """"", "ZLIB" or "GZIP" for options, a name or a number. Raises ValueError for anything else."""
        if isinstance(options, TFRecordOptions):
            options = options.compression_type
        name = cls.compression_type_map.get(options or 0, options)
        if name not in cls.compression_type_map.values():
            raise ValueError(f"Not a valid compression_type: \"{options}\"")
        return name


class TFRecordWriter:
    """Writes records, one after another, to a file that it makes anew. Raises NotFoundError where there is no folder,
    PermissionDeniedError where nothing may be written."""

    def __init__(self, path: Any, options: Any = None):
        kind = TFRecordOptions.get_compression_type_string(options)
        level = getattr(options, "compression_level", None)
        level = -1 if level is None else level
        try:
            self._file: BinaryIO = open(os.fspath(path), "wb")  # noqa: SIM115 (closed by close)
        except OSError as error:
            raise _named(error) from error
        self._gzip = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=9 if level < 0 else level) \
            if kind == "GZIP" else None
        self._zlib = zlib.compressobj(level) if kind == "ZLIB" else None

    def write(self, record: bytes | str) -> None:
        """Append a record."""
        data = framed(record.encode() if isinstance(record, str) else bytes(record))
        if self._gzip is not None:
            self._gzip.write(data)
        else:
            self._file.write(data if self._zlib is None else self._zlib.compress(data))

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        if self._gzip is not None:
            self._gzip.flush()
        elif self._zlib is not None:
            self._file.write(self._zlib.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def close(self) -> None:
        """Finish the file; a second time does nothing."""
        if self._file.closed:
            return
        if self._gzip is not None:
            self._gzip.close()
        elif self._zlib is not None:
            self._file.write(self._zlib.flush())
        self._file.close()

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()


def open_records(path: Any, options: Any = None) -> Any:
    """The file, to read its records from. Raises NotFoundError where there is none."""
    kind = TFRecordOptions.get_compression_type_string(options)
    try:
        file = open(os.fspath(path), "rb")  # noqa: SIM115 (closed by the caller)
    except OSError as error:
        raise _named(error) from error
    if kind == "GZIP":
        return gzip.GzipFile(fileobj=file)
    return inflated(file) if kind == "ZLIB" else file


def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """The records of a file. Raises NotFoundError where there is none, DataLossError for a damaged one."""
    with open_records(path, options) as file:
        yield from read_records(file)


def _named(error: OSError) -> Exception:
    kind = NotFoundError if isinstance(error, FileNotFoundError) else PermissionDeniedError if isinstance(
        error, PermissionError) else UnknownError
    return kind(f"{error.filename}; {error.strerror}")
