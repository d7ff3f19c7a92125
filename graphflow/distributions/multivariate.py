"""Vector-valued, relaxed and further distributions, which TensorFlow 1 has in `tf.contrib.distributions`."""
from __future__ import annotations

import math
from typing import Any

from ..compiler.dtypes import as_dtype, int32
from ..compiler.ir import Tensor
from ..compiler.ops import distributions as samplers
from ..compiler.ops.elementwise import abs_, cast, exp, log, log1p, sigmoid, softplus, square
from ..compiler.ops.gather import one_hot
from ..compiler.ops.linalg import matrix_triangular_solve
from ..compiler.ops.matrix_parts import diag, diag_part, matrix_transpose
from ..compiler.ops.nn import log_softmax, softmax
from ..compiler.ops.random import random_normal, random_uniform
from ..compiler.ops.reduction import argmax, reduce_sum
from ..compiler.ops.slicing import concat
from ..compiler.ops.special import lgamma
from ..compiler.ops.view import broadcast_to, expand_dims, known_rank, shape_of, squeeze
from ..math_ops import matmul
from ..random_ops import TINY
from .discrete import Classes
from .distribution import FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED, Distribution
from .kullback_leibler import RegisterKL
from .normal import HALF_LOG_TWO_PI, LocationScale
from .parameters import floats, logits_and_probs


class MultivariateNormal(Distribution):
    """Normal vectors loc + A z, z of independent standard normals."""

    event_rank = 1
    loc: Tensor

    def _event_dims(self) -> Tensor:
        return shape_of(self.loc)[-1:]

    def _scaled(self, z: Tensor) -> Tensor:
        raise NotImplementedError

    def _unscaled(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _log_det(self) -> Tensor:
        raise NotImplementedError

    def _size(self) -> Tensor:
        return cast(shape_of(self.loc)[-1], self.dtype)

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        whole = concat([cast(shape, int32), cast(self._event_dims(), int32)], 0)
        return self._scaled(random_normal(whole, dtype=self.dtype, seed=seed)) + self.loc

    def _log_prob(self, x: Tensor) -> Tensor:
        z = self._unscaled(x - self.loc)
        return -0.5 * reduce_sum(square(z), -1) - HALF_LOG_TWO_PI * self._size() - self._log_det()

    def _entropy(self) -> Tensor:
        return (0.5 + HALF_LOG_TWO_PI) * self._size() + self._log_det() + self._batch() * 0

    def _mean(self) -> Tensor:
        return self.loc * 1

    _mode = _mean


class MultivariateNormalDiag(MultivariateNormal):
    """Independent normals: mean `loc` [..., k] (default 0) and standard deviations `scale_diag` [..., k] (default 1),
    times `scale_identity_multiplier`."""

    def __init__(self, loc: Any = None, scale_diag: Any = None, scale_identity_multiplier: Any = None,
                 validate_args: bool = False, allow_nan_stats: bool = True, name: str = "MultivariateNormalDiag"):
        if loc is None and scale_diag is None:
            raise ValueError("MultivariateNormalDiag: loc or scale_diag must be given")
        given, = floats(loc if scale_diag is None else scale_diag)
        scale = given * 0 + 1 if scale_diag is None else given
        if scale_identity_multiplier is not None:
            factor, = floats(scale_identity_multiplier)
            scale = scale * expand_dims(factor, -1) if scale_diag is None else scale + expand_dims(factor, -1)
        mean = scale * 0 if loc is None else floats(loc, scale)[0]
        self.loc, self._scale = mean + scale * 0, scale + mean * 0
        super().__init__(self.loc.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, {
            "loc": loc, "scale_diag": scale_diag, "scale_identity_multiplier": scale_identity_multiplier}, None, name)

    def _batch(self) -> Tensor:
        return reduce_sum(self.loc, -1)

    def _scaled(self, z: Tensor) -> Tensor:
        return z * self._scale

    def _unscaled(self, x: Tensor) -> Tensor:
        return x / self._scale

    def _log_det(self) -> Tensor:
        return reduce_sum(log(abs_(self._scale)), -1)

    def _stddev(self) -> Tensor:
        return abs_(self._scale)

    def _variance(self) -> Tensor:
        return square(self._scale)

    def _covariance(self) -> Tensor:
        return diag(square(self._scale))


class MultivariateNormalTriL(MultivariateNormal):
    """Normal vectors of mean `loc` [..., k] (default 0) and covariance L L^T, L = `scale_tril` [..., k, k]."""

    def __init__(self, loc: Any = None, scale_tril: Any = None, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "MultivariateNormalTriL"):
        self.scale_tril, = floats(scale_tril)
        zero = diag_part(self.scale_tril) * 0
        self.loc = zero if loc is None else floats(loc, self.scale_tril)[0] + zero
        super().__init__(self.loc.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"loc": loc, "scale_tril": scale_tril}, None, name)

    def _batch(self) -> Tensor:
        return reduce_sum(self.loc, -1)

    def _scaled(self, z: Tensor) -> Tensor:
        return squeeze(matmul(self.scale_tril, expand_dims(z, -1)), [-1])

    def _unscaled(self, x: Tensor) -> Tensor:
        whole = concat([shape_of(x), shape_of(x)[-1:]], 0)
        columns = matrix_triangular_solve(broadcast_to(self.scale_tril, whole), expand_dims(x, -1))
        return squeeze(columns, [-1])

    def _log_det(self) -> Tensor:
        return reduce_sum(log(abs_(diag_part(self.scale_tril))), -1)

    def _covariance(self) -> Tensor:
        return matmul(self.scale_tril, matrix_transpose(self.scale_tril))

    def _variance(self) -> Tensor:
        return reduce_sum(square(self.scale_tril), -1)


