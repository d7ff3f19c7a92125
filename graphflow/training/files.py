"""Files that are either wholly the old ones or wholly the new ones, whatever happens while they are written."""
from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Callable

from ..compiler.errors import NotFoundError, PermissionDeniedError, ResourceExhaustedError, UnknownError

_KINDS = {errno.ENOSPC: ResourceExhaustedError, errno.EDQUOT: ResourceExhaustedError,
          errno.EFBIG: ResourceExhaustedError, errno.ENOENT: NotFoundError,
          errno.EACCES: PermissionDeniedError, errno.EPERM: PermissionDeniedError}


def replace_file(path: str, write: Callable[[str], None]) -> None:
    """Let `write` make a file beside `path`, and put it there once it is on disk.

    Raises ResourceExhaustedError for a full disk, NotFoundError for a missing folder, PermissionDeniedError or
    UnknownError; the file at `path` is then as it was, and nothing is left beside it.
    """
    beside = f"{path}.tempstate{uuid.uuid4().hex}"  # of this writer alone: threads may write at once
    try:
        write(beside)
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
        _sync_folder(os.path.dirname(path) or ".")
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        if isinstance(error, (OSError, RuntimeError)):
            kind = _KINDS.get(getattr(error, "errno", None) or 0, UnknownError)
            raise kind(f"{path}: {error}") from error
        raise


def write_text(path: str, text: str) -> None:
    """Put `text` in the file at `path`, wholly or not at all."""
    def write(beside: str) -> None:
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)

    replace_file(path, write)


def _sync_folder(path: str) -> None:
    """Make the new name last through a power cut, where folders can be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
