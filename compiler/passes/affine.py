"""A product or convolution that vectors of parameters are added to and multiplied with takes one product and one sum.

A bias and a batch normalisation at inference are x * scale + shift: what the epilogue would do to each element is done
to each channel. Only what contractions make is taken apart, which is rounded as much as what another order brings.
"""
from __future__ import annotations

from collections.abc import Sequence

from ..ir import Graph, Operation, Tensor
from ..opdef import ALIAS, ELEMENTWISE, SOURCE
from .fuse import ANCHORS
from .rewrite import reshaped, transform

LINEAR = ("AddV2", "Sub", "Mul")
DEPTH = 8  # ops, one of another, that may make a vector of parameters, or add and multiply what a contraction made


def affine(graph: Graph) -> Graph:
    return transform(graph, _affine)


def _affine(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
    if op.type not in LINEAR or not op.output.dtype.is_floating:
        return None
    steps: list[tuple[str, Tensor]] = []
    last, operands = op, tuple(inputs)
    while len(steps) < DEPTH:
        found = [i for i in range(last.type == "Sub", 2) if _is_vector(operands[i])]
        if not found or last.control_inputs:
            return None
        x, vector = operands[1 - found[0]], operands[found[0]]
        steps.append((last.type, vector))
        if x.dims is None or x.dims != op.output.dims:
            return None
        if x.op.type in ANCHORS:
            break
        if x.op.type not in LINEAR:
            return None
        last, operands = x.op, x.op.inputs
    else:
        return None
    products = [kind for kind, _ in steps].count("Mul")
    if not products or len(steps) <= 1 + (products < len(steps)):
        return None
    scale: Tensor | None = None
    shift: Tensor | None = None
    for kind, vector in reversed(steps):
        if kind == "Mul":
            scale = vector if scale is None else scale * vector
            shift = None if shift is None else shift * vector
        elif kind == "Sub":
            shift = -vector if shift is None else shift - vector
        else:
            shift = vector if shift is None else shift + vector
    assert scale is not None
    scaled = x * _flat(scale)
    return [scaled if shift is None else scaled + _flat(shift)]


def _flat(vector: Tensor) -> Tensor:
    """The vector as epilogues read it."""
    return reshaped(vector, (vector.dims or ())[-1:])


def _is_vector(x: Tensor, depth: int = DEPTH) -> bool:
    """Whether the tensor has no axis but the last and is made of parameters alone, element by element."""
    family = x.op.definition.family
    return x.dims is not None and all(isinstance(d, int) and d == 1 for d in x.dims[:-1]) and (
        family == SOURCE or depth > 0 and family in (ELEMENTWISE, ALIAS) and all(
            _is_vector(t, depth - 1) for t in x.op.inputs))
