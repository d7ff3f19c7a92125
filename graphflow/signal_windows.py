"""Window functions of `tf.signal`, computed while the graph is built."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .compiler.dtypes import as_dtype, float32
from .compiler.ir import Tensor
from .compiler.ops.constant import constant
from .compiler.ops.symbolic import static_ints


def _length(window_length: Any) -> int:
    length = int(static_ints("window", "window_length", window_length))
    if length < 1:
        raise ValueError(f"window_length must be at least 1, received {length}")
    return length


def _raised_cosine(name: str, window_length: Any, periodic: bool, dtype: Any, a: float, b: float) -> Tensor:
    """a - b cos(2 pi i / n); periodic windows of odd length are symmetric all the same, as TensorFlow has it."""
    length, element = _length(window_length), as_dtype(dtype)
    if not element.is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {element}")
    n = length - 1 + (periodic and length % 2 == 0)
    values = a - b * np.cos(2 * np.pi * np.arange(length) / max(n, 1)) if length > 1 else np.ones(1)
    return constant(values.astype(element.np), name=name)


def hann_window(window_length: Any, periodic: bool = True, dtype: Any = float32, name: str | None = None) -> Tensor:
    """0.5 - 0.5 cos(2 pi i / n)."""
    return _raised_cosine(name or "hann_window", window_length, periodic, dtype, 0.5, 0.5)


def hamming_window(window_length: Any, periodic: bool = True, dtype: Any = float32, name: str | None = None) -> Tensor:
    """0.54 - 0.46 cos(2 pi i / n)."""
    return _raised_cosine(name or "hamming_window", window_length, periodic, dtype, 0.54, 0.46)


def _kaiser(length: int, beta: Any) -> np.ndarray:
    return np.kaiser(length, float(static_ints("kaiser_window", "beta", beta)))


def kaiser_window(window_length: Any, beta: Any = 12.0, dtype: Any = float32, name: str | None = None) -> Tensor:
    """The window of Kaiser and Schafer (1980), I0(beta sqrt(1 - t^2)) / I0(beta) for t from -1 to 1."""
    return constant(_kaiser(_length(window_length), beta).astype(as_dtype(dtype).np), name=name or "kaiser_window")


def kaiser_bessel_derived_window(window_length: Any, beta: Any = 12.0, dtype: Any = float32,
                                 name: str | None = None) -> Tensor:
    """The square root of the running sum of a Kaiser window, and its mirror image: for the MDCT."""
    half = _length(window_length) // 2
    total = np.cumsum(_kaiser(half + 1, beta))
    rising = np.sqrt(total[:-1] / total[-1])
    return constant(np.concatenate([rising, rising[::-1]]).astype(as_dtype(dtype).np),
                    name=name or "kaiser_bessel_derived_window")


def vorbis_window(window_length: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """sin(pi/2 sin^2(pi (i + 1/2) / n)) (Vorbis I specification)."""
    length = _length(window_length)
    angle = np.pi / length * (np.arange(length) + 0.5)
    return constant(np.sin(np.pi / 2 * np.sin(angle) ** 2).astype(as_dtype(dtype).np), name=name or "vorbis_window")


WindowFunction = Callable[..., Any]
