"""What is the same in each iteration of a loop is computed once, before it.

That is what follows from captured values, and from variables that stay as they are, by ops that cannot fail: a loop may
make no iteration. What spreads few numbers over many stays, since to read it again and again would take longer.
"""
from __future__ import annotations

from collections.abc import Sequence

from .. import dims as dm
from ..control import is_loop, is_repeat
from ..ir import Graph, Operation, Tensor, default_graph
from ..opdef import ALIAS, CONTRACTION, COPY, ELEMENTWISE, INDEX, REDUCTION
from ..subgraph import parameter
from .prune import prune
from .rewrite import copied, transform

_PURE = {ALIAS, CONTRACTION, COPY, ELEMENTWISE, INDEX, REDUCTION}
_KNOWN = {"Const", "Dims"}


def hoist(graph: Graph) -> Graph:
    """Loops that are part of a plan, without what they need not repeat."""
    if not any(map(_is_planned, graph.operations)):
        return graph
    return transform(graph, lambda op, inputs: _Loop(op, inputs).replace() if _is_planned(op) else None)


def _is_planned(op: Operation) -> bool:
    return is_loop(op) and bool(op.attrs.get("native"))


class _Loop:
    """A loop, and what it is given in the new graph."""

    def __init__(self, op: Operation, inputs: list[Tensor]):
        self.op, self.inputs, self.body = op, inputs, op.attrs["body"]
        n = op.attrs["variables"]
        steady = {*self.body.inputs[n + op.attrs["stacks"]:],
                  *(a for a, b in zip(self.body.inputs[:n], self.body.outputs, strict=False) if a is b)}
        given = zip(self.body.inputs, inputs[is_repeat(op):], strict=True)
        self.outside = {t: x for t, x in given if t in steady}  # inner tensors as they are before the loop
        # inner tensors that stay the same, and the sizes of what they follow from
        self.sizes: dict[Tensor, set[dm.DimLike]] = {}
        self.computed: set[Tensor] = set()  # those of them that take time

    def replace(self) -> Sequence[Tensor] | None:
        leaving = self.leaving()
        if not leaving:
            return None
        new = default_graph()
        made = new.append(self.op, [*self.inputs, *map(self.lift, leaving)], new._control_stack)
        made.attrs = {key: prune(_taking(value, leaving)) if isinstance(value, Graph) else value
                      for key, value in self.op.attrs.items()}
        return made.outputs

    def leaving(self) -> list[Tensor]:
        """What the iterations are given instead of computing it."""
        for op in self.body.operations:
            if len(op.outputs) == 1 and op.output.dims is not None:
                self.follow(op)
        found: set[Tensor] = set()
        stack = [*(t.op for t in self.body.outputs), *self.body.targets]
        seen = set(stack)
        while stack:
            op = stack.pop()
            found.update(filter(self.may_leave, op.inputs))
            needed = [*(t.op for t in op.inputs if t not in found), *op.control_inputs]
            stack += [x for x in dict.fromkeys(needed) if x not in seen]
            seen.update(needed)
        return [op.outputs[0] for op in self.body.operations if op.outputs and op.outputs[0] in found]

    def follow(self, op: Operation) -> None:
        """Whether the op's output is the same in each iteration."""
        t, size = op.output, dm.product(op.output.dims)
        if t in self.outside or op.type in _KNOWN:
            self.sizes[t] = {size}
        elif (op.definition.family in _PURE and "fault" not in op.definition.fields and op.inputs
                and not op.control_inputs and all(x in self.sizes for x in op.inputs)):
            worth = {size} if op.definition.family in (CONTRACTION, REDUCTION) else set()
            self.sizes[t] = worth.union(*(self.sizes[x] for x in op.inputs))
            if op.definition.family != ALIAS or not self.computed.isdisjoint(op.inputs):
                self.computed.add(t)

    def may_leave(self, t: Tensor) -> bool:
        size = dm.product(t.dims)
        return t in self.computed and any(dm.is_nonnegative(whole - size) for whole in self.sizes[t])

    def lift(self, t: Tensor) -> Tensor:
        if t not in self.outside:
            self.outside[t] = copied(default_graph(), t.op, [self.lift(x) for x in t.op.inputs]).output
        return self.outside[t]


def _taking(graph: Graph, tensors: Sequence[Tensor]) -> Graph:
    """The graph with these as further inputs, if they are its own in their places."""
    parameters: dict[Tensor, Tensor] = {}

    def argument(t: Tensor, new: Graph) -> Tensor:
        number = len(graph.inputs) + tensors.index(t)
        op = Operation(new, parameter, (), {"dtype": t.dtype, "dims": t.dims, "number": number},
                       f"{t.op.name}/{number}", [t.type], (), None)
        new.operations.append(op)
        return op.output

    def rule(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
        if not op.outputs or op.outputs[0] not in tensors:
            return None
        parameters[op.outputs[0]] = argument(op.outputs[0], default_graph())
        return [parameters[op.outputs[0]]]

    new = transform(graph, rule)
    new.inputs += tuple(parameters[t] if t in parameters else argument(t, new) for t in tensors)
    return new