@RegisterKL(MultivariateNormalDiag, MultivariateNormalDiag)
def _kl_diag(a: MultivariateNormalDiag, b: MultivariateNormalDiag, name: str | None = None) -> Tensor:
    ratio = square(a._scale / b._scale)
    return 0.5 * reduce_sum(ratio + square((a.loc - b.loc) / b._scale) - 1 - log(ratio), -1)


# classes as vectors, and their relaxations


class OneHotCategorical(Classes):
    """A class of k as a vector with one 1, with probabilities `probs` [..., k] = softmax(`logits`)."""

    event_rank = 1

    def __init__(self, logits: Any = None, probs: Any = None, dtype: Any = int32, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "OneHotCategorical"):
        self._classes(logits, probs, name)
        super().__init__(as_dtype(dtype), NOT_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"logits": logits, "probs": probs, "dtype": dtype}, None, name)

    def _event_dims(self) -> Tensor:
        return shape_of(self.logits)[-1:]

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return one_hot(cast(self._draw(shape, seed), int32), self.event_size, dtype=self.dtype)

    def _log_prob(self, x: Tensor) -> Tensor:
        return reduce_sum(cast(x, self.logits.dtype) * log_softmax(self.logits), -1)

    def _entropy(self) -> Tensor:
        logs = log_softmax(self.logits)
        return -reduce_sum(exp(logs) * logs, -1)

    def _mean(self) -> Tensor:
        return softmax(self.logits)

    def _mode(self) -> Tensor:
        return one_hot(argmax(self.logits, -1), self.event_size, dtype=self.dtype)


@RegisterKL(OneHotCategorical, OneHotCategorical)
def _kl_one_hot(a: OneHotCategorical, b: OneHotCategorical, name: str | None = None) -> Tensor:
    return reduce_sum(softmax(a.logits) * (log_softmax(a.logits) - log_softmax(b.logits)), -1)


class RelaxedOneHotCategorical(Classes):
    """Points of the simplex that tend to classes as `temperature` falls to 0, differentiable by the logits (Jang, Gu
    and Poole, 2017; Maddison, Mnih and Teh, 2017)."""

    event_rank = 1

    def __init__(self, temperature: Any, logits: Any = None, probs: Any = None, dtype: Any = None,
                 validate_args: bool = False, allow_nan_stats: bool = True, name: str = "RelaxedOneHotCategorical"):
        self._classes(logits, probs, name)
        self.temperature = floats(temperature, self.logits)[0]
        super().__init__(self.logits.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"temperature": temperature, "logits": logits, "probs": probs}, None, name)

    def _event_dims(self) -> Tensor:
        return shape_of(self.logits)[-1:]

    def _per_class(self) -> Tensor:
        return expand_dims(self.temperature, -1)

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        whole = concat([cast(shape, int32), cast(self._event_dims(), int32)], 0)
        gumbel = -log(-log(random_uniform(whole, TINY, 1.0, self.dtype, seed)))
        return softmax((self.logits + gumbel) / self._per_class())

    def _log_prob(self, x: Tensor) -> Tensor:
        classes = cast(shape_of(self.logits)[-1], self.dtype)
        unnormalized = reduce_sum(log_softmax(self.logits - self._per_class() * log(x)), -1)
        norm = lgamma(classes) + (classes - 1) * log(self.temperature)
        return norm + unnormalized - reduce_sum(log(x), -1)


class RelaxedBernoulli(Distribution):
    """The relaxation of a Bernoulli distribution to (0, 1) at `temperature`."""

    def __init__(self, temperature: Any, logits: Any = None, probs: Any = None, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "RelaxedBernoulli"):
        self.logits, self.probs = logits_and_probs(logits, probs, name, False)
        self.temperature = floats(temperature, self.logits)[0]
        super().__init__(self.logits.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"temperature": temperature, "logits": logits, "probs": probs}, None, name)

    def _batch(self) -> Tensor:
        return self.logits + self.temperature

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        u = random_uniform(shape, TINY, 1.0, self.dtype, seed)
        return sigmoid((self.logits + log(u) - log1p(-u)) / self.temperature)

    def _log_prob(self, x: Tensor) -> Tensor:
        y = log(x) - log1p(-x)
        z = self.logits - y * self.temperature
        return log(self.temperature) + z - 2 * softplus(z) - log(x) - log1p(-x)


# further scalars


