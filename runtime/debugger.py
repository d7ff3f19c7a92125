"""Runs op by op through the references, so that every value can be looked at: checks for NaN and infinity, and
breakpoints."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compiler.control import is_loop, subgraphs
from ..compiler.dims import Atom
from ..compiler.dtypes import variant
from ..compiler.errors import InvalidArgumentError, OpError, ShapeError
from ..compiler.ir import Graph, Operation, Tensor
from ..compiler.opdef import CONTROL, RANDOM, writes_variable
from ..compiler.passes.rewrite import sorted_operations
from ..compiler.passes.specialise import check_fed, needed_operations
from ..compiler.shapes import format_dims
from . import interpreter
from .control import run_control
from .debug_report import Level, NumericsError, report
from .flow import all_operations
from .pieces import fetched, run_in_python
from .plan import uninitialized
from .values import wrong_in

if TYPE_CHECKING:
    from .runner import Runner

Look = Callable[[Operation, list[np.ndarray], list[np.ndarray]], Any]  # given an op, its inputs and its outputs

# what gives values from elsewhere: an infinity there was meant
_SOURCES = ("Placeholder", "Const", "ReadVariableOp", "Argument")


def pause(op: Operation, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
    """Enter Python's debugger beside the op's values; `c` goes on with the run."""
    breakpoint()


@dataclass(eq=False)
class Breakpoint:
    """Where a run stops: at an op (None: at each) whose values fulfil the condition."""

    debugger: Debugger
    op: Operation | None
    condition: Look | None
    action: Look

    def remove(self) -> None:
        """Stop here no more."""
        if self in self.debugger.breakpoints:
            self.debugger.breakpoints.remove(self)
            self.debugger.changed()


@dataclass(eq=False)
class Debugger:
    """What to look at in a session's runs: the kinds of `wrong` values ("NaN", "Inf") that stop a run, breakpoints.
    `changed` is called where that becomes less."""

    changed: Callable[[], None]
    wrong: frozenset[str] = frozenset()
    breakpoints: list[Breakpoint] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.wrong or self.breakpoints)

    def look(self, level: Level, op: Operation, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
        """Stop at what is to be stopped at. Raises NumericsError."""
        for stop in list(self.breakpoints):
            if stop.op in (None, op) and (stop.condition is None or stop.condition(op, inputs, outputs)):
                stop.action(op, inputs, outputs)
        if self.wrong and op.definition.family != CONTROL:  # what is in a branch or loop has been looked at
            for tensor, value in zip(op.outputs, outputs, strict=True):
                self.check(level, tensor, value, inputs)

    def check(self, level: Level, tensor: Tensor, value: np.ndarray, inputs: Sequence[np.ndarray]) -> None:
        """Raises NumericsError for a NaN or infinity, but for an infinity that was written or fed, or follows one."""
        found = wrong_in(value) & self.wrong
        if found == {"Inf"} and (tensor.op.type in _SOURCES or any("Inf" in wrong_in(x) for x in inputs)):
            return
        if found:
            raise NumericsError(report(level, tensor, value, found), tensor, value)


class DebugRun:
    """What a Runner does in the place of running a plan."""

    def __init__(self, runner: Runner, debugger: Debugger):
        self.session, self.debugger = runner.session, debugger
        self.feeds, self.outputs = runner.feeds, runner.outputs
        needed = needed_operations(runner.outputs, runner.targets, set(runner.feeds), runner.done)
        check_fed(needed, runner.feeds)
        self._schedules: dict[Any, list[Operation]] = {}
        self._operations = scheduled(needed)
        self._random = list(_random_operations(needed))

    def run(self, values: Sequence[Any], sizes: Mapping[Atom, int]) -> list[Any]:
        """The values of the outputs. Raises NumericsError, and what the ops raise."""
        fed = {t: v if t.dtype.is_string else np.asarray(v, t.dtype.np)
               for t, v in zip(self.feeds, values, strict=True)}
        counters = self.session.counters
        missing = [op.inputs[0].op for op in itertools.takewhile(_reads, self._operations)
                   if self.session.store.get(op.inputs[0].op) is None]
        if missing:
            raise uninitialized(missing)
        level = Level(streams={
            op: itertools.count(next(counters.setdefault(op.name, itertools.count())) << (32 if inside else 0))
            for op, inside in self._random})
        for tensor, value in fed.items():
            level.learn(tensor, value)
            self.debugger.check(level, tensor, value, [value])
        with np.errstate(all="ignore"):
            self._run_level(level, self._operations)
        return [level.values[t] if t.dtype == variant else fetched(level.values[t], True) for t in self.outputs]

    def _run_level(self, level: Level, operations: Sequence[Operation]) -> None:
        for op in operations:
            if op.type == "VariableV2" or op.outputs and all(t in level.values for t in op.outputs):
                continue
            inputs = [level.values.get(t, _NONE) for t in op.inputs]
            outputs = [np.asarray(v) for v in self._evaluate(level, op, inputs)] if op.type != "NoOp" else []
            for tensor, value in zip(op.outputs, outputs, strict=True):
                level.learn(tensor, value)
            self.debugger.look(level, op, inputs, outputs)

    def _evaluate(self, level: Level, op: Operation, inputs: list[np.ndarray]) -> Sequence[Any]:
        if op.definition.family == CONTROL:
            return run_control(op, inputs, self._calls(level, op))
        exact = settled(op, inputs, level.sizes)
        try:
            if op.definition.family == RANDOM:
                return interpreter.evaluate(exact, inputs, level.sizes, stream=next(level.streams[op]))
            return run_in_python(self.session, exact, inputs, level.sizes)
        except Exception as error:
            if not isinstance(error, OpError):
                error.add_note(f"in the op {op.name!r} of type {op.type}, made at {op.site}")
            raise

    def _calls(self, level: Level, op: Operation) -> Callable[[Graph, Sequence[Any]], list[Any]]:
        """What runs a branch or a loop's body on the values of its parameters."""
        counts: dict[Graph, int] = {}

        def call(graph: Graph, arguments: Sequence[Any]) -> list[Any]:
            counts[graph] = counts.get(graph, 0) + 1
            inner = Level(level, op, graph, counts[graph] if is_loop(op) else 0, sizes=dict(level.sizes),
                          streams=level.streams)
            for tensor, value in zip(graph.inputs, arguments, strict=True):
                if tensor.op.type != "VariableV2":
                    inner.learn(tensor, value)
            key = graph, len(graph.outputs)
            if key not in self._schedules:
                self._schedules[key] = scheduled(needed_operations(graph.outputs, graph.targets, ()))
            self._run_level(inner, self._schedules[key])
            return [inner.values[t] for t in graph.outputs]

        return call


