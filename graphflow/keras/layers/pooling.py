"""Two-dimensional pooling."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.reduction import reduce_max, reduce_mean
from ...compiler.ops.window import avg_pool, max_pool
from .arguments import data_format_word, padding_word, pair
from .convolution import from_channels_last, to_channels_last
from .input_spec import InputSpec
from .layer import Layer


class _Pooling2D(Layer):
    pool: Callable[..., Tensor]

    def __init__(self, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid",
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.pool_size = pair(pool_size, "pool_size")
        self.strides = self.pool_size if strides is None else pair(strides, "strides")
        self.padding = padding_word(padding)
        self.data_format = data_format_word(data_format)
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        return from_channels_last(type(self).pool(x, self.pool_size, self.strides, self.padding), self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pool_size": list(self.pool_size), "padding": self.padding,
                "strides": list(self.strides), "data_format": self.data_format}


class MaxPooling2D(_Pooling2D):
    """The largest value of each window."""

    pool = staticmethod(max_pool)


class AveragePooling2D(_Pooling2D):
    """The mean of each window, padding not counted."""

    pool = staticmethod(avg_pool)


class _GlobalPooling2D(Layer):
    reduce: Callable[..., Tensor]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = data_format_word(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Tensor) -> Tensor:
        axes = (1, 2) if self.data_format == "channels_last" else (2, 3)
        return type(self).reduce(inputs, axes, keepdims=self.keepdims)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class GlobalAveragePooling2D(_GlobalPooling2D):
    """The mean over height and width."""

    reduce = staticmethod(reduce_mean)


class GlobalMaxPooling2D(_GlobalPooling2D):
    """The largest value over height and width."""

    reduce = staticmethod(reduce_max)


MaxPool2D, AvgPool2D = MaxPooling2D, AveragePooling2D
GlobalAvgPool2D, GlobalMaxPool2D = GlobalAveragePooling2D, GlobalMaxPooling2D
