"""NumPy's functions on tensors."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import control
from ..naming import exported
from . import arithmetic, creation, elementwise, products, reductions, selecting, shaping

_ALL = {**exported(arithmetic, creation, elementwise, products, reductions, selecting, shaping),
        "vectorize": control.vectorize, "view": shaping.view_as}
globals().update(_ALL)

if TYPE_CHECKING:
    def __getattr__(name: str) -> Any: ...

__all__ = list(_ALL)
