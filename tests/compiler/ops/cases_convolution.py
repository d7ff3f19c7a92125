"""Depthwise and three-dimensional convolution against sums over windows; pooling on the host; standardized batches."""
from __future__ import annotations

from typing import Any

import numpy as np
from example import case, distinct, floats
from graphflow.compiler.dtypes import int64
from graphflow.compiler.ops import conv3d, depthwise, view
from graphflow.compiler.ops import pooling_host as host
from graphflow.compiler.ops.constant import constant
from graphflow.compiler.ops.standardize import standardize


def _patches(x: np.ndarray, window: Any, strides: Any, padding: Any, dilations: Any) -> np.ndarray:
    """[batch, windows..., taps..., channels] of the padded input."""
    pads = []
    for size, k, s, d in zip(x.shape[1:-1], window, strides, dilations, strict=True):
        total = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0) if padding == "SAME" else 0
        pads.append((total // 2, total - total // 2))
    padded = np.pad(x, ((0, 0), *(pads if isinstance(padding, str) else padding), (0, 0)))
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilations, strict=True)]
    axes = tuple(range(1, x.ndim - 1))
    views = np.lib.stride_tricks.sliding_window_view(padded, reach, axes)  # [n, windows..., channels, taps...]
    picked = views[(slice(None), *(slice(None, None, s) for s in strides), slice(None),
                    *(slice(None, None, d) for d in dilations))]
    return np.moveaxis(picked, x.ndim - 1, -1)


def _depthwise(x: np.ndarray, w: np.ndarray, **options: Any) -> np.ndarray:
    y = np.einsum("nhwijc,ijcm->nhwcm", _patches(x, w.shape[:2], **options), w)
    return y.reshape(*y.shape[:3], -1)


for _size, _window, _multiplier, _strides, _padding, _dilations in (
        ((4, 5, 2), (3, 2), 1, (1, 1), "SAME", (1, 1)), ((5, 6, 2), (3, 3), 2, (2, 2), "SAME", (1, 1)),
        ((5, 4, 2), (2, 2), 1, (1, 1), "VALID", (2, 2)), ((4, 4, 2), (2, 2), 2, (3, 3), "VALID", (1, 1)),
        ((3, 4, 2), (2, 2), 1, (1, 2), ((1, 2), (2, 0)), (1, 1)), ((3, 3, 2), (1, 1), 3, (1, 1), "SAME", (1, 1)),
        ((4, 3, 1), (2, 3), 3, (2, 1), "SAME", (1, 1))):
    _x, _w = floats((2, *_size)), floats((*_window, _size[2], _multiplier), seed=1)
    _o: dict[str, Any] = {"strides": _strides, "padding": _padding, "dilations": _dilations}
    _y = floats(_depthwise(_x, _w, **_o).shape, seed=2)
    case("DepthwiseConv2dNative", lambda x, w, o=_o: depthwise.depthwise_conv2d(x, w, **o), _x, _w,
         expect=lambda x, w, o=_o: _depthwise(x, w, **o), static=(1,), second=_multiplier == 2)
    case("DepthwiseConv2dNativeBackpropInput",
         lambda dy, w, x, o=_o: depthwise.depthwise_input_grad(dy, w, view.shape_of(x), **o), _y, _w, _x, static=(1, 2))
    case("DepthwiseConv2dNativeBackpropFilter",
         lambda x, dy, w, o=_o: depthwise.depthwise_filter_grad(x, dy, view.shape_of(w), **o), _x, _y, _w, static=(2,))

