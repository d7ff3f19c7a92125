"""Normalization and moments, under TensorFlow 1's names."""
from __future__ import annotations

from typing import Any

from .arguments import renamed
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops import elementwise, reduction
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, rsqrt, square
from .compiler.ops.reduction import size_of
from .compiler.ops.slicing import pad, slice_axis
from .compiler.ops.standardize import standardize
from .compiler.ops.view import broadcast_to, reshape, shape_of, squeeze, stop_gradient
from .framework import name_scope
from .late import of_rank, ranked


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None) -> Tensor:
    """x / sqrt(max(sum(x ** 2), epsilon)) along `axis` (None: all elements)."""
    value = convert_to_tensor(x)
    along = renamed("axis", axis, "dim", dim)
    with name_scope(name, "l2_normalize", [value]) as scope:
        total = reduction.reduce_sum(square(value), along, True)
        return elementwise.multiply(value, rsqrt(elementwise.maximum(total, epsilon)), scope)


def moments(x: Any, axes: Any, shift: Any = None, name: str | None = None, keep_dims: bool | None = None,
            keepdims: bool | None = None) -> tuple[Tensor, Tensor]:
    """(mean, variance) over `axes`; `shift` is not used."""
    value = convert_to_tensor(x)
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "moments", [value, axes]):
        mean = reduction.reduce_mean(value, axes, True)
        variance = reduction.reduce_mean(elementwise.squared_difference(value, stop_gradient(mean)), axes, keep,
                                         "variance")
        return (mean if keep else squeeze(mean, axes)), variance


def batch_normalization(x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any,
                        name: str | None = None) -> Tensor:
    """(x - mean) * scale / sqrt(variance + epsilon) + offset; scale and offset may be None."""
    value = convert_to_tensor(x)
    with name_scope(name, "batchnorm", [value]):
        factor = rsqrt(convert_to_tensor(variance) + variance_epsilon)
        if scale is not None:
            factor = factor * scale
        shift = -convert_to_tensor(mean) * factor
        return value * factor + (shift if offset is None else shift + offset)


