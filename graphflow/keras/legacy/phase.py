"""Keras 2's `_uses_learning_phase`: whether a tensor is another one in training."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ..nest import flatten


def tensor_uses_phase(tensor: Any) -> bool:
    """Whether a layer before it does something else in training and was not told which it is."""
    history = getattr(tensor, "_keras_history", None)
    waiting = [] if history is None else [history.operation._inbound_nodes[history.node_index]]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if not node.is_input and node.keywords.get("training") is None and layer_uses_phase(node.operation):
            return True
        waiting += [parent for parent in node.parent_nodes if parent not in seen]
        seen.add(node)
    return False


def note_phase(layer: Any, outputs: Any, training: Any) -> None:
    """Note it on tensors that a layer made of variables and constants."""
    for output in flatten(outputs):
        if isinstance(output, Tensor):
            output.__dict__["_uses_learning_phase"] = training is None and layer_uses_phase(layer)


def layer_uses_phase(layer: Any) -> bool:
    """Whether calls of a layer that are not told do something else in training."""
    if getattr(layer, "_network", None) is not None:
        return any(tensor_uses_phase(t) for t in layer.outputs)
    if hasattr(getattr(layer, "layer", None), "_inbound_nodes"):
        return layer_uses_phase(layer.layer)
    if hasattr(layer, "cell"):
        return any(getattr(layer.cell, name, 0) for name in ("dropout", "recurrent_dropout"))
    return bool(layer._signature.takes_training)
