"""Chains of a plan: rows that all run on a few items before the next few (compiler/passes/chain.py finds them), as do
those of one op that are phases of what they write.

What only a chain's rows use has memory for those items alone, of which each chunk has its own, next to a copy of the
rows' buffers. For the executor a chain is words among the sizes of its first row: the address of the first chunk's
memory and its bytes, where in the table of buffers those of the rows begin (in bytes) and how many they are, the items,
how many of them at a time, how many buffers are local, and for each of these its place among the chain's buffers, its
offset in the memory and the bytes of an item.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil, gcd
from typing import Any

from ..compiler.codegen.kernel import KernelCall, Scratch
from ..compiler.dims import DimLike
from ..compiler.ir import Graph, Operation, Tensor
from ..compiler.memory import aligned
from ..compiler.passes.row_blocks import root

# bytes between the kernels from which they run in chains: more than stay in a second-level cache anyway
LEAST_BYTES = 1 << 20
# what few items are: those whose local buffers take up to so many bytes
CHUNK_BYTES = 1 << 18
# the same of phases, each of which reads all that it is computed from
PHASES_BYTES, PHASES_CHUNK_BYTES = 1 << 24, 1 << 21


@dataclass(eq=False)
class Rows:
    """The rows [begin, end) of a plan, on `step` of the `items` at a time, with the storages that are local to them."""

    begin: int
    end: int
    items: int
    step: int
    words: int
    item_bytes: dict[Tensor, int]
    offsets: dict[Tensor, int] = field(default_factory=dict)
    memory: Scratch = Scratch(0)

    @property
    def head_bytes(self) -> int:
        """The copy of the buffers and, for the tracer, a time for each row."""
        return aligned(8 * (self.words + self.end - self.begin))

    def place(self, offsets: Mapping[Tensor, int], nbytes: int) -> None:
        """The places of the local storages in a chunk's memory."""
        self.offsets = {t: self.head_bytes + offset for t, offset in offsets.items()}
        self.memory = Scratch(self.head_bytes + nbytes, per_lane=True)

    def entries(self, address: int, first: int, handles: Sequence[Any]) -> list[int]:
        """The chain's words; `handles` are the storages of the rows' buffers, which begin at word `first`."""
        local = [word for i, t in enumerate(handles) if t in self.offsets
                 for word in (i, self.offsets[t], self.item_bytes[t])]
        return [address, self.memory.apart, 8 * first, self.words, self.items, self.step, len(local) // 3, *local]


def chained(graph: Graph, ops: Sequence[Operation], calls: Sequence[Any], sizes: Callable[[DimLike], int],
            nbytes: Callable[[Tensor], int], threads: int, blocked: set[Operation]) -> list[Rows]:
    """The chains of the graph that are worth it at these sizes, for rows of these ops and calls. `nbytes` is 0 for
    what is no storage of the arena. Of a chain some rows may not work by item: the most that follow each other and do
    are taken."""
    found = []
    for chain in graph.chains:
        if not chain.operations.isdisjoint(blocked):
            continue
        items = sizes(chain.items)
        rows = [i for i, op in enumerate(ops) if op in chain.operations]
        run = _longest_run([i for i in rows if _by_item(calls[i], items)])
        if items < 2 * threads or len(run) < 2:
            continue
        outside = {root(t) for i in rows if i not in run for t in (*ops[i].inputs, *ops[i].outputs)}
        item_bytes = {t: size // items for t in chain.local if t not in outside and (size := nbytes(t))}
        if sum(item_bytes.values()) * items >= LEAST_BYTES:
            step = max(1, min(items // threads, CHUNK_BYTES // sum(item_bytes.values())))
            found.append(_rows(run, calls, items, step, item_bytes))
    taken = {i for chain in found for i in range(chain.begin, chain.end)}
    return found + [chain for chain in _phased(ops, calls, threads) if taken.isdisjoint(range(chain.begin, chain.end))]


def _phased(ops: Sequence[Operation], calls: Sequence[Any], threads: int) -> Iterator[Rows]:
    """The rows of an op that are phases, on a few of the images, or of their rows, at a time: lines that one phase has
    written are still near when the next one does."""
    phases = [i for i, call in enumerate(calls) if isinstance(call, KernelCall) and call.phase]
    for _, group in groupby(phases, key=lambda i: ops[i]):
        run = _longest_run(list(group))
        calls_of, first = [calls[i] for i in run], calls[run[0]]
        items, nbytes = gcd(*(call.tasks for call in calls_of)), sum(call.nbytes for call in calls_of)
        if len(run) > 1 and items >= 2 * threads and nbytes >= PHASES_BYTES:
            step = max(1, min(items // threads, PHASES_CHUNK_BYTES * items // nbytes))
            grain = max(1, first.grain * items // first.tasks)  # in whole ones, or equal parts of one
            step = step // grain * grain or ceil(grain / ceil(grain / step))
            yield _rows(run, calls, items, step, {})


def _rows(run: Sequence[int], calls: Sequence[Any], items: int, step: int, item_bytes: dict[Tensor, int]) -> Rows:
    return Rows(run[0], run[-1] + 1, items, step, sum(len(calls[i].buffers) for i in run), item_bytes)


def _longest_run(numbers: Sequence[int]) -> Sequence[int]:
    """The most of these increasing numbers that follow one another."""
    ends = [i for i in range(1, len(numbers)) if numbers[i] != numbers[i - 1] + 1]
    runs = [numbers[i:j] for i, j in zip([0, *ends], [*ends, len(numbers)], strict=True)]
    return max(runs, key=len)


def _by_item(call: Any, items: int) -> bool:
    return isinstance(call, KernelCall) and call.tasks % items == 0 and all(
        b.per_lane for b in call.buffers if isinstance(b, Scratch))
