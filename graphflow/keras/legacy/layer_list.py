"""Lists of models that Keras 2's programs change: they take layers off, and add metrics."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, SupportsIndex


class LayerList(list[Any]):
    """Layers; `pop` takes one off the model, too: `cut` is called with it."""

    def __init__(self, layers: Iterable[Any], cut: Callable[[Any], object]):
        super().__init__(layers)
        self._cut = cut

    def pop(self, index: SupportsIndex = -1) -> Any:
        """The layer, which is no longer one of the model's. Its outputs stay what they are until they are set."""
        layer = super().pop(index)
        self._cut(layer)
        return layer


class AppendedList(list[Any]):
    """A list of which something is told what is appended."""

    def __init__(self, values: Iterable[Any], tell: Callable[[Any], object]):
        super().__init__(values)
        self._tell = tell

    def append(self, value: Any) -> None:
        super().append(value)
        self._tell(value)
