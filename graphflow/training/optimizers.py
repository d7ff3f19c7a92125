"""The optimizers, with TensorFlow's formulas. Updates are ordinary graph, which the compiler fuses into one loop."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..compiler.ir import Operation, Tensor
from ..compiler.ops import scatter
from ..compiler.ops.elementwise import cast, rsqrt, sqrt
from ..compiler.ops.gather import IndexedSlices, gather
from ..framework import control_dependencies, group
from ..variable_scope import variable_scope
from ..variables import assign, current_value
from .optimizer import Optimizer, summed

Like = Callable[[Any], Tensor]


class GradientDescentOptimizer(Optimizer):
    """w -= learning_rate * g."""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def _prepare(self) -> None:
        self._learning_rate_tensor = self._tensor(self._learning_rate, "learning_rate")

    def _update_elements(self, like: Like, grad: Tensor, value: Tensor, *slots: Tensor) -> Sequence[Tensor]:
        return [value - like(self._learning_rate_tensor) * grad]

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Operation:
        step = cast(self._learning_rate_tensor, var.dtype) * grad.values
        return scatter.scatter_sub(var.handle, grad.indices, step, depth=1).op


class MomentumOptimizer(Optimizer):
    """a = momentum * a + g; w -= learning_rate * a, or with Nesterov w -= learning_rate * (g + momentum * a)."""

    element_slots = [("momentum", 0.0, None)]

    def __init__(self, learning_rate: Any, momentum: Any, use_locking: bool = False, name: str = "Momentum",
                 use_nesterov: bool = False):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov

    def _prepare(self) -> None:
        self._learning_rate_tensor = self._tensor(self._learning_rate, "learning_rate")
        self._momentum_tensor = self._tensor(self._momentum, "momentum")

    def _update_elements(self, like: Like, grad: Tensor, value: Tensor, *slots: Tensor) -> Sequence[Tensor]:
        rate, momentum = like(self._learning_rate_tensor), like(self._momentum_tensor)
        accumulated = momentum * slots[0] + grad
        step = grad * rate + accumulated * momentum * rate if self._use_nesterov else rate * accumulated
        return [value - step, accumulated]


class AdamOptimizer(Optimizer):
    """Adam as TensorFlow computes it (Kingma and Ba 2015, section 2, the variant before section 2.1).

    m += (g - m)(1 - beta1), v += (g^2 - v)(1 - beta2), w -= rate * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) +
    epsilon): epsilon is added to the uncorrected sqrt(v). A sparse gradient counts as zero in the rows that it does not
    name: their moments decay and move the variable too.
    """

    def __init__(self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999, epsilon: Any = 1e-8,
                 use_locking: bool = False, name: str = "Adam", use_own_namescope_for_non_slot_vars: bool = False):
        super().__init__(use_locking, name)
        self._lr = learning_rate
        if use_own_namescope_for_non_slot_vars:
            with variable_scope(None, name) as self._non_slot_scope:
                pass
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon

    def _create_slots(self, var_list: list[Any]) -> None:
        first = min(var_list, key=lambda v: v.name)
        self._create_non_slot_variable(self._call_if_callable(self._beta1), "beta1_power", first)
        self._create_non_slot_variable(self._call_if_callable(self._beta2), "beta2_power", first)
        for v in var_list:
            self._zeros_slot(v, "m", self._name)
            self._zeros_slot(v, "v", self._name)
        self._graph = first.graph

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        return (self._get_non_slot_variable("beta1_power", self._graph),
                self._get_non_slot_variable("beta2_power", self._graph))

    def _prepare(self) -> None:
        self._lr_t = self._tensor(self._lr, "learning_rate")
        self._beta1_t = self._tensor(self._beta1, "beta1")
        self._beta2_t = self._tensor(self._beta2, "beta2")
        self._epsilon_t = self._tensor(self._epsilon, "epsilon")
        self._powers = [current_value(p) for p in self._get_beta_accumulators()]
        power1, power2 = self._powers
        self._rate = cast(self._lr_t, power1.dtype) * sqrt(1 - power2) / (1 - power1)

    def _cast(self, var: Any) -> list[Tensor]:
        return [cast(t, var.dtype) for t in (self._rate, self._beta1_t, self._beta2_t, self._epsilon_t)]

    def _apply_dense(self, grad: Tensor, var: Any) -> Operation:
        rate, b1, b2, eps = self._cast(var)
        m_slot, v_slot = self._slot(var, "m"), self._slot(var, "v")
        m, v = current_value(m_slot), current_value(v_slot)
        m = m + (grad - m) * (1 - b1)
        v = v + (grad * grad - v) * (1 - b2)
        return group(assign(m_slot, m), assign(v_slot, v), assign(var, current_value(var) - m * rate / (sqrt(v) + eps)),
                     name=f"Apply{self._name}")

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Operation:
        rate, b1, b2, eps = self._cast(var)
        rows = summed(grad, var)
        m = self._decayed(self._slot(var, "m"), b1, rows, grad.indices)
        v = self._decayed(self._slot(var, "v"), b2, rows * rows, grad.indices)
        return assign(var, current_value(var) - rate * m / (sqrt(v) + eps)).op

    def _decayed(self, slot: Any, beta: Tensor, rows: Tensor, indices: Tensor) -> Tensor:
        """The slot as a moving average of `rows` at `indices`, and of 0 elsewhere."""
        old = current_value(slot)
        new_rows = beta * gather(old, indices) + (1 - beta) * rows
        with control_dependencies([assign(slot, old * beta)]):
            return scatter.scatter_update(slot.handle, indices, new_rows, depth=1)

    def _finish(self, update_ops: list[Operation], name_scope: str) -> Operation:
        powers = [assign(variable, value * beta) for variable, value, beta in zip(
            self._get_beta_accumulators(), self._powers, (self._beta1_t, self._beta2_t), strict=True)]
        return group(*update_ops, *powers, name=name_scope)


class AdagradOptimizer(Optimizer):
    """a += g^2; w -= learning_rate * g / sqrt(a) (Duchi et al. 2011)."""

    def __init__(self, learning_rate: Any, initial_accumulator_value: float = 0.1, use_locking: bool = False,
                 name: str = "Adagrad"):
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self.element_slots = [("accumulator", initial_accumulator_value, None)]

    def _prepare(self) -> None:
        self._learning_rate_tensor = self._tensor(self._learning_rate, "learning_rate")

    def _update_elements(self, like: Like, grad: Tensor, value: Tensor, *slots: Tensor) -> Sequence[Tensor]:
        total = slots[0] + grad * grad
        return [value - like(self._learning_rate_tensor) * grad * rsqrt(total), total]


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
        self.element_slots = [("rms", 1.0, None), *([("mg", 0.0, None)] if centered else []), ("momentum", 0.0, None)]

    def _prepare(self) -> None:
        self._learning_rate_tensor = self._tensor(self._learning_rate, "learning_rate")
        self._decay_tensor = self._tensor(self._decay, "decay")
        self._momentum_tensor = self._tensor(self._momentum, "momentum")
        self._epsilon_tensor = self._tensor(self._epsilon, "epsilon")

    def _update_elements(self, like: Like, grad: Tensor, value: Tensor, *slots: Tensor) -> Sequence[Tensor]:
        rate, rho, mu, eps = map(like, (self._learning_rate_tensor, self._decay_tensor, self._momentum_tensor,
                                        self._epsilon_tensor))
        rms, *mean, moved = slots
        rms = rms + (grad * grad - rms) * (1 - rho)
        spread = rms + eps
        if mean:
            mean = [mean[0] + (grad - mean[0]) * (1 - rho)]
            spread = spread - mean[0] * mean[0]
        step = mu * moved + rate * grad * rsqrt(spread)
        return [value - step, rms, *mean, step]


class AdadeltaOptimizer(Optimizer):
    """Steps scaled by the ratio of the running sizes of past steps and gradients (Zeiler 2012)."""

    element_slots = [("accum", 0.0, None), ("accum_update", 0.0, None)]

    def __init__(self, learning_rate: Any = 0.001, rho: Any = 0.95, epsilon: Any = 1e-8, use_locking: bool = False,
                 name: str = "Adadelta"):
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._rho = rho
        self._epsilon = epsilon

    def _prepare(self) -> None:
        self._lr_t = self._tensor(self._lr, "lr")
        self._rho_t = self._tensor(self._rho, "rho")
        self._epsilon_t = self._tensor(self._epsilon, "epsilon")

    def _update_elements(self, like: Like, grad: Tensor, value: Tensor, *slots: Tensor) -> Sequence[Tensor]:
        rate, rho, eps = map(like, (self._lr_t, self._rho_t, self._epsilon_t))
        squares, steps = slots
        squares = squares * rho + grad * grad * (1 - rho)
        step = sqrt(steps + eps) * rsqrt(squares + eps) * grad
        return [value - rate * step, squares, steps * rho + step * step * (1 - rho)]
