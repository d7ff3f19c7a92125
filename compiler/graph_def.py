"""Graphs as data: `GraphDef` lists the operations with their types, inputs and attributes, and is written as JSON.

Reading one back only looks ops up by type (`opdef.definition_of`); nothing in it is executed. Unknown sizes are kept as
polynomials over numbered symbols, so that sizes that were equal stay equal.
"""
from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from . import dims as dm
from .dims import Dim, DimLike
from .dtypes import DType, as_dtype
from .errors import DataLossError, NotFoundError, UnimplementedError
from .ir import Graph, Operation, Tensor, TensorType
from .opdef import OpDef, definition_of
from .shapes import TensorShape
from .subgraph import SubGraph

FORMAT = "graphflow graph 1"


class NodeDef:
    """One operation. `input` has "name", "name:1" for another output than the first, "^name" for control inputs."""

    def __init__(self, name: str = "", op: str = "", input: Iterable[str] = (), attr: Mapping[str, Any] | None = None,
                 types: Any = (), device: str = ""):
        self.name, self.op, self.device = name, op, device
        self.input = list(input)
        self.attr = dict(attr or {})  # in the form of encode()
        self.types = list(types)      # of the outputs, likewise

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "op": self.op, "input": self.input, "attr": self.attr, "types": self.types}

    def CopyFrom(self, other: NodeDef) -> None:
        self.__init__(**other.as_json())  # type: ignore[misc]

    def __repr__(self) -> str:
        return json.dumps(self.as_json(), indent=1)


class GraphDef:
    """A graph as a list of nodes, each after its inputs. `SerializeToString` gives JSON, not TensorFlow's bytes."""

    def __init__(self, node: Iterable[NodeDef] = ()):
        self.node = list(node)

    def as_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "node": [n.as_json() for n in self.node]}

    @classmethod
    def from_json(cls, data: Any) -> GraphDef:
        """Raises DataLossError for anything that `as_json` did not make."""
        try:
            if data["format"] != FORMAT:
                raise KeyError(data["format"])
            return cls(NodeDef(**n) for n in data["node"])
        except (KeyError, TypeError) as error:
            raise DataLossError(f"not a graph that graphflow wrote: {error}") from error

    def SerializeToString(self) -> bytes:
        return json.dumps(self.as_json()).encode()

    def ParseFromString(self, serialized: bytes) -> int:
        """Replace the nodes by those in `serialized`; how many bytes that was. Raises DataLossError."""
        try:
            self.node = self.from_json(json.loads(serialized)).node
        except ValueError as error:
            raise DataLossError(f"not a graph that graphflow wrote: {error}") from error
        return len(serialized)

    def CopyFrom(self, other: GraphDef) -> None:
        self.node = [NodeDef(**n.as_json()) for n in other.node]

    def ByteSize(self) -> int:
        return len(self.SerializeToString())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GraphDef) and self.as_json() == other.as_json()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return json.dumps(self.as_json(), indent=1)


# writing


def graph_def_of(graph: Graph) -> GraphDef:
    """The operations of a graph as data."""
    return GraphDef(map(node_of, graph.operations))


def tensor_reference(tensor: Tensor) -> str:
    return tensor.op.name if tensor.index == 0 else f"{tensor.op.name}:{tensor.index}"


def node_of(op: Operation) -> NodeDef:
    """One operation as data."""
    return NodeDef(op.name, op.type, [*map(tensor_reference, op.inputs), *(f"^{c.name}" for c in op.control_inputs)],
                   {k: encode(v) for k, v in op.attrs.items()}, [encode(tuple(t.type)) for t in op.outputs])


