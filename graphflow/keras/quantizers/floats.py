"""Floats rounded as fewer bits would hold them: as eight-bit floats, or evenly between two limits."""
from __future__ import annotations

from typing import Any

from ... import quantization
from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.reduction import reduce_max
from ...compiler.ops.slicing import concat
from ...compiler.ops.view import known_rank, reshape, transpose
from ..computed import computed


def compute_float8_scale(amax: Any, scale: Any, dtype_max: Any, margin: int = 0) -> Tensor:
    """The scale by which values up to `amax` fill the range up to `dtype_max`, less `margin` powers of two; the old
    one where `amax` is 0 or not finite. (Transformer Engine, update_fp8_metas.)
    """
    amax, scale = convert_to_tensor(amax), convert_to_tensor(scale)
    factor = convert_to_tensor(dtype_max, amax.dtype) / amax / float(2 ** margin)
    usable = ew.logical_and(amax > 0, ew.is_finite(amax))
    found: Tensor = computed(ew.reciprocal(ew.where(usable, factor, ew.reciprocal(scale))))
    return found


def compute_float8_amax_history(x: Any, amax_history: Any) -> Tensor:
    """The largest magnitudes of the last steps, one step on: that of `x` comes first, the second becomes the last."""
    history = convert_to_tensor(amax_history)
    newest = ew.cast(reduce_max(ew.abs_(convert_to_tensor(x))), history.dtype)
    found: Tensor = computed(concat([reshape(newest, (1,)), history[2:], history[:1]], 0))
    return found


def quantize_and_dequantize(inputs: Any, scale: Any, quantized_dtype: Any, compute_dtype: Any) -> Tensor:
    """inputs / scale, rounded to the nearest values of an eight-bit float dtype (ties to even), times scale."""
    import ml_dtypes
    info, dtype = ml_dtypes.finfo(quantized_dtype), as_dtype(compute_dtype)
    scale = ew.cast(convert_to_tensor(scale), dtype)
    x = ew.cast(convert_to_tensor(inputs), dtype) / scale
    x = ew.cast(ew.minimum(ew.maximum(x, -float(info.max)), float(info.max)), as_dtype("float32"))
    size, step = ew.abs_(x), convert_to_tensor(2.0 ** (info.minexp - info.nmant))
    for exponent in range(info.minexp + 1, info.maxexp):
        step = ew.where(size >= 2.0 ** exponent, 2.0 ** (exponent - info.nmant), step)
    found: Tensor = computed(ew.cast(ew.round_half_even(x / step) * step, dtype) * scale)
    return found


def fake_quant_with_min_max_vars(inputs: Any, min_vals: Any, max_vals: Any, num_bits: int = 8,
                                 narrow_range: bool = False, axis: int | None = None) -> Tensor:
    """Values moved into [min_vals, max_vals] and rounded to 2^num_bits values that lie evenly between (one less with
    `narrow_range`), for all together or, with `axis`, for each of its elements; the limits have gradients.
    """
    x, low, high = (convert_to_tensor(v) for v in (inputs, min_vals, max_vals))
    values, low, high = (ew.cast(v, as_dtype("float32")) for v in (x, low, high))
    if axis is None:
        limits = reshape(low, ()), reshape(high, ())
        found = quantization.fake_quant_with_min_max_vars(values, *limits, num_bits, narrow_range)
    else:
        rank = len(known_rank("fake_quant_with_min_max_vars", x))
        order = list(range(rank))
        order[axis], order[-1] = order[-1], order[axis]
        found = transpose(quantization.fake_quant_with_min_max_vars_per_channel(
            transpose(values, order), low, high, num_bits, narrow_range), order)
    result: Tensor = computed(ew.cast(found, x.dtype))
    return result


__all__ = ["compute_float8_amax_history", "compute_float8_scale", "fake_quant_with_min_max_vars",
           "quantize_and_dequantize"]
