"""Pooling layers."""
from __future__ import annotations

from typing import Any

from ..compiler.ir import Tensor
from ..nn import avg_pool, avg_pool1d, avg_pool3d, max_pool, max_pool1d, max_pool3d
from .base import InputSpec, Layer, functional
from .convolutional import layout, sizes


class _Pooling(Layer):
    rank = 2
    pool_function: Any = None

    compute_output_shape = Layer._shape_by_calling

    def __init__(self, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
                 name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.pool_size = sizes("pool_size", pool_size, self.rank)
        self.strides = sizes("strides", pool_size if strides is None else strides, self.rank)
        self.padding, self.data_format = padding.lower(), data_format
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Tensor:
        return type(self).pool_function(inputs, self.pool_size, self.strides, self.padding.upper(),
                                        layout(self.data_format, self.rank))


class AveragePooling1D(_Pooling):
    """The mean of each window of series."""

    rank, pool_function = 1, avg_pool1d


class MaxPooling1D(_Pooling):
    """The largest element of each window of series."""

    rank, pool_function = 1, max_pool1d


class AveragePooling2D(_Pooling):
    """The mean of each window of images."""

    rank, pool_function = 2, avg_pool


class MaxPooling2D(_Pooling):
    """The largest element of each window of images."""

    rank, pool_function = 2, max_pool


class AveragePooling3D(_Pooling):
    """The mean of each window of volumes."""

    rank, pool_function = 3, avg_pool3d


class MaxPooling3D(_Pooling):
    """The largest element of each window of volumes."""

    rank, pool_function = 3, max_pool3d


average_pooling1d = functional(AveragePooling1D, "The mean of each window of series.", reuse=False)
max_pooling1d = functional(MaxPooling1D, "The largest element of each window of series.", reuse=False)
average_pooling2d = functional(AveragePooling2D, "The mean of each window of images.", reuse=False)
max_pooling2d = functional(MaxPooling2D, "The largest element of each window of images.", reuse=False)
average_pooling3d = functional(AveragePooling3D, "The mean of each window of volumes.", reuse=False)
max_pooling3d = functional(MaxPooling3D, "The largest element of each window of volumes.", reuse=False)
