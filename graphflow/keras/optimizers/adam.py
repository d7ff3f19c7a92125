"""Adam."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...compiler.dtypes import DType
from ...compiler.ir import Tensor
from ...compiler.ops.elementwise import maximum, power, sqrt
from ..variables import Variable
from .gradients import squared
from .optimizer import Optimizer, epsilon_or_default, steps_taken


class Adam(Optimizer):
    """Kingma & Ba 2014, the bias corrections in the rate; `amsgrad`: Reddi et al. 2018."""

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 amsgrad: bool = False, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon = epsilon_or_default(epsilon)
        self.amsgrad = amsgrad

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        return [("momentum", "velocity"), *([("velocity_hat",)] if self.amsgrad else [])]

    def before_updates(self) -> None:
        self._rates: dict[DType, Tensor] = {}

    def _corrected(self, learning_rate: Tensor, variable: Variable) -> Tensor:
        """The rate with the bias corrections of this step, one for all variables of a dtype."""
        if variable.dtype not in self._rates:
            step = steps_taken(self, variable)
            self._rates[variable.dtype] = (
                learning_rate * sqrt(1 - power(self.beta_2, step)) / (1 - power(self.beta_1, step)))
        return self._rates[variable.dtype]

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        rate = self._corrected(learning_rate, variable)
        m, v = self.slot("momentum", variable), self.slot("velocity", variable)
        m.assign_add((gradient - m) * (1 - self.beta_1))
        v.assign_add((squared(gradient) - v) * (1 - self.beta_2))
        if self.amsgrad:
            peak = self.slot("velocity_hat", variable)
            peak.assign(maximum(peak.value(), v.value()))
            v = peak
        variable.assign_sub(m * rate / (sqrt(v.value()) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon,
                "amsgrad": self.amsgrad}
