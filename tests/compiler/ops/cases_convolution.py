"""Depthwise and three-dimensional convolution against sums over windows."""
from __future__ import annotations

from typing import Any

import numpy as np
from example import case, floats
from graphflow.compiler.ops import conv3d, depthwise, view


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
        ((4, 5), (3, 2), 1, (1, 1), "SAME", (1, 1)), ((5, 6), (3, 3), 2, (2, 2), "SAME", (1, 1)),
        ((5, 4), (2, 2), 1, (1, 1), "VALID", (2, 2)), ((4, 4), (2, 2), 2, (3, 3), "VALID", (1, 1)),
        ((3, 4), (2, 2), 1, (1, 2), ((1, 2), (2, 0)), (1, 1)), ((3, 3), (1, 1), 3, (1, 1), "SAME", (1, 1))):
    _x, _w = floats((2, *_size, 2)), floats((*_window, 2, _multiplier), seed=1)
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
