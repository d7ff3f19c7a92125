"""`tf.contrib.data`: datasets as they were before they became `tf.data`."""
from __future__ import annotations

from typing import Any

from ..data import (
    AUTOTUNE,
    Dataset,
    FixedLengthRecordDataset,
    Iterator,
    TextLineDataset,
    TFRecordDataset,
)
from ..data.experimental import (
    Counter,
    CsvDataset,
    RandomDataset,
    Reducer,
    SqlDataset,
    TFRecordWriter,
    Transformation,
    bucket_by_sequence_length,
    choose_from_datasets,
    copy_to_device,
    dense_to_sparse_batch,
    enumerate_dataset,
    get_single_element,
    group_by_reducer,
    group_by_window,
    ignore_errors,
    make_batched_features_dataset,
    make_csv_dataset,
    map_and_batch,
    parallel_interleave,
    parse_example_dataset,
    prefetch_to_device,
    rejection_resample,
    sample_from_datasets,
    scan,
    shuffle_and_repeat,
    unbatch,
    unique,
)


def batch_and_drop_remainder(batch_size: Any) -> Transformation:
    """`Dataset.batch` without a smaller last batch."""
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


def padded_batch_and_drop_remainder(batch_size: Any, padded_shapes: Any, padding_values: Any = None) -> Transformation:
    """`Dataset.padded_batch` without a smaller last batch."""
    return lambda dataset: dataset.padded_batch(batch_size, padded_shapes, padding_values, drop_remainder=True)


def sloppy_interleave(map_func: Any, cycle_length: Any, block_length: Any = 1) -> Transformation:
    """`parallel_interleave`."""
    return parallel_interleave(map_func, cycle_length, block_length)


def sliding_window_batch(window_size: int, stride: int | None = None, window_shift: int | None = None,
                         window_stride: int = 1) -> Transformation:
    """Batches of `window_size` elements, `window_stride` apart, beginning `window_shift` (1) elements after another."""
    shift = stride if window_shift is None else window_shift

    def apply(dataset: Dataset) -> Dataset:
        windows = dataset.window(window_size, 1 if shift is None else shift, window_stride, drop_remainder=True)
        return windows.flat_map(lambda *parts: Dataset.zip(tuple(p.batch(window_size) for p in parts)) if len(parts) > 1
                                else parts[0].batch(window_size))
    return apply


def reduce_dataset(dataset: Dataset, reducer: Reducer) -> Any:
    """The reduction of all elements."""
    import numpy as np
    state = dataset.reduce(reducer.init_func(np.int64(0)), reducer.reduce_func)
    return reducer.finalize_func(state)


__all__ = ["AUTOTUNE", "Counter", "CsvDataset", "Dataset", "FixedLengthRecordDataset", "Iterator", "RandomDataset",
           "Reducer", "SqlDataset", "TFRecordDataset", "TFRecordWriter", "TextLineDataset", "batch_and_drop_remainder",
           "bucket_by_sequence_length", "choose_from_datasets", "copy_to_device", "dense_to_sparse_batch",
           "enumerate_dataset", "get_single_element", "group_by_reducer", "group_by_window", "ignore_errors",
           "make_batched_features_dataset", "make_csv_dataset", "map_and_batch", "padded_batch_and_drop_remainder",
           "parallel_interleave", "parse_example_dataset", "prefetch_to_device", "reduce_dataset",
           "rejection_resample", "sample_from_datasets", "scan", "shuffle_and_repeat", "sliding_window_batch",
           "sloppy_interleave", "unbatch", "unique"]
