"""Convolution with TensorFlow 1's arguments, over one, two or three axes. Channels-first data is transposed there and
back."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .arguments import renamed
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops import conv3d as volumes
from .compiler.ops import window as images
from .compiler.ops.arguments import convert_all
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.slicing import concat
from .compiler.ops.symbolic import operand_dims, shape_operand
from .compiler.ops.view import expand_dims, known_rank, shape_of, squeeze, transpose
from .framework import name_scope
from .windows import as_images, as_series, channels_first, in_channels_last, padding_argument, shape_in_channels_last
from .windows import spatial as spatial_sizes

# spatial axes -> (forward, gradient for the input, gradient for the filter)
_OPS = {2: (images.conv2d, images.conv2d_input_grad, images.conv2d_weight_grad),
        3: (volumes.conv3d, volumes.conv3d_input_grad, volumes.conv3d_filter_grad)}


def _attributes(op: str, strides: Any, padding: Any, dilations: Any, axes: int, first: bool) -> dict[str, Any]:
    return {"strides": spatial_sizes(op, "strides", strides, axes, first),
            "padding": padding_argument(op, padding, axes, first),
            "dilations": spatial_sizes(op, "dilations", dilations, axes, first)}


def _forward(op: str, input: Any, filters: Any, strides: Any, padding: Any, data_format: str | None, dilations: Any,
             axes: int, name: str | None) -> Tensor:
    first = channels_first(op, data_format, axes)
    if filters is None:
        raise ValueError(f"{op}: the filter must be given")
    x, w = convert_all(op, (input, filters))
    attributes = _attributes(op, strides, padding, dilations, axes, first)
    compute = _OPS[axes][0]
    return in_channels_last(x, axes, first, name, lambda x, name: compute(x, w, **attributes, name=name))  # type: ignore[operator]


def _transposed(op: str, value: Any, filters: Any, output_shape: Any, strides: Any, padding: Any,
                data_format: str | None, dilations: Any, axes: int, name: str | None) -> Tensor:
    """The gradient of a convolution for its input, of `output_shape`."""
    first = channels_first(op, data_format, axes)
    x, w = convert_all(op, (value, filters))
    attributes = _attributes(op, strides, padding, dilations, axes, first)
    shape = shape_in_channels_last(output_shape, axes, first)
    dims = operand_dims(shape)
    if dims is None or len(dims) != axes + 2 or w.dims is None or len(w.dims) != axes + 2:
        raise ShapeError(f"{op}: output_shape must have {axes + 2} elements and the filter rank {axes + 2}, received "
                         f"{output_shape!r} and {w.shape}")
    channels, given = dims[-1], w.dims[-2]
    if channels != given and isinstance(channels, int) and isinstance(given, int):
        raise ShapeError(f"{op}: output_shape has {channels} channels, the filter {w.shape} gives {given}")
    depth, expected = (None if x.dims is None else x.dims[1 if first else -1]), w.dims[-1]
    if depth != expected and isinstance(depth, int) and isinstance(expected, int):
        raise ShapeError(f"{op}: Dimensions must be equal, but are {depth} and {expected}: the input {x.shape} has "
                         f"{depth} channels, the filter {w.shape} takes {expected}")
    compute = _OPS[axes][1]
    return in_channels_last(x, axes, first, name, lambda x, name: compute(x, w, shape, **attributes, name=name))


def _filter_gradient(op: str, input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any,
                     data_format: str | None, dilations: Any, axes: int, name: str | None) -> Tensor:
    first = channels_first(op, data_format, axes)
    x, dy = convert_all(op, (input, out_backprop))
    attributes = _attributes(op, strides, padding, dilations, axes, first)
    if first:
        x, dy = (transpose(t, (0, *range(2, axes + 2), 1)) for t in (x, dy))
    return _OPS[axes][2](x, dy, shape_operand(filter_sizes), **attributes, name=name)


# two axes


def conv2d(input: Any, filter: Any = None, strides: Any = None, padding: Any = None, use_cudnn_on_gpu: bool = True,
           data_format: str | None = "NHWC", dilations: Any = (1, 1, 1, 1), name: str | None = None,
           filters: Any = None) -> Tensor:
    """Cross-correlation of images [batch, height, width, in] with `filter` [height, width, in, out].

    `padding` is "SAME", "VALID" or (before, after) for each axis. "NCHW" images are [batch, in, height, width]. A
    filter whose depth divides the images' convolves the channels in groups.
    """
    return _forward("Conv2D", input, renamed("filter", filter, "filters", filters), strides, padding, data_format,
                    dilations, 2, name)


def conv2d_transpose(value: Any = None, filter: Any = None, output_shape: Any = None, strides: Any = None,
                     padding: str = "SAME", data_format: str = "NHWC", name: str | None = None, input: Any = None,
                     filters: Any = None, dilations: Any = None) -> Tensor:
    """The gradient of `conv2d` for its input: `value` spread by `filter` [height, width, out, in] to `output_shape`."""
    return _transposed("conv2d_transpose", renamed("value", value, "input", input),
                       renamed("filter", filter, "filters", filters), output_shape, strides, padding, data_format,
                       dilations, 2, name or "conv2d_transpose")


def conv2d_backprop_input(input_sizes: Any, filter: Any = None, out_backprop: Any = None, strides: Any = None,
                          padding: Any = None, use_cudnn_on_gpu: bool = True, data_format: str = "NHWC",
                          dilations: Any = (1, 1, 1, 1), name: str | None = None, filters: Any = None) -> Tensor:
    """The gradient of `conv2d` for its input, of shape `input_sizes`, from that of its output."""
    return _transposed("Conv2DBackpropInput", out_backprop, renamed("filter", filter, "filters", filters), input_sizes,
                       strides, padding, data_format, dilations, 2, name)


def conv2d_backprop_filter(input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any,
                           use_cudnn_on_gpu: bool = True, data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1),
                           name: str | None = None) -> Tensor:
    """The gradient of `conv2d` for its filter, of shape `filter_sizes`, from that of its output."""
    return _filter_gradient("Conv2DBackpropFilter", input, filter_sizes, out_backprop, strides, padding, data_format,
                            dilations, 2, name)


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: str, name: str | None = None) -> Tensor:
    """`conv2d` whose filter taps are `rate` pixels apart."""
    return conv2d(value, filters, 1, padding, dilations=rate, name=name)


def atrous_conv2d_transpose(value: Any, filters: Any, output_shape: Any, rate: int, padding: str,
                            name: str | None = None) -> Tensor:
    """The gradient of `atrous_conv2d` for its input."""
    return conv2d_transpose(value, filters, output_shape, 1, padding, dilations=rate,
                            name=name or "atrous_conv2d_transpose")


# one axis: images of height 1


def conv1d(value: Any = None, filters: Any = None, stride: Any = None, padding: Any = None,
           use_cudnn_on_gpu: bool | None = None, data_format: str | None = None, name: str | None = None,
           input: Any = None, dilations: Any = None) -> Tensor:
    """Cross-correlation of series [batch, width, in] ([batch, in, width] for "NCW") with [width, in, out]."""
    x, w = convert_all("conv1d", (renamed("value", value, "input", input), filters))
    first = channels_first("conv1d", data_format, 1)
    attributes = _flat_attributes("conv1d", stride, padding, dilations, first)
    with name_scope(name, "conv1d", [x]):
        return in_channels_last(x, 1, first, None, lambda x, name: as_series(
            images.conv2d(as_images(x), expand_dims(w, 0), **attributes)))


def _flat_attributes(op: str, strides: Any, padding: Any, dilations: Any, first: bool) -> dict[str, Any]:
    given = _attributes(op, strides, padding, dilations, 1, first)
    pads = given["padding"]
    return {"strides": (1, *given["strides"]), "dilations": (1, *given["dilations"]),
            "padding": pads if isinstance(pads, str) else ((0, 0), *pads)}


def conv1d_transpose(input: Any, filters: Any, output_shape: Any, strides: Any, padding: str = "SAME",
                     data_format: str = "NWC", dilations: Any = None, name: str | None = None) -> Tensor:
    """The gradient of `conv1d` for its input: `input` spread by `filters` [width, out, in] to `output_shape`."""
    x, w = convert_all("conv1d_transpose", (input, filters))
    first = channels_first("conv1d_transpose", data_format, 1)
    attributes = _flat_attributes("conv1d_transpose", strides, padding, dilations, first)
    with name_scope(name, "conv1d_transpose", [x]):
        shape = shape_in_channels_last(output_shape, 1, first)
        wide = concat([shape[:1], convert_to_tensor([1], shape.dtype), shape[1:]], 0)
        return in_channels_last(x, 1, first, None, lambda x, name: squeeze(
            images.conv2d_input_grad(as_images(x), expand_dims(w, 0), wide, **attributes), [1]))


# three axes


def conv3d(input: Any, filter: Any = None, strides: Any = None, padding: Any = None, data_format: str = "NDHWC",
           dilations: Any = (1, 1, 1, 1, 1), name: str | None = None, filters: Any = None) -> Tensor:
    """Cross-correlation of volumes [batch, depth, height, width, in] with [depth, height, width, in, out]."""
    return _forward("Conv3D", input, renamed("filter", filter, "filters", filters), strides, padding, data_format,
                    dilations, 3, name)


def conv3d_transpose(value: Any, filter: Any = None, output_shape: Any = None, strides: Any = None,
                     padding: str = "SAME", data_format: str = "NDHWC", name: str | None = None, input: Any = None,
                     filters: Any = None, dilations: Any = None) -> Tensor:
    """The gradient of `conv3d` for its input, of shape `output_shape`."""
    return _transposed("conv3d_transpose", renamed("value", value, "input", input),
                       renamed("filter", filter, "filters", filters), output_shape, strides, padding, data_format,
                       dilations, 3, name or "conv3d_transpose")


def conv3d_backprop_filter(input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any,
                           data_format: str = "NDHWC", dilations: Any = (1, 1, 1, 1, 1),
                           name: str | None = None) -> Tensor:
    """The gradient of `conv3d` for its filter, of shape `filter_sizes`, from that of its output."""
    return _filter_gradient("Conv3DBackpropFilterV2", input, filter_sizes, out_backprop, strides, padding, data_format,
                            dilations, 3, name)


conv3d_backprop_filter_v2 = conv3d_backprop_filter


# any number of axes


def _axes(op: str, filters: Any) -> int:
    rank = convert_to_tensor(filters).shape.rank
    if rank not in (3, 4, 5):
        raise ValueError(f"{op}: the filter must have rank 3, 4 or 5, received {rank}")
    return rank - 2


def convolution(input: Any, filter: Any, padding: Any, strides: Any = None, dilation_rate: Any = None,
                name: str | None = None, data_format: str | None = None, filters: Any = None,
                dilations: Any = None) -> Tensor:
    """Cross-correlation over as many spatial axes (1 to 3) as the filter has."""
    w = renamed("filter", filter, "filters", filters)
    spread = renamed("dilation_rate", dilation_rate, "dilations", dilations)
    axes = _axes("convolution", w)
    if axes == 1:
        return conv1d(input, w, strides, padding, data_format=data_format, name=name, dilations=spread)
    return _forward("convolution", input, w, strides, padding, data_format, spread, axes, name or "convolution")


def conv_transpose(input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME",
                   data_format: str | None = None, dilations: Any = None, name: str | None = None) -> Tensor:
    """The gradient of `convolution` for its input, of shape `output_shape`."""
    axes = _axes("conv_transpose", filters)
    if axes == 1:
        return conv1d_transpose(input, filters, output_shape, strides, padding, data_format or "NWC", dilations,
                                name or "conv_transpose")
    return _transposed("conv_transpose", input, filters, output_shape, strides, padding, data_format, dilations, axes,
                       name or "conv_transpose")


def conv(input: Any, filter: Any, strides: Any, padding: str, explicit_paddings: Sequence[int] = (),
         data_format: str = "CHANNELS_LAST", dilations: Any = (), batch_dims: int = 1, groups: int = 1,
         name: str | None = None) -> Tensor:
    """`conv2d` or `conv3d` by the rank of the input; `strides` and `dilations` have an element for each of its axes.

    `explicit_paddings`, for padding "EXPLICIT": before and after, for each axis in turn. Raises ValueError for another
    rank or data format and for more than one batch axis.
    """
    x = convert_to_tensor(input)
    rank = len(known_rank("Conv", x))
    if rank not in (4, 5) or batch_dims != 1 or data_format not in ("CHANNELS_LAST", "CHANNELS_FIRST"):
        raise ValueError("Conv: input must have 1 batch axis and 2 or 3 spatial ones, the data format be CHANNELS_LAST "
                         f"or CHANNELS_FIRST; received {x!r}, batch_dims={batch_dims}, data_format={data_format!r}")
    for what, given in (("Stride", strides), ("Dilations", dilations or [1] * rank)):
        if len(given) != rank:
            raise ValueError(f"{what} attribute should contain {rank} values, but got: {len(given)}")
    formats = {4: ("NHWC", "NCHW"), 5: ("NDHWC", "NCDHW")}[rank]
    return (conv2d if rank == 4 else conv3d)(
        x, filter, list(strides), _explicit(padding, explicit_paddings),
        data_format=formats[data_format == "CHANNELS_FIRST"],
        dilations=list(dilations or [1] * rank), name=name or "Conv")


def _explicit(padding: Any, explicit_paddings: Sequence[int]) -> Any:
    pairs = [list(explicit_paddings[i:i + 2]) for i in range(0, len(explicit_paddings), 2)]
    return pairs if padding == "EXPLICIT" else padding


def conv2d_backprop_filter_v2(input: Any, filter: Any, out_backprop: Any, strides: Any, padding: str,
                              use_cudnn_on_gpu: bool = True, explicit_paddings: Sequence[int] = (),
                              data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1),
                              name: str | None = None) -> Tensor:
    """The gradient of `conv2d` for its filter, which gives its shape."""
    return conv2d_backprop_filter(input, shape_of(convert_to_tensor(filter)), out_backprop, strides,
                                  _explicit(padding, explicit_paddings), use_cudnn_on_gpu, data_format, dilations, name)


def conv2d_backprop_input_v2(input: Any, filter: Any, out_backprop: Any, strides: Any, padding: str,
                             use_cudnn_on_gpu: bool = True, explicit_paddings: Sequence[int] = (),
                             data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1),
                             name: str | None = None) -> Tensor:
    """The gradient of `conv2d` for its input, which gives its shape."""
    return conv2d_backprop_input(shape_of(convert_to_tensor(input)), filter, out_backprop, strides,
                                 _explicit(padding, explicit_paddings), use_cudnn_on_gpu, data_format, dilations, name)
