"""`tf.contrib.staging`: values set aside in one run for a later one."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..compiler.ir import Operation, Tensor
from ..queues import FIFOQueue

__all__ = ["StagingArea"]


class StagingArea:
    """A queue of values of these dtypes: `put` sets one aside, `get` takes the oldest, and each waits for the other.

    With `names`, values are dicts. At most `capacity` are kept (0: any number); `memory_limit` is accepted.
    """

    def __init__(self, dtypes: Any, shapes: Any = None, names: Any = None, shared_name: str | None = None,
                 capacity: int = 0, memory_limit: int = 0):
        if capacity < 0 or memory_limit < 0:
            raise ValueError(f"capacity and memory_limit must be >= 0, received {capacity} and {memory_limit}")
        self._queue = FIFOQueue(capacity or 2**31 - 1, dtypes, shapes, names=names, shared_name=shared_name,
                                name="StagingArea")

    @property
    def dtypes(self) -> list[Any]:
        return self._queue.dtypes

    @property
    def shapes(self) -> list[Any]:
        return self._queue.shapes

    @property
    def names(self) -> list[str] | None:
        return self._queue.names

    @property
    def name(self) -> str:
        return self._queue.name

    def put(self, values: Any, name: str | None = None) -> Operation:
        """The operation that sets a value aside: a tensor, a list of them, or a dict by the names."""
        return self._queue.enqueue(values, name=name or "Stage")

    def get(self, name: str | None = None) -> Any:
        """The oldest value: a list of tensors, or a dict by the names."""
        found = self._queue.dequeue(name=name or "Unstage")
        return found if isinstance(found, (list, tuple, Mapping)) else [found]

    def size(self, name: str | None = None) -> Tensor:
        """How many values are kept."""
        return self._queue.size(name=name)
