"""Sums of rows at indices, which is what the gradient of a table is, join the loop group that alone reads them.

Where an optimizer updates a table, its gradient, as large as the table, then is never in memory. What computes only
the rows that are summed joins too. codegen/row_sums.py has the kernel.
"""
from __future__ import annotations

from collections.abc import Sequence

from .. import dims as dm
from ..dims import DimLike
from ..ir import Graph, Operation, Tensor
from ..opdef import ALIAS, EFFECT, ELEMENTWISE, INDEX, has_native_types
from ..shapes import Dims, merged_axes
from .rewrite import variable_of
from .units import Unit, Units


def absorb_row_sums(graph: Graph, units: Units) -> None:
    """Add to loop groups the sums that they alone read, then what these alone are computed from."""
    sums: dict[Unit, Operation] = {}  # one of each group that has some: all have the same indices
    outputs = {t.op for t in graph.outputs}
    for op in reversed(graph.operations):
        unit = units.groups.get(op)
        members = [op] if unit is None else unit.ops
        readers = {units.groups.get(user) for user in units.after(members)}
        group = readers.pop() if len(readers) == 1 else None
        if group is None or not outputs.isdisjoint(members) or _reads_assigned(members, group.ops):
            continue
        if op.definition.fields.get("scatter"):
            if _is_row_sum(op, group.domain) and (
                    sums[group].inputs[1] is op.inputs[1] if group in sums else _is_elementwise(group)):
                sums[group] = op
                units.join(op, group)
        elif group in sums and all(_computes_rows(member, sums[group].inputs[0]) for member in members):
            if unit is None:
                units.join(op, group)
            else:
                units.merge(group, unit)


def _is_row_sum(op: Operation, domain: Dims) -> bool:
    rows, indices = op.inputs[:2]
    return (op.output.dims == domain and op.attrs["axis"] == 0 and has_native_types(op)
            and len(indices.dims or ()) == 1 and rows.dims == (*(indices.dims or ()), *domain[1:]))


def _is_elementwise(group: Unit) -> bool:
    """Whether all members are so over the whole domain."""
    return group.axes is None and group.anchor is None and all(
        op.definition.family in (ELEMENTWISE, EFFECT) and all(t.dims in (group.domain, ()) for t in op.inputs)
        for op in group.ops)


def _computes_rows(op: Operation, rows: Tensor) -> bool:
    """Whether the op computes an element for each of the rows' and can do so in any order."""
    if op.control_inputs or not has_native_types(op) or _size(op.output) != _size(rows):
        return False
    family = op.definition.family
    return (family == ELEMENTWISE or family == INDEX and "fault" not in op.definition.fields
            or family == ALIAS and merged_axes(op.output.dims, op.inputs[0].dims) is not None)


def _size(x: Tensor) -> DimLike | None:
    return None if x.dims is None else dm.product(x.dims)


def _reads_assigned(members: Sequence[Operation], group: Sequence[Operation]) -> bool:
    """Whether the members read a variable that the group assigns, which they would do at other elements."""
    assigned = {op.inputs[0] for op in group if op.definition.family == EFFECT}
    return any(variable_of(t) in assigned for op in members for t in op.inputs)
