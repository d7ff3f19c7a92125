"""Depthwise convolution over two axes: each channel is filtered by itself, into `multiplier` channels.

`strides`, `dilations` are pairs, `padding` is as for `conv2d`; the gradients take the shape they produce as an operand.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import window as geometry
from ..dims import fresh
from ..dtypes import FLOATS
from ..errors import ShapeError
from ..ir import Tensor, TensorType
from ..opdef import WINDOW, OpDef
from ..shapes import Dims, format_dims
from .arguments import check_dtype, check_same_dtype
from .slicing import place, strided_slice
from .symbolic import operand_dims
from .taps import padded, resolved, taps, unpadded
from .view import shape_of

Attrs = dict[str, Any]


def static_window(op: str, filter_dims: Dims | None, rank: int) -> tuple[int, ...]:
    """The filter's sizes but for the channels, which must be known. Raises ShapeError."""
    if filter_dims is None or len(filter_dims) != rank or not all(isinstance(d, int) for d in filter_dims[:-2]):
        raise ShapeError(f"{op}: the filter must have rank {rank} and known window sizes, received "
                         f"{format_dims(filter_dims)}")
    return filter_dims[:-2]  # type: ignore[return-value]


def resolve(op: str, x_dims: Dims | None, window: Sequence[int], attrs: Attrs) -> Any:
    """(pads, output sizes) of the spatial axes. Raises ShapeError."""
    if x_dims is None or len(x_dims) != len(window) + 2:
        raise ShapeError(f"{op}: the input must have rank {len(window) + 2}, received {format_dims(x_dims)}")
    try:
        return geometry.resolve(attrs["padding"], x_dims[1:-1], window, attrs["strides"], attrs["dilations"])
    except ValueError as error:
        raise ShapeError(f"{op}: {error}") from None


def like_operand(inputs: Sequence[Tensor], attrs: Attrs) -> list[TensorType]:
    return [TensorType(inputs[0].dtype, operand_dims(inputs[-1]))]


def _types(inputs: Sequence[Tensor], attrs: Attrs) -> list[TensorType]:
    x, w = inputs
    name = "DepthwiseConv2dNative"
    dtype = check_same_dtype(name, inputs)
    check_dtype(name, x, FLOATS)
    window = static_window(name, w.dims, 4)
    assert w.dims is not None
    if x.dims is None:
        return [TensorType(dtype, (fresh(), fresh(), fresh(), w.dims[2] * w.dims[3]))]
    _, sizes = resolve(name, x.dims, window, attrs)
    channels, expected = x.dims[3], w.dims[2]
    if isinstance(channels, int) and isinstance(expected, int) and channels != expected:
        raise ShapeError(f"{name}: the input {format_dims(x.dims)} has depth {channels} (channels), the filter "
                         f"{format_dims(w.dims)} expects {expected}")
    return [TensorType(dtype, (x.dims[0], *sizes, w.dims[2] * w.dims[3]))]


# as graph


def shifted(x: Tensor, window: Sequence[int], attrs: Attrs, value: Any = 0) -> Iterator[tuple[tuple[int, ...], Tensor]]:
    """For each tap: its index, and the part of the input, padded by `value`, that it reads, of the output's size."""
    pads, sizes = resolve("convolution", x.dims, window, attrs)
    assert x.dims is not None
    n, channels = x.dims[0], x.dims[-1]
    if any(p != (0, 0) for p in pads):
        dims = (n, *(b + d + a for (b, a), d in zip(pads, x.dims[1:-1], strict=True)), channels)
        x = place(x, dims, (0, *(b for b, _ in pads), 0), value=value)
    for index in np.ndindex(*window):
        begin = (0, *(i * d for i, d in zip(index, attrs["dilations"], strict=True)), 0)
        yield index, strided_slice(x, begin, (n, *sizes, channels), (1, *attrs["strides"], 1))


# NumPy references


def _forward_reference(x: np.ndarray, w: np.ndarray, **attrs: Any) -> np.ndarray:
    window = w.shape[:2]
    source, sizes = padded(x, window, attrs), resolved(x.shape, window, attrs)[1]
    y = np.zeros((x.shape[0], *sizes, *w.shape[2:]), x.dtype)
    for index, tap in taps(x.shape, window, attrs):
        y += source[tap][..., None] * w[index]
    return y.reshape(*y.shape[:3], w.shape[2] * w.shape[3])


def _input_reference(dy: np.ndarray, w: np.ndarray, shape: np.ndarray, **attrs: Any) -> np.ndarray:
    dims, window = tuple(int(d) for d in shape), w.shape[:2]
    grads = dy.reshape(*dy.shape[:3], *w.shape[2:])
    dx = np.zeros_like(padded(np.zeros(dims, dy.dtype), window, attrs))
    for index, tap in taps(dims, window, attrs):
        dx[tap] += np.sum(grads * w[index], -1)
    return unpadded(dx, dims, window, attrs)


def _filter_reference(x: np.ndarray, dy: np.ndarray, shape: np.ndarray, **attrs: Any) -> np.ndarray:
    dims = tuple(int(d) for d in shape)
    source, dw = padded(x, dims[:2], attrs), np.zeros(dims, x.dtype)
    grads = dy.reshape(*dy.shape[:3], *dims[2:])
    for index, tap in taps(x.shape, dims[:2], attrs):
        dw[index] = np.einsum("nhwc,nhwcm->cm", source[tap], grads)
    return dw


def bilinear(names: tuple[str, str, str], infer: Any, references: tuple[Any, Any, Any]) -> tuple[OpDef, OpDef, OpDef]:
    """The three ops of a kind of convolution (forward, gradient for the input, for the filter).

    Being linear in both operands, each one's gradients are the other two.
    """
    forward = OpDef(
        names[0], WINDOW, infer,
        lambda op, g: [input_grad(g, op.inputs[1], shape_of(op.inputs[0]), **op.attrs),
                       filter_grad(op.inputs[0], g, shape_of(op.inputs[1]), **op.attrs)],
        references[0])
    input_grad: OpDef = OpDef(
        names[1], WINDOW, like_operand,
        lambda op, g: [forward(g, op.inputs[1], **op.attrs),
                       filter_grad(g, op.inputs[0], shape_of(op.inputs[1]), **op.attrs), None],
        references[1], fields={"shape_operand": 2})
    filter_grad: OpDef = OpDef(
        names[2], WINDOW, like_operand,
        lambda op, g: [input_grad(op.inputs[1], g, shape_of(op.inputs[0]), **op.attrs),
                       forward(op.inputs[0], g, **op.attrs), None],
        references[2], fields={"shape_operand": 2})
    return forward, input_grad, filter_grad


depthwise_conv2d, depthwise_input_grad, depthwise_filter_grad = bilinear(
    ("DepthwiseConv2dNative", "DepthwiseConv2dNativeBackpropInput", "DepthwiseConv2dNativeBackpropFilter"), _types,
    (_forward_reference, _input_reference, _filter_reference))
