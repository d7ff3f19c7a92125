"""Numerical stability: compositions that lose digits or overflow become the ops that do not."""
from __future__ import annotations

from collections.abc import Sequence

from ..ir import Graph, Operation, Tensor
from ..ops import elementwise as ew
from ..ops.nn import log_softmax
from .rewrite import transform


def stabilise(graph: Graph) -> Graph:
    return transform(graph, _stabilise)


def _stabilise(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
    match [op.type, *(t.op.type for t in inputs)]:
        case ["Log", "Softmax"]:
            softmax = inputs[0].op
            return [log_softmax(softmax.inputs[0], softmax.attrs["axis"])]
        case ["Log", "Sigmoid"]:
            return [-ew.softplus(-inputs[0].op.inputs[0])]
        case ["Log", "AddV2"]:
            for x, one in _both_orders(inputs[0].op.inputs):
                if is_constant(one, 1) and x.dims == op.output.dims:
                    return [ew.log1p(x)]
        case ["Sub", "Exp", "Const"] if is_constant(inputs[1], 1) and inputs[0].dims == op.output.dims:
            return [ew.expm1(inputs[0].op.inputs[0])]
    return None


def _both_orders(pair: Sequence[Tensor]) -> tuple[tuple[Tensor, Tensor], ...]:
    a, b = pair
    return (a, b), (b, a)


def is_constant(tensor: Tensor, value: float) -> bool:
    """Whether every element of the tensor is this constant."""
    return tensor.op.type == "Const" and tensor.op.attrs["value"].size > 0 and bool(
        (tensor.op.attrs["value"] == value).all())
