"""Conds and loops in a plan: their sub-graphs specialised with the shapes that are really fed, where that can be.

It can where the sub-graphs have no effects (but for a cond's assignments, see branch_writes.py), run no Python and keep
every shape fixed; otherwise the op is left as the user made it, and run from Python (see runtime/control.py).
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .. import dims as dm
from ..control import body_inputs, has_effects, is_loop, is_repeat, stateless
from ..dims import Atom, DimLike
from ..dtypes import variant
from ..errors import DTypeError, OpError, ShapeError
from ..ir import Graph, Operation, Tensor, TensorType
from ..opdef import has_effect, writes_variable
from ..ops.state import read_variable
from ..ops.symbolic import symbolic_value
from ..ops.tensor_array import settle_with
from ..subgraph import parameter
from .branch_writes import assigned_after, can_be_values, has_plain_writes, without_writes, written
from .cut import cut
from .rewrite import sorted_operations


class Stack(NamedTuple):
    """What a stack holds: rows of one type (themselves stacks, `inner`), at most `bound` of them, if that is known."""

    row: TensorType
    inner: Stack | None
    bound: DimLike | None


@dataclass
class Region:
    """A specialised graph in the making."""

    graph: Graph
    tensors: dict[Tensor, Tensor]
    operations: dict[Operation, Operation]
    sizes: dict[Atom, DimLike]
    known: set[Atom]  # those of a run's feeds
    stacks: dict[Tensor, Stack] = field(default_factory=dict)
    bounds: dict[Operation, DimLike | None] = field(default_factory=dict)  # of loops, by the user's operation
    unsettled: bool = False
    handles: set[Tensor] = field(default_factory=set)  # parameters for variables that a branch assigns to
    has_value: Callable[[Operation], bool] = lambda handle: True  # whether a variable may be read

    def inner(self) -> Region:
        return Region(Graph(), {}, {}, self.sizes, self.known, self.stacks, self.bounds, has_value=self.has_value)


class _Unfit(Exception):
    """The op cannot be part of a plan."""


# copies operations of the user's graph into a region; some of their outputs are wanted
Copy = Callable[[Region, Sequence[Operation], Sequence[Tensor]], None]
# the operations behind tensors
Needed = Callable[[Sequence[Tensor], Sequence[Operation]], list[Operation]]


def specialise_control(op: Operation, region: Region, live: set[Tensor], copy: Copy, needed: Needed
                       ) -> dict[Tensor, Tensor] | None:
    """What stands in the region for those of the op's outputs that are `live`, the op made there; None if it has to run
    in Python."""
    if is_loop(op) and any(has_effects(g) for g in op.attrs.values() if isinstance(g, Graph)):
        return None
    sizes, before = dict(region.sizes), len(region.graph.operations)
    try:
        return (_loop if is_loop(op) else _cond)(op, region, live, copy, needed)
    except (_Unfit, ShapeError, DTypeError, OpError):
        region.sizes.clear()
        region.sizes.update(sizes)
        del region.graph.operations[before:]
        region.operations.pop(op, None)
        region.unsettled = True
        return None


class _Body:
    """A sub-graph being specialised."""

    def __init__(self, user: Graph, region: Region, copy: Copy, needed: Needed):
        self.user, self.outer, self.region = user, region, region.inner()
        self.copy, self.needed = copy, needed

        self.writes: list[Operation] = []  # what is run beside the outputs
        self.handles: list[Tensor] = []  # the parameters for the variables that are assigned to

    def behind(self, outputs: Sequence[Tensor]) -> set[Tensor]:
        """The parameters that the outputs need."""
        operations = set(self.needed(outputs, self.writes))
        return {t for t in self.user.inputs if t.op in operations}

    def written(self) -> set[Tensor]:
        """The handles of the variables that the sub-graph assigns to. Raises _Unfit where that is not of whole ones."""
        operations = self.needed(self.user.outputs, self.user.targets) if has_effects(self.user) else []
        self.writes = [op for op in operations if has_effect(op)]
        if not has_plain_writes(operations):
            raise _Unfit
        return set(written(operations))

    def give(self, theirs: Tensor, value: Tensor | None, kind: TensorType) -> Tensor:
        """A parameter of this type, or what is known of its value."""
        ours = self.add_parameter(kind, theirs.op.name)
        known = self._known(value)
        self.region.tensors[theirs] = ours if known is None else known
        self.region.operations[theirs.op] = ours.op
        for old, new in zip(theirs.dims or (), kind.dims or (), strict=False):
            atom = dm.symbol(old)
            if atom is not None:
                self.region.sizes[atom] = new
        if value is not None and value in self.region.stacks:
            self.region.stacks[ours] = self.region.stacks[value]
        return ours

    def add_parameter(self, kind: TensorType, name: str) -> Tensor:
        graph = self.region.graph
        attrs = {"dtype": kind.dtype, "dims": kind.dims, "number": len(graph.inputs)}
        op = Operation(graph, parameter, (), attrs, f"{name}/{len(graph.inputs)}", [kind], (), None)
        graph.operations.append(op)
        graph.inputs = (*graph.inputs, op.output)
        return op.output

    def _known(self, value: Tensor | None) -> Tensor | None:
        if value is not None and value.op.type in ("Const", "Dims"):
            return self.region.graph.append(value.op, ()).output
        return None

    def finish(self, outputs: Sequence[Tensor]) -> None:
        given = set(self.region.operations)
        reads = {}
        operations = self.needed(outputs, self.writes)
        for op in operations:
            if op.type == "ReadVariableOp" and (value := self.region.tensors.get(op.inputs[0])) is not None:
                if value not in self.region.handles:
                    reads[op] = value
        for op, value in reads.items():
            self.region.tensors[op.output], self.region.operations[op] = value, value.op
        self.copy(self.region, [op for op in sorted_operations(operations) if op not in given and op not in reads],
                  outputs)
        self.region.graph.outputs = tuple(self.region.tensors[t] for t in outputs)
        if self.handles:
            values = without_writes(self.region.graph, self.handles)
            self.region.graph.outputs = (*self.region.graph.outputs, *values)
        for t in self.region.graph.outputs:
            if t.op.type == "Undefined":
                t.dims = ()  # until the other branch says
        parts = cut(self.region.graph, self.region.known)
        if parts or parts.unsettled or self.region.unsettled:
            raise _Unfit


def _value(region: Region, tensor: Tensor, control: Sequence[Operation]) -> Tensor:
    """What stands for an outer tensor; for a variable its value, which is what the sub-graph reads."""
    ours = region.tensors[tensor]
    if ours.op.type != "VariableV2" and ours not in region.handles:
        if ours.dims is None or ours.dtype == variant and ours not in region.stacks:
            raise _Unfit
        return ours
    if ours.dims is None or any(isinstance(d, dm.Dim) for d in ours.dims):
        raise _Unfit
    op = Operation(region.graph, read_variable, (ours,), {}, f"{ours.op.name}/read_{len(region.graph.operations)}",
                   [ours.type], tuple(control), ours.op.site)
    region.graph.operations.append(op)
    return op.output


def _add(op: Operation, region: Region, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> Operation:
    attrs = {**attrs, "native": True}
    control = [region.operations[c] for c in op.control_inputs if c in region.operations]
    definition = stateless(op.definition)
    made = Operation(region.graph, definition, inputs, attrs, op.name, definition.infer(inputs, attrs), control,
                     op.site)
    region.graph.operations.append(made)
    region.operations[op] = made
    return made


def _cond(op: Operation, region: Region, live: set[Tensor], copy: Copy, needed: Needed) -> dict[Tensor, Tensor]:
    kept = [k for k, t in enumerate(op.outputs) if t in live]
    bodies = [_Body(op.attrs[key], region, copy, needed) for key in ("then_branch", "else_branch")]
    outputs = [[b.user.outputs[k] for k in kept] for b in bodies]
    theirs = [b.written() for b in bodies]
    used = [b.behind(out) | w for b, out, w in zip(bodies, outputs, theirs, strict=True)]
    control = [region.operations[c] for c in op.control_inputs if c in region.operations]
    captured, handles = [], []
    for i, outer in enumerate(op.inputs[1:]):
        if any(b.user.inputs[i] in u for b, u in zip(bodies, used, strict=True)):
            assigned = any(b.user.inputs[i] in w for b, w in zip(bodies, theirs, strict=True))
            value = _value(region, outer, [*control, *_earlier_writes(region, outer)] if assigned else control)
            captured.append(value)
            for b in bodies:
                ours = b.give(b.user.inputs[i], value, value.type)
                if assigned:
                    b.handles.append(ours)
                    b.region.handles.add(ours)
            if assigned:
                handles.append(region.tensors[outer])
                if not region.has_value(outer.op):
                    raise _Unfit  # a branch may give it its first value
    if not can_be_values(handles):
        raise _Unfit
    for b, out in zip(bodies, outputs, strict=True):
        b.finish(out)
    results = list(zip(bodies[0].region.graph.outputs, bodies[1].region.graph.outputs, strict=True))
    for pair in results:
        known = [t for t in pair if t.op.type != "Undefined"] or pair
        for t in pair:
            if t.op.type == "Undefined":
                t.dims = known[0].dims
                t.op.attrs = {**t.op.attrs, "dims": t.dims}
        if any(t.dims is None or t.dims != known[0].dims for t in pair):
            raise _Unfit  # which shape depends on the branch taken
    made = _add(op, region, [region.tensors[op.inputs[0]], *captured],
                {"then_branch": bodies[0].region.graph, "else_branch": bodies[1].region.graph})
    for branches, ours in zip(results, made.outputs, strict=True):
        if ours.dtype == variant:
            region.stacks[ours] = next(region.stacks[t] for t in branches if t in region.stacks)
    given, values = list(made.outputs[:len(kept)]), made.outputs[len(kept):]
    if handles:
        given, region.operations[op] = assigned_after(made, given, handles, values, region.graph)
    return {op.outputs[k]: ours for k, ours in zip(kept, given, strict=True)}


def _earlier_writes(region: Region, handle: Tensor) -> list[Operation]:
    """What assigns to a variable before this cond does, as the user's program has it."""
    ours = region.tensors[handle]
    return [op for op in region.graph.operations if writes_variable(op) and op.inputs[0] is ours]


