"""Unpacking archives, so that nothing lands outside the folder they are unpacked in (CVE-2025-12060)."""
from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from ...compiler.site import warn

Member = tuple[str, Any]  # (name, what opens it; None for a folder)


def extract_archive(file_path: Any, path: Any = ".", archive_format: Any = "auto") -> bool:
    """Unpack a tar or zip file into the folder `path`: its files and folders, never links, devices or names that lead
    elsewhere, which are skipped with a warning. False for a file of another format.

    The folder appears when all is unpacked; files that it has already are replaced.
    """
    if archive_format is None:
        return False
    formats = ("tar", "zip") if archive_format == "auto" else (
        archive_format,) if isinstance(archive_format, str) else tuple(archive_format)
    for name in formats:
        if name not in ("tar", "zip"):
            raise NotImplementedError(f"extract_archive: unknown format {name!r}, expected 'tar' or 'zip'")
        if not (tarfile.is_tarfile if name == "tar" else zipfile.is_zipfile)(file_path):
            continue
        target = os.path.abspath(os.fspath(path))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with tempfile.TemporaryDirectory(dir=os.path.dirname(target), prefix=".unpacked") as folder:
            if name == "tar":
                with tarfile.open(file_path) as tar:
                    _unpack(_tar_members(tar), folder)
            else:
                with zipfile.ZipFile(file_path) as archive:
                    _unpack(_zip_members(archive), folder)
            _move(folder, target)
        return True
    return False


def _tar_members(archive: tarfile.TarFile) -> Iterator[Member]:
    for info in archive:
        if info.isdir():
            yield info.name, None
        elif info.isfile():
            yield info.name, lambda info=info: archive.extractfile(info)
        else:
            warn(f"Skipping {info.name!r} during archive extraction: it is not a file.")


def _zip_members(archive: zipfile.ZipFile) -> Iterator[Member]:
    for info in archive.infolist():
        yield info.filename, None if info.is_dir() else lambda info=info: archive.open(info)


def _unpack(members: Iterator[Member], folder: str) -> None:
    """Write the members below an empty folder, in which there is nothing but what was written here: no links."""
    for name, opened in members:
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or os.path.splitdrive(name)[0] or "\0" in name:
            warn(f"Skipping invalid path during archive extraction: {name!r}.")
            continue
        target = os.path.join(folder, *(part for part in parts if part not in ("", ".")))
        if opened is None:
            os.makedirs(target, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        source: IO[bytes]
        with opened() as source, open(target, "wb") as file:
            shutil.copyfileobj(source, file)


def _move(folder: str, target: str) -> None:
    """The contents of a folder, moved into another one."""
    os.makedirs(target, exist_ok=True)
    for entry in list(os.scandir(folder)):
        place = os.path.join(target, entry.name)
        if entry.is_dir() and os.path.isdir(place) and not os.path.islink(place):
            _move(entry.path, place)
        else:
            os.replace(entry.path, place)
