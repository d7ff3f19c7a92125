"""`tf.profiler`: how many parameters and floating-point operations a graph has, by scope."""
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


class GraphNodeProto:
    """What was found below a name; `children` are the scopes and operations in it."""

    def __init__(self, name: str):
        self.name = name
        self.parameters = self.float_ops = 0
        self.total_parameters = self.total_float_ops = 0
        self.children: list[GraphNodeProto] = []

    def _add(self, parts: list[str], path: str, parameters: int, float_ops: int) -> None:
        self.total_parameters += parameters
        self.total_float_ops += float_ops
        if not parts:
            self.parameters += parameters
            self.float_ops += float_ops
            return
        name = f"{path}/{parts[0]}" if path else parts[0]
        child = next((c for c in self.children if c.name == name), None)
        if child is None:
            child = type(self)(name)
            self.children.append(child)
        child._add(parts[1:], name, parameters, float_ops)

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree as text, the largest first."""
        yield (f"{'  ' * depth}{self.name} ({self.total_parameters:,} params, {self.total_float_ops:,} flops)")
        for child in sorted(self.children, key=lambda c: (-c.total_parameters, -c.total_float_ops)):
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
        """What `tf.explain` shows."""
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
    """The parameters and floating-point operations of a graph, printed as the options say. Unknown sizes count as 1."""
    of = graph if graph is not None else default_graph()
    given = options or ProfileOptionBuilder.trainable_variables_parameter()
    root = (GraphNodeProto if cmd in ("scope", "graph") else MultiGraphNodeProto)("_TFProfRoot")
    only_trained = given.get("account_type_regexes") == [TRAINABLE_VARIABLES]
    kind = GraphKeys.TRAINABLE_VARIABLES if only_trained else GraphKeys.GLOBAL_VARIABLES
    for variable in of.get_collection(kind):
        root._add(variable.op.name.split("/"), "", _elements(variable.shape.dims), 0)
    if not only_trained:
        for op in of.get_operations():
            count = _float_ops(op)
            if count:
                root._add(op.name.split("/") if cmd in ("scope", "graph") else [op.type], "", 0, count)
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

    def add_step(self, step: int, run_meta: Any) -> None:
        """Accepted: times are those that `tf.explain` measures."""

    def profile_name_scope(self, options: Any) -> GraphNodeProto:
        return profile(self._graph, cmd="scope", options=options)

    profile_graph = profile_name_scope

    def profile_operations(self, options: Any) -> GraphNodeProto:
        return profile(self._graph, cmd="op", options=options)

    profile_python = profile_operations

    def advise(self, options: Any) -> AdviceProto:
        return advise(self._graph)
