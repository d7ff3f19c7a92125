"""Fusion: groups of ops that one kernel computes, each put into a `Fused` op with the group as its body.

Two kinds of group. A *loop* group computes elementwise ops, index maps, random numbers, reductions and assignments
over one domain. A *contraction* group is a product or convolution and the elementwise ops that its epilogue applies
while the output tile is in cache. Families decide, never names.
"""
from __future__ import annotations

from typing import Any, TypeGuard

from ..dtypes import DType
from ..errors import InternalError
from ..ir import Graph, Operation, Tensor
from ..opdef import ALIAS, EFFECT, ELEMENTWISE, REDUCTION, OpDef, has_native_types
from ..shapes import Dims
from .groups import MAX_MEMBERS, Group, alone, empty_group, is_loop_member, may_read, reduced_axes, streams_rows
from .rewrite import consumers, sorted_operations, variable_of
from .row_sums import absorb_row_sums
from .schedule import NominalSizes
from .units import Units

PRODUCTS = 2  # that an epilogue adds to its own: each waits in memory, which a sum of hundreds of gradients has not
UPDATE_ROWS = 1024  # rows of a batch up to which a variable's update joins the product that is its gradient

fused = OpDef("Fused", "fused", infer=lambda inputs, attrs: [t.type for t in attrs["body"].outputs], stateful=True)
parameter = OpDef("Parameter", "source", infer=lambda inputs, attrs: [attrs["type"]])

# windows that take an epilogue: those that are sums of products
ANCHORS = {"MatMul", "Conv2D", "Conv2DBackpropInput", "Conv3D", "Conv3DBackpropInputV2", "DepthwiseConv2dNative",
           "DepthwiseConv2dNativeBackpropInput", "MaxPoolGrad"}


def fuse(graph: Graph) -> Graph:
    return _Fusion(graph).run()


