"""`tf.random` of TensorFlow 2."""
from __future__ import annotations

from typing import Any

from .. import random as _v1
from ..framework import set_random_seed

__all__ = ["set_seed"]


def set_seed(seed: int) -> None:
    """Fix the seed of the program's random operations: each of them, in order, draws the same in every process."""
    set_random_seed(seed)


def __getattr__(name: str) -> Any:
    return getattr(_v1, name)
