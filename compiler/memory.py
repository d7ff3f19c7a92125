"""Memory planning: where in one arena each buffer lives, so that buffers alive at the same time do not overlap."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

ALIGNMENT = 64  # a cache line, and the widest vector


ENOUGH = 1.03  # over the peak of live bytes: no other order is tried


class Interval(NamedTuple):
    """A buffer that is alive from step `first` to step `last`, both included."""

    nbytes: int
    first: int
    last: int


# by size (Pisarchyk and Lee 2020, "Efficient Memory Management for Deep Neural Net Inference"), which wastes least
# where sizes differ; by life and by size times life, where few large buffers stay long; as they come
ORDERS: list[Callable[[Interval], tuple[int, ...]]] = [
    lambda b: (-b.nbytes, b.first),
    lambda b: (-b.nbytes, -b.last),
    lambda b: (-(b.last - b.first + 1) * b.nbytes, b.first),
    lambda b: (b.first - b.last, -b.nbytes),
    lambda b: (b.first, -b.last),
]


def plan_memory(intervals: Sequence[Interval]) -> tuple[list[int], int]:
    """(offset of each buffer, size of the arena): the best of the orders that were tried.

    Nearly always the first comes within a few hundredths of the peak of live bytes, which is good enough.
    """
    enough = live_peak(intervals) * ENOUGH
    best: tuple[list[int], int] | None = None
    for order in ORDERS:
        plan = _placed(intervals, order)
        if best is None or plan[1] < best[1]:
            best = plan
        if best[1] <= enough:
            break
    assert best is not None
    return best


def _placed(intervals: Sequence[Interval], order: Callable[[Interval], tuple[int, ...]]) -> tuple[list[int], int]:
    """One buffer after the other, each at the lowest offset free over its life."""
    offsets = [0] * len(intervals)
    placed = np.empty((4, 0), np.int64)  # begin and end in the arena, first and last step; by begin
    for i in sorted(range(len(intervals)), key=lambda i: order(intervals[i])):
        nbytes, first, last = intervals[i]
        size = aligned(nbytes)
        begins, ends = placed[:2, (placed[2] <= last) & (placed[3] >= first)]
        free = np.maximum.accumulate(np.append(0, ends))  # from where on to the next begin
        fits = np.append(begins - free[:-1] >= size, True)
        offsets[i] = at = int(free[fits.argmax()])
        placed = np.insert(placed, placed[0].searchsorted(at), (at, at + size, first, last), axis=1)
    return offsets, int(placed[1].max(initial=0))


def aligned(nbytes: int) -> int:
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def live_peak(intervals: Sequence[Interval]) -> int:
    """The largest sum of bytes alive at one step: no plan needs less."""
    changes: dict[int, int] = {}
    for i in intervals:
        changes[i.first] = changes.get(i.first, 0) + aligned(i.nbytes)
        changes[i.last + 1] = changes.get(i.last + 1, 0) - aligned(i.nbytes)
    return max(itertools.accumulate(changes[step] for step in sorted(changes)), default=0)
