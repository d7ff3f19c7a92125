"""`tf.contrib.mixed_precision`: losses scaled so that small gradients survive in float16 (Micikevicius et al. 2018)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.dtypes import float32, int32
from ..compiler.ir import Operation, Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import is_finite, logical_and, logical_not, maximum, where
from ..framework import group, no_op
from ..training.loss_scale import LossScale, MixedPrecisionLossScaleOptimizer, all_finite
from ..variables import Variable, assign

__all__ = ["ExponentialUpdateLossScaleManager", "FixedLossScaleManager", "LossScaleManager", "LossScaleOptimizer"]


class LossScaleManager:
    """Says what a loss is multiplied by, and how that follows from whether gradients were finite."""

    def get_loss_scale(self) -> Tensor:
        """The scale, a float32 scalar."""
        raise NotImplementedError("a LossScaleManager must define get_loss_scale")

    def update_loss_scale(self, finite_grads: Any) -> Operation:
        """The operation that adapts the scale; `finite_grads` is a bool scalar."""
        raise NotImplementedError("a LossScaleManager must define update_loss_scale")


class FixedLossScaleManager(LossScaleManager):
    """Always the same scale. Raises ValueError for one below 1."""

    def __init__(self, loss_scale: float):
        if loss_scale < 1:
            raise ValueError("loss scale must be at least 1.")
        self._loss_scale = constant(loss_scale, float32)

    def get_loss_scale(self) -> Tensor:
        return self._loss_scale

    def update_loss_scale(self, finite_grads: Any) -> Operation:
        return no_op()


class ExponentialUpdateLossScaleManager(LossScaleManager):
    """A scale that is multiplied by `incr_ratio` after `incr_every_n_steps` steps with finite gradients in a row, and
    by `decr_ratio` (down to 1) when `decr_every_n_nan_or_inf` steps were without, since it last changed."""

    def __init__(self, init_loss_scale: float, incr_every_n_steps: int, decr_every_n_nan_or_inf: int = 2,
                 incr_ratio: float = 2, decr_ratio: float = 0.8):
        self._incr_every, self._decr_every = incr_every_n_steps, decr_every_n_nan_or_inf
        self._incr_ratio, self._decr_ratio = incr_ratio, decr_ratio
        self._scale = Variable(float(init_loss_scale), trainable=False, name="loss_scale", dtype=float32)
        self._good = Variable(0, trainable=False, name="good_steps", dtype=int32)
        self._bad = Variable(0, trainable=False, name="bad_steps", dtype=int32)

    def get_loss_scale(self) -> Tensor:
        return convert_to_tensor(self._scale)

    def update_loss_scale(self, finite_grads: Any) -> Operation:
        finite, scale = convert_to_tensor(finite_grads), self.get_loss_scale()
        good, bad = convert_to_tensor(self._good) + 1, convert_to_tensor(self._bad) + 1
        grows = logical_and(finite, good >= self._incr_every)
        shrinks = logical_and(logical_not(finite), bad >= self._decr_every)
        larger, none = scale * self._incr_ratio, good * 0
        grown = where(logical_and(grows, is_finite(larger)), larger, scale)
        return group(
            assign(self._scale, where(shrinks, maximum(scale * self._decr_ratio, constant(1.0)), grown)),
            assign(self._good, where(logical_and(finite, logical_not(grows)), good, none)),
            assign(self._bad, where(finite, where(grows, none, bad - 1), where(shrinks, none, bad))))


class _Managed(LossScale):
    """A manager as a LossScale."""

    def __init__(self, manager: LossScaleManager):
        self._manager = manager

    def __call__(self) -> Tensor:
        return self._manager.get_loss_scale()

    def update(self, grads: Sequence[Any]) -> tuple[Operation, Any]:
        finite = all_finite(grads)
        return self._manager.update_loss_scale(finite), finite


class LossScaleOptimizer(MixedPrecisionLossScaleOptimizer):
    """An optimizer whose loss is multiplied by the manager's scale and whose gradients are divided by it; a step whose
    gradients are not finite is not taken."""

    def __init__(self, opt: Any, loss_scale_manager: LossScaleManager):
        super().__init__(opt, _Managed(loss_scale_manager))