class Poisson(Distribution):
    """Counts with mean `rate`, as floats."""

    def __init__(self, rate: Any = None, log_rate: Any = None, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Poisson"):
        if (rate is None) == (log_rate is None):
            raise ValueError("Must specify exactly one of `rate` and `log_rate`.")
        given, = floats(rate if log_rate is None else log_rate)
        self.rate, self.log_rate = (given, log(given)) if log_rate is None else (exp(given), given)
        super().__init__(given.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"rate": rate, "log_rate": log_rate}, None, name)

    def _batch(self) -> Tensor:
        return self.rate

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return samplers.random_poisson(samplers.random_bits(seed), shape, self.rate, dtype=self.dtype)

    def _log_prob(self, x: Tensor) -> Tensor:
        return x * self.log_rate - self.rate - lgamma(x + 1)

    def _mean(self) -> Tensor:
        return self.rate * 1

    _variance = _mean


@RegisterKL(Poisson, Poisson)
def _kl_poisson(a: Poisson, b: Poisson, name: str | None = None) -> Tensor:
    return a.rate * (a.log_rate - b.log_rate) - a.rate + b.rate


class Logistic(LocationScale):
    """The distribution function sigmoid((x - loc) / scale)."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Logistic"):
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        u = random_uniform(shape, TINY, 1.0, self.dtype, seed)
        return self.loc + self.scale * (log(u) - log1p(-u))

    def _log_prob(self, x: Tensor) -> Tensor:
        z = self._z(x)
        return -z - 2 * softplus(-z) - log(self.scale)

    def _cdf(self, x: Tensor) -> Tensor:
        return sigmoid(self._z(x))

    def _log_cdf(self, x: Tensor) -> Tensor:
        return -softplus(-self._z(x))

    def _entropy(self) -> Tensor:
        return 2 + log(self.scale + self.loc * 0)

    def _stddev(self) -> Tensor:
        return math.pi / math.sqrt(3.0) * (self.scale + self.loc * 0)

    def _variance(self) -> Tensor:
        return square(self._stddev())


class Deterministic(Distribution):
    """The value `loc` itself."""

    def __init__(self, loc: Any, atol: Any = None, rtol: Any = None, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Deterministic"):
        self.loc, = floats(loc)
        self._slack = (0.0 if atol is None else atol) + (0.0 if rtol is None else rtol) * abs_(self.loc)
        super().__init__(self.loc.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"loc": loc, "atol": atol, "rtol": rtol}, None, name)

    def _batch(self) -> Tensor:
        return self.loc

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return broadcast_to(self.loc, shape)

    def _prob(self, x: Tensor) -> Tensor:
        return cast(abs_(x - self.loc) <= self._slack, self.dtype)

    def _log_prob(self, x: Tensor) -> Tensor:
        return log(self._prob(x))

    def _cdf(self, x: Tensor) -> Tensor:
        return cast(x >= self.loc - self._slack, self.dtype)

    def _mean(self) -> Tensor:
        return self.loc * 1

    _mode = _mean

    def _variance(self) -> Tensor:
        return self.loc * 0

    _entropy = _variance


class Independent(Distribution):
    """The last `reinterpreted_batch_ndims` batch axes (default all but the first) of a distribution as parts of one
    event."""

    def __init__(self, distribution: Distribution, reinterpreted_batch_ndims: int | None = None,
                 validate_args: bool = False, name: str | None = None):
        self.distribution = distribution
        rank = len(known_rank("Independent", distribution._batch()))
        self.reinterpreted_batch_ndims = (
            max(rank - 1, 0) if reinterpreted_batch_ndims is None else int(reinterpreted_batch_ndims))
        self._kept = rank - self.reinterpreted_batch_ndims
        super().__init__(distribution.dtype, distribution.reparameterization_type, validate_args,
                         distribution.allow_nan_stats, {"distribution": distribution, "reinterpreted_batch_ndims":
                                                        reinterpreted_batch_ndims}, None,
                         name or f"Independent{distribution.name}")

    def copy(self, **override_parameters_kwargs: Any) -> Any:
        return Independent(**{**self.parameters, "name": self.name, **override_parameters_kwargs})

    def _sum(self, x: Tensor) -> Tensor:
        rank = len(known_rank("Independent", x))
        return reduce_sum(x, list(range(rank - self.reinterpreted_batch_ndims, rank)))

    def _batch(self) -> Tensor:
        return self._sum(self.distribution._batch())

    def _event_dims(self) -> Tensor:
        return concat([cast(shape_of(self.distribution._batch())[self._kept:], int32),
                       cast(self.distribution._event_dims(), int32)], 0)

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Tensor:
        return self.distribution.sample(sample_shape, seed, name)

    def _log_prob(self, x: Tensor) -> Tensor:
        return self._sum(self.distribution.log_prob(x))

    def _entropy(self) -> Tensor:
        return self._sum(self.distribution.entropy())

    def _mean(self) -> Tensor:
        return self.distribution.mean()

    def _variance(self) -> Tensor:
        return self.distribution.variance()

    def _mode(self) -> Tensor:
        return self.distribution.mode()


@RegisterKL(Independent, Independent)
def _kl_independent(a: Independent, b: Independent, name: str | None = None) -> Tensor:
    return a._sum(a.distribution.kl_divergence(b.distribution))
