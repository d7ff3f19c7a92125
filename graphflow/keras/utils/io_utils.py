"""Files: atomic writes, and downloads into Keras's cache folder."""
from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from .. import backend
from .progbar import Progbar, print_message

CHUNK = 1 << 16


@contextlib.contextmanager
def atomic_file(path: str) -> Iterator[str]:
    """A temporary name beside `path`. What is written there replaces `path` at the end, or vanishes on an error."""
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", suffix=".tmp", dir=folder)
    os.close(handle)
    try:
        yield temporary
        with open(temporary, "rb+") as written:
            os.fsync(written.fileno())
        mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o666 & ~_umask()
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def file_hash(path: str, algorithm: str = "sha256") -> str:
    """The file's digest in hexadecimal."""
    digest = hashlib.new(algorithm)
    with open(path, "rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def get_file(fname: str | None = None, origin: str | None = None, file_hash: str | None = None,
             md5_hash: str | None = None, cache_subdir: str = "datasets", hash_algorithm: str = "auto",
             cache_dir: str | None = None, force_download: bool = False, **kwargs: Any) -> str:
    """The path of a file in the cache folder (KERAS_HOME, else ~/.keras), downloaded from `origin` if it is not there.

    A file that is there is taken as it is. A download is checked against the hash before it takes its name. Raises
    OSError naming the file and the folder when it cannot be had, ValueError when the hash differs.
    """
    if kwargs.get("extract") or kwargs.get("untar"):
        raise ValueError("get_file: extraction is not supported.")
    if origin is None:
        raise ValueError('Please specify the "origin" argument (URL of the file to download).')
    name = fname or os.path.basename(origin.split("?")[0])
    if not name or os.path.isabs(name) or ".." in name.replace("\\", "/").split("/"):
        raise ValueError(f"Paths must be relative and stay within the cache folder. Received: fname={fname!r}")
    folder = os.path.join(cache_dir or backend.keras_home(), cache_subdir)
    path = os.path.join(folder, name)
    if os.path.exists(path) and not force_download:
        return path
    digest, algorithm = file_hash or md5_hash, hash_algorithm
    if algorithm == "auto":
        algorithm = "md5" if digest and len(digest) == 32 else "sha256"
    try:
        _download(origin, path, digest, algorithm)
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise OSError(f"Cannot download {origin} ({reason}). To work without a network, put the file at "
                      f"{path} (set KERAS_HOME to use another folder than {backend.keras_home()}).") from None
    return path


def _download(origin: str, path: str, digest: str | None, algorithm: str) -> None:
    from urllib.request import urlopen  # slow to import, and rarely needed
    if not origin.startswith(("https://", "http://", "file://")):
        raise ValueError(f"get_file downloads over http and https only. Received: origin={origin!r}")
    with urlopen(origin, timeout=30) as response, atomic_file(path) as temporary:
        print_message(f"Downloading data from {origin}")
        size = int(response.headers.get("Content-Length") or 0)
        bar = Progbar(size or None, unit_name="byte")
        seen, actual = 0, hashlib.new(algorithm)
        with open(temporary, "wb") as out:
            while chunk := response.read(CHUNK):
                out.write(chunk)
                actual.update(chunk)
                seen += len(chunk)
                bar.update(seen, finalize=False)
        bar.update(seen, finalize=True)
        if size and seen != size:
            raise OSError(f"the connection closed after {seen} of {size} bytes")
        if digest and actual.hexdigest() != digest:
            raise ValueError(f"Incomplete or corrupted file detected. The {algorithm} of {origin} is "
                             f"{actual.hexdigest()}, expected {digest}.")
