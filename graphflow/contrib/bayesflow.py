"""`tf.contrib.bayesflow`: samples of distributions as tensors, surrogate losses and Monte Carlo estimates."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from ..compiler.ir import Tensor, default_graph
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.reduction import reduce_mean
from ..compiler.ops.view import stop_gradient as _stopped
from ..framework import name_scope
from ..math import add_n

__all__ = ["monte_carlo", "stochastic_graph", "stochastic_tensor"]

_COLLECTION = "_stochastic_tensor_collection_"


class SampleValue:
    """A StochasticTensor is a sample of `shape`; no gradient flows through it with `stop_gradient`."""

    def __init__(self, shape: Any = (), stop_gradient: bool = False):
        self.shape, self.stop_gradient = shape, stop_gradient

    def of(self, distribution: Any) -> Tensor:
        """The value."""
        sample = distribution.sample(self.shape)
        return _stopped(sample) if self.stop_gradient or not _is_reparameterized(distribution) else sample


class MeanValue:
    """A StochasticTensor is its distribution's mean."""

    def __init__(self, stop_gradient: bool = False):
        self.stop_gradient = stop_gradient

    def of(self, distribution: Any) -> Tensor:
        """The value."""
        return _stopped(distribution.mean()) if self.stop_gradient else distribution.mean()


_value_types: list[Any] = [SampleValue()]


def _is_reparameterized(distribution: Any) -> bool:
    return "FULLY" in str(getattr(distribution, "reparameterization_type", "")).upper()


@contextlib.contextmanager
def value_type(dist_value_type: Any) -> Iterator[None]:
    """What StochasticTensors made inside are."""
    _value_types.append(dist_value_type)
    try:
        yield
    finally:
        _value_types.pop()


def get_current_value_type() -> Any:
    """What StochasticTensors made now are."""
    return _value_types[-1]


def score_function(stochastic_tensor: StochasticTensor, value: Tensor, loss: Tensor, baseline: Any = None,
                   name: str = "ScoreFunction") -> Tensor:
    """log p(value) times the loss (less a baseline), whose gradient is the score function's estimate."""
    advantage = loss if baseline is None else loss - baseline
    return stochastic_tensor.distribution.log_prob(value) * advantage


class StochasticTensor:
    """A sample of a distribution (see `value_type`), usable where a tensor is."""

    def __init__(self, dist: Any, name: str = "StochasticTensor", dist_value_type: Any = None,
                 loss_fn: Callable[..., Any] | None = score_function, dist_cls: Any = None, **dist_args: Any):
        self.distribution = dist if not isinstance(dist, type) else dist(**dist_args)
        self._kind, self._loss_fn = dist_value_type or get_current_value_type(), loss_fn
        with name_scope(name) as self.name:
            self._value = self._kind.of(self.distribution)
        default_graph().add_to_collection(_COLLECTION, self)

    @property
    def dtype(self) -> Any:
        return self._value.dtype

    @property
    def value_type(self) -> Any:
        return self._kind

    def value(self, name: str = "value") -> Tensor:
        """The sample, or the mean."""
        return self._value

    _as_graph_element = value

    def entropy(self, name: str = "entropy") -> Tensor:
        """That of the distribution."""
        return self.distribution.entropy()

    def mean(self, name: str = "mean") -> Tensor:
        """That of the distribution."""
        return self.distribution.mean()

    def loss(self, final_loss: Any, name: str = "Loss") -> Tensor | None:
        """What a surrogate loss needs where no gradient flows through the sample; None where one does."""
        flows = _is_reparameterized(self.distribution) and not getattr(self._kind, "stop_gradient", False)
        if self._loss_fn is None or flows or isinstance(self._kind, MeanValue):
            return None
        return self._loss_fn(self, _stopped(self._value), _stopped(convert_to_tensor(final_loss)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._value, name)


def _operator(name: str) -> Callable[..., Any]:
    return lambda self, *others: getattr(self._value, name)(*others)


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "neg", "getitem", "pow", "matmul"):
    setattr(StochasticTensor, f"__{_name}__", _operator(f"__{_name}__"))


def surrogate_loss(sample_losses: Sequence[Any], stochastic_tensors: Sequence[StochasticTensor] | None = None,
                   name: str = "SurrogateLoss") -> Tensor:
    """The sum of the losses and of what makes its gradient an estimate of that of their expectation (Schulman et al.
    2015). Raises TypeError for a loss without an axis of examples, ValueError without losses."""
    losses = [convert_to_tensor(loss) for loss in sample_losses]
    if not losses:
        raise ValueError("No sample_losses provided.")
    nodes = default_graph().get_collection(_COLLECTION) if stochastic_tensors is None else stochastic_tensors
    extra = [term for node in nodes if (term := node.loss(add_n(losses))) is not None]
    return add_n([*losses, *extra], name=name)


def expectation(f: Callable[[Any], Any], samples: Any, log_prob: Callable[[Any], Any] | None = None,
                use_reparametrization: bool = True, axis: Any = 0, keep_dims: bool = False,
                name: str | None = None) -> Tensor:
    """The mean of f over samples; without reparametrization its gradient comes from `log_prob`. Raises ValueError where
    that is missing."""
    values = f(samples)
    if use_reparametrization:
        return reduce_mean(values, axis, keep_dims, name)
    if log_prob is None:
        raise ValueError("`log_prob` must be callable.")
    logs = log_prob(_stopped(samples))
    return reduce_mean(values + _stopped(values) * (logs - _stopped(logs)), axis, keep_dims, name)


stochastic_tensor = SimpleNamespace(MeanValue=MeanValue, SampleValue=SampleValue, StochasticTensor=StochasticTensor,
                                    get_current_value_type=get_current_value_type, value_type=value_type)
stochastic_graph = SimpleNamespace(surrogate_loss=surrogate_loss)
monte_carlo = SimpleNamespace(expectation=expectation)
