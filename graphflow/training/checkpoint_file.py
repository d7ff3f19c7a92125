"""Checkpoint files: an HDF5 file of variables by name, with a listing beside it.

`prefix.data-00000-of-00001` holds one dataset per variable (a "/" in its name as "%2F") with its dtype's name and the
CRC-32 of its bytes as attributes; strings are kept as their bytes one after another with their lengths.
`prefix.index` lists names, dtypes and shapes as JSON, for people and for programs that look whether it exists: the data
alone is what is read, so that replacing that one file replaces the checkpoint.
"""
from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import numpy as np

from ..compiler.dtypes import DType, as_dtype, string
from ..compiler.errors import DataLossError, NotFoundError
from .files import replace_file, write_text

DATA, INDEX = ".data-00000-of-00001", ".index"
FORMAT = "graphflow checkpoint 1"


def write_checkpoint(prefix: str, tensors: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name. A checkpoint that stood there is intact until the new one is complete."""
    def write(path: str) -> None:
        with _hdf5_file(path, "w", libver="latest") as file:
            file.attrs["format"] = FORMAT
            for name, value in tensors.items():
                dtype = dtype_of(value)
                parts = _parts(value, dtype)
                dataset = file.create_dataset(quote(name, safe=""), data=parts[0])
                dataset.attrs.update({"name": name, "dtype": dtype.name, "shape": np.array(value.shape, np.int64),
                                      "crc32": _crc(parts)})
                if dtype == string:
                    dataset.attrs["lengths"] = parts[1]

    replace_file(prefix + DATA, write)
    listing = {name: {"dtype": dtype_of(value).name, "shape": list(value.shape)} for name, value in tensors.items()}
    write_text(prefix + INDEX, json.dumps({"format": FORMAT, "variables": listing}, indent=1))


def _hdf5_file(path: str, mode: str, **options: Any) -> Any:
    import h5py  # takes long
    return h5py.File(path, mode, **options)


def dtype_of(value: np.ndarray) -> DType:
    """The element type of an array; objects are strings."""
    return string if value.dtype.kind in "OSU" else as_dtype(value.dtype)


def _parts(value: np.ndarray, dtype: DType) -> list[np.ndarray]:
    """The bytes of an array as HDF5 keeps them: numbers, or raw bytes of types that it does not have."""
    if dtype == string:
        texts = [t if isinstance(t, bytes) else str(t).encode() for t in value.ravel()]
        return [np.frombuffer(b"".join(texts), np.uint8), np.array([len(t) for t in texts], np.int64)]
    value = np.ascontiguousarray(value)
    return [value.reshape(-1).view(np.uint8) if value.dtype.kind == "V" or dtype.is_bool or dtype.name == "bfloat16"
            else value.reshape(-1)]


def _crc(parts: list[np.ndarray]) -> int:
    total = 0
    for part in parts:
        total = zlib.crc32(memoryview(np.ascontiguousarray(part)).cast("B") if part.size else b"", total)  # type: ignore[arg-type]
    return total


class CheckpointReader:
    """Reads a checkpoint. Raises NotFoundError where there is none, DataLossError for a damaged or foreign file."""

    def __init__(self, prefix: str):
        self.prefix = os.fspath(prefix)
        self._path = self.prefix + DATA
        if not os.path.isfile(self._path):
            raise NotFoundError(f"Unsuccessful TensorSliceReader constructor: Failed to find any matching files for "
                                f"{self.prefix}")
        try:
            with _hdf5_file(self._path, "r") as file:
                if file.attrs.get("format") != FORMAT:
                    raise DataLossError(f"Unable to open table file {self._path}: not a graphflow checkpoint")
                self._entries = {d.attrs["name"]: (key, as_dtype(d.attrs["dtype"]), tuple(map(int, d.attrs["shape"])))
                                 for key, d in file.items()}
        except DataLossError:
            raise
        except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise DataLossError(f"Unable to open table file {self._path}: Data loss: {error}") from error

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """{name: shape}."""
        return {name: list(shape) for name, (_, _, shape) in self._entries.items()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """{name: dtype}."""
        return {name: dtype for name, (_, dtype, _) in self._entries.items()}

    def has_tensor(self, tensor_str: str) -> bool:
        return tensor_str in self._entries

    def get_tensor(self, tensor_str: str) -> Any:
        """The value kept under a name. Raises NotFoundError for an unknown name, DataLossError for damaged bytes."""
        return self.get_tensors([tensor_str])[tensor_str]

    def get_tensors(self, names: list[str]) -> dict[str, np.ndarray]:
        """Several values at once. Raises NotFoundError that names every one that is missing."""
        missing = [name for name in names if name not in self._entries]
        if missing:
            raise NotFoundError("; ".join(f"Key {name} not found in checkpoint" for name in missing))
        try:
            with _hdf5_file(self._path, "r") as file:
                return {name: self._read(file, name) for name in names}
        except DataLossError:
            raise
        except (OSError, KeyError, RuntimeError, ValueError) as error:
            raise DataLossError(f"{self._path}: {error}") from error

    def _read(self, file: Any, name: str) -> np.ndarray:
        key, dtype, shape = self._entries[name]
        dataset = file[key]
        parts = [dataset[()]]
        if dtype == string:
            parts.append(np.asarray(dataset.attrs["lengths"], np.int64))
        if _crc(parts) != dataset.attrs["crc32"]:
            raise DataLossError(f"Checksum does not match: {name} in {self._path}")
        if dtype != string:
            return parts[0].view(dtype.np).reshape(shape)
        ends = np.cumsum(parts[1])
        data = parts[0].tobytes()
        value = np.empty(len(ends), object)
        value[:] = [data[end - length:end] for end, length in zip(ends, parts[1], strict=True)]
        return value.reshape(shape)

    def debug_string(self) -> bytes:
        """One line for each variable: name, dtype, shape."""
        return "".join(f"{name} (DT_{dtype.name.upper()}) {list(shape)}\n"
                       for name, (_, dtype, shape) in sorted(self._entries.items())).encode()
