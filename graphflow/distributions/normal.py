"""Distributions on the real line that have a location and a scale: normal, Laplace, Student's t, uniform."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant
from ..compiler.ops.elementwise import (
    abs_,
    erfc,
    expm1,
    log,
    log1p,
    logical_or,
    minimum,
    rsqrt,
    sign,
    square,
    where,
)
from ..compiler.ops.random import random_normal, random_uniform
from ..compiler.ops.special import betainc, digamma, lgamma, ndtri
from ..compiler.ops.view import broadcast_to, ones_of, zeros_of
from .distribution import FULLY_REPARAMETERIZED, Distribution
from .gamma import standard_gamma
from .kullback_leibler import RegisterKL
from .parameters import floats

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


class LocationScale(Distribution):
    """x = loc + scale z, with z of a standard distribution."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool, allow_nan_stats: bool, name: str, **parameters: Any):
        self.loc, self.scale = floats(loc, scale)
        super().__init__(self.scale.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {**parameters, "loc": loc, "scale": scale}, None, name)

    def _batch(self) -> Tensor:
        return self.loc + self.scale

    def _z(self, x: Tensor) -> Tensor:
        return (x - self.loc) / self.scale

    def _mean(self) -> Tensor:
        return self.loc + self.scale * 0

    _mode = _mean


class Normal(LocationScale):
    """The normal distribution of mean `loc` and standard deviation `scale`, which broadcast."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Normal"):
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return random_normal(shape, dtype=self.dtype, seed=seed) * self.scale + self.loc

    def _log_prob(self, x: Tensor) -> Tensor:
        return -0.5 * square(self._z(x)) - (HALF_LOG_TWO_PI + log(self.scale))

    def _cdf(self, x: Tensor) -> Tensor:
        return ndtr(self._z(x))

    def _log_cdf(self, x: Tensor) -> Tensor:
        return log_ndtr(self._z(x))

    def survival_function(self, value: Any, name: str = "survival_function") -> Tensor:
        with self._scope(name):
            return ndtr(-self._z(self._value(value)))

    def log_survival_function(self, value: Any, name: str = "log_survival_function") -> Tensor:
        with self._scope(name):
            return log_ndtr(-self._z(self._value(value)))

    def _quantile(self, p: Tensor) -> Tensor:
        return self.loc + self.scale * ndtri(p)

    def _entropy(self) -> Tensor:
        return 0.5 + HALF_LOG_TWO_PI + log(self.scale + self.loc * 0)

    def _stddev(self) -> Tensor:
        return self.scale + self.loc * 0

    def _variance(self) -> Tensor:
        return square(self._stddev())


def ndtr(z: Tensor) -> Tensor:
    """The standard normal distribution function."""
    return 0.5 * erfc(-z * math.sqrt(0.5))


def log_ndtr(z: Tensor) -> Tensor:
    """log of ndtr; far below 0 by its asymptotic series (Abramowitz and Stegun 26.2.12)."""
    far = z < -10.0
    low = minimum(z, constant(np.asarray(-10.0, z.dtype.np)))
    inverse = 1 / square(low)
    series = 1 - inverse * (1 - inverse * (3 - inverse * 15))
    tail = -0.5 * square(low) - log(-low) - HALF_LOG_TWO_PI + log(series)
    return where(far, tail, log(ndtr(where(far, zeros_of(z), z))))


@RegisterKL(Normal, Normal)
def _kl_normal(a: Normal, b: Normal, name: str | None = None) -> Tensor:
    ratio = square(a.scale / b.scale)
    return square(a.loc - b.loc) / (2 * square(b.scale)) + 0.5 * (ratio - 1 - log(ratio))


class Laplace(LocationScale):
    """The density exp(-|x - loc| / scale) / (2 scale)."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Laplace"):
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        least = float(np.nextafter(self.dtype.np.type(-1), self.dtype.np.type(0)))
        u = random_uniform(shape, least, 1.0, self.dtype, seed)
        return self.loc - self.scale * sign(u) * log1p(-abs_(u))

    def _log_prob(self, x: Tensor) -> Tensor:
        return -abs_(self._z(x)) - (math.log(2.0) + log(self.scale))

    def _cdf(self, x: Tensor) -> Tensor:
        z = self._z(x)
        return 0.5 - 0.5 * sign(z) * expm1(-abs_(z))

    def _quantile(self, p: Tensor) -> Tensor:
        return self.loc - self.scale * sign(p - 0.5) * log1p(-2 * abs_(p - 0.5))

    def _entropy(self) -> Tensor:
        return math.log(2.0) + 1 + log(self.scale + self.loc * 0)

    def _stddev(self) -> Tensor:
        return math.sqrt(2.0) * (self.scale + self.loc * 0)

    def _variance(self) -> Tensor:
        return square(self._stddev())


