"""Random tensors. What is drawn depends on a seed alone: an integer, or the state of a SeedGenerator.

Without a seed a tensor made outside layers and steps keeps the numbers it was given when it was made, and one made
inside draws anew in each run.
"""
from __future__ import annotations

import random as python_random
from typing import Any

import numpy as np

from .. import random_ops, random_stateless
from ..compiler.dtypes import as_dtype
from ..compiler.ir import Tensor
from ..compiler.ops import view
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.distributions import random_bits
from ..compiler.ops.elementwise import cast, maximum, minimum, where
from ..compiler.ops.gather import gather
from ..compiler.ops.sorting import argsort
from . import backend, initializers
from .naming import auto_name
from .scope import current_scope, in_order, recording
from .variables import Variable


def make_default_seed() -> int:
    """A seed by Python's generator, which `keras.utils.set_random_seed` sets."""
    return python_random.randint(1, int(1e9))


class SeedGenerator:
    """Seeds, another one for each use: the generator's seed and the number of uses.

    Its state is a variable of two integers, which advances when a step runs that used it; outside steps at once.
    Raises ValueError for a seed that is not an integer.
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any):
        if kwargs.pop("backend", None) is not None or kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {sorted(kwargs)}" if kwargs else
                             "SeedGenerator takes no `backend`.")
        seed = make_default_seed() if seed is None else seed
        if not isinstance(seed, (int, np.integer)):
            raise ValueError(f"Argument `seed` must be an integer. Received: seed={seed}")
        self.name = name or auto_name(type(self).__name__)
        self._initial_seed = int(seed)
        self.state = Variable(initializers.Constant(np.array([self._initial_seed, 0])), (2,), "int64", trainable=False,
                              name="seed_generator_state")

    def next(self, ordered: bool = True) -> Tensor:
        """The seed to use now: two integers. `ordered` is accepted."""
        if not in_order() and current_scope() is None:
            now = self.state.numpy()
            self.state.assign(now + np.array([0, 1]))
            return convert_to_tensor(now)
        seed = self.state.value()
        self.state.assign(seed + np.array([0, 1]))
        return seed

    def get_config(self) -> dict[str, Any]:
        """The seed it was made with."""
        return {"seed": self._initial_seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


def draw_seed(seed: Any) -> Tensor:
    """The two integers to draw with, for a SeedGenerator, an integer, or None (other ones each time).

    Raises ValueError for anything else.
    """
    if isinstance(seed, SeedGenerator):
        # a layer is being built into a graph that runs often
        if current_scope() is None and not recording() and not in_order():
            return random_bits(seed._initial_seed)
        return seed.next()
    if isinstance(seed, (int, np.integer)):
        return convert_to_tensor(np.array([int(seed), 0]))
    if seed is None:
        fixed = current_scope() is None and recording()
        return convert_to_tensor(np.array([make_default_seed(), 0])) if fixed else random_bits(None)
    raise ValueError("Argument `seed` must be either an integer or an instance of `SeedGenerator`. "
                     f"Received: seed={seed} (of type {type(seed)})")


def _is_free(seed: Any) -> bool:
    """Whether numbers are to be new in each run, whatever they are: then the graph's own generator draws them."""
    return seed is None and not (current_scope() is None and recording())


def _drawn(dtype: Any) -> tuple[Any, Any]:
    """(the dtype wanted, that in which numbers are drawn)."""
    wanted = as_dtype(dtype or backend.floatx())
    return wanted, wanted if wanted.size > 2 else as_dtype("float32")


def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Normal numbers of that mean and standard deviation."""
    wanted, drawn = _drawn(dtype)
    unit = (random_ops.random_normal(shape, dtype=drawn) if _is_free(seed) else
            random_stateless.stateless_random_normal(shape, draw_seed(seed), dtype=drawn))
    return cast(_scaled(unit, mean, stddev), wanted)


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Normal numbers within two standard deviations of the mean."""
    wanted, drawn = _drawn(dtype)
    unit = (random_ops.truncated_normal(shape, dtype=drawn) if _is_free(seed) else
            random_stateless.stateless_truncated_normal(shape, draw_seed(seed), dtype=drawn))
    return cast(_scaled(unit, mean, stddev), wanted)


