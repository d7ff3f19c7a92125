"""What the convolutions share."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from .. import activations
from .arguments import (
    activation_config,
    data_format_word,
    from_channels_last,
    padding_word,
    sizes,
    take_weight_arguments,
    to_channels_last,
    weight_config,
)
from .input_spec import InputSpec
from .layer import Layer


class BaseConv(Layer):
    """Subclasses define `rank`, `kernel_shape(channels)` and `convolve(x, kernel)`."""

    rank: int
    kernel_name = "kernel"  # the stem of its arguments: kernel_initializer, ...
    causal = False

    def __init__(self, kernel_size: Any, strides: Any, padding: str, data_format: str | None, dilation_rate: Any,
                 activation: Any, use_bias: bool, bias_initializer: Any, bias_regularizer: Any, bias_constraint: Any,
                 **kwargs: Any):
        super().__init__(**kwargs)
        self.kernel_size = sizes(kernel_size, self.rank, "kernel_size")
        self.strides = sizes(strides, self.rank, "strides")
        self.padding = padding_word(padding, self.causal)
        self.data_format = data_format_word(data_format)
        self.dilation_rate = sizes(dilation_rate, self.rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(f"`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                             f"strides={self.strides} and dilation_rate={self.dilation_rate}")
        if self.padding == "causal" and self.data_format != "channels_last":
            raise ValueError("Causal padding is only supported for `data_format='channels_last'`.")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        take_weight_arguments(self, bias_initializer=bias_initializer, bias_regularizer=bias_regularizer,
                              bias_constraint=bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        channels = self.channels_of(input_shape)
        shape, outputs = self.kernel_shape(channels)
        self.kernel = self.add_weight(shape, getattr(self, f"{self.kernel_name}_initializer"), name="kernel",
                                      regularizer=getattr(self, f"{self.kernel_name}_regularizer"),
                                      constraint=getattr(self, f"{self.kernel_name}_constraint"))
        self.add_bias(outputs)

    def channels_of(self, input_shape: Any) -> int:
        """The number of input channels, which is checked from now on."""
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(f"The channel dimension of the inputs to {self.name!r} must be known. "
                             f"Received: input_shape={input_shape}")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def add_bias(self, outputs: int) -> None:
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
        return self.activation(from_channels_last(y, self.data_format))

    def _window_config(self) -> dict[str, Any]:
        return {"kernel_size": list(self.kernel_size), "strides": list(self.strides), "padding": self.padding,
                "data_format": self.data_format, "dilation_rate": list(self.dilation_rate)}

    def _end_config(self, *kernels: str) -> dict[str, Any]:
        kernels = kernels or (self.kernel_name,)
        config = {**activation_config(self), "use_bias": self.use_bias}
        for kind in ("initializer", "regularizer"):
            config |= weight_config(self, *(f"{k}_{kind}" for k in kernels), f"bias_{kind}")
        return {**config, **weight_config(self, "activity_regularizer"),
                **weight_config(self, *(f"{k}_constraint" for k in kernels), "bias_constraint")}
