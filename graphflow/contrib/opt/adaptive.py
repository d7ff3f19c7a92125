"""Optimizers with updates of their own."""
from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...compiler.ir import Operation, Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops import scatter
from ...compiler.ops.gather import IndexedSlices, gather
from ...compiler.ops.reduction import reduce_sum
from ...compiler.ops.view import ones_of
from ...framework import group
from ...training.optimizer import Optimizer, summed
from ...training.optimizers import AdamOptimizer, MomentumOptimizer
from ...variables import assign, current_value

Like = Callable[[Any], Tensor]


class LazyAdamOptimizer(AdamOptimizer):
    """Adam that leaves the rows which a sparse gradient does not name as they are."""

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Operation:
        rate, b1, b2, eps = self._cast(var)
        rows, states = summed(grad, var), [var, self._slot(var, "m"), self._slot(var, "v")]
        value, m, v = (gather(current_value(s), grad.indices) for s in states)
        m, v = b1 * m + (1 - b1) * rows, b2 * v + (1 - b2) * rows * rows
        new = [value - rate * m / (ew.sqrt(v) + eps), m, v]
        return group(*(scatter.scatter_update(s.handle, grad.indices, n, depth=1)
                       for s, n in zip(states, new, strict=True)))


class NadamOptimizer(AdamOptimizer):
    """Adam with Nesterov's momentum (Dozat 2015): the step is along beta1 * m + (1 - beta1) * g."""

    def __init__(self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999, epsilon: Any = 1e-8,
                 use_locking: bool = False, name: str = "Nadam"):
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)

    def _apply_dense(self, grad: Tensor, var: Any) -> Operation:
        rate, b1, b2, eps = self._cast(var)
        m_slot, v_slot = self._slot(var, "m"), self._slot(var, "v")
        m, v = current_value(m_slot), current_value(v_slot)
        m, v = m + (grad - m) * (1 - b1), v + (grad * grad - v) * (1 - b2)
        step = rate * (b1 * m + (1 - b1) * grad) / (ew.sqrt(v) + eps)
        return group(assign(m_slot, m), assign(v_slot, v), assign(var, current_value(var) - step))

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Operation:
        rate, b1, b2, eps = self._cast(var)
        rows = summed(grad, var)
        m = self._decayed(self._slot(var, "m"), b1, rows, grad.indices)
        v = self._decayed(self._slot(var, "v"), b2, rows * rows, grad.indices)
        ahead = b1 * gather(m, grad.indices) + (1 - b1) * rows
        step = rate * ahead / (ew.sqrt(gather(v, grad.indices)) + eps)
        return scatter.scatter_update(var.handle, grad.indices, gather(current_value(var), grad.indices) - step,
                                      depth=1).op


class AdaMaxOptimizer(Optimizer):
    """Adam with the infinity norm (Kingma and Ba 2015, section 7.1). Sparse gradients change their rows alone."""

    element_slots = [("m", 0.0, None), ("v", 0.0, None)]

    def __init__(self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999, epsilon: Any = 1e-8,
                 use_locking: bool = False, name: str = "AdaMax"):
        super().__init__(use_locking, name)
        self._lr, self._beta1, self._beta2, self._epsilon = learning_rate, beta1, beta2, epsilon

    def _create_slots(self, var_list: list[Any]) -> None:
        first = min(var_list, key=lambda v: v.name)
        self._power = self._create_non_slot_variable(self._call_if_callable(self._beta1), "beta1_power", first)
        super()._create_slots(var_list)

    def _prepare(self) -> None:
        self._beta1_t = self._tensor(self._beta1, "beta1")
        self._beta2_t = self._tensor(self._beta2, "beta2")
        self._epsilon_t = self._tensor(self._epsilon, "epsilon")
        self._rate = self._tensor(self._lr, "learning_rate") / (1 - current_value(self._power))

    def _update_elements(self, like: Like, grad: Tensor, value: Tensor, *slots: Tensor) -> Sequence[Tensor]:
        rate, b1, b2, eps = map(like, (self._rate, self._beta1_t, self._beta2_t, self._epsilon_t))
        m = b1 * slots[0] + (1 - b1) * grad
        v = ew.maximum(b2 * slots[1], ew.abs_(grad))
        return [value - rate * m / (v + eps), m, v]

    def _finish(self, update_ops: list[Operation], name_scope: str) -> Operation:
        power = assign(self._power, current_value(self._power) * self._beta1_t)
        return group(*update_ops, power, name=name_scope)


