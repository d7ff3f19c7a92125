"""Elements made ahead in threads of their own, which end when nobody wants their elements any more."""
from __future__ import annotations

import collections
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from .function import Element, Failure, attempt


class Buffer:
    """Up to `capacity` elements on their way from one thread to another."""

    _END = object()

    def __init__(self, capacity: int):
        self.capacity = capacity
        self._elements: collections.deque[Any] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False

    @classmethod
    def ahead(cls, elements: Iterator[Any], capacity: int) -> Iterator[Any]:
        """The elements, made by a thread of their own up to `capacity` ahead of where they are wanted.

        The thread knows the buffer and the elements' source but not this iterator, so that the iterator's end, or its
        being forgotten, ends the thread.
        """
        buffer = cls(capacity)
        thread = threading.Thread(target=buffer._fill, args=(elements,), name="graphflow-prefetch", daemon=True)
        del elements
        thread.start()
        try:
            while (element := buffer._take()) is not cls._END:
                yield element
        finally:
            buffer.close()

    def _fill(self, elements: Iterator[Any]) -> None:
        try:
            for element in elements:
                if not self._put(element):
                    return
        except Exception as error:
            self._put(Failure(error))
        self._put(self._END)

    def _put(self, element: Any) -> bool:
        """Add an element when there is room. False when the buffer has been closed."""
        with self._changed:
            while len(self._elements) >= self.capacity and not self._closed:
                self._changed.wait()
            self._elements.append(element)
            self._changed.notify_all()
            return not self._closed

    def _take(self) -> Any:
        with self._changed:
            while not self._elements:
                self._changed.wait()
            self._changed.notify_all()
            return self._elements.popleft()

    def close(self) -> None:
        """Let the filling thread end."""
        with self._changed:
            self._closed = True
            self._elements.clear()
            self._changed.notify_all()


def processors() -> int:
    """How many threads can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parallel(elements: Iterator[Any], function: Callable[[Element], Any], threads: int) -> Iterator[Any]:
    """`function` of each element, in their order, by up to `threads` threads at once."""
    pool = ThreadPoolExecutor(threads, "graphflow-map")
    pending: collections.deque[Future[Any]] = collections.deque()
    try:
        for element in elements:
            pending.append(pool.submit(_one, function, element))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _one(function: Callable[[Element], Any], element: Any) -> Any:
    return element if isinstance(element, Failure) else attempt(function, element)