def _loop(op: Operation, region: Region, live: set[Tensor], copy: Copy, needed: Needed) -> dict[Tensor, Tensor]:
    n, m = op.attrs["variables"], op.attrs["stacks"]
    initial, stacks, captures = body_inputs(op)
    body = _Body(op.attrs["body"], region, copy, needed)
    test = None if is_repeat(op) else _Body(op.attrs["condition"], region, copy, needed)
    parameters = body.user.inputs
    pushed = [k for k in range(n, len(body.user.outputs)) if op.outputs[k + 1] in live]
    tested = set() if test is None else {
        i for i, t in enumerate(test.user.inputs) if t in test.behind(test.user.outputs)}
    kept = {i for i in range(n) if op.outputs[i] in live or i in tested}
    while True:
        used = body.behind([body.user.outputs[k] for k in (*sorted(kept), *pushed)])
        more = {i for i in range(n) if parameters[i] in used} - kept
        if not more:
            break
        kept |= more
    variables = sorted(kept)
    control = [region.operations[c] for c in op.control_inputs if c in region.operations]
    bodies = [b for b in (test, body) if b is not None]
    given: dict[int, Tensor] = {}
    # an array whose elements' shape follows from what is written in the loop comes last
    for i in sorted(variables, key=lambda i: region.tensors[initial[i]].dims is None):
        settle_with(region.tensors[initial[i]], region.sizes)
        given[i] = value = _value(region, initial[i], control)
        if value.dtype == variant:
            raise _Unfit
        for b in bodies:
            b.give(b.user.inputs[i], None, value.type)
    values = [given[i] for i in variables]
    popped = []
    for j, outer in enumerate(stacks):
        if parameters[n + j] in used:
            popped.append(_value(region, outer, control))
            held = region.stacks[popped[-1]]
            row = body.give(parameters[n + j], None, held.row)
            if held.inner is not None:
                region.stacks[row] = held.inner
    captured = []
    for j, outer in enumerate(captures):
        if parameters[n + m + j] in used or n + j in tested:
            captured.append(_value(region, outer, control))
            for b in bodies:
                b.give(b.user.inputs[len(b.user.inputs) - len(captures) + j], captured[-1], captured[-1].type)
    body.finish([body.user.outputs[k] for k in (*variables, *pushed)])
    for value, following in zip(values, body.region.graph.outputs, strict=False):
        if value.dims != following.dims:
            raise _Unfit  # the shape changes from one iteration to the next
    attrs: dict[str, Any] = {"body": body.region.graph, "variables": len(variables), "stacks": len(popped)}
    if test is not None:
        test.finish(test.user.outputs)
        attrs["condition"] = test.region.graph
        bound = _bound(test.region.graph, body.region.graph, values, captured)
    else:
        bound = region.bounds.get(op.attrs["forward"])
    region.bounds[op] = attrs["bound"] = bound
    count = [] if test is not None else [_value(region, op.inputs[0], control)]
    made = _add(op, region, [*count, *values, *popped, *captured], attrs)
    for row, stack in zip(body.region.graph.outputs[len(variables):], made.outputs[len(variables) + 1:], strict=True):
        inner = region.stacks.get(row)
        if row.dims is None or inner is not None and inner.bound is None:
            raise _Unfit
        region.stacks[stack] = Stack(row.type, inner, bound)
    theirs = [*(op.outputs[i] for i in variables), op.outputs[n], *(op.outputs[k + 1] for k in pushed)]
    return dict(zip(theirs, made.outputs, strict=True))


