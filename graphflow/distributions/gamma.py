"""Gamma and exponential distributions."""
from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.ir import Tensor
from ..compiler.ops import distributions as samplers
from ..compiler.ops.elementwise import exp, expm1, log, sqrt
from ..compiler.ops.random import random_uniform
from ..compiler.ops.special import digamma, igamma, lgamma
from .distribution import FULLY_REPARAMETERIZED, Distribution
from .kullback_leibler import RegisterKL
from .parameters import floats, nan_where


def standard_gamma(shape: Tensor, concentration: Tensor, seed: int | None) -> Tensor:
    """Gamma variates of rate 1 and the whole shape `shape`, with which the concentration broadcasts."""
    return samplers.random_gamma(samplers.random_bits(seed), shape, concentration, dtype=concentration.dtype)


class Gamma(Distribution):
    """The density rate^concentration x^(concentration - 1) exp(-rate x) / Gamma(concentration) for x > 0."""

    def __init__(self, concentration: Any, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Gamma"):
        self.concentration, self.rate = floats(concentration, rate)
        super().__init__(self.concentration.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"concentration": concentration, "rate": rate}, None, name)

    def _batch(self) -> Tensor:
        return self.concentration + self.rate

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return standard_gamma(shape, self.concentration, seed) / self.rate

    def _log_prob(self, x: Tensor) -> Tensor:
        a, rate = self.concentration, self.rate
        return (a - 1) * log(x) - rate * x - (lgamma(a) - a * log(rate))

    def _cdf(self, x: Tensor) -> Tensor:
        return igamma(self.concentration + x * 0, self.rate * x)

    def _entropy(self) -> Tensor:
        a = self.concentration
        return a - log(self.rate) + lgamma(a) + (1 - a) * digamma(a)

    def _mean(self) -> Tensor:
        return self.concentration / self.rate

    def _variance(self) -> Tensor:
        return self.concentration / (self.rate * self.rate)

    def _stddev(self) -> Tensor:
        return sqrt(self.concentration) / self.rate

    def _mode(self) -> Tensor:
        return nan_where(self.concentration <= 1, (self.concentration - 1) / self.rate)


@RegisterKL(Gamma, Gamma)
def _kl_gamma(a: Gamma, b: Gamma, name: str | None = None) -> Tensor:
    return ((a.concentration - b.concentration) * digamma(a.concentration) + lgamma(b.concentration)
            - lgamma(a.concentration) + b.concentration * log(a.rate) - b.concentration * log(b.rate)
            + a.concentration * (b.rate / a.rate - 1))


class Exponential(Gamma):
    """The density rate exp(-rate x) for x > 0."""

    def __init__(self, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Exponential"):
        scale, = floats(rate)
        super().__init__(scale * 0 + 1, scale, validate_args, allow_nan_stats, name)
        self.parameters = {"rate": rate}

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        tiny = float(np.finfo(self.dtype.np).tiny)
        return -log(random_uniform(shape, tiny, 1.0, self.dtype, seed)) / self.rate

    def _log_prob(self, x: Tensor) -> Tensor:
        return log(self.rate) - self.rate * x

    def _cdf(self, x: Tensor) -> Tensor:
        return -expm1(-self.rate * x)

    def _quantile(self, p: Tensor) -> Tensor:
        return -log(1 - p) / self.rate

    def log_survival_function(self, value: Any, name: str = "log_survival_function") -> Tensor:
        with self._scope(name):
            return -self.rate * self._value(value)

    def survival_function(self, value: Any, name: str = "survival_function") -> Tensor:
        with self._scope(name):
            return exp(-self.rate * self._value(value))
