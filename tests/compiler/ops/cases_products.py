"""Cases of matrix products, convolution and pooling."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from example import case, distinct, floats, ints
from graphflow.compiler.ops import contraction, view, window
from graphflow.compiler.ops.constant import constant

# products and windows

for _a, _b, _ta, _tb in (((3, 4), (4, 5), False, False), ((4, 3), (4, 5), True, False), ((3, 4), (5, 4), False, True),
                         ((4, 3), (5, 4), True, True), ((2, 3, 4), (2, 4, 2), False, False),
                         ((2, 3, 4), (4, 2), False, False), ((3, 4), (2, 5, 4), False, True),
                         ((2, 1, 3, 4), (1, 5, 4, 1), False, False), ((2, 4, 3), (1, 5, 4), True, True),
                         ((0, 3), (3, 2), False, False), ((2, 0), (0, 3), False, False),
                         ((1, 1), (1, 1), False, False)):
    case("MatMul", lambda x, y, p=_ta, q=_tb: contraction.matmul(x, y, p, q), floats(_a), floats(_b, seed=1),
         expect=lambda x, y, p=_ta, q=_tb: np.matmul(x.swapaxes(-1, -2) if p else x, y.swapaxes(-1, -2) if q else y),
         second=_a == (4, 3))
case("MatMul", contraction.matmul, ints((2, 3)), ints((3, 2), seed=1), expect=np.matmul)
for _axes in (1, 2, 0, [[0, 1], [1, 0]], [[-1], [0]]):
    case("MatMul", lambda x, y, a=_axes: contraction.tensordot(x, y, a), floats((3, 3)), floats((3, 3), seed=1),
         expect=lambda x, y, a=_axes: np.tensordot(x, y, a), known_rank=True)


def _windows(x: np.ndarray, height: int, width: int, strides: Any, padding: Any, dilations: Any = (1, 1),
             fill: float = 0.0) -> Iterable[tuple[int, int, np.ndarray]]:
    """(row, column, patch [batch, height, width, channels]) of each window, by the definition."""
    pads = []
    for size, k, s, d in zip(x.shape[1:3], (height, width), strides, dilations, strict=True):
        total = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0) if padding == "SAME" else 0
        pads.append((total // 2, total - total // 2))
    if not isinstance(padding, str):
        pads = [tuple(p) for p in padding]
    padded = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    rows, cols = ((padded.shape[1 + a] - (k - 1) * d - 1) // s + 1
                  for a, (k, s, d) in enumerate(zip((height, width), strides, dilations, strict=True)))
    for i in range(max(rows, 0)):
        for j in range(max(cols, 0)):
            top, left = i * strides[0], j * strides[1]
            yield i, j, padded[:, top:top + (height - 1) * dilations[0] + 1:dilations[0],
                               left:left + (width - 1) * dilations[1] + 1:dilations[1]]


def _grid(patches: Iterable[tuple[int, int, np.ndarray]], reduce: Callable[..., Any]) -> np.ndarray:
    found = {(i, j): reduce(p) for i, j, p in patches}
    rows, cols = (max(k[a] for k in found) + 1 for a in (0, 1))
    return np.stack([np.stack([found[i, j] for j in range(cols)], 1) for i in range(rows)], 1)


def _conv(x: np.ndarray, w: np.ndarray, strides: Any, padding: Any, dilations: Any) -> np.ndarray:
    return _grid(_windows(x, w.shape[0], w.shape[1], strides, padding, dilations), lambda p: np.tensordot(p, w, 3))


for _size, _window, _strides, _padding, _dilations in (
        ((4, 5), (3, 3), (1, 1), "SAME", (1, 1)), ((4, 5), (3, 2), (1, 1), "VALID", (1, 1)),
        ((5, 6), (3, 3), (2, 2), "SAME", (1, 1)), ((5, 6), (2, 3), (2, 1), "VALID", (1, 1)),
        ((6, 6), (2, 2), (1, 1), "SAME", (2, 2)), ((4, 4), (2, 2), (3, 3), "VALID", (1, 1)),
        ((3, 4), (3, 3), (1, 2), ((1, 0), (2, 1)), (1, 1)), ((1, 1), (1, 1), (1, 1), "SAME", (1, 1))):
    _x, _w = floats((2, *_size, 2)), floats((*_window, 2, 3), seed=1)
    _options: dict[str, Any] = {"strides": _strides, "padding": _padding, "dilations": _dilations}
    case("Conv2D", partial(window.conv2d, **_options), _x, _w, expect=partial(_conv, **_options), static=(1,))
    _y = _conv(_x, _w, **_options)
    case("Conv2DBackpropInput", lambda dy, w, x, o=_options: window.conv2d_input_grad(dy, w, view.shape_of(x), **o),
         floats(_y.shape, seed=2), _w, _x, static=(1, 2))
    case("Conv2DBackpropFilter", lambda x, dy, w, o=_options: window.conv2d_weight_grad(x, dy, view.shape_of(w), **o),
         _x, floats(_y.shape, seed=2), _w, static=(2,))
def _like(tensor: Any, *arrays: np.ndarray) -> list[Any]:
    return [constant(a.astype(tensor.dtype.np)) for a in arrays]


for _size, _window, _strides, _padding in (((4, 4), (2, 2), (2, 2), "VALID"), ((5, 4), (3, 2), (2, 2), "SAME"),
                                           ((4, 5), (3, 3), (1, 1), "SAME"), ((3, 3), (3, 3), (1, 1), "VALID")):
    _x = distinct((2, *_size, 2))
    case("MaxPool", partial(window.max_pool, ksize=_window, strides=_strides, padding=_padding), _x,
         expect=lambda x, k=_window, s=_strides, p=_padding: _grid(_windows(x, *k, s, p, fill=-np.inf),
                                                                   lambda a: a.max((1, 2))))
    case("AvgPool", partial(window.avg_pool, ksize=_window, strides=_strides, padding=_padding), _x,
         expect=lambda x, k=_window, s=_strides, p=_padding: _grid(_windows(x, *k, s, p, fill=np.nan),
                                                                   lambda a: np.nanmean(a, (1, 2))), second=True)
    _o: dict[str, Any] = {"window": _window, "strides": _strides, "padding": _padding}
    _y = _grid(_windows(_x, *_window, _strides, _padding, fill=-np.inf), lambda a: a.max((1, 2)))
    case("AvgPoolGrad", lambda dy, x, o=_o: window.avg_pool_grad(dy, view.shape_of(x), **o), floats(_y.shape), _x,
         static=(1,))
    # linear in their last input alone
    case("MaxPoolGrad", lambda dy, o=_o, x=_x, y=_y: window.max_pool_grad(*_like(dy, x, y), dy, **o), floats(_y.shape))
    case("MaxPoolGradGrad", lambda v, o=_o, x=_x, y=_y: window.max_pool_pick(*_like(v, x, y), v, **o), floats(_x.shape))
