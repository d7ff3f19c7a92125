"""Convolutions over one to three axes."""
from __future__ import annotations

from typing import Any

from ... import convolution
from ...compiler.ir import Tensor
from ...compiler.ops.slicing import pad
from .arguments import take_weight_arguments
from .base_conv import BaseConv


def transposed_convolution(x: Tensor, kernel: Tensor, padding: str, strides: Any, dilations: Any,
                           output_padding: Any) -> Tensor:
    """A channels-last transposed convolution, of the size that Keras gives it."""
    def length(axis: int, size: Any) -> Any:
        window, stride = (int(kernel.shape[axis]) - 1) * dilations[axis] + 1, strides[axis]
        if output_padding is None:
            return size * stride + (max(window - stride, 0) if padding == "valid" else 0)
        cut = window // 2 if padding == "same" else 0
        return (size - 1) * stride + window - 2 * cut + output_padding[axis]

    assert x.dims is not None
    lengths = [length(i, d) for i, d in enumerate(x.dims[1:-1])]
    return convolution.conv_transpose(x, kernel, (x.dims[0], *lengths, kernel.shape[-2]), strides, padding.upper(),
                                      dilations=dilations)


class _Conv(BaseConv):
    """Cross-correlation with `filters` windows, then bias and activation; `groups` split the channels."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, groups: int = 1, activation: Any = None,
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         bias_initializer, bias_regularizer, bias_constraint,
                         activity_regularizer=activity_regularizer, **kwargs)
        if filters <= 0 or groups <= 0 or filters % groups:
            raise ValueError("`filters` and `groups` must be positive and the number of filters divisible by the "
                             f"number of groups. Received: groups={groups}, filters={filters}.")
        self.filters, self.groups = int(filters), int(groups)
        take_weight_arguments(self, kernel_initializer=kernel_initializer, kernel_regularizer=kernel_regularizer,
                              kernel_constraint=kernel_constraint)

    def kernel_shape(self, channels: int) -> tuple[tuple[int, ...], int]:
        if channels % self.groups:
            raise ValueError("The number of input channels must be evenly divisible by the number of groups. "
                             f"Received groups={self.groups}, but the input of {self.name!r} has {channels} channels.")
        return (*self.kernel_size, channels // self.groups, self.filters), self.filters

    def convolve(self, x: Tensor, kernel: Tensor) -> Tensor:
        padding = self.padding
        if padding == "causal":
            before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
            x, padding = pad(x, ((0, 0), (before, 0), (0, 0))), "valid"
        return convolution.convolution(x, kernel, padding.upper(), self.strides, self.dilation_rate)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, **self._window_config(), "groups": self.groups,
                **self._end_config()}


class Conv1D(_Conv):
    """Cross-correlation over time; "causal" padding looks at the past only."""

    rank = 1
    causal = True


class Conv2D(_Conv):
    """Cross-correlation over height and width."""

    rank = 2


class Conv3D(_Conv):
    """Cross-correlation over depth, height and width."""

    rank = 3


class _ConvTranspose(BaseConv):
    """The gradient of a convolution for its input: each input element spreads a window over the output."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 output_padding: Any = None, data_format: str | None = None, dilation_rate: Any = 1,
                 activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
                 **kwargs: Any):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         bias_initializer, bias_regularizer, bias_constraint,
                         activity_regularizer=activity_regularizer, **kwargs)
        if filters <= 0:
            raise ValueError(f"Invalid value for argument `filters`. Expected a strictly positive value. "
                             f"Received: filters={filters}.")
        self.filters = int(filters)
        given = output_padding if output_padding is None or hasattr(output_padding, "__iter__") else (
            (output_padding,) * self.rank)
        self.output_padding = None if given is None else tuple(int(p) for p in given)
        if any(p >= s for p, s in zip(self.output_padding or (), self.strides, strict=False)):
            raise ValueError("`output_padding` must be strictly less than `strides` for all dimensions. Received: "
                             f"output_padding={self.output_padding}, strides={self.strides}")
        take_weight_arguments(self, kernel_initializer=kernel_initializer, kernel_regularizer=kernel_regularizer,
                              kernel_constraint=kernel_constraint)

    def kernel_shape(self, channels: int) -> tuple[tuple[int, ...], int]:
        return (*self.kernel_size, self.filters, channels), self.filters

    def convolve(self, x: Tensor, kernel: Tensor) -> Tensor:
        return transposed_convolution(x, kernel, self.padding, self.strides, self.dilation_rate, self.output_padding)

    def get_config(self) -> dict[str, Any]:
        padding = None if self.output_padding is None else list(self.output_padding)
        return {**super().get_config(), "filters": self.filters, **self._window_config(), "output_padding": padding,
                **self._end_config()}


class Conv1DTranspose(_ConvTranspose):
    """A transposed convolution over time."""

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """A transposed convolution over height and width."""

    rank = 2


class Conv3DTranspose(_ConvTranspose):
    """A transposed convolution over depth, height and width."""

    rank = 3


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose, Convolution3DTranspose = (
    Conv1DTranspose, Conv2DTranspose, Conv3DTranspose)
Deconvolution2D, Deconvolution3D, Deconv2D, Deconv3D = (
    Conv2DTranspose, Conv3DTranspose, Conv2DTranspose, Conv3DTranspose)
