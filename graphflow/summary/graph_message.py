"""A graph as TensorFlow's GraphDef message, for TensorBoard's graph tab.

Branches and loops' bodies are functions of the message's library, as in TensorFlow's own `If` and `While`.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..compiler.control import subgraphs
from ..compiler.dims import Dim
from ..compiler.dtypes import DType
from ..compiler.ir import Graph, Operation, Tensor
from ..compiler.ops.summary import messages, tensor_message
from ..compiler.shapes import Dims, TensorShape

# constants up to this many elements are written with their values
MAX_ELEMENTS = 1024


def graph_message(graph: Graph, operations: Sequence[Operation] | None = None) -> Any:
    """The GraphDef of a graph, or of some of its operations and all that they need: nodes with their op types, inputs,
    types, shapes, attributes and the user's lines."""
    chosen = graph.operations if operations is None else operations
    messages()
    from tensorboard.compat.proto import function_pb2, graph_pb2, versions_pb2
    return graph_pb2.GraphDef(node=[_node(op, _reference) for op in chosen],
                              library=function_pb2.FunctionDefLibrary(function=_functions(chosen)),
                              versions=versions_pb2.VersionDef(producer=24))


def _reference(tensor: Tensor) -> str:
    return tensor.op.name if tensor.index == 0 else tensor.name


def _node(op: Operation, reference: Any) -> Any:
    from tensorboard.compat.proto import attr_value_pb2, node_def_pb2
    node = node_def_pb2.NodeDef(name=op.name, op=op.type, device=op.device,
                                input=[*map(reference, op.inputs), *(f"^{c.name}" for c in op.control_inputs)])
    shapes = attr_value_pb2.AttrValue.ListValue(shape=[_shape(t.dims) for t in op.outputs])
    node.attr["_output_shapes"].CopyFrom(attr_value_pb2.AttrValue(list=shapes))
    if op.inputs:
        node.attr["T"].type = op.inputs[0].dtype.as_datatype_enum
    elif op.outputs:
        node.attr["dtype"].type = op.outputs[0].dtype.as_datatype_enum
    if op.site is not None:
        node.attr["_made_at"].s = str(op.site).encode()
    for name, value in op.attrs.items():
        if isinstance(value, Graph):
            node.attr[name].func.name = _function_name(op, name)
        else:
            _set(node.attr["shape" if name == "dims" else name], value)
    return node


# branches and bodies

def _function_name(op: Operation, part: str) -> str:
    return f"{op.name.replace('/', '_')}_{part}"


def _functions(operations: Iterable[Operation]) -> Iterator[Any]:
    """The functions that control ops call, those within them too."""
    for op in operations:
        for graph in subgraphs(op):
            part = next(name for name, value in op.attrs.items() if value is graph)
            yield _function(_function_name(op, part), graph)
            yield from _functions(graph.operations)


def _function(name: str, graph: Graph) -> Any:
    from tensorboard.compat.proto import function_pb2, op_def_pb2
    arguments = {t: _argument(i, t) for i, t in enumerate(graph.inputs)}
    results = [f"result_{i}" for i in range(len(graph.outputs))]

    def reference(tensor: Tensor) -> str:
        return arguments[tensor] if tensor in arguments else f"{tensor.op.name}:output:{tensor.index}"

    given = {t.op for t in graph.inputs}
    argument = op_def_pb2.OpDef.ArgDef
    signature = op_def_pb2.OpDef(
        name=name, input_arg=[argument(name=n, type=t.dtype.as_datatype_enum) for t, n in arguments.items()],
        output_arg=[argument(name=n, type=t.dtype.as_datatype_enum)
                    for n, t in zip(results, graph.outputs, strict=True)])
    return function_pb2.FunctionDef(
        signature=signature, node_def=[_node(op, reference) for op in graph.operations if op not in given],
        ret=dict(zip(results, map(reference, graph.outputs), strict=True)))


def _argument(index: int, tensor: Tensor) -> str:
    return f"{tensor.op.name.rpartition('/')[2] or 'argument'}_{index}"


# attributes

def _shape(dims: Dims | None) -> Any:
    from tensorboard.compat.proto import tensor_shape_pb2
    shape = tensor_shape_pb2.TensorShapeProto
    if dims is None:
        return shape(unknown_rank=True)
    return shape(dim=[shape.Dim(size=d if isinstance(d, int) else -1) for d in dims])


def _set(attribute: Any, value: Any) -> None:
    """One attribute, in the form that GraphDef has for it; what it has none for as text."""
    match value:
        case bool():
            attribute.b = value
        case int() | np.integer() if abs(int(value)) < 1 << 63:
            attribute.i = int(value)
        case float() | np.floating():
            attribute.f = float(value)
        case str() | bytes():
            attribute.s = value if isinstance(value, bytes) else value.encode()
        case DType():
            attribute.type = value.as_datatype_enum
        case TensorShape():
            attribute.shape.CopyFrom(_shape(value.dims))
        case Tensor():
            attribute.s = value.name.encode()
        case np.ndarray() if value.size <= MAX_ELEMENTS:
            attribute.tensor.CopyFrom(tensor_message(value))
        case np.ndarray():
            attribute.s = f"<{value.size:,} elements>".encode()
        case tuple() | list() if value and all(isinstance(v, DType) for v in value):
            attribute.list.type.extend(v.as_datatype_enum for v in value)
        case tuple() if any(isinstance(v, Dim) for v in value):
            attribute.shape.CopyFrom(_shape(value))
        case tuple() | list() if all(type(v) is int for v in value):
            attribute.list.i.extend(value)
        case _ if value is not None:
            attribute.s = repr(value).encode()
