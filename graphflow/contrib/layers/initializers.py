"""Initial weights scaled to the number of inputs and outputs."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...compiler.dtypes import as_dtype, float32
from ...compiler.ir import Tensor
from ...random_ops import random_uniform, truncated_normal


def variance_scaling_initializer(factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False,
                                 seed: int | None = None, dtype: Any = float32) -> Callable[..., Tensor]:
    """Variance factor / n, n the inputs ("FAN_IN"), outputs ("FAN_OUT") or their mean ("FAN_AVG") of a weight's unit.

    Raises TypeError for another mode or a dtype that is not float.
    """
    if not as_dtype(dtype).is_floating:
        raise TypeError("Cannot create initializer for non-floating point type.")
    if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
        raise TypeError(f"Unknown mode {mode} [FAN_IN, FAN_OUT, FAN_AVG]")

    def initializer(shape: Any, dtype: Any = dtype, partition_info: Any = None) -> Tensor:
        sizes = [int(d) for d in shape]
        if not as_dtype(dtype).is_floating:
            raise TypeError("Cannot create initializer for non-floating point type.")
        window = math.prod(sizes[:-2])
        inputs = window * (sizes[-2] if len(sizes) > 1 else sizes[-1]) if sizes else 1
        outputs = window * sizes[-1] if sizes else 1
        n = {"FAN_IN": inputs, "FAN_OUT": outputs, "FAN_AVG": (inputs + outputs) / 2}[mode]
        if uniform:
            limit = math.sqrt(3.0 * factor / n)
            return random_uniform(shape, -limit, limit, dtype, seed)
        # cutting at two standard deviations takes away variance, for which 1.3 makes up
        return truncated_normal(shape, 0.0, math.sqrt(1.3 * factor / n), dtype, seed)

    return initializer


def xavier_initializer(uniform: bool = True, seed: int | None = None, dtype: Any = float32) -> Callable[..., Tensor]:
    """Variance 1 over the mean of inputs and outputs (Glorot and Bengio 2010)."""
    return variance_scaling_initializer(1.0, "FAN_AVG", uniform, seed, dtype)


xavier_initializer_conv2d = xavier_initializer
