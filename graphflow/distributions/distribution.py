"""What every distribution has: shapes, sampling, densities and moments, under TensorFlow 1's names."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..compiler.dtypes import DType, int32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import cast, exp, log, log1p, sqrt
from ..compiler.ops.slicing import concat
from ..compiler.ops.symbolic import operand_dims, shape_operand
from ..compiler.ops.view import identity, reshape, shape_of
from ..compiler.shapes import TensorShape
from ..framework import name_scope


class ReparameterizationType:
    """Whether samples can be differentiated by the distribution's parameters."""

    def __init__(self, rep_type: str):
        self._rep_type = rep_type

    def __repr__(self) -> str:
        return f"<Reparameterization Type: {self._rep_type}>"


FULLY_REPARAMETERIZED = ReparameterizationType("FULLY_REPARAMETERIZED")
NOT_REPARAMETERIZED = ReparameterizationType("NOT_REPARAMETERIZED")


class Distribution:
    """A probability distribution over events, or a batch of them.

    A sample has the shape `sample_shape` + `batch_shape` + `event_shape`. Subclasses define `_batch` (a tensor, or its
    like, of the batch's shape), `_sample(shape, seed)` (`shape`: the sample's and the batch's), `_log_prob(value)` and,
    as far as they are known in closed form, `_cdf`, `_mean`, `_variance`, `_mode`, `_entropy`, `_quantile` and
    `_covariance`; NotImplementedError is raised for what is not defined.
    """

    event_rank = 0

    def __init__(self, dtype: DType, reparameterization_type: ReparameterizationType, validate_args: bool,
                 allow_nan_stats: bool, parameters: Mapping[str, Any] | None = None, graph_parents: Any = None,
                 name: str | None = None):
        self.dtype = dtype
        self.reparameterization_type = reparameterization_type
        self.validate_args = validate_args
        self.allow_nan_stats = allow_nan_stats
        self.parameters = dict(parameters or {})
        self._name = name or type(self).__name__

    @property
    def name(self) -> str:
        return self._name

    def copy(self, **override_parameters_kwargs: Any) -> Any:
        """A distribution of this class with other parameters, where given."""
        options = {"validate_args": self.validate_args, "allow_nan_stats": self.allow_nan_stats, "name": self._name}
        return type(self)(**{**options, **self.parameters, **override_parameters_kwargs})

    def __repr__(self) -> str:
        return (f"<tf.distributions.{type(self).__name__} '{self.name}' batch_shape={self.batch_shape} "
                f"event_shape={self.event_shape} dtype={self.dtype.name}>")

    # shapes

    def _batch(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} does not say its batch shape")

    def _event_dims(self) -> Tensor:
        """The event's shape as a shape operand."""
        return constant([], int32)

    @property
    def batch_shape(self) -> TensorShape:
        return self._batch().shape

    @property
    def event_shape(self) -> TensorShape:
        return TensorShape(operand_dims(self._event_dims()))

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Tensor:
        """The batch's shape, int32."""
        return identity(cast(shape_of(self._batch()), int32), name)

    def event_shape_tensor(self, name: str = "event_shape_tensor") -> Tensor:
        """An event's shape, int32."""
        return identity(cast(self._event_dims(), int32), name)

    def is_scalar_batch(self, name: str = "is_scalar_batch") -> Tensor:
        return constant(self.batch_shape.rank == 0, name=name)

    def is_scalar_event(self, name: str = "is_scalar_event") -> Tensor:
        return constant(self.event_shape.rank == 0, name=name)

    # sampling

    def _sample(self, shape: Tensor, seed: int | None) -> Tensor:
        raise NotImplementedError(f"sample is not implemented: {type(self).__name__}")

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Tensor:
        """Independent samples: `sample_shape` + batch_shape + event_shape."""
        with self._scope(name):
            shape = shape_operand(sample_shape)
            if shape.dims == ():
                shape = reshape(shape, (1,))
            whole = shape_of(self._batch())
            parts = [cast(s, int32) for s in (shape, whole) if s.dims != (0,)]
            return self._sample(concat(parts, 0) if len(parts) > 1 else parts[0] if parts else shape, seed)

    def _scope(self, name: str) -> Any:
        return name_scope(f"{self._name}/{name}")

    # densities

    def _value(self, value: Any) -> Tensor:
        return convert_to_tensor(value, None if hasattr(value, "dtype") else self.dtype)

    def _call(self, method: str, name: str, *args: Any) -> Tensor:
        function: Callable[..., Tensor] | None = getattr(self, method, None)
        if function is None:
            raise NotImplementedError(f"{name} is not implemented: {type(self).__name__}")
        with self._scope(name):
            return function(*args)

    def log_prob(self, value: Any, name: str = "log_prob") -> Tensor:
        """log of the probability (density) of `value`."""
        return self._call("_log_prob", name, self._value(value))

    def prob(self, value: Any, name: str = "prob") -> Tensor:
        """The probability (density) of `value`."""
        if hasattr(self, "_prob"):
            return self._call("_prob", name, self._value(value))
        with self._scope(name):
            return exp(self._call("_log_prob", "log_prob", self._value(value)))

    def cdf(self, value: Any, name: str = "cdf") -> Tensor:
        """The probability of values up to `value`."""
        return self._call("_cdf", name, self._value(value))

    def log_cdf(self, value: Any, name: str = "log_cdf") -> Tensor:
        """log of the probability of values up to `value`."""
        if hasattr(self, "_log_cdf"):
            return self._call("_log_cdf", name, self._value(value))
        with self._scope(name):
            return log(self.cdf(value))

    def survival_function(self, value: Any, name: str = "survival_function") -> Tensor:
        """The probability of values above `value`."""
        with self._scope(name):
            return 1 - self.cdf(value)

    def log_survival_function(self, value: Any, name: str = "log_survival_function") -> Tensor:
        """log of the probability of values above `value`."""
        with self._scope(name):
            return log1p(-self.cdf(value))

    def quantile(self, value: Any, name: str = "quantile") -> Tensor:
        """The x up to which the probability is `value`."""
        return self._call("_quantile", name, self._value(value))

    # moments and information

    def mean(self, name: str = "mean") -> Tensor:
        return self._call("_mean", name)

    def mode(self, name: str = "mode") -> Tensor:
        return self._call("_mode", name)

    def variance(self, name: str = "variance") -> Tensor:
        return self._call("_variance", name)

    def stddev(self, name: str = "stddev") -> Tensor:
        """The root of the variance."""
        if hasattr(self, "_stddev"):
            return self._call("_stddev", name)
        with self._scope(name):
            return sqrt(self.variance())

    def covariance(self, name: str = "covariance") -> Tensor:
        """The covariance matrix of vector-valued events."""
        return self._call("_covariance", name)

    def entropy(self, name: str = "entropy") -> Tensor:
        """-E[log p], in nats."""
        return self._call("_entropy", name)

    def cross_entropy(self, other: Distribution, name: str = "cross_entropy") -> Tensor:
        """-E[log q] under this distribution."""
        with self._scope(name):
            return self.entropy() + self.kl_divergence(other)

    def kl_divergence(self, other: Distribution, name: str = "kl_divergence") -> Tensor:
        """E[log p - log q] under this distribution. Raises NotImplementedError for a pair without a formula."""
        from .kullback_leibler import kl_divergence
        with self._scope(name):
            return kl_divergence(self, other, self.allow_nan_stats)
