"""Pooling with TensorFlow 1's arguments, over one, two or three axes."""
from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np

from .arguments import renamed
from .compiler.dtypes import as_dtype, int64
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.names import named
from .compiler.ops import pooling_host as host
from .compiler.ops import window as images
from .compiler.ops.arguments import convert_all
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.depthwise import shifted
from .compiler.ops.elementwise import maximum
from .compiler.ops.elementwise import negative as negative_of
from .compiler.ops.random import random_key
from .compiler.ops.view import identity, known_rank, reshape, reverse
from .framework import name_scope
from .windows import as_images, as_series, channels_first, in_channels_last, padding_argument
from .windows import spatial as spatial_sizes

Build = Callable[..., Tensor]


class MaxPoolWithArgmax(NamedTuple):
    output: Tensor
    argmax: Tensor


class FractionalPool(NamedTuple):
    output: Tensor
    row_pooling_sequence: Tensor
    col_pooling_sequence: Tensor


def _pool(op: str, build: Build, value: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None,
          axes: int, name: str | None) -> Tensor:
    x = convert_to_tensor(value)
    first = channels_first(op, data_format, axes)
    window = spatial_sizes(op, "ksize", ksize, axes, first)
    steps = spatial_sizes(op, "strides", strides, axes, first)
    pads = padding_argument(op, padding, axes, first)
    if axes == 2:
        return in_channels_last(x, 2, first, name, lambda x, name: build(x, window, steps, pads, name=name))
    compute = _series if axes == 1 else _volumes
    with name_scope(name, op, [x]) as scope:
        pooled = in_channels_last(x, axes, first, None, lambda x, name: compute(build, x, window, steps, pads))
        return identity(pooled, scope)


def _series(build: Build, x: Tensor, window: Any, strides: Any, padding: Any) -> Tensor:
    pads = padding if isinstance(padding, str) else ((0, 0), *padding)
    return as_series(build(as_images(x), (1, *window), (1, *strides), pads))


def _volumes(build: Build, x: Tensor, window: Any, strides: Any, padding: Any) -> Tensor:
    """Height and width first, then depth: the maximum, and the mean without padding, are the same in two steps."""
    n, depth, *size = known_rank("pool3d", x)
    flat, deep = (padding, padding) if isinstance(padding, str) else (padding[1:], (padding[0], (0, 0)))
    planes = build(reshape(x, (n * depth, *size)), window[1:], strides[1:], flat)
    _, height, width, channels = known_rank("pool3d", planes)
    columns = build(reshape(planes, (n, depth, height * width, channels)), (window[0], 1), (strides[0], 1), deep)
    return reshape(columns, (n, known_rank("pool3d", columns)[1], height, width, channels))


def max_pool(value: Any = None, ksize: Any = None, strides: Any = None, padding: Any = None,
             data_format: str | None = "NHWC", name: str | None = None, input: Any = None) -> Tensor:
    """The largest element of each window of images."""
    return _pool("MaxPool", images.max_pool, renamed("value", value, "input", input), ksize, strides, padding,
                 data_format, 2, name)


def avg_pool(value: Any = None, ksize: Any = None, strides: Any = None, padding: Any = None,
             data_format: str | None = "NHWC", name: str | None = None, input: Any = None) -> Tensor:
    """The mean of each window of images, padding not counted."""
    return _pool("AvgPool", images.avg_pool, renamed("value", value, "input", input), ksize, strides, padding,
                 data_format, 2, name)


def max_pool2d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NHWC",
               name: str | None = None) -> Tensor:
    """`max_pool` with its input under another name."""
    return max_pool(input, ksize, strides, padding, data_format, name)


avg_pool2d = avg_pool


def max_pool1d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC",
               name: str | None = None) -> Tensor:
    """The largest element of each window of series."""
    return _pool("max_pool1d", images.max_pool, input, ksize, strides, padding, data_format, 1, name)


def avg_pool1d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC",
               name: str | None = None) -> Tensor:
    """The mean of each window of series, padding not counted."""
    return _pool("avg_pool1d", images.avg_pool, input, ksize, strides, padding, data_format, 1, name)