def _scaled(unit: Tensor, mean: Any, stddev: Any) -> Tensor:
    return unit * cast(convert_to_tensor(stddev), unit.dtype) + cast(convert_to_tensor(mean), unit.dtype)


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers evenly distributed in [minval, maxval); of integers for an integer dtype."""
    wanted, drawn = _drawn(dtype)
    if wanted.is_integer:
        return randint(shape, minval, maxval, wanted.name, seed)
    unit = (random_ops.random_uniform(shape, dtype=drawn) if _is_free(seed) else
            random_stateless.stateless_random_uniform(shape, draw_seed(seed), dtype=drawn))
    low, high = (cast(convert_to_tensor(v), drawn) for v in (minval, maxval))
    return cast(unit * (high - low) + low, wanted)


def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Integers evenly distributed in [minval, maxval). Raises ValueError for a dtype of floats."""
    wanted = as_dtype(dtype)
    if not wanted.is_integer and not wanted.is_bool:
        raise ValueError("`keras.random.randint` requires an integer `dtype`. Received: dtype="
                         f"{wanted.name} ")
    drawn = wanted if wanted.name in ("int32", "int64") else as_dtype("int64")
    found = (random_ops.random_uniform(shape, minval, maxval, drawn) if _is_free(seed) else
             random_stateless.stateless_random_uniform(shape, draw_seed(seed), minval, maxval, drawn))
    return cast(found, wanted)


def categorical(logits: Any, num_samples: Any, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Classes drawn with softmax(logits) as probabilities: logits [batch, classes] give [batch, num_samples].

    Raises ValueError for other ranks.
    """
    scores = convert_to_tensor(logits)
    if len(view.known_rank("categorical", scores)) != 2:
        raise ValueError(f"`logits` should be a 2-D tensor with shape [batch_size, num_classes]. Received: "
                         f"logits={logits}")
    return cast(random_stateless.stateless_categorical(scores, num_samples, draw_seed(seed)), dtype)


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """`inputs` with each element 0 with probability `rate`, else divided by 1 - rate.

    `noise_shape` says which axes decide alike: 1 for those, None for the size of the inputs.
    """
    x = convert_to_tensor(inputs)
    if rate in (0, 1):
        return view.zeros_like(x) if rate else x
    dims = view.known_rank("dropout", x)
    shape = dims if noise_shape is None else [d if n is None else n for n, d in zip(noise_shape, dims, strict=True)]
    kept = uniform(shape, dtype="float32", seed=seed) >= rate
    return where(kept, x / (1 - rate), view.zeros_of(x))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Tensor:
    """The slices along `axis` in random order."""
    tensor = convert_to_tensor(x)
    order = argsort(uniform([view.known_rank("shuffle", tensor)[axis]], seed=seed))
    return gather(tensor, order, axis)


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers of the gamma distribution with shape parameter `alpha`, which broadcasts to `shape`, and rate 1."""
    return _gamma(shape, alpha, dtype, draw_seed(seed))


def _gamma(shape: Any, alpha: Any, dtype: Any, seed: Tensor) -> Tensor:
    wanted, drawn = _drawn(dtype)
    return cast(random_stateless.stateless_random_gamma(shape, seed, cast(convert_to_tensor(alpha), drawn),
                                                        dtype=drawn), wanted)


def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """How many of `counts` trials succeed, each with its probability; both broadcast to `shape`."""
    wanted, drawn = _drawn(dtype)
    found = random_stateless.stateless_random_binomial(shape, draw_seed(seed), cast(convert_to_tensor(counts), drawn),
                                                       cast(convert_to_tensor(probabilities), drawn), drawn)
    return cast(found, wanted)


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers of the beta distribution, as X / (X + Y) of gamma-distributed X and Y."""
    key = draw_seed(seed)
    first, second = _gamma(shape, alpha, dtype, key), _gamma(shape, beta, dtype, key + np.array([0, 2 ** 32]))
    tiny = convert_to_tensor(np.asarray(np.finfo(np.float32).tiny, first.dtype.np))
    return minimum(first / maximum(first + second, tiny), view.ones_of(first))


__all__ = ["SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint", "shuffle",
           "truncated_normal", "uniform"]
