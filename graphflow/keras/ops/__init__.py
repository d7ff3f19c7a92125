"""Keras's operations on tensors. They build graph; on Keras tensors they become part of the model."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import control, core, image, linalg, math, nn, numpy
from .naming import exported

_ALL = exported(control, core, linalg, math, nn, numpy)
globals().update(_ALL)

if TYPE_CHECKING:
    def __getattr__(name: str) -> Any: ...

__all__ = [*_ALL, "image", "linalg", "nn", "numpy"]
