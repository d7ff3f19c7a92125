"""Runs a graph op by op through the NumPy references: the oracle of tests, and the way to look at every value."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..compiler import dims as dm
from ..compiler.dims import Atom, Dim
from ..compiler.errors import OpError, UnimplementedError
from ..compiler.ir import Graph, Operation, Tensor
from ..compiler.opdef import CONTROL, HOST, RANDOM
from ..compiler.passes.specialise import needed_operations
from .control import run_control


def bind_sizes(tensor: Tensor, value: np.ndarray, sizes: dict[Atom, int]) -> None:
    """Learn the unknown sizes in a tensor's static shape from a value of it."""
    if tensor.dims is not None:
        for dim, size in zip(tensor.dims, value.shape, strict=True):
            atom = dm.symbol(dim)
            if atom is not None:
                sizes[atom] = size


def concrete(value: Any, sizes: Mapping[Atom, int]) -> Any:
    """An attribute with its unknown sizes replaced by the fed ones."""
    if isinstance(value, Dim):
        return dm.evaluate(value, sizes)
    if isinstance(value, tuple) and any(isinstance(v, (Dim, tuple)) for v in value):
        return tuple(concrete(v, sizes) for v in value)
    return value


def evaluate(op: Operation, inputs: list[np.ndarray], sizes: Mapping[Atom, int], stream: int = 0,
             session: Any = None) -> list[np.ndarray]:
    """The outputs of one op through its reference. `session` is for ops that keep something in its `resources`."""
    reference = op.definition.reference
    if reference is None:
        raise UnimplementedError(f"{op.type} has no reference", op)
    attrs = {k: concrete(v, sizes) for k, v in op.attrs.items()}
    operand = op.definition.fields.get("shape_operand")
    if operand == len(inputs):  # the pass that resolves shapes has taken it away
        inputs = [*inputs, np.array(concrete(op.output.dims, sizes), np.int64)]
    if op.definition.family == RANDOM:
        attrs["stream"] = stream
    if "resource" in op.definition.fields:
        attrs["session"] = session
    host = op.definition.family == HOST  # it may call the user's Python, whose warnings are the user's
    try:
        with contextlib.nullcontext() if host else np.errstate(all="ignore"):  # infinity and NaN are values
            result = reference(*inputs, **attrs)
    except OpError as error:
        if error.op is None:  # the reference does not know the op
            error.op, error.message = op, f"{error} (op {op.name!r} of type {op.type}, made at {op.site})"
            error.args = (error.message,)
        raise
    results = result if isinstance(result, tuple) else (result,)
    return [np.asarray(r, t.dtype.np) for r, t in zip(results, op.outputs, strict=True)]


def interpret(graph: Graph, feeds: Mapping[Tensor, np.ndarray], variables: dict[str, np.ndarray] | None = None,
              watch: Callable[[Operation, list[np.ndarray]], None] | None = None) -> list[np.ndarray]:
    """The values of `graph.outputs`. `variables` (by name) are read and assigned in place of a session's."""
    sizes: dict[Atom, int] = {}
    values: dict[Tensor, np.ndarray] = {}
    store = variables if variables is not None else {}
    for tensor, value in feeds.items():
        values[tensor] = np.asarray(value, tensor.dtype.np)
        bind_sizes(tensor, values[tensor], sizes)
    for op in needed_operations(graph.outputs, graph.targets, values) if graph.outer is not None else graph.operations:
        if all(t in values for t in op.outputs) and op.outputs:
            continue
        if op.type == "VariableV2" or op.type == "NoOp":
            continue
        if op.type == "ReadVariableOp":
            results = [store[op.inputs[0].op.name].copy()]
        elif op.type == "Assign":
            store[op.inputs[0].op.name] = values[op.inputs[1]].copy()
            results = [values[op.inputs[1]]]
        elif "update" in op.definition.fields:
            name = op.inputs[0].op.name
            update = op.definition.fields["update"].op.reference
            store[name] = np.asarray(update(store[name], values[op.inputs[1]]), store[name].dtype)
            results = [store[name].copy()]
        elif "rows" in op.definition.fields:
            name = op.inputs[0].op.name
            store[name], = evaluate(op, [store[name], *(values[t] for t in op.inputs[1:])], sizes)
            results = [store[name].copy()]
        elif op.definition.family == CONTROL:
            results = run_control(op, [values.get(t) for t in op.inputs], _calls(variables))
        else:
            results = evaluate(op, [values[t] for t in op.inputs], sizes)
        for tensor, value in zip(op.outputs, results, strict=True):
            values.setdefault(tensor, value)
            bind_sizes(tensor, value, sizes)
        if watch is not None:
            watch(op, results)
    return [values[t] for t in graph.outputs]


def values_of(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """The values of a graph's tensors that need neither feeds nor variables, as in a first run of theirs."""
    part = Graph()
    part.operations, part.outputs = needed_operations(tensors, (), ()), tuple(tensors)
    return interpret(part, {})


def _calls(variables: dict[str, np.ndarray] | None) -> Callable[[Graph, Sequence[Any]], list[Any]]:
    """What interprets a branch or a loop's body on the values of its parameters."""
    def call(graph: Graph, arguments: Sequence[Any]) -> list[Any]:
        feeds = {t: v for t, v in zip(graph.inputs, arguments, strict=True) if t.op.type != "VariableV2"}
        return list(interpret(graph, feeds, variables))

    return call
