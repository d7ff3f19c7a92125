"""`tf.data.experimental`: transformations to `apply`, and further datasets."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..compiler import dtypes
from ..compiler.dtypes import int64
from ..compiler.errors import FailedPreconditionError, InvalidArgumentError
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import cast, greater_equal
from ..compiler.ops.gather import gather
from ..compiler.ops.reduction import reduce_sum
from ..tensor_spec import SparseTensorSpec, TensorSpec
from . import Dataset, batching, functional, service, sources, transforms
from . import structure as st
from .chosen import choose_from_datasets, sample_from_datasets
from .csv import CsvDataset, make_csv_dataset
from .dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Core, as_scalar, take_error
from .extras import (
    SHARD_HINT,
    AutoShardPolicy,
    AutotuneAlgorithm,
    AutotuneOptions,
    ExternalStatePolicy,
    OptionalStructure,
    Structure,
    TensorArrayStructure,
    enable_debug_mode,
    snapshot,
)
from .function import Element, Failure, Function, Scope
from .iterator import whole
from .optional import Optional, get_next_as_optional
from .options import DistributeOptions, OptimizationOptions, ServiceOptions, StatsOptions, ThreadingOptions
from .records import SqlDataset, TFRecordWriter, from_list, make_batched_features_dataset, parse_example_dataset
from .structure import DatasetSpec as DatasetStructure
from .tables import (
    DatasetInitializer,
    from_variant,
    index_table_from_dataset,
    pad_to_cardinality,
    table_from_dataset,
    to_variant,
)

Transformation = Callable[[Dataset], Dataset]


def map_and_batch(map_func: Callable[..., Any], batch_size: Any, num_parallel_batches: int | None = None,
                  drop_remainder: Any = False, num_parallel_calls: Any = None) -> Transformation:
    """`map(map_func)` then `batch(batch_size)`."""
    if num_parallel_batches is not None and num_parallel_calls is not None:
        raise ValueError("The `num_parallel_batches` and `num_parallel_calls` arguments are mutually exclusive.")
    threads = num_parallel_calls if num_parallel_batches is None else num_parallel_batches
    return lambda dataset: dataset.map(map_func, threads).batch(batch_size, drop_remainder)


map_and_batch_with_legacy_function = map_and_batch


def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: Any = None) -> Transformation:
    """`shuffle(buffer_size, seed)` then `repeat(count)`."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def enumerate_dataset(start: Any = 0) -> Transformation:
    """`Dataset.enumerate` for `apply`: (number, element), from `start`."""
    return lambda dataset: dataset.enumerate(start)


def unbatch() -> Transformation:
    """`Dataset.unbatch` for `apply`: the rows of batches one by one."""
    return lambda dataset: dataset.unbatch()


def unique() -> Transformation:
    """`Dataset.unique` for `apply`: each element once."""
    return functional.unique


def ignore_errors(log_warning: bool = False) -> Transformation:
    """The elements that can be made."""
    return functional.ignore_errors


def take_while(predicate: Callable[..., Any]) -> Transformation:
    """`Dataset.take_while` for `apply`: the elements before the first for which `predicate` is false."""
    return lambda dataset: dataset.take_while(predicate)


def scan(initial_state: Any, scan_func: Callable[..., Any]) -> Transformation:
    """`Dataset.scan` for `apply`: elements made of a state and the elements before."""
    return lambda dataset: dataset.scan(initial_state, scan_func)


def group_by_window(key_func: Callable[..., Any], reduce_func: Callable[..., Any], window_size: Any = None,
                    window_size_func: Callable[..., Any] | None = None) -> Transformation:
    """`Dataset.group_by_window` for `apply`: elements of a key, window by window, as `reduce_func` makes them."""
    if (window_size is None) == (window_size_func is None):
        raise ValueError("Must pass either window_size or window_size_func, but not both.")
    return lambda dataset: dataset.group_by_window(key_func, reduce_func, window_size, window_size_func)


def parallel_interleave(map_func: Callable[..., Any], cycle_length: Any, block_length: Any = 1, sloppy: Any = False,
                        buffer_output_elements: Any = None, prefetch_input_elements: Any = None) -> Transformation:
    """`Dataset.interleave` with a thread for each of the `cycle_length` datasets; the order is that of `interleave`."""
    ahead = max(buffer_output_elements, 1) if isinstance(buffer_output_elements, int) else 1
    return lambda dataset: functional.interleave(dataset, map_func, cycle_length, block_length, cycle_length, ahead)


