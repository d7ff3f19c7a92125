"""What can be told of layers: their parameters, and the inputs that a tensor follows from."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ..layers.node import history_of
from .summary import count_params, print_summary


def get_source_inputs(tensor: Any, layer: Any = None, node_index: Any = None) -> list[Tensor]:
    """The input tensors that `tensor`, a layer's output, was computed from, each once."""
    if history_of(tensor) is None:
        return [tensor]
    waiting = [_node(tensor) if layer is None else layer._inbound_nodes[node_index or 0]]
    seen = set(waiting)
    sources: list[Tensor] = []
    while waiting:
        node = waiting.pop()
        if node.is_input:
            sources += node.output_tensors
        before = [_node(t) for t in reversed(node.input_tensors) if history_of(t) is not None]
        waiting += [n for n in before if n not in seen]
        seen.update(before)
    return sources


def is_keras_tensor(x: Any) -> bool:
    """Whether a layer (`Input` too) gave out `x`."""
    return history_of(x) is not None


def _node(tensor: Tensor) -> Any:
    history = history_of(tensor)
    assert history is not None
    return history.operation._inbound_nodes[history.node_index]


__all__ = ["count_params", "get_source_inputs", "is_keras_tensor", "print_summary"]
