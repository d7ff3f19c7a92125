"""Arrays in the pickles that CIFAR's and the text data sets' files are made of, read without running what they say.

A pickle names functions and calls them. Here it finds none of Python's and none of NumPy's: the four names that such
files hold stand for the classes below, which only keep what they are given. What comes out is made from that, if it is
numbers, or lists of integers; any other name, type or size is an error. So a file can do no more than be wrong.
"""
from __future__ import annotations

import io
import math
import pickle
import zipfile
from typing import Any

import numpy as np

NUMBERS = ("u1", "i1", "i2", "i4", "i8", "f4", "f8")


class _Type:
    """Stands for numpy.dtype."""

    def __init__(self, code: Any = "", *_: Any):
        self.code = _text(code)
        self.order = "<"

    def __setstate__(self, state: Any) -> None:
        self.order = _text(state[1]) if isinstance(state, tuple) and len(state) > 1 else "<"


class _Array:
    """Stands for numpy.ndarray, and for the function that makes an empty one."""

    def __init__(self, *_: Any) -> None:
        self.value: Any = None

    def __setstate__(self, state: Any) -> None:
        match state:
            case (_, tuple(shape), _Type() as kind, fortran, list(values)) if kind.code.startswith("O"):
                if shape != (len(values),) or not all(type(v) is list and set(map(type, v)) <= {int} for v in values):
                    raise pickle.UnpicklingError("an array of objects that are not lists of integers")
                self.value = np.empty(len(values), object)
                self.value[:] = values
            case (_, tuple(shape), _Type() as kind, fortran, bytes(raw)) if kind.code in NUMBERS:
                if not all(type(n) is int and n >= 0 for n in shape):
                    raise pickle.UnpicklingError(f"an array of shape {shape}")
                dtype = np.dtype((">" if kind.order == ">" else "<") + kind.code)
                if len(raw) != math.prod(shape) * dtype.itemsize:
                    raise pickle.UnpicklingError(f"{len(raw)} bytes for an array of shape {shape}")
                self.value = np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")
            case _:
                raise pickle.UnpicklingError("an array of a kind that these files do not have")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    """Stands for `_codecs.encode`, by which Python 3 wrote bytes in pickles for Python 2."""
    return str(text).encode("latin-1")


_NAMES = {("numpy.core.multiarray", "_reconstruct"): _Array, ("numpy", "ndarray"): _Array, ("numpy", "dtype"): _Type,
          ("_codecs", "encode"): _encoded}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        known = _NAMES.get((module.replace("numpy._core", "numpy.core"), name))
        if known is None:
            raise pickle.UnpicklingError(f"the name {module}.{name}")
        return known


def load(data: bytes, what: str) -> Any:
    """What a pickle says: numbers, strings (bytes where Python 2 wrote them), arrays, lists and dicts of them.

    Raises OSError for one that says anything else, or is damaged.
    """
    try:
        return _plain(_Reader(io.BytesIO(data), encoding="bytes").load())
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError,
            OverflowError, MemoryError, UnicodeError) as error:
        raise OSError(f"{what} is damaged, or not a file of this data set: it holds {error}. Delete it to download it "
                      "again.") from None


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, dict):
        return {_text(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (_Type, type)) or callable(value):
        raise ValueError(f"a {type(value).__name__} by itself")
    return value


def load_npz(path: str, *names: str) -> list[np.ndarray]:
    """Arrays of an .npz file, of numbers or of lists of integers. Raises OSError."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [_npy(archive.read(f"{name}.npy"), f"{name} in {path}") for name in names]
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise OSError(f"{path} is damaged, or not a file of this data set ({error}). Delete it to download it "
                      "again.") from None


def _npy(data: bytes, what: str) -> np.ndarray:
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(file)
    if not dtype.hasobject:
        return np.load(io.BytesIO(data), allow_pickle=False)
    array = load(file.read(), what)
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise ValueError(f"{what} is not an array of shape {shape}")
    return array
