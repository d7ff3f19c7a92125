"""Lists of variables that layers of Keras 2 programs put together themselves."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..variables import adopted


class OwnWeights(list[Any]):
    """A layer's own variables of one kind; what is appended becomes the layer's."""

    def __init__(self, layer: Any, trainable: bool):
        super().__init__(v for v in layer._own_weights() if v.trainable == trainable)
        self._layer, self._trainable = layer, trainable

    def append(self, variable: Any) -> None:
        """Give the layer a variable."""
        variable = adopted(variable)
        variable.trainable = self._trainable
        if not any(v is variable for v in self._layer._weights):
            self._layer._weights.append(variable)
        super().append(variable)

    def extend(self, variables: Iterable[Any]) -> None:
        """Give the layer several."""
        for variable in variables:
            self.append(variable)


def own_weights(trainable: bool) -> property:
    """The attribute that lists a layer's own variables and may be assigned to."""
    return property(lambda layer: OwnWeights(layer, trainable),
                    lambda layer, variables: OwnWeights(layer, trainable).extend(variables))
