"""Random numbers: counter-based, so that an element depends only on (key, stream, index).

The key comes from the graph's and the op's seed, the stream counts the runs of the op in its session.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import rng_reference
from ..dtypes import FLOATS, DType, as_dtype, bfloat16, float16, float32, int32, int64
from ..errors import DTypeError
from ..ir import Tensor, TensorType, default_graph
from ..opdef import RANDOM, OpDef
from .constant import constant, convert_to_tensor
from .elementwise import cast, check_index
from .symbolic import operand_dims, shape_operand, static_value


def _random_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [TensorType(attrs["dtype"], operand_dims(inputs[0]))]


def _draw(function: str) -> Any:
    def reference(shape: np.ndarray, dtype: DType, key: int, stream: int = 0, **bounds: int) -> np.ndarray:
        count = int(np.prod(shape, dtype=np.int64))
        draw = getattr(rng_reference, f"{function}_{(float32 if dtype in (float16, bfloat16) else dtype).code}")
        drawn = draw(key, stream, np.arange(count, dtype=np.int64), *bounds.values())
        return drawn.astype(dtype.np, copy=False).reshape(tuple(shape))
    return reference


def _random(name: str, function: str) -> OpDef:
    """`lower` is the prelude function without its type code, taking (key, stream, index, *bounds)."""
    return OpDef(name, RANDOM, _random_types, lambda op, g: [None], _draw(function), lower=function, stateful=True,
                 fields={"shape_operand": 0})


_uniform = _random("RandomUniform", "random_uniform")
_normal = _random("RandomStandardNormal", "random_normal")
_truncated = _random("TruncatedNormal", "random_truncated_normal")
_integer = _random("RandomUniformInt", "random_int")


def random_key(seed: int | None) -> int:
    """The 63-bit key of an op: from the graph's and its own seed; without either, from the system's entropy."""
    graph = default_graph()
    if graph.seed is None and seed is None:
        words = np.random.SeedSequence().generate_state(2, np.uint32)
    else:
        # TensorFlow's rule: an op without a seed takes the number of ops made so far
        own = len(graph._by_name) if seed is None else int(seed)
        graph_seed = 87654321 if graph.seed is None else int(graph.seed)
        words = np.random.SeedSequence([graph_seed & (2**64 - 1), own & (2**64 - 1)]).generate_state(2, np.uint32)
    return (int(words[0]) << 31) ^ int(words[1])


def _float(name: str, dtype: Any) -> DType:
    element = as_dtype(dtype)
    if element not in FLOATS:
        raise DTypeError(f"{name}: dtype must be float32 or float64, received {element.name}")
    return element


def random_uniform(shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, seed: int | None = None,
                   name: str | None = None) -> Tensor:
    """Uniform in [minval, maxval); integers for an integer dtype, which needs maxval.

    Raises InvalidArgumentError for integer bounds with nothing in between (when the graph runs, where they are data).
    """
    element = as_dtype(dtype)
    operand = shape_operand(shape)
    if element in (int32, int64):
        if maxval is None:
            raise ValueError(f"Must specify maxval for integer dtype {element!r}")
        return _uniform_int(operand, minval, maxval, element, seed, name)
    unit = _uniform(operand, dtype=_float("RandomUniform", dtype), key=random_key(seed), name=name)
    high = 1 if maxval is None else maxval
    if isinstance(minval, (int, float)) and isinstance(high, (int, float)) and (minval, high) == (0, 1):
        return unit
    low = convert_to_tensor(minval, element)
    return unit * (convert_to_tensor(high, element) - low) + low


def _uniform_int(shape: Tensor, minval: Any, maxval: Any, dtype: DType, seed: int | None, name: str | None) -> Tensor:
    low, high = (convert_to_tensor(v, dtype) for v in (minval, maxval))
    known = [static_value(t) for t in (low, high)]
    if known[0] is not None and known[1] is not None and not known[0].shape and not known[1].shape:
        first, last = (int(k) for k in known if k is not None)
        if first < last:
            return _integer(shape, dtype=dtype, key=random_key(seed), low=first, high=last, name=name)
        message = f"Need minval < maxval, got {first} >= {last}"
    else:
        message = "Need minval < maxval"
    # of 62 random bits: a value's probability is off by a factor of (maxval - minval) / 2^62 at most
    drawn = _integer(shape, dtype=int64, key=random_key(seed), low=0, high=2**62, name=name)
    span = cast(high, int64) - cast(low, int64)
    width = check_index(span - 1, constant(np.int64(2**62)), message) + 1
    return cast(drawn % width + cast(low, int64), dtype)


def random_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: int | None = None,
                  name: str | None = None) -> Tensor:
    """Normal with the given mean and standard deviation."""
    unit = _normal(shape_operand(shape), dtype=_float("RandomStandardNormal", dtype), key=random_key(seed), name=name)
    return unit * stddev + mean


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: int | None = None,
                     name: str | None = None) -> Tensor:
    """Normal, restricted to within two standard deviations of the mean."""
    unit = _truncated(shape_operand(shape), dtype=_float("TruncatedNormal", dtype), key=random_key(seed), name=name)
    return unit * stddev + mean
