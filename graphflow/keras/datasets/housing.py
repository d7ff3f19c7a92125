"""Tables of houses, shuffled and split."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import pickled

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
Arrays = tuple[np.ndarray, np.ndarray]


def load(found: Callable[[], str], test_split: float, seed: int, rows: int | None = None) -> tuple[Arrays, Arrays]:
    """((x_train, y_train), (x_test, y_test)) of the first `rows` in the file with arrays x and y that `found` gives."""
    if not 0 <= test_split < 1:
        raise ValueError(f"Invalid `test_split` argument: {test_split}. It must be between 0 and 1 (exclusive of 1).")
    x, y = (a[:rows] for a in pickled.load_npz(found(), "x", "y"))
    order = np.random.RandomState(seed).permutation(len(x))
    x, y, first = x[order], y[order], int(len(x) * (1 - test_split))
    return (x[:first], y[:first]), (x[first:], y[first:])
