# ruff: noqa: F401 (this module is the list of names)
"""`tf.contrib.training`: hyperparameters, train operations."""
from __future__ import annotations

from .hparam import HParams, parse_values
from .training import (
    add_gradients_summaries,
    clip_gradient_norms,
    clip_gradient_norms_fn,
    create_train_op,
    multiply_gradients,
)