def bucket_by_sequence_length(element_length_func: Callable[..., Any], bucket_boundaries: Sequence[int],
                              bucket_batch_sizes: Sequence[int], padded_shapes: Any = None, padding_values: Any = None,
                              pad_to_bucket_boundary: bool = False, no_padding: bool = False,
                              drop_remainder: bool = False) -> Transformation:
    """Padded batches of elements of similar length.

    Bucket i holds lengths from bucket_boundaries[i - 1] to below bucket_boundaries[i], in batches of
    bucket_batch_sizes[i], of which there is one more than boundaries.
    """
    if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
        raise ValueError("len(bucket_batch_sizes) must equal len(bucket_boundaries) + 1")
    sizes = np.array(bucket_batch_sizes, np.int64)
    bounds = np.array(bucket_boundaries, np.int32)

    def bucket(*element: Any) -> Any:
        length = element_length_func(*element)
        return reduce_sum(cast(greater_equal(cast(length, "int32"), constant(bounds)), int64))

    def size_of(number: Any) -> Any:
        return gather(constant(sizes), number)

    def batches(number: Any, dataset: Dataset) -> Dataset:
        size = size_of(number)
        if no_padding:
            return dataset.batch(size, drop_remainder)
        shapes = padded_shapes or dataset.output_shapes
        if not pad_to_bucket_boundary:
            return dataset.padded_batch(size, shapes, padding_values, drop_remainder)
        return batching.padded_batch(dataset, size, shapes, padding_values, drop_remainder,
                                     lambda scope, parts: limits(int(scope.scalar(number)), parts), [number])

    def limits(number: int, shapes: Any) -> list[list[int]]:
        if number == len(bounds):
            raise InvalidArgumentError("When pad_to_bucket_boundary=True, elements must have length < "
                                       "max(bucket_boundaries).")
        return [[int(bounds[number]) - 1 if d is None else d for d in shape.as_list()] for shape in shapes]

    return lambda dataset: dataset.group_by_window(bucket, batches, window_size_func=size_of)


# by key


class Reducer:
    """init_func(key) -> state, reduce_func(state, element) -> state, finalize_func(state) -> result."""

    def __init__(self, init_func: Callable[..., Any], reduce_func: Callable[..., Any],
                 finalize_func: Callable[..., Any]):
        self.init_func, self.reduce_func, self.finalize_func = init_func, reduce_func, finalize_func


def group_by_reducer(key_func: Callable[..., Any], reducer: Reducer) -> Transformation:
    """For each int64 key, in rising order, the reduction of its elements."""
    def apply(dataset: Dataset) -> Dataset:
        key = Function(key_func, dataset.element_spec, "group_by_reducer()")
        start = Function(reducer.init_func, TensorSpec([], int64), "group_by_reducer()")
        state = start.output_spec
        step = Function(reducer.reduce_func, (state, dataset.element_spec), "group_by_reducer()")
        finish = Function(reducer.finalize_func, state, "group_by_reducer()")

        def iterate(scope: Scope) -> Iterator[Any]:
            key_of, begin, add, end = (f.bind(scope) for f in (key, start, step, finish))
            states: dict[int, Element] = {}
            try:
                for element in map(take_error, dataset._iterate(scope)):
                    number = int(key_of(element)[0])
                    current = states[number] if number in states else begin((np.array(number, np.int64),))
                    states[number] = add((*current, *element))
            except Exception as error:
                yield Failure(error)
                return
            for number in sorted(states):
                yield end(states[number])

        return dataset._derive(finish.output_spec, iterate, functions=[key, start, step, finish])
    return apply


def rejection_resample(class_func: Callable[..., Any], target_dist: Any, initial_dist: Any = None, seed: Any = None
                       ) -> Transformation:
    """(class, element) of elements kept so that classes have the distribution `target_dist`; without `initial_dist`
    theirs is estimated as they come."""
    def apply(dataset: Dataset) -> Dataset:
        classes = Function(class_func, dataset.element_spec, "rejection_resample()")
        target = convert_to_tensor(target_dist, name="target_dist")
        initial = None if initial_dist is None else convert_to_tensor(initial_dist, name="initial_dist")
        seeds = transforms.seeds_of(seed)

        def iterate(scope: Scope) -> Iterator[Any]:
            class_of, draw = classes.bind(scope), transforms.generator(scope, made, seeds, True)
            wanted = np.asarray(scope[target], np.float64)
            counts = np.ones_like(wanted) if initial is None else np.asarray(scope[initial], np.float64)
            for element in dataset._iterate(scope):
                if isinstance(element, Failure):
                    yield element
                    continue
                label = class_of(element)
                if initial is None:
                    counts[int(label[0])] += 1
                ratios = wanted / np.maximum(counts / counts.sum(), np.finfo(np.float32).tiny)
                if draw.random() < ratios[int(label[0])] / ratios.max():
                    yield (*label, *element)

        made = dataset._derive((classes.output_spec, dataset.element_spec), iterate, functions=[classes],
                               tensors=[target] if initial is None else [target, initial])
        return made
    return apply


