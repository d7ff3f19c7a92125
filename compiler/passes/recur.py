"""Loops over time as one op: those of a known number of steps in which the rows of a batch do not meet.

A `Recurrence` takes the number of steps, the first values of its variables and what its body reads from outside. It
gives the last values, and of each further output of the body the rows of all steps (zeros for steps that were not
made). The body is given the position of the step. One kernel runs it, a thread for a part of the rows (see
codegen/recurrence.py). A loop over reversed sequences goes through them from their ends instead, so that the position
it is at is counted in them, and the rows that it gives are reversed where they are used in its own order.

On the way what is the same in each step leaves the body. So do sums over the steps: the gradient of a weight is one
product of stacked rows, after the loop.
"""
from __future__ import annotations

from collections.abc import Sequence

from ..control import body_inputs, is_loop
from ..dtypes import variant
from ..ir import Graph, Operation, Tensor
from .prune import prune
from .rewrite import consumers, transform
from .time_loop import Loop, Loops, Unfit

MAX_OPERATIONS = 300  # of a body: compiling a kernel takes time more than proportional to its length


def recur(graph: Graph) -> Graph:
    """Each loop that can be as a Recurrence; a loop together with that of its gradient, or neither."""
    loops = [op for op in graph.operations if is_loop(op)]
    kept: set[Operation] = set()
    while len(kept) < len(loops):
        try:
            return prune(transform(graph, _Rule(graph, kept)))
        except Unfit as unfit:
            kept |= _tied(unfit.op, loops)
    return graph


def _tied(op: Operation, loops: Sequence[Operation]) -> set[Operation]:
    """The loop, and those that push what it pops or pop what it pushes."""
    found = {op}
    while True:
        more = {a for a in loops if a not in found and any(
            t.dtype == variant and t.op is x for b in found for x, y in ((a, b), (b, a)) for t in y.inputs)}
        if not more:
            return found
        found |= more


class _Rule:
    def __init__(self, graph: Graph, kept: set[Operation]):
        self.kept, self.loops = kept, Loops(consumers(graph))
        self.lost: set[Tensor] = {t for t in graph.outputs if t.dtype == variant}  # stacks that something else takes
        for op in graph.operations:
            stacks = body_inputs(op)[1] if is_loop(op) and op not in kept else ()
            self.lost.update(t for t in op.inputs if t.dtype == variant and t not in stacks)
            if stacks:
                body = op.attrs["body"]
                used = {*body.outputs, *(t for o in body.operations for t in o.inputs)}
                rows = body.inputs[op.attrs["variables"]:]
                self.loops.popped.update(t for t, row in zip(stacks, rows, strict=False) if row in used)

    def __call__(self, op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
        if not is_loop(op) or op in self.kept:
            return None
        if (op.attrs.get("bound") is None or len(op.attrs["body"].operations) > MAX_OPERATIONS
                or any(t in self.lost for t in op.outputs) or not all(is_loop(t.op) for t in body_inputs(op)[1])):
            raise Unfit(op)
        return Loop(op, inputs, self.loops).replace()
