"""Separable convolution layers: each channel by itself, then a product over the channels."""
from __future__ import annotations

from typing import Any

from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.view import expand_dims, squeeze
from ..nn import separable_conv2d as _separable_conv2d
from .base import ZEROS, constraint, functional, initializer, regularizer
from .convolutional import Conv


class _Separable(Conv):
    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str = "channels_last", dilation_rate: Any = 1, depth_multiplier: int = 1,
                 activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = None,
                 pointwise_initializer: Any = None, bias_initializer: Any = ZEROS, depthwise_regularizer: Any = None,
                 pointwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 depthwise_constraint: Any = None, pointwise_constraint: Any = None, bias_constraint: Any = None,
                 trainable: bool = True, name: str | None = None, **kwargs: Any):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         None, bias_initializer, None, bias_regularizer, activity_regularizer, None, bias_constraint,
                         trainable, name, **kwargs)
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = initializer(depthwise_initializer)
        self.pointwise_initializer = initializer(pointwise_initializer)
        self.depthwise_regularizer = regularizer(depthwise_regularizer)
        self.pointwise_regularizer = regularizer(pointwise_regularizer)
        self.depthwise_constraint, self.pointwise_constraint = (
            constraint(depthwise_constraint), constraint(pointwise_constraint))
        self.depthwise_kernel: Any = None
        self.pointwise_kernel: Any = None

    def build(self, input_shape: Any) -> None:
        depth = self.depth(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel", (*self.kernel_size, depth, self.depth_multiplier), self.dtype,
            self.depthwise_initializer, self.depthwise_regularizer, True, self.depthwise_constraint)
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel", (*(1,) * self.rank, depth * self.depth_multiplier, self.filters), self.dtype,
            self.pointwise_initializer, self.pointwise_regularizer, True, self.pointwise_constraint)
        self.build_bias()


class SeparableConv1D(_Separable):
    """Each channel of series filtered by `depthwise_kernel`, then a product with `pointwise_kernel`."""

    rank = 1

    def convolve(self, inputs: Any) -> Tensor:
        first = self.data_format == "channels_first"
        axis = 2 if first else 1
        y = _separable_conv2d(
            expand_dims(convert_to_tensor(inputs), axis), expand_dims(self.depthwise_kernel, 0),
            expand_dims(self.pointwise_kernel, 0), (1, *self.strides), self.padding.upper(), (1, *self.dilation_rate),
            data_format="NCHW" if first else "NHWC")
        return squeeze(y, [axis])


class SeparableConv2D(_Separable):
    """Each channel of images filtered by `depthwise_kernel`, then a product with `pointwise_kernel`."""

    def convolve(self, inputs: Any) -> Tensor:
        return _separable_conv2d(inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides,
                                 self.padding.upper(), self.dilation_rate, data_format=self.format)


separable_conv1d = functional(SeparableConv1D, "Each channel of series by itself, then a product over the channels.")
separable_conv2d = functional(SeparableConv2D, "Each channel of images by itself, then a product over the channels.")
