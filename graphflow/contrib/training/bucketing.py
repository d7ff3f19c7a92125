"""Batches of elements that belong together, of similar lengths say."""
from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...compiler.dtypes import int32
from ...compiler.errors import CancelledError, OutOfRangeError
from ...compiler.ops.constant import constant, convert_to_tensor
from ...compiler.ops.elementwise import cast, equal, greater_equal
from ...compiler.ops.reduction import reduce_sum
from ...compiler.shapes import TensorShape
from ...control_flow import cond
from ...framework import group, name_scope, no_op
from ...queues import FIFOQueue, PaddingFIFOQueue
from ...training.input import Batcher
from ...training.queue_runner import QueueRunner, add_queue_runner

_ENDS = (OutOfRangeError, CancelledError)


def bucket(tensors: Any, which_bucket: Any, batch_size: Any, num_buckets: int, num_threads: int = 1,
           capacity: int = 32, bucket_capacities: Sequence[int] | None = None, shapes: Any = None,
           dynamic_pad: bool = False, allow_smaller_final_batch: bool = False, keep_input: Any = True,
           shared_name: str | None = None, name: str | None = None) -> tuple[Any, Any]:
    """(the number of a bucket, a batch of elements that were put in it, in the structure of `tensors`).

    Every element goes to the queue of bucket `which_bucket`, an int32 scalar, where `keep_input` is true; a bucket
    with `batch_size` elements (an int, or one for each bucket) moves them to the queue that the batches come from.
    `capacity` counts the batches there, `bucket_capacities` the elements in each bucket. `dynamic_pad` pads the
    elements of a batch to one shape. Raises ValueError for a list that does not have `num_buckets` elements.
    """
    sizes = list(batch_size) if isinstance(batch_size, (list, tuple)) else [batch_size] * num_buckets
    if len(sizes) != num_buckets:
        raise ValueError("If batch_size is a list it must have num_buckets elements")
    capacities = list(bucket_capacities or [capacity] * num_buckets)
    if len(capacities) != num_buckets:
        raise ValueError(f"The list bucket_capacities ({capacities}) must have exactly num_buckets ({num_buckets}) "
                         "elements.")
    with name_scope(name, "bucket"):
        batcher = Batcher([tensors], False, shapes)
        make = PaddingFIFOQueue if dynamic_pad else FIFOQueue
        queues = [make(room, batcher.dtypes, batcher.shapes, name=f"bucket_queue_{i}",
                       shared_name=shared_name and f"{shared_name}_{i}") for i, room in enumerate(capacities)]
        fixed = not allow_smaller_final_batch and batch_size is not sizes and isinstance(batch_size, int)
        known = TensorShape([batch_size if fixed else None])
        top = PaddingFIFOQueue(capacity, [int32, *batcher.dtypes],
                               [TensorShape([]), *(known.concatenate(s) for s in batcher.shapes)], name="top_queue",
                               shared_name=shared_name)
        which = convert_to_tensor(which_bucket, int32)

        def enqueue() -> Any:
            return group(*(cond(equal(which, i), functools.partial(q.enqueue, batcher.rows[0]), no_op)
                           for i, q in enumerate(queues)))

        kept = enqueue() if keep_input is True else cond(convert_to_tensor(keep_input), enqueue, no_op)
        for i, (queue, size) in enumerate(zip(queues, sizes, strict=True)):
            taken = (queue.dequeue_up_to if allow_smaller_final_batch else queue.dequeue_many)(size)
            to_top = top.enqueue([constant(i), *(taken if isinstance(taken, list) else [taken])])
            add_queue_runner(QueueRunner(queue, [to_top], queue_closed_exception_types=_ENDS))
        add_queue_runner(QueueRunner(top, [kept] * num_threads, queue_closed_exception_types=_ENDS))
        number, *batch = top.dequeue(name="dequeue_top")
        return number, batch if batcher.keys is None else dict(zip(batcher.keys, batch, strict=True))


def bucket_by_sequence_length(input_length: Any, tensors: Any, batch_size: Any, bucket_boundaries: Sequence[int],
                              num_threads: int = 1, capacity: int = 32, bucket_capacities: Sequence[int] | None = None,
                              shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
                              keep_input: Any = True, shared_name: str | None = None,
                              name: str | None = None) -> tuple[Any, Any]:
    """(lengths, a batch of elements of similar length): as `bucket`, with one bucket more than there are boundaries.

    An element of `input_length`, an int32 scalar, is in bucket k when k of the boundaries are at most that long.
    Raises TypeError for boundaries that are not ints, ValueError unless they grow.
    """
    bounds = list(bucket_boundaries)
    if not bounds:
        raise ValueError("bucket_boundaries must not be empty")
    if any(not isinstance(b, (int, np.integer)) for b in bounds):
        raise TypeError(f"bucket_boundaries must be integers, but saw: {bounds}")
    if any(a >= b for a, b in zip(bounds, bounds[1:], strict=False)):
        raise ValueError(f"Buckets must contain sequential increasing lengths, but saw: {bounds}")
    with name_scope(name, "bucket_by_sequence_length"):
        length = convert_to_tensor(input_length, int32)
        which = reduce_sum(cast(greater_equal(length, constant(np.array(bounds, np.int32))), int32))
        keyed = isinstance(tensors, dict)
        rows = {"": length, **tensors} if keyed else [length, *tensors]
        if shapes is not None:
            shapes = [TensorShape([]), *shapes]
        _, batch = bucket(rows, which, batch_size, len(bounds) + 1, num_threads, capacity, bucket_capacities, shapes,
                          dynamic_pad, allow_smaller_final_batch, keep_input, shared_name)
        return (batch.pop(""), batch) if keyed else (batch[0], batch[1:])
