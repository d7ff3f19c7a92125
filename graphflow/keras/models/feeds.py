"""Where batches come from when the data are not arrays: generators, Sequences, data sets and loaders."""
from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from .data import unpack


def is_arrays(x: Any) -> bool:
    """Whether `x` is data itself (an array or a nest of them) rather than something that gives batches."""
    if hasattr(x, "shape") or isinstance(x, (list, tuple, dict)) or x is None:
        return True
    return not (hasattr(x, "__next__") or hasattr(x, "__iter__") or hasattr(x, "__getitem__"))


class Feed:
    """Batches (x, y, sample_weight) from a source.

    A Sequence (`__getitem__` and `__len__`) is read by index, in a new order at each epoch if `shuffle`; anything else
    is iterated: anew for each epoch where it can be, and on from where it stood where it cannot (a generator).
    """

    def __init__(self, source: Any, shuffle: bool = False):
        self.source, self.shuffle = source, shuffle
        self.indexed = hasattr(source, "__getitem__") and hasattr(source, "__len__") and not hasattr(
            source, "__next__") and not hasattr(source, "dataset")
        self._running: Iterator[Any] | None = None

    @property
    def steps(self) -> int | None:
        """How many batches an epoch has, None if nobody knows."""
        count = getattr(self.source, "num_batches", None)
        if isinstance(count, int):
            return count
        try:
            return len(self.source)
        except TypeError:
            return None

    def batches(self, limit: int | None) -> Iterator[tuple[Any, Any, Any]]:
        """The batches of one epoch, at most `limit`."""
        given = 0
        for item in itertools.islice(self._items(), limit):
            given += 1
            yield unpack(tuple(item) if isinstance(item, list) and len(item) in (2, 3) else item)
        if limit is not None and given < limit and self._running is not None:
            warnings.warn("Your input ran out of data; interrupting training. Make sure that your dataset or generator "
                          f"can generate at least `steps_per_epoch * epochs` batches: {given} of {limit} came.",
                          stacklevel=3)

    def _items(self) -> Iterator[Any]:
        if self.indexed:
            yield from self._by_index()
            return
        if hasattr(self.source, "__next__"):
            self._running = self.source
            while True:
                try:
                    item = next(self.source)
                except StopIteration:
                    return
                yield item
        yield from iter(self.source)

    def _by_index(self) -> Iterator[Any]:
        import numpy as np
        order = range(len(self.source))
        for i in np.random.permutation(len(self.source)) if self.shuffle else order:
            yield self.source[int(i)]
        ended: Callable[[], Any] | None = getattr(self.source, "on_epoch_end", None)
        if ended is not None:
            ended()
