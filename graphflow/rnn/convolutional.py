"""Recurrent cells of sequences, images and volumes."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.ops.elementwise import sigmoid, tanh
from ..compiler.ops.slicing import concat, split
from ..compiler.shapes import TensorShape
from ..convolution import convolution
from ..initializers import zeros as zeros_initializer
from ..variable_scope import get_variable
from .base import LSTMStateTuple, RNNCell, memory_and_output


class ConvLSTMCell(RNNCell):
    """The LSTM of images (Shi et al. 2015): inputs [batch, *input_shape], of `conv_ndims` axes and channels."""

    def __init__(self, conv_ndims: int, input_shape: Sequence[int], output_channels: int, kernel_shape: Sequence[int],
                 use_bias: bool = True, skip_connection: bool = False, forget_bias: float = 1.0,
                 initializers: Any = None, name: str = "conv_lstm_cell"):
        super().__init__(name=name)
        if conv_ndims != len(input_shape) - 1:
            raise ValueError(f"Invalid input_shape {input_shape} for conv_ndims={conv_ndims}.")
        self._image = list(input_shape)[:-1]
        self._channels = output_channels
        self._kernel_shape = list(kernel_shape)
        self._use_bias = use_bias
        self._forget_bias = forget_bias
        self._skip_connection = skip_connection
        self._output_channels = output_channels + (input_shape[-1] if skip_connection else 0)

    @property
    def output_size(self) -> TensorShape:
        return TensorShape([*self._image, self._output_channels])

    @property
    def state_size(self) -> Any:
        size = TensorShape([*self._image, self._channels])
        return LSTMStateTuple(size, size)

    def call(self, inputs: Any, state: Any) -> Any:
        c, h = memory_and_output(state)
        x = concat([inputs, h], -1)
        kernel = get_variable("kernel", [*self._kernel_shape, x.shape.as_list()[-1], 4 * self._channels], x.dtype)
        gates = convolution(x, kernel, "SAME")
        if self._use_bias:
            gates = gates + get_variable("biases", [4 * self._channels], x.dtype, zeros_initializer())
        i, j, f, o = split(gates, 4, axis=-1)
        new_c = sigmoid(f + self._forget_bias) * c + sigmoid(i) * tanh(j)
        output = tanh(new_c) * sigmoid(o)
        if self._skip_connection:
            output = concat([output, inputs], -1)
        return output, LSTMStateTuple(new_c, output)


class Conv1DLSTMCell(ConvLSTMCell):
    """A ConvLSTMCell over one axis."""

    def __init__(self, name: str = "conv_1d_lstm_cell", **kwargs: Any):
        super().__init__(conv_ndims=1, name=name, **kwargs)


class Conv2DLSTMCell(ConvLSTMCell):
    """A ConvLSTMCell over images."""

    def __init__(self, name: str = "conv_2d_lstm_cell", **kwargs: Any):
        super().__init__(conv_ndims=2, name=name, **kwargs)


class Conv3DLSTMCell(ConvLSTMCell):
    """A ConvLSTMCell over volumes."""

    def __init__(self, name: str = "conv_3d_lstm_cell", **kwargs: Any):
        super().__init__(conv_ndims=3, name=name, **kwargs)
