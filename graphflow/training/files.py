"""Files replaced whole, with TensorFlow's errors."""
from __future__ import annotations

import errno
from collections.abc import Callable

from ..compiler.errors import NotFoundError, PermissionDeniedError, ResourceExhaustedError, UnknownError
from ..whole_files import replacing

_KINDS = {errno.ENOSPC: ResourceExhaustedError, errno.EDQUOT: ResourceExhaustedError,
          errno.EFBIG: ResourceExhaustedError, errno.ENOENT: NotFoundError,
          errno.EACCES: PermissionDeniedError, errno.EPERM: PermissionDeniedError}


def replace_file(path: str, write: Callable[[str], None]) -> None:
    """Let `write` make a file beside `path`, and put it there once it is on disk.

    Raises ResourceExhaustedError for a full disk, NotFoundError for a missing folder, PermissionDeniedError or
    UnknownError; the file at `path` is then as it was, and nothing is left beside it.
    """
    try:
        with replacing(path) as beside:
            write(beside)
    except (OSError, RuntimeError) as error:
        kind = _KINDS.get(getattr(error, "errno", None) or 0, UnknownError)
        raise kind(f"{path}: {error}") from error


def write_text(path: str, text: str) -> None:
    """Put `text` in the file at `path`, wholly or not at all."""
    def write(beside: str) -> None:
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)

    replace_file(path, write)
