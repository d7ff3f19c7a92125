"""Random numbers that depend on nothing but a seed given as data: two integers."""
from __future__ import annotations

from typing import Any

from .compiler.dtypes import as_dtype, float32, int32, int64
from .compiler.ir import Tensor
from .compiler.ops import distributions as samplers
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast
from .compiler.ops.symbolic import shape_operand
from .framework import name_scope
from .random_ops import TINY, gumbel_max


def _seed(seed: Any) -> Tensor:
    tensor = convert_to_tensor(seed)
    tensor.shape.assert_is_compatible_with([2])
    return cast(tensor, int64)


def stateless_random_uniform(shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32,
                             name: str | None = None, alg: str = "auto_select") -> Tensor:
    """Uniform in [minval, maxval); integers for an integer dtype, which needs both. `seed` [2] are integers."""
    element = as_dtype(dtype)
    with name_scope(name, "stateless_random_uniform", [shape, seed, minval, maxval]):
        operand = shape_operand(shape)
        if element.is_integer:
            if maxval is None:
                raise ValueError(f"Must specify maxval for integer dtype {element!r}")
            bounds = (cast(convert_to_tensor(v, None if isinstance(v, Tensor) else int64), int64)
                      for v in (minval, maxval))
            return samplers.stateless_uniform_int(operand, _seed(seed), *bounds, dtype=element)
        low, high = (convert_to_tensor(v, element) for v in (minval, 1 if maxval is None else maxval))
        return samplers.stateless_uniform(operand, _seed(seed), dtype=element) * (high - low) + low


def _shifted(kind: str, op: Any, shape: Any, seed: Any, mean: Any, stddev: Any, dtype: Any,
             name: str | None) -> Tensor:
    element = as_dtype(dtype)
    with name_scope(name, kind, [shape, seed, mean, stddev]):
        unit = op(shape_operand(shape), _seed(seed), dtype=element)
        return unit * convert_to_tensor(stddev, element) + convert_to_tensor(mean, element)


def stateless_random_normal(shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32,
                            name: str | None = None, alg: str = "auto_select") -> Tensor:
    """Normal with the given mean and standard deviation."""
    return _shifted("stateless_random_normal", samplers.stateless_normal, shape, seed, mean, stddev, dtype, name)


def stateless_truncated_normal(shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32,
                               name: str | None = None, alg: str = "auto_select") -> Tensor:
    """Normal, restricted to within two standard deviations of the mean."""
    return _shifted("stateless_truncated_normal", samplers.stateless_truncated_normal, shape, seed, mean, stddev,
                    dtype, name)


def stateless_multinomial(logits: Any, num_samples: Any, seed: Any, output_dtype: Any = int64,
                          name: str | None = None) -> Tensor:
    """For each row of `logits` [batch, classes], `num_samples` classes drawn with softmax(logits) as probabilities."""
    with name_scope(name, "stateless_multinomial", [logits, seed]):
        x = convert_to_tensor(logits)
        return gumbel_max(x, num_samples, lambda shape: stateless_random_uniform(shape, seed, TINY, 1.0, x.dtype),
                          as_dtype(output_dtype))


def stateless_categorical(logits: Any, num_samples: Any, seed: Any, dtype: Any = int64,
                          name: str | None = None) -> Tensor:
    """stateless_multinomial under its newer name."""
    return stateless_multinomial(logits, num_samples, seed, dtype, name or "stateless_categorical")


def stateless_random_gamma(shape: Any, seed: Any, alpha: Any, beta: Any = None, dtype: Any = float32,
                           name: str | None = None) -> Tensor:
    """Gamma variates of the whole shape `shape`, with which `alpha` and the rate `beta` broadcast."""
    element = as_dtype(dtype)
    with name_scope(name, "stateless_random_gamma", [shape, seed, alpha, beta]):
        rate = convert_to_tensor(1 if beta is None else beta, element)
        concentration = convert_to_tensor(alpha, element) + rate * 0
        return samplers.random_gamma(_seed(seed), shape_operand(shape), concentration, dtype=element) / rate


def stateless_random_poisson(shape: Any, seed: Any, lam: Any, dtype: Any = int32, name: str | None = None) -> Tensor:
    """Poisson variates of the whole shape `shape`, with which the rates `lam` broadcast."""
    with name_scope(name, "stateless_random_poisson", [shape, seed, lam]):
        rates = convert_to_tensor(lam, None if hasattr(lam, "dtype") else float32)
        return samplers.random_poisson(_seed(seed), shape_operand(shape), rates, dtype=as_dtype(dtype))


def stateless_random_binomial(shape: Any, seed: Any, counts: Any, probs: Any, output_dtype: Any = int32,
                              name: str | None = None) -> Tensor:
    """Binomial variates of the whole shape `shape`, with which `counts` and `probs` broadcast."""
    with name_scope(name, "stateless_random_binomial", [shape, seed, counts, probs]):
        chances = convert_to_tensor(probs, None if hasattr(probs, "dtype") else float32)
        trials = cast(convert_to_tensor(counts), chances.dtype)
        return samplers.random_binomial(_seed(seed), shape_operand(shape), trials, chances,
                                        dtype=as_dtype(output_dtype))


def stateless_parameterized_truncated_normal(shape: Any, seed: Any, means: Any = 0.0, stddevs: Any = 1.0,
                                             minvals: Any = -2.0, maxvals: Any = 2.0,
                                             name: str | None = None) -> Tensor:
    """Normal numbers of the whole shape `shape`, restricted to between `minvals` and `maxvals`; all four parameters
    broadcast with it. (Not TensorFlow's numbers.) Raises InvalidArgumentError at run time for bounds in the wrong
    order.
    """
    with name_scope(name, "stateless_parameterized_truncated_normal", [shape, seed]):
        mean = convert_to_tensor(means, None if hasattr(means, "dtype") else float32)
        scale, low, high = (convert_to_tensor(v, mean.dtype) for v in (stddevs, minvals, maxvals))
        return samplers.random_truncated(_seed(seed), shape_operand(shape), mean, scale, low, high, dtype=mean.dtype)
