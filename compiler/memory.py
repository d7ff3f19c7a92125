"""Memory planning: where in one arena each buffer lives, so that buffers alive at the same time do not overlap."""
from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

ALIGNMENT = 64  # a cache line, and the widest vector


class Interval(NamedTuple):
    """A buffer that is alive from step `first` to step `last`, both included."""

    nbytes: int
    first: int
    last: int


def plan_memory(intervals: Sequence[Interval]) -> tuple[list[int], int]:
    """(offset of each buffer, size of the arena).

    Greedy by size: the largest first, each at the lowest offset free over its life (Pisarchyk and Lee 2020,
    "Efficient Memory Management for Deep Neural Net Inference").
    """
    offsets = [0] * len(intervals)
    placed = np.empty((4, 0), np.int64)  # begin and end in the arena, first and last step; by begin
    for i in sorted(range(len(intervals)), key=lambda i: (-intervals[i].nbytes, intervals[i].first)):
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
