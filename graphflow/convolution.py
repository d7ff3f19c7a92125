"""Convolution and pooling with TensorFlow 1's arguments. Channels-first data is transposed there and back."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .arguments import renamed
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops import window
from .compiler.ops.arguments import convert_all
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.symbolic import operand_dims, shape_operand
from .compiler.ops.view import expand_dims, identity, squeeze, transpose
from .framework import name_scope

TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def _spatial(op: str, what: str, value: Any, data_format: str) -> tuple[int, int]:
    """The two spatial entries of an argument given for one, two or all four axes."""
    items = [int(v) for v in value] if hasattr(value, "__iter__") else [int(value)]
    if len(items) == 4 and data_format == "NCHW":
        items = [items[0], items[2], items[3], items[1]]
    if len(items) == 4 and (items[0], items[3]) != (1, 1):
        raise ValueError(f"{op}: {what} in the batch and depth dimensions must be 1, received {value!r}")
    return window.pair(op, what, items)


def _padding(padding: Any, data_format: str) -> Any:
    if isinstance(padding, str) or len(padding) != 4:
        return padding
    return [padding[2], padding[3]] if data_format == "NCHW" else [padding[1], padding[2]]


def _format(op: str, data_format: str | None) -> str:
    chosen = data_format or "NHWC"
    if chosen not in ("NHWC", "NCHW"):
        raise ValueError(f"{op}: data_format must be 'NHWC' or 'NCHW', received {data_format!r}")
    return chosen


def _channels_last(x: Tensor, data_format: str, name: str | None, compute: Callable[..., Tensor]) -> Tensor:
    """`compute(x, name=...)` of images in either layout."""
    if data_format == "NHWC":
        return compute(x, name=name)
    return transpose(compute(transpose(x, TO_LAST), name=None), TO_FIRST, name=name or "transpose")


def conv2d(input: Any, filter: Any = None, strides: Any = None, padding: Any = None, use_cudnn_on_gpu: bool = True,
           data_format: str | None = "NHWC", dilations: Any = (1, 1, 1, 1), name: str | None = None,
           filters: Any = None) -> Tensor:
    """Cross-correlation of images [batch, height, width, in] with `filter` [height, width, in, out].

    `padding` is "SAME", "VALID" or (before, after) for each axis. "NCHW" images are [batch, in, height, width].
    """
    layout = _format("Conv2D", data_format)
    weights = renamed("filter", filter, "filters", filters)
    if weights is None or padding is None:
        raise ValueError("conv2d: filter and padding must be given")
    x, w = convert_all("Conv2D", (input, weights))
    steps = _spatial("Conv2D", "strides", 1 if strides is None else strides, layout)
    spread = _spatial("Conv2D", "dilations", 1 if dilations is None else dilations, layout)
    return _channels_last(x, layout, name, lambda x, name: window.conv2d(
        x, w, steps, _padding(padding, layout), spread, name=name))


def conv2d_transpose(value: Any = None, filter: Any = None, output_shape: Any = None, strides: Any = None,
                     padding: str = "SAME", data_format: str = "NHWC", name: str | None = None, input: Any = None,
                     filters: Any = None, dilations: Any = None) -> Tensor:
    """The gradient of `conv2d` for its input: `value` spread by `filter` [height, width, out, in] to `output_shape`."""
    layout = _format("conv2d_transpose", data_format)
    x, w = convert_all("conv2d_transpose", (renamed("value", value, "input", input),
                                            renamed("filter", filter, "filters", filters)))
    steps = _spatial("conv2d_transpose", "strides", 1 if strides is None else strides, layout)
    spread = _spatial("conv2d_transpose", "dilations", 1 if dilations is None else dilations, layout)
    dims = operand_dims(shape_operand(output_shape))
    if dims is None or len(dims) != 4 or w.dims is None or len(w.dims) != 4:
        raise ShapeError(f"conv2d_transpose: output_shape must have 4 elements and the filter rank 4, received "
                         f"{output_shape!r} and {w.shape}")
    sizes = tuple(dims[a] for a in TO_LAST) if layout == "NCHW" else dims
    if sizes[3] != w.dims[2] and isinstance(sizes[3], int) and isinstance(w.dims[2], int):
        raise ShapeError(f"conv2d_transpose: output_shape has {sizes[3]} channels, the filter {w.shape} gives "
                         f"{w.dims[2]}")
    return _channels_last(x, layout, name or "conv2d_transpose", lambda x, name: window.conv2d_input_grad(
        x, w, shape_operand(sizes), strides=steps, padding=padding.upper(), dilations=spread, name=name))


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: str, name: str | None = None) -> Tensor:
    """`conv2d` whose filter taps are `rate` pixels apart."""
    return conv2d(value, filters, 1, padding, dilations=rate, name=name)


def conv1d(value: Any = None, filters: Any = None, stride: Any = None, padding: Any = None,
           use_cudnn_on_gpu: bool | None = None, data_format: str | None = None, name: str | None = None,
           input: Any = None, dilations: Any = None) -> Tensor:
    """Cross-correlation of series [batch, width, in] ([batch, in, width] for "NCW") with [width, in, out]."""
    x, w = convert_all("conv1d", (renamed("value", value, "input", input), filters))
    with name_scope(name, "conv1d", [x]):
        return _one_axis("conv1d", x, data_format, lambda images: window.conv2d(
            images, expand_dims(w, 0), (1, _single(stride)), padding, (1, _single(dilations))))


def _single(value: Any) -> int:
    items = [1] if value is None else [int(v) for v in value] if hasattr(value, "__iter__") else [int(value)]
    return items[0] if len(items) == 1 else max(items)


def _one_axis(op: str, x: Tensor, data_format: str | None, compute: Callable[[Tensor], Tensor]) -> Tensor:
    """`compute` on series seen as images of height 1."""
    if data_format not in (None, "NWC", "NHWC", "NCW", "NCHW"):
        raise ValueError(f"{op}: data_format must be 'NWC' or 'NCW', received {data_format!r}")
    first = data_format in ("NCW", "NCHW")
    series = transpose(x, (0, 2, 1)) if first else x
    result = squeeze(compute(expand_dims(series, 1)), [1])
    return transpose(result, (0, 2, 1)) if first else result


def convolution(input: Any, filter: Any, padding: str, strides: Any = None, dilation_rate: Any = None,
                name: str | None = None, data_format: str | None = None, filters: Any = None,
                dilations: Any = None) -> Tensor:
    """Cross-correlation over one or two spatial axes, as many as the filter has."""
    x, w = convert_all("convolution", (input, renamed("filter", filter, "filters", filters)))
    spread = renamed("dilation_rate", dilation_rate, "dilations", dilations)
    if w.dims is not None and len(w.dims) == 3:
        return conv1d(x, w, strides, padding, data_format=data_format, name=name, dilations=spread)
    return conv2d(x, w, strides, padding, data_format=data_format, dilations=spread, name=name or "convolution")


# pooling


def _pool(op: str, build: Callable[..., Tensor], value: Any, ksize: Any, strides: Any, padding: str,
          data_format: str | None, name: str | None) -> Tensor:
    layout = _format(op, data_format)
    size = _spatial(op, "ksize", ksize, layout)
    steps = _spatial(op, "strides", strides, layout)
    return _channels_last(convert_to_tensor(value), layout, name, lambda x, name: build(
        x, size, steps, _padding(padding, layout), name=name))


def max_pool(value: Any = None, ksize: Any = None, strides: Any = None, padding: Any = None,
             data_format: str | None = "NHWC", name: str | None = None, input: Any = None) -> Tensor:
    """The largest element of each window of images."""
    return _pool("MaxPool", window.max_pool, renamed("value", value, "input", input), ksize, strides, padding,
                 data_format, name)


def avg_pool(value: Any = None, ksize: Any = None, strides: Any = None, padding: Any = None,
             data_format: str | None = "NHWC", name: str | None = None, input: Any = None) -> Tensor:
    """The mean of each window of images, padding not counted."""
    return _pool("AvgPool", window.avg_pool, renamed("value", value, "input", input), ksize, strides, padding,
                 data_format, name)


def max_pool2d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NHWC",
               name: str | None = None) -> Tensor:
    """`max_pool` with its input under another name."""
    return max_pool(input, ksize, strides, padding, data_format, name)


avg_pool2d = avg_pool


def _pool1d(kind: str, build: Callable[..., Tensor], input: Any, ksize: Any, strides: Any, padding: str,
            data_format: str | None, name: str | None) -> Tensor:
    x = convert_to_tensor(input)
    with name_scope(name, kind, [x]) as scope:
        pooled = _one_axis(kind, x, data_format, lambda images: build(
            images, (1, _single(ksize)), (1, _single(strides)), padding))
        return identity(pooled, scope)


def max_pool1d(input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NWC",
               name: str | None = None) -> Tensor:
    """The largest element of each window of series."""
    return _pool1d("max_pool1d", window.max_pool, input, ksize, strides, padding, data_format, name)


def avg_pool1d(input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NWC",
               name: str | None = None) -> Tensor:
    """The mean of each window of series, padding not counted."""
    return _pool1d("avg_pool1d", window.avg_pool, input, ksize, strides, padding, data_format, name)
