"""Optimizers for sparse models: each step solves for the value with l1 and l2 penalties (proximal and FTRL steps)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.dtypes import int64
from ..compiler.ir import Tensor
from ..compiler.ops.elementwise import abs_, cast, maximum, power, rsqrt, sign, sqrt, where
from ..compiler.ops.view import identity, zeros_of
from .optimizer import Optimizer
from .optimizers import Like


def _shrunk(value: Tensor, rate: Tensor, l1: Tensor, l2: Tensor) -> Tensor:
    """The proximal step: towards 0 by rate * l1, then divided by 1 + rate * l2."""
    return sign(value) * maximum(abs_(value) - rate * l1, zeros_of(value)) / (1 + rate * l2)


def _rates(optimizer: Optimizer, rate: Any, l1: Any, l2: Any) -> list[Tensor]:
    """The learning rate and the strengths of the penalties as tensors."""
    names = "learning_rate", "l1_regularization_strength", "l2_regularization_strength"
    return [optimizer._tensor(value, name) for value, name in zip((rate, l1, l2), names, strict=True)]


class ProximalGradientDescentOptimizer(Optimizer):
    """Gradient descent, then the proximal step of the l1 and l2 penalties (Duchi and Singer 2009)."""

    def __init__(self, learning_rate: Any, l1_regularization_strength: float = 0.0,
                 l2_regularization_strength: float = 0.0, use_locking: bool = False,
                 name: str = "ProximalGradientDescent"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength

    def _prepare(self) -> None:
        self._rates = _rates(self, self._learning_rate, self._l1, self._l2)

    def _update_elements(self, like: Like, grad: Tensor, value: Tensor, *slots: Tensor) -> Sequence[Tensor]:
        rate, l1, l2 = map(like, self._rates)
        return [_shrunk(value - rate * grad, rate, l1, l2)]


class ProximalAdagradOptimizer(Optimizer):
    """Adagrad with the proximal step of the l1 and l2 penalties (Duchi and Singer 2009)."""

    def __init__(self, learning_rate: Any, initial_accumulator_value: float = 0.1,
                 l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0,
                 use_locking: bool = False, name: str = "ProximalAdagrad"):
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1, self._l2 = l1_regularization_strength, l2_regularization_strength
        self.element_slots = [("accumulator", initial_accumulator_value, None)]

    def _prepare(self) -> None:
        self._rates = _rates(self, self._learning_rate, self._l1, self._l2)

    def _update_elements(self, like: Like, grad: Tensor, value: Tensor, *slots: Tensor) -> Sequence[Tensor]:
        rate, l1, l2 = map(like, self._rates)
        total = slots[0] + grad * grad
        own = rate * rsqrt(total)
        return [_shrunk(value - grad * own, own, l1, l2), total]


class AdagradDAOptimizer(Optimizer):
    """Adagrad dual averaging: the value follows from the sums of gradients and squares (Duchi et al. 2011)."""

    def __init__(self, learning_rate: Any, global_step: Any, initial_gradient_squared_accumulator_value: float = 0.1,
                 l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0,
                 use_locking: bool = False, name: str = "AdagradDA"):
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError("initial_gradient_squared_accumulator_value must be positive: "
                             f"{initial_gradient_squared_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._global_step = global_step
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength
        self.element_slots = [("gradient_accumulator", 0.0, None),
                      ("gradient_squared_accumulator", initial_gradient_squared_accumulator_value, None)]

    def _prepare(self) -> None:
        self._learning_rate_tensor = self._tensor(self._learning_rate, "learning_rate")
        self._step = cast(identity(self._global_step), int64) + 1

    def _update_elements(self, like: Like, grad: Tensor, value: Tensor, *slots: Tensor) -> Sequence[Tensor]:
        rate, step = like(self._learning_rate_tensor), like(self._step)
        total, squares = slots[0] + grad, slots[1] + grad * grad
        shrunk = sign(total) * maximum(abs_(total) - self._l1 * step, zeros_of(total))
        return [-rate * shrunk / (self._l2 * step * rate + sqrt(squares)), total, squares]


class FtrlOptimizer(Optimizer):
    """Follow the regularized leader, with l1, l2 and shrinkage l2 penalties (McMahan et al. 2013)."""

    def __init__(self, learning_rate: Any, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
                 l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0,
                 use_locking: bool = False, name: str = "Ftrl", accum_name: str | None = None,
                 linear_name: str | None = None, l2_shrinkage_regularization_strength: float = 0.0,
                 beta: float | None = None):
        super().__init__(use_locking, name)
        for what, value, wrong in (
                ("initial_accumulator_value", initial_accumulator_value, initial_accumulator_value < 0.0),
                ("l1_regularization_strength", l1_regularization_strength, l1_regularization_strength < 0.0),
                ("l2_regularization_strength", l2_regularization_strength, l2_regularization_strength < 0.0),
                ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength,
                 l2_shrinkage_regularization_strength < 0.0)):
            if wrong:
                raise ValueError(f"{what} {value} needs to be positive or zero")
        if learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power {learning_rate_power} needs to be negative or zero")
        self._learning_rate = learning_rate
        self._learning_rate_power = learning_rate_power
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength
        self._shrinkage = l2_shrinkage_regularization_strength
        self._beta = 0.0 if beta is None else beta
        self.element_slots = [("accum", initial_accumulator_value, accum_name), ("linear", 0.0, linear_name)]

    def _prepare(self) -> None:
        self._learning_rate_tensor = self._tensor(self._learning_rate, "learning_rate")

    def _root(self, value: Tensor) -> Tensor:
        return sqrt(value) if self._learning_rate_power == -0.5 else power(value, -self._learning_rate_power)

    def _update_elements(self, like: Like, grad: Tensor, value: Tensor, *slots: Tensor) -> Sequence[Tensor]:
        rate = like(self._learning_rate_tensor)
        accumulated, linear = slots
        l2 = self._l2 + self._beta / (2 * rate) if self._beta else self._l2
        total = accumulated + grad * grad
        root = self._root(total)
        shrunk = grad + 2 * self._shrinkage * value if self._shrinkage else grad
        linear = linear + shrunk - (root - self._root(accumulated)) / rate * value
        quadratic = root / rate + 2 * l2
        new = (self._l1 * sign(linear) - linear) / quadratic
        return [where(abs_(linear) > self._l1, new, zeros_of(value)), total, linear]


__all__ = ["AdagradDAOptimizer", "FtrlOptimizer", "ProximalAdagradOptimizer", "ProximalGradientDescentOptimizer"]
