"""`tf.gfile` and `tf.io.gfile`: files of the local file system, with TensorFlow's errors."""
from __future__ import annotations

import contextlib
import glob as _glob
import os
import shutil
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Any, NamedTuple

from .compiler.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    NotFoundError,
    OpError,
    OutOfRangeError,
    PermissionDeniedError,
    UnknownError,
)

_KINDS: tuple[tuple[type[OSError], type[OpError]], ...] = (
    (FileNotFoundError, NotFoundError), (FileExistsError, AlreadyExistsError), (PermissionError, PermissionDeniedError),
    (IsADirectoryError, FailedPreconditionError), (NotADirectoryError, FailedPreconditionError),
    (OSError, UnknownError))


@contextlib.contextmanager
def _errors(name: str) -> Iterator[None]:
    """The system's errors as TensorFlow's."""
    try:
        yield
    except OSError as error:
        kind = next(k for system, k in _KINDS if isinstance(error, system))
        if error.errno == 39 or "not empty" in str(error):
            kind = FailedPreconditionError
        raise kind(f"{name}; {error.strerror or error}") from error


def _path(name: Any) -> str:
    return os.fsdecode(name).removeprefix("file://")


class GFile:
    """A file, opened when it is first used. `mode`: "r", "w", "a" and "+" of them, with "b" for bytes.

    Raises, when used, NotFoundError, PermissionDeniedError or FailedPreconditionError.
    """

    def __init__(self, name: Any, mode: str = "r"):
        self.__name, self.__mode = name, mode
        self._file: IO[Any] | None = None

    @property
    def name(self) -> Any:
        return self.__name

    @property
    def mode(self) -> str:
        return self.__mode

    def _opened(self) -> IO[Any]:
        if self._file is None:
            with _errors(_path(self.name)):
                text = {} if "b" in self.mode else {"encoding": "utf-8", "newline": ""}
                self._file = open(_path(self.name), self.mode, **text)  # type: ignore[call-overload]
        assert self._file is not None
        return self._file

    def _readable(self) -> IO[Any]:
        if not any(c in self.mode for c in "r+"):
            raise PermissionDeniedError("File isn't open for reading")
        return self._opened()

    def size(self) -> int:
        """The size in bytes."""
        self.flush()
        return Stat(self.name).length

    def read(self, n: int = -1) -> Any:
        """The next `n` bytes or characters, all that remain for -1."""
        file = self._readable()
        with _errors(_path(self.name)):
            return file.read(n)

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Go to `offset` from the start (whence 0), the present place (1) or the end (2). Raises OutOfRangeError."""
        if offset is None and position is None:
            raise TypeError("seek(): offset argument required")
        file = self._readable()
        try:
            file.seek(position if offset is None else offset, whence)  # type: ignore[arg-type]
        except ValueError as error:
            raise OutOfRangeError(f"{_path(self.name)}; {error}") from None

    def tell(self) -> int:
        return self._opened().tell()

    def readline(self) -> Any:
        """The next line with its end, empty at the end of the file."""
        return self._readable().readline()

    def readlines(self) -> list[Any]:
        return self._readable().readlines()

    def write(self, file_content: Any) -> None:
        """Append to what has been written. Text becomes UTF-8, also in a file of bytes."""
        if self.mode.startswith("r") and "+" not in self.mode:
            raise PermissionDeniedError("File isn't open for writing")
        file = self._opened()
        if "b" in self.mode and isinstance(file_content, str):
            file_content = file_content.encode()
        elif "b" not in self.mode and isinstance(file_content, bytes):
            file_content = file_content.decode()
        with _errors(_path(self.name)):
            file.write(file_content)

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is None and self.mode[0] in "wa":
            self._opened()  # a file that nothing is written to is empty
        if self._file is not None:
            self._file.close()
            self._file = None

    def seekable(self) -> bool:
        return True

    def __iter__(self) -> GFile:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def __enter__(self) -> GFile:
        self._opened()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()


FastGFile = Open = FileIO = GFile


class FileStatistics(NamedTuple):
    """What `stat` tells of a file."""

    length: int
    mtime_nsec: int
    is_directory: bool


def exists(path: Any) -> bool:
    """Whether there is a file or directory of that name."""
    return os.path.exists(_path(path))


def glob(pattern: Any) -> list[str]:
    """The names that match a shell pattern, or several."""
    patterns = pattern if isinstance(pattern, (list, tuple)) else [pattern]
    return [name for p in patterns for name in sorted(_glob.glob(_path(p)))]


def isdir(path: Any) -> bool:
    """Whether it is a directory."""
    return os.path.isdir(_path(path))


def listdir(path: Any) -> list[str]:
    """The names in a directory. Raises NotFoundError."""
    if not isdir(path):
        raise NotFoundError(f"Could not find directory {_path(path)}")
    return os.listdir(_path(path))


def mkdir(path: Any) -> None:
    """Make a directory, whose parent exists. Raises AlreadyExistsError, NotFoundError."""
    with _errors(_path(path)):
        os.mkdir(_path(path))


def makedirs(path: Any) -> None:
    """Make a directory and those above it, where they are missing."""
    with _errors(_path(path)):
        os.makedirs(_path(path), exist_ok=True)


def remove(path: Any) -> None:
    """Delete a file. Raises NotFoundError."""
    with _errors(_path(path)):
        os.remove(_path(path))


def rmtree(path: Any) -> None:
    """Delete a directory with all that is in it. Raises NotFoundError."""
    with _errors(_path(path)):
        shutil.rmtree(_path(path))


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copy a file. Raises AlreadyExistsError where `dst` exists, unless `overwrite`."""
    _check_free(dst, overwrite)
    with _errors(_path(src)):
        shutil.copyfile(_path(src), _path(dst))


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Rename or move a file. Raises AlreadyExistsError where `dst` exists, unless `overwrite`."""
    _check_free(dst, overwrite)
    with _errors(_path(src)):
        os.replace(_path(src), _path(dst))


def _check_free(name: Any, overwrite: bool) -> None:
    if not overwrite and exists(name):
        raise AlreadyExistsError(f"file already exists: {_path(name)}")


def stat(path: Any) -> FileStatistics:
    """Length in bytes, time of the last change in nanoseconds, whether it is a directory. Raises NotFoundError."""
    with _errors(_path(path)):
        found = os.stat(_path(path))
    return FileStatistics(found.st_size, found.st_mtime_ns, isdir(path))


def walk(top: Any, topdown: bool = True, onerror: Any = None) -> Iterator[tuple[str, list[str], list[str]]]:
    """(directory, names of directories, names of files) of a directory and all below it."""
    return os.walk(_path(top), topdown=topdown, onerror=onerror)


def join(path: Any, *paths: Any) -> Any:
    """Parts of a path joined."""
    return os.path.join(path, *paths)


def get_registered_schemes() -> list[str]:
    """The kinds of file system: local files."""
    return ["", "file"]


# TensorFlow 1's names and argument names


def Exists(filename: Any) -> bool:
    """Whether there is a file or directory of that name."""
    return exists(filename)


def Glob(filename: Any) -> list[str]:
    """The names that match a shell pattern, or several."""
    return glob(filename)


def IsDirectory(dirname: Any) -> bool:
    """Whether it is a directory."""
    return isdir(dirname)


def ListDirectory(dirname: Any) -> list[str]:
    """The names in a directory. Raises NotFoundError."""
    return listdir(dirname)


def MkDir(dirname: Any) -> None:
    """Make a directory, whose parent exists. Raises AlreadyExistsError, NotFoundError."""
    mkdir(dirname)


def MakeDirs(dirname: Any) -> None:
    """Make a directory and those above it, where they are missing."""
    makedirs(dirname)


def Remove(filename: Any) -> None:
    """Delete a file. Raises NotFoundError."""
    remove(filename)


def DeleteRecursively(dirname: Any) -> None:
    """Delete a directory with all that is in it. Raises NotFoundError."""
    rmtree(dirname)


def Copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copy a file. Raises AlreadyExistsError where `newpath` exists, unless `overwrite`."""
    copy(oldpath, newpath, overwrite)


def Rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Rename or move a file. Raises AlreadyExistsError where `newname` exists, unless `overwrite`."""
    rename(oldname, newname, overwrite)


def Stat(filename: Any) -> FileStatistics:
    """Length in bytes, time of the last change in nanoseconds, whether it is a directory. Raises NotFoundError."""
    return stat(filename)


def Walk(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """(directory, names of directories, names of files) of a directory and all below it."""
    return walk(top, in_order)


# tensorflow.python.lib.io.file_io
file_exists, get_matching_files, is_directory, list_directory = exists, glob, isdir, listdir
create_dir, recursive_create_dir, delete_file, delete_recursively = mkdir, makedirs, remove, rmtree
