"""Random tensors under TensorFlow 1's names. Each run draws anew; the graph's and the op's seed make it repeatable."""
from __future__ import annotations

from typing import Any

import numpy as np

from .compiler.dtypes import as_dtype, float32, int64
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops import elementwise, random, reduction
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast
from .compiler.ops.view import expand_dims, identity
from .framework import name_scope


def random_uniform(shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, seed: int | None = None,
                   name: str | None = None) -> Tensor:
    """Uniform in [minval, maxval), by default [0, 1); integers for an integer dtype, which needs `maxval`."""
    with name_scope(name, "random_uniform") as scope:
        return identity(random.random_uniform(shape, minval, maxval, dtype, seed), scope)


def random_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: int | None = None,
                  name: str | None = None) -> Tensor:
    """Normal with the given mean and standard deviation, which broadcast against `shape`."""
    return _shifted("random_normal", random.random_normal, shape, mean, stddev, dtype, seed, name)


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: int | None = None,
                     name: str | None = None) -> Tensor:
    """Normal, with values further than two standard deviations from the mean drawn again."""
    return _shifted("truncated_normal", random.truncated_normal, shape, mean, stddev, dtype, seed, name)


def _shifted(kind: str, draw: Any, shape: Any, mean: Any, stddev: Any, dtype: Any, seed: int | None,
             name: str | None) -> Tensor:
    element = as_dtype(dtype)
    with name_scope(name, kind) as scope:
        unit = draw(shape, dtype=element, seed=seed)
        scaled = elementwise.multiply(unit, convert_to_tensor(stddev, element))
        return elementwise.add(scaled, convert_to_tensor(mean, element), scope)


def multinomial(logits: Any, num_samples: int, seed: int | None = None, name: str | None = None,
                output_dtype: Any = None) -> Tensor:
    """For each row of `logits` [batch, classes], `num_samples` classes drawn with softmax(logits) as probabilities."""
    x = convert_to_tensor(logits)
    if x.dims is None or len(x.dims) != 2:
        raise ShapeError(f"multinomial: logits must have rank 2, received {x.shape}")
    batch, classes = x.dims
    with name_scope(name, "multinomial", [x]):
        # the largest of logits plus Gumbel noise is distributed as wanted (Gumbel 1954)
        tiny = float(np.finfo(x.dtype.np).tiny)
        uniform = random.random_uniform((batch, num_samples, classes), tiny, 1.0, x.dtype, seed)
        noise = -elementwise.log(-elementwise.log(uniform))
        return reduction.argmax(expand_dims(x, 1) + noise, 2, output_type=output_dtype or int64)


def categorical(logits: Any, num_samples: int, dtype: Any = None, seed: int | None = None,
                name: str | None = None) -> Tensor:
    """`multinomial` under its newer name."""
    return multinomial(logits, num_samples, seed, name or "categorical", dtype)


def bernoulli_mask(shape: Any, rate: Any, dtype: Any, seed: int | None = None) -> Tensor:
    """True with probability 1 - rate, for dropout."""
    uniform = random.random_uniform(shape, dtype=dtype, seed=seed)
    return uniform >= cast(convert_to_tensor(rate), dtype)
