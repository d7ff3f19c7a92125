"""`tf.profiler`: how many parameters and floating-point operations a graph has, and what it took to run, by scope."""
from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

from .compiler.ir import Graph, Operation, default_graph
from .framework import GraphKeys

__all__ = ["AdviceProto", "GraphNodeProto", "MultiGraphNodeProto", "OpLogProto", "ProfileOptionBuilder", "Profiler",
           "advise", "profile", "write_op_log"]

TRAINABLE_VARIABLES = "_trainable_variables"


AMOUNTS = ("parameters", "float_ops", "exec_micros", "requested_bytes")


class GraphNodeProto:
    """What was found below a name; `children` are the scopes and operations in it. `exec_micros` and `requested_bytes`
    are of a run that was recorded; the names with `total_` are sums over the children."""

    parameters: int
    float_ops: int
    exec_micros: int
    requested_bytes: int
    total_parameters: int
    total_float_ops: int
    total_exec_micros: int
    total_requested_bytes: int

    def __init__(self, name: str):
        self.name = name
        for amount in AMOUNTS:
            setattr(self, amount, 0)
            setattr(self, f"total_{amount}", 0)
        self.children: list[GraphNodeProto] = []

    @property
    def cpu_exec_micros(self) -> int:
        """All time is the CPU's."""
        return self.exec_micros

    @property
    def total_cpu_exec_micros(self) -> int:
        return self.total_exec_micros

    def _add(self, parts: list[str], path: str, **amounts: int) -> None:
        for amount, value in amounts.items():
            for name in (f"total_{amount}", *([amount] if not parts else ())):
                setattr(self, name, getattr(self, name) + value)
        if not parts:
            return
        name = f"{path}/{parts[0]}" if path else parts[0]
        child = next((c for c in self.children if c.name == name), None)
        if child is None:
            child = type(self)(name)
            self.children.append(child)
        child._add(parts[1:], name, **amounts)

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree as text, the largest first."""
        run = ""
        if self.total_exec_micros:
            run = f", {self.total_exec_micros:,} us, {self.total_requested_bytes:,} bytes"
        yield (f"{'  ' * depth}{self.name} ({self.total_parameters:,} params, {self.total_float_ops:,} flops{run})")
        for child in sorted(self.children, key=lambda c: (
                -c.total_exec_micros, -c.total_parameters, -c.total_float_ops)):
            yield from child.lines(depth + 1)


class MultiGraphNodeProto(GraphNodeProto):
    """The same, by kind of operation."""


class AdviceProto:
    """Advice: none, the compiler takes its own."""

    def __init__(self) -> None:
        self.checkers: dict[str, Any] = {}


class OpLogProto:
    """Further facts about operations; accepted."""

    def __init__(self) -> None:
        self.log_entries: list[Any] = []


class ProfileOptionBuilder:
    """Builds the options of `profile`. The ready-made ones are class methods that return them."""

    def __init__(self, options: dict[str, Any] | None = None):
        self._options: dict[str, Any] = copy.deepcopy(options) if options else {"output": "stdout"}

    @staticmethod
    def trainable_variables_parameter() -> dict[str, Any]:
        """Count the parameters of trainable variables."""
        return {"account_type_regexes": [TRAINABLE_VARIABLES], "select": ["params"], "output": "stdout"}

    @staticmethod
    def float_operation() -> dict[str, Any]:
        """Count floating-point operations."""
        return {"account_type_regexes": [".*"], "select": ["float_ops"], "output": "stdout"}

    @staticmethod
    def time_and_memory(*args: Any, **kwargs: Any) -> dict[str, Any]:
        """Show the time and memory of a run that was recorded."""
        return {"account_type_regexes": [".*"], "select": ["micros", "bytes"], "output": "stdout"}

    def build(self) -> dict[str, Any]:
        return copy.deepcopy(self._options)

    def _set(self, name: str, value: Any) -> ProfileOptionBuilder:
        self._options[name] = value
        return self

    def with_empty_output(self) -> ProfileOptionBuilder:
        return self._set("output", "none")

    def with_stdout_output(self) -> ProfileOptionBuilder:
        return self._set("output", "stdout")

    def with_file_output(self, outfile: str) -> ProfileOptionBuilder:
        return self._set("output", f"file:outfile={outfile}")

    def select(self, attributes: Any) -> ProfileOptionBuilder:
        return self._set("select", list(attributes))

    def order_by(self, attribute: str) -> ProfileOptionBuilder:
        return self._set("order_by", attribute)

    def with_accounted_types(self, account_type_regexes: Any) -> ProfileOptionBuilder:
        return self._set("account_type_regexes", list(account_type_regexes))

    def __getattr__(self, name: str) -> Callable[..., ProfileOptionBuilder]:
        if not name.startswith("with_"):
            raise AttributeError(name)
        return lambda *values, **named: self._set(name.removeprefix("with_"), values)


def _elements(dims: Any) -> int:
    """The number of elements; unknown sizes count as 1."""
    return math.prod(d if isinstance(d, int) else 1 for d in dims or ())


def _float_ops(op: Operation) -> int:
    """Two for each multiplication with addition, one for each element of what is computed by elements."""
    if not op.outputs or not op.outputs[0].dtype.is_floating:
        return 0
    made = _elements(op.outputs[0].dims)
    if op.type in ("MatMul", "BatchMatMulV2"):
        a = op.inputs[0].dims or ()
        inner = a[-2 if op.attrs["transpose_a"] else -1] if a else 1
        return 2 * made * (inner if isinstance(inner, int) else 1)
    if op.type in ("Conv2D", "Conv3D", "DepthwiseConv2dNative"):
        w = op.inputs[1].dims or ()
        return 2 * made * _elements(w[:-1] if op.type != "DepthwiseConv2dNative" else w[:2])
    if op.definition.family == "elementwise":
        return made
    return _elements(op.inputs[0].dims) if op.definition.family == "reduction" and op.inputs else 0


def profile(graph: Graph | None = None, run_meta: Any = None, op_log: Any = None, cmd: str = "scope",
            options: Any = 0) -> GraphNodeProto:
    """The parameters and floating-point operations of a graph, with times and bytes of the run that `run_meta`
    (RunMetadata) recorded, printed as the options say. Unknown sizes count as 1; the operations that became one kernel
    count as the one whose result it computes."""
    of = graph if graph is not None else default_graph()
    given = options or ProfileOptionBuilder.trainable_variables_parameter()
    by_scope = cmd in ("scope", "graph")
    root = (GraphNodeProto if by_scope else MultiGraphNodeProto)("_TFProfRoot")
    only_trained = given.get("account_type_regexes") == [TRAINABLE_VARIABLES]
    kind = GraphKeys.TRAINABLE_VARIABLES if only_trained else GraphKeys.GLOBAL_VARIABLES
    for variable in of.get_collection(kind):
        root._add(variable.op.name.split("/"), "", parameters=_elements(variable.shape.dims))
    if not only_trained:
        for op in of.get_operations():
            count = _float_ops(op)
            if count:
                root._add(op.name.split("/") if by_scope else [op.type], "", float_ops=count)
        types = {op.name: op.type for op in of.get_operations()}
        for node in (n for d in run_meta.step_stats.dev_stats for n in d.node_stats) if run_meta is not None else ():
            name = node.node_name
            root._add(name.split("/") if by_scope else [types.get(name, name)], "", exec_micros=node.op_end_rel_micros,
                      requested_bytes=sum(m.total_bytes for m in node.memory))
    output = str(given.get("output", "stdout"))
    text = "\n".join(root.lines()) + "\n"
    if output.startswith("file:outfile="):
        with open(output.removeprefix("file:outfile="), "w", encoding="utf-8") as file:
            file.write(text)
    elif output == "stdout":
        sys.stdout.write(text)
    return root


def advise(graph: Graph | None = None, run_meta: Any = None, options: Any = 0) -> AdviceProto:
    """No advice: the compiler takes its own."""
    return AdviceProto()


def write_op_log(graph: Graph, log_dir: str, op_log: Any = None, run_meta: Any = None, add_trace: bool = True) -> None:
    """Accepted: `profile` reads the graph itself."""


class Profiler:
    """Profiles a graph again and again."""

    def __init__(self, graph: Graph | None = None, op_log: Any = None):
        self._graph = graph
        self._run_meta: Any = None

    def add_step(self, step: int, run_meta: Any) -> None:
        """Show the times of this run from now on."""
        self._run_meta = run_meta

    def profile_name_scope(self, options: Any) -> GraphNodeProto:
        return profile(self._graph, self._run_meta, cmd="scope", options=options)

    profile_graph = profile_name_scope

    def profile_operations(self, options: Any) -> GraphNodeProto:
        return profile(self._graph, self._run_meta, cmd="op", options=options)

    profile_python = profile_operations

    def advise(self, options: Any) -> AdviceProto:
        return advise(self._graph)
