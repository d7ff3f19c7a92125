"""Distributions made of others: transformed by a bijector, and mixtures."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.dtypes import int32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant
from ..compiler.ops.elementwise import cast, square
from ..compiler.ops.gather import one_hot
from ..compiler.ops.nn import log_softmax, softmax
from ..compiler.ops.reduction import reduce_logsumexp, reduce_sum
from ..compiler.ops.slicing import concat, stack
from ..compiler.ops.symbolic import shape_operand
from ..compiler.ops.view import expand_dims, known_rank, reshape, shape_of
from ..compiler.shapes import TensorShape
from .bijectors import Bijector, Identity
from .distribution import NOT_REPARAMETERIZED, Distribution

__all__ = ["ConditionalTransformedDistribution", "Mixture", "MixtureSameFamily", "TransformedDistribution"]


class TransformedDistribution(Distribution):
    """g(x) with x of another distribution, g a bijector. `event_shape` makes events of that shape of independent
    scalars."""

    def __init__(self, distribution: Distribution, bijector: Bijector | None = None, batch_shape: Any = None,
                 event_shape: Any = None, validate_args: bool = False, name: str | None = None):
        if batch_shape is not None:
            raise NotImplementedError("TransformedDistribution: give the distribution itself the batch shape")
        self.distribution = distribution
        self.bijector = Identity() if bijector is None else bijector
        self._extra = () if event_shape is None else tuple(TensorShape(event_shape).as_list())
        if self._extra and distribution.event_shape.rank:
            raise ValueError("event_shape can only be given for a distribution of scalars")
        super().__init__(distribution.dtype, distribution.reparameterization_type, validate_args,
                         distribution.allow_nan_stats,
                         {"distribution": distribution, "bijector": bijector, "event_shape": event_shape}, None,
                         name or f"{self.bijector.name}{distribution.name}")

    def copy(self, **override_parameters_kwargs: Any) -> Any:
        return type(self)(**{**self.parameters, "name": self.name, **override_parameters_kwargs})

    @property
    def _event_rank(self) -> int:
        return len(self._extra) or self.distribution.event_shape.rank or 0

    def _batch(self) -> Tensor:
        return self.distribution._batch()

    def _event_dims(self) -> Tensor:
        return constant(self._extra, int32) if self._extra else self.distribution._event_dims()

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample", **kwargs: Any) -> Tensor:
        with self._scope(name):
            if self._extra:
                batch = known_rank("TransformedDistribution", self.distribution._batch())
                if batch:
                    raise NotImplementedError("TransformedDistribution: event_shape needs a distribution without batch")
                shape = reshape(shape_operand(sample_shape), (-1,))
                sample_shape = concat([cast(shape, int32), constant(self._extra, int32)], 0)
            return self.bijector.forward(self.distribution.sample(sample_shape, seed))

    def _log_prob(self, y: Tensor) -> Tensor:
        x = self.bijector.inverse(y)
        below = self.distribution.log_prob(x)
        if self._extra:
            below = reduce_sum(below, list(range(-len(self._extra), 0)))
        return below + self.bijector.inverse_log_det_jacobian(y, self._event_rank)

    def _cdf(self, y: Tensor) -> Tensor:
        return self.distribution.cdf(self.bijector.inverse(y))

    def _quantile(self, p: Tensor) -> Tensor:
        return self.bijector.forward(self.distribution.quantile(p))

    def _mean(self) -> Tensor:
        if not self.bijector.is_constant_jacobian:
            raise NotImplementedError("mean is not implemented for non-affine bijectors")
        return self.bijector.forward(self.distribution.mean())

    def _entropy(self) -> Tensor:
        if not self.bijector.is_constant_jacobian:
            raise NotImplementedError("entropy is not implemented")
        at = self.distribution.mean()
        return self.distribution.entropy() + self.bijector.forward_log_det_jacobian(at, self._event_rank)


ConditionalTransformedDistribution = TransformedDistribution


class _Mixed(Distribution):
    """Moments and densities from those of the components, stacked along the axis behind the batch's."""

    components_distribution: Any

    def _logits(self) -> Tensor:
        raise NotImplementedError

    def _stacked(self, method: str, *args: Any) -> Tensor:
        raise NotImplementedError

    def _weighted(self, values: Tensor) -> Tensor:
        """The expectation over the components of what they have for an event."""
        weights = softmax(self._logits())
        rank = self.event_shape.rank or 0
        for _ in range(rank):
            weights = expand_dims(weights, -1)
        return reduce_sum(weights * values, -1 - rank)

    def _log_prob(self, x: Tensor) -> Tensor:
        return reduce_logsumexp(log_softmax(self._logits()) + self._stacked("log_prob", x), -1)

    def _prob_sum(self, values: Tensor) -> Tensor:
        return reduce_sum(softmax(self._logits()) * values, -1)

    def _cdf(self, x: Tensor) -> Tensor:
        return self._prob_sum(self._stacked("cdf", x))

    def _mean(self) -> Tensor:
        return self._weighted(self._stacked("mean"))

    def _variance(self) -> Tensor:
        means = self._stacked("mean")
        return self._weighted(self._stacked("variance") + square(means)) - square(self._weighted(means))

    def _chosen(self, which: Tensor, samples: Tensor) -> Tensor:
        """Of samples [..., components, *event] those of the components that were drawn."""
        rank = self.event_shape.rank or 0
        hits = one_hot(which, known_rank("Mixture", samples)[-1 - rank], dtype=self.dtype)
        for _ in range(rank):
            hits = expand_dims(hits, -1)
        return reduce_sum(hits * samples, -1 - rank)


