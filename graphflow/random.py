"""`tf.random`."""
from __future__ import annotations

from .framework import get_seed, set_random_seed
from .random_ops import categorical, multinomial, truncated_normal
from .random_ops import random_normal as normal
from .random_ops import random_uniform as uniform

__all__ = ["categorical", "get_seed", "multinomial", "normal", "set_random_seed", "truncated_normal", "uniform"]
