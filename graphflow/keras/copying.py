"""Parts of a graph made again, for other tensors in place of some."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..compiler import dims as dm
from ..compiler.dims import Dim
from ..compiler.ir import Graph, Operation, Tensor, TensorType
from ..compiler.passes.specialise import needed_operations
from ..compiler.subgraph import SubGraph

Sizes = dict[Any, Any]  # {symbol of a size: what it is now}


def repeated(operation: Operation, inputs: list[Tensor], sizes: Sizes) -> Operation:
    """The same operation on other inputs, in the same graph. Conds and loops get graphs of their own, since a gradient
    adds to these; `sizes` learn what those of the outputs are."""
    attrs = _attributes(operation, inputs, operation.graph, sizes)
    new = operation.graph.add(operation.definition, inputs, attrs, operation.name.rpartition("/")[2])
    match_sizes(sizes, operation.outputs, new.outputs)
    for old, output in zip(operation.outputs, new.outputs, strict=True):
        if old.dims is not None and all(atom in sizes for d in old.dims if isinstance(d, Dim) for atom in dm.atoms(d)):
            output.dims = _resized(old.dims, sizes)  # which may state more than the operation can tell
    return new


def _attributes(operation: Operation, inputs: list[Tensor], outer: Graph, sizes: Sizes) -> dict[str, Any]:
    """The attributes of an operation for a copy of it on other inputs, in the graph `outer`."""
    values = dict(zip(operation.inputs, inputs, strict=True))
    forward = next((new.op for t, new in values.items() if t.op is operation.attrs.get("forward")), None)
    attrs = {k: _sub_graph(v, values, outer, sizes) if isinstance(v, SubGraph) else _resized(v, sizes)
             for k, v in operation.attrs.items()}
    if forward is not None:  # this is a loop's gradient
        attrs["forward"], attrs["body"].forward = forward, forward.attrs["body"]
    return attrs


def _sub_graph(graph: SubGraph, values: Mapping[Tensor, Tensor], outer: Graph, sizes: Sizes) -> SubGraph:
    """A copy of a cond's or loop's graph, inside `outer`, that captures the new `values`."""
    new = SubGraph(outer, graph.forward, graph.recall)
    own: dict[Tensor, Tensor] = {}
    operations: dict[Operation, Operation] = {}
    for operation in graph.operations:
        inputs = [own[t] for t in operation.inputs]
        copy = new.append(operation, inputs, [operations[c] for c in operation.control_inputs],
                          [TensorType(t.dtype, _resized(t.dims, sizes)) for t in operation.outputs])
        copy.attrs = _attributes(operation, inputs, new, sizes)
        copy.gradient_type = operation.gradient_type
        if "outer" in copy.attrs:
            captured = copy.attrs["outer"] = values[copy.attrs["outer"]]
            new.captures[captured] = copy.output
        operations[operation] = copy
        own.update(zip(operation.outputs, copy.outputs, strict=True))
    new.inputs, new.outputs = tuple(own[t] for t in graph.inputs), tuple(own[t] for t in graph.outputs)
    new.targets = tuple(operations[target] for target in graph.targets)
    return new


def copied(tensors: Sequence[Tensor], values: Mapping[Tensor, Tensor], sizes: Sizes,
           done: dict[Operation, Operation]) -> list[Tensor]:
    """The tensors, or copies where they depend on those that have other `values`, or on sizes that are others now.
    `done` keeps what has been copied."""
    operations = needed_operations([t for t in tensors if t.op not in done], (), values, done)
    for op in operations:
        if op.type == "Placeholder":  # what is fed keeps its sizes
            for dim in op.output.dims or ():
                sizes.setdefault(dm.symbol(dim), dim)
    for op in operations:
        inputs = [values[t] if t in values else done[t.op].outputs[t.index] for t in op.inputs]
        same = all(a is b for a, b in zip(inputs, op.inputs, strict=True))
        done[op] = op if same and all(_resized(v, sizes) is v for v in op.attrs.values()) else repeated(
            op, inputs, sizes)
    return [values[t] if t in values else done[t.op].outputs[t.index] for t in tensors]


def _resized(value: Any, sizes: Sizes) -> Any:
    if isinstance(value, Dim):
        new = dm.substitute(value, sizes)
        return value if new == value else new
    if isinstance(value, tuple) and any(isinstance(v, (Dim, tuple)) for v in value):
        items = tuple(_resized(v, sizes) for v in value)
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    return value


def match_sizes(sizes: dict[Any, Any], old: Iterable[Tensor], new: Iterable[Tensor]) -> None:
    """Note what the symbols in the shapes of `old` are in the shapes of `new`."""
    for before, after in zip(old, new, strict=True):
        if before.dims is None or after is None or after.dims is None or len(before.dims) != len(after.dims):
            continue
        for a, b in zip(before.dims, after.dims, strict=True):
            atom = dm.symbol(a)
            if atom is not None and atom not in sizes and a != b:
                sizes[atom] = b


def follows(tensors: Iterable[Tensor], origins: Iterable[Tensor]) -> bool:
    """Whether any of the tensors is, or is made from, one of `origins`."""
    wanted, waiting = set(origins), list(tensors)
    seen = set(waiting)
    while waiting:
        current = waiting.pop()
        if current in wanted:
            return True
        new = set(current.op.inputs) - seen
        seen |= new
        waiting += new
    return False
