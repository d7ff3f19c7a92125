"""`tf.random.Generator`: random numbers from a state in a variable."""
from __future__ import annotations

from typing import Any

import numpy as np

from .compiler.dtypes import as_dtype, float32, int32, int64, uint64
from .compiler.ir import Tensor
from .compiler.ops import distributions as samplers
from .compiler.ops import stateless as ops
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, less, where
from .compiler.ops.reduction import reduce_prod
from .compiler.ops.slicing import concat, stack, unstack
from .compiler.ops.symbolic import shape_operand
from .compiler.ops.view import ones_of, reshape, zeros_like, zeros_of
from .framework import control_dependencies, name_scope
from .random_philox import Algorithm, algorithm_number, check_philox, shifted, uniform_of
from .variables import Variable

SIZES = {1: 3, 2: 2, 3: 3}  # of the states, by algorithm
RESERVED = 256  # counts of a state for each number


def create_rng_state(seed: Any, alg: Any) -> Tensor:
    """The state of an algorithm for a seed: an integer, cut into words of 64 bits, or a vector, cut or filled up with
    zeros at its beginning. int64, [3] for Philox and [2] for ThreeFry."""
    size = SIZES[algorithm_number(alg)]
    if isinstance(seed, (int, np.integer)):
        seed = np.array([int(seed) >> 64 * i & 2 ** 64 - 1 for i in range(size)], np.uint64).view(np.int64)
    words = reshape(cast(convert_to_tensor(seed), int64), [-1])[:size]
    missing = size - (words.shape.as_list()[0] or 0)
    return concat([np.zeros(missing, np.int64), words], 0) if missing else words


class Generator:
    """Random numbers, TensorFlow's own, from a state in a variable, which each draw moves on.

    Made by `from_seed`, `from_state`, `from_key_counter` or `from_non_deterministic_state`, or as a copy of another.
    """

    def __init__(self, copy_from: Generator | None = None, state: Any = None, alg: Any = None):
        if copy_from is not None:
            if state is not None or alg is not None:
                raise ValueError("Since `copy_from` is specified, `state` and `alg` must both be None, received "
                                 f"{state} and {alg}")
            state, alg = copy_from.state.initialized_value(), copy_from.algorithm
        if state is None or alg is None:
            raise ValueError(f"`state` and `alg` must be specified, received {state} and {alg}")
        self._alg = algorithm_number(alg)
        if not isinstance(state, Variable):
            value = cast(convert_to_tensor(state), int64)
            value.shape.assert_is_compatible_with([SIZES[self._alg]])
            with name_scope("random_generator"):
                state = Variable(value, trainable=False, name="StateVar")
        self._state = state

    @classmethod
    def from_state(cls, state: Any, alg: Any) -> Generator:
        """Of a state [3]."""
        return cls(state=state, alg=alg)

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """Of a seed (see `create_rng_state`)."""
        alg = algorithm_number(alg or Algorithm.PHILOX)
        return cls(state=create_rng_state(seed, alg), alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """Of the system's entropy."""
        alg = algorithm_number(alg or Algorithm.PHILOX)
        return cls(state=np.random.SeedSequence().generate_state(SIZES[alg], np.uint64).view(np.int64), alg=alg)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any) -> Generator:
        """Of a key and a counter [2]."""
        return cls(state=_joined(key, counter), alg=alg)

    @property
    def state(self) -> Variable:
        return self._state

    @property
    def algorithm(self) -> int:
        return self._alg

    @property
    def key(self) -> Tensor:
        """The last word of the state."""
        return self._state.read_value()[-1]

    def reset(self, state: Any) -> Any:
        """Go on from a state."""
        return self._state.assign(cast(convert_to_tensor(state), int64))

    def reset_from_seed(self, seed: Any) -> Any:
        """Go on from the state of a seed."""
        return self.reset(create_rng_state(seed, self._alg))

    def reset_from_key_counter(self, key: Any, counter: Any) -> Any:
        """Go on from a key and a counter."""
        return self.reset(_joined(key, counter))

    def skip(self, delta: Any) -> Tensor:
        """Move the state on as drawing `delta` numbers does; what it was before."""
        check_philox(self._alg)
        before = self._state.read_value() + 0
        step = cast(convert_to_tensor(delta), int64) * RESERVED
        low, high, key = unstack(before)
        total = low + step
        # the sum of unsigned words is less than one of them when it overflows
        carry = where(less(cast(total, uint64), cast(low, uint64)), ones_of(low), zeros_of(low))
        with control_dependencies([before]):
            after = self._state.assign(stack([total, high + carry, key]))
        with control_dependencies([after]):
            return before + 0

    def _moved(self, shape: Any) -> Tensor:
        return self.skip(reduce_prod(shape_operand(shape)))

    def normal(self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32,
               name: str | None = None) -> Tensor:
        """Normal numbers with the given mean and standard deviation."""
        with name_scope(name, "stateful_normal"):
            return shifted(ops.normal, self._moved(shape), shape, mean, stddev, as_dtype(dtype))

    def truncated_normal(self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32,
                         name: str | None = None) -> Tensor:
        """Normal numbers, restricted to within two standard deviations of the mean."""
        with name_scope(name, "truncated_normal"):
            return shifted(ops.truncated_normal, self._moved(shape), shape, mean, stddev, as_dtype(dtype))

    def uniform(self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32,
                name: str | None = None) -> Tensor:
        """Uniform numbers in [minval, maxval); integers of the whole range of the dtype where both are None. Raises
        ValueError for only one bound of integers."""
        with name_scope(name, "stateful_uniform"):
            return uniform_of(self._moved(shape), shape, minval, maxval, as_dtype(dtype))

    def uniform_full_int(self, shape: Any, dtype: Any = uint64, name: str | None = None) -> Tensor:
        """Integers of the whole range of the dtype."""
        return self.uniform(shape, None, None, dtype, name or "stateful_uniform_full_int")

    def binomial(self, shape: Any, counts: Any, probs: Any, dtype: Any = int32, name: str | None = None) -> Tensor:
        """Binomial variates of the whole shape `shape`, with which `counts` and `probs` broadcast (not TensorFlow's
        numbers)."""
        with name_scope(name, "binomial"):
            chances = convert_to_tensor(probs, None if hasattr(probs, "dtype") else float32)
            bits = self._moved(shape)
            trials = cast(convert_to_tensor(counts), chances.dtype)
            return samplers.random_binomial(bits[::2], shape_operand(shape), trials, chances, dtype=as_dtype(dtype))

    def make_seeds(self, count: int = 1) -> Tensor:
        """Seeds [2, count] for functions that take one."""
        keys = self.uniform([count], None, None, int64)
        return stack([keys, zeros_like(keys)])

    def split(self, count: int = 1) -> list[Generator]:
        """`count` generators that are independent of this one."""
        keys = unstack(self.uniform([count], None, None, int64), count)
        return [Generator.from_key_counter(key, [0] * (SIZES[self._alg] - 1), self._alg) for key in keys]


def _joined(key: Any, counter: Any) -> Tensor:
    return concat([cast(convert_to_tensor(counter), int64), reshape(cast(convert_to_tensor(key), int64), [1])], 0)


_global: list[Generator] = []


def get_global_generator() -> Generator:
    """The generator that all share, made on first use from the system's entropy."""
    if not _global:
        _global.append(Generator.from_non_deterministic_state())
    return _global[0]


def set_global_generator(generator: Generator) -> None:
    """Make a generator the one that all share."""
    _global[:] = [generator]
