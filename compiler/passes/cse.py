"""Common subexpressions: equal ops on equal inputs are computed once."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ir import Graph, Operation, Tensor, default_graph
from .rewrite import transform


def eliminate_common_subexpressions(graph: Graph) -> Graph:
    seen: dict[Any, tuple[Tensor, ...]] = {}

    def rule(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
        if op.definition.stateful or op.control_inputs or op.type == "Placeholder":
            return None
        key = (op.type, tuple(inputs), _frozen(op.attrs), tuple(t.dims for t in op.outputs))
        if key not in seen:
            seen[key] = default_graph().append(op, inputs).outputs
        return seen[key]

    return transform(graph, rule)


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return tuple((k, _frozen(v)) for k, v in sorted(value.items()))
    return value
