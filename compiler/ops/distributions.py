"""Random numbers for which no closed form of uniform ones is at hand: gamma, Poisson and binomial variates; random
numbers under a seed that is data; permutations.

The variates are drawn by NumPy's generator (its methods are documented there) under a key of random bits, which come
from the counter-based generator of random.py, so that they obey the same seeds.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import rng_reference
from ..dtypes import DType, int64
from ..errors import InvalidArgumentError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, INDEX, OpDef, no_gradient
from .elementwise import exp, log
from .random import random_uniform
from .special import igamma_grad_a, lgamma
from .symbolic import operand_dims

BITS = 2**62


def _generator(bits: np.ndarray) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=bits.astype(np.uint64)))


def _sampler(name: str, draw: Callable[..., np.ndarray], grad: Callable[..., Any] | None = None) -> OpDef:
    """An op (bits [2], shape, *parameters) -> variates; `draw(generator, shape, *parameters)` draws them."""
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        return [TensorType(attrs["dtype"], operand_dims(inputs[1]))]

    def reference(bits: np.ndarray, shape: np.ndarray, *parameters: np.ndarray, dtype: DType) -> np.ndarray:
        wide = [p.astype(np.float64) for p in parameters]
        with np.errstate(all="ignore"):
            return np.asarray(draw(_generator(bits), tuple(int(n) for n in shape), *wide)).astype(dtype.np)

    return OpDef(name, HOST, infer, grad or no_gradient, reference)


def _gamma_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    """Implicit reparameterization, dx/da = -(dP(a, x)/da) / p(x) (Figurnov, Mohamed and Mnih, 2018)."""
    a, x = op.inputs[2], op.output
    density = exp((a - 1) * log(x) - x - lgamma(a))
    return [None, None, -g * igamma_grad_a(a, x) / density]


def _gamma(rng: np.random.Generator, shape: tuple[int, ...], alpha: np.ndarray) -> np.ndarray:
    if np.any(alpha < 0):
        raise InvalidArgumentError("RandomGamma: alpha must not be negative")
    return np.maximum(rng.standard_gamma(alpha, shape), np.finfo(np.float32).tiny)


def _poisson(rng: np.random.Generator, shape: tuple[int, ...], rate: np.ndarray) -> np.ndarray:
    bad = ~(rate >= 0) | ~np.isfinite(rate)
    drawn = rng.poisson(np.where(bad, 0, rate), shape).astype(np.float64)
    return np.where(np.broadcast_to(bad, shape), np.nan, drawn)


def _binomial(rng: np.random.Generator, shape: tuple[int, ...], counts: np.ndarray, probs: np.ndarray) -> np.ndarray:
    return rng.binomial(counts.astype(np.int64), np.clip(probs, 0, 1), shape)


def _truncated(rng: np.random.Generator, shape: tuple[int, ...], mean: np.ndarray, scale: np.ndarray, low: np.ndarray,
               high: np.ndarray) -> np.ndarray:
    """Normal variates between two bounds, by rejection (Robert 1995): of normal ones, of exponential ones where the
    interval lies in a tail, of uniform ones where it is narrow."""
    if np.any(low >= high):
        raise InvalidArgumentError("Invalid parameters: minvals must be less than maxvals")
    a, b = (np.broadcast_to((bound - mean) / scale, shape).ravel() for bound in (low, high))
    sign = np.where(b < 0, -1.0, 1.0)
    a, b = np.where(sign < 0, -b, a), np.where(sign < 0, -a, b)  # not below 0 alone
    rate = (a + np.sqrt(a * a + 4)) / 2
    narrow, tail = b - a < np.where(a > 0, 1 / rate, 2.0), a > 0.5
    peak = np.where(a > 0, a, 0.0)
    out, left = np.zeros(len(a)), np.arange(len(a))
    while len(left):
        x = np.where(narrow, a + (b - a) * rng.random(len(a)), np.where(
            tail, a + rng.exponential(size=len(a)) / rate, rng.standard_normal(len(a))))[left]
        log_chance = np.where(narrow[left], (peak[left] ** 2 - x * x) / 2,
                              np.where(tail[left], -(x - rate[left]) ** 2 / 2, 0.0))
        taken = (x >= a[left]) & (x <= b[left]) & (np.log(rng.random(len(left))) <= log_chance)
        out[left[taken]] = x[taken]
        left = left[~taken]
    return np.clip((sign * out).reshape(shape) * scale + mean, low, high)


random_truncated = _sampler("StatelessParameterizedTruncatedNormal", _truncated)
random_gamma = _sampler("RandomGamma", _gamma, _gamma_grad)
random_poisson = _sampler("RandomPoissonV2", _poisson)
random_binomial = _sampler("RandomBinomial", _binomial)


def random_bits(seed: int | None) -> Tensor:
    """A key for a sampler, new in each run."""
    return random_uniform([2], 0, BITS, int64, seed)


# under a seed that is data


def _drawn(function: str, shape: np.ndarray, seed: np.ndarray, dtype: DType, *bounds: np.int64) -> np.ndarray:
    draw = getattr(rng_reference, f"{function}_{dtype.code}")
    key, stream = (np.int64(s) for s in seed)
    return draw(key, stream, np.arange(int(np.prod(shape, dtype=np.int64))), *bounds).reshape(tuple(shape))


def _stateless(name: str, function: str) -> Any:
    """(shape, seed [2]) -> what the op of random.py draws, for this seed; in kernels by the same function."""
    def lower(emit: Any, op: Operation, index: Sequence[str]) -> str:
        key, stream = (emit.element(op.inputs[0], [at]) for at in "01")
        at = f"i64({emit.linear(op.output.dims, index)})"
        return emit.let(f"{function}_{op.output.dtype.code}({key}, {stream}, {at})", op.output.dtype)

    op = OpDef(name, INDEX, lambda inputs, attrs: [TensorType(attrs["dtype"], operand_dims(inputs[1]))],
               lambda op, g: [None, None], lambda seed, shape, dtype: _drawn(function, shape, seed, dtype), lower,
               fields={"shape_operand": 1})

    def build(shape: Tensor, seed: Tensor, dtype: DType, name: str | None = None) -> Tensor:
        return op(seed, shape, dtype=dtype, name=name)

    return build


def _integers(shape: np.ndarray, seed: np.ndarray, low: np.ndarray, high: np.ndarray, dtype: DType) -> np.ndarray:
    if not low < high:
        raise InvalidArgumentError(f"Need minval < maxval, got {low} >= {high}")
    return _drawn("random_int", shape, seed, dtype, np.int64(low), np.int64(high))


stateless_uniform = _stateless("StatelessRandomUniform", "random_uniform")
stateless_normal = _stateless("StatelessRandomNormal", "random_normal")
stateless_truncated_normal = _stateless("StatelessTruncatedNormal", "random_truncated_normal")
stateless_uniform_int = OpDef("StatelessRandomUniformInt", HOST,
                              lambda inputs, attrs: [TensorType(attrs["dtype"], operand_dims(inputs[0]))],
                              lambda op, g: [None] * 4, _integers)
