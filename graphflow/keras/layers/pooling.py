"""Pooling over one to three axes: by windows, over everything, or to a wanted size."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import pooling
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.elementwise import cast
from ...compiler.ops.reduction import reduce_max, reduce_mean, reduce_sum
from ...compiler.ops.slicing import slice_axis, stack
from ...compiler.ops.view import expand_dims, reshape, transpose
from .arguments import data_format_word, from_channels_last, padding_word, sizes, to_channels_last
from .input_spec import InputSpec
from .layer import Layer

_MAX = {1: pooling.max_pool1d, 2: pooling.max_pool, 3: pooling.max_pool3d}
_MEAN = {1: pooling.avg_pool1d, 2: pooling.avg_pool, 3: pooling.avg_pool3d}


class _Pooling(Layer):
    """Subclasses define `rank` and `pools`, the operation for each rank."""

    rank: int
    pools: dict[int, Callable[..., Tensor]]

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: str = "valid",
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.pool_size = sizes(pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if strides is None else sizes(strides, self.rank, "strides")
        self.padding = padding_word(padding)
        self.data_format = data_format_word(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        y = self.pools[self.rank](x, self.pool_size, self.strides, self.padding.upper())
        return from_channels_last(y, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pool_size": list(self.pool_size), "padding": self.padding,
                "strides": list(self.strides), "data_format": self.data_format}


class _GlobalPooling(Layer):
    """Subclasses define `rank` and `reduce`."""

    rank: int
    reduce: Callable[..., Tensor]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = data_format_word(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def axes(self) -> tuple[int, ...]:
        start = 1 if self.data_format == "channels_last" else 2
        return tuple(range(start, start + self.rank))

    def call(self, inputs: Tensor) -> Tensor:
        return type(self).reduce(inputs, self.axes, keepdims=self.keepdims)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class _AdaptivePooling(Layer):
    """Windows such that the output has `output_size`; they may overlap. Subclasses define `rank` and `mean`."""

    rank: int
    mean: bool

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.output_size = sizes(output_size, self.rank, "output_size")
        self.data_format = data_format_word(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        for axis, count in enumerate(self.output_size, 1):
            x = adapted(x, axis, count, self.mean, f"Layer {self.name!r}")
        return from_channels_last(x, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_size": list(self.output_size), "data_format": self.data_format}


def adapted(x: Tensor, axis: int, count: int, mean: bool, what: str) -> Tensor:
    """One axis in `count` windows: the i-th from floor(i * n / count) to ceil((i + 1) * n / count)."""
    assert x.dims is not None
    length = x.dims[axis]
    if not isinstance(length, int):
        raise ValueError(f"{what}: the sizes of the pooled axes must be known. Received: {x.shape}")
    bounds = [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]
    if not mean:
        return stack([reduce_max(slice_axis(x, axis, a, b - a), axis) for a, b in bounds], axis)
    shares = np.zeros((count, length), x.dtype.np)
    for i, (a, b) in enumerate(bounds):
        shares[i, a:b] = 1 / (b - a)
    order = [a for a in range(len(x.dims)) if a != axis]
    columns = transpose(x, (axis, *order))
    rest = [x.dims[a] for a in order]
    product = matmul(convert_to_tensor(shares), reshape(columns, (length, -1)))
    back = [0 if a == axis else order.index(a) + 1 for a in range(len(x.dims))]
    return transpose(reshape(product, (count, *rest)), back)


def _family(name: str, base: type, rank: int, doc: str, **members: Any) -> Any:
    return type(name, (base,), {"rank": rank, "__module__": __name__, "__doc__": doc, **members})


_OVER = {1: "time", 2: "height and width", 3: "depth, height and width"}
MaxPooling1D, MaxPooling2D, MaxPooling3D = (
    _family(f"MaxPooling{r}D", _Pooling, r, f"The largest value of each window over {_OVER[r]}.", pools=_MAX)
    for r in (1, 2, 3))
AveragePooling1D, AveragePooling2D, AveragePooling3D = (
    _family(f"AveragePooling{r}D", _Pooling, r, f"The mean of each window over {_OVER[r]}, padding not counted.",
            pools=_MEAN) for r in (1, 2, 3))
GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D = (
    _family(f"GlobalMaxPooling{r}D", _GlobalPooling, r, f"The largest value over {_OVER[r]}.",
            reduce=staticmethod(reduce_max)) for r in (1, 2, 3))
GlobalAveragePooling2D, GlobalAveragePooling3D = (
    _family(f"GlobalAveragePooling{r}D", _GlobalPooling, r, f"The mean over {_OVER[r]}.",
            reduce=staticmethod(reduce_mean)) for r in (2, 3))
AdaptiveMaxPooling1D, AdaptiveMaxPooling2D, AdaptiveMaxPooling3D = (
    _family(f"AdaptiveMaxPooling{r}D", _AdaptivePooling, r, f"The largest values of `output_size` windows over "
            f"{_OVER[r]}.", mean=False) for r in (1, 2, 3))
AdaptiveAveragePooling1D, AdaptiveAveragePooling2D, AdaptiveAveragePooling3D = (
    _family(f"AdaptiveAveragePooling{r}D", _AdaptivePooling, r, f"The means of `output_size` windows over {_OVER[r]}.",
            mean=True) for r in (1, 2, 3))


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over time, of the steps where the mask holds."""

    rank = 1
    supports_masking = True

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        if mask is None:
            return reduce_mean(inputs, self.axes, keepdims=self.keepdims)
        kept = expand_dims(cast(mask, inputs.dtype), 2 if self.data_format == "channels_last" else 1)
        total = reduce_sum(inputs * kept, self.axes, keepdims=self.keepdims)
        return total / reduce_sum(kept, self.axes, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D)
