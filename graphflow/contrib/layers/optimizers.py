"""`optimize_loss`: a training step made of a loss and the name of an optimizer."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import summary
from ...clip_ops import clip_by_global_norm, global_norm
from ...compiler.dtypes import float32
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, exp, log, maximum, minimum, sqrt, square, where
from ...compiler.ops.gather import IndexedSlices
from ...compiler.ops.view import ones_of
from ...framework import GraphKeys, get_collection
from ...initializers import constant as constant_initializer
from ...initializers import zeros
from ...random_ops import truncated_normal
from ...train import (
    AdagradOptimizer,
    AdamOptimizer,
    FtrlOptimizer,
    GradientDescentOptimizer,
    MomentumOptimizer,
    Optimizer,
    RMSPropOptimizer,
    assert_global_step,
    get_global_step,
)
from ...training.moving_averages import assign_moving_average
from ...variable_lists import trainable_variables
from ...variable_scope import get_variable, variable_scope
from ..framework.shapes import assert_scalar
from ..training.training import Pairs, after, mapped, values_of

OPTIMIZER_CLS_NAMES: dict[str, Callable[..., Any]] = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "Momentum": lambda learning_rate: MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}
OPTIMIZER_SUMMARIES = ["learning_rate", "loss", "gradients", "gradient_norm", "global_gradient_norm"]


def optimize_loss(loss: Any, global_step: Any, learning_rate: Any, optimizer: Any,
                  gradient_noise_scale: float | None = None, gradient_multipliers: dict[Any, Any] | None = None,
                  clip_gradients: Any = None, learning_rate_decay_fn: Callable[[Any, Any], Any] | None = None,
                  update_ops: Any = None, variables: Sequence[Any] | None = None, name: str | None = None,
                  summaries: Sequence[str] | None = None, colocate_gradients_with_ops: bool = False,
                  increment_global_step: bool = True) -> Tensor:
    """The loss, as a tensor that first runs the updates and a training step.

    `optimizer` is a name ("SGD", "Adam", ...), a class, a function of the learning rate, or an Optimizer.
    `clip_gradients` is the largest global norm, or a function of (gradient, variable) pairs.
    """
    total = assert_scalar(convert_to_tensor(loss))
    if global_step is None:
        global_step = get_global_step()
    else:
        assert_global_step(global_step)
    wanted = ["loss", "learning_rate", "global_gradient_norm"] if summaries is None else summaries
    unknown = set(wanted) - set(OPTIMIZER_SUMMARIES)
    if unknown:
        raise ValueError(f"Summaries should be one of [{', '.join(OPTIMIZER_SUMMARIES)}], you provided "
                         f"{', '.join(unknown)}.")
    with variable_scope(name, "OptimizeLoss", [total, global_step]):
        updates = list(dict.fromkeys(get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else update_ops))
        if updates:
            total = after(updates, total)
        rate = _learning_rate(learning_rate)
        if rate is not None and learning_rate_decay_fn is not None:
            if global_step is None:
                raise ValueError("global_step is required for learning_rate_decay_fn.")
            rate = learning_rate_decay_fn(rate, global_step)
            if "learning_rate" in wanted:
                summary.scalar("learning_rate", rate)
        chosen = _optimizer(optimizer, rate)
        gradients = chosen.compute_gradients(
            total, trainable_variables() if variables is None else variables,
            colocate_gradients_with_ops=colocate_gradients_with_ops)
        gradients = _changed(gradients, gradient_noise_scale, gradient_multipliers)
        _summarize_norm(wanted, "global_norm/gradient_norm", gradients)
        if callable(clip_gradients):
            gradients = clip_gradients(gradients)
        elif isinstance(clip_gradients, float):
            clipped, _ = clip_by_global_norm([g for g, _ in gradients], clip_gradients)
            gradients = list(zip(clipped, (v for _, v in gradients), strict=True))
        elif clip_gradients is not None:
            raise ValueError(f"Unknown type {type(clip_gradients)} for clip_gradients")
        _summarize(wanted, total, gradients)
        if clip_gradients is not None:
            _summarize_norm(wanted, "global_norm/clipped_gradient_norm", gradients)
        applied = chosen.apply_gradients(gradients, global_step if increment_global_step else None, name="train")
        return after([applied], total)


def _learning_rate(value: Any) -> Any:
    if value is None or (isinstance(value, Tensor) and value.shape.ndims == 0):
        return value
    if not isinstance(value, float):
        raise ValueError(f"Learning rate should be 0d Tensor or float. Got {value} of type {type(value)}")
    if value < 0:
        raise ValueError(f"Invalid learning_rate {value}.")
    return get_variable("learning_rate", [], trainable=False, initializer=constant_initializer(value)).value()


def _optimizer(optimizer: Any, rate: Any) -> Any:
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZER_CLS_NAMES:
            raise ValueError(f"Optimizer name should be one of [{', '.join(OPTIMIZER_CLS_NAMES)}], you provided "
                             f"{optimizer}.")
        optimizer = OPTIMIZER_CLS_NAMES[optimizer]
        if rate is None:
            raise ValueError("Learning rate is None, but should be specified if optimizer is string.")
    if not callable(optimizer):
        raise ValueError("Unrecognized optimizer: should be string, subclass of Optimizer, instance of subclass of "
                         f"Optimizer or function with one argument. Got {optimizer}.")
    if rate is None and isinstance(optimizer, type):
        raise ValueError(f"Learning rate is None, but should be specified if optimizer is class ({optimizer}).")
    made = optimizer() if rate is None else optimizer(rate)
    if not isinstance(made, Optimizer):
        raise ValueError(f"Unrecognized optimizer: function should return subclass of Optimizer. Got {made}.")
    return made


def _changed(gradients: Any, noise: float | None, multipliers: dict[Any, Any] | None) -> list[tuple[Any, Any]]:
    changed = []
    for gradient, variable in gradients:
        if gradient is not None and noise is not None:
            gradient = convert_to_tensor(gradient) if isinstance(gradient, IndexedSlices) else gradient
            gradient = gradient + truncated_normal(gradient.shape, dtype=gradient.dtype) * noise
        key = variable if multipliers and variable in multipliers else variable.name
        if gradient is not None and multipliers and key in multipliers:
            gradient = mapped(gradient, lambda x, f=multipliers[key]: x * cast(convert_to_tensor(f), x.dtype))  # type: ignore[misc]
        changed.append((gradient, variable))
    return changed


def _summarize_norm(wanted: Sequence[str], name: str, gradients: Pairs) -> None:
    if "global_gradient_norm" in wanted or "gradient_norm" in wanted:
        summary.scalar(name, global_norm([g for g, _ in gradients]))


def _summarize(wanted: Sequence[str], loss: Tensor, gradients: Pairs) -> None:
    if "loss" in wanted:
        summary.scalar("loss", loss)
    for gradient, variable in gradients:
        values, name = values_of(gradient), variable.name.replace(":", "_")
        if values is not None and "gradients" in wanted:
            summary.histogram(f"gradients/{name}", values)
        if values is not None and "gradient_norm" in wanted:
            summary.scalar(f"gradient_norm/{name}", global_norm([values]))


def adaptive_clipping_fn(std_factor: float = 2.0, decay: float = 0.95, static_max_norm: float | None = None,
                         global_step: Any = None, report_summary: bool = False, epsilon: float = 1e-8,
                         name: str | None = None) -> Callable[[Any], Any]:
    """A function that scales gradients whose norm is far above the usual down to the usual.

    Far is `std_factor` standard deviations of the logarithm of the norm, whose moments are moving averages.
    """
    def moving(label: str, value: Tensor, keep: Any) -> Tensor:
        average = get_variable(label, value.shape, value.dtype, zeros(), trainable=False)
        return assign_moving_average(average, value, keep, zero_debias=False)

    def clip(grads_and_vars: Pairs) -> list[tuple[Any, Any]]:
        norm = global_norm([g for g, _ in grads_and_vars])
        with variable_scope(name, "AdaptiveMaxNorm", [norm]):
            size, keep = log(norm + epsilon), decay
            if global_step is not None:
                n = cast(global_step, float32)
                keep = minimum(n / (n + 1.0), decay)  # type: ignore[assignment]
            mean, mean_square = moving("mean", size, keep), moving("sq_mean", square(size), keep)
            spread = sqrt(maximum(mean_square - square(mean), epsilon))
            limit = exp(mean + std_factor * spread)
        if report_summary:
            summary.scalar("global_norm/adaptive_max_gradient_norm", limit)
        factor = where(norm < limit, ones_of(norm), exp(mean) / norm)
        if static_max_norm is not None:
            factor = minimum(static_max_norm / norm, factor)
        return [(mapped(g, lambda x: x * factor), v) for g, v in grads_and_vars]

    return clip
