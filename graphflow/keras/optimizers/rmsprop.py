"""RMSprop."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.elementwise import sqrt, square
from ..variables import Variable
from .gradients import squared
from .optimizer import Optimizer, epsilon_or_default


class RMSprop(Optimizer):
    """Gradients over the root of their mean square (Hinton 2012); `centered`: over their standard deviation."""

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
                 centered: bool = False, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.rho, self.momentum = rho, momentum
        self.epsilon = epsilon_or_default(epsilon)
        self.centered = centered

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        return [("velocity",), *([("momentum",)] if self.momentum > 0 else []),
                *([("average_gradient",)] if self.centered else [])]

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        velocity = self.slot("velocity", variable)
        velocity.assign(velocity * self.rho + squared(gradient) * (1 - self.rho))
        spread = velocity.value()
        if self.centered:
            average = self.slot("average_gradient", variable)
            average.assign(average * self.rho + gradient * (1 - self.rho))
            spread = spread - square(average.value())
        step = learning_rate * gradient / sqrt(spread + self.epsilon)
        if self.momentum > 0:
            momentum = self.slot("momentum", variable)
            momentum.assign(momentum * self.momentum + step)
            step = momentum.value()
        variable.assign_sub(step)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon,
                "centered": self.centered}
