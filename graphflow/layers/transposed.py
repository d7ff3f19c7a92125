"""Transposed convolution layers: the gradient of a convolution for its input, with variables of its own."""
from __future__ import annotations

from typing import Any

from ..compiler.dims import DimLike, maximum
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.view import known_rank
from ..nn import conv2d_transpose as _conv2d_transpose
from ..nn import conv3d_transpose as _conv3d_transpose
from .base import ZEROS, functional
from .convolutional import Conv


class _Transpose(Conv):
    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str = "channels_last", activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = None, bias_initializer: Any = ZEROS, kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any):
        super().__init__(filters, kernel_size, strides, padding, data_format, 1, activation, use_bias,
                         kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, trainable, name, **kwargs)

    def kernel_shape(self, depth: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, depth)

    def convolve(self, inputs: Any) -> Tensor:
        x = convert_to_tensor(inputs)
        batch, *rest = known_rank(type(self).__name__, x)
        first = self.data_format == "channels_first"
        grown: list[DimLike] = [
            size * stride + (maximum(window - stride, 0) if self.padding == "valid" else 0)
            for size, stride, window in zip(rest[1:] if first else rest[:-1], self.strides, self.kernel_size,
                                            strict=True)]
        shape = (batch, self.filters, *grown) if first else (batch, *grown, self.filters)
        compute = {2: _conv2d_transpose, 3: _conv3d_transpose}[self.rank]
        return compute(x, self.kernel, shape, self.strides, self.padding.upper(), self.format)


class Conv2DTranspose(_Transpose):
    """Images spread by `kernel` [height, width, filters, in], `strides` times as large."""


class Conv3DTranspose(_Transpose):
    """Volumes spread by `kernel` [depth, height, width, filters, in], `strides` times as large."""

    rank = 3


conv2d_transpose = functional(Conv2DTranspose, "Images spread by a kernel, `strides` times as large.")
conv3d_transpose = functional(Conv3DTranspose, "Volumes spread by a kernel, `strides` times as large.")
