"""Queues (`tf.FIFOQueue` and its kin): several threads put elements in and take them out, each in runs of its own."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .compiler.dtypes import DType, as_dtype, int32, int64
from .compiler.ir import Operation, Tensor, default_graph
from .compiler.opdef import OpDef
from .compiler.ops import queue as ops
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.slicing import stack
from .compiler.shapes import TensorShape
from .framework import get_seed, name_scope


class QueueBase:
    """What queues share. An element has one component or more, of the types `dtypes`, and of `shapes` if given.

    With `names`, elements are dicts of components. Operations that wait end with OutOfRangeError or CancelledError
    when the queue is closed, and with CancelledError when the session is.
    """

    def __init__(self, dtypes: Any, shapes: Any, names: Any, queue_ref: Tensor):
        self._dtypes = _dtypes(dtypes)
        self._shapes = _shapes(shapes, len(self._dtypes))
        self._names = _names(names, len(self._dtypes))
        self._queue_ref = queue_ref
        self._name = queue_ref.op.name.rpartition("/")[2]

    @staticmethod
    def from_list(index: Any, queues: Sequence[QueueBase]) -> QueueBase:
        """The queue at position `index`, which a run computes. Raises TypeError for queues of different types."""
        if not queues or not isinstance(queues, (list, tuple)) or not all(isinstance(q, QueueBase) for q in queues):
            raise TypeError("A list of queues expected")
        first = queues[0]
        if any(q._dtypes != first._dtypes for q in queues):
            raise TypeError("Queues do not have matching component dtypes.")
        if any(q._names != first._names for q in queues):
            raise TypeError("Queues do not have matching component names.")
        shapes = [s if all(q._shapes[i] == s for q in queues) else TensorShape(None)
                  for i, s in enumerate(first._shapes)]
        return QueueBase(first._dtypes, shapes, first._names, stack([q._queue_ref for q in queues])[index])

    @property
    def queue_ref(self) -> Tensor:
        return self._queue_ref

    @property
    def name(self) -> str:
        return self._queue_ref.op.name

    @property
    def dtypes(self) -> list[DType]:
        return self._dtypes

    @property
    def shapes(self) -> list[TensorShape]:
        return self._shapes

    @property
    def names(self) -> list[str] | None:
        return self._names

    # in

    def _components(self, vals: Any, many: bool) -> list[Tensor]:
        if self._names is not None:
            if not isinstance(vals, Mapping):
                raise ValueError(f"The queue has names {self._names}, so a dictionary must be enqueued, received "
                                 f"{vals!r}")
            if sorted(self._names) != sorted(vals):
                raise ValueError(f"Keys in dictionary to enqueue do not match names of Queue.  Dictionary: "
                                 f"{sorted(vals)}, Queue: {sorted(self._names)}")
            vals = [vals[name] for name in self._names]
        elif isinstance(vals, Mapping):
            raise ValueError("Queue must have names to enqueue a dictionary")
        elif not isinstance(vals, (list, tuple)) or len(self._dtypes) == 1 and len(vals) != 1:
            vals = [vals]
        if len(vals) != len(self._dtypes):
            raise ValueError(f"Cannot enqueue {len(vals)} components in a queue whose elements have "
                             f"{len(self._dtypes)}")
        tensors = [convert_to_tensor(v, dtype, name=f"component_{i}")
                   for i, (v, dtype) in enumerate(zip(vals, self._dtypes, strict=True))]
        for t, shape in zip(tensors, self._shapes, strict=True):
            given = t.shape[1:] if many and t.shape.dims is not None else TensorShape(None) if many else t.shape
            if not given.is_compatible_with(shape):
                raise ValueError(f"Shapes {given} and {shape} are incompatible: {t!r} in the queue {self.name!r}")
        return tensors

    def enqueue(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that adds one element, when there is room."""
        with name_scope(name, f"{self._name}_enqueue", self._scope(vals)) as scope:
            return ops.enqueue.operation(self._queue_ref, *self._components(vals, False), name=scope)

    def enqueue_many(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that adds elements, which the components have along their first axes."""
        with name_scope(name, f"{self._name}_EnqueueMany", self._scope(vals)) as scope:
            return ops.enqueue_many.operation(self._queue_ref, *self._components(vals, True), name=scope)

    def _scope(self, vals: Any) -> Sequence[Any]:
        return vals if isinstance(vals, (list, tuple)) else list(vals.values()) if isinstance(vals, Mapping) else [vals]

    # out

    def _taken(self, op: OpDef, name: str, *inputs: Tensor) -> Any:
        outputs = op.operation(self._queue_ref, *inputs, name=name, dtypes=tuple(self._dtypes),
                               shapes=_sizes(self._shapes)).outputs
        if self._names is not None:
            return dict(zip(self._names, outputs, strict=True))
        return outputs[0] if len(outputs) == 1 else list(outputs)

    def dequeue(self, name: str | None = None) -> Any:
        """One element, when there is one: a tensor, a list of them, or a dict."""
        return self._taken(ops.dequeue, name or f"{self._name}_Dequeue")

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """`n` elements along a new first axis, when there are that many. Raises ValueError without known shapes."""
        if not all(s.is_fully_defined() or isinstance(self, PaddingFIFOQueue) and s.dims is not None
                   for s in self._shapes):
            raise ValueError(f"dequeue_many of the queue {self.name!r}: the components must have fully specified "
                             f"shapes, they are {self._shapes}")
        name = name or f"{self._name}_DequeueMany"
        return self._taken(ops.dequeue_many, name, convert_to_tensor(n, int32, name=f"{name}/n"))

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """As `dequeue_many`, but fewer elements when the queue is closed and has fewer."""
        name = name or f"{self._name}_DequeueUpTo"
        return self._taken(ops.dequeue_up_to, name, convert_to_tensor(n, int32, name=f"{name}/n"))

    # the rest

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
        """An operation after which nothing more is put in; what is in may be taken out."""
        return ops.close.operation(self._queue_ref, name=name or f"{self._name}_Close",
                                   cancel_pending_enqueues=cancel_pending_enqueues)

    def size(self, name: str | None = None) -> Tensor:
        """The number of elements: an int32 scalar."""
        return ops.size(self._queue_ref, name=name or f"{self._name}_Size")

    def is_closed(self, name: str | None = None) -> Tensor:
        """Whether the queue is closed: a bool scalar."""
        return ops.is_closed(self._queue_ref, name=name or f"{self._name}_is_closed")


def _dtypes(dtypes: Any) -> list[DType]:
    return [as_dtype(d) for d in (dtypes if isinstance(dtypes, (list, tuple)) else [dtypes])]


def _shapes(shapes: Any, count: int) -> list[TensorShape]:
    if shapes is None:
        return [TensorShape(None)] * count
    if isinstance(shapes, TensorShape) or not isinstance(shapes, (list, tuple)) or not shapes or all(
            isinstance(d, int) or d is None for d in shapes) and count == 1:
        shapes = [shapes]
    if len(shapes) != count:
        raise ValueError(f"Queue shapes must have the same length as dtypes, received {len(shapes)} shapes, {count} "
                         "dtypes.")
    return [TensorShape(s) for s in shapes]


def _sizes(shapes: Sequence[TensorShape]) -> tuple[Any, ...]:
    return tuple(None if s.dims is None else tuple(s.as_list()) for s in shapes)


def _names(names: Any, count: int) -> list[str] | None:
    if names is None:
        return None
    names = list(names) if isinstance(names, (list, tuple)) else [names]
    if len(names) != count:
        raise ValueError(f"Queue names must have the same length as dtypes, received {len(names)} names, {count} "
                         "dtypes.")
    return names


def _made(op: OpDef, name: str, shared_name: str | None, dtypes: Any, shapes: Any, **options: Any) -> Tensor:
    types = _dtypes(dtypes)
    dims = _sizes(_shapes(shapes, len(types)))
    key = shared_name or default_graph().unique_name(name, mark_as_used=False)
    return op(name=name, key=key, dtypes=tuple(types), shapes=dims, **options)


class FIFOQueue(QueueBase):
    """Elements come out in the order in which they went in. `capacity` bounds how many there are."""

    def __init__(self, capacity: int, dtypes: Any, shapes: Any = None, names: Any = None,
                 shared_name: str | None = None, name: str = "fifo_queue"):
        super().__init__(dtypes, shapes, names, _made(ops.fifo_queue, name, shared_name, dtypes, shapes,
                                                      capacity=int(capacity)))


class PaddingFIFOQueue(QueueBase):
    """A FIFOQueue whose `shapes` may have unknown sizes: several elements dequeued are padded with zeros."""

    def __init__(self, capacity: int, dtypes: Any, shapes: Any, names: Any = None, shared_name: str | None = None,
                 name: str = "padding_fifo_queue"):
        super().__init__(dtypes, shapes, names, _made(ops.padding_fifo_queue, name, shared_name, dtypes, shapes,
                                                      capacity=int(capacity)))


class RandomShuffleQueue(QueueBase):
    """Any element may come out next. While the queue is open, `min_after_dequeue` elements stay in it."""

    def __init__(self, capacity: int, min_after_dequeue: int, dtypes: Any, shapes: Any = None, names: Any = None,
                 seed: int | None = None, shared_name: str | None = None, name: str = "random_shuffle_queue"):
        graph_seed, op_seed = get_seed(seed)
        mixed = None if graph_seed is None else graph_seed * 1000003 + (op_seed or 0)
        super().__init__(dtypes, shapes, names, _made(
            ops.random_shuffle_queue, name, shared_name, dtypes, shapes, capacity=int(capacity),
            min_after_dequeue=int(min_after_dequeue), seed=mixed))


class PriorityQueue(QueueBase):
    """The element with the smallest priority comes out next: an int64 scalar, the first component."""

    def __init__(self, capacity: int, types: Any, shapes: Any = None, names: Any = None,
                 shared_name: str | None = None, name: str = "priority_queue"):
        types = [int64, *_dtypes(types)]
        count = len(types) - 1
        shapes = [TensorShape(())] * (count + 1) if not shapes else [TensorShape(()), *_shapes(shapes, count)]
        super().__init__(types, shapes, names, _made(ops.priority_queue, name, shared_name, types, shapes,
                                                     capacity=int(capacity)))