def fused_batch_norm(x: Any, scale: Any, offset: Any, mean: Any = None, variance: Any = None, epsilon: float = 0.001,
                     data_format: str = "NHWC", is_training: bool = True, name: str | None = None,
                     exponential_avg_factor: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """(normalized x, mean, variance) of a batch of images, normalized for each channel.

    In training, mean and variance are the batch's (the returned variance with Bessel's correction), mixed with those
    given by `exponential_avg_factor`; else those given are used, as constants to the gradient, and returned.
    """
    value = of_rank(convert_to_tensor(x), 4)
    if data_format not in ("NHWC", "NCHW") or len(value.dims or ()) != 4:
        raise ShapeError(f"fused_batch_norm: expected rank 4 and NHWC or NCHW, received {value.shape}, {data_format!r}")
    axes = (0, 1, 2) if data_format == "NHWC" else (0, 2, 3)

    def channels(v: Any) -> Tensor:
        vector = of_rank(convert_to_tensor(v), 1)
        return vector if data_format == "NHWC" else reshape(vector, [-1, 1, 1])

    with name_scope(name, "FusedBatchNorm", [value]):
        if is_training:
            scaled, *statistics = standardize.operation(value, channels(scale), axis=axes, epsilon=epsilon).outputs
            batch_mean, batch_variance = (squeeze(v, axes) for v in statistics)
            count = cast(size_of(value, axes), value.dtype)
            out_mean, out_variance = batch_mean, batch_variance * (count / elementwise.maximum(count - 1, 1))
            if exponential_avg_factor != 1.0:
                keep = 1.0 - exponential_avg_factor
                out_mean = out_mean * exponential_avg_factor + convert_to_tensor(mean) * keep
                out_variance = out_variance * exponential_avg_factor + convert_to_tensor(variance) * keep
        else:
            batch_variance = out_variance = stop_gradient(variance)
            out_mean = stop_gradient(mean)
            scaled = (value - channels(out_mean)) * channels(rsqrt(batch_variance + epsilon) * scale)
        # nothing flows back through the statistics, as in TensorFlow
        return scaled + channels(offset), stop_gradient(out_mean), stop_gradient(out_variance)


def batch_norm_with_global_normalization(
        t: Any = None, m: Any = None, v: Any = None, beta: Any = None, gamma: Any = None, variance_epsilon: Any = None,
        scale_after_normalization: Any = None, name: str | None = None, input: Any = None, mean: Any = None,
        variance: Any = None) -> Tensor:
    """`batch_normalization` of images, with `gamma` only if `scale_after_normalization`."""
    return batch_normalization(
        renamed("t", t, "input", input), renamed("m", m, "mean", mean), renamed("v", v, "variance", variance), beta,
        gamma if scale_after_normalization else None, variance_epsilon, name)


def sufficient_statistics(x: Any, axes: Any, shift: Any = None, keep_dims: bool | None = None, name: str | None = None,
                          keepdims: bool | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """(count, sum, sum of squares, shift) over `axes`, of which `normalize_moments` makes mean and variance.

    With `shift`, a value near the mean, sums are of x - shift, which loses fewer digits.
    """
    value = convert_to_tensor(x)
    along = sorted(set(axes))
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "sufficient_statistics", [value, shift]):
        count = cast(size_of(value, tuple(along)), value.dtype)
        origin = None if shift is None else convert_to_tensor(shift, value.dtype)
        moved = value if origin is None else value - origin
        return (count, reduction.reduce_sum(moved, along, keep, "mean_ss"),
                reduction.reduce_sum(square(moved), along, keep, "var_ss"), origin)


def normalize_moments(counts: Any, mean_ss: Any, variance_ss: Any, shift: Any,
                      name: str | None = None) -> tuple[Tensor, Tensor]:
    """(mean, variance) from what `sufficient_statistics` gives."""
    with name_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
        divisor = elementwise.reciprocal(counts, name="divisor")
        if shift is None:
            mean = shifted = elementwise.multiply(mean_ss, divisor, "mean")
        else:
            shifted = elementwise.multiply(mean_ss, divisor, "shifted_mean")
            mean = elementwise.add(shifted, shift, "mean")
        return mean, elementwise.subtract(variance_ss * divisor, square(shifted), "variance")


def weighted_moments(x: Any, axes: Any, frequency_weights: Any, name: str | None = None, keep_dims: bool | None = None,
                     keepdims: bool | None = None) -> tuple[Tensor, Tensor]:
    """(mean, variance) over `axes` with each element counted `frequency_weights` times, which broadcast against x."""
    value = convert_to_tensor(x)
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "weighted_moments", [value, frequency_weights, axes]):
        weights = cast(frequency_weights, value.dtype)
        spread = weights if weights.dims == value.dims else broadcast_to(weights, shape_of(value))
        divisor = elementwise.reciprocal(reduction.reduce_sum(spread, axes, True, "sum_of_weights"))
        mean = reduction.reduce_sum(weights * value, axes, True) * divisor
        squares = weights * elementwise.squared_difference(value, mean)
        variance = reduction.reduce_sum(squares, axes, True) * divisor
        return (mean, variance) if keep else (squeeze(mean, axes), squeeze(variance, axes))


@ranked
def local_response_normalization(input: Any, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0,
                                 beta: float = 0.5, name: str | None = None) -> Tensor:
    """x / (bias + alpha * s) ** beta, s the sum of squares over the channels at most `depth_radius` away.

    Krizhevsky et al. 2012. Raises ShapeError unless the input has rank 4.
    """
    x = convert_to_tensor(input)
    if x.dims is None or len(x.dims) != 4:
        raise ShapeError(f"LRN: the input must have rank 4, received {x.shape}")
    with name_scope(name, "LRN", [x]) as scope:
        margin = [(0, 0)] * 3 + [(depth_radius, depth_radius)]
        squares = pad(square(x), margin)
        total = slice_axis(squares, 3, 0, x.dims[3])
        for k in range(1, 2 * depth_radius + 1):
            total = total + slice_axis(squares, 3, k, x.dims[3])
        return elementwise.multiply(x, elementwise.power(bias + alpha * total, -beta), scope)


lrn = local_response_normalization
