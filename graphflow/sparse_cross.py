"""`tf.sparse.cross`, `tf.sparse.cross_hashed`, `tf.fingerprint`."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .compiler.dtypes import int64
from .compiler.errors import DTypeError
from .compiler.ir import Tensor
from .compiler.ops import fingerprint as _ops
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast
from .sparse_tensor import SparseTensor

_KEY = 956888297470  # where hashes begin unless told otherwise


def fingerprint(data: Any, method: Any = "farmhash64", name: str | None = None) -> Tensor:
    """A fingerprint of 8 bytes, uint8 [n, 8], of each slice of `data` [n, ...] along its first axis."""
    return _ops.fingerprint(convert_to_tensor(data), convert_to_tensor(method), name=name)


def _crossed(inputs: Sequence[Any], name: str | None, **attrs: Any) -> SparseTensor:
    if not inputs:
        raise ValueError("Expected at least one input.")
    operands: list[Tensor] = []
    sparse = []
    for value in inputs:
        sparse.append(isinstance(value, SparseTensor))
        parts = [value.indices, value.values, value.dense_shape] if sparse[-1] else [convert_to_tensor(value)]
        content = parts[len(parts) // 2]
        if not (content.dtype.is_integer or content.dtype.is_string):
            raise DTypeError(f"sparse.cross: inputs must be integers or strings, received {content!r}")
        if content.dtype.is_integer:
            parts[len(parts) // 2] = cast(content, int64)
        operands += parts
    op = _ops.cross.operation(*operands, sparse=tuple(sparse), name=name, **attrs)
    return SparseTensor(*op.outputs)


def cross(inputs: Sequence[Any], name: str | None = None, separator: str | None = None) -> SparseTensor:
    """A sparse matrix of strings: for each row one value of each of the matrices (sparse or not; integers or strings)
    in every combination, joined by `separator` ("_X_")."""
    return _crossed(inputs, name, separator=("_X_" if separator is None else separator).encode(), hash_key=None,
                    buckets=0)


def cross_hashed(inputs: Sequence[Any], num_buckets: int = 0, hash_key: int | None = None, name: str | None = None
                 ) -> SparseTensor:
    """As `cross`, with an int64 hash of each combination, below `num_buckets` unless that is 0."""
    return _crossed(inputs, name, separator=b"", hash_key=_KEY if hash_key is None else hash_key,
                    buckets=int(num_buckets))
