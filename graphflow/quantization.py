"""Values rounded as an integer of few bits would hold them, for training that foresees quantization.

Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference".
"""
from __future__ import annotations

from typing import Any

from .compiler.ir import Operation, Tensor
from .compiler.ops import custom
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import equal, floor, logical_and, maximum, minimum, where
from .compiler.ops.reduction import sum_to
from .compiler.ops.view import known_rank, ones_of, stop_gradient, zeros_of
from .framework import name_scope
from .quantized import dequantize as dequantize
from .quantized import quantize as quantize
from .quantized import quantized_concat as quantized_concat


def _nudged(low: Tensor, high: Tensor, num_bits: int, narrow_range: bool) -> tuple[Tensor, Tensor, Tensor]:
    """(lowest value, highest value, step), moved so that 0 is one of the values."""
    if not 2 <= num_bits <= 16:
        raise ValueError(f"num_bits must be between 2 and 16, inclusive, received {num_bits}")
    first, last = (1.0 if narrow_range else 0.0), float(2 ** num_bits - 1)
    step = (high - low) / (last - first)
    safe = where(equal(step, zeros_of(step)), ones_of(step), step)
    zero = minimum(maximum(floor(first - low / safe + 0.5), first), last)
    return (first - zero) * step, (last - zero) * step, step


def _rounded(x: Tensor, low: Tensor, high: Tensor, num_bits: int, narrow_range: bool) -> Tensor:
    bottom, top, step = _nudged(low, high, num_bits, narrow_range)
    safe = where(equal(step, zeros_of(step)), ones_of(step), step)
    return floor((minimum(maximum(x, bottom), top) - bottom) / safe + 0.5) * step + bottom


def _gradients(g: Tensor, x: Tensor, low: Tensor, high: Tensor, num_bits: int, narrow_range: bool
               ) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x and, not yet summed, of the limits: what lies outside moves with the limit there. Limits that
    are still 0, as variables for them start, cut nothing off."""
    bottom, top, step = _nudged(low, high, num_bits, narrow_range)
    unset = equal(step, zeros_of(step))
    bottom, top = where(unset, bottom - float("inf"), bottom), where(unset, top + float("inf"), top)
    none = zeros_of(g)
    return (where(logical_and(x >= bottom, x <= top), g, none), where(x < bottom, g, none), where(x > top, g, none))


def _fake_quant(inputs: Any, low: Any, high: Any, num_bits: int, narrow_range: bool, name: str | None,
                default_name: str, limits_rank: int | None) -> Tensor:
    x = convert_to_tensor(inputs, "float32")
    bottom, top = convert_to_tensor(low, x.dtype), convert_to_tensor(high, x.dtype)
    for limit in (bottom, top):
        if limits_rank is not None and len(known_rank(default_name, limit)) != limits_rank:
            raise ValueError(f"{default_name}: the limits must have rank {limits_rank}, received {limit!r}")

    def grad(op: Operation, g: Tensor, *_: Tensor | None) -> list[Tensor | None]:
        return [None, *_gradients(g, x, bottom, top, num_bits, narrow_range)]

    with name_scope(name, default_name, [x]):
        y = _rounded(stop_gradient(x), stop_gradient(bottom), stop_gradient(top), num_bits, narrow_range)
        return custom.identity_n(y, x, bottom, top, grad=grad)


def fake_quant_with_min_max_args(inputs: Any, min: float = -6, max: float = 6, num_bits: int = 8,
                                 narrow_range: bool = False, name: str | None = None) -> Tensor:
    """Values moved into [min, max] and rounded to the 2^num_bits values that lie evenly between; gradients flow where
    nothing was cut off."""
    if not min < max:
        raise ValueError(f"min has to be smaller than max, was: {min} >= {max}")
    return _fake_quant(inputs, float(min), float(max), num_bits, narrow_range, name, "FakeQuantWithMinMaxArgs", 0)


def fake_quant_with_min_max_vars(inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False,
                                 name: str | None = None) -> Tensor:
    """As `fake_quant_with_min_max_args`, with limits that are tensors and have gradients."""
    return _fake_quant(inputs, min, max, num_bits, narrow_range, name, "FakeQuantWithMinMaxVars", 0)


def fake_quant_with_min_max_vars_per_channel(inputs: Any, min: Any, max: Any, num_bits: int = 8,
                                             narrow_range: bool = False, name: str | None = None) -> Tensor:
    """As `fake_quant_with_min_max_vars`, with limits of their own for each element of the last axis."""
    return _fake_quant(inputs, min, max, num_bits, narrow_range, name, "FakeQuantWithMinMaxVarsPerChannel", 1)


def _gradient(gradients: Any, inputs: Any, low: Any, high: Any, num_bits: int, narrow_range: bool
              ) -> tuple[Tensor, Tensor, Tensor]:
    x = convert_to_tensor(inputs, "float32")
    bottom, top = convert_to_tensor(low, x.dtype), convert_to_tensor(high, x.dtype)
    dx, dlow, dhigh = _gradients(convert_to_tensor(gradients, x.dtype), x, bottom, top, num_bits, narrow_range)
    return dx, sum_to(dlow, bottom), sum_to(dhigh, top)


def fake_quant_with_min_max_args_gradient(gradients: Any, inputs: Any, min: float = -6, max: float = 6,
                                          num_bits: int = 8, narrow_range: bool = False,
                                          name: str | None = None) -> Tensor:
    """The gradient of `fake_quant_with_min_max_args`."""
    return _gradient(gradients, inputs, float(min), float(max), num_bits, narrow_range)[0]


def fake_quant_with_min_max_vars_gradient(gradients: Any, inputs: Any, min: Any, max: Any, num_bits: int = 8,
                                          narrow_range: bool = False, name: str | None = None
                                          ) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of `fake_quant_with_min_max_vars` for the inputs and the limits."""
    return _gradient(gradients, inputs, min, max, num_bits, narrow_range)


fake_quant_with_min_max_vars_per_channel_gradient = fake_quant_with_min_max_vars_gradient