for _window, _strides, _padding, _dilations in (
        ((2, 2, 2), (1, 1, 1), "SAME", (1, 1, 1)), ((2, 1, 2), (2, 1, 2), "VALID", (1, 1, 1)),
        ((2, 2, 1), (1, 2, 1), ((1, 0), (0, 1), (0, 0)), (2, 1, 1))):
    _x, _w = floats((2, 3, 3, 2, 2)), floats((*_window, 2, 2), seed=1)
    _o = {"strides": _strides, "padding": _padding, "dilations": _dilations}

    def _volume(x: np.ndarray, w: np.ndarray, o: Any = _o) -> np.ndarray:
        return np.einsum("ndhwijkc,ijkco->ndhwo", _patches(x, w.shape[:3], **o), w)

    _y = floats(_volume(_x, _w).shape, seed=2)
    case("Conv3D", lambda x, w, o=_o: conv3d.conv3d(x, w, **o), _x, _w, expect=_volume, static=(1,))
    case("Conv3DBackpropInputV2", lambda dy, w, x, o=_o: conv3d.conv3d_input_grad(dy, w, view.shape_of(x), **o),
         _y, _w, _x, static=(1, 2))
    case("Conv3DBackpropFilterV2", lambda x, dy, w, o=_o: conv3d.conv3d_filter_grad(x, dy, view.shape_of(w), **o),
         _x, _y, _w, static=(2,))


# pooling that says where, or over regions of random size


def _argmax(x: np.ndarray, window: Any, strides: Any, padding: str) -> tuple[np.ndarray, np.ndarray]:
    n, height, width, channels = x.shape
    rows, columns = ((d - k) // s + 1 for d, k, s in zip((height, width), window, strides, strict=True))
    values, places = np.zeros((n, rows, columns, channels), x.dtype), np.zeros((n, rows, columns, channels), np.int64)
    for i in range(rows):
        for j in range(columns):
            for b in range(n):
                for c in range(channels):
                    top, left = i * strides[0], j * strides[1]
                    part = x[b, top:top + window[0], left:left + window[1], c]
                    y, z = np.unravel_index(part.argmax(), part.shape)
                    values[b, i, j, c] = part.max()
                    places[b, i, j, c] = ((top + y) * width + left + z) * channels + c
    return values, places


for _window, _strides in (((2, 2), (2, 2)), ((2, 3), (1, 2))):
    case("MaxPoolWithArgmax", lambda x, k=_window, s=_strides: list(host.max_pool_with_argmax.operation(
        x, window=k, strides=s, padding="VALID", argmax_type=int64, include_batch=False).outputs),
         distinct((2, 4, 5, 2)), expect=lambda x, k=_window, s=_strides: _argmax(x, k, s, "VALID"), known_rank=True)

for _overlapping in (False, True):
    _f: dict[str, Any] = {"ratio": (1.5, 1.4), "pseudo_random": True, "overlapping": _overlapping, "rng": 7}
    case("FractionalMaxPool", lambda x, f=_f: list(host.fractional_max_pool.operation(x, **f).outputs),
         distinct((2, 6, 7, 2)), known_rank=True)
    case("FractionalAvgPool", lambda x, f=_f: list(host.fractional_avg_pool.operation(x, **f).outputs),
         floats((2, 6, 7, 2)), known_rank=True)
    case("FractionalPoolGrad", lambda x, y, dy, o=_overlapping: host.fractional_pool_grad(
        x, y, dy, constant(np.array([0, 2, 4])), constant(np.array([0, 1, 3])), overlapping=o, mean=True),
         floats((1, 4, 3, 2)), floats((1, 2, 2, 2)), floats((1, 2, 2, 2)), grad=False)

for _shape, _scale, _axis in (((2, 3, 2, 3), (3,), (0, 1, 2)), ((4, 3), (1, 3), (0,)), ((3, 2, 4), (2, 1), (0, 2))):
    case("Standardize", lambda x, scale, a=_axis: standardize.operation(x, scale, axis=a, epsilon=0.01).outputs,
         floats(_shape), floats(_scale, 0.5, 2.0, seed=1), second=len(_shape) == 2)
case("Standardize", lambda x: standardize.operation(x, axis=(0,), epsilon=0.01).outputs, floats((5, 2)))
