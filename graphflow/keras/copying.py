"""Parts of a graph made again, for other tensors in place of some."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..compiler import dims as dm
from ..compiler.dims import Dim
from ..compiler.ir import Operation, Tensor

Sizes = Mapping[Any, Any]  # {symbol of a size: what it is now}


def repeated(operation: Operation, inputs: list[Tensor], sizes: Sizes) -> Operation:
    """The same operation on other inputs, in the same graph."""
    attrs = {k: _resized(v, sizes) for k, v in operation.attrs.items()}
    return operation.graph.add(operation.definition, inputs, attrs, operation.name.rpartition("/")[2])


def copied(tensor: Tensor, values: Mapping[Tensor, Tensor], sizes: Sizes, done: dict[Operation, Operation]) -> Tensor:
    """`tensor`, or a copy where it depends on those that have other `values`, or on sizes that are others now."""
    stack = [] if tensor in values else [tensor.op]
    while stack:
        operation = stack[-1]
        waiting = [t.op for t in operation.inputs if t not in values and t.op not in done]
        if waiting and operation not in done:
            stack += waiting
            continue
        stack.pop()
        if operation in done:
            continue
        inputs = [values[t] if t in values else done[t.op].outputs[t.index] for t in operation.inputs]
        same = all(a is b for a, b in zip(inputs, operation.inputs, strict=True))
        attrs = operation.attrs.values()
        done[operation] = operation if same and all(_resized(v, sizes) is v for v in attrs) else repeated(
            operation, inputs, sizes)
    return values[tensor] if tensor in values else done[tensor.op].outputs[tensor.index]


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
