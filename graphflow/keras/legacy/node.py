"""What Keras 2's nodes told of a layer's call: who gave the inputs, and the shapes and masks."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ..masks import mask_of


class Keras2Node:
    """Members that Keras 2's nodes had and later ones have not."""

    operation: Any
    input_tensors: list[Tensor]
    output_tensors: list[Tensor]

    @property
    def outbound_layer(self) -> Any:
        """The layer that was called."""
        return self.operation

    def _histories(self) -> list[Any]:
        found = [getattr(t, "_keras_history", None) for t in self.input_tensors]
        return [h for h in found if h is not None]

    @property
    def inbound_layers(self) -> list[Any]:
        """The layers that gave the inputs, one for each."""
        return [h.operation for h in self._histories()]

    @property
    def node_indices(self) -> list[int]:
        """Which of the calls of each of those layers."""
        return [h.node_index for h in self._histories()]

    @property
    def tensor_indices(self) -> list[int]:
        """Which of the outputs of each of those calls."""
        return [h.tensor_index for h in self._histories()]

    @property
    def input_masks(self) -> list[Any]:
        return [mask_of(t) for t in self.input_tensors]

    @property
    def output_masks(self) -> list[Any]:
        return [mask_of(t) for t in self.output_tensors]

    @property
    def input_shapes(self) -> Any:
        """The inputs' shapes, None where a size may vary; that of one input alone."""
        return _shapes(self.input_tensors or self.output_tensors)

    @property
    def output_shapes(self) -> Any:
        return _shapes(self.output_tensors)


def _shapes(tensors: list[Tensor]) -> Any:
    shapes = [tuple(t.shape.as_list()) for t in tensors]
    return shapes[0] if len(shapes) == 1 else shapes
