"""Masks, which travel with tensors from layer to layer: True where a sample or time step counts."""
from __future__ import annotations

from typing import Any

from ..compiler.ir import Tensor


def mask_of(value: Any) -> Any:
    """The mask that came with a tensor, or None."""
    return getattr(value, "_keras_mask", None) if isinstance(value, Tensor) else None


def set_mask(value: Tensor, mask: Any) -> None:
    value._keras_mask = mask  # type: ignore[attr-defined]
