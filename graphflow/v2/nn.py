"""`tf.nn` of TensorFlow 2."""
from __future__ import annotations

from typing import Any

from .. import nn as _v1
from ..compiler.ir import Tensor

__all__ = ["dropout"]


def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: int | None = None, name: str | None = None) -> Tensor:
    """Each element 0 with probability `rate`, else divided by 1 - rate (TensorFlow 1 takes what is kept instead)."""
    return _v1.dropout(x, rate=rate, noise_shape=noise_shape, seed=seed, name=name)


def __getattr__(name: str) -> Any:
    return getattr(_v1, name)
