"""Where a run has to stop to look at values: ops that run in Python, and shapes that depend on fed values.

The graph falls into three: the `early` operations, which are compiled and run first; the `hosts`, which then run in
Python on their results; and the rest, which is compiled when their results, and so their shapes, are there.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..dims import Atom, size_atoms
from ..ir import Graph, Operation, Tensor
from ..opdef import HOST, has_native_types
from ..ops.symbolic import is_followed, symbolic_value


@dataclass
class Cut:
    """The parts of a cut graph. `sizes` are early integers whose values, as sizes, decide shapes in the rest.
    `unsettled`: a size follows from fed ones in no general way, so that only their very values will do."""

    early: set[Operation] = field(default_factory=set)
    hosts: list[Operation] = field(default_factory=list)
    late: set[Operation] = field(default_factory=set)
    sizes: set[Tensor] = field(default_factory=set)
    unsettled: bool = False

    def __bool__(self) -> bool:
        return bool(self.hosts or self.late)


def cut(graph: Graph, known: set[Atom]) -> Cut:
    """The parts of a specialised graph. `known` are the sizes that its feeds determine."""
    parts = Cut()
    unavailable: set[Operation] = set()  # hosts and what is late
    unavailable_sizes: set[Atom] = set()
    for op in graph.operations:
        before = (*(t.op for t in op.inputs), *op.control_inputs)
        sizes = sizes_in(op)
        if any(p in unavailable for p in before) or sizes & unavailable_sizes or _waits_for_sizes(op):
            parts.late.add(op)
        elif runs_in_python(op, known):
            parts.hosts.append(op)
        else:
            parts.early.add(op)
            parts.unsettled |= not sizes <= known or any(t.dims is None for t in op.outputs)
            continue
        unavailable.add(op)
        unavailable_sizes |= sizes - known
    for op in parts.late:
        operand = op.definition.fields.get("shape_operand")
        if operand is not None and len(op.inputs) > operand:
            parts.sizes.update(_sizes_behind(op.inputs[operand], parts.late))
    return parts


def runs_in_python(op: Operation, known: set[Atom]) -> bool:
    """Whether the op cannot be part of a plan: it handles strings or Python objects, or its shape depends on values."""
    fields = op.definition.fields
    if "in_python" in fields and fields["in_python"](op):
        return True
    if any(t.dtype.is_string for t in (*op.inputs, *op.outputs)) and op.type not in ("VariableV2", "Placeholder"):
        return True
    if op.inputs and op.inputs[0].op.type == "VariableV2" and not has_native_types(op):
        return True
    if op.type == "Assign" and _reshapes(op):
        return True
    return op.definition.family == HOST and (op.definition.stateful
                                             or not all(_is_settled(t, known) for t in op.outputs))


def _reshapes(assign: Operation) -> bool:
    """Whether it gives a variable another shape whose former value is read too: no place is both."""
    handle, value = assign.inputs
    return handle.dims not in (None, value.dims) and any(
        op.type == "ReadVariableOp" and op.inputs[0] is handle for op in assign.graph.operations)


def sizes_in(op: Operation) -> set[Atom]:
    """The fed symbols in the op's attributes and output shapes."""
    found = {atom for value in op.attrs.values() for atom in size_atoms(value)}
    return found.union(*(size_atoms(t.dims) for t in op.outputs))


def _is_settled(tensor: Tensor, known: set[Atom]) -> bool:
    return tensor.dims is not None and size_atoms(tensor.dims) <= known


def _waits_for_sizes(op: Operation) -> bool:
    operand = op.definition.fields.get("shape_operand")
    return operand is not None and len(op.inputs) > operand and symbolic_value(op.inputs[operand]) is None


def _sizes_behind(tensor: Tensor, late: set[Operation]) -> Iterator[Tensor]:
    """The tensors that are there before the cut and from which this shape operand follows by integer arithmetic."""
    if tensor.op not in late:
        if tensor.op.type != "Const" and tensor.dtype.is_integer:
            yield tensor
    elif is_followed(tensor.op):
        for t in tensor.op.inputs:
            yield from _sizes_behind(t, late)
