"""Layers that prepare data: numbers, categories, text, sound and images."""
from __future__ import annotations

import sys
from typing import Any

_layers = sys.modules[__name__.rpartition(".")[0]]


def __getattr__(name: str) -> Any:
    """TensorFlow 2 had all of them here: `layers.experimental.preprocessing.Rescaling`."""
    if name in getattr(_layers, "__all__", ()):
        return getattr(_layers, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