class _Fusion:
    def __init__(self, graph: Graph):
        self.graph = graph
        self.uses = consumers(graph)
        self.outputs = set(graph.outputs)
        self.units = Units(graph.operations)
        self.groups: dict[Operation, Group] = self.units.groups
        self.position = {op: i for i, op in enumerate(graph.operations)}

    def run(self) -> Graph:
        for op in self.graph.operations:
            if op.type in ANCHORS and op.output.dtype.is_floating and has_native_types(op):
                self.absorb_epilogue(op)
        self.find_row_domains()
        for op in reversed(self.graph.operations):
            if op not in self.groups and is_loop_member(op):
                self.place(op)
        self.merge_readers()
        for op in self.graph.operations:
            if op.type in ANCHORS and op.output.dtype.is_floating and has_native_types(op):
                self.absorb_loop(op)
        for op in self.graph.operations:
            if op.type == "MatMul" and op.output.dtype.is_floating and has_native_types(op):
                self.absorb_update(op)
        absorb_row_sums(self.graph, self.units)
        return self.contract()

    # contraction groups

    def absorb_epilogue(self, anchor: Operation) -> None:
        assert anchor.output.dims is not None
        group = Group(anchor.output.dims, anchor=anchor)
        members = [anchor]
        frontier = anchor.output
        while frontier not in self.outputs and not frontier.op.control_inputs:
            users = list(dict.fromkeys(self.uses.get(frontier, ())))
            if (len(users) != 1 or len(members) >= MAX_MEMBERS
                    or not self.fits_epilogue(users[0], group, anchor.output.dtype)):
                break
            more = [*members]
            self.absorb(users[0], group, more)
            products = {t for op in more[1:] for t in op.inputs if t.op.type in ANCHORS} - {anchor.output}
            if len(products) > PRODUCTS or self.units.reach(self.units.after(more), *more):
                break
            members = more
            frontier = users[0].output
        if len(members) > 1:
            for op in members:
                self.units.join(op, group)

    def absorb(self, op: Operation, group: Group, members: list[Operation]) -> None:
        """Add the op to the group's members, and what is computed for it alone."""
        members.append(op)
        for t in op.inputs:
            if t.op not in members and t not in self.outputs and len(set(self.uses[t])) == 1 and self.fits_epilogue(
                    t.op, group, t.dtype):
                self.absorb(t.op, group, members)

    def fits_epilogue(self, op: Operation, group: Group, dtype: DType) -> bool:
        return op not in self.groups and not op.control_inputs and self.is_of_epilogue(op, group, dtype)

    def is_of_epilogue(self, op: Operation, group: Group, dtype: DType) -> bool:
        """Elementwise over the whole output, with operands of the output's shape, of its last axis, or scalars."""
        dims = group.domain
        return (op.definition.family == ELEMENTWISE and op.output.dims == dims and op.output.dtype == dtype
                and has_native_types(op) and all(t.dims in (dims, dims[-1:], ()) for t in op.inputs))

    def absorb_loop(self, anchor: Operation) -> None:
        """A loop that makes one matrix of the epilogue's joins it, such as an activation that reads the biased product
        twice. Several are written faster by a loop, as streams."""
        group = self.groups.get(anchor) or Group(anchor.output.dims or (), anchor=anchor)
        members = group.ops or [anchor]
        loop = next(map(self.groups.get, self.units.after(members)), None)
        if (not _is_loop_over(loop, group.domain) or len(members) + len(loop.ops) > MAX_MEMBERS
                or not all(self.is_of_epilogue(op, group, anchor.output.dtype) for op in loop.ops)):
            return
        inside = {*members, *loop.ops}
        made = [op for op in inside if op.output in self.outputs or not inside.issuperset(self.uses.get(op.output, ()))]
        if len(made) == 1 and not self.units.reach(self.units.after(inside), loop, self.groups.get(anchor, anchor)):
            self.take_in(anchor, group, loop)

    def absorb_update(self, anchor: Operation) -> None:
        """A variable's update that is all that reads a product, its gradient, joins the epilogue: the gradient need not
        go through memory then. One from many rows rather runs by itself, when it frees these."""
        group = self.groups.get(anchor) or Group(anchor.output.dims or (), anchor=anchor)
        members = group.ops or [anchor]
        loop, *others = list(dict.fromkeys(map(self.groups.get, self.units.after(members)))) or [None]
        if not _is_loop_over(loop, group.domain):
            return
        for other in others:  # what else reads it, such as the variable's own update beside that of its momentum
            if other is None or other.axes is not None or not self.mergeable(loop, other):
                return
            self.units.merge(loop, other)
        rows = (anchor.inputs[0].dims or ())[-2 if anchor.attrs["transpose_a"] else -1]
        updates = [op for op in loop.ops if op.type == "Assign"]
        read = {variable_of(t) for op in members for t in op.inputs if op is anchor or t.dims != group.domain}
        if (updates and NominalSizes().count(rows) <= UPDATE_ROWS and not read & {op.inputs[0] for op in updates}
                and all(op in updates or self.is_of_epilogue(op, group, anchor.output.dtype) for op in loop.ops)
                and not self.units.reach(self.units.after(members + loop.ops), loop, self.groups.get(anchor, anchor))):
            self.take_in(anchor, group, loop)

    def take_in(self, anchor: Operation, group: Group, loop: Group) -> None:
        """The loop becomes part of the anchor's epilogue, which it begins where there was none."""
        if not group.ops:
            self.units.join(anchor, group)
        self.units.merge(group, loop)

    # loop groups

    def place(self, op: Operation) -> None:
        """Join the op's consumers, merged into one group where possible, else open a group."""
        users = list(dict.fromkeys(u for t in op.outputs for u in self.uses.get(t, ())))
        # a shared scalar costs nothing to keep, while joining one user would make the others wait for all of it
        shared_scalar = len(users) > 1 and op.output.dims == ()
        groups = [] if shared_scalar else list(dict.fromkeys(
            g for u in users if (g := self.groups.get(u)) is not None and (g.accepts(op) or self.begins_rows(op, g))
            and self.may_join(op, g)))
        gone: set[Group] = set()
        for group in sorted(groups, key=lambda g: g.axes is None):
            for other in groups:
                if other is not group and not {group, other} & gone and self.mergeable(group, other):
                    group.axes = group.axes if group.axes is not None else other.axes
                    self.units.merge(group, other)
                    gone.add(other)
        groups = list(dict.fromkeys(g for g in map(self.groups.get, users) if g in groups))
        for group in sorted(groups, key=lambda g: g.axes is None):
            if not self.units.reach((u for u in self.units.next[op] if self.groups.get(u) is not group), group):
                self.units.join(op, group)
                if op.definition.family == REDUCTION:
                    group.axes = reduced_axes(op)
                elif group.axes is None and self.begins_rows(op, group):
                    group.axes = self.row_axes[op]
                return
        self.units.join(op, empty_group(op))

    def begins_rows(self, op: Operation, group: Group) -> bool:
        """Whether the op is computed from a reduction over rows of a group that reduces nothing yet, one number for
        each: with it in the group the reduction may follow, and the group reads the row while it is in cache."""
        if group.axes is not None or self.row_domain.get(op) != group.domain:
            return False
        rows = Group(group.domain, self.row_axes[op], group.anchor)
        rows.ops = group.ops
        return op.output.dims != group.domain and rows.accepts(op)

    def merge_readers(self) -> None:
        """Reductions of the same matrix over columns share one pass over it."""
        for x, users in self.uses.items():
            first: Group | None = None
            for group in dict.fromkeys(map(self.groups.get, users)):
                if group is None or group.axes is None or group.streams or group.domain != x.dims:
                    continue
                if first is None:
                    first = group
                elif first.axes == group.axes and self.mergeable(first, group):
                    self.units.merge(first, group)

    def find_row_domains(self) -> None:
        """For each op the domain of the streaming reduction that it is computed from, if any: that is where it should
        be computed, while the row is in cache, rather than with a reduction over columns that uses it."""
        self.row_domain: dict[Operation, Dims | None] = {}
        self.row_axes: dict[Operation, frozenset[int]] = {}
        for op in self.graph.operations:
            if op.definition.family == REDUCTION and streams_rows(op):
                self.row_domain[op], self.row_axes[op] = op.inputs[0].dims, reduced_axes(op)
            elif op.definition.family in (ELEMENTWISE, ALIAS):
                source = next((t.op for t in op.inputs if self.row_domain.get(t.op) is not None), None)
                if source is not None:
                    self.row_domain[op], self.row_axes[op] = self.row_domain[source], self.row_axes[source]

    def may_join(self, op: Operation, group: Group) -> bool:
        """Whether all of the op's users in the group may read it there, and it would be computed in its row's cache."""
        users = {u for t in op.outputs for u in self.uses.get(t, ()) if self.groups.get(u) is group}
        if not group.streams and self.row_domain.get(op) == group.domain:
            return False
        return all(may_read(op, u, group.domain, group.streams) for u in users)

    def mergeable(self, a: Group, b: Group) -> bool:
        if (a.anchor or b.anchor or a.crosses or b.crosses or len(a.ops) + len(b.ops) > MAX_MEMBERS
                or a.domain != b.domain or a.axes != b.axes and None not in (a.axes, b.axes)):
            return False
        streams = a.streams and b.streams
        for group, other in ((a, b), (b, a)):
            if not all(may_read(t.op, u, a.domain, streams) for u in group.ops for t in u.inputs
                       if self.groups.get(t.op) is other):
                return False
        return not self.units.reach(self.units.after([*a.ops, *b.ops]), a, b)

    # building the fused graph

    def contract(self) -> Graph:
        self.split_unsafe_assigns()
        units: dict[Any, list[Operation]] = {}
        for op in self.graph.operations:
            units.setdefault(self.groups.get(op, op), []).append(op)
        new = Graph()
        tensors: dict[Tensor, Tensor] = {}
        made: dict[Operation, Operation] = {}
        for key in self.ordered(units):
            members = units[key]
            if isinstance(key, Group):
                self.add_fused(new, key, members, tensors, made)
            else:
                copy = new.append(key, [tensors[t] for t in key.inputs], _controls(members, made))
                tensors.update(zip(key.outputs, copy.outputs, strict=True))
                made[key] = copy
        new.inputs = tuple(tensors[t] for t in self.graph.inputs)
        new.outputs = tuple(tensors[t] for t in self.graph.outputs)
        new.targets = tuple(dict.fromkeys(made[op] for op in self.graph.targets))
        return new

    def split_unsafe_assigns(self) -> None:
        """An assignment may share a kernel with reads of its variable only if each element is read just where it is
        written; otherwise it gets a kernel of its own."""
        for op in self.graph.operations:
            group = self.groups.get(op)
            if op.definition.family != EFFECT or group is None or len(group.ops) == 1:
                continue
            handle = op.inputs[0]
            readers = [m for m in group.ops for t in m.inputs if variable_of(t) is handle]
            if readers and (group.axes is not None or any(
                    m.definition.family != ELEMENTWISE or any(variable_of(t) is handle and t.dims != group.domain
                                                              for t in m.inputs) for m in readers)):
                if any(u in group.ops for u in self.units.next[op]):  # between members: each gets a kernel of its own
                    self.groups.update((member, alone(member)) for member in group.ops)
                else:
                    group.ops.remove(op)
                    self.groups[op] = alone(op)

    def ordered(self, units: dict[Any, list[Operation]]) -> list[Any]:
        """Units so that each comes after what it needs, otherwise by the position of their last member, or of the
        product that they update a variable by: what that reads is then in the caches."""
        unit_of = {op: key for key, members in units.items() for op in members}
        needs = {key: {unit_of[p] for op in members for p in (*(t.op for t in op.inputs), *op.control_inputs)} - {key}
                 for key, members in units.items()}
        place = {key: self.position[key.anchor if isinstance(key, Group) and key.anchor and members[-1].type == "Assign"
                                    else members[-1]] for key, members in units.items()}
        order: list[Any] = []
        state: set[Any] = set()
        begun: set[Any] = set()
        for root in sorted(units, key=place.__getitem__):
            stack = [root]
            while stack:
                key = stack[-1]
                waiting = [n for n in needs[key] if n not in state]
                if not waiting:
                    stack.pop()
                    if key not in state:
                        state.add(key)
                        order.append(key)
                elif key in begun:
                    raise InternalError(f"fusion makes a cycle through {units[key][-1].name!r}", units[key][-1])
                else:
                    begun.add(key)
                    stack += sorted(waiting, key=lambda n: -place[n])
        return order

    def add_fused(self, new: Graph, group: Group, members: list[Operation], tensors: dict[Tensor, Tensor],
                  made: dict[Operation, Operation]) -> None:
        """The group as one op. Constants that are scalars become part of the body."""
        inside = set(members)
        members = sorted_operations(members)
        body = Graph()
        values: dict[Tensor, Tensor] = {}
        inputs: list[Tensor] = []
        for op in members:
            for t in op.inputs:
                if t not in values and t.op not in inside:
                    if t.op.type == "Const" and t.dims == ():
                        values[t] = body.append(t.op, ()).output
                    else:
                        values[t] = body.add(parameter, (), {"type": t.type}, "in", control_inputs=(),
                                             site=op.site).output
                        inputs.append(t)
            copy = body.append(op, [values[t] for t in op.inputs])
            values.update(zip(op.outputs, copy.outputs, strict=True))
        results = [t for op in members for t in op.outputs if op.definition.family == EFFECT or t in self.outputs
                   or any(u not in inside for u in self.uses.get(t, ()))]
        body.inputs = tuple(values[t] for t in inputs)
        body.outputs = tuple(values[t] for t in results)
        last = members[-1]
        op = Operation(new, fused, [tensors[t] for t in inputs],
                       {"body": body, "domain": group.domain, "axes": group.axes,
                        "anchor": None if group.anchor is None else values[group.anchor.output].op,
                        "writes": {i: inputs.index(t.op.inputs[0]) for i, t in enumerate(results)
                                   if t.op.definition.family == EFFECT}},
                       last.name, [t.type for t in results], _controls(members, made), last.site)
        new.operations.append(op)
        tensors.update(zip(results, op.outputs, strict=True))
        made.update((m, op) for m in members)


def _is_loop_over(unit: Group | None, domain: Dims) -> TypeGuard[Group]:
    """Whether the unit is a loop of its own over every element of the domain."""
    return unit is not None and not unit.anchor and unit.axes is None and unit.domain == domain


def _controls(members: list[Operation], made: dict[Operation, Operation]) -> list[Operation]:
    inside = set(members)
    return list(dict.fromkeys(made[c] for op in members for c in op.control_inputs if c not in inside and c in made))


