"""Conds and loops run from Python, branch by branch and iteration by iteration: for those that no plan can hold.

That is where a branch or body has effects, runs Python, handles strings, or where shapes change between iterations.
"""
from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compiler.control import is_loop, is_repeat
from ..compiler.ir import Graph, Operation
from ..compiler.passes.specialise import needed_operations

if TYPE_CHECKING:
    from .session import Session

# what runs each sub-graph: per session, by graph and the number of its outputs, which gradients add to
_callers: weakref.WeakKeyDictionary[Session, dict[tuple[Graph, int], Caller]] = weakref.WeakKeyDictionary()


class Caller:
    """Runs a sub-graph on the values of its parameters."""

    def __init__(self, session: Session, graph: Graph):
        from .runner import Runner  # which runs control ops through this module
        needed = set(needed_operations(graph.outputs, graph.targets, ()))
        parameters = [(i, t) for i, t in enumerate(graph.inputs) if t.op in needed and t.op.type != "VariableV2"]
        self.used = [(i, t.dtype.np) for i, t in parameters]
        self.runner = Runner(session, graph.outputs, graph.targets, [t for _, t in parameters])

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        return self.runner([_array(values[i], dtype) for i, dtype in self.used])


def caller(session: Session, graph: Graph) -> Caller:
    """The Caller of a sub-graph in a session, made once."""
    callers = _callers.setdefault(session, {})
    key = graph, len(graph.outputs)
    if key not in callers:
        callers[key] = Caller(session, graph)
    return callers[key]


def run(session: Session, op: Operation, inputs: Sequence[Any]) -> list[np.ndarray]:
    """The outputs of a cond or loop of the user's graph. `inputs` are the values of its inputs; of those for the
    handles
    of variables nothing is used: variables are read and assigned in the session's store."""
    return run_control(op, inputs, lambda graph, values: caller(session, graph)(values))


def run_control(op: Operation, inputs: Sequence[Any], call: Callable[[Graph, Sequence[Any]], list[Any]]
                ) -> list[np.ndarray]:
    """The outputs of a cond or loop, where `call(graph, values)` gives the outputs of a sub-graph for its inputs."""
    if is_loop(op):
        results = _loop(op, inputs, call)
    else:
        taken = "then_branch" if np.asarray(inputs[0]).item() else "else_branch"
        results = call(op.attrs[taken], inputs[1:])
    return [_array(value, t.dtype.np) for value, t in zip(results, op.outputs, strict=True)]


def _loop(op: Operation, inputs: Sequence[Any], call: Callable[[Graph, Sequence[Any]], list[Any]]) -> list[Any]:
    limit = int(inputs[0]) if is_repeat(op) else None
    inputs = inputs[len(op.inputs) - len(op.attrs["body"].inputs):]
    n, m = op.attrs["variables"], op.attrs["stacks"]
    variables, captured = list(inputs[:n]), list(inputs[n + m:])
    popped = [stack.item() for stack in inputs[n:n + m]]
    body = op.attrs["body"]
    pushed: list[list[Any]] = [[] for _ in body.outputs[n:]]
    count = 0
    while (count < limit if limit is not None
           else np.asarray(call(op.attrs["condition"], [*variables, *captured])[0]).item()):
        rows = [stack[limit - 1 - count] for stack in popped]  # type: ignore[operator]
        results = call(body, [*variables, *rows, *captured])
        variables = results[:n]
        for stack, value in zip(pushed, results[n:], strict=True):
            stack.append(value)
        count += 1
    return [*variables, np.int32(count), *pushed]


def _array(value: Any, dtype: np.dtype) -> np.ndarray:
    if isinstance(value, list):  # a stack is one object
        array = np.empty((), object)
        array[()] = value
        return array
    return np.asarray(value, dtype)
