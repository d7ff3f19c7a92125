"""Optimizers of matrices, and without schedules."""
from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.elementwise import cast, minimum, power, sqrt, square
from ...compiler.ops.reduction import reduce_sum
from ...compiler.ops.view import transpose
from .. import backend
from ..variables import Variable
from .gradients import squared
from .optimizer import Optimizer, steps_taken


class Muon(Optimizer):
    """Momentum made orthogonal for matrices (Jordan et al. 2024); AdamW for the other weights and embeddings."""

    state_by_weight = True

    def __init__(self, learning_rate: Any = 0.001, adam_beta_1: float = 0.9, adam_beta_2: float = 0.999,
                 adam_weight_decay: float | None = 0.004, epsilon: float = 1e-7, weight_decay: float | None = 0.004,
                 exclude_layers: Any = None, exclude_embeddings: bool = True, muon_a: float = 3.4445,
                 muon_b: float = -4.775, muon_c: float = 2.0315, adam_lr_ratio: float = 1, momentum: float = 0.95,
                 ns_steps: int = 5, nesterov: bool = True, rms_rate: float | None = 0.2, **kwargs: Any):
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)
        self.adam_beta_1, self.adam_beta_2, self.adam_weight_decay = adam_beta_1, adam_beta_2, adam_weight_decay
        self.epsilon, self.exclude_layers, self.exclude_embeddings = epsilon, exclude_layers or [], exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio, self.momentum, self.ns_steps = adam_lr_ratio, momentum, ns_steps
        self.nesterov, self.rms_rate = nesterov, rms_rate

    def _by_adam(self, variable: Variable) -> bool:
        return len(variable.shape) != 2 or self.exclude_embeddings and "embedding" in variable.path.lower() or any(
            re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def add_state(self, variables: Sequence[Variable]) -> None:
        self._velocities: dict[Any, Variable] = {}
        for variable in variables:
            self.add_slot("momentum", variable)
            if self._by_adam(variable):
                self.add_slot("velocity", variable)
                self._velocities[variable.op] = self.slot("velocity", variable)

    def decay_of(self, variable: Variable) -> float | None:
        return self.adam_weight_decay if self._by_adam(variable) else self.weight_decay

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        m = self.slot("momentum", variable)
        if variable.op in self._velocities:
            v, step = self._velocities[variable.op], steps_taken(self, variable)
            corrected = sqrt(1 - power(self.adam_beta_2, step)) / (1 - power(self.adam_beta_1, step))
            m.assign_add((gradient - m) * (1 - self.adam_beta_1))
            v.assign_add((squared(gradient) - v) * (1 - self.adam_beta_2))
            variable.assign_sub(m * (learning_rate * self.adam_lr_ratio * corrected) / (sqrt(v.value()) + self.epsilon))
            return
        m.assign(m * self.momentum + gradient)
        direction = gradient + m * self.momentum if self.nesterov else m.value()
        size = 1.0 if self.rms_rate is None else math.sqrt(max(variable.shape)) * self.rms_rate
        variable.assign_sub(self._orthogonal(direction) * learning_rate * size)

    def _orthogonal(self, x: Tensor) -> Tensor:
        """Nearly the orthogonal factor of a matrix, by Newton and Schulz's iteration."""
        tall = int(x.shape[0]) > int(x.shape[1])
        x = transpose(x) if tall else x
        x = x / (sqrt(reduce_sum(square(x))) + 1e-7)
        for _ in range(self.ns_steps):
            gram = matmul(x, x, transpose_b=True)
            x = x * self.muon_a + matmul(gram * self.muon_b + matmul(gram, gram) * self.muon_c, x)
        return transpose(x) if tall else x

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{key: getattr(self, key) for key in (
            "adam_beta_1", "adam_beta_2", "adam_weight_decay", "epsilon", "exclude_layers", "exclude_embeddings",
            "muon_a", "muon_b", "muon_c", "adam_lr_ratio", "momentum", "ns_steps", "nesterov", "rms_rate")}}


class ScheduleFreeAdamW(Optimizer):
    """AdamW on an interpolation of iterates and their average, which needs no schedule (Defazio et al. 2024)."""

    state_by_weight = True

    def __init__(self, learning_rate: Any = 0.0025, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
                 warmup_steps: int = 0, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        return [("momentum", "velocity")]

    def add_state(self, variables: Sequence[Variable]) -> None:
        for variable in variables:  # the iterates start at the weights
            backend.set_value(self.slot("momentum", variable), variable.numpy())

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        step = steps_taken(self, variable)
        if self.warmup_steps > 0:
            learning_rate = learning_rate * minimum(step / float(self.warmup_steps), 1.0)
        z, v = self.slot("momentum", variable), self.slot("velocity", variable)
        v.assign_add((squared(gradient) - v) * (1 - self.beta_2))
        spread = sqrt(v / (1 - power(cast(self.beta_2, variable.dtype), step))) + self.epsilon
        z.assign_sub(learning_rate * gradient / spread)
        # from the iterate after its step, as Keras does
        average = (variable - z * (1 - self.beta_1)) / self.beta_1
        average = average * (1 - 1 / step) + z / step
        variable.assign(z * (1 - self.beta_1) + average * self.beta_1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon,
                "warmup_steps": self.warmup_steps}
