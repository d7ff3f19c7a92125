"""`tf.compat`: `compat.v1` is graphflow itself, which is TensorFlow 1 throughout."""
from __future__ import annotations

import sys
from typing import Any

v1 = sys.modules[__package__]
sys.modules[f"{__name__}.v1"] = v1

__all__ = ["as_bytes", "as_str", "as_str_any", "as_text", "v1"]


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Text as bytes."""
    return bytes_or_text if isinstance(bytes_or_text, bytes) else str(bytes_or_text).encode(encoding)


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Bytes as text."""
    return bytes_or_text.decode(encoding) if isinstance(bytes_or_text, bytes) else str(bytes_or_text)


as_str = as_text


def as_str_any(value: Any) -> str:
    """Anything as text."""
    return as_text(value)
