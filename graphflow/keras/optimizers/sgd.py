"""Gradient descent."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...compiler.ir import Tensor
from ..variables import Variable
from .gradients import by_row
from .optimizer import Optimizer


class SGD(Optimizer):
    """w -= rate * g; with momentum v = momentum * v - rate * g, w += v (nesterov: w += momentum * v - rate * g)."""

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        if not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` must be a float between [0, 1]. Received: momentum={momentum}")
        self.momentum, self.nesterov = float(momentum), nesterov

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        return [("momentum",)] if self.momentum else []

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        step = by_row(lambda rows: rows * learning_rate, gradient)
        if not self.momentum:
            variable.assign_sub(step)
            return
        velocity = self.slot("momentum", variable)
        velocity.assign(velocity * self.momentum - step)
        variable.assign_add(velocity * self.momentum - step if self.nesterov else velocity)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
