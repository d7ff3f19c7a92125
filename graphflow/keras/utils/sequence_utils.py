"""Sequences of different lengths as one array."""
from __future__ import annotations

from typing import Any

import numpy as np


def pad_sequences(sequences: Any, maxlen: int | None = None, dtype: Any = "int32", padding: str = "pre",
                  truncating: str = "pre", value: Any = 0.0) -> np.ndarray:
    """(sequences, maxlen, ...): each sequence filled with `value` before ("pre") or after ("post") its elements, or
    cut there where it is longer than `maxlen` (default: the longest). Raises ValueError."""
    if not hasattr(sequences, "__len__"):
        raise ValueError("`sequences` must be iterable.")
    for name, word in (("Truncating", truncating), ("Padding", padding)):
        if word not in ("pre", "post"):
            raise ValueError(f'{name} type "{word}" not understood')
    for sequence in sequences:
        if not hasattr(sequence, "__len__"):
            raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {sequence}")
    if isinstance(value, str) and np.dtype(dtype).kind not in "USO":
        raise ValueError(f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\nYou should set "
                         "`dtype=object` for variable length strings.")
    if maxlen is None:
        maxlen = max((len(sequence) for sequence in sequences), default=0)
    shape = next((np.asarray(s).shape[1:] for s in sequences if len(s)), ())
    padded = np.full((len(sequences), maxlen, *shape), value, dtype=dtype)
    for i, sequence in enumerate(sequences):
        if not len(sequence):
            continue
        part = np.asarray(sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen], dtype=dtype)
        if part.shape[1:] != shape:
            raise ValueError(f"Shape of sample {part.shape[1:]} of sequence at position {i} is different from expected "
                             f"shape {shape}")
        padded[i, slice(len(part)) if padding == "post" else slice(maxlen - len(part), None)] = part
    return padded
