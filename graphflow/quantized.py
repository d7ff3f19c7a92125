"""Quantized tensors under TensorFlow's names: integers of few bits, and the range of reals that they stand for."""
from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

from .compiler.dtypes import QUANTIZED, as_dtype, float32, float64, int32, qint8, qint16, qint32, quint8
from .compiler.errors import DTypeError, InvalidArgumentError
from .compiler.ir import Tensor
from .compiler.ops import quantized as ops
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, maximum, minimum, rint
from .compiler.ops.view import known_rank, zeros
from .compiler.shapes import normalize_axis
from .convolution import conv2d
from .late import concat
from .pooling import avg_pool, max_pool


class QuantizeV2(NamedTuple):
    """A quantized tensor, and the range that it stands for, which includes 0."""

    output: Tensor
    output_min: Tensor
    output_max: Tensor


class QuantizedConcat(NamedTuple):
    """Quantized tensors joined, and the range that they stand for."""

    output: Tensor
    output_min: Tensor
    output_max: Tensor


class QuantizedConv2D(NamedTuple):
    """A convolution of quantized tensors, and the range that it stands for."""

    output: Tensor
    min_output: Tensor
    max_output: Tensor


class QuantizedAvgPool(NamedTuple):
    """A pooled quantized tensor, and its range."""

    output: Tensor
    min_output: Tensor
    max_output: Tensor


class QuantizedMaxPool(NamedTuple):
    """A pooled quantized tensor, and its range."""

    output: Tensor
    min_output: Tensor
    max_output: Tensor


class QuantizedReluX(NamedTuple):
    """Quantized activations, and their range."""

    activations: Tensor
    min_activations: Tensor
    max_activations: Tensor


def _checked(op: str, mode: str, dtype: Any) -> Any:
    if mode not in ops.MODES:
        raise ValueError(f"Attr 'mode' of '{op}' Op passed string {mode!r} not in: "
                         f"{', '.join(map(repr, ops.MODES))}.")
    if dtype not in QUANTIZED:
        raise DTypeError(f"{op}: Value passed to parameter 'T' has DataType {dtype.name} not in list of allowed "
                         f"values: {', '.join(d.name for d in QUANTIZED)}")
    return dtype


def _axis(op: str, x: Tensor, axis: int | None) -> int:
    return -1 if axis is None or axis == -1 else normalize_axis(op, axis, len(known_rank(op, x)))


def quantize(input: Any, min_range: Any, max_range: Any, T: Any, mode: str = "MIN_COMBINED",
             round_mode: str = "HALF_AWAY_FROM_ZERO", name: str | None = None, narrow_range: bool = False,
             axis: int | None = None, ensure_minimum_range: float = 0.01) -> QuantizeV2:
    """Float32 values as integers of the quantized type `T` that stand for the range from `min_range` to `max_range`,
    which is widened to hold 0 and to be at least `ensure_minimum_range` of its size wide.

    Modes: "MIN_COMBINED", "MIN_FIRST" (0 stands for itself), "SCALED" (symmetric for signed types, without the lowest
    integer if `narrow_range`; `round_mode` may be "HALF_TO_EVEN"). With `axis` the limits are vectors, one for each of
    its elements. Raises TypeError for another `T`, ValueError for another mode, InvalidArgumentError at run time for
    limits in the wrong order.
    """
    x = convert_to_tensor(input, float32)
    low, high = convert_to_tensor(min_range, float32), convert_to_tensor(max_range, float32)
    if mode != "SCALED" and round_mode != "HALF_AWAY_FROM_ZERO":
        raise InvalidArgumentError(f"Round mode {round_mode!r} is only supported for mode 'SCALED', received {mode!r}")
    at = _axis("QuantizeV2", x, axis)
    if mode == "MIN_FIRST" and at >= 0:
        raise InvalidArgumentError("MIN_FIRST mode is not implemented for an axis")
    op = ops.quantize.operation(x, low, high, dtype=_checked("QuantizeV2", mode, as_dtype(T)), mode=mode,
                                round_mode=round_mode, narrow_range=bool(narrow_range), axis=at,
                                ensure_minimum_range=float(ensure_minimum_range), name=name)
    return QuantizeV2(*op.outputs)


def quantize_v2(input: Any, min_range: Any, max_range: Any, T: Any, mode: str = "MIN_COMBINED",
                name: str | None = None, round_mode: str = "HALF_AWAY_FROM_ZERO", narrow_range: bool = False,
                axis: int | None = None, ensure_minimum_range: float = 0.01) -> QuantizeV2:
    """`quantize` with its arguments in an older order."""
    return quantize(input, min_range, max_range, T, mode, round_mode, name, narrow_range, axis, ensure_minimum_range)