def encode(value: Any) -> Any:
    """An attribute as JSON: plain values as they are, others as {kind: ...}."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return {"bytes": _text(value)}
        case DType():
            return {"dtype": value.name}
        case Dim():
            return {"dim": _encode_dim(value)}
        case TensorShape():
            return {"shape": encode(value.dims)}
        case Tensor():
            return {"tensor": tensor_reference(value)}
        case np.ndarray() if value.dtype == object:
            return {"strings": [_text(v) for v in value.ravel()], "of": list(value.shape)}
        case np.ndarray():
            return {"array": _text(np.ascontiguousarray(value).tobytes()), "dtype": as_dtype(value.dtype).name,
                    "of": list(value.shape)}
        case np.generic():
            return value.item()
        case Graph():
            return {"graph": [node_of(op).as_json() for op in value.operations],
                    **{part: [tensor_reference(t) for t in getattr(value, part)] for part in ("inputs", "outputs")},
                    "targets": [op.name for op in value.targets]}
        case Mapping():
            return {"map": [[encode(k), encode(v)] for k, v in value.items()]}
        case tuple() | list() | set() | frozenset():
            return {type(value).__name__ if type(value) in (list, set, frozenset) else "tuple": [*map(encode, value)]}
    return {"python": repr(value)}


def _text(data: Any) -> str:
    return base64.b64encode(data if isinstance(data, bytes) else str(data).encode()).decode()


def _encode_dim(dim: DimLike) -> Any:
    if isinstance(dim, int):
        return dim
    return [[coefficient, *(a.id if a.function is None else [a.symbol, *map(_encode_dim, a.arguments)]
                            for a in monomial)] for monomial, coefficient in dim.terms.items()]


# reading

_DERIVED: dict[str, Callable[[DimLike, DimLike], Any]] = {
    "//": dm.floor_div, "max": dm.maximum, "min": dm.minimum, "broadcast": dm.broadcast}


class Importer:
    """Adds the nodes of a GraphDef to a graph, their names after `prefix` ("scope/" or "").

    `input_map` gives tensors of the graph in place of some of the nodes'. Raises NotFoundError for an op type that is
    not known, ValueError for an input that is nowhere.
    """

    def __init__(self, graph: Graph, prefix: str = "", input_map: Mapping[str, Tensor] | None = None):
        self.graph = graph
        self.prefix = prefix
        self.input_map = {k if k.startswith("^") else _full(k): v for k, v in (input_map or {}).items()}
        self.operations: dict[str, Operation] = {}
        self._symbols: dict[int, DimLike] = {}

    def add(self, nodes: Iterable[NodeDef]) -> dict[str, Operation]:
        """{name in the GraphDef: operation}."""
        nodes = list(nodes)
        for node in nodes if self.input_map else ():
            self._take_sizes(node)
        for node in nodes:
            if self.graph.eager and _full(node.name) in self.input_map:  # a placeholder has no value to run with
                continue
            inputs, control, definition = self._arguments(node)
            attrs = {k: self.decode(v) for k, v in node.attr.items()}
            types = None if self.input_map else self._types(node)
            self.operations[node.name] = self.graph.add(definition, inputs, attrs, f"{self.prefix}{node.name}/", types,
                                                        control)
        return self.operations

    def _take_sizes(self, node: NodeDef) -> None:
        """Where a tensor stands in place of the node's, let the sizes that this one leaves open be that one's."""
        given = self.input_map.get(_full(node.name))
        dims = node.attr.get("dims")
        if given is None or given.dims is None or not isinstance(dims, dict):
            return
        for size, own in zip(dims.get("tuple", ()), given.dims, strict=False):
            match size:
                case {"dim": [[1, int(symbol)]]}:
                    self._symbols.setdefault(symbol, own)

    def _arguments(self, node: NodeDef) -> tuple[list[Tensor], list[Operation], OpDef]:
        definition = definition_of(node.op)
        if definition is None:
            raise NotFoundError(f"Op type not registered '{node.op}' (node {node.name!r})")
        try:
            return ([self.tensor(name) for name in node.input if not name.startswith("^")],
                    [self.operations[name[1:]] for name in node.input if name.startswith("^")], definition)
        except KeyError as error:
            raise ValueError(f"Node {node.name!r} expects an input {error.args[0]!r} that is not in the "
                             "graph") from None

    def _types(self, node: NodeDef) -> list[TensorType]:
        return [TensorType(*self.decode(t)) for t in node.types]

    def tensor(self, name: str) -> Tensor:
        """The tensor that a reference of the GraphDef means."""
        full = _full(name)
        if full in self.input_map:
            return self.input_map[full]
        op_name, _, index = full.rpartition(":")
        return self.operations[op_name].outputs[int(index)]

    def decode(self, value: Any) -> Any:
        """An attribute from its JSON. Raises DataLossError for what `encode` does not make."""
        if not isinstance(value, dict):
            return value
        kind, content = next(iter(value.items()))
        match kind:
            case "bytes":
                return base64.b64decode(content)
            case "dtype":
                return as_dtype(content)
            case "dim":
                return self._dim(content)
            case "shape":
                return TensorShape(self.decode(content))
            case "tensor":
                return self.tensor(content)
            case "strings":
                array = np.empty(len(content), object)
                array[:] = [base64.b64decode(c) for c in content]
                return array.reshape(value["of"])
            case "array":
                dtype = as_dtype(value["dtype"]).np
                return np.frombuffer(base64.b64decode(content), dtype).reshape(value["of"]).copy()
            case "graph":
                return self._sub_graph(value)
            case "map":
                return {self.decode(k): self.decode(v) for k, v in content}
            case "tuple" | "list" | "set" | "frozenset":
                kinds: dict[str, Any] = {"tuple": tuple, "list": list, "set": set, "frozenset": frozenset}
                return kinds[kind](map(self.decode, content))
            case "python":
                return _Absent(content)
        raise DataLossError(f"not an attribute that graphflow wrote: {value!r}")

    def _dim(self, content: Any) -> DimLike:
        if isinstance(content, int):
            return content
        total: DimLike = 0
        for coefficient, *atoms in content:
            term: DimLike = coefficient
            for atom in atoms:
                term = term * (self._symbols.setdefault(atom, dm.fresh()) if isinstance(atom, int)
                               else _DERIVED[atom[0]](self._dim(atom[1]), self._dim(atom[2])))
            total = total + term
        return total

    def _sub_graph(self, data: Mapping[str, Any]) -> SubGraph:
        inner = SubGraph(self.graph)
        local = Importer(self.graph)
        local._symbols = self._symbols
        for fields in data["graph"]:
            node = NodeDef(**fields)
            inputs, control, definition = local._arguments(node)
            # "outer" is a tensor of the graph around this one
            attrs = {k: (self if k == "outer" else local).decode(v) for k, v in node.attr.items()}
            name = node.name if definition.name == "Parameter" else self.prefix + node.name
            op = Operation(inner, definition, inputs, attrs, name, self._types(node), control, None)
            inner.operations.append(op)
            local.operations[node.name] = op
            if "outer" in attrs:
                inner.captures[attrs["outer"]] = op.outputs[0]
        inner.inputs = tuple(map(local.tensor, data["inputs"]))
        inner.outputs = tuple(map(local.tensor, data["outputs"]))
        inner.targets = tuple(local.operations[name] for name in data["targets"])
        return inner


class _Absent:
    """Stands for a Python object, such as the function of a py_func, that a file cannot hold."""

    def __init__(self, description: str):
        self.description = description

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise UnimplementedError(f"The imported graph uses {self.description}, which no file can hold.")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self()

    def __repr__(self) -> str:
        return self.description


def _full(name: str) -> str:
    return name if ":" in name else name + ":0"


