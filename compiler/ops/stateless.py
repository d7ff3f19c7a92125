"""Random numbers under a state that is data, TensorFlow's own (see philox.py). A state is three words of 64 bits: two
that count, and the key."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import philox
from ..dtypes import DType, int64
from ..errors import InvalidArgumentError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef, no_gradient
from .symbolic import operand_dims, static_value


def _parts(state: np.ndarray) -> tuple[int, tuple[int, int]]:
    low, high, key = (int(word) & philox.MASK for word in state)
    return key, (low, high)


def _hashed(seed: np.ndarray) -> np.ndarray:
    key, counter = philox.hashed(seed)
    return np.array([*counter, key], np.uint64).view(np.int64)


# a seed [2] -> the state that it stands for
seed_state = OpDef("StatelessRandomGetKeyCounter", HOST, lambda inputs, attrs: [TensorType(int64, (3,))], no_gradient,
                   _hashed)


def _drawn(name: str, draw: Callable[..., np.ndarray]) -> OpDef:
    """(state, shape, *bounds) -> variates; `draw(key, counter, count, dtype, *bounds)`."""
    def reference(state: np.ndarray, shape: np.ndarray, *bounds: np.ndarray, dtype: DType) -> np.ndarray:
        count = int(np.prod(shape, dtype=np.int64))
        return draw(*_parts(state), count, dtype, *bounds).reshape(tuple(shape))

    return OpDef(name, HOST, lambda inputs, attrs: [TensorType(attrs["dtype"], operand_dims(inputs[1]))], no_gradient,
                 reference)


def _between(key: int, counter: tuple[int, int], count: int, dtype: DType, low: np.ndarray, high: np.ndarray
             ) -> np.ndarray:
    if not low < high:
        raise InvalidArgumentError(f"Need minval < maxval, got {low} >= {high}")
    unsigned = np.uint32 if dtype.size == 4 else np.uint64
    bits = philox.integers(key, counter, count, dtype).view(unsigned)
    with np.errstate(over="ignore"):
        return (bits % (high.view(unsigned) - low.view(unsigned)) + low.view(unsigned)).view(dtype.np)


uniform = _drawn("StatelessRandomUniformV2", philox.uniform)
normal = _drawn("StatelessRandomNormalV2", philox.normal)
truncated_normal = _drawn("StatelessTruncatedNormalV2", philox.truncated_normal)
full_int = _drawn("StatelessRandomUniformFullIntV2", philox.integers)
uniform_int = _drawn("StatelessRandomUniformIntV2", _between)


def _categories_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    rows, count = inputs[1].dims, static_value(inputs[2])
    if rows is None or count is None:
        return [TensorType(attrs["dtype"], None)]
    return [TensorType(attrs["dtype"], (rows[0], int(count)))]


# state, logits [rows, classes], number of samples -> classes [rows, samples]
multinomial = OpDef("StatelessMultinomial", HOST, _categories_types, no_gradient,
                    lambda state, logits, count, dtype: philox.categories(
                        *_parts(state), logits, int(count)).astype(dtype.np))

# state, values -> their slices along the first axis in random order
shuffle = OpDef("StatelessShuffle", HOST, lambda inputs, attrs: [inputs[1].type], no_gradient,
                lambda state, values: values[philox.permutation(*_parts(state), len(values))])


def _places(index: np.ndarray, seed: np.ndarray, most: np.ndarray, rounds: int) -> np.ndarray:
    if np.any(index < 0) or np.any(index > most):
        raise InvalidArgumentError(f"RandomIndexShuffle: index must be in [0, max_index], received {index} and {most}")
    shape = np.broadcast_shapes(index.shape, seed.shape[:-1], most.shape)
    keys = np.broadcast_to(seed, (*shape, 3)).reshape(-1, 3)
    pairs = zip(*(np.broadcast_to(a, shape).reshape(-1) for a in (index, most)), keys, strict=True)
    return np.array([philox.place(int(i), tuple(int(k) & 0xFFFFFFFF for k in key), int(last), rounds)
                     for i, last, key in pairs], index.dtype).reshape(shape)


def _places_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    scalars = all(t.dims is not None and len(t.dims) == rank for t, rank in zip(inputs, (0, 1, 0), strict=True))
    index = inputs[0]
    return [TensorType(index.dtype, () if scalars else index.dims if index.dims else None)]


# index, seed [..., 3], the largest index -> the place of the index in a permutation
index_shuffle = OpDef("RandomIndexShuffle", HOST, _places_types, no_gradient, _places)
