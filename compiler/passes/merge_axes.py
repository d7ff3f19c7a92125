"""Channels that a reshape splits into groups are one axis again for what works element by element.

What has one element for a group's channels, such as a mean, would be read for each few of these: it is written out for
all channels, once for all pixels of an image.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from ..ir import Graph, Operation, Tensor, TensorType, default_graph
from ..opdef import ALIAS, ELEMENTWISE, REDUCTION, OpDef
from ..shapes import Dims, aligned
from .groups import reduced_axes
from .recompute import is_small
from .rewrite import consumers, reshaped, transform

_repeated = OpDef("Repeated", ELEMENTWISE, lambda inputs, attrs: [TensorType(inputs[0].dtype, attrs["dims"])],
                  lambda op, g: [g], lambda x, dims: np.broadcast_to(x, dims), lower="{0}")


def merge_axes(graph: Graph) -> Graph:
    uses = consumers(graph)
    region: dict[Tensor, Dims] = {}  # what is computed with the last two axes as one, and its shape until then
    for op in graph.operations:
        if _splits(op) and op.output not in region:
            dims, found = op.output.dims or (), _region(op.output, uses)
            if any(_is_of_groups(t, dims) for x in found for t in x.op.inputs) and all(
                    _is_elementwise(x.op, dims) and all(_may_read(user, dims) for user in uses.get(x, ()))
                    for x in found):
                region.update(dict.fromkeys(found, dims))

    @cache
    def merged(x: Tensor, dims: Dims) -> Tensor:
        """The operand for a result that was of shape `dims`."""
        *lead, groups, last = aligned(x.dims or (), dims)
        if groups != 1 or last != 1:
            x = _written_out(x, (*lead, *dims[-2:]))
            groups, last = dims[-2:]
        return reshaped(x, (*lead, groups * last))

    def rule(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
        dims = next((region[t] for t in (*op.outputs, *op.inputs) if t in region), None)
        if dims is None or op.definition.family == ALIAS:
            return None
        operands = [merged(t, dims) for t in inputs]
        if op.type == "BroadcastTo":
            below = _written_out(operands[0], (*dims[:-2], dims[-2] * dims[-1]))
        else:
            below = default_graph().add(op.definition, operands, op.attrs, op.type).output
        return [reshaped(below, op.output.dims)]

    return transform(graph, rule) if region else graph


def _written_out(x: Tensor, dims: Dims) -> Tensor:
    return x if x.dims == dims else x.op.graph.add(_repeated, [x], {"dims": dims}, "Repeated").output


def _splits(op: Operation) -> bool:
    """Whether it makes two axes of the last one, of channels of pixels."""
    if op.definition.family != ALIAS or len(op.inputs) != 1 or op.control_inputs:
        return False
    dims, source = op.output.dims or (), op.inputs[0].dims or ()
    return len(dims) > 3 and source == (*dims[:-2], dims[-2] * dims[-1]) and 1 not in dims[-2:]


def _region(x: Tensor, uses: Mapping[Tensor, Sequence[Operation]]) -> set[Tensor]:
    """What elementwise ops compute of `x` in its shape, and of what else they compute that."""
    found, stack = {x}, [x]
    while stack:
        t = stack.pop()
        beside = [u.output for u in uses.get(t, ()) if u.definition.family == ELEMENTWISE]
        beside += t.op.inputs if t.op.definition.family == ELEMENTWISE else ()
        fresh = {near for near in beside if near.dims == x.dims} - found
        found |= fresh
        stack += fresh
    return found


def _is_elementwise(op: Operation, dims: Dims) -> bool:
    """Whether the region may have its result: it splits an axis, or computes that of members and less."""
    if op.definition.family == ALIAS:
        return _splits(op)
    small = [t.dims for t in op.inputs if t.dims != dims]
    return (op.definition.family == ELEMENTWISE or op.type == "BroadcastTo" and bool(small)) and all(
        d is not None and (is_small(d, dims) or aligned(d, dims)[-2:] == (1, 1)) for d in small) and (
        not op.control_inputs)


def _is_of_groups(x: Tensor, dims: Dims) -> bool:
    groups, last = aligned(x.dims or (), dims)[-2:]
    return groups != 1 and last == 1


def _may_read(user: Operation, dims: Dims) -> bool:
    """Whether it can read an element of the region where that is with the axes as one."""
    if user.definition.family == REDUCTION:
        keeps = user.attrs.get("keepdims", False) and not user.control_inputs
        return keeps and max(reduced_axes(user)) < len(dims) - 2
    return user.definition.family == ALIAS or user.definition.family == ELEMENTWISE and user.output.dims == dims
