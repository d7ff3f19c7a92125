"""The file of `Dataset.cache(filename)`: each element's arrays as serialized tensors, one after the other."""
from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..compiler.errors import AlreadyExistsError, DataLossError
from ..compiler.ops.tensor_proto import parse, serialize
from . import structure as st
from .function import Failure

SUFFIX = ".data"
_LENGTH = struct.Struct("<Q")


def write(name: str, specs: Sequence[Any], elements: Iterator[Any]) -> Iterator[Any]:
    """The elements, which are in the file when all have been taken.

    Raises AlreadyExistsError when another iterator is writing it.
    """
    lock = name + ".lockfile"
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        raise AlreadyExistsError(f"There appears to be a concurrent caching iterator running - cache lockfile already "
                                 f"exists ('{lock}'). If you are sure no other running TF computations are using this "
                                 "cache prefix, delete the lockfile and re-initialize the iterator.") from None
    partial = f"{name}.{os.getpid()}.partial"
    try:
        with open(partial, "wb") as file:
            for element in elements:
                if not isinstance(element, Failure):
                    for spec, value in zip(specs, element, strict=True):
                        for array in st.arrays_of(spec, value):
                            record = serialize(np.asarray(array))
                            file.write(_LENGTH.pack(len(record)) + record)
                yield element
        os.replace(partial, name + SUFFIX)
    finally:
        for left in (partial, lock):
            if os.path.exists(left):
                os.remove(left)


def read(name: str, specs: Sequence[Any]) -> Iterator[Any]:
    """The elements in the file. Raises DataLossError when it ends within one."""
    counts = [len(st.types_of(spec)) for spec in specs]
    with open(name + SUFFIX, "rb") as file:
        while True:
            arrays = [_record(file, name) for _ in range(sum(counts))]
            if not arrays or arrays[0] is None:
                return
            if any(a is None for a in arrays):
                raise DataLossError(f"The cache file {name + SUFFIX!r} ends within an element")
            rest = iter(arrays)
            yield tuple(st.from_arrays(spec, [next(rest) for _ in range(count)])
                        for spec, count in zip(specs, counts, strict=True))


def _record(file: Any, name: str) -> np.ndarray | None:
    header = file.read(_LENGTH.size)
    if not header:
        return None
    record = file.read(_LENGTH.unpack(header)[0]) if len(header) == _LENGTH.size else b""
    if len(header) < _LENGTH.size or len(record) < _LENGTH.unpack(header)[0]:
        raise DataLossError(f"The cache file {name + SUFFIX!r} is truncated")
    return parse(record)
