"""Integers that stand for a range of reals: to them, from them, and joined; on the host, in float32 as TensorFlow has
it. A value q of a type from `lowest` to `highest` and a range from `low` to `high` stands for, by the mode:
MIN_COMBINED: low + (q - lowest) (high - low) / (highest - lowest); MIN_FIRST: the same with a step for each of the
2^bits values and low rounded to a whole step; SCALED: q times one factor, so that 0 stands for 0.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import QUANTIZED, DType, float32
from ..errors import InvalidArgumentError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef, no_gradient
from .arguments import check_dtype, same_type

MODES = ("MIN_COMBINED", "MIN_FIRST", "SCALED")
F32 = np.float32
FARTHEST = np.finfo(F32).max  # the factor where the range has no width on a side


def _limits(dtype: DType) -> tuple[int, int]:
    info = np.iinfo(dtype.np)
    return int(info.min), int(info.max)


def _along(limits: np.ndarray, axis: int, rank: int) -> np.ndarray:
    """One limit for each element of an axis, shaped to broadcast."""
    return limits if axis < 0 else limits.reshape([-1 if k == axis else 1 for k in range(rank)])


def _rounded(x: np.ndarray) -> np.ndarray:
    """To whole numbers, halves away from 0."""
    return np.sign(x) * np.floor(np.abs(x) + F32(0.5))


def _cast(x: np.ndarray, dtype: DType) -> np.ndarray:
    """To the storage of a quantized type; what lies outside becomes its limit."""
    return np.clip(x.astype(np.float64), *_limits(dtype)).astype(dtype.np)


def _min_first(x: Any, low: Any, high: Any, dtype: DType) -> np.ndarray:
    """Before it is cut off at the limits of the type."""
    lowest, highest = _limits(dtype)
    steps = 2.0 ** (8 * dtype.size)
    scale = steps / ((float(high) - float(low)) * (steps / (steps - 1.0)))
    # float32 holds no 32 bits
    if dtype.size == 4:
        x = np.asarray(x, np.float64)
    else:
        scale = float(F32(scale))
        x = np.asarray(x, F32)
    return _rounded(x * x.dtype.type(scale)) - (_rounded(np.asarray(low * scale)) - lowest)


def _scaled_limits(low: np.ndarray, high: np.ndarray, dtype: DType, narrow: bool
                   ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(the factor from reals to integers, the least and the largest real that they reach)."""
    lowest, highest = _limits(dtype)
    lowest += narrow
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(lowest * low > 0, F32(lowest) / low, FARTHEST).astype(F32)
        above = np.where(highest * high > 0, F32(highest) / high, FARTHEST).astype(F32)
        factor = np.minimum(below, above)
        return factor, (F32(lowest) / factor).astype(F32), (F32(highest) / factor).astype(F32)


def _quantize(x: np.ndarray, low: np.ndarray, high: np.ndarray, dtype: DType, mode: str, round_mode: str,
              narrow_range: bool, axis: int, ensure_minimum_range: float) -> tuple[np.ndarray, ...]:
    if np.any(high < low):
        raise InvalidArgumentError(f"QuantizeV2: max_range must be >= min_range, received {high} and {low}")
    lowest, highest = _limits(dtype)
    least = np.maximum(F32(1), np.maximum(np.abs(low), np.abs(high))) * F32(ensure_minimum_range)
    low, high = np.minimum(F32(0), low), np.maximum(F32(0), np.maximum(high, np.minimum(F32(0), low) + least))
    if mode == "SCALED":
        factor, low, high = _scaled_limits(low, high, dtype, narrow_range)
    a, b = (_along(limit, axis, x.ndim) for limit in (low, high))
    if mode == "MIN_FIRST":
        values = _min_first(x, low, high, dtype)
    elif mode == "SCALED":
        scaled = np.clip(x, a, b) * _along(factor, axis, x.ndim)
        values = np.round(scaled) if round_mode == "HALF_TO_EVEN" else _rounded(scaled)
    else:
        factor = F32(highest - lowest) / (b - a)
        values = _rounded((np.clip(x, a, b) - a) * factor + F32(lowest))
    return _cast(values, dtype), np.asarray(low, F32), np.asarray(high, F32)


def _quantize_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, low, high = inputs
    check_dtype("QuantizeV2", x, (float32,), "input")
    return [TensorType(attrs["dtype"], x.dims), low.type, high.type]


quantize = OpDef("QuantizeV2", HOST, _quantize_types, no_gradient, _quantize)


def to_reals(q: np.ndarray, low: np.ndarray, high: np.ndarray, source: DType, mode: str, narrow_range: bool, axis: int
             ) -> np.ndarray:
    """What the integers stand for, float32."""
    lowest, highest = _limits(source)
    a, b = (_along(limit, axis, q.ndim) for limit in (low, high))
    if mode == "MIN_FIRST":
        steps = 2.0 ** (8 * source.size)
        step = (np.asarray(b, np.float64) - a) * (steps / (steps - 1)) / steps
        step = step if source.size == 4 else step.astype(F32)
        start = np.where(a == b, a, _rounded(a / np.where(step == 0, 1, step)) * step)
        return (start + (q.astype(np.float64) - lowest) * step).astype(F32)
    if mode == "SCALED":
        above = b / F32(highest)
        factor = above if lowest == 0 else np.maximum(a / F32(lowest + narrow_range), above)
        return q.astype(F32) * factor
    return (q.astype(F32) - F32(lowest)) * ((b - a) / F32(highest - lowest)) + a


def _dequantize_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    check_dtype("Dequantize", inputs[0], QUANTIZED, "input")
    return [TensorType(attrs["dtype"], inputs[0].dims)]


def _dequantize(q: np.ndarray, low: np.ndarray, high: np.ndarray, source: DType, dtype: DType, mode: str,
                narrow_range: bool, axis: int) -> np.ndarray:
    return to_reals(q, low, high, source, mode, narrow_range, axis).astype(dtype.np)


dequantize = OpDef("Dequantize", HOST, _dequantize_types, no_gradient, _dequantize)


def _requantize(q: np.ndarray, a: np.ndarray, b: np.ndarray, low: np.ndarray, high: np.ndarray, dtype: DType
                ) -> np.ndarray:
    if a == low and b == high:
        return q
    return _cast(_min_first(to_reals(q, a, b, dtype, "MIN_FIRST", False, -1), low, high, dtype), dtype)


# integers that stand for the range from a to b as those of the same type for another range
requantize = OpDef("RequantizedRange", HOST, same_type, no_gradient, _requantize)


# the whole number, perhaps outside the type, that stands for 0
zero_level = OpDef("QuantizedZero", HOST, lambda inputs, attrs: [TensorType(float32, ())], no_gradient,
                   lambda low, high, dtype: np.asarray(_min_first(np.float32(0), low, high, dtype), F32))


def _relu_x(q: np.ndarray, top: np.ndarray, low: np.ndarray, high: np.ndarray, source: DType, dtype: DType
            ) -> tuple[np.ndarray, ...]:
    bottom, limit = (_cast(_min_first(v, low, high, source), source) for v in (np.float32(0), top))
    return np.clip(q, bottom, limit).astype(dtype.np), low, high


relu_x = OpDef("QuantizedReluX", HOST, lambda inputs, attrs: [
    TensorType(attrs["dtype"], inputs[0].dims), *[TensorType(float32, ())] * 2], no_gradient, _relu_x)
