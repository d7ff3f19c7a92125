"""Runs of a model's step over data, batch by batch and epoch by epoch."""
from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compiler.site import warn
from .. import backend
from .data import Batches
from .feeds import Feed

if TYPE_CHECKING:
    from .stepper import Stepper

Run = Callable[[], Any]


class ArraySource:
    """Runs of one step over arrays."""

    once = False

    def __init__(self, model: Stepper, kind: str, data: Batches):
        self.data, self.steps = data, data.steps
        self._run = model._step(kind, data.data)

    def runs(self) -> Iterator[Run]:
        """One epoch."""
        run = self._run
        for arrays in self.data:
            yield functools.partial(run, *arrays)

    def rows(self, steps: int | None) -> int | None:
        """How many samples `steps` batches hold."""
        return self.data.size if steps is None else min(self.data.size, steps * self.data.batch_size)

    def close(self) -> None:
        """Nothing is open."""


class UnfedSource:
    """Runs of one step over what the graph itself gives, without an end."""

    once, steps = False, None

    def __init__(self, model: Stepper, kind: str):
        batch = model._batch(None)
        self._run = functools.partial(model._step(kind, batch), *batch.arrays)

    def runs(self) -> Iterator[Run]:
        return itertools.repeat(self._run)

    def rows(self, steps: int | None) -> None:
        return None

    def close(self) -> None:
        """Nothing is open."""


class FeedSource:
    """Runs of the step for each batch that comes."""

    def __init__(self, model: Stepper, kind: str, feed: Feed, class_weight: Any):
        self.model, self.kind, self.feed, self.class_weight = model, kind, feed, class_weight
        self.once, self.close = feed.once, feed.close
        self._began = False

    @property
    def steps(self) -> int | None:
        """How many batches the next epoch has, None where nobody knows."""
        return self.feed.steps

    def runs(self) -> Iterator[Run]:
        """One epoch."""
        backend.get_session(self.model.graph)  # layers that prepare the batches have weights too
        if self.kind == "train" and not self._began:
            self._began = True
            self.feed.follow(self.model._initial_epoch)
        for x, y, weight in self.feed.batches():
            if self.class_weight:
                weight = self.model._weights_of_classes(y, self.class_weight, weight)
            batch = self.model._batch(x, *((None, None) if self.kind == "predict" else (y, weight)))
            yield functools.partial(self.model._step(self.kind, batch), *batch.arrays)

    def rows(self, steps: int | None) -> None:
        return None


class Epochs:
    """The runs of a source, epoch by epoch: each has `limit` batches, or all that there are.

    With a limit an epoch goes on where the one before ended, as in Keras. `ended` tells that no more will come.
    """

    def __init__(self, source: Any, limit: int | None):
        self.source, self.limit = source, limit
        self.steps = limit or source.steps  # None where nobody knows
        self.ended = False
        self._running: Iterator[Run] | None = None
        self._seen = 0

    def resized(self) -> bool:
        """Whether the epochs of the source may differ in their number of batches: `steps` is set for the next."""
        self.steps = self.limit or self.source.steps
        return self.limit is None and isinstance(self.source, FeedSource)

    def epoch(self) -> Iterator[Run]:
        """The runs of one epoch. Warns when there are fewer than the limit; raises ValueError when there never was
        one."""
        if self._running is None or self.limit is None:
            self._running, self._seen = self.source.runs(), 0
        first = self._seen
        for run in self._running if self.limit is None else itertools.islice(self._running, self.limit):
            self._seen += 1
            yield run
        given = self._seen - first
        if self.limit is not None and given < self.limit:
            warn("Your input ran out of data; interrupting training. Make sure that your dataset or generator "
                 "can generate at least `steps_per_epoch * epochs` batches. You may need to use the "
                 f"`.repeat()` function when building your dataset. ({given} of {self.limit} came.)")
        if not self._seen:
            raise ValueError("The data gave no batches: they are empty, or were read to their end before, as a "
                             "generator can be once.")
        short = self.limit is None or given < self.limit
        self.ended = self.source.once and short
        if short or self._seen == self.source.steps:
            self._running = None


class Rows:
    """Outputs of batches, put together. Where the number of rows is known they are written in place."""

    def __init__(self, rows: int | None):
        self.rows = rows
        self._parts: list[list[np.ndarray]] = []
        self._whole: list[np.ndarray] = []
        self._at = 0

    def add(self, outputs: Any) -> None:
        parts = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        if not self._at and self.rows is not None and (
                any(p.ndim == 0 for p in parts) or len({len(p) for p in parts}) > 1):
            self.rows = None  # not one row for each sample
        if self.rows is None:
            self._parts.append(parts)
            return
        if len(parts[0]) == self.rows:
            self._whole, self._at = parts, self.rows
            return
        self._whole = self._whole or [np.empty((self.rows, *p.shape[1:]), p.dtype) for p in parts]
        end = self._at + len(parts[0])
        if end > self.rows or any(p.shape[1:] != out.shape[1:] for p, out in zip(parts, self._whole, strict=True)):
            self._parts = [[out[:self._at] for out in self._whole], parts]
            self.rows = None
            return
        for out, part in zip(self._whole, parts, strict=True):
            out[self._at:end] = part
        self._at = end

    def arrays(self) -> list[np.ndarray]:
        if self.rows is not None:
            return [a[:self._at] for a in self._whole]
        return [np.concatenate([np.atleast_1d(p) for p in column]) for column in zip(*self._parts, strict=True)]
