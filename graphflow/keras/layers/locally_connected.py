"""Convolutions with weights of their own at every position (Keras 2)."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.slicing import concat, strided_slice
from ...compiler.ops.view import reshape, transpose
from .. import activations
from .arguments import (
    activation_config,
    data_format_word,
    from_channels_last,
    sizes,
    take_weight_arguments,
    to_channels_last,
    weight_config,
)
from .input_spec import InputSpec
from .layer import Layer


class _LocallyConnected(Layer):
    rank: int

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, implementation: int = 1, **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if str(padding).lower() != "valid":
            raise ValueError(f"Invalid border mode for {type(self).__name__} (only 'valid' is supported): {padding}")
        self.filters, self.implementation = int(filters), implementation
        self.kernel_size = sizes(kernel_size, self.rank, "kernel_size")
        self.strides = sizes(strides, self.rank, "strides")
        self.data_format = data_format_word(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        take_weight_arguments(
            self, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        shape = input_shape if self.data_format == "channels_last" else (
            input_shape[0], *input_shape[2:], input_shape[1])
        if None in shape[1:]:
            raise ValueError(f"The spatial dimensions of the inputs to {type(self).__name__} should be fully defined. "
                             f"Received: input_shape={input_shape}")
        self.out = tuple((d - k) // s + 1 for d, k, s in zip(shape[1:-1], self.kernel_size, self.strides, strict=True))
        positions = features = 1
        for n, k in zip(self.out, self.kernel_size, strict=True):
            positions, features = positions * n, features * k
        self.kernel = self.add_weight((positions, features * shape[-1], self.filters), self.kernel_initializer,
                                      name="kernel", regularizer=self.kernel_regularizer,
                                      constraint=self.kernel_constraint)
        self.bias = self.add_weight((*self.out, self.filters), self.bias_initializer, name="bias",
                                    regularizer=self.bias_regularizer,
                                    constraint=self.bias_constraint) if self.use_bias else None

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        assert x.dims is not None
        batch, channels = x.dims[0], x.dims[-1]
        windows = [strided_slice(x, (0, *tap, 0), (batch, *self.out, channels), (1, *self.strides, 1))
                   for tap in _taps(self.kernel_size)]
        rows = concat(windows, -1)
        assert rows.dims is not None
        patches = transpose(reshape(rows, (batch, self.kernel.shape[0], rows.dims[-1])), (1, 0, 2))
        y = transpose(matmul(patches, self.kernel), (1, 0, 2))
        y = reshape(y, (batch, *self.out, self.filters))
        y = self.activation(y if self.bias is None else y + self.bias)
        return from_channels_last(y, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "kernel_size": list(self.kernel_size),
                "strides": list(self.strides), "padding": "valid", "data_format": self.data_format,
                **activation_config(self), "use_bias": self.use_bias,
                **weight_config(self, "kernel_initializer", "bias_initializer", "kernel_regularizer",
                                "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint"),
                "implementation": self.implementation}


def _taps(window: tuple[int, ...]) -> list[tuple[int, ...]]:
    taps: list[tuple[int, ...]] = [()]
    for size in window:
        taps = [(*tap, i) for tap in taps for i in range(size)]
    return taps


class LocallyConnected1D(_LocallyConnected):
    """A convolution over time with other weights at each step."""

    rank = 1


class LocallyConnected2D(_LocallyConnected):
    """A convolution over height and width with other weights at each position."""

    rank = 2
