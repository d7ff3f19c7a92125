"""Conds and loops: ops whose branches, condition and body are graphs (see subgraph.py).

`If` takes a predicate and what the branches capture. `While` takes its variables and what condition and body capture;
it gives the final variables, the number of iterations, and stacks: for each further output of the body its values, one
an iteration. A `Repeat` is a loop of given length that also takes stacks and hands the body their rows, last first. It
is what the gradient of a loop is, its own gradient included (Werbos 1990, "Backpropagation through time").
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from . import dims as dm
from .dtypes import DType, bool_, int32, variant
from .errors import DTypeError, ShapeError
from .ir import Graph, Operation, Tensor, TensorType, building_graph
from .opdef import CONTROL, HOST, RANDOM, SOURCE, OpDef, writes_variable
from .shapes import Dims
from .subgraph import SubGraph

# an output of the branch not taken, which nothing reads
undefined = OpDef("Undefined", HOST, lambda inputs, attrs: [TensorType(attrs["dtype"], attrs["dims"])],
                  reference=lambda dtype, dims: np.zeros((), dtype.np))


def merged_dims(a: Dims | None, b: Dims | None) -> Dims | None:
    """What is known of a shape that is one of two."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(x if x == y else dm.fresh() for x, y in zip(a, b, strict=True))


def _merged(a: Tensor, b: Tensor) -> TensorType:
    if a.dtype != b.dtype:
        raise DTypeError(f"If: the branches give {a!r} and {b!r}, of different dtypes")
    if a.dims is None or b.dims is None:
        return TensorType(a.dtype, None)
    return TensorType(a.dtype, merged_dims(a.dims, b.dims))


def _if_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    if inputs[0].dtype != bool_ or not inputs[0].shape.is_compatible_with(()):
        raise ShapeError(f"If: the predicate must be a scalar bool, received {inputs[0]!r}")
    branches = attrs["then_branch"].outputs, attrs["else_branch"].outputs
    return [_merged(a, b) for a, b in zip(*branches, strict=True)]


def _while_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    body, n = attrs["body"], attrs["variables"]
    stacks = [TensorType(variant, ())] * (len(body.outputs) - n)
    return [*(TensorType(t.dtype, _after(body, t.dims)) for t in body.inputs[:n]), TensorType(int32, ()), *stacks]


def _after(body: Graph, dims: Dims | None) -> Dims | None:
    """A variable's shape when the loop has ended: in a user's graph each iteration may have other unknown sizes."""
    if dims is None or body.outer is None:
        return dims
    return tuple(d if isinstance(d, int) else dm.fresh() for d in dims)


def _if_grad(op: Operation, *grads: Tensor | None, needed: Sequence[bool]) -> Sequence[Tensor | None]:
    from .control_grad import if_grad  # which builds ops declared here
    return if_grad(op, grads, needed)


def _loop_grad(op: Operation, *grads: Tensor | None, needed: Sequence[bool]) -> Sequence[Tensor | None]:
    from .control_grad import loop_grad
    return loop_grad(op, grads, needed)


# unless it is made to fit into a plan (see passes/specialise_control.py)
_IN_PYTHON = {"in_python": lambda op: not op.attrs.get("native")}
# the stateful ones assign to variables or run Python
_if = OpDef("If", CONTROL, _if_types, _if_grad, stateful=True, fields=_IN_PYTHON)
_stateless_if = OpDef("StatelessIf", CONTROL, _if_types, _if_grad, fields=_IN_PYTHON)
_while = OpDef("While", CONTROL, _while_types, _loop_grad, stateful=True, fields=_IN_PYTHON)
_stateless_while = OpDef("StatelessWhile", CONTROL, _while_types, _loop_grad, fields=_IN_PYTHON)
# inputs: count, variables, stacks, captures
_repeat = OpDef("Repeat", CONTROL, _while_types, _loop_grad, stateful=True, fields=_IN_PYTHON)
_stateless_repeat = OpDef("StatelessRepeat", CONTROL, _while_types, _loop_grad, fields=_IN_PYTHON)


def stateless(definition: OpDef) -> OpDef:
    """The kind of cond or loop that has no effects."""
    return {_if: _stateless_if, _while: _stateless_while, _repeat: _stateless_repeat}.get(definition, definition)


def subgraphs(op: Operation) -> list[Graph]:
    """The graphs that are attributes of a control op."""
    return [v for v in op.attrs.values() if isinstance(v, Graph)] if op.definition.family == CONTROL else []


def has_effects(graph: Graph) -> bool:
    """Whether a graph does more than compute its outputs."""
    return bool(graph.targets) or any(
        op.definition.stateful and op.definition.family not in (SOURCE, RANDOM) for op in graph.operations)


