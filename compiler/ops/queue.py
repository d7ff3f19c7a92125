"""Queue ops (see resources.py).

Elements are tuples of arrays; attributes `dtypes` and `shapes` (each a tuple of sizes, None for those that vary, or
None) give their types.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from .. import queues
from ..dtypes import bool_, int32, string
from ..errors import InvalidArgumentError
from ..ir import Tensor, TensorType
from ..opdef import OpDef
from ..shapes import Dims
from . import resources
from .resources import resource_op
from .symbolic import static_value


def found(handle: np.ndarray, session: Any) -> queues.Queue:
    """The queue that a handle names."""
    return resources.found(session, "queue", handle)


def _queue(name: str, make: Callable[..., queues.Queue]) -> OpDef:
    """An op that makes the queue when it runs for the first time in a session. `key` names the queue there."""
    def reference(session: Any, key: str, dtypes: Any, shapes: Any, **options: Any) -> np.ndarray:
        return resources.kept(session, "queue", key, lambda: make(key, **options))

    return resource_op(name, lambda inputs, attrs: [TensorType(string, ())], reference)


fifo_queue = _queue("FIFOQueueV2", queues.Queue)
padding_fifo_queue = _queue("PaddingFIFOQueueV2", queues.PaddingQueue)
random_shuffle_queue = _queue("RandomShuffleQueueV2", queues.ShuffleQueue)
priority_queue = _queue("PriorityQueueV2", queues.SmallestFirstQueue)


def _enqueue(handle: np.ndarray, *parts: np.ndarray, session: Any) -> tuple[()]:
    found(handle, session).enqueue([tuple(p.copy() for p in parts)])
    return ()


def _enqueue_many(handle: np.ndarray, *parts: np.ndarray, session: Any) -> tuple[()]:
    counts = {len(p) for p in parts}
    if len(counts) != 1:
        raise InvalidArgumentError("QueueEnqueueMany: all components must have the same number of elements, received "
                                   f"{[p.shape for p in parts]}")
    found(handle, session).enqueue([tuple(p[i:i + 1].reshape(p.shape[1:]).copy() for p in parts)
                                    for i in range(counts.pop())])
    return ()


enqueue = resource_op("QueueEnqueueV2", lambda inputs, attrs: [], _enqueue)
enqueue_many = resource_op("QueueEnqueueManyV2", lambda inputs, attrs: [], _enqueue_many)


def _element_types(attrs: dict[str, Any], first: Dims) -> list[TensorType]:
    return [TensorType(dtype, None if dims is None else (*first, *(dm.fresh() if d is None else d for d in dims)))
            for dtype, dims in zip(attrs["dtypes"], attrs["shapes"], strict=True)]


def _dequeue(handle: np.ndarray, dtypes: Any, shapes: Any, session: Any) -> tuple[np.ndarray, ...]:
    return found(handle, session).dequeue(1)[0]


def _dequeue_several(up_to: bool) -> Callable[..., tuple[np.ndarray, ...]]:
    def reference(handle: np.ndarray, n: np.ndarray, dtypes: Any, shapes: Any, session: Any) -> tuple[np.ndarray, ...]:
        queue = found(handle, session)
        if n < 0:
            raise InvalidArgumentError(f"{queue.kind} '{queue.name}': requested {n} < 0 elements")
        if n == 0:
            return tuple(np.empty((0, *(d or 0 for d in dims or ())), dtype.np)
                         for dtype, dims in zip(dtypes, shapes, strict=True))
        return queue.stack(queue.dequeue(int(n), up_to))

    return reference


def _many_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    count = static_value(inputs[1])
    return _element_types(attrs, (dm.fresh() if count is None else int(count),))


dequeue = resource_op("QueueDequeueV2", lambda inputs, attrs: _element_types(attrs, ()), _dequeue)
dequeue_many = resource_op("QueueDequeueManyV2", _many_types, _dequeue_several(up_to=False))
dequeue_up_to = resource_op("QueueDequeueUpToV2", lambda inputs, attrs: _element_types(attrs, (dm.fresh(),)),
                            _dequeue_several(up_to=True))


def _close(handle: np.ndarray, cancel_pending_enqueues: bool, session: Any) -> tuple[()]:
    found(handle, session).shut(cancel_pending_enqueues)
    return ()


close = resource_op("QueueCloseV2", lambda inputs, attrs: [], _close)
size = resource_op("QueueSizeV2", lambda inputs, attrs: [TensorType(int32, ())],
                   lambda handle, session: np.int32(found(handle, session).size()))
is_closed = resource_op("QueueIsClosedV2", lambda inputs, attrs: [TensorType(bool_, ())],
                        lambda handle, session: np.bool_(found(handle, session).closed))
