"""Convolutions of each channel by itself, alone or followed by a mixture of channels."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.slicing import pad
from ...compiler.ops.view import expand_dims, squeeze
from ...compiler.ops.window import conv2d
from ...depthwise import depthwise_conv2d
from .arguments import take_weight_arguments
from .base_conv import BaseConv


def depthwise(x: Tensor, kernel: Tensor, strides: Any, padding: str, dilations: Any) -> Tensor:
    """Channels-last `x` of one or two spatial axes; the kernel has an axis of channels and one of multiples."""
    if len(strides) == 2:
        return depthwise_conv2d(x, kernel, (1, *strides, 1), padding.upper(), dilations)
    if padding == "causal":
        x = pad(x, ((0, 0), (dilations[0] * (int(kernel.shape[0]) - 1), 0), (0, 0)))
        padding = "valid"
    y = depthwise_conv2d(expand_dims(x, 1), expand_dims(kernel, 0), (1, strides[0], strides[0], 1), padding.upper(),
                         (1, dilations[0]))
    return squeeze(y, 1)


class _DepthwiseConv(BaseConv):
    """Each input channel convolved with `depth_multiplier` windows of its own."""

    kernel_name = "depthwise"

    def __init__(self, kernel_size: Any, strides: Any = 1, padding: str = "valid", depth_multiplier: int = 1,
                 data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None,
                 use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 depthwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 depthwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         bias_initializer, bias_regularizer, bias_constraint,
                         activity_regularizer=activity_regularizer, **kwargs)
        if depth_multiplier <= 0:
            raise ValueError(f"`depth_multiplier` must be positive. Received: depth_multiplier={depth_multiplier}")
        self.depth_multiplier = int(depth_multiplier)
        take_weight_arguments(self, depthwise_initializer=depthwise_initializer,
                              depthwise_regularizer=depthwise_regularizer, depthwise_constraint=depthwise_constraint)

    def kernel_shape(self, channels: int) -> tuple[tuple[int, ...], int]:
        return (*self.kernel_size, channels, self.depth_multiplier), channels * self.depth_multiplier

    def convolve(self, x: Tensor, kernel: Tensor) -> Tensor:
        return depthwise(x, kernel, self.strides, self.padding, self.dilation_rate)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier, **self._window_config(),
                **self._end_config()}


class DepthwiseConv1D(_DepthwiseConv):
    """Depthwise convolution over time."""

    rank = 1
    causal = True


class DepthwiseConv2D(_DepthwiseConv):
    """Depthwise convolution over height and width."""

    rank = 2


class _SeparableConv(BaseConv):
    """A depthwise convolution, then one of window 1 over all channels (Chollet 2016)."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, depth_multiplier: int = 1,
                 activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform",
                 pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         bias_initializer, bias_regularizer, bias_constraint,
                         activity_regularizer=activity_regularizer, **kwargs)
        if filters <= 0 or depth_multiplier <= 0:
            raise ValueError("`filters` and `depth_multiplier` must be positive. Received: "
                             f"filters={filters}, depth_multiplier={depth_multiplier}")
        self.filters, self.depth_multiplier = int(filters), int(depth_multiplier)
        take_weight_arguments(
            self, depthwise_initializer=depthwise_initializer, pointwise_initializer=pointwise_initializer,
            depthwise_regularizer=depthwise_regularizer, pointwise_regularizer=pointwise_regularizer,
            depthwise_constraint=depthwise_constraint, pointwise_constraint=pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self.channels_of(input_shape)
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier), self.depthwise_initializer, name="depthwise_kernel",
            regularizer=self.depthwise_regularizer, constraint=self.depthwise_constraint)
        self.pointwise_kernel = self.add_weight(
            (*(1,) * self.rank, channels * self.depth_multiplier, self.filters), self.pointwise_initializer,
            name="pointwise_kernel", regularizer=self.pointwise_regularizer, constraint=self.pointwise_constraint)
        self.kernel = self.depthwise_kernel
        self.add_bias(self.filters)

    def convolve(self, x: Tensor, kernel: Tensor) -> Tensor:
        y = depthwise(x, kernel, self.strides, self.padding, self.dilation_rate)
        mixture = self.pointwise_kernel.value()
        if self.rank == 2:
            return conv2d(y, mixture)
        return squeeze(conv2d(expand_dims(y, 1), expand_dims(mixture, 0)), 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier, "filters": self.filters,
                **self._window_config(), **self._end_config("depthwise", "pointwise")}


class SeparableConv1D(_SeparableConv):
    """Separable convolution over time."""

    rank = 1
    causal = True


class SeparableConv2D(_SeparableConv):
    """Separable convolution over height and width."""

    rank = 2


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
