"""Dead code: what neither a fetch nor an effect needs."""
from __future__ import annotations

from ..ir import Graph
from .rewrite import reachable, transform


def prune(graph: Graph) -> Graph:
    needed = reachable(graph)
    return transform(graph, lambda op, inputs: None, keep=needed.__contains__)
