"""Times of kernels as times of the ops of the user's graph."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol


class Timed(Protocol):
    """What took time: a kernel of an explanation, or one of a profile."""

    @property
    def op(self) -> str: ...
    @property
    def members(self) -> Sequence[str]: ...
    @property
    def inside(self) -> str: ...


def heat_of(times: Iterable[tuple[Timed, float]], names: Iterable[str]) -> dict[str, float]:
    """Seconds by op, of the ops in `names`: a kernel's time in equal parts for those fused into it; where none of them
    is there, for the loop or cond around them, or the op that they stand for (whose name theirs begin with)."""
    wanted = set(names)
    found: dict[str, float] = {}
    for kernel, seconds in times:
        ops = [n for n in kernel.members if n in wanted]
        if not ops:
            path = kernel.op.split("/")
            others = [*kernel.inside.split(" > "), *("/".join(path[:i]) for i in range(len(path), 0, -1))]
            ops = [n for n in others if n in wanted][:1]
        for name in ops:
            found[name] = found.get(name, 0.0) + seconds / len(ops)
    return found
