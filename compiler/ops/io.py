"""Files and serialized tensors as values of a graph."""
from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import DType, int64, string
from ..errors import InvalidArgumentError, NotFoundError, UnknownError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from .tensor_proto import parse, serialize
from .texts import text, texts

Types = list[TensorType]


def _string(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> Types:
    return [TensorType(string, ())]


def _read(filename: np.ndarray) -> np.ndarray:
    name = os.fsdecode(filename.item())
    try:
        with open(name, "rb") as file:
            return text(file.read())
    except FileNotFoundError:
        raise NotFoundError(f"{name}; No such file or directory") from None
    except OSError as error:
        raise UnknownError(f"{name}; {error.strerror}") from None


def _write(filename: np.ndarray, contents: np.ndarray) -> tuple[()]:
    name = os.fsdecode(filename.item())
    try:
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "wb") as file:
            file.write(contents.item())
    except OSError as error:
        raise UnknownError(f"{name}; {error.strerror}") from None
    return ()


def _matching(pattern: np.ndarray) -> np.ndarray:
    import glob
    return texts(sorted({os.fsencode(n) for p in pattern.ravel() for n in glob.glob(os.fsdecode(p))}))


# files may change from run to run
read_file = OpDef("ReadFile", HOST, _string, None, _read, stateful=True)
write_file = OpDef("WriteFile", HOST, lambda inputs, attrs: [], None, _write, stateful=True)
matching_files = OpDef(
    "MatchingFiles", HOST, lambda inputs, attrs: [TensorType(string, (dm.fresh(),))], None, _matching, stateful=True
)


def _parse(serialized: np.ndarray, dtype: DType) -> np.ndarray:
    return parse(serialized.item(), dtype)


serialize_tensor = OpDef("SerializeTensor", HOST, _string, None, lambda tensor: text(serialize(tensor)))
parse_tensor = OpDef("ParseTensor", HOST, lambda inputs, attrs: [TensorType(attrs["dtype"], None)], None, _parse)

_DECODERS: dict[str, Callable[[bytes], bytes]] = {"": bytes, "ZLIB": zlib.decompress, "GZIP": gzip.decompress}


def _decompress(data: np.ndarray, compression: str) -> np.ndarray:
    out = np.empty(data.shape, object)
    for index, value in np.ndenumerate(data):
        try:
            out[index] = _DECODERS[compression](value)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidArgumentError(f"DecodeCompressed: {error}") from None
    return out


decode_compressed = OpDef("DecodeCompressed", HOST, lambda inputs, attrs: [inputs[0].type], None, _decompress)


# sparse tensors, each row as its indices, values and dense shape


def _serialize_rows(indices: np.ndarray, values: np.ndarray, shape: np.ndarray) -> np.ndarray:
    out = np.empty((int(shape[0]), 3), object)
    for i in range(len(out)):
        rows = indices[:, 0] == i
        out[i] = [serialize(part) for part in (indices[rows, 1:], values[rows], shape[1:])]
    return out


def _many_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> Types:
    return [TensorType(string, (dm.fresh(), 3))]


def _deserialize_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> Types:
    count, rank = dm.fresh(), attrs["rank"]
    width = dm.fresh() if rank is None else rank + 1
    return [TensorType(int64, (count, width)), TensorType(attrs["dtype"], (count,)), TensorType(int64, (width,))]


def _deserialize_rows(serialized: np.ndarray, dtype: DType, rank: int | None) -> tuple[np.ndarray, ...]:
    rows = [(parse(i, int64), parse(v, dtype), parse(s, int64)) for i, v, s in serialized.reshape(-1, 3)]
    if not rows:
        raise InvalidArgumentError("DeserializeManySparse: there must be at least one serialized sparse tensor")
    if len({len(s) for _, _, s in rows} | ({rank} if rank is not None else set())) > 1:
        raise InvalidArgumentError("DeserializeManySparse: the sparse tensors must have the same rank, received shapes "
                                   f"{[s.tolist() for _, _, s in rows]}")
    indices = [np.concatenate([np.full((len(i), 1), n, np.int64), i], 1) for n, (i, _, _) in enumerate(rows)]
    shape = np.max([s for _, _, s in rows], axis=0)
    return (np.concatenate(indices), np.concatenate([v for _, v, _ in rows]),
            np.array([len(rows), *shape], np.int64))


# indices, values, dense shape -> strings
serialize_many_sparse = OpDef("SerializeManySparse", HOST, _many_types, None, _serialize_rows)
deserialize_many_sparse = OpDef("DeserializeManySparse", HOST, _deserialize_types, None, _deserialize_rows)
