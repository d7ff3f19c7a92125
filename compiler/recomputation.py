"""Values that are computed a second time where their gradient needs them, so that they need not be kept until then.

Chen, Xu, Zhang and Guestrin 2016, "Training Deep Nets with Sublinear Memory Cost".
"""
from __future__ import annotations

from collections.abc import Sequence

from .autodiff import Gradient, gradients
from .ir import Operation, Tensor, default_graph
from .opdef import CONTROL, RANDOM, SOURCE
from .ops import custom
from .ops.view import identity


def recomputed(outputs: Sequence[Tensor], inputs: Sequence[Tensor], operations: Sequence[Operation]) -> list[Tensor]:
    """The outputs, with gradients for which `operations` between the inputs and them run again.

    Only the inputs, and what the operations take from elsewhere, are kept for the gradients. Random numbers, what
    operations with effects give and what loops and branches compute are kept too: they are computed once.
    """
    again = _between(outputs, set(inputs), operations)
    made = {t for op in again for t in op.outputs}
    outside = list(dict.fromkeys(t for op in again for t in op.inputs if t not in made))
    outside += [t for t in dict.fromkeys(outputs) if t not in made and t not in outside]
    count = len(outputs)

    def grad(op: Operation, *out_grads: Tensor | None) -> list[Gradient | None]:
        given = [(y, g) for y, g in zip(outputs, out_grads, strict=False) if g is not None]
        graph = default_graph()
        # of this very op: where it is itself computed again, the first one's are not kept
        kept = [graph.adopt(t) for t in op.inputs[count:]]
        copies = dict(zip(outside, kept, strict=True))
        sources = [t for t in kept if t.dtype.is_differentiable]
        with graph.control_dependencies([g for _, g in given]):  # not before the gradients are there, else it is kept
            copies |= {t: identity(copies[t], "recompute") for t in inputs if t in copies}
        with graph.control_dependencies(None):
            for old in again:
                new = graph.add(old.definition, [copies[t] for t in old.inputs], old.attrs, old.name + "/again",
                                [t.type for t in old.outputs])
                new.gradient_type = old.gradient_type
                copies.update(zip(old.outputs, new.outputs, strict=True))
        found = dict(zip(sources, gradients([copies[y] for y, _ in given], sources, [g for _, g in given],
                                            stop_gradients=sources, sparse=True), strict=True))
        return [None] * count + [found.get(t) for t in kept]

    op = custom.identity_n.operation(*outputs, *outside, grad=grad)
    return list(op.outputs[:count])


def _between(outputs: Sequence[Tensor], inputs: set[Tensor], operations: Sequence[Operation]) -> list[Operation]:
    """The operations that lead from the inputs to the outputs and can run twice."""
    reached = set(inputs)
    forth = []
    for op in operations:
        if (not op.definition.stateful and op.definition.family not in (CONTROL, RANDOM, SOURCE)
                and any(t in reached for t in op.inputs)):
            forth.append(op)
            reached.update(op.outputs)
    needed, back = set(outputs), []
    for op in reversed(forth):
        if needed.intersection(op.outputs):
            back.append(op)
            needed.update(op.inputs)
    return back[::-1]
