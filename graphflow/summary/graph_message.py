"""A graph as TensorFlow's GraphDef message, for TensorBoard's graph tab."""
from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.dtypes import DType
from ..compiler.ir import Graph, Operation, Tensor
from ..compiler.ops.summary import messages, tensor_message

# constants up to this many elements are written with their values
MAX_ELEMENTS = 1024


def graph_message(graph: Graph) -> Any:
    """The GraphDef of a graph: nodes with their op types, inputs, types, shapes and simple attributes."""
    messages()
    from tensorboard.compat.proto import graph_pb2, versions_pb2
    return graph_pb2.GraphDef(node=[_node(op) for op in graph.operations],
                              versions=versions_pb2.VersionDef(producer=24))


def _node(op: Operation) -> Any:
    from tensorboard.compat.proto import attr_value_pb2, node_def_pb2
    inputs = [t.op.name if t.index == 0 else t.name for t in op.inputs]
    node = node_def_pb2.NodeDef(name=op.name, op=op.type, input=[*inputs, *(f"^{c.name}" for c in op.control_inputs)])
    shapes = attr_value_pb2.AttrValue.ListValue(shape=[_shape(t) for t in op.outputs])
    node.attr["_output_shapes"].CopyFrom(attr_value_pb2.AttrValue(list=shapes))
    if op.outputs:
        node.attr["dtype"].type = op.outputs[0].dtype.as_datatype_enum
    for name, value in op.attrs.items():
        _set(node.attr, name, value)
    return node


def _shape(tensor: Tensor) -> Any:
    from tensorboard.compat.proto import tensor_shape_pb2
    if tensor.dims is None:
        return tensor_shape_pb2.TensorShapeProto(unknown_rank=True)
    return tensor_shape_pb2.TensorShapeProto(dim=[
        tensor_shape_pb2.TensorShapeProto.Dim(size=d if isinstance(d, int) else -1) for d in tensor.dims])


def _set(attrs: Any, name: str, value: Any) -> None:
    """One attribute, where GraphDef has a form for it."""
    match value:
        case bool():
            attrs[name].b = value
        case int() | np.integer():
            attrs[name].i = int(value)
        case float():
            attrs[name].f = value
        case str():
            attrs[name].s = value.encode()
        case DType():
            attrs[name].type = value.as_datatype_enum
        case np.ndarray() if value.size <= MAX_ELEMENTS:
            attrs[name].tensor.CopyFrom(tensor_message(value))
        case tuple() | list() if value and all(isinstance(v, int) for v in value):
            attrs[name].list.i.extend(value)