class StudentT(LocationScale):
    """Student's t distribution with `df` degrees of freedom, moved and scaled."""

    def __init__(self, df: Any, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "StudentT"):
        self.df, loc_, scale_ = floats(df, loc, scale)
        super().__init__(loc_, scale_, validate_args, allow_nan_stats, name, df=df)

    def _batch(self) -> Tensor:
        return self.loc + self.scale + self.df

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        normal = random_normal(shape, dtype=self.dtype, seed=seed)
        half = broadcast_to(0.5 * self.df, shape)
        chi = standard_gamma(shape, half, None if seed is None else seed + 1)
        return normal * rsqrt(chi / half) * self.scale + self.loc

    def _log_prob(self, x: Tensor) -> Tensor:
        z = self._z(x)
        norm = (log(abs_(self.scale)) + 0.5 * log(self.df) + 0.5 * math.log(math.pi) + lgamma(0.5 * self.df)
                - lgamma(0.5 * (self.df + 1)))
        return -0.5 * (self.df + 1) * log1p(square(z) / self.df) - norm

    def _cdf(self, x: Tensor) -> Tensor:
        z = self._z(x)
        df = self.df + z * 0
        half = 0.5 * betainc(0.5 * df, zeros_of(df) + 0.5 + df * 0, df / (square(z) + df))
        return where(z < 0, half, 1 - half)

    def _entropy(self) -> Tensor:
        a, b = 0.5 * self.df, 0.5 * (self.df + 1)
        beta = lgamma(zeros_of(a) + 0.5) + lgamma(a) - lgamma(b)
        return log(abs_(self.scale)) + 0.5 * log(self.df) + beta + b * (digamma(b) - digamma(a)) + self.loc * 0

    def _mean(self) -> Tensor:
        return where(self.df > 1, self._batch() * 0 + self.loc, zeros_of(self.loc) + float("nan"))

    def _mode(self) -> Tensor:
        return self.loc + (self.scale + self.df) * 0

    def _variance(self) -> Tensor:
        one = ones_of(self.df)
        finite = square(self.scale + self.loc * 0) * self.df / (where(self.df > 2, self.df, 3 * one) - 2)
        infinite = where(self.df > 1, one * float("inf"), one * float("nan"))
        return where(self.df > 2, finite, infinite + finite * 0)


class Uniform(Distribution):
    """The uniform distribution on [low, high)."""

    def __init__(self, low: Any = 0.0, high: Any = 1.0, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Uniform"):
        self.low, self.high = floats(low, high)
        super().__init__(self.low.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"low": low, "high": high}, None, name)

    def _batch(self) -> Tensor:
        return self.low + self.high

    def range(self, name: str = "range") -> Tensor:
        """high - low."""
        with self._scope(name):
            return self.high - self.low

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return self.low + random_uniform(shape, dtype=self.dtype, seed=seed) * (self.high - self.low)

    def _prob(self, x: Tensor) -> Tensor:
        inside = 1 / (self.high - self.low) + x * 0
        return where(logical_or(x < self.low, x >= self.high), zeros_of(inside), inside)

    def _log_prob(self, x: Tensor) -> Tensor:
        return log(self._prob(x))

    def _cdf(self, x: Tensor) -> Tensor:
        part = (x - self.low) / (self.high - self.low)
        return where(x < self.low, zeros_of(part), where(x >= self.high, ones_of(part), part))

    def _quantile(self, p: Tensor) -> Tensor:
        return self.low + p * (self.high - self.low)

    def _entropy(self) -> Tensor:
        return log(self.high - self.low)

    def _mean(self) -> Tensor:
        return (self.low + self.high) / 2

    def _stddev(self) -> Tensor:
        return (self.high - self.low) / math.sqrt(12.0)

    def _variance(self) -> Tensor:
        return square(self.high - self.low) / 12
