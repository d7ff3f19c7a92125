"""Windows of any number of spatial axes over [batch, ..., channels], for NumPy references: see compiler/window.py."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import window as geometry

Attrs = dict[str, Any]


def resolved(x_shape: Sequence[int], window: Sequence[int], attrs: Attrs) -> Any:
    """(pads, output sizes) of the spatial axes."""
    return geometry.resolve(attrs["padding"], x_shape[1:-1], window, attrs["strides"], attrs.get("dilations"))


def taps(x_shape: Sequence[int], window: Sequence[int], attrs: Attrs) -> Iterator[tuple[tuple[int, ...], Any]]:
    """For each window tap: its index, and the slices of the padded input that it reads."""
    _, sizes = resolved(x_shape, window, attrs)
    dilations = attrs.get("dilations") or (1,) * len(window)
    for index in np.ndindex(*window):
        yield index, (slice(None), *(slice(i * d, i * d + (n - 1) * s + 1 if n else 0, s) for i, d, n, s in zip(
            index, dilations, sizes, attrs["strides"], strict=True)))


def padded(x: np.ndarray, window: Sequence[int], attrs: Attrs, value: float = 0) -> np.ndarray:
    pads, _ = resolved(x.shape, window, attrs)
    return np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=value)


def unpadded(x: np.ndarray, x_shape: Sequence[int], window: Sequence[int], attrs: Attrs) -> np.ndarray:
    pads, _ = resolved(x_shape, window, attrs)
    inner = (slice(before, before + size) for (before, _), size in zip(pads, x_shape[1:-1], strict=True))
    return np.ascontiguousarray(x[(slice(None), *inner)])


def _groups(channels: int, w_channels: int, *operands: np.ndarray) -> list[list[np.ndarray]]:
    """The operands' parts for each group of channels, split along their last axis."""
    return [np.split(x, channels // w_channels if w_channels else 1, -1) for x in operands]


def correlate(x: np.ndarray, w: np.ndarray, **attrs: Any) -> np.ndarray:
    """The cross-correlation of [batch, ..., in] with [..., in / groups, out]."""
    window = w.shape[:-2]
    sizes = resolved(x.shape, window, attrs)[1]
    results = []
    for part, v in zip(*_groups(x.shape[-1], w.shape[-2], padded(x, window, attrs), w), strict=True):
        y = np.zeros((x.shape[0], *sizes, v.shape[-1]), x.dtype)
        for index, tap in taps(x.shape, window, attrs):
            y += part[tap] @ v[index]
        results.append(y)
    return np.concatenate(results, -1)


def input_gradient(dy: np.ndarray, w: np.ndarray, shape: np.ndarray, **attrs: Any) -> np.ndarray:
    dims, window = tuple(int(d) for d in shape), w.shape[:-2]
    results = []
    for part, v in zip(*_groups(dims[-1], w.shape[-2], dy, w), strict=True):
        own = (*dims[:-1], w.shape[-2])
        dx = np.zeros_like(padded(np.zeros(own, dy.dtype), window, attrs))
        for index, tap in taps(own, window, attrs):
            dx[tap] += part @ v[index].T
        results.append(unpadded(dx, own, window, attrs))
    return np.concatenate(results, -1)


def filter_gradient(x: np.ndarray, dy: np.ndarray, shape: np.ndarray, **attrs: Any) -> np.ndarray:
    dims = tuple(int(d) for d in shape)
    window, axes = dims[:-2], tuple(range(x.ndim - 1))
    results = []
    for source, part in zip(*_groups(x.shape[-1], dims[-2], padded(x, window, attrs), dy), strict=True):
        dw = np.zeros((*dims[:-1], part.shape[-1]), x.dtype)
        for index, tap in taps(x.shape, window, attrs):
            dw[index] = np.tensordot(source[tap], part, (axes, axes))
        results.append(dw)
    return np.concatenate(results, -1)
