"""`tf.data`: input pipelines. A `Dataset` says how to make elements, an iterator hands them to a graph, or to
Python."""
from __future__ import annotations

from collections import abc
from collections.abc import Callable, Sequence
from typing import Any

from ..compiler.dtypes import int64
from ..compiler.ir import default_graph
from ..tensor_spec import SparseTensorSpec, TensorSpec
from . import batching, functional, sources, transforms
from .dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Core
from .options import Options, ThreadingOptions
from .structure import DatasetSpec


class Dataset(Core):
    """A sequence of elements, each a tensor or a nest (tuples, named tuples, dicts) of tensors.

    Methods return a new dataset and leave this one as it is. Elements come in a fixed order, also where several
    threads make them; an element that cannot be made raises its error when it is asked for, and those after it follow.
    """

    @classmethod
    def _of(cls, *args: Any, **kwargs: Any) -> Dataset:
        """A dataset of elements given as `Core` takes them; subclasses' constructors take other arguments."""
        made = object.__new__(Dataset)
        Core.__init__(made, *args, **kwargs)
        return made

    def _derive(self, spec: Any, iterate: Any, inputs: Sequence[Core] | None = None, **kwargs: Any) -> Dataset:
        return Dataset._of(spec, iterate, inputs=[self] if inputs is None else inputs, **kwargs)

    # sources

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """One element, `tensors`."""
        return sources.from_tensors(Dataset._of, tensors)

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """One element for each slice of `tensors` along their first axis. Raises ValueError where sizes differ."""
        return sources.from_tensor_slices(Dataset._of, tensors)

    @staticmethod
    def from_sparse_tensor_slices(sparse_tensor: Any) -> Dataset:
        """For each slice of a sparse tensor of rank n its (indices, values, dense_shape) of rank n - 1."""
        if not hasattr(sparse_tensor, "dense_shape"):
            raise TypeError("`sparse_tensor` must be a `tf.SparseTensor` object. Was "
                            f"{sparse_tensor!r}.")
        rows = sources.from_tensor_slices(Dataset._of, sparse_tensor)
        rank = rows._spec.shape.rank
        spec = (TensorSpec([None, rank], int64), TensorSpec([None], rows._spec.dtype), TensorSpec([rank], int64))
        return rows._derive(spec, lambda scope: ((r.indices, r.values, r.dense_shape) for r, in rows._iterate(scope)),
                            size=rows._size)

    @staticmethod
    def from_generator(generator: Callable[..., Any], output_types: Any = None, output_shapes: Any = None,
                       args: Sequence[Any] | None = None, output_signature: Any = None) -> Dataset:
        """What the iterator that `generator(*args)` returns yields, once for each iteration.

        Raises, when the graph runs, InvalidArgumentError for a value that has not the types and shapes.
        """
        return sources.from_generator(Dataset._of, generator, output_types, output_shapes, args, output_signature)

    @staticmethod
    def range(*args: Any) -> Dataset:
        """int64 scalars from start (0) to stop by step (1), as Python's `range`."""
        return sources.range_(Dataset._of, *args)

    @staticmethod
    def zip(*args: Any, datasets: Any = None) -> Dataset:
        """Elements of a nest of datasets side by side, as many as the shortest has. Raises TypeError for a list."""
        given = datasets if not args else args[0] if len(args) == 1 else args
        return transforms.zip_(Dataset._of, given)

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None, seed: Any = None) -> Dataset:
        """The names of files that match a pattern (or several), shuffled unless `shuffle` is False.

        Raises InvalidArgumentError when the graph runs and no file matches.
        """
        from .files import list_files
        return list_files(Dataset._of, file_pattern, shuffle, seed)

    # elements chosen and ordered

    def concatenate(self, dataset: Dataset) -> Dataset:
        """The elements of this dataset, then those of the other. Raises TypeError where their types differ."""
        return transforms.concatenate(self, dataset)

    def take(self, count: Any) -> Dataset:
        """The first `count` elements (all for -1)."""
        return transforms.take(self, count)

    def skip(self, count: Any) -> Dataset:
        """The elements after the first `count` (none for -1)."""
        return transforms.skip(self, count)

    def shard(self, num_shards: Any, index: Any) -> Dataset:
        """Every `num_shards`-th element from number `index` on."""
        return transforms.shard(self, num_shards, index)

    def repeat(self, count: Any = None) -> Dataset:
        """The elements `count` times over; without end for None or -1."""
        return transforms.repeat(self, count)

    def shuffle(self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: bool | None = None) -> Dataset:
        """The elements in random order: each drawn from the next `buffer_size` ones.

        With a seed (here or of the graph) iterators give the same orders; each repetition another one, unless
        `reshuffle_each_iteration` is False.
        """
        return transforms.shuffle(self, buffer_size, seed, reshuffle_each_iteration)

    def enumerate(self, start: Any = 0) -> Dataset:
        """(number, element), counted from `start` in int64."""
        return transforms.enumerate_(self, start)

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements for which `predicate`, a function of tensors, is true."""
        return functional.filter_(self, predicate)

    filter_with_legacy_function = filter

    def take_while(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements before the first for which `predicate` is false."""
        return functional.take_while(self, predicate)

    def unique(self) -> Dataset:
        """Each element once; elements are int32, int64 or string tensors."""
        return functional.unique(self)

    def ignore_errors(self, log_warning: bool = False) -> Dataset:
        """The elements that can be made."""
        return functional.ignore_errors(self)

    # elements computed

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None, deterministic: bool | None = None
            ) -> Dataset:
        """`map_func` of each element; the parts of a tuple are its arguments.

        The function builds graph: it is called once, compiled, and run for each element, by `num_parallel_calls`
        threads at once. It may use tensors and variables around it.
        """
        return functional.map_(self, map_func, num_parallel_calls)

    map_with_legacy_function = map

    def flat_map(self, map_func: Callable[..., Any]) -> Dataset:
        """The elements of the datasets that `map_func` returns, one dataset after the other."""
        return functional.flat_map(self, map_func)

    def interleave(self, map_func: Callable[..., Any], cycle_length: Any = AUTOTUNE, block_length: Any = 1,
                   num_parallel_calls: Any = None, deterministic: bool | None = None) -> Dataset:
        """The elements of the datasets that `map_func` returns, `block_length` in turn from `cycle_length` of them."""
        return functional.interleave(self, map_func, cycle_length, block_length, num_parallel_calls)

    def scan(self, initial_state: Any, scan_func: Callable[..., Any]) -> Dataset:
        """The outputs of `scan_func(state, element) -> (new state, output)` from `initial_state` on."""
        return functional.scan(self, initial_state, scan_func)

    def group_by_window(self, key_func: Callable[..., Any], reduce_func: Callable[..., Any], window_size: Any = None,
                        window_size_func: Callable[..., Any] | None = None) -> Dataset:
        """`reduce_func(key, dataset)` of each `window_size` consecutive elements with the same int64 key."""
        return functional.group_by_window(self, key_func, reduce_func, window_size, window_size_func)

    def bucket_by_sequence_length(self, element_length_func: Callable[..., Any], bucket_boundaries: Sequence[int],
                                  bucket_batch_sizes: Sequence[int], padded_shapes: Any = None,
                                  padding_values: Any = None, pad_to_bucket_boundary: bool = False,
                                  no_padding: bool = False, drop_remainder: bool = False) -> Dataset:
        """Padded batches of elements of similar length, see `tf.data.experimental.bucket_by_sequence_length`."""
        from .experimental import bucket_by_sequence_length
        return self.apply(bucket_by_sequence_length(
            element_length_func, bucket_boundaries, bucket_batch_sizes, padded_shapes, padding_values,
            pad_to_bucket_boundary, no_padding, drop_remainder))

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
        """The last state of `reduce_func(state, element) -> new state` over all elements, as tensors."""
        from .iterator import reduce_op
        return reduce_op(self, initial_state, reduce_func)

    # batches

    def batch(self, batch_size: Any, drop_remainder: Any = False, num_parallel_calls: Any = None,
              deterministic: bool | None = None) -> Dataset:
        """`batch_size` consecutive elements at a time along a new first axis; the last batch may be smaller.

        Raises InvalidArgumentError when the graph runs and shapes differ.
        """
        return batching.batch(self, batch_size, drop_remainder)

    def padded_batch(self, batch_size: Any, padded_shapes: Any = None, padding_values: Any = None,
                     drop_remainder: Any = False) -> Dataset:
        """Batches of elements padded to `padded_shapes` (where None or -1: to the longest) with `padding_values`
        (0 or the empty string). Raises DataLossError when the graph runs and an element is larger."""
        return batching.padded_batch(self, batch_size, padded_shapes, padding_values, drop_remainder)

    def unbatch(self) -> Dataset:
        """The slices of each element along its first axis."""
        return batching.unbatch(self)

    def window(self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: Any = False) -> Dataset:
        """Datasets of `size` elements, `stride` apart, each window beginning `shift` (default `size`) elements
        later."""
        return batching.window(self, size, shift, stride, drop_remainder)

    # when elements are made

    def cache(self, filename: Any = "") -> Dataset:
        """The elements as they came the first time, kept in memory or in a file that later programs read too."""
        return transforms.cache(self, filename)

    def prefetch(self, buffer_size: Any) -> Dataset:
        """Up to `buffer_size` elements made ahead by a thread of their own, while those before are used."""
        return transforms.prefetch(self, buffer_size)

    def apply(self, transformation_func: Callable[[Dataset], Any]) -> Any:
        """`transformation_func(self)`. Raises TypeError unless it is a dataset."""
        dataset = transformation_func(self)
        if not isinstance(dataset, Core):
            raise TypeError("`transformation_func` must return a Dataset.")
        return dataset

    def with_options(self, options: Options) -> Dataset:
        """The same elements; the options are kept, see `options`."""
        made = self._derive(self._spec, self._iterate, size=self._size)
        made._options = self.options().merge(options)
        return made

    # iterators

    def make_one_shot_iterator(self) -> Any:
        """An iterator that needs no initializer. Raises ValueError where the dataset depends on placeholders or
        variables."""
        from .iterator import make_one_shot_iterator
        return make_one_shot_iterator(self)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Any:
        """An iterator that its `initializer` starts, anew each time it runs; with the feeds of that run."""
        from .iterator import make_initializable_iterator
        return make_initializable_iterator(self, shared_name)

    def __iter__(self) -> abc.Iterator[Any]:
        """The elements as NumPy values, as tensors where ops run at once. Raises, for an element that cannot be made,
        its error."""
        if not default_graph().eager:
            return self.as_numpy_iterator()
        from .iterator import EagerIterator
        return EagerIterator(self)

    def as_numpy_iterator(self) -> abc.Iterator[Any]:
        """The elements as NumPy values."""
        return NumpyIterator(self)

    def get_single_element(self) -> Any:
        """The only element, as tensors. Raises InvalidArgumentError when the graph runs and it is not the only one."""
        from .experimental import get_single_element
        return get_single_element(self)


# datasets of files are subclasses
from .files import FixedLengthRecordDataset, TextLineDataset, TFRecordDataset  # noqa: E402
from .iterator import Iterator, NumpyIterator, make_initializable_iterator, make_one_shot_iterator  # noqa: E402


def get_output_types(dataset_or_iterator: Any) -> Any:
    """The dtype of each part of an element."""
    return dataset_or_iterator.output_types


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """The static shape of each part of an element."""
    return dataset_or_iterator.output_shapes


def get_output_classes(dataset_or_iterator: Any) -> Any:
    """The class of each part of an element."""
    return dataset_or_iterator.output_classes


def __getattr__(name: str) -> Any:
    if name == "experimental":
        import importlib
        return importlib.import_module(f"{__name__}.experimental")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)


__all__ = ["AUTOTUNE", "Dataset", "DatasetSpec", "FixedLengthRecordDataset", "INFINITE_CARDINALITY", "Iterator",
           "NumpyIterator", "Options", "SparseTensorSpec", "TFRecordDataset", "TensorSpec", "TextLineDataset",
           "ThreadingOptions", "UNKNOWN_CARDINALITY", "get_output_classes", "get_output_shapes",
           "get_output_types", "make_initializable_iterator", "make_one_shot_iterator"]
