"""The queues behind queue ops: Python objects that a session keeps, on which several threads wait for each other."""
from __future__ import annotations

import contextlib
import heapq
import itertools
import random
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .errors import CancelledError, DeadlineExceededError, InvalidArgumentError, OutOfRangeError

Element = tuple[np.ndarray, ...]


class _Deadline(threading.local):
    at: float | None = None  # in time.monotonic's seconds


_deadline = _Deadline()


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """What this thread's ops wait for a queue ends after `seconds` in all, with DeadlineExceededError."""
    _deadline.at = time.monotonic() + seconds
    try:
        yield
    finally:
        _deadline.at = None


class Queue:
    """A first-in first-out queue of tuples of arrays, at most `capacity` of them (no limit below 0).

    Elements that a blocked dequeue of several has taken go back to the front when it fails.
    """

    kind = "FIFOQueue"

    def __init__(self, name: str, capacity: int):
        self.name = name
        self.capacity = capacity if capacity >= 0 else None
        self.closed = False
        self._cancelled = False  # pending enqueues fail
        self._aborted = False    # everything fails: the session is closed
        self._changed = threading.Condition()
        self._enqueuing, self._dequeuing = threading.Lock(), threading.Lock()  # whose turn it is
        self._elements: Any = deque()

    # the order of elements

    def _put(self, element: Element) -> None:
        self._elements.append(element)

    def _take(self) -> Element:
        return self._elements.popleft()

    def _put_back(self, elements: Sequence[Element]) -> None:
        self._elements.extendleft(reversed(elements))

    def _available(self) -> int:
        """How many elements may be taken now."""
        return len(self._elements)

    # what ops do

    def enqueue(self, elements: Sequence[Element]) -> None:
        """Add elements, each as soon as there is room. Raises CancelledError when the queue is closed,
        DeadlineExceededError when there is no room within the `time_limit`."""
        if self.closed:
            raise self._closed_error()
        with self._enqueuing, self._changed:
            for element in elements:
                while self.capacity is not None and len(self._elements) >= self.capacity and not self._cancelled:
                    self._wait()
                if self._cancelled:
                    raise self._closed_error()
                self._put(element)
                self._changed.notify_all()

    def dequeue(self, count: int, up_to: bool = False) -> list[Element]:
        """Take `count` elements as they come; with `up_to` fewer when the queue is closed and has fewer, but not none.

        Raises OutOfRangeError when the queue is closed and has too few, CancelledError when the session is closed,
        DeadlineExceededError when they do not come within the `time_limit`.
        """
        taken: list[Element] = []
        with self._dequeuing, self._changed:
            while len(taken) < count:
                if self._aborted:
                    raise CancelledError(f"Dequeue operation was cancelled: {self.kind} '{self.name}'")
                if self._available() > 0:
                    taken.append(self._take())
                    self._changed.notify_all()
                elif not self.closed or self._enqueuing.locked() and not self._cancelled:
                    self._wait(None if not self.closed else 0.01, taken)
                elif up_to and taken:
                    break
                else:
                    self._put_back(taken)
                    raise OutOfRangeError(f"{self.kind} '{self.name}' is closed and has insufficient elements "
                                          f"(requested {count}, current size {len(self._elements)})")
        return taken

    def _wait(self, seconds: float | None = None, taken: Sequence[Element] = ()) -> None:
        """Wait for a change, at most for `seconds`; `taken` goes back if that is too late."""
        left = None if _deadline.at is None else _deadline.at - time.monotonic()
        if left is not None and left <= 0:
            self._put_back(taken)
            raise DeadlineExceededError(f"Timed out waiting for {self.kind} '{self.name}'")
        self._changed.wait(min((t for t in (seconds, left) if t is not None), default=None))

    def size(self) -> int:
        return len(self._elements)

    def shut(self, cancel_pending_enqueues: bool) -> None:
        """Take no new elements. With `cancel_pending_enqueues`, blocked enqueues fail with CancelledError."""
        with self._changed:
            self.closed = True
            self._cancelled |= cancel_pending_enqueues
            self._changed.notify_all()

    def close(self) -> None:
        """The session closes: every waiting op fails with CancelledError."""
        self._aborted = True
        self.shut(True)

    def _closed_error(self) -> CancelledError:
        return CancelledError(f"{self.kind} '{self.name}' is closed.")

    # elements from and to arrays

    def stack(self, elements: Sequence[Element]) -> Element:
        """Several elements as one array per component, along a new first axis."""
        if any(a.shape != b.shape for e in elements for a, b in zip(e, elements[0], strict=True)):
            raise InvalidArgumentError(f"{self.kind} '{self.name}': elements of different shapes cannot be dequeued "
                                       f"together: {[[a.shape for a in e] for e in elements]}")
        return tuple(np.stack(parts) for parts in zip(*elements, strict=True))


class PaddingQueue(Queue):
    """A queue whose elements are padded to a common shape, with zeros, where several are dequeued."""

    kind = "PaddingFIFOQueue"

    def stack(self, elements: Sequence[Element]) -> Element:
        return tuple(map(_padded, zip(*elements, strict=True)))


def _padded(parts: Sequence[np.ndarray]) -> np.ndarray:
    shape = tuple(max(sizes) for sizes in zip(*(p.shape for p in parts), strict=True))
    result = np.full((len(parts), *shape), b"" if parts[0].dtype == object else 0, parts[0].dtype)
    for i, part in enumerate(parts):
        place: tuple[Any, ...] = (i, *(slice(n) for n in part.shape), ...)  # of one string the string, not its array
        result[place] = part
    return result


class ShuffleQueue(Queue):
    """A queue that gives any of its elements, and while it is open keeps `min_after_dequeue` to choose from."""

    kind = "RandomShuffleQueue"

    def __init__(self, name: str, capacity: int, min_after_dequeue: int, seed: int | None):
        super().__init__(name, capacity)
        self._min_after_dequeue = min_after_dequeue
        self._random = random.Random(seed)
        self._elements = []

    def _take(self) -> Element:
        last, chosen = len(self._elements) - 1, self._random.randrange(len(self._elements))
        self._elements[last], self._elements[chosen] = self._elements[chosen], self._elements[last]
        return self._elements.pop()

    def _put_back(self, elements: Sequence[Element]) -> None:
        self._elements.extend(elements)

    def _available(self) -> int:
        return len(self._elements) - (0 if self.closed else self._min_after_dequeue)


class SmallestFirstQueue(Queue):
    """A queue that gives the element whose first component, an integer, is smallest."""

    kind = "PriorityQueue"

    def __init__(self, name: str, capacity: int):
        super().__init__(name, capacity)
        self._elements = []
        self._count = itertools.count()

    def _put(self, element: Element) -> None:
        heapq.heappush(self._elements, (int(element[0]), next(self._count), element))

    def _take(self) -> Element:
        return heapq.heappop(self._elements)[2]

    def _put_back(self, elements: Sequence[Element]) -> None:
        for element in elements:
            self._put(element)
