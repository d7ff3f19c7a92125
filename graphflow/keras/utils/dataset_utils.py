"""Data sets of windows of a series, and data sets cut in two."""
from __future__ import annotations

import random
from typing import Any

import numpy as np

from ...compiler.ops.gather import gather
from ...compiler.ops.view import expand_dims
from ...data import Dataset
from ..nest import flatten, map_structure


def timeseries_dataset_from_array(
        data: Any, targets: Any, sequence_length: int, sequence_stride: int = 1, sampling_rate: int = 1,
        batch_size: int | None = 128, shuffle: bool = False, seed: int | None = None, start_index: int | None = None,
        end_index: int | None = None, format: str = "tf") -> Any:
    """A data set of batches of windows of `data`, (batch, sequence_length, ...), each with the target of its number.

    Windows begin `sequence_stride` apart between `start_index` and `end_index` and take each `sampling_rate`-th
    element. Without `targets` there are only windows. Raises ValueError for indices and steps outside the data.
    """
    size = len(data)
    if start_index is not None and not 0 <= start_index < size:
        raise ValueError("`start_index` must be 0 or greater, and lower than the length of the data. Received: "
                         f"start_index={start_index}, for data of length {size}")
    if end_index is not None and not (start_index or 0) < end_index < size:
        raise ValueError("`end_index` must be higher than `start_index`, and lower than the length of the data. "
                         f"Received: start_index={start_index}, end_index={end_index}, for data of length {size}")
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if not 0 < value < size:
            raise ValueError(f"`{name}` must be higher than 0, and lower than the length of the data. Received: "
                             f"{name}={value}, for data of length {size}")
    if format != "tf":
        raise ValueError(f'`format` should be "tf". Received: format={format}')
    first, last = start_index or 0, size if end_index is None else end_index
    count = last - first - (sequence_length - 1) * sampling_rate
    if targets is not None:
        count = min(count, len(targets))
    starts = np.arange(0, count, sequence_stride)
    if shuffle:
        seed = np.random.randint(1_000_000) if seed is None else seed
        np.random.RandomState(seed).shuffle(starts)
    series = np.asarray(data)[first:last]
    goals = None if targets is None else np.asarray(targets)[first:last]
    offsets = np.arange(sequence_length) * sampling_rate

    def windows(places: Any) -> Any:
        chosen = gather(series, expand_dims(places, -1) + offsets)
        return chosen if goals is None else (chosen, gather(goals, places))

    dataset = Dataset.from_tensor_slices(starts)
    if shuffle:
        dataset = dataset.shuffle(1024 if batch_size is None else batch_size * 8, seed=seed)
    if batch_size is not None:
        dataset = dataset.batch(batch_size)
    return dataset.map(windows).prefetch(2)


def split_dataset(dataset: Any, left_size: float | None = None, right_size: float | None = None,
                  shuffle: bool = False, seed: int | None = None, preferred_backend: Any = None) -> tuple[Any, Any]:
    """(left, right): data sets of the first elements of `dataset`, a data set or arrays, and of the last ones.

    Sizes are numbers of elements, or shares as floats; one may be left out. Raises TypeError and ValueError for
    sizes and data that do not fit.
    """
    if left_size is None and right_size is None:
        raise ValueError("At least one of the `left_size` or `right_size` must be specified. Received: "
                         "left_size=None and right_size=None")
    elements = _elements(dataset)
    if shuffle:
        random.seed(random.randint(0, 1_000_000) if seed is None else seed)
        random.shuffle(elements)
    left, right = _sizes(left_size, right_size, len(elements))
    return _dataset_of(elements[:left]), _dataset_of(elements[len(elements) - right:])


def _elements(dataset: Any) -> list[Any]:
    if isinstance(dataset, (Dataset, np.ndarray)):
        return list(dataset)
    if isinstance(dataset, (list, tuple, dict)):
        parts = flatten(dataset)
        lengths = {len(part) for part in parts}
        if len(lengths) != 1:
            raise ValueError("The arrays of `dataset` must have the same length. Received lengths: "
                             f"{[len(part) for part in parts]}")
        kind = tuple(dataset) if isinstance(dataset, list) else dataset
        return [map_structure(lambda part, i=i: part[i], kind) for i in range(lengths.pop())]
    raise TypeError("The `dataset` argument must be either a `tf.data.Dataset` object, or a list/tuple of arrays. "
                    f"Received: dataset={dataset} of type {type(dataset)}")


def _dataset_of(elements: list[Any]) -> Any:
    stacked = map_structure(lambda *leaves: np.array(leaves), *elements)
    return Dataset.from_tensor_slices(stacked).prefetch(2)


def _sizes(left: float | None, right: float | None, total: int) -> tuple[int, int]:
    """Both sizes as numbers of elements."""
    numbers: list[int | None] = []
    for name, size in (("left_size", left), ("right_size", right)):
        if size is None:
            numbers.append(None)
            continue
        if type(size) not in (int, float):
            raise TypeError(f"Invalid `{name}` Type. Expected: int or float or None, Received: {type(size)}.")
        if not 0 < size < (1 if isinstance(size, float) else total):
            raise ValueError(f"`{name}` should be either a positive integer smaller than {total}, or a float within "
                             f"the range `[0, 1]`. Received: {name}={size}")
        numbers.append(round(size * total) if isinstance(size, float) else size)
    if isinstance(left, float) and isinstance(right, float) and left + right > 1:
        raise ValueError("The sum of `left_size` and `right_size` is greater than 1. It must be less than or equal "
                         "to 1.")
    first = numbers[0] if numbers[0] is not None else total - (numbers[1] or 0)
    second = numbers[1] if numbers[1] is not None else total - first
    if first + second > total:
        raise ValueError(f"The sum of `left_size` and `right_size` should be smaller than the {total}. Received: "
                         f"left_size + right_size = {first + second}")
    if not first or not second:
        raise ValueError(f"With `dataset` of length={total}, `left_size`={left} and `right_size`={right} one of the "
                         "splits would be empty.")
    return first, second
