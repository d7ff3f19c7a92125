"""Random numbers under a seed or state that is data: TensorFlow's own numbers."""
from __future__ import annotations

import enum
from typing import Any

from .compiler.dtypes import FLOATS, DType, as_dtype, float32, int32, int64, uint32, uint64
from .compiler.errors import DTypeError, InvalidArgumentError, ShapeError
from .compiler.ir import Tensor
from .compiler.ops import stateless as ops
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast
from .compiler.ops.slicing import pad, stack
from .compiler.ops.symbolic import shape_operand
from .compiler.ops.view import known_rank
from .framework import name_scope


class Algorithm(enum.Enum):
    """How random bits are made; "auto_select" is Philox here."""

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


FIRST_WORD = 498247692  # of the seeds of index_shuffle, which has three words
_NAMES = {"philox": 1, "threefry": 2, "autoselect": 3}


def algorithm_number(alg: Any) -> int:
    """The number of an algorithm given by number, name or member. Raises ValueError, TypeError for others."""
    if isinstance(alg, Algorithm):
        return int(alg.value)
    if isinstance(alg, str):
        alg = _NAMES.get(alg.strip().lower().replace("-", "").replace("_", ""), alg)
    if isinstance(alg, str) or isinstance(alg, int) and alg not in _NAMES.values():
        raise ValueError(f"Argument `alg` got unsupported value {alg}. Supported values are philox for the Philox "
                         "algorithm, threefry for the ThreeFry algorithm, and auto_select for auto-selection.")
    if not isinstance(alg, int):
        raise TypeError(f"Can't convert argument `alg` (of value {alg} and type {type(alg)}) to int.")
    return alg


def check_philox(alg: Any) -> None:
    """Raises InvalidArgumentError for ThreeFry, which TensorFlow lacks on processors too."""
    if algorithm_number(alg) == Algorithm.THREEFRY.value:
        raise InvalidArgumentError("Unsupported algorithm id: 2 (ThreeFry); there is Philox")


def seed_state(seed: Any, alg: Any = None) -> Tensor:
    """The state [3] that a seed [2] of int32 or int64 stands for."""
    check_philox(Algorithm.AUTO_SELECT if alg is None else alg)
    tensor = convert_to_tensor(seed, name="seed")
    if tensor.dtype not in (int32, int64):
        raise DTypeError(f"Value passed to parameter 'seed' has DataType {tensor.dtype.name} not in list of allowed "
                         "values: int32, int64")
    if not tensor.shape.is_compatible_with([2]):
        raise ShapeError(f"seed must have shape [2], received {tensor!r}")
    return ops.seed_state(cast(tensor, int64))


def uniform_of(state: Tensor, shape: Any, minval: Any, maxval: Any, dtype: DType) -> Tensor:
    """Uniform numbers under a state (see `stateless_random_uniform`)."""
    operand = shape_operand(shape)
    if dtype.is_floating:
        low, high = (convert_to_tensor(v, dtype) for v in (minval, 1 if maxval is None else maxval))
        return ops.uniform(state, operand, dtype=dtype) * (high - low) + low
    if (minval is None) != (maxval is None):
        raise ValueError(f"For integer `dtype` argument {dtype!r}, argument `minval` and `maxval` must be both None or "
                         f"not None. Got `minval`={minval} and `maxval`={maxval}.")
    if minval is None:
        return ops.full_int(state, operand, dtype=dtype)
    if dtype in (uint32, uint64):
        raise ValueError(f"Argument `dtype` got invalid value {dtype!r} when argument `minval` is not None. Please "
                         "don't use unsigned integers in this case.")
    return ops.uniform_int(state, operand, *(convert_to_tensor(v, dtype) for v in (minval, maxval)), dtype=dtype)


def stateless_random_uniform(shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32,
                             name: str | None = None, alg: Any = "auto_select") -> Tensor:
    """Uniform in [minval, maxval), by default [0, 1); integers for an integer dtype, of its whole range where both
    bounds are None. The same `seed` [2] gives the same numbers, which are TensorFlow's.

    Raises ValueError for other dtypes and for only one bound of integers, InvalidArgumentError at run time for integer
    bounds with nothing in between.
    """
    element = as_dtype(dtype)
    if element not in (*FLOATS, int32, int64, uint32, uint64):
        raise ValueError(f"Argument `dtype` got invalid value {element!r}. Accepted dtypes are float16, bfloat16, "
                         "float32, float64, int32, int64, uint32, uint64.")
    with name_scope(name, "stateless_random_uniform", [shape, seed, minval, maxval]):
        return uniform_of(seed_state(seed, alg), shape, minval, maxval, element)


