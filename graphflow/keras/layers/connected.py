"""What a layer's calls made of it: its inputs and outputs, by call."""
from __future__ import annotations

from typing import Any

from ..nest import map_structure
from ..saving.saveable import Saveable
from .input_spec import shape_of
from .node import Node, history_of, mask_of


class Connected(Saveable):
    """The part of a layer that knows its calls."""

    _inbound_nodes: list[Node]

    @property
    def input(self) -> Any:
        return self._nest_at(0, "input")

    @property
    def output(self) -> Any:
        return self._nest_at(0, "output")

    @property
    def input_shape(self) -> Any:
        return map_structure(shape_of, self.input)

    @property
    def output_shape(self) -> Any:
        return map_structure(shape_of, self.output)

    @property
    def input_mask(self) -> Any:
        return map_structure(mask_of, self.input)

    @property
    def output_mask(self) -> Any:
        return map_structure(mask_of, self.output)

    def get_input_at(self, node_index: int) -> Any:
        return self._nest_at(node_index, "input")

    def get_output_at(self, node_index: int) -> Any:
        return self._nest_at(node_index, "output")

    def get_input_shape_at(self, node_index: int) -> Any:
        return map_structure(shape_of, self.get_input_at(node_index))

    def get_output_shape_at(self, node_index: int) -> Any:
        return map_structure(shape_of, self.get_output_at(node_index))

    def _nest_at(self, index: int, what: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(f"The layer {self.name} has never been called and thus has no defined {what}.")
        if index >= len(self._inbound_nodes):
            raise ValueError(f"Asked to get {what} at node {index}, but the layer {self.name} has only "
                             f"{len(self._inbound_nodes)} inbound nodes.")
        node = self._inbound_nodes[index]
        if what == "output" or node.is_input:
            return node.outputs
        given = [t for t in node.input_tensors if history_of(t) is not None] or node.input_tensors
        return given[0] if len(given) == 1 else given
