"""Scaling of losses, so that small gradients survive half precision (Micikevicius et al. 2018)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.dtypes import float32, int64
from ..compiler.ir import Operation, Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import cast, is_finite, logical_and, maximum, where
from ..compiler.ops.reduction import reduce_all
from ..compiler.ops.slicing import stack
from ..control_flow import cond
from ..framework import group, no_op
from ..indexed_slices import IndexedSlices
from ..variables import Variable, assign
from .optimizer import Optimizer

__all__ = ["DynamicLossScale", "FixedLossScale", "LossScale", "MixedPrecisionLossScaleOptimizer"]


def all_finite(grads: Sequence[Any]) -> Tensor:
    """Whether no gradient (None aside) has an infinity or NaN."""
    values = [g.values if isinstance(g, IndexedSlices) else convert_to_tensor(g) for g in grads if g is not None]
    return reduce_all(stack([reduce_all(is_finite(value)) for value in values])) if values else constant(True)


class LossScale:
    """What a loss is multiplied by: subclasses have `__call__`, `update` and `get_config`."""

    def __call__(self) -> Tensor:
        """The scale, a float32 scalar."""
        raise NotImplementedError("a LossScale must define __call__")

    def update(self, grads: Sequence[Any]) -> tuple[Operation, Any]:
        """(the operation that adapts the scale to a step's gradients, whether the step is to be taken)."""
        raise NotImplementedError("a LossScale must define update")

    def get_config(self) -> dict[str, Any]:
        """Its arguments."""
        raise NotImplementedError("a LossScale must define get_config")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One with these arguments."""
        return cls(**config)


class FixedLossScale(LossScale):
    """The same scale, at least 1, for all steps. Raises ValueError for what is no number or is below 1."""

    def __init__(self, loss_scale_value: float):
        if not isinstance(loss_scale_value, (int, float)):
            raise ValueError(f"loss_scale_value must be a Python int or float, received {loss_scale_value!r}")
        if loss_scale_value < 1:
            raise ValueError(f"loss_scale_value must be at least 1, received {loss_scale_value}")
        self._loss_scale_value = float(loss_scale_value)

    def __call__(self) -> Tensor:
        """The scale."""
        return constant(self._loss_scale_value, float32)

    def update(self, grads: Sequence[Any]) -> tuple[Operation, Any]:
        """(nothing, True)."""
        return no_op(), True

    def get_config(self) -> dict[str, Any]:
        """Its argument."""
        return {"loss_scale_value": self._loss_scale_value}


class DynamicLossScale(LossScale):
    """A scale that grows by `multiplier` after `increment_period` steps in a row with finite gradients, and shrinks by
    it, to 1 at the least, after a step without, which is not taken."""

    def __init__(self, initial_loss_scale: float = 2**15, increment_period: int = 2000, multiplier: float = 2.0):
        self._config = {"initial_loss_scale": float(initial_loss_scale), "increment_period": int(increment_period),
                        "multiplier": float(multiplier)}
        self._scale = Variable(float(initial_loss_scale), trainable=False, name="current_loss_scale", dtype=float32)
        self._good_steps = Variable(0, trainable=False, name="good_steps", dtype=int64)

    @property
    def initial_loss_scale(self) -> float:
        return self._config["initial_loss_scale"]

    @property
    def increment_period(self) -> int:
        return int(self._config["increment_period"])

    @property
    def multiplier(self) -> float:
        return self._config["multiplier"]

    def __call__(self) -> Tensor:
        """The scale."""
        return convert_to_tensor(self._scale)

    def update(self, grads: Sequence[Any]) -> tuple[Operation, Any]:
        """(the operation that adapts the scale, whether all gradients are finite)."""
        finite, scale = all_finite(grads), self()
        steps = convert_to_tensor(self._good_steps) + 1
        grows = steps >= self.increment_period
        larger = scale * self.multiplier
        kept = where(logical_and(grows, is_finite(larger)), larger, scale)
        one = constant(1.0)
        return group(assign(self._scale, where(finite, kept, maximum(scale / self.multiplier, one))),
                     assign(self._good_steps, where(finite, where(grows, steps * 0, steps), steps * 0))), finite

    def get_config(self) -> dict[str, Any]:
        """Its arguments."""
        return dict(self._config)


def loss_scale_of(loss_scale: Any) -> LossScale:
    """A LossScale, "dynamic" or a number as a LossScale. Raises ValueError for anything else."""
    if isinstance(loss_scale, LossScale):
        return loss_scale
    if isinstance(loss_scale, str):
        if loss_scale != "dynamic":
            raise ValueError(f'Expected loss_scale to be a LossScale, a number or "dynamic", received {loss_scale!r}')
        return DynamicLossScale()
    return FixedLossScale(loss_scale)


class MixedPrecisionLossScaleOptimizer(Optimizer):
    """An optimizer whose loss is multiplied by `loss_scale` (a LossScale, a number or "dynamic") and whose gradients
    are divided by it; a step whose gradients are not finite is not taken where the scale says so."""

    def __init__(self, opt: Optimizer, loss_scale: Any):
        if not isinstance(opt, Optimizer):
            raise ValueError(f'"opt" must be an instance of Optimizer, but got: {type(opt).__name__}')
        self._optimizer, self._loss_scale = opt, loss_scale_of(loss_scale)
        super().__init__(False, f"{type(self).__name__}_{opt.get_name()}")

    def compute_gradients(self, loss: Any, var_list: Any = None, *args: Any, **kwargs: Any) -> list[Any]:
        """The optimizer's (gradient, variable) pairs of the scaled loss, scaled back."""
        scale = self._loss_scale()
        scaled = (lambda: loss() * cast(scale, loss().dtype)) if callable(loss) else loss * cast(scale, loss.dtype)
        pairs = self._optimizer.compute_gradients(scaled, var_list, *args, **kwargs)
        return [(None if g is None else self._unscaled(g, 1 / scale), v) for g, v in pairs]

    @staticmethod
    def _unscaled(grad: Any, factor: Tensor) -> Any:
        if isinstance(grad, IndexedSlices):
            return IndexedSlices(grad.values * cast(factor, grad.dtype), grad.indices, grad.dense_shape)
        return grad * cast(factor, grad.dtype)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Operation:
        """The operation that takes the step, if it is to be taken, and adapts the scale."""
        pairs = list(grads_and_vars)
        update, taken = self._loss_scale.update([g for g, _ in pairs])
        if taken is True:
            return group(self._optimizer.apply_gradients(pairs, global_step), update, name=name)

        def step() -> Operation:
            return self._optimizer.apply_gradients(pairs, global_step)

        return group(cond(taken, step, no_op), update, name=name)

    def get_slot(self, var: Any, name: str) -> Any:
        """The optimizer's."""
        return self._optimizer.get_slot(var, name)

    def get_slot_names(self) -> list[str]:
        """The optimizer's."""
        return self._optimizer.get_slot_names()

    def variables(self) -> list[Any]:
        """The optimizer's."""
        return self._optimizer.variables()
