"""What lowering produces: rows of a plan, each a kernel's source with the buffers, sizes and tasks it runs on."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# bytes between the blocks of lanes: what a core fetches ahead beyond the end of its own block is else taken from the
# core that writes there, again and again
GAP = 1 << 16


@dataclass(frozen=True, eq=False)
class Scratch:
    """Working memory of one kernel call (or of several consecutive ones), taken from the plan's arena.

    `per_lane` scratch is one block of `nbytes` for each chunk; a kernel finds its own at `address + lane * apart`.
    """

    nbytes: int
    per_lane: bool = False

    @property
    def apart(self) -> int:
        """Bytes from the block of a lane to the next lane's."""
        return self.nbytes + GAP

    def total(self, lanes: int) -> int:
        """Bytes of so many lanes, with what keeps them apart from others."""
        return lanes * self.apart if self.per_lane and lanes > 1 else self.nbytes


@dataclass(frozen=True, eq=False)
class KernelCall:
    """One row of a plan.

    `source` is the text of a Python module that defines `kernel(buffers, dims, begin, end, lane)`; equal texts share
    one compiled kernel. `buffers` are handles in slot order: tensors of the graph, or Scratch. `dims` are the sizes in
    slot order. The executor splits the `tasks` into contiguous ranges, at multiples of `grain` where it can: so many
    tasks share what each range does for itself. `flops` and `nbytes` (moved to and from memory)
    feed the parallel cost model and `explain`.
    """

    name: str
    source: str
    buffers: tuple[Any, ...]
    dims: tuple[int, ...]
    tasks: int
    flops: int = 0
    nbytes: int = 0
    # size slots that count the runs of a random op: (slot, op)
    streams: tuple[tuple[int, Any], ...] = ()
    # buffers the kernel writes, as slots; and (output slot, input slot) pairs that may share memory
    writes: tuple[int, ...] = ()
    in_place: tuple[tuple[int, int], ...] = field(default=())
    grain: int = 1
    copies: bool = False  # the first buffer into the second
    # what it writes (scratch) depends on its other buffers alone and serves every call after it: packed filters
    prepares: bool = False
    # one of several calls that write elements of the same lines, or read them last, each by tasks in these elements'
    # order
    phase: bool = False
