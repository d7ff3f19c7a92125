"""A function that layers and operations make of Keras tensors, without what a model has for training."""
from __future__ import annotations

from typing import Any

from ...compiler.ops.constant import convert_to_tensor
from ..nest import flatten, map_structure
from ..ops.operation import Operation
from .network import Network


class Function(Operation):
    """The way from `inputs` to `outputs`, nests of Keras tensors; called on other values it is gone again.

    Raises ValueError where there are none, or they are not connected.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None):
        super().__init__(name=name)
        for what, nest in (("inputs", inputs), ("outputs", outputs)):
            if not flatten(nest):
                raise ValueError(f"`{what}` argument cannot be empty. Received:\n{inputs=}\n{outputs=}")
        self._network = Network(inputs, outputs)

    @property
    def inputs(self) -> list[Any]:
        """The Keras tensors it starts from."""
        return self._network.inputs

    @property
    def outputs(self) -> list[Any]:
        """The Keras tensors it leads to."""
        return self._network.outputs

    @property
    def operations(self) -> list[Any]:
        """The layers and operations on the way."""
        return self._network.operations

    def call(self, inputs: Any) -> Any:
        return self._network.run(map_structure(convert_to_tensor, inputs))[0]
