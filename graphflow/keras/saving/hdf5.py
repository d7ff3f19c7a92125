"""HDF5 files: opened whole, or one clear error; read by what they hold, never by what they point to or claim."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...compiler.dtypes import bfloat16
from ..utils.io_utils import atomic_file

KERAS_VERSION = "3.15.1"  # whose file formats these are
HEADER_LIMIT = 64512  # bytes of attributes that an HDF5 object header can hold
FREE = 1 << 26  # bytes that a dataset may claim without holding them
EXPANSION = 1000  # how much more than it holds a larger one may claim (deflate reaches 1032)


@contextlib.contextmanager
def reading(path: Any, what: str = "") -> Iterator[Any]:
    """An HDF5 file (a path, or a file object holding `what`), open for reading.

    Raises OSError for one that is not HDF5 or is damaged, also when that is found only while reading.
    """
    import h5py
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise FileNotFoundError(f"File not found: {what or path}") from None
    except OSError as error:
        name = str(what or path)
        kind, why = ("a .keras archive", "") if name.endswith(".keras") else ("an HDF5 file", f": {error}")
        raise OSError(f"{name} is not {kind}, or it is damaged or truncated{why}") from None
    with file:
        try:
            yield file
        except (RuntimeError, UnicodeDecodeError) as error:
            raise OSError(f"{what or path} is damaged: {error}") from error


@contextlib.contextmanager
def writing(path: str) -> Iterator[Any]:
    """A new HDF5 file that takes its name when it is complete."""
    import h5py
    with atomic_file(path) as temporary, h5py.File(temporary, "w") as file:
        yield file


def _own(group: Any, name: str) -> Any:
    """A member of this file: not one that a link takes from elsewhere. None if there is none."""
    import h5py
    link = group.get(name, getlink=True) if name in group else None
    return group[name] if isinstance(link, h5py.HardLink) else None


def find_group(group: Any, path: str) -> Any:
    """A group at some depth, None if there is none."""
    import h5py
    for part in filter(None, path.split("/")):
        group = _own(group, part)
        if not isinstance(group, h5py.Group):
            return None
    return group


def group_in(group: Any, name: str) -> Any:
    """A group of this file. Raises ValueError if there is none."""
    found = find_group(group, name)
    if found is None:
        raise ValueError(f"{group.file.filename!r} has no group {name!r} in {group.name!r}: it was not written by "
                         "Keras, or it is damaged.")
    return found


def _dataset(group: Any, name: str, what: str) -> Any:
    import h5py
    holder, _, last = name.strip("/").rpartition("/")
    found = _own(inner, last) if (inner := find_group(group, holder)) is not None else None
    if not isinstance(found, h5py.Dataset) or found.external is not None or found.is_virtual:
        raise ValueError(f"{group.file.filename!r} has no values for {what} (looked for {name!r} in {group.name!r}).")
    return found


def _values(dataset: Any, what: str) -> np.ndarray:
    """The array, once it is known that the file holds about as much as it claims to."""
    file = dataset.file.filename
    half = dataset.dtype.kind == "V" and dataset.dtype.itemsize == 2  # how HDF5 shows bfloat16
    if dataset.dtype.kind not in "fiub" and not half:
        raise ValueError(f"The values for {what} in {file!r} are of type {dataset.dtype}, not numeric.")
    claimed, held = int(np.prod(dataset.shape, dtype=object)) * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if claimed > FREE and claimed > EXPANSION * held:
        raise ValueError(f"The values for {what} in {file!r} claim {claimed} bytes, but the file holds {held} of them.")
    values = dataset[()]
    return values.view(bfloat16.np) if half else values


def array_in(group: Any, name: str, what: str) -> np.ndarray:
    """A dataset of this file. Raises ValueError if there is none, or one that is not numeric or claims too much."""
    return _values(_dataset(group, name, what), what)


def value_in(group: Any, name: str, shape: Sequence[int], what: str) -> np.ndarray:
    """A dataset of this file, which must have `shape`. Raises ValueError."""
    found = _dataset(group, name, what)
    if tuple(found.shape) != tuple(shape):
        raise ValueError(f"Shape mismatch: {what} has shape {tuple(shape)}, but {found.name!r} in "
                         f"{group.file.filename!r} has {tuple(found.shape)}.")
    return _values(found, what)


def put(group: Any, name: str, value: Any) -> None:
    """A new dataset. Keras marks bfloat16, which HDF5 has not."""
    array = np.asarray(value)
    dataset = group.create_dataset(name, data=array)
    if array.dtype == bfloat16.np:
        dataset.attrs["dtype"] = "bfloat16"


def write_names(group: Any, key: str, names: Sequence[str]) -> None:
    """A list of names as an attribute, or as several (key0, key1, ...) when one would be too large.

    Raises RuntimeError for a name that is too long by itself.
    """
    encoded = [n.encode() for n in names]
    if any(len(n) > HEADER_LIMIT for n in encoded):
        raise RuntimeError(f"Names longer than {HEADER_LIMIT} bytes cannot be written to HDF5 attributes: {key}.")
    pieces = 1
    while encoded and max(a.nbytes for a in np.array_split(np.array(encoded), pieces)) > HEADER_LIMIT:
        pieces += 1
    if pieces == 1:
        group.attrs[key] = encoded
    else:
        for i, chunk in enumerate(np.array_split(np.array(encoded), pieces)):
            group.attrs[f"{key}{i}"] = chunk


def read_names(group: Any, key: str) -> list[str]:
    """Raises ValueError if there are none."""
    if key in group.attrs:
        values = list(group.attrs[key])
    else:
        values, i = [], 0
        while f"{key}{i}" in group.attrs:
            values += list(group.attrs[f"{key}{i}"])
            i += 1
        if not i:
            raise ValueError(f"{group.file.filename!r}: {group.name!r} has no attribute {key!r}: it was not written by "
                             "Keras, or it is damaged.")
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values]


def text_attribute(group: Any, key: str) -> str | None:
    """A text, None if there is none."""
    value = group.attrs.get(key)
    return value.decode() if isinstance(value, bytes) else None if value is None else str(value)
