"""Further scalar distributions of `tf.contrib.distributions`."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..compiler.dtypes import as_dtype
from ..compiler.ir import Tensor
from ..compiler.ops import distributions as samplers
from ..compiler.ops.elementwise import abs_, cast, erf, exp, floor, log, log1p, sigmoid, softplus, square, tan
from ..compiler.ops.elementwise import atan as arctan
from ..compiler.ops.random import random_normal, random_uniform
from ..compiler.ops.special import betainc, digamma, erfinv, igammac, lgamma
from ..linalg import cholesky
from ..random_ops import TINY
from .distribution import FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED, Distribution
from .gamma import Gamma, standard_gamma
from .multivariate import MultivariateNormalDiag, MultivariateNormalTriL
from .normal import Laplace, LocationScale, Normal, StudentT
from .parameters import floats, logits_and_probs, nan_where

__all__ = ["Binomial", "Cauchy", "Chi2", "GammaWithSoftplusConcentrationRate", "Geometric", "Gumbel", "HalfNormal",
           "InverseGamma", "LaplaceWithSoftplusScale", "MultivariateNormalDiagWithSoftplusScale",
           "MultivariateNormalFullCovariance", "NegativeBinomial", "NormalWithSoftplusScale", "Pareto",
           "StudentTWithAbsDfSoftplusScale"]


class Cauchy(LocationScale):
    """The density 1 / (pi scale (1 + z^2)), z = (x - loc) / scale; it has no mean."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Cauchy"):
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return self._quantile(random_uniform(shape, 0.0, 1.0, self.dtype, seed))

    def _log_prob(self, x: Tensor) -> Tensor:
        return -log1p(square(self._z(x))) - math.log(math.pi) - log(self.scale)

    def _cdf(self, x: Tensor) -> Tensor:
        return arctan(self._z(x)) / math.pi + 0.5

    def _quantile(self, p: Tensor) -> Tensor:
        return self.loc + self.scale * tan(math.pi * (p - 0.5))

    def _entropy(self) -> Tensor:
        return math.log(4 * math.pi) + log(self.scale + self.loc * 0)

    def _mean(self) -> Tensor:
        return (self.loc + self.scale) * np.nan

    _variance = _stddev = _mean

    def _mode(self) -> Tensor:
        return self.loc + self.scale * 0