def dense_to_sparse_batch(batch_size: Any, row_shape: Any) -> Transformation:
    """Batches of elements of different shapes as sparse tensors of dense shape [batch, *row_shape]."""
    def apply(dataset: Dataset) -> Dataset:
        from .. import SparseTensorValue
        count = as_scalar(batch_size, int64, "batch_size")
        row = st.flatten_shapes(None, row_shape)[0].as_list()
        spec = dataset.element_spec

        def iterate(scope: Scope) -> Iterator[Any]:
            for rows in batching.grouped(dataset._iterate(scope), int(scope.scalar(count)), False):
                if isinstance(rows, Failure):
                    yield rows
                    continue
                arrays = [np.asarray(r[0]) for r in rows]
                dense = [max(a.shape[k] for a in arrays) if d is None else d for k, d in enumerate(row)]
                if any(n > d for a in arrays for n, d in zip(a.shape, dense, strict=True)):
                    yield Failure(InvalidArgumentError(f"dense_to_sparse_batch: an element is larger than {dense}"))
                    continue
                indices = [np.concatenate([np.full((a.size, 1), i), np.argwhere(np.ones(a.shape, bool))], 1)
                           for i, a in enumerate(arrays)]
                yield (SparseTensorValue(np.concatenate(indices).astype(np.int64),
                                         np.concatenate([a.ravel() for a in arrays]),
                                         np.array([len(arrays), *dense], np.int64)),)

        return dataset._derive(SparseTensorSpec([None, *row], spec.dtype), iterate, tensors=[count])
    return apply


# what is said of a dataset


def cardinality(dataset: Core) -> Any:
    """The number of elements, int64: INFINITE_CARDINALITY (-1) and UNKNOWN_CARDINALITY (-2) among others."""
    return dataset.cardinality()


def assert_cardinality(expected_cardinality: int) -> Transformation:
    """The same elements. Raises FailedPreconditionError when the graph runs and there are fewer or more."""
    def apply(dataset: Dataset) -> Dataset:
        def iterate(scope: Scope) -> Iterator[Any]:
            number = 0
            for number, element in enumerate(dataset._iterate(scope), 1):  # noqa: B007
                if 0 <= expected_cardinality < number:
                    break
                yield element
            if number != expected_cardinality:
                more = number > expected_cardinality
                yield Failure(FailedPreconditionError(
                    f"Input dataset was expected to contain {expected_cardinality} elements but contained "
                    f"{'more' if more else f'only {number}'} elements."))
        return dataset._derive(dataset.element_spec, iterate, size=expected_cardinality)
    return apply


def get_single_element(dataset: Core) -> Any:
    """The only element, as tensors. Raises InvalidArgumentError when the graph runs and it is not the only one."""
    def only(scope: Scope) -> Element:
        elements = dataset._iterate(scope)
        first = next(elements, None)
        if first is None:
            raise InvalidArgumentError("Dataset was empty.")
        if next(elements, None) is not None:
            raise InvalidArgumentError("Dataset had more than one element.")
        return take_error(first)
    return whole(dataset, dataset.element_spec, [], only, "DatasetToSingleElement")


def get_structure(dataset_or_iterator: Any) -> Any:
    """The structure of an element, with a spec in place of each of its tensors."""
    return dataset_or_iterator.element_spec


# sources and places


def Counter(start: Any = 0, step: Any = 1, dtype: Any = int64) -> Dataset:
    """start, start + step, ... without end."""
    return sources.counter(Dataset._of, start, step, dtypes.as_dtype(dtype))


class RandomDataset(Dataset):
    """Uniform int64 scalars in [0, 2**32) without end."""

    def __init__(self, seed: Any = None, rerandomize_each_iteration: bool | None = None, name: str | None = None):
        seeds = transforms.seeds_of(seed)

        def iterate(scope: Scope) -> Iterator[Any]:
            draw = transforms.generator(scope, self, seeds, bool(rerandomize_each_iteration))
            while True:
                yield (np.array(draw.integers(2**32), np.int64),)

        super().__init__(TensorSpec([], int64), iterate, size=INFINITE_CARDINALITY)


def copy_to_device(target_device: str, source_device: str = "/cpu:0") -> Transformation:
    """The same elements: there is one device."""
    return lambda dataset: dataset


def prefetch_to_device(device: str, buffer_size: Any = None) -> Transformation:
    """`Dataset.prefetch`: there is one device."""
    return lambda dataset: dataset.prefetch(1 if buffer_size is None else buffer_size)


def TensorStructure(dtype: Any, shape: Any) -> TensorSpec:
    """The spec of a tensor."""
    return TensorSpec(shape, dtype)


def SparseTensorStructure(dtype: Any, shape: Any) -> SparseTensorSpec:
    """The spec of a sparse tensor."""
    return SparseTensorSpec(shape, dtype)


__all__ = [
    "AUTOTUNE", "AutoShardPolicy", "AutotuneAlgorithm", "AutotuneOptions", "CsvDataset", "DatasetStructure",
    "DistributeOptions", "ExternalStatePolicy", "INFINITE_CARDINALITY", "OptimizationOptions", "Optional",
    "OptionalStructure", "SHARD_HINT", "ServiceOptions", "SqlDataset", "StatsOptions", "Structure", "TFRecordWriter",
    "TensorArrayStructure", "ThreadingOptions", "UNKNOWN_CARDINALITY", "enable_debug_mode", "from_list",
    "get_next_as_optional", "make_batched_features_dataset", "make_csv_dataset", "parse_example_dataset",
    "DatasetInitializer", "choose_from_datasets", "from_variant", "index_table_from_dataset", "pad_to_cardinality",
    "sample_from_datasets", "service", "snapshot", "table_from_dataset", "to_variant",
]