def max_pool3d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC",
               name: str | None = None) -> Tensor:
    """The largest element of each window of volumes [batch, depth, height, width, channels]."""
    return _pool("MaxPool3D", images.max_pool, input, ksize, strides, padding, data_format, 3, name)


def avg_pool3d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC",
               name: str | None = None) -> Tensor:
    """The mean of each window of volumes, padding not counted."""
    return _pool("AvgPool3D", images.avg_pool, input, ksize, strides, padding, data_format, 3, name)


def max_pool_with_argmax(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC",
                         Targmax: Any = None, name: str | None = None, output_dtype: Any = None,
                         include_batch_in_index: bool = False) -> MaxPoolWithArgmax:
    """(the largest element of each window, its place (row * width + column) * channels + channel in the image).

    With `include_batch_in_index` places count on from image to image.
    """
    if data_format != "NHWC":
        raise ValueError("Data formats other than 'NHWC' are not yet supported")
    index = renamed("output_dtype", output_dtype, "Targmax", Targmax)
    op = host.max_pool_with_argmax.operation(
        convert_to_tensor(input), window=spatial_sizes("MaxPoolWithArgmax", "ksize", ksize, 2),
        strides=spatial_sizes("MaxPoolWithArgmax", "strides", strides, 2),
        padding=padding_argument("MaxPoolWithArgmax", padding, 2),
        argmax_type=int64 if index is None else as_dtype(index), include_batch=bool(include_batch_in_index), name=name)
    return MaxPoolWithArgmax(*op.outputs)


def pool(input: Any, window_shape: Any, pooling_type: str, padding: str, dilation_rate: Any = None, strides: Any = None,
         name: str | None = None, data_format: str | None = None, dilations: Any = None) -> Tensor:
    """The largest element ("MAX") or the mean ("AVG") of windows over one to three axes.

    Dilated windows count padding as zeros, as TensorFlow does. Raises ValueError for strides and dilations at once.
    """
    axes = len(window_shape)
    if pooling_type not in ("MAX", "AVG"):
        raise ValueError(f"pool: pooling_type must be 'MAX' or 'AVG', received {pooling_type!r}")
    if axes not in (1, 2, 3):
        raise ValueError(f"pool: window_shape must have 1 to 3 entries, received {window_shape!r}")
    steps = spatial_sizes("pool", "strides", strides, axes)
    spread = spatial_sizes("pool", "dilation_rate", renamed("dilation_rate", dilation_rate, "dilations", dilations),
                           axes)
    if max(steps) > 1 and max(spread) > 1:
        raise ValueError("strides > 1 not supported in conjunction with dilation_rate > 1")
    build = images.max_pool if pooling_type == "MAX" else images.avg_pool
    label = name or ("max_pool" if pooling_type == "MAX" else "avg_pool")
    if max(spread) == 1:
        return _pool(label, build, input, window_shape, steps, padding, data_format, axes, name or label)
    x = convert_to_tensor(input)
    first = channels_first("pool", data_format, axes)
    attributes = {"strides": steps, "dilations": spread, "padding": padding_argument("pool", padding, axes)}
    with name_scope(label, None, [x]):
        return in_channels_last(x, axes, first, None, lambda x, name: _dilated(
            pooling_type, x, tuple(int(k) for k in window_shape), attributes))


def _dilated(kind: str, x: Tensor, window: tuple[int, ...], attributes: dict[str, Any]) -> Tensor:
    parts = [part for _, part in shifted(x, window, attributes)]
    if kind == "MAX":
        return reduce(maximum, parts)
    return reduce(add, parts) / float(len(parts))


