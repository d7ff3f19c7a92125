"""Arrays of byte strings, which keep their zeros at the end and their lengths as objects alone."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def text(value: bytes) -> np.ndarray:
    """A string scalar."""
    out = np.empty((), object)
    out[()] = value
    return out


def texts(values: Sequence[bytes]) -> np.ndarray:
    """A string vector."""
    out = np.empty(len(values), object)
    out[:] = values
    return out
