"""The one way passes change a graph: rebuild it, with a rule that may replace an op by other tensors."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..dims import Dim
from ..dtypes import variant
from ..errors import InternalError, InvalidArgumentError
from ..ir import Graph, Operation, Tensor, TensorType
from ..opdef import ALIAS, writes_variable
from ..ops.view import _reshape
from ..shapes import Dims

# given an op and its inputs in the new graph: the tensors that replace its outputs, or None to copy it
Rule = Callable[[Operation, list[Tensor]], "Sequence[Tensor] | None"]


def transform(graph: Graph, rule: Rule, keep: Callable[[Operation], bool] = lambda op: True) -> Graph:
    """A new graph in which each kept op is a copy or what `rule` made of it, under the op's name and creation site.

    Raises InternalError when a replacement has another type than what it replaces.
    """
    new = Graph()
    tensors: dict[Tensor, Tensor] = {}
    operations: dict[Operation, tuple[Operation, ...]] = {}
    with new.as_default():
        for op in graph.operations:
            if not keep(op):
                continue
            inputs = [tensors[t] for t in op.inputs]
            control = control_of(op, operations)
            new._scope, new._site = op.name, op.site
            # what replaces an effect waits for what the effect waits for
            new._control_stack = list(control) if op.definition.stateful else []
            replacement = rule(op, inputs)
            if replacement is None:
                copy = new.append(op, inputs, control)
                replacement, operations[op] = copy.outputs, (copy,)
            else:
                check_types(op, replacement)
                operations[op] = tuple(dict.fromkeys(t.op for t in replacement)) + control
            tensors.update(zip(op.outputs, replacement, strict=True))
    new._scope, new._site, new._control_stack = "", None, []
    new.inputs = tuple(tensors[t] for t in graph.inputs)
    new.outputs = tuple(tensors[t] for t in graph.outputs)
    new.targets = tuple(dict.fromkeys(o for op in graph.targets for o in operations[op]))
    return new


def control_of(op: Operation, operations: dict[Operation, tuple[Operation, ...]]) -> tuple[Operation, ...]:
    """The control inputs of `op` in the new graph; those whose op is gone had no effect."""
    return tuple(dict.fromkeys(o for c in op.control_inputs for o in operations.get(c, ())))


def check_types(op: Operation, replacement: Sequence[Tensor]) -> None:
    for old, new in zip(op.outputs, replacement, strict=True):
        if old.dtype != variant and (old.dtype != new.dtype or old.dims != new.dims):  # stacks may become arrays
            raise InternalError(f"a rewrite of {op.name!r} ({op.type}) turned {old.type} into {new.type}", op)


def reachable(graph: Graph) -> set[Operation]:
    """Operations that the outputs and targets need."""
    needed: set[Operation] = set()
    stack: list[Operation] = [t.op for t in (*graph.outputs, *graph.inputs)] + list(graph.targets)
    while stack:
        op = stack.pop()
        if op not in needed:
            needed.add(op)
            stack += [t.op for t in op.inputs]
            stack += op.control_inputs
    return needed


def consumers(graph: Graph) -> dict[Tensor, list[Operation]]:
    """For each tensor the operations that take it."""
    uses: dict[Tensor, list[Operation]] = {}
    for op in graph.operations:
        for t in op.inputs:
            uses.setdefault(t, []).append(op)
    return uses


def sorted_operations(operations: Iterable[Operation]) -> list[Operation]:
    """The operations in an order that respects inputs and control inputs, else as given.

    Raises InvalidArgumentError for a cycle, which control inputs added later can make.
    """
    members = list(operations)
    inside = set(members)
    state: dict[Operation, int] = {}
    order: list[Operation] = []
    for root in members:
        stack = [root]
        while stack:
            op = stack[-1]
            if state.get(op) == 2:
                stack.pop()
                continue
            waiting = [p for p in (*(t.op for t in op.inputs), *op.control_inputs)
                       if p in inside and state.get(p) != 2]
            if not waiting:
                state[op] = 2
                order.append(op)
                stack.pop()
            elif state.get(op) == 1:
                cycle = [o.name for o in stack[stack.index(op):-1] if state.get(o) == 1]
                raise InvalidArgumentError(f"Graph is invalid, contains a cycle with {len(cycle)} nodes, including: "
                                           f"{', '.join(cycle)}", op)
            else:
                state[op] = 1
                stack += reversed(waiting)
    return order


def is_known(tensor: Tensor) -> bool:
    return tensor.dims is not None and not any(isinstance(d, Dim) for d in tensor.dims)


def copied(graph: Graph, op: Operation, inputs: Sequence[Tensor]) -> Operation:
    """The op on inputs of another graph, under a name of its own there."""
    name, types = op.name.rpartition("/")[2], [t.type for t in op.outputs]
    return graph.add(op.definition, inputs, op.attrs, name, types, (), op.site)


def reshaped(x: Tensor, dims: Dims | None) -> Tensor:
    """The same elements in a shape that no operand has to say."""
    if x.dims == dims:
        return x
    return x.op.graph.add(_reshape, (x,), {}, "Reshape", types=[TensorType(x.dtype, dims)]).output


def root(t: Tensor) -> Tensor:
    """The tensor that has the elements."""
    while t.op.definition.family == ALIAS and t.op.inputs:
        t = t.op.inputs[0]
    return t


def variable_of(tensor: Tensor) -> Tensor | None:
    """The handle of the variable whose storage the tensor is."""
    tensor = root(tensor)
    return tensor.op.inputs[0] if tensor.op.type == "ReadVariableOp" or writes_variable(tensor.op) else None
