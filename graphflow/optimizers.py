"""The optimizers, with TensorFlow's formulas. Updates are ordinary graph, which the compiler fuses into one loop."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .compiler.ir import Operation, Tensor
from .compiler.ops.elementwise import rsqrt, sqrt
from .framework import group
from .optimizer import Optimizer, current, like
from .variables import assign


class GradientDescentOptimizer(Optimizer):
    """w -= learning_rate * g."""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def _prepare(self) -> None:
        self._rate = self._tensor(self._learning_rate, "learning_rate")

    def _apply(self, grad: Tensor, variable: Any) -> Sequence[Any]:
        return [assign(variable, current(variable) - like(self._rate, variable) * grad)]


class MomentumOptimizer(Optimizer):
    """a = momentum * a + g; w -= learning_rate * a, or with Nesterov w -= learning_rate * (g + momentum * a)."""

    def __init__(self, learning_rate: Any, momentum: Any, use_locking: bool = False, name: str = "Momentum",
                 use_nesterov: bool = False):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov

    def _create_slots(self, var_list: list[Any]) -> None:
        for v in var_list:
            self._slot(v, "momentum")

    def _prepare(self) -> None:
        self._rate = self._tensor(self._learning_rate, "learning_rate")
        self._decay = self._tensor(self._momentum, "momentum")

    def _apply(self, grad: Tensor, variable: Any) -> Sequence[Any]:
        rate, momentum = like(self._rate, variable), like(self._decay, variable)
        slot = self._slot(variable, "momentum")
        accumulated = momentum * current(slot) + grad
        step = grad * rate + accumulated * momentum * rate if self._use_nesterov else rate * accumulated
        return [assign(slot, accumulated), assign(variable, current(variable) - step)]


class AdamOptimizer(Optimizer):
    """Adam as TensorFlow computes it (Kingma and Ba 2015, section 2, the variant before section 2.1).

    m += (g - m)(1 - beta1), v += (g^2 - v)(1 - beta2), w -= rate * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) +
    epsilon): epsilon is added to the uncorrected sqrt(v).
    """

    def __init__(self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999, epsilon: Any = 1e-8,
                 use_locking: bool = False, name: str = "Adam", use_own_namescope_for_non_slot_vars: bool = False):
        super().__init__(use_locking, name, use_own_namescope_for_non_slot_vars)
        self._learning_rate = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon

    def _create_slots(self, var_list: list[Any]) -> None:
        graph = var_list[0].graph
        self._non_slot("beta1_power", _number(self._beta1), graph)
        self._non_slot("beta2_power", _number(self._beta2), graph)
        for v in var_list:
            self._slot(v, "m")
            self._slot(v, "v")
        self._graph = graph

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        return self._non_slots["beta1_power", self._graph], self._non_slots["beta2_power", self._graph]

    def _prepare(self) -> None:
        rate = self._tensor(self._learning_rate, "learning_rate")
        self._b1 = self._tensor(self._beta1, "beta1")
        self._b2 = self._tensor(self._beta2, "beta2")
        self._eps = self._tensor(self._epsilon, "epsilon")
        self._powers = [current(p) for p in self._get_beta_accumulators()]
        power1, power2 = self._powers
        self._rate = rate * sqrt(1 - power2) / (1 - power1)

    def _apply(self, grad: Tensor, variable: Any) -> Sequence[Any]:
        rate, b1, b2, eps = (like(t, variable) for t in (self._rate, self._b1, self._b2, self._eps))
        m_slot, v_slot = self._slot(variable, "m"), self._slot(variable, "v")
        m, v = current(m_slot), current(v_slot)
        m = m + (grad - m) * (1 - b1)
        v = v + (grad * grad - v) * (1 - b2)
        return [assign(m_slot, m), assign(v_slot, v), assign(variable, current(variable) - m * rate / (sqrt(v) + eps))]

    def _finish(self, updates: list[Operation], name: str) -> Operation:
        powers = [assign(variable, value * beta) for variable, value, beta in zip(
            self._get_beta_accumulators(), self._powers, (self._b1, self._b2), strict=True)]
        return group(*updates, *powers, name=name)


def _number(value: Any) -> Any:
    return value() if callable(value) else value


class AdagradOptimizer(Optimizer):
    """a += g^2; w -= learning_rate * g / sqrt(a) (Duchi et al. 2011)."""

    def __init__(self, learning_rate: Any, initial_accumulator_value: float = 0.1, use_locking: bool = False,
                 name: str = "Adagrad"):
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial = initial_accumulator_value

    def _create_slots(self, var_list: list[Any]) -> None:
        for v in var_list:
            self._slot(v, "accumulator", self._initial)

    def _prepare(self) -> None:
        self._rate = self._tensor(self._learning_rate, "learning_rate")

    def _apply(self, grad: Tensor, variable: Any) -> Sequence[Any]:
        slot = self._slot(variable, "accumulator")
        total = current(slot) + grad * grad
        step = like(self._rate, variable) * grad * rsqrt(total)
        return [assign(slot, total), assign(variable, current(variable) - step)]


class RMSPropOptimizer(Optimizer):
    """r += (g^2 - r)(1 - decay); m = momentum * m + learning_rate * g / sqrt(r + epsilon); w -= m.

    `centered` subtracts the square of the mean gradient from r under the root (Tieleman and Hinton 2012; Graves 2013).
    """

    def __init__(self, learning_rate: Any, decay: Any = 0.9, momentum: Any = 0.0, epsilon: Any = 1e-10,
                 use_locking: bool = False, centered: bool = False, name: str = "RMSProp"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered

    def _create_slots(self, var_list: list[Any]) -> None:
        for v in var_list:
            self._slot(v, "rms", 1.0)
            if self._centered:
                self._slot(v, "mg")
            self._slot(v, "momentum")

    def _prepare(self) -> None:
        self._rate = self._tensor(self._learning_rate, "learning_rate")
        self._rho = self._tensor(self._decay, "decay")
        self._mu = self._tensor(self._momentum, "momentum")
        self._eps = self._tensor(self._epsilon, "epsilon")

    def _apply(self, grad: Tensor, variable: Any) -> Sequence[Any]:
        rate, rho, mu, eps = (like(t, variable) for t in (self._rate, self._rho, self._mu, self._eps))
        rms_slot, momentum_slot = self._slot(variable, "rms"), self._slot(variable, "momentum")
        rms = current(rms_slot)
        rms = rms + (grad * grad - rms) * (1 - rho)
        updates, spread = [assign(rms_slot, rms)], rms + eps
        if self._centered:
            mean_slot = self._slot(variable, "mg")
            mean = current(mean_slot)
            mean = mean + (grad - mean) * (1 - rho)
            updates.append(assign(mean_slot, mean))
            spread = spread - mean * mean
        step = mu * current(momentum_slot) + rate * grad * rsqrt(spread)
        return [*updates, assign(momentum_slot, step), assign(variable, current(variable) - step)]


class AdadeltaOptimizer(Optimizer):
    """Steps scaled by the ratio of the running sizes of past steps and gradients (Zeiler 2012)."""

    def __init__(self, learning_rate: Any = 0.001, rho: Any = 0.95, epsilon: Any = 1e-8, use_locking: bool = False,
                 name: str = "Adadelta"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._rho = rho
        self._epsilon = epsilon

    def _create_slots(self, var_list: list[Any]) -> None:
        for v in var_list:
            self._slot(v, "accum")
            self._slot(v, "accum_update")

    def _prepare(self) -> None:
        self._rate = self._tensor(self._learning_rate, "lr")
        self._decay = self._tensor(self._rho, "rho")
        self._eps = self._tensor(self._epsilon, "epsilon")

    def _apply(self, grad: Tensor, variable: Any) -> Sequence[Any]:
        rate, rho, eps = (like(t, variable) for t in (self._rate, self._decay, self._eps))
        squares_slot, steps_slot = self._slot(variable, "accum"), self._slot(variable, "accum_update")
        squares = current(squares_slot) * rho + grad * grad * (1 - rho)
        steps = current(steps_slot)
        step = sqrt(steps + eps) * rsqrt(squares + eps) * grad
        return [assign(squares_slot, squares), assign(steps_slot, steps * rho + step * step * (1 - rho)),
                assign(variable, current(variable) - rate * step)]
