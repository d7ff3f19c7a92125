"""Distributions over two or more classes: Bernoulli, categorical, multinomial."""
from __future__ import annotations

from typing import Any

from ..compiler.dtypes import DType, as_dtype, int32, int64
from ..compiler.ir import Tensor
from ..compiler.ops import random
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, exp, logical_and, sigmoid, softplus, where
from ..compiler.ops.gather import one_hot, range_
from ..compiler.ops.matrix_parts import set_diag, size_tensor
from ..compiler.ops.nn import log_softmax, softmax
from ..compiler.ops.reduction import argmax, reduce_max, reduce_prod, reduce_sum
from ..compiler.ops.slicing import concat, slice_axis
from ..compiler.ops.view import (
    broadcast_to,
    expand_dims,
    known_rank,
    ones_of,
    reshape,
    shape_of,
    squeeze,
    transpose,
    zeros_of,
)
from ..random_ops import TINY, gumbel_max
from .distribution import NOT_REPARAMETERIZED, Distribution
from .kullback_leibler import RegisterKL
from .parameters import log_combinations, logits_and_probs


class Bernoulli(Distribution):
    """1 with probability `probs` = sigmoid(`logits`), else 0."""

    def __init__(self, logits: Any = None, probs: Any = None, dtype: Any = int32, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Bernoulli"):
        self.logits, self.probs = logits_and_probs(logits, probs, name, False)
        super().__init__(as_dtype(dtype), NOT_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"logits": logits, "probs": probs, "dtype": dtype}, None, name)

    def _batch(self) -> Tensor:
        return self.logits

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        uniform = random.random_uniform(shape, dtype=self.probs.dtype, seed=seed)
        return cast(uniform < self.probs, self.dtype)

    def _log_prob(self, event: Tensor) -> Tensor:
        x = cast(event, self.logits.dtype)
        return x * self.logits - softplus(self.logits)

    def _entropy(self) -> Tensor:
        return softplus(self.logits) - self.logits * sigmoid(self.logits)

    def _cdf(self, event: Tensor) -> Tensor:
        one = ones_of(self.probs)
        return where(event < 0, zeros_of(one), where(event < 1, one - self.probs, one))

    def _mean(self) -> Tensor:
        return self.probs * 1

    def _variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def _mode(self) -> Tensor:
        return cast(self.probs > 0.5, self.dtype)


@RegisterKL(Bernoulli, Bernoulli)
def _kl_bernoulli(a: Bernoulli, b: Bernoulli, name: str | None = None) -> Tensor:
    more, less = softplus(-b.logits) - softplus(-a.logits), softplus(b.logits) - softplus(a.logits)
    return sigmoid(a.logits) * more + sigmoid(-a.logits) * less


class Classes(Distribution):
    """What distributions over classes [..., k] share."""

    def _classes(self, logits: Any, probs: Any, name: str) -> None:
        self.logits, self.probs = logits_and_probs(logits, probs, name, True)
        known_rank(name, self.logits)

    def _batch(self) -> Tensor:
        return reduce_max(self.logits, -1)

    @property
    def event_size(self) -> Tensor:
        """The number of classes, int32."""
        return convert_to_tensor(size_tensor(known_rank("event_size", self.logits)[-1]), name="event_size")

    def _draw(self, shape: Tensor, seed: int | None) -> Tensor:
        """Classes of the sample's and the batch's shape, int64."""
        batch = known_rank("sample", self.logits)[:-1]
        rows = reshape(self.logits, (-1, known_rank("sample", self.logits)[-1]))
        total = _product(shape)
        per_row = total // _product_of_dims(rows)
        drawn = gumbel_max(rows, per_row, lambda s: random.random_uniform(s, TINY, 1.0, self.logits.dtype, seed), int64)
        return reshape(transpose(drawn), shape) if batch else reshape(drawn, shape)


def _product(shape: Tensor) -> Tensor:
    return reduce_prod(cast(shape, int32))


def _product_of_dims(rows: Tensor) -> Any:
    return squeeze(slice_axis(cast(shape_of(rows), int32), 0, 0, 1), [0])


