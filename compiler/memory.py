"""Memory planning: where in one arena each buffer lives, so that buffers alive at the same time do not overlap."""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
    placed: list[int] = []
    total = 0
    for i in sorted(range(len(intervals)), key=lambda i: (-intervals[i].nbytes, intervals[i].first)):
        size = aligned(intervals[i].nbytes)
        overlapping = sorted((offsets[j], offsets[j] + aligned(intervals[j].nbytes)) for j in placed
                             if intervals[j].first <= intervals[i].last and intervals[i].first <= intervals[j].last)
        at = 0
        for begin, end in overlapping:
            if begin - at >= size:
                break
            at = max(at, end)
        offsets[i] = at
        placed.append(i)
        total = max(total, at + size)
    return offsets, total


def aligned(nbytes: int) -> int:
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def live_peak(intervals: Sequence[Interval]) -> int:
    """The largest sum of bytes alive at one step: no plan needs less."""
    steps = {i.first for i in intervals}
    return max((sum(aligned(i.nbytes) for i in intervals if i.first <= s <= i.last) for s in steps), default=0)
