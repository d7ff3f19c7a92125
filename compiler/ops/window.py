"""Convolution and pooling over two spatial axes, channels last, and their gradients.

`strides`, `dilations` and `window` are pairs (height, width); `padding` is "SAME", "VALID" or ((top, bottom),
(left, right)). The gradients take the shape they produce as a shape operand.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import window as geometry
from ..dims import Dim, DimLike, fresh
from ..dtypes import FLOATS
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import WINDOW, OpDef
from ..shapes import format_dims
from .arguments import check_dtype, check_same_dtype, convert_all
from .constant import convert_to_tensor
from .symbolic import operand_dims
from .taps import correlate, filter_gradient, input_gradient, padded, resolved, taps, unpadded
from .view import shape_of

Pair = tuple[int, int]


def _rank4(op: str, x: Tensor, what: str) -> None:
    if x.dims is None or len(x.dims) != 4:
        raise ShapeError(f"{op}: the {what} must have rank 4, received {format_dims(x.dims)}")


def _resolve(op: str, padding: Any, sizes: Any, window: Any, strides: Any, dilations: Any) -> Any:
    try:
        return geometry.resolve(padding, sizes, window, strides, dilations)
    except ValueError as error:
        raise ShapeError(f"{op}: {error}") from None


def _conv_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, w = inputs
    dtype = check_same_dtype("Conv2D", inputs)
    check_dtype("Conv2D", x, FLOATS)
    if x.dims is None:
        return [TensorType(dtype, (fresh(), fresh(), fresh(), w.dims[3] if w.dims else fresh()))]
    _rank4("Conv2D", x, "input")
    _rank4("Conv2D", w, "filter")
    assert w.dims is not None
    channels, expected = x.dims[3], w.dims[2]
    if channels != expected and isinstance(channels, int) and isinstance(expected, int) and not grouped(
            channels, expected, w.dims[3]):
        raise ShapeError(f"Conv2D: the input {format_dims(x.dims)} has depth {channels} (channels), the filter "
                         f"{format_dims(w.dims)} expects {expected}")
    if any(isinstance(d, Dim) for d in w.dims[:2]):  # how many windows fit is known with the filter
        return [TensorType(dtype, (x.dims[0], fresh(), fresh(), w.dims[3]))]
    _, sizes = _resolve("Conv2D", attrs["padding"], x.dims[1:3], w.dims[:2], attrs["strides"], attrs["dilations"])
    return [TensorType(dtype, (x.dims[0], *sizes, w.dims[3]))]


def grouped(channels: int, expected: int, filters: DimLike) -> bool:
    """Whether channels make up groups of those that a filter expects, with as many filters each."""
    return 0 < expected < channels and channels % expected == 0 and isinstance(filters, int) and filters % (
        channels // expected) == 0


def _like_operand(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [TensorType(inputs[0].dtype, operand_dims(inputs[-1]))]


def _input_grad_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    """The shape asked for, with the batch of the output's gradient where that is unknown, as TensorFlow has it."""
    dims, batch = operand_dims(inputs[-1]), inputs[0].dims[0] if inputs[0].dims else 0
    if dims and isinstance(batch, Dim) and isinstance(dims[0], int):
        dims = (batch, *dims[1:])
    return [TensorType(inputs[0].dtype, dims)]


_conv2d = OpDef(
    "Conv2D", WINDOW, _conv_types,
    lambda op, g: [conv2d_input_grad(g, op.inputs[1], shape_of(op.inputs[0]), **op.attrs),
                   conv2d_weight_grad(op.inputs[0], g, shape_of(op.inputs[1]), **op.attrs)],
    correlate)
conv2d_input_grad: OpDef = OpDef(
    "Conv2DBackpropInput", WINDOW, _input_grad_types,
    lambda op, g: [_conv2d(g, op.inputs[1], **op.attrs),
                   conv2d_weight_grad(g, op.inputs[0], shape_of(op.inputs[1]), **op.attrs), None],
    input_gradient, fields={"shape_operand": 2})
conv2d_weight_grad: OpDef = OpDef(
    "Conv2DBackpropFilter", WINDOW, _like_operand,
    lambda op, g: [conv2d_input_grad(op.inputs[1], g, shape_of(op.inputs[0]), **op.attrs),
                   _conv2d(op.inputs[0], g, **op.attrs), None],
    filter_gradient, fields={"shape_operand": 2})


def pair(op: str, what: str, value: Any) -> Pair:
    """One int, (height, width), or TensorFlow's (1, height, width, 1), as a pair. Raises ValueError."""
    items = [int(v) for v in value] if hasattr(value, "__iter__") else [int(value)]
    if len(items) == 4 and items[0] == items[3] == 1:
        items = items[1:3]
    if len(items) == 1:
        items *= 2
    if len(items) != 2 or min(items) < 1:
        raise ValueError(f"{op}: {what} must be one or two positive integers, or (1, height, width, 1), "
                         f"received {value!r}")
    return items[0], items[1]


def _padding(op: str, padding: Any) -> Any:
    if isinstance(padding, str):
        if padding.upper() not in ("SAME", "VALID"):
            raise ValueError(f"{op}: padding must be 'SAME', 'VALID' or explicit, received {padding!r}")
        return padding.upper()
    pads = tuple((int(a), int(b)) for a, b in padding)
    return pads[1:3] if len(pads) == 4 else pads


def conv2d(input: Any, filter: Any, strides: Any = 1, padding: Any = "VALID", dilations: Any = 1,
           name: str | None = None) -> Tensor:
    """Cross-correlation of [batch, height, width, in] with [height, width, in / groups, out]."""
    x, w = convert_all("Conv2D", (input, filter))
    return _conv2d(x, w, strides=pair("Conv2D", "strides", strides), padding=_padding("Conv2D", padding),
                   dilations=pair("Conv2D", "dilations", dilations), name=name)