class Gumbel(LocationScale):
    """The distribution function exp(-exp(-(x - loc) / scale))."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Gumbel"):
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return self._quantile(random_uniform(shape, TINY, 1.0, self.dtype, seed))

    def _log_prob(self, x: Tensor) -> Tensor:
        z = self._z(x)
        return -(z + exp(-z)) - log(self.scale)

    def _cdf(self, x: Tensor) -> Tensor:
        return exp(-exp(-self._z(x)))

    def _quantile(self, p: Tensor) -> Tensor:
        return self.loc - self.scale * log(-log(p))

    def _entropy(self) -> Tensor:
        return 1 + np.euler_gamma + log(self.scale + self.loc * 0)

    def _mean(self) -> Tensor:
        return self.loc + self.scale * np.euler_gamma

    def _mode(self) -> Tensor:
        return self.loc + self.scale * 0

    def _stddev(self) -> Tensor:
        return math.pi / math.sqrt(6.0) * (self.scale + self.loc * 0)

    def _variance(self) -> Tensor:
        return square(self._stddev())


class HalfNormal(Distribution):
    """|x|, x normal of mean 0 and standard deviation `scale`."""

    def __init__(self, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "HalfNormal"):
        self.scale, = floats(scale)
        super().__init__(self.scale.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, {"scale": scale},
                         None, name)

    def _batch(self) -> Tensor:
        return self.scale

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return abs_(random_normal(shape, dtype=self.dtype, seed=seed) * self.scale)

    def _log_prob(self, x: Tensor) -> Tensor:
        inside = 0.5 * math.log(2 / math.pi) - log(self.scale) - 0.5 * square(x / self.scale)
        return inside + log(cast(x >= 0, self.dtype))

    def _cdf(self, x: Tensor) -> Tensor:
        return erf(cast(x > 0, self.dtype) * x / (self.scale * math.sqrt(2.0)))

    def _quantile(self, p: Tensor) -> Tensor:
        return math.sqrt(2.0) * self.scale * erfinv(p)

    def _entropy(self) -> Tensor:
        return 0.5 * math.log(math.pi / 2) + log(self.scale) + 0.5

    def _mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    def _mode(self) -> Tensor:
        return self.scale * 0

    def _variance(self) -> Tensor:
        return square(self.scale) * (1 - 2 / math.pi)


class InverseGamma(Distribution):
    """1 / x, x of the gamma distribution with this concentration and rate."""

    def __init__(self, concentration: Any, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "InverseGamma"):
        self.concentration, self.rate = floats(concentration, rate)
        super().__init__(self.rate.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"concentration": concentration, "rate": rate}, None, name)

    def _batch(self) -> Tensor:
        return self.concentration + self.rate

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return self.rate / standard_gamma(shape, self.concentration, seed)

    def _log_prob(self, x: Tensor) -> Tensor:
        a, b = self.concentration, self.rate
        return a * log(b) - lgamma(a) - (a + 1) * log(x) - b / x

    def _cdf(self, x: Tensor) -> Tensor:
        return igammac(self.concentration + x * 0, self.rate / x)

    def _entropy(self) -> Tensor:
        a = self.concentration
        return a + log(self.rate) + lgamma(a) - (1 + a) * digamma(a)

    def _mean(self) -> Tensor:
        return nan_where(self.concentration <= 1, self.rate / (self.concentration - 1))

    def _mode(self) -> Tensor:
        return self.rate / (self.concentration + 1)

    def _variance(self) -> Tensor:
        a = self.concentration
        return nan_where(a <= 2, square(self.rate) / (square(a - 1) * (a - 2)))


class Chi2(Gamma):
    """The sum of `df` squared standard normals."""

    def __init__(self, df: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Chi2"):
        self.df, = floats(df)
        super().__init__(0.5 * self.df, self.df * 0 + 0.5, validate_args, allow_nan_stats, name)
        self.parameters = {"df": df}


class Pareto(Distribution):
    """The density concentration scale^concentration / x^(concentration + 1) for x >= scale."""

    def __init__(self, concentration: Any, scale: Any = 1.0, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Pareto"):
        self.concentration, self.scale = floats(concentration, scale)
        super().__init__(self.scale.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"concentration": concentration, "scale": scale}, None, name)

    def _batch(self) -> Tensor:
        return self.concentration + self.scale

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        u = random_uniform(shape, TINY, 1.0, self.dtype, seed)
        return self.scale * exp(-log(u) / self.concentration)

    def _log_prob(self, x: Tensor) -> Tensor:
        a = self.concentration
        return log(a) + a * log(self.scale) - (a + 1) * log(x) + log(cast(x >= self.scale, self.dtype))

    def _cdf(self, x: Tensor) -> Tensor:
        return 1 - exp(self.concentration * (log(self.scale) - log(x)))

    def _mean(self) -> Tensor:
        a = self.concentration
        return nan_where(a <= 1, a * self.scale / (a - 1))

    def _mode(self) -> Tensor:
        return self.scale + self.concentration * 0

    def _variance(self) -> Tensor:
        a = self.concentration
        return nan_where(a <= 2, square(self.scale) * a / (square(a - 1) * (a - 2)))


# counts


class Binomial(Distribution):
    """How many of `total_count` independent trials succeed, each with probability `probs` (or sigmoid(`logits`))."""

    def __init__(self, total_count: Any, logits: Any = None, probs: Any = None, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Binomial"):
        self.logits, self.probs = logits_and_probs(logits, probs, name, False)
        self.total_count, _ = floats(total_count, self.probs)
        super().__init__(self.probs.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"total_count": total_count, "logits": logits, "probs": probs}, None, name)

    def _batch(self) -> Tensor:
        return self.total_count + self.probs

    def _log_prob(self, k: Tensor) -> Tensor:
        n = self.total_count
        ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
        return ways - k * softplus(-self.logits) - (n - k) * softplus(self.logits)

    def _cdf(self, k: Tensor) -> Tensor:
        k = floor(k)
        return betainc(self.total_count - k, k + 1, 1 - self.probs + k * 0)

    def _mean(self) -> Tensor:
        return self.total_count * self.probs

    def _mode(self) -> Tensor:
        return floor((1 + self.total_count) * self.probs)

    def _variance(self) -> Tensor:
        return self._mean() * (1 - self.probs)


class NegativeBinomial(Distribution):
    """How many trials of success probability `probs` succeed before `total_count` fail."""

    def __init__(self, total_count: Any, logits: Any = None, probs: Any = None, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "NegativeBinomial"):
        self.logits, self.probs = logits_and_probs(logits, probs, name, False)
        self.total_count, _ = floats(total_count, self.probs)
        super().__init__(self.probs.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"total_count": total_count, "logits": logits, "probs": probs}, None, name)

    def _batch(self) -> Tensor:
        return self.total_count + self.probs

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        rate = standard_gamma(shape, self.total_count + self.probs * 0, seed) * exp(self.logits)
        return samplers.random_poisson(samplers.random_bits(None if seed is None else seed + 1), shape, rate,
                                       dtype=self.dtype)

    def _log_prob(self, k: Tensor) -> Tensor:
        n = self.total_count
        ways = lgamma(n + k) - lgamma(k + 1) - lgamma(n)
        return ways - n * softplus(self.logits) - k * softplus(-self.logits)

    def _cdf(self, k: Tensor) -> Tensor:
        k = floor(k)
        return betainc(self.total_count + k * 0, k + 1, sigmoid(-self.logits) + k * 0)

    def _mean(self) -> Tensor:
        return self.total_count * exp(self.logits)

    def _variance(self) -> Tensor:
        return self._mean() / sigmoid(-self.logits)


class Geometric(Distribution):
    """How many trials fail before one succeeds, which it does with probability `probs`."""

    def __init__(self, logits: Any = None, probs: Any = None, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Geometric"):
        self.logits, self.probs = logits_and_probs(logits, probs, name, False)
        super().__init__(self.probs.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"logits": logits, "probs": probs}, None, name)

    def _batch(self) -> Tensor:
        return self.probs

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return floor(log(random_uniform(shape, TINY, 1.0, self.dtype, seed)) / log1p(-self.probs))

    def _log_prob(self, k: Tensor) -> Tensor:
        return k * log1p(-self.probs) + log(self.probs)

    def _cdf(self, k: Tensor) -> Tensor:
        return 1 - exp((1 + floor(k)) * log1p(-self.probs))

    def _entropy(self) -> Tensor:
        return softplus(self.logits) / self.probs - self.logits

    def _mean(self) -> Tensor:
        return exp(-self.logits)

    def _mode(self) -> Tensor:
        return self.probs * 0

    def _variance(self) -> Tensor:
        return self._mean() / self.probs


# others under the parameters that programs learn


class NormalWithSoftplusScale(Normal):
    """Normal of standard deviation softplus(scale)."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "NormalWithSoftplusScale"):
        super().__init__(loc, softplus(floats(scale)[0]), validate_args, allow_nan_stats, name)


