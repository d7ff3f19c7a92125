"""Shape operands end here: ops keep their inferred shapes, and sizes used as data become `Dims`, bound when fed."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..dims import Dim
from ..dtypes import int32
from ..errors import UnimplementedError
from ..ir import Graph, Operation, Tensor
from ..ops.constant import const
from ..ops.symbolic import dims_vector, shape_operand, symbolic_value
from ..ops.view import _reshape
from .rewrite import transform


def resolve(graph: Graph) -> Graph:
    return transform(graph, _resolve)


def _resolve(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
    operand = op.definition.fields.get("shape_operand")
    if operand is not None and len(inputs) > operand:
        if op.outputs[0].dims is None or symbolic_value(op.inputs[operand]) is None:
            raise UnimplementedError(
                f"{op.type}: the shape of {op.name!r} depends on fed values, which is not supported ({op.site})", op)
        rest = [*inputs[:operand], *inputs[operand + 1:]]
        return inputs[0].op.graph.append(op, rest).outputs
    if not inputs or len(op.outputs) != 1 or not op.output.dtype.is_integer:
        return None
    value = symbolic_value(op.output)
    if value is None:
        return None
    if not any(isinstance(v, Dim) for v in value.ravel()):  # no kernel computes a shape
        return [const(value=value.astype(op.output.dtype.np))] if op.type == "Shape" else None
    kind: dict[str, Any] = {} if op.output.dtype == int32 else {"dtype": op.output.dtype}
    sizes = dims_vector(dims=tuple(v if isinstance(v, Dim) else int(v) for v in value.ravel()), **kind)
    return [sizes if op.output.dims == sizes.dims else _reshape_to(sizes, op.output)]


def _reshape_to(x: Tensor, like: Tensor) -> Tensor:
    return _reshape(x, shape_operand(like.dims))
