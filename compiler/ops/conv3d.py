"""Convolution over three axes, [batch, depth, height, width, channels], and its gradients.

Attributes as for `conv2d`, but triples.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..dims import fresh
from ..dtypes import FLOATS
from ..errors import ShapeError
from ..ir import Tensor, TensorType
from ..shapes import format_dims
from .arguments import check_dtype, check_same_dtype
from .depthwise import bilinear, resolve, static_window
from .taps import correlate, filter_gradient, input_gradient
from .window import grouped

Attrs = dict[str, Any]


def _types(inputs: Sequence[Tensor], attrs: Attrs) -> list[TensorType]:
    x, w = inputs
    dtype = check_same_dtype("Conv3D", inputs)
    check_dtype("Conv3D", x, FLOATS)
    window = static_window("Conv3D", w.dims, 5)
    assert w.dims is not None
    if x.dims is None:
        return [TensorType(dtype, (*(fresh() for _ in range(4)), w.dims[4]))]
    _, sizes = resolve("Conv3D", x.dims, window, attrs)
    channels, expected = x.dims[4], w.dims[3]
    if isinstance(channels, int) and isinstance(expected, int) and channels != expected and not grouped(
            channels, expected, w.dims[4]):
        raise ShapeError(f"Conv3D: the input {format_dims(x.dims)} has depth {channels} (channels), the filter "
                         f"{format_dims(w.dims)} expects {expected}")
    return [TensorType(dtype, (x.dims[0], *sizes, w.dims[4]))]


conv3d, conv3d_input_grad, conv3d_filter_grad = bilinear(
    ("Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2"), _types,
    (correlate, input_gradient, filter_gradient))
