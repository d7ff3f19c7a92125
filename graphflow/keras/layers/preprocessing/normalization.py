"""Inputs shifted and scaled by constants, or by what the data say."""
from __future__ import annotations

from typing import Any

import numpy as np

from ....compiler.ir import Tensor
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.elementwise import cast, maximum, sqrt
from ....compiler.ops.view import reshape
from ....script_ops import EagerArray
from ... import backend
from .data_layer import DataLayer, batches_of


class Rescaling(DataLayer):
    """inputs * scale + offset."""

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Any) -> Tensor:
        scale, offset = (np.asarray(v, self.compute_dtype) for v in (self.scale, self.offset))
        if scale.ndim and backend.image_data_format() == "channels_first":
            scale = scale.reshape(scale.shape + (1,) * (3 - scale.ndim))
        return cast(inputs, self.compute_dtype) * scale + offset

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": _plain(self.scale), "offset": _plain(self.offset)}


def _plain(value: Any) -> Any:
    return np.asarray(value).tolist()


class Normalization(DataLayer):
    """(inputs - mean) / sqrt(variance), mean and variance kept along `axis` and given or learned by `adapt`.

    With `invert` the opposite.
    """

    supports_masking = True

    def __init__(self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = () if axis is None else tuple(axis) if isinstance(axis, (list, tuple)) else (int(axis),)
        if (mean is None) != (variance is None):
            raise ValueError("When setting values directly, both `mean` and `variance` must be set. Received: "
                             f"mean={mean} and variance={variance}")
        if np.shape(mean) != np.shape(variance):
            raise ValueError("When setting values directly, `mean` and `variance` must have the same shape. Received: "
                             f"mean shape {np.shape(mean)} and variance shape {np.shape(variance)}")
        if len(np.shape(mean)) > len(self.axis):
            raise ValueError(f"The rank of `mean` must be less than or equal to the number of axes ({len(self.axis)}). "
                             f"Received: mean shape {np.shape(mean)} for axis {self.axis}")
        self.input_mean, self.input_variance, self.invert = mean, variance, invert

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ValueError("All `axis` values must be in the range [-ndim, ndim). Received inputs with "
                             f"ndim={rank}, while axis={self.axis}")
        self._kept = tuple(sorted(a % rank for a in self.axis))
        for a in self._kept:
            if input_shape[a] is None:
                raise ValueError("All `axis` values to be kept must have a known shape. Received "
                                 f"axis={self.axis}, inputs.shape={input_shape}, with unknown axis at index {a}")
        self._built_for = tuple(input_shape)
        self._spread = tuple(input_shape[a] if a in self._kept else 1 for a in range(rank))
        if self.input_mean is None:
            shape = tuple(input_shape[a] for a in self._kept)
            self.adapt_mean = self.add_weight(shape, "zeros", name="mean", trainable=False)
            self.adapt_variance = self.add_weight(shape, "ones", name="variance", trainable=False)
            self.count = self.add_weight((), "zeros", dtype="int32", name="count", trainable=False)
        self.built = True

    @property
    def mean(self) -> Any:
        """The mean as it stands against inputs, or None before the layer is built."""
        return self._statistic("adapt_mean", "input_mean")

    @property
    def variance(self) -> Any:
        return self._statistic("adapt_variance", "input_variance")

    def _statistic(self, learned: str, given: str) -> Any:
        if not self.built:
            return None
        return (self._given(getattr(self, given)) if self.input_mean is not None else
                getattr(self, learned).numpy().reshape(self._spread)).view(EagerArray)

    def _given(self, value: Any) -> np.ndarray:
        array = np.asarray(value, self.compute_dtype)
        shape = [1] * len(self._spread)
        for i in range(1, array.ndim + 1):
            shape[self._kept[-i]] = array.shape[-i]
        return np.broadcast_to(array.reshape(shape), self._spread)

    def adapt(self, data: Any) -> None:
        """Learn mean and variance of the data: an array, a tensor, or batches."""
        if self.input_mean is not None:
            raise ValueError("Cannot `adapt` a Normalization layer that is initialized with static `mean` and "
                             "`variance`, you passed mean and variance directly.")
        mean: Any = 0.0
        variance: Any = 0.0
        seen = 0
        for array in batches_of(data):
            if not self.built:
                self.build_from_config({"input_shape": array.shape})
            if array.ndim != len(self._built_for) or any(array.shape[a] != self._built_for[a] for a in self._kept):
                raise ValueError(f"The layer was built with input_shape={self._built_for}, but adapt() is being "
                                 f"called with data with an incompatible shape, data.shape={array.shape}")
            axes = tuple(a for a in range(array.ndim) if a not in self._kept)
            number = int(np.prod([array.shape[a] for a in axes]))
            own, spread = np.mean(array, axes, np.float64), np.var(array, axes, np.float64)
            seen += number
            share = number / seen
            total = mean * (1 - share) + own * share
            variance = ((variance + (mean - total) ** 2) * (1 - share) + (spread + (own - total) ** 2) * share)
            mean = total
        if not seen:
            raise ValueError("adapt() received an empty iterable (no batches). Expected at least one batch.")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def call(self, inputs: Any) -> Tensor:
        x = cast(convert_to_tensor(inputs), self.compute_dtype)
        if self.input_mean is None:
            mean, variance = (reshape(v.value(), self._spread) for v in (self.adapt_mean, self.adapt_variance))
        else:
            mean, variance = (convert_to_tensor(self._given(v)) for v in (self.input_mean, self.input_variance))
        deviation = maximum(sqrt(variance), backend.epsilon())
        return mean + x * deviation if self.invert else (x - mean) / deviation

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": list(self.axis), "invert": self.invert,
                "mean": _plain(self.input_mean), "variance": _plain(self.input_variance)}
