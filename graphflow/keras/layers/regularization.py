"""Layers that act in training only."""
from __future__ import annotations

import random
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.elementwise import where
from ...compiler.ops.random import random_uniform
from ...compiler.ops.view import zeros_of
from .layer import Layer


class Dropout(Layer):
    """In training, each element is 0 with probability `rate`, else divided by 1 - rate (Srivastava et al. 2014).

    Elements share their fate along the axes that are 1 in `noise_shape`.
    """

    supports_masking = True

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(f"Invalid value received for argument `rate`. Expected a float value between 0 and 1. "
                             f"Received: rate={rate}")
        self.rate, self.seed = rate, seed
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self._own_seed = random.randint(1, 10**9) if seed is None else int(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        assert inputs.dims is not None
        noise = inputs.dims if self.noise_shape is None else tuple(
            d if n is None else n for d, n in zip(inputs.dims, self.noise_shape, strict=True))
        kept = random_uniform(noise, dtype=inputs.dtype, seed=self._own_seed) >= self.rate
        scale = 1 / (1 - self.rate) if self.rate < 1 else 0.0
        return where(kept, inputs * scale, zeros_of(inputs))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed,
                "noise_shape": None if self.noise_shape is None else list(self.noise_shape)}