# pooling


def _pool_types(name: str) -> Any:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        x = inputs[0]
        check_dtype(name, x, FLOATS)
        if x.dims is None:
            return [TensorType(x.dtype, tuple(fresh() for _ in range(4)))]
        _rank4(name, x, "input")
        _, sizes = _resolve(name, attrs["padding"], x.dims[1:3], attrs["window"], attrs["strides"], None)
        return [TensorType(x.dtype, (x.dims[0], *sizes, x.dims[3]))]
    return infer


def _max_reference(x: np.ndarray, **attrs: Any) -> np.ndarray:
    window = attrs["window"]
    source, sizes = padded(x, window, attrs, -np.inf), resolved(x.shape, window, attrs)[1]
    y = np.full((x.shape[0], *sizes, x.shape[3]), -np.inf, x.dtype)
    for _, tap in taps(x.shape, window, attrs):
        y = np.maximum(y, source[tap])
    return y


def _max_grad_reference(x: np.ndarray, y: np.ndarray, dy: np.ndarray, **attrs: Any) -> np.ndarray:
    window = attrs["window"]
    source = padded(x, window, attrs, -np.inf)
    dx, open_ = np.zeros_like(source), np.ones(y.shape, bool)
    for _, tap in taps(x.shape, window, attrs):
        hit = open_ & ((source[tap] == y) | np.isnan(source[tap]))
        dx[tap] += np.where(hit, dy, 0)
        open_ &= ~hit
    return unpadded(dx, x.shape, window, attrs)


def _counts(x_shape: Sequence[int], dtype: Any, attrs: dict[str, Any]) -> np.ndarray:
    """How many inputs each window covers, padding not counted."""
    ones = padded(np.ones((1, *x_shape[1:3], 1), dtype), attrs["window"], attrs)
    return sum(ones[tap] for _, tap in taps(x_shape, attrs["window"], attrs))


def _avg_reference(x: np.ndarray, **attrs: Any) -> np.ndarray:
    source = padded(x, attrs["window"], attrs)
    total = sum(source[tap] for _, tap in taps(x.shape, attrs["window"], attrs))
    return (total / _counts(x.shape, x.dtype, attrs)).astype(x.dtype)


def _avg_grad_reference(dy: np.ndarray, shape: np.ndarray, **attrs: Any) -> np.ndarray:
    dims = tuple(int(d) for d in shape)
    share = dy / _counts(dims, dy.dtype, attrs)
    dx = np.zeros_like(padded(np.zeros(dims, dy.dtype), attrs["window"], attrs))
    for _, tap in taps(dims, attrs["window"], attrs):
        dx[tap] += share
    return unpadded(dx, dims, attrs["window"], attrs)


_max_pool = OpDef("MaxPool", WINDOW, _pool_types("MaxPool"),
                  lambda op, g: [max_pool_grad(op.inputs[0], op.output, g, **op.attrs)], _max_reference)


def _max_grad_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    """The gradient picks elements, so its own gradient picks the same ones (only `dy` has one)."""
    x, y, _ = op.inputs
    return None, None, max_pool_pick(x, y, g, **op.attrs)


max_pool_grad: OpDef = OpDef("MaxPoolGrad", WINDOW, lambda inputs, attrs: [inputs[0].type], _max_grad_grad,
                      _max_grad_reference)


def _pick_reference(x: np.ndarray, y: np.ndarray, values: np.ndarray, **attrs: Any) -> np.ndarray:
    window = attrs["window"]
    source, carried = padded(x, window, attrs, -np.inf), padded(values, window, attrs)
    picked, open_ = np.zeros_like(y), np.ones(y.shape, bool)
    for _, tap in taps(x.shape, window, attrs):
        hit = open_ & ((source[tap] == y) | np.isnan(source[tap]))
        picked = np.where(hit, carried[tap], picked)
        open_ &= ~hit
    return picked


# values at the positions of the maxima: the second-order gradient of max pooling
max_pool_pick = OpDef("MaxPoolGradGrad", "host", lambda inputs, attrs: [inputs[1].type],
                      lambda op, g: [None, None, max_pool_grad(op.inputs[0], op.inputs[1], g, **op.attrs)],
                      _pick_reference)
_avg_pool = OpDef("AvgPool", WINDOW, _pool_types("AvgPool"),
                  lambda op, g: [avg_pool_grad(g, shape_of(op.inputs[0]), **op.attrs)], _avg_reference)
avg_pool_grad: OpDef = OpDef("AvgPoolGrad", WINDOW, _like_operand, lambda op, g: [_avg_pool(g, **op.attrs), None],
                      _avg_grad_reference, fields={"shape_operand": 1})


def max_pool(value: Any, ksize: Any, strides: Any, padding: Any, name: str | None = None) -> Tensor:
    """The largest element of each window of [batch, height, width, channels]."""
    return _max_pool(convert_to_tensor(value), window=pair("MaxPool", "ksize", ksize),
                     strides=pair("MaxPool", "strides", strides), padding=_padding("MaxPool", padding), name=name)


def avg_pool(value: Any, ksize: Any, strides: Any, padding: Any, name: str | None = None) -> Tensor:
    """The mean of each window of [batch, height, width, channels], padding not counted."""
    return _avg_pool(convert_to_tensor(value), window=pair("AvgPool", "ksize", ksize),
                     strides=pair("AvgPool", "strides", strides), padding=_padding("AvgPool", padding), name=name)


