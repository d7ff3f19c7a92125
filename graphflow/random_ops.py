"""Random tensors under TensorFlow 1's names. Each run draws anew; the graph's and the op's seed make it repeatable."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .compiler.dtypes import DType, as_dtype, bfloat16, float16, float32, int64
from .compiler.errors import DTypeError, ShapeError
from .compiler.ir import Tensor
from .compiler.ops import distributions as samplers
from .compiler.ops import elementwise, random, reduction
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, maximum
from .compiler.ops.gather import gather
from .compiler.ops.slicing import concat
from .compiler.ops.sorting import argsort
from .compiler.ops.symbolic import shape_operand
from .compiler.ops.view import expand_dims, identity, reshape, shape_of
from .framework import name_scope
from .late import of_rank

HALVES = (float16, bfloat16)


def _drawn(dtype: DType) -> DType:
    """What is drawn for a dtype: half precision is cut from float32."""
    return float32 if dtype in HALVES else dtype


def random_uniform(shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, seed: int | None = None,
                   name: str | None = None) -> Tensor:
    """Uniform in [minval, maxval), by default [0, 1); integers for an integer dtype, which needs `maxval`.

    Raises InvalidArgumentError for integer bounds with nothing in between.
    """
    element = as_dtype(dtype)
    with name_scope(name, "random_uniform") as scope:
        if element not in HALVES:
            return identity(random.random_uniform(shape, minval, maxval, element, seed), scope)
        return cast(random.random_uniform(shape, minval, maxval, float32, seed), element, scope)


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
        unit = draw(shape, dtype=_drawn(element), seed=seed)
        scaled = elementwise.multiply(cast(unit, element), convert_to_tensor(stddev, element))
        return elementwise.add(scaled, convert_to_tensor(mean, element), scope)


def multinomial(logits: Any, num_samples: Any, seed: int | None = None, name: str | None = None,
                output_dtype: Any = None) -> Tensor:
    """For each row of `logits` [batch, classes], `num_samples` classes drawn with softmax(logits) as probabilities."""
    with name_scope(name, "multinomial", [logits]):
        x = of_rank(convert_to_tensor(logits), 2)
        return gumbel_max(x, num_samples, lambda shape: random.random_uniform(shape, TINY, 1.0, _drawn(x.dtype), seed),
                          as_dtype(output_dtype or int64))


TINY = float(np.finfo(np.float32).tiny)


def gumbel_max(logits: Tensor, num_samples: Any, uniform: Callable[[Any], Tensor], dtype: DType) -> Tensor:
    """Classes [batch, num_samples]: the largest of logits plus Gumbel noise is distributed as wanted (Gumbel, 1954)."""
    if logits.dims is None or len(logits.dims) != 2:
        raise ShapeError(f"multinomial: logits must have rank 2, received {logits.shape}")
    batch, classes = logits.dims
    drawn = uniform((batch, num_samples, classes))
    noise = -elementwise.log(-elementwise.log(drawn))
    return reduction.argmax(expand_dims(cast(logits, noise.dtype), 1) + noise, 2, output_type=dtype)


def categorical(logits: Any, num_samples: Any, dtype: Any = None, seed: int | None = None,
                name: str | None = None) -> Tensor:
    """`multinomial` under its newer name."""
    return multinomial(logits, num_samples, seed, name or "categorical", dtype)


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The slices of `value` along its first axis in random order."""
    with name_scope(name, "RandomShuffle", [value]) as scope:
        x = convert_to_tensor(value)
        rows: Any = reshape(shape_of(x)[:1], [1]) if x.dims is None else x.dims[:1]
        if x.dims == ():
            return identity(x, scope)
        return gather(x, argsort(random.random_uniform(rows, dtype="float64", seed=seed)), name=scope)


def random_gamma(shape: Any, alpha: Any, beta: Any = None, dtype: Any = float32, seed: int | None = None,
                 name: str | None = None) -> Tensor:
    """Gamma variates of shape `shape` + that of the concentration `alpha` (with which the rate `beta`, default 1,
    broadcasts). They can be differentiated by both."""
    element = as_dtype(dtype)
    if not element.is_floating:
        raise DTypeError(f"random_gamma: dtype must be a float, received {element.name}")
    with name_scope(name, "random_gamma", [shape, alpha, beta]):
        rate = convert_to_tensor(1 if beta is None else beta, element)
        concentration = convert_to_tensor(alpha, element) + rate * 0
        return maximum(_sampled(samplers.random_gamma, shape, concentration, element, seed) / rate,
                       convert_to_tensor(np.finfo(_drawn(element).np).tiny, element))


def random_poisson_v2(shape: Any, lam: Any, dtype: Any = float32, seed: int | None = None,
                      name: str | None = None) -> Tensor:
    """Poisson variates of shape `shape` + that of the rates `lam`."""
    rates = convert_to_tensor(lam, None if hasattr(lam, "dtype") else float32)
    with name_scope(name, "random_poisson", [shape, lam]):
        return _sampled(samplers.random_poisson, shape, rates, as_dtype(dtype), seed)


def random_poisson(lam: Any, shape: Any, dtype: Any = float32, seed: int | None = None,
                   name: str | None = None) -> Tensor:
    """random_poisson_v2 with its arguments in an older order."""
    return random_poisson_v2(shape, lam, dtype, seed, name)


def _sampled(op: Any, shape: Any, parameter: Tensor, dtype: DType, seed: int | None) -> Tensor:
    """Variates of shape `shape` + that of the parameter."""
    sizes = concat([shape_operand(shape), shape_of(parameter)], 0) if parameter.dims != () else shape_operand(shape)
    return op(samplers.random_bits(seed), sizes, parameter, dtype=dtype)


def bernoulli_mask(shape: Any, rate: Any, dtype: Any, seed: int | None = None) -> Tensor:
    """True with probability 1 - rate, for dropout."""
    uniform = random.random_uniform(shape, dtype=dtype, seed=seed)
    return uniform >= cast(convert_to_tensor(rate), dtype)