class Mixture(_Mixed):
    """A draw of the list `components`, by the classes of the categorical distribution `cat`."""

    def __init__(self, cat: Any, components: Sequence[Distribution], validate_args: bool = False,
                 allow_nan_stats: bool = True, use_static_graph: bool = False, name: str = "Mixture"):
        if not components:
            raise ValueError("components must be a non-empty list or tuple")
        if len({d.dtype for d in components}) > 1:
            raise TypeError("All components must have the same dtype")
        self.cat, self.components, self.num_components = cat, list(components), len(components)
        super().__init__(components[0].dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"cat": cat, "components": components}, None, name)

    def _logits(self) -> Tensor:
        return self.cat.logits

    def _batch(self) -> Tensor:
        return self.components[0]._batch()

    def _event_dims(self) -> Tensor:
        return self.components[0]._event_dims()

    def _stacked(self, method: str, *args: Any) -> Tensor:
        rank = 0 if method in ("log_prob", "cdf") else self.event_shape.rank or 0
        return stack([getattr(d, method)(*args) for d in self.components], -1 - rank)

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Tensor:
        with self._scope(name):
            which = self.cat.sample(sample_shape, seed)
            rank = self.event_shape.rank or 0
            draws = [d.sample(sample_shape, None if seed is None else seed + 1 + k)
                     for k, d in enumerate(self.components)]
            return self._chosen(which, stack(draws, -1 - rank))


class MixtureSameFamily(_Mixed):
    """A draw of the last batch axis of `components_distribution`, by the classes of `mixture_distribution`."""

    def __init__(self, mixture_distribution: Any, components_distribution: Distribution, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "MixtureSameFamily"):
        self.mixture_distribution, self.components_distribution = mixture_distribution, components_distribution
        super().__init__(components_distribution.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats,
                         {"mixture_distribution": mixture_distribution,
                          "components_distribution": components_distribution}, None, name)

    def _logits(self) -> Tensor:
        return self.mixture_distribution.logits

    def _batch(self) -> Tensor:
        return reduce_sum(self.components_distribution._batch(), -1)

    def _event_dims(self) -> Tensor:
        return self.components_distribution._event_dims()

    def _stacked(self, method: str, *args: Any) -> Tensor:
        rank = self.event_shape.rank or 0
        return getattr(self.components_distribution, method)(*(expand_dims(x, -1 - rank) for x in args))

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Tensor:
        with self._scope(name):
            samples = self.components_distribution.sample(sample_shape, None if seed is None else seed + 1)
            which = self.mixture_distribution.sample(sample_shape, seed)
            if not self.mixture_distribution.batch_shape.rank and self.batch_shape.rank:  # one for the whole batch
                whole = concat([cast(reshape(shape_operand(sample_shape), (-1,)), int32),
                                cast(shape_of(self._batch()), int32)], 0)
                which = self.mixture_distribution.sample(whole, seed)
            return self._chosen(which, samples)