def shifted(op: Any, state: Tensor, shape: Any, mean: Any, stddev: Any, dtype: DType) -> Tensor:
    """What `op` draws under a state, scaled and moved."""
    unit = op(state, shape_operand(shape), dtype=dtype)
    return unit * convert_to_tensor(stddev, dtype) + convert_to_tensor(mean, dtype)


def stateless_random_normal(shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32,
                            name: str | None = None, alg: Any = "auto_select") -> Tensor:
    """Normal with the given mean and standard deviation; the numbers are TensorFlow's."""
    with name_scope(name, "stateless_random_normal", [shape, seed, mean, stddev]):
        return shifted(ops.normal, seed_state(seed, alg), shape, mean, stddev, as_dtype(dtype))


def stateless_truncated_normal(shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32,
                               name: str | None = None, alg: Any = "auto_select") -> Tensor:
    """Normal, restricted to within two standard deviations of the mean; the numbers are TensorFlow's."""
    with name_scope(name, "stateless_truncated_normal", [shape, seed, mean, stddev]):
        return shifted(ops.truncated_normal, seed_state(seed, alg), shape, mean, stddev, as_dtype(dtype))


def stateless_multinomial(logits: Any, num_samples: Any, seed: Any, output_dtype: Any = int64,
                          name: str | None = None) -> Tensor:
    """For each row of `logits` [batch, classes], `num_samples` classes drawn with softmax(logits) as probabilities; the
    numbers are TensorFlow's."""
    with name_scope(name, "stateless_multinomial", [logits, seed]):
        return ops.multinomial(seed_state(seed), convert_to_tensor(logits), convert_to_tensor(num_samples, int32),
                               dtype=as_dtype(output_dtype))


def stateless_categorical(logits: Any, num_samples: Any, seed: Any, dtype: Any = int64,
                          name: str | None = None) -> Tensor:
    """stateless_multinomial under its newer name."""
    return stateless_multinomial(logits, num_samples, seed, dtype, name or "stateless_categorical")


def split(seed: Any, num: Any = 2, alg: Any = "auto_select") -> Tensor:
    """`num` seeds [num, 2] made of one."""
    tensor = convert_to_tensor(seed)
    return stateless_random_uniform([num, 2], tensor, None, None, tensor.dtype, alg=alg)


def fold_in(seed: Any, data: Any, alg: Any = "auto_select") -> Tensor:
    """A seed [2] made of a seed and an integer."""
    number = convert_to_tensor(data)
    return stack([stateless_random_uniform([], seed, None, None, number.dtype, alg=alg), number])


def stateless_shuffle(value: Any, seed: Any, alg: Any = "auto_select", name: str | None = None) -> Tensor:
    """The slices of `value` along its first axis in random order."""
    with name_scope(name, "stateless_shuffle", [value, seed]):
        return ops.shuffle(seed_state(seed, alg), convert_to_tensor(value))


def random_index_shuffle(index: Any, seed: Any, max_index: Any, rounds: int = 4, name: str | None = None) -> Tensor:
    """The place of `index` in a random permutation of 0 to `max_index`, which a seed [3] stands for; arguments with
    leading axes are broadcast. `rounds` must be even and at least 4. Raises InvalidArgumentError."""
    if rounds < 4 or rounds % 2:
        raise InvalidArgumentError(f"rounds must be even and at least 4, received {rounds}")
    number = convert_to_tensor(index)
    return ops.index_shuffle(number, cast(convert_to_tensor(seed), int64), convert_to_tensor(max_index, number.dtype),
                             rounds=rounds, name=name)


def index_shuffle(index: Any, seed: Any, max_index: Any) -> Tensor:
    """`random_index_shuffle` under a seed [..., 2]."""
    tensor = convert_to_tensor(seed)
    before = [[0, 0]] * (len(known_rank("index_shuffle", tensor)) - 1)
    return random_index_shuffle(index, pad(tensor, [*before, [1, 0]], constant_values=FIRST_WORD), max_index)
