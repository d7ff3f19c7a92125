"""Files that are either wholly the old ones or wholly the new ones, whatever happens while they are written."""
from __future__ import annotations

import contextlib
import glob
import os
import pathlib
import time
from collections.abc import Iterator

ABANDONED = 3600  # seconds without a write after which the process that wrote beside a file must have been killed


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[str]:
    """A file beside `path`, for this writer alone. At the end, once it is on disk, it takes the place of `path`; on an
    error it vanishes. What killed processes left beside goes too.

    Raises OSError that names `path`.
    """
    path = os.path.abspath(path)
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.tmp")
    try:
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield beside
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.chmod(beside, os.stat(path).st_mode & 0o777)
        os.replace(beside, path)
        _sync_folder(folder)
        _remove_abandoned(folder, name)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        if isinstance(error, OSError) and error.filename == beside:
            error.filename, error.filename2 = path, None
        raise


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> pathlib.Path:
    """Write a file, its folders included. Raises OSError that names the path."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as beside:
        pathlib.Path(beside).write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _sync_folder(path: str) -> None:
    """Make the new name last through a power cut, where folders can be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_abandoned(folder: str, name: str) -> None:
    for left in glob.glob(f".{glob.escape(name)}.*.tmp", root_dir=folder):
        with contextlib.suppress(OSError):
            left = os.path.join(folder, left)
            if time.time() - os.stat(left).st_mtime > ABANDONED:
                os.unlink(left)
