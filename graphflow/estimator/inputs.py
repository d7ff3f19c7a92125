"""`tf.estimator.inputs`: input functions for arrays and data frames."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..data import Dataset


def numpy_input_fn(x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1,
                   shuffle: bool | None = None, queue_capacity: int = 1000, num_threads: int = 1) -> Callable[[], Any]:
    """A function that gives (features, labels) batches of arrays: those of `x` (an array, or a dict of them) and `y`
    (None, an array or a dict), all with the same first dimension. `num_epochs` None repeats for ever.

    Raises ValueError where `shuffle` is not said, and for lengths that differ.
    """
    if not isinstance(shuffle, bool):
        raise ValueError(f"shuffle must be provided and explicitly set as boolean (it is recommended to set it as True "
                         f"for training); got {shuffle}")
    features = {k: np.asarray(v) for k, v in x.items()} if isinstance(x, Mapping) else np.asarray(x)
    if isinstance(features, dict) and not features:
        raise ValueError("x cannot be an empty dict")
    labels = {k: np.asarray(v) for k, v in y.items()} if isinstance(y, Mapping) else None if y is None else (
        np.asarray(y))
    lengths = {name: len(array) for name, array in _named(features, "x") + _named(labels, "y")}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"Length of tensors in x and y is mismatched. All elements in x and y must have the same "
                         f"length. Shapes in x and y: {lengths}")
    return _input_fn(features if labels is None else (features, labels), next(iter(lengths.values())), batch_size,
                     num_epochs, shuffle, queue_capacity)


def _named(value: Any, name: str) -> list[tuple[str, np.ndarray]]:
    if value is None:
        return []
    return list(value.items()) if isinstance(value, dict) else [(name, value)]


def pandas_input_fn(x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1,
                    shuffle: bool | None = None, queue_capacity: int = 1000, num_threads: int = 1,
                    target_column: str = "target") -> Callable[[], Any]:
    """As numpy_input_fn, for the columns of a pandas DataFrame and a Series (or DataFrame) of labels with the same
    index. Raises ValueError for indices that differ."""
    if y is not None and not np.array_equal(x.index, y.index):
        raise ValueError(f"Index for x and y are mismatched.\nIndex for x: {x.index}\nIndex for y: {y.index}\n")
    labels = None if y is None else ({c: y[c].to_numpy() for c in y.columns} if hasattr(y, "columns") else y.to_numpy())
    return numpy_input_fn({column: x[column].to_numpy() for column in x.columns}, labels, batch_size, num_epochs,
                          shuffle, queue_capacity, num_threads)


def _input_fn(arrays: Any, length: int, batch_size: int, num_epochs: int | None, shuffle: bool, capacity: int
              ) -> Callable[[], Any]:
    def input_fn() -> Any:
        dataset = Dataset.from_tensor_slices(arrays)
        if shuffle:
            dataset = dataset.shuffle(max(min(length, capacity), 1))
        return dataset.repeat(num_epochs).batch(batch_size).prefetch(1).make_one_shot_iterator().get_next()
    return input_fn
