"""Training data as arrays: checked once, then cut into batches without copying where that is possible."""
from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Arrays = list[np.ndarray]


def as_arrays(value: Any, what: str) -> Arrays:
    """`value` (an array, something convertible, or for several inputs a list or dict of these) as a list of arrays.

    Raises ValueError for scalars, TypeError for what is not numeric.
    """
    if isinstance(value, Mapping):
        return [_as_array(v, what) for v in value.values()]
    if isinstance(value, (list, tuple)) and value and all(hasattr(v, "shape") and np.ndim(v) for v in value):
        return [_as_array(v, what) for v in value]
    return [_as_array(value, what)]


def _as_array(value: Any, what: str) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"`{what}` must be numeric. Received: {type(value).__name__} of dtype {array.dtype}"
                        + (" (rows of different lengths?)" if array.dtype == object else ""))
    if array.dtype == np.float16 or array.dtype == np.longdouble:
        array = array.astype(np.float32)
    if array.ndim == 0:
        raise ValueError(f"`{what}` must have a batch axis. Received a scalar: {value!r}")
    return np.ascontiguousarray(array)


class Batches:
    """Arrays (inputs, then targets, then weights) in step: row i of each belongs to sample i.

    Raises ValueError when they differ in length or are empty.
    """

    def __init__(self, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None,
                 shuffle: bool = False):
        self.x = as_arrays(x, "x")
        self.y = [] if y is None else as_arrays(y, "y")
        self.weights = [] if sample_weight is None else [
            a.astype(np.float32, copy=False) for a in as_arrays(sample_weight, "sample_weight")]
        self.arrays = self.x + self.y + self.weights
        lengths = [len(a) for a in self.arrays]
        if len(set(lengths)) > 1:
            received = ", ".join(f"{name} sizes: {', '.join(str(len(a)) for a in arrays)}" for name, arrays in (
                ("'x'", self.x), ("'y'", self.y), ("'sample_weight'", self.weights)) if arrays)
            raise ValueError(f"Data cardinality is ambiguous. Make sure all arrays contain the same number of samples. "
                             f"{received}")
        if not lengths[0]:
            raise ValueError(f"Expected input data to be non-empty. Received: x.shape={self.x[0].shape}")
        self.size = lengths[0]
        if batch_size is not None and (isinstance(batch_size, bool) or int(batch_size) < 1):
            raise ValueError(f"`batch_size` must be a positive integer. Received: batch_size={batch_size}")
        self.batch_size = int(batch_size or 32)
        self.shuffle = shuffle
        self._buffers: Arrays = []

    @property
    def steps(self) -> int:
        return math.ceil(self.size / self.batch_size)

    def __iter__(self) -> Iterator[Arrays]:
        """The batches of one epoch. Each is valid until the next one is asked for."""
        if self.shuffle:
            yield from self._shuffled()
            return
        for begin in range(0, self.size, self.batch_size):
            yield [a[begin:begin + self.batch_size] for a in self.arrays]

    def _shuffled(self) -> Iterator[Arrays]:
        if not self._buffers:
            rows = min(self.batch_size, self.size)
            self._buffers = [np.empty((rows, *a.shape[1:]), a.dtype) for a in self.arrays]
        order = np.random.permutation(self.size)
        for begin in range(0, self.size, self.batch_size):
            chosen = order[begin:begin + self.batch_size]
            batch = [b[:len(chosen)] for b in self._buffers]
            for array, out in zip(self.arrays, batch, strict=True):
                np.take(array, chosen, 0, out, "clip")  # "clip" lets NumPy write into `out` directly
            yield batch


def split_validation(arrays: Sequence[Any], fraction: float) -> tuple[list[Any], list[Any]]:
    """The first and the last part of each array (None stays None). Raises ValueError when one would be empty."""
    present = [a for a in arrays if a is not None]
    nests = [as_arrays(a, "x") for a in present]
    size = len(nests[0][0])
    cut = int(math.floor(size * (1 - fraction)))
    if not 0 < fraction < 1 or cut in (0, size):
        raise ValueError(f"Training data contains {size} samples, which is not sufficient to split it into a "
                         f"validation and training set as specified by `validation_split={fraction}`.")

    def part(value: Any, rows: slice) -> Any:
        if value is None:
            return None
        pieces = [a[rows] for a in as_arrays(value, "x")]
        return pieces[0] if len(pieces) == 1 else pieces

    return [part(a, slice(0, cut)) for a in arrays], [part(a, slice(cut, size)) for a in arrays]


def class_weights_to_sample_weights(y: Any, class_weight: Mapping[int, float], sample_weight: Any = None) -> np.ndarray:
    """The weight of each sample: that of its class, times its own. Classes that are not named weigh 1."""
    labels = np.asarray(y)
    if labels.ndim > 1:
        labels = labels.argmax(-1) if labels.shape[-1] > 1 else labels[..., 0]
    if labels.ndim != 1:
        raise ValueError("`class_weight` is only supported for targets with one class per sample. "
                         f"Received: y.shape={np.shape(y)}")
    labels = labels.astype(np.int64)
    table = np.ones(max([int(labels.max(initial=0)), *map(int, class_weight)]) + 1, np.float32)
    for label, weight in class_weight.items():
        table[int(label)] = weight
    weights = table[labels]
    return weights if sample_weight is None else weights * np.asarray(sample_weight, np.float32)