def dequantize(input: Any, min_range: Any, max_range: Any, mode: str = "MIN_COMBINED", name: str | None = None,
               axis: int | None = None, narrow_range: bool = False, dtype: Any = float32) -> Tensor:
    """The reals that a quantized tensor stands for; the arguments are those of `quantize`."""
    q = convert_to_tensor(input)
    return ops.dequantize(q, convert_to_tensor(min_range, float32), convert_to_tensor(max_range, float32),
                          source=_checked("Dequantize", mode, q.dtype), dtype=as_dtype(dtype), mode=mode,
                          narrow_range=bool(narrow_range), axis=_axis("Dequantize", q, axis), name=name)


def quantized_concat(concat_dim: Any, values: Sequence[Any], input_mins: Sequence[Any], input_maxes: Sequence[Any],
                     name: str | None = None) -> QuantizedConcat:
    """Quantized tensors of one type joined along an axis, all brought to the range that holds theirs."""
    tensors = [convert_to_tensor(v) for v in values]
    lows, highs = ([convert_to_tensor(v, float32) for v in limits] for limits in (input_mins, input_maxes))
    dtype = _checked("QuantizedConcat", "MIN_FIRST", tensors[0].dtype)
    low, high = reduce(minimum, lows, zeros([])), reduce(maximum, highs)
    if dtype in (qint8, qint16, qint32):  # the same on both sides of 0
        high = maximum(high, -low)
        low = -high
    moved = [ops.requantize(q, a, b, low, high, dtype=dtype) for q, a, b in zip(tensors, lows, highs, strict=True)]
    return QuantizedConcat(concat(moved, concat_dim, name or "QuantizedConcat"), low, high)


def quantized_conv2d(input: Any, filter: Any, min_input: Any, max_input: Any, min_filter: Any, max_filter: Any,
                     strides: Any, padding: str, out_type: Any = qint32, dilations: Any = (1, 1, 1, 1),
                     name: str | None = None) -> QuantizedConv2D:
    """The convolution of quantized tensors, in integers: exact sums of the products of what they stand for, in units of
    the product of their steps."""
    tensors, steps = [], []
    for given, low, high in ((input, min_input, max_input), (filter, min_filter, max_filter)):
        q, a, b = convert_to_tensor(given), convert_to_tensor(low, float32), convert_to_tensor(high, float32)
        _checked("QuantizedConv2D", "MIN_FIRST", q.dtype)
        zero = ops.zero_level(a, b, dtype=q.dtype)
        tensors.append(cast(q, float64) - cast(zero, float64))
        steps.append((b - a) / float(2 ** (8 * q.dtype.size) - 1))
    total = conv2d(tensors[0], tensors[1], strides, padding, dilations=list(dilations))
    element = as_dtype(out_type)
    step = steps[0] * steps[1]
    return QuantizedConv2D(cast(cast(total, int32), element, name), step * -2.0 ** 31, step * (2.0 ** 31 - 1))


def _pooled(op: str, pool: Any, input: Any, *arguments: Any, name: str | None) -> Tensor:
    q = convert_to_tensor(input)
    return cast(rint(pool(cast(q, float32), *arguments)), _checked(op, "MIN_FIRST", q.dtype), name)


def quantized_avg_pool(input: Any, min_input: Any, max_input: Any, ksize: Any, strides: Any, padding: str,
                       name: str | None = None) -> QuantizedAvgPool:
    """`avg_pool` of a quantized tensor, halves rounded to even."""
    pooled = _pooled("QuantizedAvgPool", avg_pool, input, ksize, strides, padding, name=name)
    return QuantizedAvgPool(pooled, *(convert_to_tensor(v, float32) for v in (min_input, max_input)))


def quantized_max_pool(input: Any, min_input: Any, max_input: Any, ksize: Any, strides: Any, padding: str,
                       name: str | None = None) -> QuantizedMaxPool:
    """`max_pool` of a quantized tensor."""
    pooled = _pooled("QuantizedMaxPool", max_pool, input, ksize, strides, padding, name=name)
    return QuantizedMaxPool(pooled, *(convert_to_tensor(v, float32) for v in (min_input, max_input)))


def quantized_relu_x(features: Any, max_value: Any, min_features: Any, max_features: Any, out_type: Any = quint8,
                     name: str | None = None) -> QuantizedReluX:
    """Quantized values cut off at 0 and at what stands for `max_value`."""
    q = convert_to_tensor(features)
    limits = [convert_to_tensor(v, float32) for v in (max_value, min_features, max_features)]
    op = ops.relu_x.operation(q, *limits, source=_checked("QuantizedReluX", "MIN_FIRST", q.dtype),
                              dtype=as_dtype(out_type), name=name)
    return QuantizedReluX(*op.outputs)
