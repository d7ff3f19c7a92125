"""What can be told of layers: their parameters, and the inputs that a tensor follows from."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ..layers.node import history_of
from .summary import count_params, print_summary


def get_source_inputs(tensor: Any, layer: Any = None, node_index: Any = None) -> list[Tensor]:
    """The input tensors that `tensor`, a layer's output, was computed from, each once."""
    history = history_of(tensor)
    if history is None:
        return [tensor]
    node = (layer or history.operation)._inbound_nodes[node_index or history.node_index]
    if node.is_input:
        return list(node.output_tensors)
    return list(dict.fromkeys(source for t in node.input_tensors for source in get_source_inputs(t)))


__all__ = ["count_params", "get_source_inputs", "print_summary"]
