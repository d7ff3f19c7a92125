"""Keras's operations on tensors. They build graph; on Keras tensors they become part of the model."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import activations
from . import control, core, image, linalg, math, nn, numpy, operation

operation.record_all({"image": image})
_ALL = operation.record_all({"numpy": numpy, "nn": nn, "linalg": linalg, "math": math, "core": core})
_ALL |= operation.record_all({"core": control})
operation.install_operators(_ALL)
operation.record_activations(activations, activations._OBJECTS, _ALL)
globals().update(_ALL)

if TYPE_CHECKING:
    def __getattr__(name: str) -> Any: ...

__all__ = [*_ALL, "image", "linalg", "nn", "numpy"]
