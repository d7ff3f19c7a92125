"""Training data as arrays: checked once, then cut into batches without copying where that is possible."""
from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from ...compiler.ir import Tensor
from ...compiler.site import warn
from .. import backend
from ..nest import flatten, map_structure

Arrays = list[np.ndarray]
Order = Callable[[Any], list[Any]]  # from a nest to a flat list in the model's order
BATCH_SIZE = 32  # unless one is given
PLAIN = "fdbBhHiIlLqQ?"  # dtypes of arrays that are taken as they are


def as_array(value: Any, what: str) -> np.ndarray:
    """One array. Raises ValueError for scalars, TypeError for what is not numeric."""
    if type(value) is np.ndarray and value.dtype.char in PLAIN and value.ndim and value.flags.c_contiguous:
        return value  # most are
    if hasattr(value, "toarray"):  # SciPy's sparse matrices
        value = value.toarray()
    if isinstance(value, Tensor):  # of the graph: what it is now
        value = backend.eval(value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"`{what}` is no array: {error}") from None
    if array.dtype == object and hasattr(value, "iloc"):  # columns of several types
        with contextlib.suppress(TypeError, ValueError):
            array = np.asarray(value, np.float32)
    if what == "x" and array.dtype.kind in "OSU" and array.size and isinstance(array.flat[0], (str, bytes)):
        return array.astype(object)
    if array.dtype == object and array.size and isinstance(array.flat[0], (list, tuple)):  # as NumPy 1 makes them
        raise ValueError(f"`{what}` is no array: its rows have different lengths")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"`{what}` must be numeric. Received: {type(value).__name__} of dtype {array.dtype}"
                        + (" (rows of different lengths?)" if array.dtype == object else ""))
    if array.dtype == np.float16 or array.dtype == np.longdouble:
        array = array.astype(np.float32)
    if array.ndim == 0:
        raise ValueError(f"`{what}` must have a batch axis. Received a scalar: {value!r}")
    return np.ascontiguousarray(array)


