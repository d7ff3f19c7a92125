"""Convolution of each channel by itself, and with a product over the channels after it, as TensorFlow 1 names them."""
from __future__ import annotations

from typing import Any

from .arguments import renamed
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops import depthwise as ops
from .compiler.ops.arguments import convert_all
from .compiler.ops.symbolic import shape_operand
from .compiler.ops.view import transpose
from .convolution import conv2d
from .framework import name_scope
from .windows import channels_first, in_channels_last, padding_argument, shape_in_channels_last
from .windows import spatial as spatial_sizes


def _attributes(op: str, strides: Any, padding: Any, dilations: Any, first: bool) -> dict[str, Any]:
    return {"strides": spatial_sizes(op, "strides", strides, 2, first),
            "padding": padding_argument(op, padding, 2, first),
            "dilations": spatial_sizes(op, "dilations", dilations, 2, first)}


def depthwise_conv2d_native(input: Any, filter: Any, strides: Any, padding: Any, data_format: str = "NHWC",
                            dilations: Any = (1, 1, 1, 1), name: str | None = None) -> Tensor:
    """Each channel of images [batch, height, width, in] filtered by itself with [height, width, in, multiplier].

    The result has in * multiplier channels, those of one input channel side by side.
    """
    x, w = convert_all("DepthwiseConv2dNative", (input, filter))
    first = channels_first("DepthwiseConv2dNative", data_format, 2)
    attributes = _attributes("DepthwiseConv2dNative", strides, padding, dilations, first)
    return in_channels_last(x, 2, first, name, lambda x, name: ops.depthwise_conv2d(x, w, **attributes, name=name))


def depthwise_conv2d(input: Any, filter: Any, strides: Any, padding: Any, rate: Any = None, name: str | None = None,
                     data_format: str | None = None, dilations: Any = None) -> Tensor:
    """`depthwise_conv2d_native` with filter taps `rate` pixels apart."""
    spread = renamed("rate", rate, "dilations", dilations)
    with name_scope(name, "depthwise", [input, filter]) as scope:
        return depthwise_conv2d_native(input, filter, strides, padding, data_format or "NHWC", spread, scope)


def depthwise_conv2d_native_backprop_input(input_sizes: Any, filter: Any, out_backprop: Any, strides: Any, padding: Any,
                                           data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1),
                                           name: str | None = None) -> Tensor:
    """The gradient of `depthwise_conv2d_native` for its input, of shape `input_sizes`."""
    op = "DepthwiseConv2dNativeBackpropInput"
    dy, w = convert_all(op, (out_backprop, filter))
    first = channels_first(op, data_format, 2)
    attributes = _attributes(op, strides, padding, dilations, first)
    shape = shape_in_channels_last(input_sizes, 2, first)
    return in_channels_last(dy, 2, first, name, lambda dy, name: ops.depthwise_input_grad(
        dy, w, shape, **attributes, name=name))


def depthwise_conv2d_native_backprop_filter(input: Any, filter_sizes: Any, out_backprop: Any, strides: Any,
                                            padding: Any, data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1),
                                            name: str | None = None) -> Tensor:
    """The gradient of `depthwise_conv2d_native` for its filter, of shape `filter_sizes`."""
    op = "DepthwiseConv2dNativeBackpropFilter"
    x, dy = convert_all(op, (input, out_backprop))
    first = channels_first(op, data_format, 2)
    attributes = _attributes(op, strides, padding, dilations, first)
    if first:
        x, dy = (transpose(t, (0, 2, 3, 1)) for t in (x, dy))
    return ops.depthwise_filter_grad(x, dy, shape_operand(filter_sizes), **attributes, name=name)


depthwise_conv2d_backprop_input = depthwise_conv2d_native_backprop_input
depthwise_conv2d_backprop_filter = depthwise_conv2d_native_backprop_filter


def separable_conv2d(input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any,
                     rate: Any = None, name: str | None = None, data_format: str | None = None,
                     dilations: Any = None) -> Tensor:
    """`depthwise_conv2d`, and a product with `pointwise_filter` [1, 1, in * multiplier, out] at each pixel."""
    x, depthwise, pointwise = convert_all("separable_conv2d", (input, depthwise_filter, pointwise_filter))
    sizes = pointwise.shape.with_rank(4)
    if not sizes[:2].is_compatible_with([1, 1]):
        raise ShapeError(f"separable_conv2d: the pointwise filter must be [1, 1, in, out], received {sizes}")
    with name_scope(name, "separable_conv2d", [x]) as scope:
        filtered = depthwise_conv2d(x, depthwise, strides, padding, rate, "depthwise", data_format, dilations)
        return conv2d(filtered, pointwise, 1, "VALID", data_format=data_format, name=scope)