def dilation2d(input: Any, filter: Any = None, strides: Any = None, rates: Any = None, padding: Any = None,
               name: str | None = None, filters: Any = None, dilations: Any = None) -> Tensor:
    """The largest sum of image and `filter` [height, width, channels] in each window (grayscale morphology)."""
    x, w = convert_all("Dilation2D", (input, renamed("filter", filter, "filters", filters)))
    spread = renamed("rates", rates, "dilations", dilations)
    window = w.shape.as_list()[:2]
    if len(w.shape) != 3 or None in window:
        raise ShapeError(f"Dilation2D: the filter must have rank 3 and known window sizes, received {w.shape}")
    attributes = {"strides": spatial_sizes("Dilation2D", "strides", strides, 2),
                  "dilations": spatial_sizes("Dilation2D", "rates", spread, 2),
                  "padding": padding_argument("Dilation2D", padding, 2)}
    with name_scope(name, "Dilation2D", [x]) as scope:
        parts = [part + w[index] for index, part in shifted(x, window, attributes, x.dtype.min)]  # type: ignore[arg-type]
        return identity(reduce(maximum, parts), scope)


def erosion2d(value: Any, kernel: Any, strides: Any, rates: Any, padding: Any, name: str | None = None) -> Tensor:
    """The smallest difference of image and mirrored `kernel` in each window: `dilation2d` of the negative."""
    with name_scope(name, "erosion2d", [value, kernel]) as scope:
        negative = -convert_to_tensor(value)
        return negative_of(dilation2d(negative, reverse(convert_to_tensor(kernel), [0, 1]), strides, rates, padding),
                           scope)


# regions of random size


def _fractional(op: Any, value: Any, pooling_ratio: Any, pseudo_random: bool, overlapping: bool, deterministic: bool,
                seed: int, seed2: int, name: str | None) -> Any:
    ratio = tuple(float(r) for r in pooling_ratio)
    if len(ratio) == 4 and (ratio[0], ratio[3]) == (1.0, 1.0) and min(ratio) >= 1:
        key = random_key((seed or 0) * 1000003 + (seed2 or 0) if seed or seed2 else None)
        return op.operation(convert_to_tensor(value), ratio=ratio[1:3], pseudo_random=bool(pseudo_random),
                            overlapping=bool(overlapping), name=name,
                            rng=key if deterministic else np.random.default_rng(key)).outputs
    raise ValueError(f"{op.name}: pooling_ratio must be (1, height, width, 1) of 1 or more, received {pooling_ratio!r}")


def fractional_max_pool(value: Any, pooling_ratio: Any, pseudo_random: bool = False, overlapping: bool = False,
                        deterministic: bool = False, seed: int = 0, seed2: int = 0, name: str | None = None) -> Any:
    """(the largest element of each region, row boundaries, column boundaries) of regions drawn at random.

    The output is smaller by `pooling_ratio`, which need not be an integer (Graham 2015).
    """
    return FractionalPool(*_fractional(host.fractional_max_pool, value, pooling_ratio, pseudo_random, overlapping,
                                       deterministic, seed, seed2, name))


def fractional_avg_pool(value: Any, pooling_ratio: Any, pseudo_random: bool = False, overlapping: bool = False,
                        deterministic: bool = False, seed: int = 0, seed2: int = 0, name: str | None = None) -> Any:
    """As `fractional_max_pool`, with the mean of each region."""
    return FractionalPool(*_fractional(host.fractional_avg_pool, value, pooling_ratio, pseudo_random, overlapping,
                                       deterministic, seed, seed2, name))


def _any_rank(kind: str, build: Build, doc: str) -> Any:
    def pooled(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None,
               name: str | None = None) -> Tensor:
        x = convert_to_tensor(input)
        axes = (len(data_format) if data_format else x.shape.rank or 4) - 2
        if axes not in (1, 2, 3):
            raise ValueError(f"Input tensor must be of rank 3, 4 or 5 but was {x.shape.rank}.")
        return _pool(kind, build, x, ksize, strides, padding, data_format, axes, name)
    return named(f"{kind}_v2", pooled, doc)


max_pool_v2 = _any_rank("max_pool", images.max_pool, "The largest element of each window over one to three axes.")
avg_pool_v2 = _any_rank("avg_pool", images.avg_pool, "The mean of each window over one to three axes.")
