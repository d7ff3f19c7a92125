"""The memory plan: which buffer lies where in the arena, from when to when."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.codegen.kernel import Scratch
from ..compiler.memory import aligned
from ..runtime.plan import Binding
from .records import Buffer


def buffers_of(binding: Binding) -> list[Buffer]:
    """The buffers of a bound plan that have a place in the arena, or arrays of their own because they are fetched."""
    return [Buffer(name_of(key, place.first), place.nbytes, place.offset, place.first, place.last,
                   place.kind == "fresh", name_of(place.key, place.first) if place.key is not key else "")
            for key, place in binding.locations.items() if place.nbytes and place.kind not in ("stack", "local")]


def name_of(key: Any, row: int) -> str:
    return f"scratch of row {row}" if isinstance(key, Scratch) else key.name


def live_bytes(buffers: Sequence[Buffer], rows: int) -> list[int]:
    """For each row of the schedule the bytes of the arena in use."""
    return [_covered([b for b in buffers if b.first <= row <= b.last and not b.fetched]) for row in range(rows)]


def _covered(buffers: Sequence[Buffer]) -> int:
    total = end = 0
    for begin, stop in sorted((b.offset, b.offset + aligned(b.nbytes)) for b in buffers):
        total += max(0, stop - max(begin, end))  # outputs computed in place lie on their inputs
        end = max(end, stop)
    return total
