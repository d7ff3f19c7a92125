"""Where batches come from when the data are not arrays: generators, Sequences, data sets and loaders."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...compiler.ir import default_graph
from ..utils.py_dataset import OrderedEnqueuer, PyDataset
from .data import unpack


def is_arrays(x: Any) -> bool:
    """Whether `x` is data itself (an array or a nest of them) rather than something that gives batches."""
    if isinstance(x, (list, tuple, dict)) or x is None:
        return True
    if hasattr(x, "shape") or hasattr(x, "iloc"):
        return True
    return not any(hasattr(x, name) for name in ("__next__", "__iter__", "__getitem__", "get_next"))


class Feed:
    """Batches (x, y, sample_weight) from a source.

    A Sequence (`__getitem__` and `__len__`) is read by index, in a new order at each epoch if `shuffle`, by `workers`
    threads or processes where there are several; anything else is iterated: anew for each epoch where it can be, and
    on from where it stood where it cannot (a generator).
    """

    def __init__(self, source: Any, shuffle: bool = False, workers: int = 1, use_multiprocessing: bool = False,
                 max_queue_size: int = 10):
        if hasattr(source, "get_next"):  # an iterator of the graph
            source = _elements(source)
        self.source, self.shuffle = source, shuffle
        self._state: dict[Any, Any] = {}  # of a data set's shuffles and caches
        self.indexed = isinstance(source, PyDataset) or not hasattr(source, "__next__") and not hasattr(
            source, "dataset") and hasattr(source, "__getitem__") and hasattr(source, "__len__")
        self.once = hasattr(source, "__next__") and not self.indexed
        if isinstance(source, PyDataset):
            workers, max_queue_size = max(workers, source.workers), max(max_queue_size, source.max_queue_size)
            use_multiprocessing = use_multiprocessing or source.use_multiprocessing
        self._enqueuer = OrderedEnqueuer(source, use_multiprocessing, shuffle, workers, max_queue_size) if (
            self.indexed and (workers > 1 or workers > 0 and use_multiprocessing)) else None

    @property
    def steps(self) -> int | None:
        """How many batches an epoch has, None if nobody knows."""
        if hasattr(self.source, "num_batches"):
            return self.source.num_batches
        size = getattr(self.source, "_size", None)  # of a data set
        if isinstance(size, int) and hasattr(self.source, "element_spec"):
            return size if size >= 0 else None
        try:
            return len(self.source)
        except TypeError:
            return None

    def batches(self) -> Iterator[tuple[Any, Any, Any]]:
        """The batches of one epoch."""
        for item in self._items():
            if isinstance(item, list) and len(item) in (2, 3):
                item = tuple(item)
            if item is None or isinstance(item, (str, bytes)):
                raise ValueError("Batches must be arrays, `(x, y)` or `(x, y, sample_weight)`. "
                                 f"Received: {item!r} of type {type(item)} from {type(self.source).__name__}")
            yield unpack(item)

    def follow(self, passes: int) -> None:
        """Shuffle a data set as after that many epochs; without a seed by NumPy's generator, which backups keep."""
        self._state = {"passes": passes, "draw": lambda: np.random.randint(2**31)}

    def close(self) -> None:
        """End the workers."""
        if self._enqueuer is not None:
            self._enqueuer.stop()

    def _items(self) -> Iterator[Any]:
        if not self.indexed:
            for item in self._elements():  # noqa: UP028 - `yield from` would end a generator that is to go on later
                yield item
            return
        begin, end = (getattr(self.source, f"on_epoch_{when}", None) for when in ("begin", "end"))
        if begin is not None:
            begin()
        if self._enqueuer is not None:
            yield from self._enqueuer.epoch()
        else:
            yield from self._by_index()
        if end is not None:
            end()

    def _elements(self) -> Iterator[Any]:
        """What an iteration of the source gives."""
        if not hasattr(self.source, "element_spec") or default_graph().eager:
            return iter(self.source)
        from ...data.iterator import iterate_in_python  # loaded with the first data set
        return iterate_in_python(self.source, self._state)

    def _by_index(self) -> Iterator[Any]:
        count = self.steps
        if count is None:  # without an end
            yield from iter(self.source)
            return
        for i in np.random.permutation(count) if self.shuffle else range(count):
            yield self.source[int(i)]


def _elements(iterator: Any) -> Iterator[Any]:
    """The elements of an iterator of `tf.data`, as values."""
    from ...compiler.errors import OutOfRangeError
    from .. import backend
    element = iterator.get_next()
    if isinstance(element, Mapping):
        element = dict(element)
    session = backend.get_session()
    with contextlib.suppress(OutOfRangeError):
        while True:
            yield session.run(element)
