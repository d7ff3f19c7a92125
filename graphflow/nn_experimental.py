"""`tf.nn.experimental`: dropout whose random numbers are given."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .compiler.ir import Tensor
from .compiler.ops.constant import convert_to_tensor
from .nn_ops import dropped
from .random_philox import stateless_random_uniform


def general_dropout(x: Any, rate: Any, uniform_sampler: Callable[..., Tensor], noise_shape: Any = None,
                    name: str | None = None) -> Tensor:
    """Each element 0 where `uniform_sampler(shape=..., dtype=...)` is less than `rate`, else divided by 1 - rate.

    Where `noise_shape` has a 1, the elements along that axis are kept or dropped together. Raises ValueError for a rate
    outside [0, 1) or an input that is not float.
    """
    return _dropout(x, rate, uniform_sampler, noise_shape, name, "general_dropout")


def stateless_dropout(x: Any, rate: Any, seed: Any, rng_alg: Any = None, noise_shape: Any = None,
                      name: str | None = None) -> Tensor:
    """`general_dropout` by the numbers of a seed [2]: the same, TensorFlow's, each time."""
    return _dropout(x, rate, lambda shape, dtype: stateless_random_uniform(shape, seed, dtype=dtype, alg=rng_alg),
                    noise_shape, name, "stateless_dropout")


def _dropout(x: Any, rate: Any, sampler: Callable[..., Tensor], noise_shape: Any, name: str | None,
             default_name: str) -> Tensor:
    value = convert_to_tensor(x)
    if not value.dtype.is_floating:
        raise ValueError("`x.dtype` must be a floating point tensor as `x` will be scaled. Received: "
                         f"x_dtype={value.dtype}")
    return dropped(value, rate, noise_shape, lambda shape, chance: sampler(shape=shape, dtype=value.dtype) >= chance,
                   name, default_name)


__all__ = ["general_dropout", "stateless_dropout"]