def nest_of_arrays(value: Any, what: str) -> Any:
    """A nest of arrays: lists and tuples of arrays, and dicts, are nests; a list of numbers is one array."""
    if type(value) is np.ndarray:
        return as_array(value, what)
    if isinstance(value, Mapping):
        return {k: nest_of_arrays(v, what) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and value and any(_is_array(v) for v in value) and all(
            v is None or _is_array(v) for v in value):
        return [nest_of_arrays(v, what) for v in value]
    if isinstance(value, (list, tuple)) and value and all(v is None for v in value):
        raise ValueError(f"No data was given for `{what}`. Received: {what}={value}")
    return None if value is None else as_array(value, what)


def _is_array(value: Any) -> bool:
    if type(value) is np.ndarray:
        return value.ndim > 0
    if isinstance(value, Mapping):
        return True
    if isinstance(value, (list, tuple)):
        return bool(value) and any(_is_array(v) for v in value)
    return hasattr(value, "shape") and len(value.shape) > 0


def as_many_as_first(x: Any) -> Any:
    """A list of inputs of which later ones have samples beyond those of the first: without them, and with a warning.
    Keras 2 predicted so."""
    if not isinstance(x, (list, tuple)) or not all(isinstance(a, np.ndarray) and a.ndim for a in x):
        return x
    lengths = [len(a) for a in x]
    if not lengths or max(lengths) == lengths[0] or min(lengths) < lengths[0]:
        return x
    warn(f"The inputs have {lengths} samples: predicting for the first {lengths[0]}, as Keras 2 did. Keras 3 "
         "takes inputs of one length only.")
    return [a[:lengths[0]] for a in x]


class Batch:
    """The arrays of a batch, or of a whole data set: inputs in the model's order, targets and weights by output
    (None where an output has none). There may be none at all where the graph itself gives everything (`unfed`).

    Raises ValueError when they differ in length or are empty.
    """

    def __init__(self, x: Any, y: Any = None, sample_weight: Any = None, order: Order = flatten,
                 target_order: Order = flatten, weight_order: Order = flatten, unfed: bool = False):
        y = None if isinstance(y, (list, tuple)) and not y else y  # where no output has a loss
        self.nest, targets = nest_of_arrays(x, "x"), nest_of_arrays(y, "y")
        self.x: Arrays = order(self.nest)
        self.y: list[Any] = [] if y is None else target_order(targets)
        self.target_structure = self._structure(targets, self.y)
        weights = [] if sample_weight is None else weight_order(nest_of_arrays(sample_weight, "sample_weight"))
        self.weights = [None if w is None else w.astype(np.float32, copy=False) for w in weights]
        self.arrays: Arrays = [a for a in (*self.x, *self.y, *self.weights) if a is not None]
        lengths = [len(a) for a in self.arrays]
        if len(set(lengths)) > 1:
            received = ", ".join(f"{name} sizes: {', '.join(str(len(a)) for a in arrays if a is not None)}"
                                 for name, arrays in (("'x'", self.x), ("'y'", self.y),
                                                      ("'sample_weight'", self.weights)) if arrays)
            raise ValueError(f"Data cardinality is ambiguous. Make sure all arrays contain the same number of samples. "
                             f"{received}")
        if unfed and not lengths:
            lengths = [1]
        if not lengths:
            raise ValueError("Expected input data to be non-empty. Received no arrays.")
        if not lengths[0]:
            raise ValueError(f"Expected input data to be non-empty. Received: x.shape={self.x[0].shape}")
        self.size = lengths[0]

    @property
    def structure(self) -> Any:
        """The nest of the inputs, without them."""
        return map_structure(lambda _: None, self.nest)

    @staticmethod
    def _structure(targets: Any, flat: list[Any]) -> Any:
        if isinstance(targets, Mapping) or len(flatten(targets)) != len(flat):
            return [None] * len(flat) if len(flat) > 1 else None
        return map_structure(lambda _: None, targets)

    def holding(self, arrays: Sequence[np.ndarray]) -> Batch:
        """A batch like this one of other arrays, in the order of `arrays`."""
        given, other = iter(arrays), copy.copy(self)

        def filled(part: Sequence[Any]) -> list[Any]:
            return [None if a is None else next(given) for a in part]

        other.x, other.y, other.weights = filled(self.x), filled(self.y), filled(self.weights)
        return other

    @property
    def signature(self) -> Any:
        """What a step is built for: dtypes and shapes without the batch axis, and what is missing."""
        return tuple(tuple(None if a is None else (a.dtype.str, a.shape[1:]) for a in part)
                     for part in (self.x, self.y, self.weights))


class Batches:
    """A data set in memory, batch by batch."""

    def __init__(self, data: Batch, batch_size: int | None = None, shuffle: Any = False):
        if batch_size is not None and (isinstance(batch_size, bool) or not isinstance(batch_size, Real)
                                       or int(batch_size) != batch_size or batch_size < 1):
            raise ValueError(f"`batch_size` must be a positive integer. Received: batch_size={batch_size!r}")
        self.data = data
        self.size, self.arrays = data.size, data.arrays
        self.batch_size = int(batch_size or BATCH_SIZE)
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
        if self.shuffle == "batch":  # Keras 2: the order of batches alone
            starts = np.random.permutation(np.arange(0, self.size, self.batch_size))
            order = np.concatenate([np.arange(s, min(s + self.batch_size, self.size)) for s in starts])
        else:
            order = np.random.permutation(self.size)
        for begin in range(0, self.size, self.batch_size):
            chosen = order[begin:begin + self.batch_size]
            batch = [b[:len(chosen)] for b in self._buffers]
            for array, out in zip(self.arrays, batch, strict=True):
                np.take(array, chosen, 0, out, "clip")  # "clip" lets NumPy write into `out` directly
            yield batch


def split_validation(arrays: Sequence[Any], fraction: float) -> tuple[list[Any], list[Any]]:
    """The first and the last part of each nest of arrays (None stays). Raises ValueError when one would be empty."""
    nests = [nest_of_arrays(a, "x") for a in arrays]
    size = len(flatten(nests[0])[0])
    cut = int(math.floor(size * (1 - fraction)))
    if not 0 < fraction < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1. Received: validation_split={fraction}")
    if cut in (0, size):
        raise ValueError(f"Training data contains {size} samples, which is not sufficient to split it into a "
                         f"validation and training set as specified by `validation_split={fraction}`. Either provide "
                         "more data, or a different value for `validation_split`.")

    def part(nest: Any, rows: slice) -> Any:
        return map_structure(lambda a: None if a is None else a[rows], nest)

    return [part(n, slice(0, cut)) for n in nests], [part(n, slice(cut, size)) for n in nests]


def class_weights_to_sample_weights(y: Any, class_weight: Mapping[int, float], sample_weight: Any = None) -> np.ndarray:
    """The weight of each sample: that of its class, times its own. Classes that are not named weigh 1."""
    labels = np.asarray(flatten(y)[0] if isinstance(y, (list, tuple, Mapping)) and len(flatten(y)) == 1 else y)
    if labels.ndim > 1:
        labels = labels.argmax(-1) if labels.shape[-1] > 1 else labels[..., 0]
    if labels.ndim != 1:
        raise ValueError("`class_weight` is only supported for targets with one class per sample. "
                         f"Received: y.shape={np.shape(y)}")
    try:
        weight_of = {int(label): weight for label, weight in class_weight.items()}
    except (AttributeError, TypeError, ValueError):
        raise ValueError("`class_weight` gives weights by the number of the class. "
                         f"Received: class_weight={class_weight}") from None
    labels = labels.astype(np.int64)
    table = np.ones(max([int(labels.max(initial=0)), *weight_of]) + 1, np.float32)
    table[list(weight_of)] = list(weight_of.values())
    weights = table[labels]
    return weights if sample_weight is None else weights * np.asarray(sample_weight, np.float32)


def unpack(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of a tuple of one to three, or of x alone. Raises ValueError for longer ones."""
    if isinstance(data, (list, tuple)) and not isinstance(data, list):
        if not 1 <= len(data) <= 3:
            raise ValueError("Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`, "
                             f"found: {len(data)} members")
        return (*data, *(None,) * (3 - len(data)))
    return data, None, None
