"""Constant folding: an op on constants becomes a constant, through its reference."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..dims import product
from ..ir import Graph, Operation, Tensor
from ..opdef import ALIAS, COPY, ELEMENTWISE, INDEX, REDUCTION
from ..ops.constant import literal
from .rewrite import is_known, transform

FOLDED = {ALIAS, COPY, ELEMENTWISE, INDEX, REDUCTION}
MAX_ELEMENTS = 1 << 12  # a larger constant costs more to keep than to compute


def fold(graph: Graph) -> Graph:
    return transform(graph, _fold)


def _fold(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
    if op.definition.family not in FOLDED or not inputs or op.definition.stateful or op.control_inputs:
        return None
    if any(t.op.type != "Const" for t in inputs) or not is_known(op.output):
        return None
    if product(op.output.dims) > MAX_ELEMENTS:  # type: ignore[operator]
        return None
    values = [t.op.attrs["value"] for t in inputs]
    if op.definition.fields.get("shape_operand") is not None:
        values.append(np.array(op.output.dims, np.int64))
    with np.errstate(all="ignore"):
        result = op.definition.reference(*values, **op.attrs)  # type: ignore[misc]
    return [literal(np.asarray(result, op.output.dtype.np), op.output.dtype)]
