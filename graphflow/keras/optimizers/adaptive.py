"""Optimizers that scale each element's step by its history."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, maximum, minimum, power, rsqrt, sign, sqrt, square
from ...compiler.ops.reduction import reduce_mean, reduce_sum
from ...compiler.ops.view import expand_dims
from .. import initializers
from ..variables import Variable
from .adam import Adam
from .gradients import by_row, squared
from .optimizer import Optimizer, epsilon_or_default, steps_taken


class AdamW(Adam):
    """Adam with decay of the weights themselves (Loshchilov & Hutter 2017)."""

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9,
                 beta_2: float = 0.999, epsilon: float = 1e-7, amsgrad: bool = False, **kwargs: Any):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs)
        if self.weight_decay is None:
            raise ValueError("Argument `weight_decay` must be a float. Received: weight_decay=None")


class Adamax(Optimizer):
    """Adam by the infinity norm (Kingma & Ba 2014, section 7)."""

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon_or_default(epsilon)

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        return [("momentum", "norm")]

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        m, u = self.slot("momentum", variable), self.slot("norm", variable)
        m.assign_add((gradient - m) * (1 - self.beta_1))
        u.assign(maximum(u * self.beta_2, by_row(ew.abs_, gradient)))
        correction = 1 - power(cast(self.beta_1, variable.dtype), steps_taken(self, variable))
        variable.assign_sub(m * learning_rate / (correction * (u + self.epsilon)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


class Nadam(Optimizer):
    """Adam with Nesterov momentum (Dozat 2015)."""

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 schedule_decay: float | None = None, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)  # schedule_decay: Keras 2's name of a constant
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon_or_default(epsilon)

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        return [("momentum", "velocity")]

    def add_state(self, variables: Sequence[Variable]) -> None:
        self._product = self.add_variable((), "ones", variables[0].dtype if variables else None)

    def before_updates(self) -> None:
        self._product.assign(self._product * self._momentum_at(1))

    def _momentum_at(self, ahead: int) -> Tensor:
        step = cast(convert_to_tensor(self.iterations) + ahead, self._product.dtype)
        return self.beta_1 * (1 - 0.5 * power(cast(0.96, self._product.dtype), step))

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        now, following = (cast(self._momentum_at(i), variable.dtype) for i in (1, 2))
        product = cast(self._product.value(), variable.dtype)
        m, v = self.slot("momentum", variable), self.slot("velocity", variable)
        m.assign_add((gradient - m) * (1 - self.beta_1))
        v.assign_add((squared(gradient) - v) * (1 - self.beta_2))
        mean = m * following / (1 - product * following) + gradient * (1 - now) / (1 - product)
        spread = v / (1 - power(cast(self.beta_2, variable.dtype), steps_taken(self, variable)))
        variable.assign_sub(mean * learning_rate / (sqrt(spread) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


class Adagrad(Optimizer):
    """Gradients over the root of the sum of their squares (Duchi et al. 2011)."""

    def __init__(self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
                 **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon_or_default(epsilon)

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        return [("accumulator",)]

    def initial_slot(self, kind: str) -> Any:
        return initializers.Constant(self.initial_accumulator_value) if kind == "accumulator" else (
            super().initial_slot(kind))

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        total = self.slot("accumulator", variable)
        total.assign_add(squared(gradient))  # and where the gradient is 0, both stay as they are
        variable.assign_sub(by_row(lambda rows, squares: rows * learning_rate / sqrt(squares + self.epsilon), gradient,
                                   total.value()))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initial_accumulator_value": self.initial_accumulator_value,
                "epsilon": self.epsilon}


class Adadelta(Optimizer):
    """Gradients by the ratio of the roots of the mean squares of updates and gradients (Zeiler 2012)."""

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.rho, self.epsilon = rho, epsilon_or_default(epsilon)

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        return [("accumulated_grad", "accumulated_delta_var")]

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        grads, deltas = self.slot("accumulated_grad", variable), self.slot("accumulated_delta_var", variable)
        grads.assign(grads * self.rho + squared(gradient) * (1 - self.rho))
        delta = by_row(lambda rows, last, squares: -sqrt(last + self.epsilon) * rows / sqrt(squares + self.epsilon),
                       gradient, deltas.value(), grads.value())
        deltas.assign(deltas * self.rho + squared(delta) * (1 - self.rho))
        variable.assign_add(delta * learning_rate)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}


class Adafactor(Optimizer):
    """Squares of gradients kept by row and column (Shazeer & Stern 2018)."""

    state_by_weight = True

    def __init__(self, learning_rate: Any = 0.001, beta_2_decay: float = -0.8, epsilon_1: float = 1e-30,
                 epsilon_2: float = 1e-3, clip_threshold: float = 1.0, relative_step: bool = True, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def add_state(self, variables: Sequence[Variable]) -> None:
        self._rows: list[Any] = []
        self._columns: list[Any] = []
        for variable in variables:
            shape = variable.shape
            for kept, sizes in ((self._rows, shape[:-1]), (self._columns, (*shape[:-2], *shape[-1:]))):
                matrix = len(shape) > 1  # else a number that is not used, as in Keras's files
                kept.append(self.add_variable(sizes if matrix else (), "zeros", variable.dtype if matrix else "int32",
                                              name=variable.name))
            self.add_slot("velocity", variable)

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        step = steps_taken(self, variable)
        rate = minimum(learning_rate, rsqrt(step)) if self.relative_step and not callable(self._rate) else learning_rate
        size = maximum(_rms(variable.value()), self.epsilon_2) * minimum(rate, rsqrt(step))
        squares = squared(gradient) + self.epsilon_1
        decay = 1 - power(step, self.beta_2_decay)
        position, v = self._positions[variable.op], self.slot("velocity", variable)
        if len(variable.shape) > 1:
            r, c = self._rows[position], self._columns[position]
            r.assign(r * decay + reduce_mean(squares, -1) * (1 - decay))
            c.assign(c * decay + reduce_mean(squares, -2) * (1 - decay))
            rows = r.value() / reduce_mean(r.value(), -1, keepdims=True)
            v.assign(expand_dims(rows, -1) * expand_dims(c.value(), -2))
        else:
            v.assign(v * decay + squares * (1 - decay))
        update = by_row(lambda rows, squares: rows / sqrt(squares), gradient, v.value())
        variable.assign_sub(update / maximum(_rms(update) / self.clip_threshold, 1.0) * size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_2_decay": self.beta_2_decay, "epsilon_1": self.epsilon_1,
                "epsilon_2": self.epsilon_2, "clip_threshold": self.clip_threshold,
                "relative_step": self.relative_step}


def _rms(x: Tensor) -> Tensor:
    return sqrt(reduce_mean(squared(x)))


class Lion(Optimizer):
    """Steps by the sign of a momentum (Chen et al. 2023)."""

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer degenerates to "
                             f"SignSGD. Received: beta_1={beta_1}.")
        self.beta_1, self.beta_2 = beta_1, beta_2

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        return [("momentum",)]

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        m = self.slot("momentum", variable)
        variable.assign_sub(learning_rate * sign(m * self.beta_1 + gradient * (1 - self.beta_1)))
        m.assign(m * self.beta_2 + gradient * (1 - self.beta_2))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}


class Lamb(Optimizer):
    """Adam's step scaled to the norm of the weights of a layer (You et al. 2019)."""

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon_or_default(epsilon)

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        return [("momentum", "velocity")]

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        step = steps_taken(self, variable)
        m, v = self.slot("momentum", variable), self.slot("velocity", variable)
        m.assign_add((gradient - m) * (1 - self.beta_1))
        v.assign_add((squared(gradient) - v) * (1 - self.beta_2))
        mean = m / (1 - power(cast(self.beta_1, variable.dtype), step))
        update = mean / (sqrt(v / (1 - power(cast(self.beta_2, variable.dtype), step))) + self.epsilon)
        weights, steps = (sqrt(reduce_sum(square(t))) for t in (variable.value(), update))
        both = ew.logical_and(weights > 0.0, steps > 0.0)
        ratio = ew.where(both, weights / ew.where(both, steps, cast(1.0, steps.dtype)), cast(1.0, steps.dtype))
        variable.assign_sub(update * ratio * learning_rate)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


