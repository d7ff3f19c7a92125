"""Files: atomic writes, and downloads into Keras's cache folder."""
from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
from collections.abc import Iterator
from typing import Any

from ...compiler.site import warn
from ...whole_files import replacing
from .. import backend
from .archives import extract_archive
from .progbar import Progbar, print_message

CHUNK = 1 << 16


@contextlib.contextmanager
def atomic_file(path: str) -> Iterator[str]:
    """A file beside `path` (in folders that are made), which takes its place at the end and vanishes on an error."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with replacing(path) as beside:
        yield beside


def files_below(folder: Any, formats: tuple[str, ...], follow_links: bool = False) -> list[str]:
    """The files of these formats in a folder and below, in order."""
    walked = sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0])
    return [os.path.join(root, name) for root, _, names in walked for name in sorted(names)
            if name.lower().endswith(formats)]


def hash_file(fpath: Any, algorithm: str = "sha256", chunk_size: int = CHUNK) -> str:
    """The file's digest in hexadecimal."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(fpath, "rb") as source:
        while chunk := source.read(chunk_size):
            digest.update(chunk)
    return digest.hexdigest()


_hash_file = hash_file  # Keras 2's name


def validate_file(fpath: Any, file_hash: str, algorithm: str = "auto", chunk_size: int = CHUNK) -> bool:
    """Whether the file has this hash, sha256 or md5."""
    return hash_file(fpath, _algorithm(algorithm, file_hash), chunk_size) == str(file_hash)


def _algorithm(name: str, digest: str | None) -> str:
    return ("sha256" if digest and len(digest) == 64 else "md5") if name == "auto" else name


def get_file(fname: Any = None, origin: str | None = None, untar: bool = False, md5_hash: str | None = None,
             file_hash: str | None = None, cache_subdir: str = "datasets", hash_algorithm: str = "auto",
             extract: bool = False, archive_format: str = "auto", cache_dir: Any = None,
             force_download: bool = False) -> str:
    """The path of a file in the cache folder (KERAS_HOME, else ~/.keras), downloaded from `origin` if it is not there.

    A download is checked against the hash before it takes its name; a file of another hash that is there is downloaded
    again, or taken with a warning where it cannot be. With `extract` the result is the folder that a tar or zip file
    is unpacked in: `fname` itself, or name_extracted for name.zip. Raises OSError naming the file and the folder when
    it cannot be had, ValueError when the hash differs.
    """
    if origin is None:
        raise ValueError('Please specify the "origin" argument (URL of the file to download).')
    name = os.fspath(fname or "") or posixpath.basename(origin.split("?")[0])
    if not name or os.path.isabs(name) or ".." in name.replace("\\", "/").split("/"):
        raise ValueError(f"Paths must be relative and stay within the cache folder. Received: fname={fname!r}")
    folder = os.path.join(os.path.expanduser(cache_dir or backend.keras_home()), cache_subdir)
    path = unpacked = os.path.join(folder, name)
    if extract or untar:
        if fname and "." in name:
            unpacked = os.path.join(folder, f"{name.partition('.')[0]}_extracted")
        else:
            path += "_archive"
    digest = file_hash or md5_hash
    algorithm = _algorithm("md5" if digest and not file_hash else hash_algorithm, digest)
    fresh = force_download or not os.path.exists(path) or bool(digest and hash_file(path, algorithm) != digest)
    if fresh:
        fresh = _fetched(origin, path, digest, algorithm, force_download)
    if not (extract or untar):
        return path
    if fresh or not os.path.isdir(unpacked):
        if not extract_archive(path, unpacked, "tar" if untar else archive_format):
            warn(f"Could not extract archive {path}.")
    return unpacked


def _fetched(origin: str, path: str, digest: str | None, algorithm: str, needed: bool) -> bool:
    """Download a file; False where that fails, but there is one (unless it is `needed` anew). Raises OSError."""
    try:
        _download(origin, path, digest, algorithm)
    except OSError as error:
        reason = getattr(error, "reason", error)
        if needed or not os.path.exists(path):
            raise OSError(f"Cannot download {origin} ({reason}). To work without a network, put the file at {path} "
                          f"(set KERAS_HOME to use another folder than {backend.keras_home()}).") from None
        warn(f"{path} has not the expected {algorithm} hash, and cannot be downloaded anew from {origin} "
             f"({reason}).")
        return False
    return True


def _download(origin: str, path: str, digest: str | None, algorithm: str) -> None:
    from urllib.request import urlopen  # slow to import, and rarely needed
    if not origin.startswith(("https://", "http://", "file://")):
        raise ValueError(f"get_file downloads over http and https only. Received: origin={origin!r}")
    with urlopen(origin, timeout=30) as response, atomic_file(path) as temporary:
        print_message(f"Downloading data from {origin}")
        size = int(response.headers.get("Content-Length") or 0)
        bar = Progbar(size or None, unit_name="byte")
        seen, actual = 0, hashlib.new(algorithm, usedforsecurity=False)
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
