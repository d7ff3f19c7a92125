"""The updates that TensorFlow's optimizers are made of (`tensorflow.python.training.training_ops`), for optimizers that
programs write: each changes the variable and its slots, and gives the variable's new value."""
from __future__ import annotations

from typing import Any

from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import rsqrt, sqrt
from ..framework import control_dependencies
from ..variables import assign

__all__ = [f"{prefix}_{name}" for prefix in ("apply", "resource_apply")
           for name in ("adadelta", "adagrad", "adam", "gradient_descent", "momentum", "rms_prop")]


def _updated(name: str | None, var: Any, value: Tensor, **slots: tuple[Any, Tensor]) -> Tensor:
    with control_dependencies([assign(slot, new) for slot, new in slots.values()]):
        return assign(var, value, name=name)


def apply_gradient_descent(var: Any, alpha: Any, delta: Any, use_locking: bool = False, name: str | None = None
                           ) -> Tensor:
    """var -= alpha delta."""
    return _updated(name or "ApplyGradientDescent", var, var - alpha * convert_to_tensor(delta))


def apply_momentum(var: Any, accum: Any, lr: Any, grad: Any, momentum: Any, use_locking: bool = False,
                   use_nesterov: bool = False, name: str | None = None) -> Tensor:
    """accum = momentum accum + grad; var -= lr accum, or with Nesterov lr (grad + momentum accum)."""
    total = accum * momentum + grad
    step = grad + momentum * total if use_nesterov else total
    return _updated(name or "ApplyMomentum", var, var - lr * step, accum=(accum, total))


def apply_adam(var: Any, m: Any, v: Any, beta1_power: Any, beta2_power: Any, lr: Any, beta1: Any, beta2: Any,
               epsilon: Any, grad: Any, use_locking: bool = False, use_nesterov: bool = False, name: str | None = None
               ) -> Tensor:
    """Adam (Kingma and Ba 2015, before section 2.1), with Nesterov of Dozat 2016."""
    mean, square = m + (grad - m) * (1 - beta1), v + (grad * grad - v) * (1 - beta2)
    step = mean * beta1 + grad * (1 - beta1) if use_nesterov else mean
    rate = lr * sqrt(convert_to_tensor(1 - beta2_power)) / (1 - beta1_power)
    return _updated(name or "ApplyAdam", var, var - step * rate / (sqrt(square) + epsilon), m=(m, mean), v=(v, square))


def apply_adagrad(var: Any, accum: Any, lr: Any, grad: Any, use_locking: bool = False, update_slots: bool = True,
                  name: str | None = None) -> Tensor:
    """accum += grad^2, if `update_slots`; var -= lr grad / sqrt(accum)."""
    total = accum + grad * grad if update_slots else convert_to_tensor(accum)
    return _updated(name or "ApplyAdagrad", var, var - lr * grad * rsqrt(total), accum=(accum, total))


def apply_rms_prop(var: Any, ms: Any, mom: Any, lr: Any, rho: Any, momentum: Any, epsilon: Any, grad: Any,
                   use_locking: bool = False, name: str | None = None) -> Tensor:
    """ms += (grad^2 - ms)(1 - rho); mom = momentum mom + lr grad / sqrt(ms + epsilon); var -= mom."""
    square = ms + (grad * grad - ms) * (1 - rho)
    step = mom * momentum + lr * grad * rsqrt(square + epsilon)
    return _updated(name or "ApplyRMSProp", var, var - step, ms=(ms, square), mom=(mom, step))


def apply_adadelta(var: Any, accum: Any, accum_update: Any, lr: Any, rho: Any, epsilon: Any, grad: Any,
                   use_locking: bool = False, name: str | None = None) -> Tensor:
    """Adadelta (Zeiler 2012), its step times lr."""
    square = accum * rho + grad * grad * (1 - rho)
    step = sqrt(accum_update + epsilon) * rsqrt(square + epsilon) * grad
    steps = accum_update * rho + step * step * (1 - rho)
    return _updated(name or "ApplyAdadelta", var, var - lr * step, accum=(accum, square), steps=(accum_update, steps))


resource_apply_adadelta, resource_apply_adagrad, resource_apply_adam = apply_adadelta, apply_adagrad, apply_adam
resource_apply_gradient_descent, resource_apply_momentum = apply_gradient_descent, apply_momentum
resource_apply_rms_prop = apply_rms_prop