class _SignOptimizer(Optimizer):
    """A gradient scaled by how its sign agrees with its moving average's (Bello et al. 2017)."""

    element_slots = [("m", 0.0, None)]

    def __init__(self, learning_rate: Any, beta: Any, sign_decay_fn: Callable[[Any], Any] | None, use_locking: bool,
                 name: str):
        super().__init__(use_locking, name)
        self._lr, self._beta, self._sign_decay_fn = learning_rate, beta, sign_decay_fn
        self._decay: Any = 1.0

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None,
                        name: str | None = None) -> Operation:
        if self._sign_decay_fn is not None:
            self._decay = self._sign_decay_fn(global_step)
        return super().apply_gradients(grads_and_vars, global_step, name)

    def _prepare(self) -> None:
        self._lr_t = self._tensor(self._lr, "learning_rate")
        self._beta_t = self._tensor(self._beta, "beta")
        self._decay_t = self._tensor(self._decay, "sign_decay")

    def _scale(self, like: Like, agreement: Tensor) -> Tensor:
        raise NotImplementedError

    def _update_elements(self, like: Like, grad: Tensor, value: Tensor, *slots: Tensor) -> Sequence[Tensor]:
        beta = like(self._beta_t)
        m = beta * slots[0] + (1 - beta) * grad
        agreement = like(self._decay_t) * ew.sign(grad) * ew.sign(m)
        return [value - like(self._lr_t) * self._scale(like, agreement) * grad, m]


class AddSignOptimizer(_SignOptimizer):
    """w -= learning_rate * (alpha + decay * sign(g) * sign(m)) * g."""

    def __init__(self, learning_rate: Any = 0.1, alpha: Any = 1.0, beta: Any = 0.9,
                 sign_decay_fn: Callable[[Any], Any] | None = None, use_locking: bool = False, name: str = "AddSign"):
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._alpha = alpha

    def _scale(self, like: Like, agreement: Tensor) -> Tensor:
        return agreement + self._alpha


class PowerSignOptimizer(_SignOptimizer):
    """w -= learning_rate * base ** (decay * sign(g) * sign(m)) * g."""

    def __init__(self, learning_rate: Any = 0.1, base: float = math.e, beta: Any = 0.9,
                 sign_decay_fn: Callable[[Any], Any] | None = None, use_locking: bool = False,
                 name: str = "PowerSign"):
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._log_base = math.log(base)

    def _scale(self, like: Like, agreement: Tensor) -> Tensor:
        return ew.exp(agreement * self._log_base)


class LARSOptimizer(MomentumOptimizer):
    """Momentum with a learning rate for each variable, from the norms of it and its gradient (You et al. 2017).

    Variables whose names contain an entry of `skip_list` are trained without.
    """

    def __init__(self, learning_rate: Any, momentum: Any = 0.9, weight_decay: float = 0.0001, eeta: float = 0.001,
                 epsilon: float = 0.0, name: str = "LARSOptimizer", skip_list: Sequence[str] | None = None,
                 use_nesterov: bool = False):
        if momentum < 0.0:
            raise ValueError(f"momentum should be positive: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"weight_decay should be positive: {weight_decay}")
        super().__init__(learning_rate, momentum, False, name, use_nesterov)
        self._weight_decay, self._eeta, self._norm_epsilon = weight_decay, eeta, epsilon
        self._skip_list = list(skip_list or ())

    def _apply_dense(self, grad: Tensor, var: Any) -> Operation:
        if any(skipped in var.name for skipped in self._skip_list):
            return super()._apply_dense(grad, var)
        value, plain_rate = current_value(var), self._learning_rate_tensor
        w_norm, g_norm = (ew.sqrt(reduce_sum(t * t)) for t in (value, grad))
        ratio = self._eeta * w_norm / (g_norm + self._weight_decay * w_norm + self._norm_epsilon)
        one = ones_of(ratio)
        trust = ew.where(w_norm > 0, ew.where(g_norm > 0, ratio, one), one)
        self._learning_rate_tensor = plain_rate * ew.cast(trust, plain_rate.dtype)
        try:
            return super()._apply_dense(grad + self._weight_decay * value, var)
        finally:
            self._learning_rate_tensor = plain_rate
