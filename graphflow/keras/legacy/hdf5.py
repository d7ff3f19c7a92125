"""Keras 2's helpers of HDF5 files: data sets that are read as they are used, and dicts in files."""
from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import h5py
import numpy as np


class HDF5Matrix:
    """Rows `start` to `end` of a data set of an HDF5 file, read when they are asked for.

    `normalizer` is called on what is read. `fit` takes it with shuffle="batch" or False.
    """

    files: dict[Any, Any] = {}  # those that are open, by path

    def __init__(self, datapath: Any, dataset: str, start: int = 0, end: int | None = None,
                 normalizer: Callable[[Any], Any] | None = None):
        if datapath not in self.files or not self.files[datapath]:
            self.files[datapath] = h5py.File(datapath, "r")
        self.data = self.files[datapath][dataset]
        self.start, self.end = start, self.data.shape[0] if end is None else end
        self.normalizer = normalizer
        first = self._normalized(self.data[0:1])
        self.dtype, self._row_shape = first.dtype, first.shape[1:]

    def _normalized(self, rows: Any) -> Any:
        return rows if self.normalizer is None else self.normalizer(rows)

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key: Any) -> Any:
        """A row, a slice, or the rows of a list of indices. Raises IndexError outside the rows."""
        if isinstance(key, slice):
            stop = len(self) if key.stop is None else key.stop
            last, wanted = stop - 1, slice((key.start or 0) + self.start, stop + self.start)
        elif isinstance(key, (int, np.integer)):
            last, wanted = int(key), int(key) + self.start  # type: ignore[assignment]
        else:
            rows = [int(i) for i in key]
            last, wanted = max(rows), [i + self.start for i in rows]  # type: ignore[assignment]
        if last >= len(self):
            raise IndexError(f"HDF5Matrix: index {last} of {len(self)} rows")
        return self._normalized(self.data[wanted])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._row_shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


class H5Dict:
    """A dict of text, arrays, lists of bytes and further dicts, in an HDF5 file (a path, file or group) or in a dict.

    A key that is not there gives a new dict, unless the file is open for reading ("r").
    """

    def __init__(self, path: Any, mode: str = "a"):
        self._opened = isinstance(path, (str, os.PathLike))
        self.data = h5py.File(path, mode) if self._opened else path
        self.read_only = mode == "r"

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self:
            raise KeyError(f"Cannot set attribute. Group with name {key!r} exists.")
        if isinstance(self.data, Mapping) and not isinstance(self.data, h5py.Group):
            self.data[key] = value  # type: ignore[index]
        elif isinstance(value, np.ndarray) and value.ndim:
            self.data.create_dataset(key, data=value)
        else:
            self.data.attrs[key] = np.array(value) if isinstance(value, (tuple, list)) else value

    def __getitem__(self, key: str) -> Any:
        is_group = isinstance(self.data, h5py.Group)
        if is_group and key in self.data.attrs:
            value = self.data.attrs[key]
            return value.tolist() if isinstance(value, np.ndarray) else value
        if key not in self.data:
            if self.read_only:
                raise ValueError("Cannot create group in read-only mode.")
            if is_group:
                self.data.create_group(key)
            else:
                self.data[key] = {}
        value = self.data[key]
        if isinstance(value, h5py.Dataset):
            return value[()]
        return H5Dict(value, "r" if self.read_only else "a") if isinstance(value, (dict, h5py.Group)) else value

    def __contains__(self, key: str) -> bool:
        return key in self.data or isinstance(self.data, h5py.Group) and key in self.data.attrs

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, else `default`."""
        return self[key] if key in self else default

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Any:
        return iter(self.data)

    def close(self) -> None:
        """Close the file, if it was opened by its path."""
        if self._opened:
            self.data.close()

    def __enter__(self) -> H5Dict:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def save_to_binary_h5py(save_function: Callable[[Any], Any], stream: Any) -> None:
    """Write what `save_function(file)` puts in an HDF5 file to a binary stream."""
    with h5py.File("in-memory-h5py", "w", driver="core", backing_store=False) as file:
        save_function(file)
        file.flush()
        stream.write(file.id.get_file_image())


def load_from_binary_h5py(load_function: Callable[[Any], Any], stream: Any) -> Any:
    """What `load_function(file)` reads from the HDF5 file in a binary stream."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(backing_store=False)
    access.set_file_image(stream.read())
    with h5py.File(h5py.h5f.open(b"in-memory-h5py", h5py.h5f.ACC_RDONLY, fapl=access)) as file:
        return load_function(file)


def ask_to_proceed_with_overwrite(filepath: Any) -> bool:
    """Whether the user says that a file may be overwritten."""
    answer = input(f"[WARNING] {filepath} already exists - overwrite? [y/n]").strip().lower()
    while answer not in ("y", "n"):
        answer = input('Enter "y" (overwrite) or "n" (cancel).').strip().lower()
    return answer == "y"
