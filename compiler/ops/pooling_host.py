"""Pooling that also says where, or over regions of random size. These run their references."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import window as geometry
from ..dims import DimLike, fresh
from ..dtypes import FLOATS, int32, int64
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, OpDef
from ..shapes import format_dims
from .arguments import check_dtype
from .taps import padded, resolved, taps
from .window import max_pool_grad

Attrs = dict[str, Any]


# the largest element and its place


def _argmax_types(inputs: Sequence[Tensor], attrs: Attrs) -> list[TensorType]:
    x, name = inputs[0], "MaxPoolWithArgmax"
    check_dtype(name, x, FLOATS)
    if x.dims is None or len(x.dims) != 4:
        raise ShapeError(f"{name}: the input must have rank 4, received {format_dims(x.dims)}")
    try:
        _, sizes = geometry.resolve(attrs["padding"], x.dims[1:3], attrs["window"], attrs["strides"])
    except ValueError as error:
        raise ShapeError(f"{name}: {error}") from None
    dims = (x.dims[0], *sizes, x.dims[3])
    return [TensorType(x.dtype, dims), TensorType(attrs["argmax_type"], dims)]


def _argmax_reference(x: np.ndarray, argmax_type: Any, include_batch: bool, **attrs: Any
                      ) -> tuple[np.ndarray, np.ndarray]:
    window = attrs["window"]
    n, height, width, channels = x.shape
    source, sizes = padded(x, window, attrs, -np.inf), resolved(x.shape, window, attrs)[1]
    at = np.arange(height * width * channels).reshape(1, height, width, channels)
    if include_batch:
        at = at + np.arange(n).reshape(n, 1, 1, 1) * (height * width * channels)
    places = padded(np.broadcast_to(at, x.shape).astype(np.float64), window, attrs, -1)
    best = np.full((n, *sizes, channels), -np.inf, x.dtype)
    argmax = np.full(best.shape, -1.0)
    for _, tap in taps(x.shape, window, attrs):
        better = (places[tap] >= 0) & ((argmax < 0) | (source[tap] > best))
        best, argmax = np.where(better, source[tap], best), np.where(better, places[tap], argmax)
    return best, argmax.astype(argmax_type.np)


def _argmax_grad(op: Operation, g: Tensor, g_index: Tensor | None) -> Sequence[Tensor | None]:
    attrs = {k: op.attrs[k] for k in ("window", "strides", "padding")}
    return [max_pool_grad(op.inputs[0], op.outputs[0], g, **attrs)]


# (values, argmax): places are counted within an image, or with `include_batch` within the batch, channels last
max_pool_with_argmax = OpDef("MaxPoolWithArgmax", HOST, _argmax_types, _argmax_grad, _argmax_reference)


# regions of random size (Graham 2015, "Fractional max-pooling")


def boundaries(size: int, regions: int, pseudo_random: bool, rng: np.random.Generator) -> np.ndarray:
    """Where `regions` regions of size floor or ceil of size / regions begin, and the end: regions + 1 numbers."""
    if size == regions:
        return np.arange(size + 1)
    small = size // regions
    if pseudo_random:
        alpha = size / regions
        most = int(np.ceil((small + 1.0) / alpha))
        low, high = 0.0, min((small + 2) / alpha - 1, size / alpha - (regions - 1)) if regions > 1 else 1.0 / most
        u = rng.uniform(low, max(high, low + 1e-9))
        marks = np.array([int(alpha * (i + u)) for i in range(regions + 1)]) - int(alpha * u)
        lengths = np.diff(np.append(marks[:regions], size))
    else:
        lengths = np.full(regions, small)
        lengths[:size - small * regions] += 1
        rng.shuffle(lengths)
    return np.concatenate([[0], np.cumsum(lengths)])


def _fractional_types(name: str) -> Callable[..., list[TensorType]]:
    def infer(inputs: Sequence[Tensor], attrs: Attrs) -> list[TensorType]:
        x = inputs[0]
        check_dtype(name, x, (*FLOATS, int32, int64))
        if x.dims is None or len(x.dims) != 4:
            raise ShapeError(f"{name}: the input must have rank 4, received {format_dims(x.dims)}")
        sizes: list[DimLike] = [int(d / r) if isinstance(d, int) else fresh()
                                for d, r in zip(x.dims[1:3], attrs["ratio"], strict=True)]
        return [TensorType(x.dtype, (x.dims[0], *sizes, x.dims[3])),
                *(TensorType(int64, (n + 1 if isinstance(n, int) else fresh(),)) for n in sizes)]
    return infer


def _regions(x: np.ndarray, rows: np.ndarray, columns: np.ndarray, overlapping: bool) -> Any:
    """(i, j, the slices of region i, j) for each region; overlapping ones share their borders."""
    for i in range(len(rows) - 1):
        for j in range(len(columns) - 1):
            yield i, j, (slice(None), slice(rows[i], min(rows[i + 1] + overlapping, x.shape[1])),
                         slice(columns[j], min(columns[j + 1] + overlapping, x.shape[2])))


def _fractional_reference(reduce: Callable[..., Any]) -> Callable[..., Any]:
    def reference(x: np.ndarray, ratio: Any, pseudo_random: bool, overlapping: bool, rng: Any
                  ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sizes = [int(d / r) for d, r in zip(x.shape[1:3], ratio, strict=True)]
        if min(sizes) < 1:
            raise InvalidArgumentError(f"fractional pooling: the pooling ratio {ratio} leaves no output of {x.shape}")
        generator = np.random.default_rng(rng) if isinstance(rng, int) else rng
        rows, columns = (boundaries(d, n, pseudo_random, generator) for d, n in zip(x.shape[1:3], sizes, strict=True))
        y = np.zeros((x.shape[0], *sizes, x.shape[3]), x.dtype)
        for i, j, region in _regions(x, rows, columns, overlapping):
            y[:, i, j] = reduce(x[region], axis=(1, 2))
        return y, rows.astype(np.int64), columns.astype(np.int64)
    return reference


def _fractional_grad_reference(x: np.ndarray, y: np.ndarray, dy: np.ndarray, rows: np.ndarray, columns: np.ndarray,
                               overlapping: bool, mean: bool) -> np.ndarray:
    dx = np.zeros_like(x)
    for i, j, region in _regions(x, rows, columns, overlapping):
        part = x[region]
        share = np.full(part.shape, 1 / (part.shape[1] * part.shape[2]), x.dtype) if mean else _first_largest(part)
        dx[region] += share * dy[:, i, j][:, None, None, :]
    return dx


def _first_largest(part: np.ndarray) -> np.ndarray:
    """1 at the first largest element of each image and channel."""
    n, height, width, channels = part.shape
    flat = part.reshape(n, height * width, channels)
    hot = np.arange(height * width)[None, :, None] == flat.argmax(1)[:, None, :]
    return hot.reshape(part.shape).astype(part.dtype)


fractional_pool_grad = OpDef("FractionalPoolGrad", HOST, lambda inputs, attrs: [inputs[0].type], None,
                         _fractional_grad_reference)


def _fractional(name: str, reduce: Callable[..., Any], mean: bool) -> OpDef:
    def grad(op: Operation, g: Tensor, *rest: Any) -> Sequence[Tensor | None]:
        y, rows, columns = op.outputs
        return [fractional_pool_grad(op.inputs[0], y, g, rows, columns, overlapping=op.attrs["overlapping"], mean=mean)]
    return OpDef(name, HOST, _fractional_types(name), grad, _fractional_reference(reduce), stateful=True)


# (values, row boundaries, column boundaries). `rng` is a seed for regions that stay, or a generator for new ones
fractional_max_pool = _fractional("FractionalMaxPool", np.max, False)
fractional_avg_pool = _fractional("FractionalAvgPool", np.mean, True)
