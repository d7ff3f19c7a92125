"""`tf.compat`: `compat.v1` is graphflow itself, TensorFlow 1 throughout; `compat.v2` has TensorFlow 2's names."""
from __future__ import annotations

import datetime
import numbers
import os
import sys
from typing import Any

import numpy as np

from . import v2
from .conversions import dimension_at_index, dimension_value

v1 = sys.modules[__package__]
sys.modules[f"{__name__}.v1"], sys.modules[f"{__name__}.v2"] = v1, v2

__all__ = ["as_bytes", "as_str", "as_str_any", "as_text", "bytes_or_text_types", "complex_types",
           "dimension_at_index", "dimension_value", "forward_compatible", "integral_types", "path_to_str",
           "real_types", "v1", "v2"]

bytes_or_text_types = (bytes, str)
integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
complex_types = (numbers.Complex, np.number)

_HORIZON = datetime.date(2019, 10, 8)  # until when TensorFlow 1.15's own readers of graphs were to understand them


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


def path_to_str(path: Any) -> Any:
    """A path as text; what is none is given back."""
    return as_text(os.fspath(path)) if hasattr(path, "__fspath__") else path


def forward_compatible(year: int, month: int, day: int) -> bool:
    """Whether what was new at that date may be used."""
    return datetime.date(year, month, day) < _HORIZON
