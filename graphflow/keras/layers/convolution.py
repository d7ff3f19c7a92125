"""Two-dimensional convolutions."""
from __future__ import annotations

from typing import Any

from ...compiler import window
from ...compiler.ir import Tensor
from ...compiler.ops.slicing import concat, pad, split
from ...compiler.ops.view import expand_dims, reshape, transpose
from ...compiler.ops.window import conv2d
from .. import activations
from .arguments import (
    activation_config,
    data_format_word,
    padding_word,
    pair,
    take_weight_arguments,
    weight_config,
)
from .input_spec import InputSpec
from .layer import Layer


def to_channels_last(x: Tensor, data_format: str) -> Tensor:
    return x if data_format == "channels_last" else transpose(x, (0, 2, 3, 1))


def from_channels_last(x: Tensor, data_format: str) -> Tensor:
    return x if data_format == "channels_last" else transpose(x, (0, 3, 1, 2))


class BaseConv2D(Layer):
    """What the convolutions share. Subclasses define `kernel_shape(channels)` and `convolve(x, kernel)`."""

    kernel_name = "kernel"  # the stem of its arguments: kernel_initializer, ...

    def __init__(self, kernel_size: Any, strides: Any, padding: str, data_format: str | None, dilation_rate: Any,
                 activation: Any, use_bias: bool, bias_initializer: Any, bias_regularizer: Any, bias_constraint: Any,
                 **kwargs: Any):
        super().__init__(**kwargs)
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.strides = pair(strides, "strides")
        self.padding = padding_word(padding)
        self.data_format = data_format_word(data_format)
        self.dilation_rate = pair(dilation_rate, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(f"`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                             f"strides={self.strides} and dilation_rate={self.dilation_rate}")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        take_weight_arguments(self, bias_initializer=bias_initializer, bias_regularizer=bias_regularizer,
                              bias_constraint=bias_constraint)
        self.input_spec = InputSpec(ndim=4)

    def build(self, input_shape: Any) -> None:
        axis = -1 if self.data_format == "channels_last" else 1
        if input_shape[axis] is None:
            raise ValueError(f"The channel dimension of the inputs to {self.name!r} must be known. "
                             f"Received: input_shape={input_shape}")
        self.input_spec = InputSpec(ndim=4, axes={axis: input_shape[axis]})
        shape, outputs = self.kernel_shape(input_shape[axis])
        self.kernel = self.add_weight(shape, getattr(self, f"{self.kernel_name}_initializer"), name="kernel",
                                      regularizer=getattr(self, f"{self.kernel_name}_regularizer"),
                                      constraint=getattr(self, f"{self.kernel_name}_constraint"))
        self.bias = self.add_weight((outputs,), self.bias_initializer, name="bias", regularizer=self.bias_regularizer,
                                    constraint=self.bias_constraint) if self.use_bias else None

    def kernel_shape(self, channels: int) -> tuple[tuple[int, ...], int]:
        """(the kernel's shape, the number of output channels)."""
        raise NotImplementedError(f"Layer {type(self).__name__} must define `kernel_shape()`.")

    def convolve(self, x: Tensor, kernel: Tensor) -> Tensor:
        """The convolution of channels-last inputs, without bias and activation."""
        raise NotImplementedError(f"Layer {type(self).__name__} must define `convolve()`.")

    def call(self, inputs: Tensor) -> Tensor:
        y = self.convolve(to_channels_last(inputs, self.data_format), self.kernel.value())
        if self.bias is not None:
            y = y + self.bias
        return from_channels_last(self.activation(y), self.data_format)

    def _window_config(self) -> dict[str, Any]:
        return {"kernel_size": list(self.kernel_size), "strides": list(self.strides), "padding": self.padding,
                "data_format": self.data_format, "dilation_rate": list(self.dilation_rate)}

    def _end_config(self) -> dict[str, Any]:
        kernel = self.kernel_name
        weights = weight_config(self, f"{kernel}_initializer", "bias_initializer", f"{kernel}_regularizer",
                                "bias_regularizer")
        return {**activation_config(self), "use_bias": self.use_bias, **weights,
                "activity_regularizer": weight_config(self, "activity_regularizer")["activity_regularizer"],
                **weight_config(self, f"{kernel}_constraint", "bias_constraint")}


class Conv2D(BaseConv2D):
    """Cross-correlation with `filters` windows, then bias and activation; `groups` split the channels."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = (1, 1), groups: int = 1, activation: Any = None,
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
        if self.groups == 1:
            return conv2d(x, kernel, self.strides, self.padding, self.dilation_rate)
        pairs = zip(split(x, self.groups, 3), split(kernel, self.groups, 3), strict=True)
        return concat([conv2d(part, k, self.strides, self.padding, self.dilation_rate) for part, k in pairs], 3)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, **self._window_config(), "groups": self.groups,
                **self._end_config()}


class DepthwiseConv2D(BaseConv2D):
    """Each input channel convolved with `depth_multiplier` windows of its own."""

    kernel_name = "depthwise"

    def __init__(self, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", depth_multiplier: int = 1,
                 data_format: str | None = None, dilation_rate: Any = (1, 1), activation: Any = None,
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
        """A sum of shifted inputs, one for each tap of the window: elementwise work, which fuses into one loop."""
        assert x.dims is not None
        pads, (height, width) = window.resolve(self.padding, x.dims[1:3], self.kernel_size, self.strides,
                                               self.dilation_rate)
        padded = expand_dims(pad(x, ((0, 0), *pads, (0, 0))), 4)
        (sh, sw), (dh, dw) = self.strides, self.dilation_rate
        total: Any = None
        for i in range(self.kernel_size[0]):
            for j in range(self.kernel_size[1]):
                tap = padded[:, i * dh:i * dh + (height - 1) * sh + 1:sh, j * dw:j * dw + (width - 1) * sw + 1:sw]
                term = tap * kernel[i, j]
                total = term if total is None else total + term
        return reshape(total, (x.dims[0], height, width, kernel.dims[2] * kernel.dims[3]))  # type: ignore[index]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier, **self._window_config(),
                **self._end_config()}
