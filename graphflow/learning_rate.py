"""Learning rates that fall with the step: tensors computed from `global_step` in each run."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .compiler.ir import Tensor
from .compiler.ops import elementwise as ew
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, where
from .compiler.ops.view import ones_of, zeros_of
from .framework import name_scope


def _steps(learning_rate: Any, global_step: Any, decay_steps: Any) -> tuple[Tensor, Tensor, Tensor]:
    if global_step is None:
        raise ValueError("global_step is required for a decayed learning rate.")
    rate = convert_to_tensor(learning_rate, name="learning_rate")
    step, total = cast(convert_to_tensor(global_step), rate.dtype), cast(convert_to_tensor(decay_steps), rate.dtype)
    return rate, step, total


def exponential_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
                      name: str | None = None) -> Tensor:
    """learning_rate * decay_rate ** (step / decay_steps); `staircase` rounds the exponent down."""
    with name_scope(name, "ExponentialDecay"):
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        exponent = step / total
        return rate * ew.power(convert_to_tensor(decay_rate, rate.dtype), ew.floor(exponent) if staircase else exponent)


def natural_exp_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
                      name: str | None = None) -> Tensor:
    """learning_rate * exp(-decay_rate * step / decay_steps)."""
    with name_scope(name, "ExponentialDecay"):
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        exponent = step / total
        return rate * ew.exp(-(ew.floor(exponent) if staircase else exponent) * decay_rate)


def inverse_time_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
                       staircase: bool = False, name: str | None = None) -> Tensor:
    """learning_rate / (1 + decay_rate * step / decay_steps)."""
    with name_scope(name, "InverseTimeDecay"):
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        passed = step / total
        return rate / (1 + (ew.floor(passed) if staircase else passed) * decay_rate)


def polynomial_decay(learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001,
                     power: Any = 1.0, cycle: bool = False, name: str | None = None) -> Tensor:
    """From `learning_rate` to `end_learning_rate` as (1 - step / decay_steps) ** power falls from 1 to 0.

    With `cycle`, decay_steps is multiplied so that the step always lies within it.
    """
    with name_scope(name, "PolynomialDecay"):
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        end = convert_to_tensor(end_learning_rate, rate.dtype)
        if cycle:
            total = total * where(ew.equal(step, zeros_of(step)), ones_of(step), ew.ceil(step / total))
        else:
            step = ew.minimum(step, total)
        return (rate - end) * ew.power(1 - step / total, convert_to_tensor(power, rate.dtype)) + end


def cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0,
                 name: str | None = None) -> Tensor:
    """From learning_rate to alpha * learning_rate along half a cosine (Loshchilov and Hutter 2017)."""
    with name_scope(name, "CosineDecay"):
        rate, step, total = _steps(learning_rate, global_step, decay_steps)
        cosine = 0.5 * (1 + ew.cos(math.pi * (ew.minimum(step, total) / total)))
        return rate * ((1 - alpha) * cosine + alpha)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Tensor:
    """values[k] while boundaries[k - 1] < x <= boundaries[k]."""
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    with name_scope(name, "PiecewiseConstant"):
        step = convert_to_tensor(x)
        result = convert_to_tensor(values[-1])
        for boundary, value in zip(reversed(boundaries), reversed(values[:-1]), strict=True):
            limit = convert_to_tensor(boundary)
            result = where(step <= (limit if limit.dtype == step.dtype else cast(limit, step.dtype)),
                           convert_to_tensor(value, result.dtype), result)
        return result
