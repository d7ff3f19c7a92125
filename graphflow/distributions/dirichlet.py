"""Beta, Dirichlet and Dirichlet-multinomial distributions."""
from __future__ import annotations

from typing import Any

from ..compiler.dtypes import int32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, log, log1p, logical_or
from ..compiler.ops.matrix_parts import set_diag, size_tensor
from ..compiler.ops.reduction import reduce_any, reduce_sum
from ..compiler.ops.slicing import concat
from ..compiler.ops.special import betainc, digamma, lgamma
from ..compiler.ops.view import broadcast_to, expand_dims, known_rank, shape_of
from .discrete import sample_counts
from .distribution import FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED, Distribution
from .gamma import standard_gamma
from .kullback_leibler import RegisterKL
from .parameters import floats, lbeta, log_combinations, nan_where


class Beta(Distribution):
    """The density x^(concentration1 - 1) (1 - x)^(concentration0 - 1) / B(concentration1, concentration0)."""

    def __init__(self, concentration1: Any = None, concentration0: Any = None, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Beta"):
        self.concentration1, self.concentration0 = floats(concentration1, concentration0)
        super().__init__(self.concentration1.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"concentration1": concentration1, "concentration0": concentration0}, None, name)

    @property
    def total_concentration(self) -> Tensor:
        return self.concentration1 + self.concentration0

    _batch = total_concentration.fget  # type: ignore[attr-defined]

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        first = standard_gamma(shape, self.concentration1 + self.concentration0 * 0, seed)
        second = standard_gamma(shape, self.concentration0 + self.concentration1 * 0,
                                None if seed is None else seed + 1)
        return first / (first + second)

    def _lbeta(self) -> Tensor:
        return lgamma(self.concentration1) + lgamma(self.concentration0) - lgamma(self.total_concentration)

    def _log_prob(self, x: Tensor) -> Tensor:
        return (self.concentration1 - 1) * log(x) + (self.concentration0 - 1) * log1p(-x) - self._lbeta()

    def _cdf(self, x: Tensor) -> Tensor:
        like = self.total_concentration * 0 + x * 0
        return betainc(self.concentration1 + like, self.concentration0 + like, x + like)

    def _entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return self._lbeta() - (a - 1) * digamma(a) - (b - 1) * digamma(b) + (a + b - 2) * digamma(a + b)

    def _mean(self) -> Tensor:
        return self.concentration1 / self.total_concentration

    def _variance(self) -> Tensor:
        mean = self._mean()
        return mean * (1 - mean) / (1 + self.total_concentration)

    def _mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return nan_where(logical_or(a <= 1, b <= 1), (a - 1) / (a + b - 2))


@RegisterKL(Beta, Beta)
def _kl_beta(p: Beta, q: Beta, name: str | None = None) -> Tensor:
    one, zero = p.concentration1 - q.concentration1, p.concentration0 - q.concentration0
    return (q._lbeta() - p._lbeta() + one * digamma(p.concentration1) + zero * digamma(p.concentration0)
            - (one + zero) * digamma(p.total_concentration))


class Dirichlet(Distribution):
    """Probabilities of k classes, with density proportional to the product of x_i^(concentration_i - 1)."""

    event_rank = 1

    def __init__(self, concentration: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Dirichlet"):
        self.concentration, = floats(concentration)
        super().__init__(self.concentration.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"concentration": concentration}, None, name)

    @property
    def total_concentration(self) -> Tensor:
        return reduce_sum(self.concentration, -1)

    _batch = total_concentration.fget  # type: ignore[attr-defined]

    def _event_dims(self) -> Tensor:
        return shape_of(self.concentration)[-1:]

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return sample_simplex(self.concentration, shape, seed)

    def _log_prob(self, x: Tensor) -> Tensor:
        return reduce_sum((self.concentration - 1) * log(x), -1) - lbeta(self.concentration)

    def _entropy(self) -> Tensor:
        a, total = self.concentration, self.total_concentration
        classes = cast(convert_to_tensor(size_tensor(known_rank("Dirichlet", a)[-1])), a.dtype)
        return lbeta(a) + (total - classes) * digamma(total) - reduce_sum((a - 1) * digamma(a), -1)

    def _mean(self) -> Tensor:
        return self.concentration / expand_dims(self.total_concentration, -1)

    def _variance(self) -> Tensor:
        mean = self._mean()
        return mean * (1 - mean) / (1 + expand_dims(self.total_concentration, -1))

    def _covariance(self) -> Tensor:
        mean = self._mean()
        scale = expand_dims(expand_dims(1 + self.total_concentration, -1), -1)
        return set_diag(-expand_dims(mean, -1) * expand_dims(mean, -2) / scale, self._variance())

    def _mode(self) -> Tensor:
        a = self.concentration
        classes = cast(convert_to_tensor(size_tensor(known_rank("Dirichlet", a)[-1])), a.dtype)
        mode = (a - 1) / expand_dims(self.total_concentration - classes, -1)
        return nan_where(reduce_any(a <= 1, -1, keepdims=True), mode)


def sample_simplex(concentration: Tensor, shape: Tensor, seed: int | None) -> Tensor:
    """Dirichlet variates [*shape, k]."""
    drawn = standard_gamma(concat([shape, shape_of(concentration)[-1:]], 0), concentration, seed)
    return drawn / reduce_sum(drawn, -1, keepdims=True)


@RegisterKL(Dirichlet, Dirichlet)
def _kl_dirichlet(p: Dirichlet, q: Dirichlet, name: str | None = None) -> Tensor:
    moved = digamma(p.concentration) - expand_dims(digamma(p.total_concentration), -1)
    return (reduce_sum((p.concentration - q.concentration) * moved, -1) - lbeta(p.concentration)
            + lbeta(q.concentration))


class DirichletMultinomial(Distribution):
    """How often each of k classes came up in `total_count` draws with Dirichlet-distributed probabilities."""

    event_rank = 1

    def __init__(self, total_count: Any, concentration: Any, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "DirichletMultinomial"):
        self.concentration, = floats(concentration)
        self.total_count = cast(convert_to_tensor(total_count), self.concentration.dtype)
        super().__init__(self.concentration.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"total_count": total_count, "concentration": concentration}, None, name)

    @property
    def total_concentration(self) -> Tensor:
        return reduce_sum(self.concentration, -1)

    def _batch(self) -> Tensor:
        return self.total_concentration + self.total_count

    def _event_dims(self) -> Tensor:
        return shape_of(self.concentration)[-1:]

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        probs = sample_simplex(self.concentration + 0 * expand_dims(self._batch(), -1), shape, seed)
        counts = sample_counts(log(probs), self.total_count, cast(shape, int32), None if seed is None else seed + 1,
                               self.dtype)
        return broadcast_to(counts, shape_of(probs))

    def _log_prob(self, counts: Tensor) -> Tensor:
        return lbeta(self.concentration + counts) - lbeta(self.concentration) + log_combinations(
            self.total_count, counts)

    def _share(self) -> Tensor:
        return self.concentration / expand_dims(self.total_concentration, -1)

    def _mean(self) -> Tensor:
        return expand_dims(self.total_count + self.total_concentration * 0, -1) * self._share()

    def _scale(self) -> Tensor:
        total = self.total_concentration
        return expand_dims((total + self.total_count) / (1 + total), -1)

    def _variance(self) -> Tensor:
        return self._mean() * (1 - self._share()) * self._scale()

    def _covariance(self) -> Tensor:
        outer = -expand_dims(self._mean(), -1) * expand_dims(self._share(), -2) * expand_dims(self._scale(), -1)
        return set_diag(outer, self._variance())
