"""Learning rates that fall with the step: tensors computed from `global_step` in each run."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..compiler.dtypes import int32, int64
from ..compiler.ir import Tensor
from ..compiler.ops import elementwise as ew
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, where
from ..compiler.ops.view import ones_of, zeros_of
from ..framework import name_scope
from ..random_ops import random_normal


def _steps(learning_rate: Any, global_step: Any, decay_steps: Any) -> tuple[Tensor, Tensor, Tensor]:
    if global_step is None:
        raise ValueError("global_step is required for a decayed learning rate.")
    rate = convert_to_tensor(learning_rate, name="learning_rate")
    step, total = cast(convert_to_tensor(global_step), rate.dtype), cast(convert_to_tensor(decay_steps), rate.dtype)
    return rate, step, total


def exponential_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
                      name: str | None = None) -> Tensor:
    """learning_rate * decay_rate ** (step / decay_steps); `staircase` rounds the exponent down."""
    with name_scope(name, "ExponentialDecay") as scope:
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        exponent = ew.floor(step / total) if staircase else step / total
        return ew.multiply(rate, ew.power(convert_to_tensor(decay_rate, rate.dtype), exponent), scope)


def natural_exp_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
                      name: str | None = None) -> Tensor:
    """learning_rate * exp(-decay_rate * step / decay_steps)."""
    with name_scope(name, "ExponentialDecay") as scope:
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        exponent = step / total
        return ew.multiply(rate, ew.exp(-(ew.floor(exponent) if staircase else exponent) * decay_rate), scope)


def inverse_time_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
                       staircase: bool = False, name: str | None = None) -> Tensor:
    """learning_rate / (1 + decay_rate * step / decay_steps)."""
    with name_scope(name, "InverseTimeDecay") as scope:
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        passed = step / total
        return ew.real_divide(rate, 1 + (ew.floor(passed) if staircase else passed) * decay_rate, scope)


def polynomial_decay(learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001,
                     power: Any = 1.0, cycle: bool = False, name: str | None = None) -> Tensor:
    """From `learning_rate` to `end_learning_rate` as (1 - step / decay_steps) ** power falls from 1 to 0.

    With `cycle`, decay_steps is multiplied so that the step always lies within it.
    """
    with name_scope(name, "PolynomialDecay") as scope:
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        end = convert_to_tensor(end_learning_rate, rate.dtype)
        if cycle:
            total = total * where(ew.equal(step, zeros_of(step)), ones_of(step), ew.ceil(step / total))
        else:
            step = ew.minimum(step, total)
        fallen = (rate - end) * ew.power(1 - step / total, convert_to_tensor(power, rate.dtype))
        return ew.add(fallen, end, scope)


def cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0,
                 name: str | None = None) -> Tensor:
    """From learning_rate to alpha * learning_rate along half a cosine (Loshchilov and Hutter 2017)."""
    with name_scope(name, "CosineDecay"):
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        cosine = 0.5 * (1 + ew.cos(math.pi * (ew.minimum(step, total) / total)))
        return rate * ((1 - alpha) * cosine + alpha)


def cosine_decay_restarts(learning_rate: Any, global_step: Any, first_decay_steps: Any, t_mul: Any = 2.0,
                          m_mul: Any = 1.0, alpha: Any = 0.0, name: str | None = None) -> Tensor:
    """Half cosines one after another, each `t_mul` times as long and `m_mul` times as high as the one before it
    (Loshchilov and Hutter 2017)."""
    with name_scope(name, "SGDRDecay") as scope:
        rate, step, first = _steps(learning_rate, global_step, first_decay_steps)
        longer, lower, floor = (convert_to_tensor(v, rate.dtype) for v in (t_mul, m_mul, alpha))
        passed = step / first
        plain_round = ew.floor(passed)
        round_ = ew.floor(ew.log(1 - passed * (1 - longer)) / ew.log(longer))
        begun = (1 - ew.power(longer, round_)) / (1 - longer)
        same = ew.equal(longer, ones_of(longer))
        fraction = where(same, passed - plain_round, (passed - begun) / ew.power(longer, round_))
        height = ew.power(lower, where(same, plain_round, round_))
        cosine = 0.5 * height * (1 + ew.cos(math.pi * fraction))
        return ew.multiply(rate, (1 - floor) * cosine + floor, scope)


def linear_cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, num_periods: Any = 0.5,
                        alpha: Any = 0.0, beta: Any = 0.001, name: str | None = None) -> Tensor:
    """A falling line times a cosine of `num_periods` periods (Bello et al. 2017)."""
    with name_scope(name, "LinearCosineDecay") as scope:
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        passed = ew.minimum(step, total) / total
        cosine = 0.5 * (1 + ew.cos(math.pi * (2 * _like(num_periods, rate)) * passed))
        return ew.multiply(rate, (_like(alpha, rate) + (1 - passed)) * cosine + _like(beta, rate), scope)


def noisy_linear_cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, initial_variance: Any = 1.0,
                              variance_decay: Any = 0.55, num_periods: Any = 0.5, alpha: Any = 0.0, beta: Any = 0.001,
                              name: str | None = None) -> Tensor:
    """`linear_cosine_decay` with normal noise of variance initial_variance / (1 + step) ** variance_decay on the line
    (Bello et al. 2017)."""
    with name_scope(name, "NoisyLinearCosineDecay") as scope:
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        step = ew.minimum(step, total)
        deviation = ew.sqrt(_like(initial_variance, rate) / ew.power(1 + step, _like(variance_decay, rate)))
        passed = step / total
        noisy = 1 - passed + random_normal(passed.shape, dtype=rate.dtype) * deviation
        cosine = 0.5 * (1 + ew.cos(math.pi * (2 * _like(num_periods, rate)) * passed))
        return ew.multiply(rate, (_like(alpha, rate) + noisy) * cosine + _like(beta, rate), scope)


def _like(value: Any, rate: Tensor) -> Tensor:
    return cast(convert_to_tensor(value), rate.dtype)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Tensor:
    """values[k] while boundaries[k - 1] < x <= boundaries[k].

    Raises ValueError for a boundary or value of another dtype than `x` or the first value.
    """
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    with name_scope(name, "PiecewiseConstant"):
        step = convert_to_tensor(x)
        limits, levels = [convert_to_tensor(b) for b in boundaries], [convert_to_tensor(v) for v in values]
        for i, limit in enumerate(limits):
            if limit.dtype != step.dtype:
                if limit.dtype != int32 or step.dtype != int64:
                    raise ValueError(f"Boundaries ({limit.dtype.name}) must have the same dtype as x "
                                     f"({step.dtype.name}).")
                limits[i] = cast(limit, int64)
        if any(level.dtype != levels[0].dtype for level in levels):
            raise ValueError(f"Values must have elements all with the same dtype ({levels[0].dtype.name}), received "
                             f"{', '.join(level.dtype.name for level in levels)}")
        result = levels[-1]
        for limit, level in zip(reversed(limits), reversed(levels[:-1]), strict=True):
            result = where(step <= limit, level, result)
        return result


piecewise_constant_decay = piecewise_constant