class Categorical(Classes):
    """A class from 0 to k - 1, with probabilities `probs` [..., k] = softmax(`logits`)."""

    def __init__(self, logits: Any = None, probs: Any = None, dtype: Any = int32, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Categorical"):
        self._classes(logits, probs, name)
        super().__init__(as_dtype(dtype), NOT_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"logits": logits, "probs": probs, "dtype": dtype}, None, name)

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return cast(self._draw(shape, seed), self.dtype)

    def _hot(self, event: Tensor) -> Tensor:
        return one_hot(cast(event, int32), self.event_size, dtype=self.logits.dtype)

    def _log_prob(self, event: Tensor) -> Tensor:
        logs = log_softmax(self.logits)
        hot = self._hot(event) + logs * 0
        return reduce_sum(where(hot > 0.5, logs + hot * 0, zeros_of(logs)), -1)

    def _cdf(self, event: Tensor) -> Tensor:
        classes = range_(0, self.event_size)
        below = expand_dims(cast(event, int32), -1) > classes
        return reduce_sum(where(below, self.probs, zeros_of(self.probs)), -1)

    def _entropy(self) -> Tensor:
        logs = log_softmax(self.logits)
        p = exp(logs)
        return -reduce_sum(where(p > 0, p * logs, zeros_of(p)), -1)

    def _mode(self) -> Tensor:
        return cast(argmax(self.logits, -1), self.dtype)


@RegisterKL(Categorical, Categorical)
def _kl_categorical(a: Categorical, b: Categorical, name: str | None = None) -> Tensor:
    return reduce_sum(softmax(a.logits) * (log_softmax(a.logits) - log_softmax(b.logits)), -1)


class Multinomial(Classes):
    """How often each of k classes came up in `total_count` draws: counts [..., k] as floats."""

    event_rank = 1

    def __init__(self, total_count: Any, logits: Any = None, probs: Any = None, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Multinomial"):
        self._classes(logits, probs, name)
        self.total_count = cast(convert_to_tensor(total_count), self.logits.dtype)
        super().__init__(self.logits.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"total_count": total_count, "logits": logits, "probs": probs}, None, name)

    def _batch(self) -> Tensor:
        return super()._batch() + self.total_count

    def _event_dims(self) -> Tensor:
        return shape_of(self.logits)[-1:]

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        return sample_counts(self.logits, self.total_count, shape, seed, self.dtype)

    def _log_prob(self, counts: Tensor) -> Tensor:
        return reduce_sum(counts * log_softmax(self.logits), -1) + log_combinations(self.total_count, counts)

    def _mean(self) -> Tensor:
        return self.probs * expand_dims(self.total_count + super()._batch() * 0, -1)

    def _variance(self) -> Tensor:
        return self._mean() * (1 - self.probs)

    def _covariance(self) -> Tensor:
        mean = self._mean()
        outer = -expand_dims(mean, -1) * expand_dims(self.probs, -2)
        return set_diag(outer, self._variance())


def sample_counts(logits: Tensor, total: Tensor, shape: Tensor, seed: int | None, dtype: DType) -> Tensor:
    """Multinomial counts [*shape, k]: as many draws as the largest total, of which each counts its own number."""
    classes = known_rank("Multinomial", logits)[-1]
    draws = cast(reduce_max(total), int32)
    whole = broadcast_to(logits, concat([shape, shape_of(logits)[-1:]], 0))
    rows = reshape(whole, (-1, classes))
    drawn = gumbel_max(rows, draws, lambda s: random.random_uniform(s, TINY, 1.0, logits.dtype, seed), int32)
    hot = one_hot(drawn, classes, dtype=dtype)
    own = reshape(broadcast_to(total, shape), (-1, 1, 1))
    counted = cast(logical_and(reshape(range_(0, draws), (1, -1, 1)) < cast(own, int32), hot > 0), dtype)
    return reshape(reduce_sum(counted, 1), concat([shape, shape_of(logits)[-1:]], 0))
