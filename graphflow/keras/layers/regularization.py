"""Layers that act in training only."""
from __future__ import annotations

import math
import random
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.elementwise import cast, where
from ...compiler.ops.random import random_normal, random_uniform
from ...compiler.ops.view import zeros_of
from .arguments import data_format_word
from .input_spec import InputSpec
from .layer import Layer


def dropped(x: Tensor, rate: float, seed: int, noise: Any = None) -> Tensor:
    """Elements 0 with probability `rate`, the others divided by 1 - rate; `noise` is the shape of the decisions."""
    kept = random_uniform(x.dims if noise is None else noise, dtype=x.dtype, seed=seed) >= rate
    scale = 1 / (1 - rate) if rate < 1 else 0.0
    return where(kept, x * scale, zeros_of(x))


class _Random(Layer):
    """Base class: a rate in [0, 1] and a seed."""

    supports_masking = True

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise ValueError(f"Invalid value received for argument `rate`. Expected a float value between 0 and 1. "
                             f"Received: rate={rate}")
        self.rate, self.seed = rate, seed
        self._own_seed = random.randint(1, 10**9) if seed is None else int(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if isinstance(training, Tensor):
            return inputs if self.rate == 0 else where(training, self.disturb(inputs), inputs)
        return self.disturb(inputs) if training and self.rate > 0 else inputs

    def disturb(self, inputs: Tensor) -> Tensor:
        """What happens in training."""
        raise NotImplementedError(f"Layer {type(self).__name__} must define `disturb()`.")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


class Dropout(_Random):
    """In training, each element is 0 with probability `rate`, else divided by 1 - rate (Srivastava et al. 2014).

    Elements share their fate along the axes that are 1 in `noise_shape`.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any):
        super().__init__(rate, seed, **kwargs)
        if not isinstance(noise_shape, (list, tuple, type(None))):
            raise ValueError("Invalid value received for argument `noise_shape`. Expected an iterable of integers "
                             f"(e.g., a tuple or list). Received: noise_shape={noise_shape}")
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def noise(self, inputs: Tensor) -> Any:
        """The shape of the decisions."""
        assert inputs.dims is not None
        return inputs.dims if self.noise_shape is None else tuple(
            d if n is None else n for d, n in zip(inputs.dims, self.noise_shape, strict=True))

    def disturb(self, inputs: Tensor) -> Tensor:
        return dropped(inputs, self.rate, self._own_seed, self.noise(inputs))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "noise_shape": None if self.noise_shape is None else list(self.noise_shape)}


class _SpatialDropout(_Random):
    """Whole channels dropped (Tompson et al. 2014). Subclasses define `rank`."""

    rank: int

    def __init__(self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs: Any):
        super().__init__(rate, seed, **kwargs)
        self.data_format = data_format_word(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def disturb(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        batch, *rest = inputs.dims
        ones = (1,) * self.rank
        noise = (batch, *ones, rest[-1]) if self.data_format == "channels_last" else (batch, rest[0], *ones)
        return dropped(inputs, self.rate, self._own_seed, noise)

    def get_config(self) -> dict[str, Any]:
        config = {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}  # no more, as in Keras
        return config if self.rank == 1 else {**config, "data_format": self.data_format}


class SpatialDropout1D(_SpatialDropout):
    """Whole features dropped from series."""

    rank = 1

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(rate, "channels_last", seed, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Whole channels dropped from images."""

    rank = 2


class SpatialDropout3D(_SpatialDropout):
    """Whole channels dropped from volumes."""

    rank = 3


class GaussianDropout(_Random):
    """In training, multiplication by a normal variable of mean 1 and variance rate / (1 - rate)."""

    def disturb(self, inputs: Tensor) -> Tensor:
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return inputs * random_normal(inputs.dims, 1.0, stddev, inputs.dtype, self._own_seed)


class AlphaDropout(Dropout):
    """Dropout that keeps the mean and variance of self-normalizing networks (Klambauer et al. 2017)."""

    def disturb(self, inputs: Tensor) -> Tensor:
        floor = -1.6732632423543772 * 1.0507009873554805
        kept = cast(random_uniform(self.noise(inputs), dtype=inputs.dtype, seed=self._own_seed) >= self.rate,
                    inputs.dtype)
        a = ((1 - self.rate) * (1 + self.rate * floor**2)) ** -0.5
        return (inputs * kept + (1 - kept) * floor) * a - a * floor * self.rate


class GaussianNoise(Layer):
    """In training, normal noise of standard deviation `stddev` is added."""

    supports_masking = True

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if stddev < 0:
            raise ValueError(f"Invalid value received for argument `stddev`. Expected a float value greater than or "
                             f"equal to 0. Received: stddev={stddev}")
        self.stddev, self.seed = stddev, seed
        self._own_seed = random.randint(1, 10**9) if seed is None else int(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not isinstance(training, Tensor) and (not training or self.stddev == 0):
            return inputs
        noisy = inputs + random_normal(inputs.dims, 0.0, self.stddev, inputs.dtype, self._own_seed)
        return where(training, noisy, inputs) if isinstance(training, Tensor) else noisy

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}
