"""Convolution over three axes, [batch, depth, height, width, channels], and its gradients.

Composites: a sum of convolutions over two axes, one for each slice of the filter in depth. Attributes as for
`conv2d`, but triples.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add
from typing import Any

from ..dtypes import FLOATS
from ..errors import ShapeError
from ..ir import Tensor, TensorType
from ..shapes import Dims, format_dims
from .arguments import check_dtype, check_same_dtype
from .depthwise import bilinear, resolve, static_window
from .slicing import place, slice_axis, stack, strided_slice
from .symbolic import operand_dims, shape_operand
from .taps import correlate, filter_gradient, input_gradient
from .view import reshape
from .window import conv2d, conv2d_input_grad, conv2d_weight_grad

Attrs = dict[str, Any]


def _types(inputs: Sequence[Tensor], attrs: Attrs) -> list[TensorType]:
    x, w = inputs
    dtype = check_same_dtype("Conv3D", inputs)
    check_dtype("Conv3D", x, FLOATS)
    window = static_window("Conv3D", w.dims, 5)
    if x.dims is None:
        return [TensorType(dtype, None)]
    assert w.dims is not None
    _, sizes = resolve("Conv3D", x.dims, window, attrs)
    channels, expected = x.dims[4], w.dims[3]
    if isinstance(channels, int) and isinstance(expected, int) and channels != expected:
        raise ShapeError(f"Conv3D: the input {format_dims(x.dims)} has depth {channels} (channels), the filter "
                         f"{format_dims(w.dims)} expects {expected}")
    return [TensorType(dtype, (x.dims[0], *sizes, w.dims[4]))]


def _flat(attrs: Attrs) -> Attrs:
    """The attributes of the convolution over height and width."""
    padding = attrs["padding"]
    return {"strides": attrs["strides"][1:], "dilations": attrs["dilations"][1:],
            "padding": padding if isinstance(padding, str) else padding[1:]}


def _images(x: Tensor) -> Tensor:
    """Volumes as a longer batch of images."""
    assert x.dims is not None
    return reshape(x, (x.dims[0] * x.dims[1], *x.dims[2:]))


def _volumes(x: Tensor, n: Any, depth: Any) -> Tensor:
    assert x.dims is not None
    return reshape(x, (n, depth, *x.dims[1:]))


def _layers(x: Tensor, window: Sequence[int], attrs: Attrs) -> Iterator[Tensor]:
    """For each depth of the filter, the images that it reads."""
    pads, sizes = resolve("Conv3D", x.dims, window, attrs)
    assert x.dims is not None
    (before, after), (n, depth, *rest) = pads[0], x.dims
    if pads[0] != (0, 0):
        x = place(x, (n, before + depth + after, *rest), (0, before, 0, 0, 0))
    for i in range(window[0]):
        begin = (0, i * attrs["dilations"][0], 0, 0, 0)
        yield _images(strided_slice(x, begin, (n, sizes[0], *rest), (1, attrs["strides"][0], 1, 1, 1)))


def _slices(w: Tensor) -> list[Tensor]:
    assert w.dims is not None
    return [reshape(slice_axis(w, 0, i, 1), w.dims[1:]) for i in range(w.dims[0])]  # type: ignore[arg-type]


def _forward(x: Tensor, w: Tensor, **attrs: Any) -> Tensor:
    window = static_window("Conv3D", w.dims, 5)
    _, sizes = resolve("Conv3D", x.dims, window, attrs)
    terms = [conv2d(images, part, **_flat(attrs))
             for images, part in zip(_layers(x, window, attrs), _slices(w), strict=True)]
    assert x.dims is not None
    return _volumes(reduce(add, terms), x.dims[0], sizes[0])


def _input_gradient(dy: Tensor, w: Tensor, shape: Tensor, **attrs: Any) -> Tensor:
    dims, window = operand_dims(shape), static_window("Conv3DBackpropInputV2", w.dims, 5)
    pads, sizes = resolve("Conv3DBackpropInputV2", dims, window, attrs)
    assert dims is not None
    n, depth, *rest = dims
    before, after = pads[0]
    images = shape_operand((n * sizes[0], *rest))
    padded: Dims = (n, before + depth + after, *rest)
    terms = []
    for i, part in enumerate(_slices(w)):
        grads = _volumes(conv2d_input_grad(_images(dy), part, images, **_flat(attrs)), n, sizes[0])
        terms.append(place(grads, padded, (0, i * attrs["dilations"][0], 0, 0, 0), (1, attrs["strides"][0], 1, 1, 1)))
    return slice_axis(reduce(add, terms), 1, before, depth)


def _filter_gradient(x: Tensor, dy: Tensor, shape: Tensor, **attrs: Any) -> Tensor:
    dims = operand_dims(shape)
    window = static_window("Conv3DBackpropFilterV2", dims, 5)
    assert dims is not None
    grads, part = _images(dy), shape_operand(dims[1:])
    return stack([conv2d_weight_grad(images, grads, part, **_flat(attrs)) for images in _layers(x, window, attrs)])


conv3d, conv3d_input_grad, conv3d_filter_grad = bilinear(
    ("Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2"), _types,
    (correlate, input_gradient, filter_gradient), (_forward, _input_gradient, _filter_gradient))
