"""`tfe.Network` and `tfe.Sequential`: models as programs of 2017 and 2018 wrote them."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ...keras import Model


class Network(Model):
    """A Keras model whose layers are announced with `track_layer`."""

    def __init__(self, name: str | None = None):
        super().__init__(name=name)
        self._tracked: list[Any] = []

    def track_layer(self, layer: Any) -> Any:
        """Count a layer, or another network, among this one's; returns it."""
        self._tracked.append(layer)
        return layer


class Sequential(Network):
    """Layers and functions one after another; what takes `training` is given it."""

    def __init__(self, layers_funcs: Sequence[Any] | None = None, name: str | None = None):
        super().__init__(name=name)
        self._functions: list[Callable[..., Any]] = []
        for member in layers_funcs or ():
            self.add(member)

    def add(self, layer_func: Callable[..., Any]) -> None:
        """Put a layer or a function after the others."""
        self._functions.append(self.track_layer(layer_func) if hasattr(layer_func, "variables") else layer_func)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The last one's result."""
        for function in self._functions:
            called = getattr(function, "call", function)
            takes = "training" in inspect.signature(called).parameters
            inputs = function(inputs, training=training) if takes else function(inputs)
        return inputs
