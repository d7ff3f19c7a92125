"""Helpers on arrays, and seeds."""
from __future__ import annotations

import random
from typing import Any

import numpy as np

from ...compiler.ir import default_graph


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Class indices as one-hot rows. A last axis of size 1 is dropped. Raises ValueError for indices out of range."""
    labels = np.asarray(x)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    labels = labels.astype(np.int64)
    classes = int(num_classes) if num_classes else int(labels.max(initial=-1)) + 1
    bad = labels[(labels < 0) | (labels >= classes)]
    if bad.size:
        raise ValueError(f"to_categorical: label {bad.ravel()[0]} is not in [0, {classes})")
    hot = np.zeros((labels.size, classes))
    hot[np.arange(labels.size), labels.ravel()] = 1
    return hot.reshape(*labels.shape, classes)


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """`x` with the norm along `axis` made 1 (zeros stay)."""
    array = np.asarray(x)
    norm = np.atleast_1d(np.linalg.norm(array, order, axis))
    norm[norm == 0] = 1
    return array / np.expand_dims(norm, axis)


def set_random_seed(seed: int) -> None:
    """Seed Python's, NumPy's and the graph's random numbers: a program that does this first repeats itself."""
    if not isinstance(seed, int):
        raise ValueError(f"Expected `seed` argument to be an integer. Received: seed={seed!r} (of type {type(seed)})")
    random.seed(seed)
    np.random.seed(seed % 2**32)
    default_graph().seed = seed
