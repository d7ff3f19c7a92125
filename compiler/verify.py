"""What every graph must satisfy, checked after each pass when tests run."""
from __future__ import annotations

from .dims import Dim
from .errors import DTypeError, InternalError, ShapeError
from .ir import Graph, Operation, Tensor, TensorType
from .shapes import Dims


def verify(graph: Graph) -> None:
    """Raises InternalError, naming the op, unless the graph is well formed.

    Operations stand in an order in which they can run, under unique names; their inputs belong to the graph; the types
    of their outputs agree with what the op's shape rule infers; inputs, outputs and targets are members.
    """
    seen: set[Operation] = set()
    names: set[str] = set()
    for op in graph.operations:
        if op.graph is not graph:
            raise InternalError(f"{_show(op)} belongs to another graph", op)
        if op.name in names:
            raise InternalError(f"two operations have the name {op.name!r}", op)
        for tensor in op.inputs:
            _check_member(graph, tensor, seen, f"input {tensor.name!r} of {_show(op)}", op)
        for control in op.control_inputs:
            if control not in seen:
                raise InternalError(f"{_show(op)} runs before its control input {control.name!r}, or without it", op)
        _check_types(op)
        seen.add(op)
        names.add(op.name)
    for tensor in (*graph.inputs, *graph.outputs):
        _check_member(graph, tensor, seen, f"input or output {tensor.name!r} of the graph", tensor.op)
    for target in graph.targets:
        if target not in seen:
            raise InternalError(f"the target {_show(target)} is not in the graph", target)


def _show(op: Operation) -> str:
    return f"{op.name!r} ({op.type})"


def _check_member(graph: Graph, tensor: Tensor, seen: set[Operation], what: str, op: Operation) -> None:
    if tensor.op.graph is not graph:
        raise InternalError(f"{what} belongs to another graph", op)
    if tensor.op not in seen:
        raise InternalError(f"{what} is used before it is computed, or is not in the graph", op)
    if not any(tensor is t for t in tensor.op.outputs):
        raise InternalError(f"{what} is not an output of its operation", op)


def _check_types(op: Operation) -> None:
    operand = op.definition.fields.get("shape_operand")
    if operand is not None and len(op.inputs) <= operand:
        return  # the pass that resolves shapes has taken the operand away, and its say in the type
    try:
        inferred = op.definition.infer(op.inputs, op.attrs)
    except (ShapeError, DTypeError) as error:
        raise InternalError(f"{_show(op)} does not take its inputs: {error.message}", op) from error
    if len(inferred) != len(op.outputs):
        raise InternalError(f"{_show(op)} has {len(op.outputs)} outputs, its rule infers {len(inferred)}", op)
    for tensor, expected in zip(op.outputs, inferred, strict=True):
        loose = op.definition.fields.get("feedable", False)
        if tensor.dtype != expected[0] or not (loose or _agree(tensor.dims, expected[1])):
            raise InternalError(f"{tensor.name!r} ({op.type}) has type {tensor.type}, its rule infers "
                                f"{TensorType(*expected)}", op)


def _agree(stated: Dims | None, inferred: Dims | None) -> bool:
    """Equal where both are known; the stated shape may say more (`set_shape`), and unknown sizes may be called other
    names."""
    if stated is None or inferred is None:
        return inferred is None
    return len(stated) == len(inferred) and all(
        isinstance(b, Dim) if not isinstance(a, int) or a != b else True for a, b in zip(stated, inferred, strict=True))