def _bound(test: Graph, body: Graph, values: Sequence[Tensor], captured: Sequence[Tensor]) -> DimLike | None:
    """How many iterations there are at most, where a counter is compared with a known size."""
    known = dict(zip(test.inputs, (*values, *captured), strict=True))

    def size_of(t: Tensor) -> Any:
        i = test.inputs.index(t) if t in known else None
        if i is not None and i < len(values) and body.outputs[i] is not body.inputs[i]:
            return None
        value = symbolic_value(known.get(t, t))
        return None if value is None or value.size != 1 else value.item()

    def limit(t: Tensor) -> DimLike | None:
        if t.op.type == "LogicalAnd":
            found = [b for b in map(limit, t.op.inputs) if b is not None]
            return found[0] if found else None
        if t.op.type not in ("Less", "LessEqual", "Greater", "GreaterEqual"):
            return None
        counter, end = t.op.inputs if t.op.type.startswith("Less") else reversed(t.op.inputs)
        if counter not in known or (i := test.inputs.index(counter)) >= len(values) or not _counts(body, i):
            return None
        last, first = size_of(end), symbolic_value(values[i])
        if last is None or first is None:
            return None
        return dm.maximum(last - first.item() + (1 if t.op.type.endswith("Equal") else 0), 0)

    return limit(test.outputs[0])


def _counts(body: Graph, i: int) -> bool:
    """Whether variable `i` grows by one or more in each iteration."""
    op = body.outputs[i].op
    if op.type != "AddV2" or body.inputs[i] not in op.inputs:
        return False
    step = next((t for t in op.inputs if t is not body.inputs[i]), None)
    return (
        step is not None and step.op.type == "Const" and step.dtype.is_integer and (step.op.attrs["value"] >= 1).all()
    )