def is_loop(op: Operation) -> bool:
    return "variables" in op.attrs and op.definition.family == CONTROL


def is_repeat(op: Operation) -> bool:
    return op.definition in (_repeat, _stateless_repeat)


def add_if(predicate: Tensor, then_branch: SubGraph, else_branch: SubGraph, name: str) -> Operation:
    """The op that runs one of two finished branches."""
    captured = _share_captures([then_branch, else_branch], [(), ()])
    definition = _if if has_effects(then_branch) or has_effects(else_branch) else _stateless_if
    return _add(definition, [predicate, *captured], name, [then_branch, else_branch],
                then_branch=then_branch, else_branch=else_branch)


def add_while(variables: Sequence[Tensor], condition: SubGraph, body: SubGraph, name: str) -> Operation:
    """The loop `while condition(variables): variables = body(variables)`; the parameters of both graphs come first in
    their inputs."""
    n = len(variables)
    first = [condition.inputs[:n], body.inputs[:n]]
    _read_in_each_iteration([condition, body])
    captured = _share_captures([condition, body], first)
    definition = _while if has_effects(condition) or has_effects(body) else _stateless_while
    return _add(definition, [*variables, *captured], name, [condition, body], condition=condition, body=body,
                variables=n, stacks=0)


def _read_in_each_iteration(graphs: Sequence[SubGraph]) -> None:
    """The values of variables that a loop both takes and changes are read where an iteration begins, not before the
    loop."""
    changed = {name for graph in graphs for name in _changed(graph)}
    for graph in graphs:
        for tensor, parameter in list(graph.captures.items()):
            value, op = _captured(tensor), parameter.op
            if value in graph.values_taken and value.op.inputs[0].op.name in changed:
                del graph.captures[tensor]
                handle = graph.adopt(value.op.inputs[0])
                op.definition, op.inputs, op.attrs = value.op.definition, (handle,), {}
                graph.operations = [handle.op, op, *(o for o in graph.operations if o is not op and o is not handle.op)]


def _changed(graph: Graph) -> Iterable[str]:
    """The names of the variables that a graph writes to."""
    for op in graph.operations:
        if writes_variable(op):
            handle = op.inputs[0]
            while writes_variable(handle.op):
                handle = handle.op.inputs[0]
            yield handle.op.name
        for inner in subgraphs(op):
            yield from _changed(inner)


def _captured(tensor: Tensor) -> Tensor:
    """What a tensor stands for in the outermost graph where it is just handed in."""
    while "outer" in tensor.op.attrs:
        tensor = tensor.op.attrs["outer"]
    return tensor


def add_repeat(forward: Operation, count: Tensor, variables: Sequence[Tensor], stacks: Sequence[Tensor],
               body: SubGraph, parameters: Sequence[Tensor], name: str) -> Operation:
    """As many iterations of `body` as the loop `forward` made (`count`), each on the variables and the next row, from
    the last, of each stack. `parameters` are those of variables and rows."""
    captured = _share_captures([body], [parameters])
    definition = _repeat if has_effects(body) else _stateless_repeat
    return _add(definition, [count, *variables, *stacks, *captured], name, [body], body=body,
                variables=len(variables), stacks=len(stacks), forward=forward)


def _add(definition: OpDef, inputs: Sequence[Tensor], name: str, graphs: Iterable[SubGraph], **attrs: Any) -> Operation:
    graph = building_graph(*inputs)
    control = dict.fromkeys([*graph._control_stack, *(op for g in graphs for op in g.waits)])
    return graph.add(definition, inputs, attrs, name, control_inputs=list(control))


def _share_captures(graphs: Sequence[SubGraph], first: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Give the graphs the same captures, in the same order, after their own parameters; the captured tensors."""
    captured = list(dict.fromkeys(t for g in graphs for t in g.captures))
    for graph, own in zip(graphs, first, strict=True):
        graph.set_inputs(own, captured)
    return captured


def add_output(op: Operation, dtype: DType, dims: Dims | None) -> Tensor:
    """One more output of an operation that stands already, whose graphs have been given it."""
    tensor = Tensor(op, len(op.outputs), dtype, dims)
    op.outputs = (*op.outputs, tensor)
    op.graph.version += 1
    return tensor


def body_inputs(op: Operation) -> tuple[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]]:
    """The inputs of a loop: initial variables, stacks, captures."""
    inputs = op.inputs[1:] if is_repeat(op) else op.inputs
    n, m = op.attrs["variables"], op.attrs["stacks"]
    return inputs[:n], inputs[n:n + m], inputs[n + m:]