class LaplaceWithSoftplusScale(Laplace):
    """Laplace of scale softplus(scale)."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "LaplaceWithSoftplusScale"):
        super().__init__(loc, softplus(floats(scale)[0]), validate_args, allow_nan_stats, name)


class GammaWithSoftplusConcentrationRate(Gamma):
    """Gamma of softplus(concentration) and softplus(rate)."""

    def __init__(self, concentration: Any, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "GammaWithSoftplusConcentrationRate"):
        a, b = floats(concentration, rate)
        super().__init__(softplus(a), softplus(b), validate_args, allow_nan_stats, name)


class StudentTWithAbsDfSoftplusScale(StudentT):
    """StudentT of floor(|df|) degrees of freedom and scale softplus(scale)."""

    def __init__(self, df: Any, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "StudentTWithAbsDfSoftplusScale"):
        free, spread = floats(df, scale)
        super().__init__(floor(abs_(free)), loc, softplus(spread), validate_args, allow_nan_stats, name)


class MultivariateNormalDiagWithSoftplusScale(MultivariateNormalDiag):
    """MultivariateNormalDiag of standard deviations softplus(scale_diag)."""

    def __init__(self, loc: Any, scale_diag: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "MultivariateNormalDiagWithSoftplusScale"):
        super().__init__(loc, softplus(floats(scale_diag)[0]), None, validate_args, allow_nan_stats, name)


class MultivariateNormalFullCovariance(MultivariateNormalTriL):
    """Normal vectors of mean `loc` and this covariance matrix (default: the identity)."""

    def __init__(self, loc: Any = None, covariance_matrix: Any = None, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "MultivariateNormalFullCovariance"):
        if covariance_matrix is None:
            size = floats(loc)[0].shape[-1].value
            covariance_matrix = np.eye(size, dtype=as_dtype("float32").np)
        super().__init__(loc, cholesky(floats(covariance_matrix)[0]), validate_args, allow_nan_stats, name)
        self.parameters = {"loc": loc, "covariance_matrix": covariance_matrix}