class Ftrl(Optimizer):
    """Follow the regularized leader (McMahan et al. 2013)."""

    def __init__(self, learning_rate: Any = 0.001, learning_rate_power: float = -0.5,
                 initial_accumulator_value: float = 0.1, l1_regularization_strength: float = 0.0,
                 l2_regularization_strength: float = 0.0, l2_shrinkage_regularization_strength: float = 0.0,
                 beta: float = 0.0, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        if initial_accumulator_value < 0 or learning_rate_power > 0 or l1_regularization_strength < 0 or (
                l2_regularization_strength < 0) or l2_shrinkage_regularization_strength < 0:
            raise ValueError("Ftrl: `learning_rate_power` must not be positive, the other arguments not negative. "
                             f"Received: learning_rate_power={learning_rate_power}, "
                             f"initial_accumulator_value={initial_accumulator_value}, "
                             f"l1_regularization_strength={l1_regularization_strength}, "
                             f"l2_regularization_strength={l2_regularization_strength}")
        self.learning_rate_power, self.beta = learning_rate_power, beta
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        return [("accumulator", "linear")]

    def initial_slot(self, kind: str) -> Any:
        return initializers.Constant(self.initial_accumulator_value) if kind == "accumulator" else (
            super().initial_slot(kind))

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        total, linear = self.slot("accumulator", variable), self.slot("linear", variable)
        w = variable.value()
        l2 = self.l2_regularization_strength + self.beta / (2.0 * learning_rate)
        new = total + squared(gradient)
        old_root, new_root = self._root(total.value()), self._root(new)
        linear.assign_add(gradient + w * (2 * self.l2_shrinkage_regularization_strength)
                          - (new_root - old_root) / learning_rate * w)
        strength = self.l1_regularization_strength
        clipped = minimum(maximum(linear.value(), -strength), strength)
        variable.assign((clipped - linear) / (new_root / learning_rate + 2 * l2))
        total.assign(new)

    def _root(self, total: Tensor) -> Tensor:
        return sqrt(total) if self.learning_rate_power == -0.5 else power(total, -self.learning_rate_power)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{key: getattr(self, key) for key in (
            "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength",
            "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta")}}