_NONE = np.empty(0)  # in the place of a variable's handle


def scheduled(operations: Sequence[Operation]) -> list[Operation]:
    """The operations in an order in which they can run: reads of variables that come after no assignment first, since
    they see the values from before the run."""
    ordered = sorted_operations(operations)
    after: dict[Operation, set[Operation]] = {}  # the variables assigned before each op
    for op in ordered:
        before = (*(t.op for t in op.inputs), *op.control_inputs)
        after[op] = set().union(*(after.get(p, ()) for p in before))
        if writes_variable(op):
            after[op].add(op.inputs[0].op)
    first = [op for op in ordered if _reads(op) and op.inputs[0].op not in after[op]]
    return [*first, *(op for op in ordered if op not in set(first))]


def _reads(op: Operation) -> bool:
    return op.type == "ReadVariableOp"


def _random_operations(operations: Iterable[Operation], inside: bool = False) -> Iterator[tuple[Operation, bool]]:
    """The random ops, and whether they are in a branch or loop, where they may run several times."""
    for op in operations:
        if op.definition.family == RANDOM:
            yield op, inside
        for graph in subgraphs(op):
            yield from _random_operations(all_operations(graph), True)


def settled(op: Operation, inputs: Sequence[np.ndarray], sizes: Mapping[Atom, int]) -> Operation:
    """The op as it is for inputs of these very shapes and values. Raises InvalidArgumentError where they do not fit."""
    handles = [t.op.type == "VariableV2" for t in op.inputs]
    if all(h or t.dims == v.shape for h, t, v in zip(handles, op.inputs, inputs, strict=True)):
        return op
    exact = [t if h else _stand_in(t, v) for h, t, v in zip(handles, op.inputs, inputs, strict=True)]
    attrs = {k: interpreter.concrete(v, sizes) for k, v in op.attrs.items()}
    try:
        types = op.definition.infer(exact, attrs)
    except ShapeError as error:
        shapes = ", ".join(f"{t.name} {format_dims(t.dims)}" for t in exact)
        raise InvalidArgumentError(f"{error.message} (with the shapes {shapes}; op {op.name!r}, {op.site})",
                                   op) from None
    return Operation(op.graph, op.definition, exact, attrs, op.name, types, (), op.site)


def _stand_in(tensor: Tensor, value: np.ndarray) -> Tensor:
    known = Tensor(tensor.op, tensor.index, tensor.dtype, value.shape)
    known.eager_value = value
    return known
