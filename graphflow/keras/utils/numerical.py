"""Helpers on arrays, and seeds."""
from __future__ import annotations

import random
from typing import Any

import numpy as np

from ... import framework
from ...compiler.ir import Tensor
from ...compiler.ops.gather import one_hot
from ...compiler.ops.view import squeeze


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class indices as one-hot rows. A last axis of size 1 is dropped. Raises ValueError for indices out of range.

    A tensor gives a tensor, float32, and needs `num_classes`.
    """
    if isinstance(x, Tensor):
        if num_classes is None:
            raise ValueError("to_categorical: `num_classes` must be given for a tensor.")
        rank = len(x.dims or ())
        return one_hot(squeeze(x, -1) if rank > 1 and x.dims and x.dims[-1] == 1 else x, num_classes)
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


def to_ordinal(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> np.ndarray:
    """Class indices as rows of `num_classes` - 1 numbers, as many ones as the index, then zeros.

    (Cheng, "A neural network approach to ordinal regression", 2007.)
    """
    labels = np.asarray(y, np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = int(num_classes) if num_classes else int(labels.max(initial=0)) + 1
    return (np.arange(classes - 1) < labels[..., None]).astype(dtype)


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """`x` with the norm along `axis` made 1 (zeros stay). A tensor gives a tensor."""
    if isinstance(x, Tensor):
        from ..ops.nn import normalize as normalized  # which needs the layers, and they this package
        return normalized(x, axis, order)
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
    framework.set_random_seed(seed)
