"""Queues of input: producers of file names or slices, and batches, each filled by threads (see queue_runner.py)."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..array_ops import shape
from ..compiler.dtypes import int64, string
from ..compiler.ir import Operation, Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.gather import gather
from ..compiler.ops.selection import boolean_mask
from ..compiler.ops.sorting import argsort
from ..compiler.ops.view import broadcast_to, expand_dims, identity, reshape
from ..compiler.shapes import TensorShape
from ..framework import GraphKeys, control_dependencies, name_scope
from ..math_ops import range_
from ..queues import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from ..random_ops import random_uniform
from ..variable_checks import count_up_to
from ..variables import Variable
from .queue_runner import QueueRunner, add_queue_runner

# producers


def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Tensor:
    """`tensor`, which ends with OutOfRangeError after `num_epochs` runs (None: never).

    The number of runs is the local variable "epochs". Raises ValueError unless `num_epochs` is positive.
    """
    value = convert_to_tensor(tensor)
    if num_epochs is None:
        return value
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    with name_scope(name, "limit_epochs", [value]) as scope:
        epochs = Variable(constant(0, int64), name="epochs", trainable=False, collections=[GraphKeys.LOCAL_VARIABLES])
        with control_dependencies([count_up_to(epochs, num_epochs)]):
            return identity(value, name=scope)


def input_producer(input_tensor: Any, element_shape: Any = None, num_epochs: int | None = None, shuffle: bool = True,
                   seed: int | None = None, capacity: int = 32, shared_name: str | None = None,
                   summary_name: str | None = None, name: str | None = None, cancel_op: Any = None) -> FIFOQueue:
    """A queue of the rows of `input_tensor`, over and over (`num_epochs` times), in a new order each time if `shuffle`.

    Its runner is added to the graph's queue runners. Raises ValueError for a shape of rows that is not known.
    """
    with name_scope(name, "input_producer", [input_tensor]):
        rows = convert_to_tensor(input_tensor, name="input_tensor")
        known = rows.shape[1:] if rows.shape.dims is not None else TensorShape(None)
        element = known.merge_with(element_shape)
        if not element.is_fully_defined():
            raise ValueError("Either `input_tensor` must have a fully defined shape or `element_shape` must be "
                             "specified")
        if rows.shape.dims is None:  # what tf.train.match_filenames_once gives
            rows = reshape(rows, [-1, *element.as_list()])
        if shuffle:
            rows = gather(rows, argsort(random_uniform(shape(rows)[:1], seed=seed)))
        rows = limit_epochs(rows, num_epochs)
        queue = FIFOQueue(capacity, [rows.dtype.base_dtype], [element], shared_name=shared_name, name=name or
                          "input_producer")
        add_queue_runner(QueueRunner(queue, [queue.enqueue_many([rows])], cancel_op=cancel_op))
        return queue


def string_input_producer(string_tensor: Any, num_epochs: int | None = None, shuffle: bool = True,
                          seed: int | None = None, capacity: int = 32, shared_name: str | None = None,
                          name: str | None = None, cancel_op: Any = None) -> FIFOQueue:
    """A queue of strings, file names say. Raises ValueError for no strings."""
    if not isinstance(string_tensor, (Tensor, Variable)) and len(string_tensor) == 0:
        raise ValueError("string_input_producer requires a non-null input tensor")
    with name_scope(name, "input_producer", [string_tensor]) as scope:
        return input_producer(convert_to_tensor(string_tensor, string), [], num_epochs, shuffle, seed, capacity,
                              shared_name, name=scope, cancel_op=cancel_op)


def range_input_producer(limit: Any, num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None,
                         capacity: int = 32, shared_name: str | None = None, name: str | None = None) -> FIFOQueue:
    """A queue of the integers from 0 to `limit` - 1."""
    with name_scope(name, "input_producer", [limit]) as scope:
        return input_producer(range_(limit), [], num_epochs, shuffle, seed, capacity, shared_name, name=scope)


def slice_input_producer(tensor_list: Sequence[Any], num_epochs: int | None = None, shuffle: bool = True,
                         seed: int | None = None, capacity: int = 32, shared_name: str | None = None,
                         name: str | None = None) -> list[Tensor]:
    """One row of each tensor, the same in all, as a queue of row numbers gives it. Raises ValueError for no tensors."""
    with name_scope(name, "input_producer", tensor_list):
        tensors = [convert_to_tensor(t) for t in tensor_list]
        if not tensors:
            raise ValueError("Expected at least one tensor in slice_input_producer().")
        count = tensors[0].shape[0].value if tensors[0].shape.dims else None
        queue = range_input_producer(shape(tensors[0])[0] if count is None else count, num_epochs, shuffle, seed,
                                     capacity, shared_name)
        index = queue.dequeue()
        return [gather(t, index) for t in tensors]


# batches


class Batcher:
    """What the batch functions share: the structure of an element, its queue and its runners."""

    def __init__(self, tensors_list: Sequence[Any], enqueue_many: bool, shapes: Any, keep_input: Any = None):
        if not tensors_list:
            raise ValueError("Expected at least one set of tensors")
        first = tensors_list[0]
        self.keys = sorted(first) if isinstance(first, Mapping) else None
        self.rows = [self._tensors(tensors) for tensors in tensors_list]
        if not self.rows[0]:
            raise ValueError("Expected at least one tensor")
        self.dtypes = [t.dtype for t in self.rows[0]]
        if any([t.dtype for t in row] != self.dtypes for row in self.rows):
            raise TypeError("Expected types to be consistent")
        if shapes is None:
            self.shapes = [_joint([row[i].shape for row in self.rows], enqueue_many) for i in range(len(self.dtypes))]
        else:
            self.shapes = [TensorShape(s) for s in shapes]
        self.many = enqueue_many
        if keep_input is not None and keep_input is not True:
            self._filter(convert_to_tensor(keep_input))

    def _tensors(self, tensors: Any) -> list[Tensor]:
        if isinstance(tensors, Mapping):
            return [convert_to_tensor(tensors[k]) for k in sorted(tensors)]
        return [convert_to_tensor(t) for t in (tensors if isinstance(tensors, (list, tuple)) else [tensors])]

    def _filter(self, keep: Tensor) -> None:
        """Keep an element where `keep` says so: none or one, or some of several."""
        if not self.many:
            self.rows = [[expand_dims(t, 0) for t in row] for row in self.rows]
            self.many = True
        count = shape(self.rows[0][0])[:1]
        mask = broadcast_to(keep, count) if keep.shape.rank == 0 else keep
        self.rows = [[boolean_mask(t, mask) for t in row] for row in self.rows]

    def run(self, queue: QueueBase, threads: int = 1) -> None:
        enqueue: Callable[[list[Tensor]], Operation] = queue.enqueue_many if self.many else queue.enqueue
        rows = self.rows * threads if len(self.rows) == 1 else self.rows
        add_queue_runner(QueueRunner(queue, [enqueue(row) for row in rows]))

    def take(self, queue: QueueBase, batch_size: Any, smaller_final: bool, scope: str) -> Any:
        taken = (queue.dequeue_up_to if smaller_final else queue.dequeue_many)(batch_size, name=scope)
        if self.keys is not None:
            return dict(zip(self.keys, taken if isinstance(taken, list) else [taken], strict=True))
        return taken


def _joint(shapes: Sequence[TensorShape], many: bool) -> TensorShape:
    """What is known of all shapes (of their rows)."""
    parts = [s[1:] if many and s.dims is not None else TensorShape(None) if many else s for s in shapes]
    if any(p.dims is None or p.rank != parts[0].rank for p in parts):
        return TensorShape(None)
    return TensorShape([sizes[0] if len(set(sizes)) == 1 else None
                        for sizes in zip(*(p.as_list() for p in parts), strict=True)])


def _batch(batcher: Batcher, batch_size: Any, threads: int, capacity: int, dynamic_pad: bool, smaller_final: bool,
           shared_name: str | None, scope: str) -> Any:
    make = PaddingFIFOQueue if dynamic_pad else FIFOQueue
    queue = make(capacity, batcher.dtypes, batcher.shapes, shared_name=shared_name)
    batcher.run(queue, threads)
    return batcher.take(queue, batch_size, smaller_final, scope)


def _shuffled(batcher: Batcher, batch_size: Any, capacity: int, min_after_dequeue: int, threads: int,
              seed: int | None, smaller_final: bool, shared_name: str | None, scope: str) -> Any:
    queue = RandomShuffleQueue(capacity, min_after_dequeue, batcher.dtypes, batcher.shapes, seed=seed,
                               shared_name=shared_name)
    batcher.run(queue, threads)
    return batcher.take(queue, batch_size, smaller_final, scope)


def batch(tensors: Any, batch_size: Any, num_threads: int = 1, capacity: int = 32, enqueue_many: bool = False,
          shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
          shared_name: str | None = None, name: str | None = None) -> Any:
    """Batches of `batch_size` elements, in the structure of `tensors` (a tensor, list or dict).

    A queue of `capacity` elements stands between, filled by `num_threads` threads; with `enqueue_many`, `tensors` hold
    several elements. `dynamic_pad` pads the elements of a batch to one shape.
    """
    return maybe_batch(tensors, True, batch_size, num_threads, capacity, enqueue_many, shapes, dynamic_pad,
                       allow_smaller_final_batch, shared_name, name)


def maybe_batch(tensors: Any, keep_input: Any, batch_size: Any, num_threads: int = 1, capacity: int = 32,
                enqueue_many: bool = False, shapes: Any = None, dynamic_pad: bool = False,
                allow_smaller_final_batch: bool = False, shared_name: str | None = None,
                name: str | None = None) -> Any:
    """As `batch`, of the elements for which `keep_input` is true."""
    with name_scope(name, "batch") as scope:
        return _batch(Batcher([tensors], enqueue_many, shapes, keep_input), batch_size, num_threads, capacity,
                      dynamic_pad, allow_smaller_final_batch, shared_name, scope)


def batch_join(tensors_list: Sequence[Any], batch_size: Any, capacity: int = 32, enqueue_many: bool = False,
               shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
               shared_name: str | None = None, name: str | None = None) -> Any:
    """As `batch`, with a thread for each of several sources of elements."""
    return maybe_batch_join(tensors_list, True, batch_size, capacity, enqueue_many, shapes, dynamic_pad,
                            allow_smaller_final_batch, shared_name, name)


def maybe_batch_join(tensors_list: Sequence[Any], keep_input: Any, batch_size: Any, capacity: int = 32,
                     enqueue_many: bool = False, shapes: Any = None, dynamic_pad: bool = False,
                     allow_smaller_final_batch: bool = False, shared_name: str | None = None,
                     name: str | None = None) -> Any:
    """As `batch_join`, of the elements for which `keep_input` is true."""
    with name_scope(name, "batch_join") as scope:
        return _batch(Batcher(tensors_list, enqueue_many, shapes, keep_input), batch_size, 1, capacity, dynamic_pad,
                      allow_smaller_final_batch, shared_name, scope)


def shuffle_batch(tensors: Any, batch_size: Any, capacity: int, min_after_dequeue: int, num_threads: int = 1,
                  seed: int | None = None, enqueue_many: bool = False, shapes: Any = None,
                  allow_smaller_final_batch: bool = False, shared_name: str | None = None,
                  name: str | None = None) -> Any:
    """As `batch`, in random order: each batch is drawn from a queue that keeps `min_after_dequeue` elements."""
    return maybe_shuffle_batch(tensors, batch_size, capacity, min_after_dequeue, True, num_threads, seed, enqueue_many,
                               shapes, allow_smaller_final_batch, shared_name, name)


def maybe_shuffle_batch(tensors: Any, batch_size: Any, capacity: int, min_after_dequeue: int, keep_input: Any,
                        num_threads: int = 1, seed: int | None = None, enqueue_many: bool = False, shapes: Any = None,
                        allow_smaller_final_batch: bool = False, shared_name: str | None = None,
                        name: str | None = None) -> Any:
    """As `shuffle_batch`, of the elements for which `keep_input` is true."""
    with name_scope(name, "shuffle_batch") as scope:
        return _shuffled(Batcher([tensors], enqueue_many, shapes, keep_input), batch_size, capacity, min_after_dequeue,
                         num_threads, seed, allow_smaller_final_batch, shared_name, scope)


def shuffle_batch_join(tensors_list: Sequence[Any], batch_size: Any, capacity: int, min_after_dequeue: int,
                       seed: int | None = None, enqueue_many: bool = False, shapes: Any = None,
                       allow_smaller_final_batch: bool = False, shared_name: str | None = None,
                       name: str | None = None) -> Any:
    """As `shuffle_batch`, with a thread for each of several sources of elements."""
    return maybe_shuffle_batch_join(tensors_list, batch_size, capacity, min_after_dequeue, True, seed, enqueue_many,
                                    shapes, allow_smaller_final_batch, shared_name, name)


def maybe_shuffle_batch_join(tensors_list: Sequence[Any], batch_size: Any, capacity: int, min_after_dequeue: int,
                             keep_input: Any, seed: int | None = None, enqueue_many: bool = False, shapes: Any = None,
                             allow_smaller_final_batch: bool = False, shared_name: str | None = None,
                             name: str | None = None) -> Any:
    """As `shuffle_batch_join`, of the elements for which `keep_input` is true."""
    with name_scope(name, "shuffle_batch_join") as scope:
        return _shuffled(Batcher(tensors_list, enqueue_many, shapes, keep_input), batch_size, capacity,
                         min_after_dequeue, 1, seed, allow_smaller_final_batch, shared_name, scope)


