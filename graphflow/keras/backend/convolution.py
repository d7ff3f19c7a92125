"""`K.*`: convolutions and pooling, for channels last or first."""
from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from ... import convolution as conv
from ... import pooling
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.slicing import pad, stack, strided_slice
from ...compiler.ops.view import known_rank, reshape, transpose
from ..layers.arguments import from_channels_last, padding_word, sizes, to_channels_last
from ..layers.depthwise import depthwise
from .settings import normalize_data_format


def _convolved(rank: int, x: Any, kernel: Any, strides: Any, padding: str, data_format: str | None,
               dilation: Any) -> Tensor:
    layout, word = normalize_data_format(data_format), padding_word(padding, causal=rank == 1)
    images, spread = to_channels_last(convert_to_tensor(x), layout), sizes(dilation, rank, "dilation_rate")
    if word == "causal":
        before = spread[0] * (convert_to_tensor(kernel).shape[0] - 1)
        images, word = pad(images, ((0, 0), (before, 0), (0, 0))), "valid"
    y = conv.convolution(images, kernel, word.upper(), sizes(strides, rank, "strides"), spread)
    return from_channels_last(y, layout)


def conv1d(x: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
           dilation_rate: Any = 1) -> Tensor:
    """Cross-correlation over time; the kernel is (window, channels, filters)."""
    return _convolved(1, x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(x: Any, kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
           dilation_rate: Any = (1, 1)) -> Tensor:
    """Cross-correlation over height and width; the kernel is (rows, columns, channels, filters)."""
    return _convolved(2, x, kernel, strides, padding, data_format, dilation_rate)


def conv3d(x: Any, kernel: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
           dilation_rate: Any = (1, 1, 1)) -> Tensor:
    """Cross-correlation over depth, height and width."""
    return _convolved(3, x, kernel, strides, padding, data_format, dilation_rate)


def _transposed(rank: int, x: Any, kernel: Any, output_shape: Any, strides: Any, padding: str,
                data_format: str | None, dilation: Any) -> Tensor:
    layout = normalize_data_format(data_format)
    images, shape = to_channels_last(convert_to_tensor(x), layout), output_shape
    if isinstance(shape, (list, tuple)):
        wanted = list(shape) if layout == "channels_last" else [shape[0], *shape[2:], shape[1]]
        shape = [known_rank("conv_transpose", images)[0] if wanted[0] is None else wanted[0], *wanted[1:]]
    elif layout == "channels_first":
        shape = stack([shape[0], *(shape[i] for i in range(2, rank + 2)), shape[1]])
    y = conv.conv_transpose(images, kernel, shape, sizes(strides, rank, "strides"), padding_word(padding).upper(),
                            dilations=sizes(dilation, rank, "dilation_rate"))
    return from_channels_last(y, layout)


def conv2d_transpose(x: Any, kernel: Any, output_shape: Any, strides: Any = (1, 1), padding: str = "valid",
                     data_format: str | None = None, dilation_rate: Any = (1, 1)) -> Tensor:
    """The gradient of `conv2d` for its input, of `output_shape`; the kernel is (rows, columns, filters, channels)."""
    return _transposed(2, x, kernel, output_shape, strides, padding, data_format, dilation_rate)


def conv3d_transpose(x: Any, kernel: Any, output_shape: Any, strides: Any = (1, 1, 1), padding: str = "valid",
                     data_format: str | None = None) -> Tensor:
    """The gradient of `conv3d` for its input, of `output_shape`."""
    return _transposed(3, x, kernel, output_shape, strides, padding, data_format, 1)


def _depthwise(rank: int, x: Any, kernel: Any, strides: Any, padding: str, data_format: str | None,
               dilation: Any) -> Tensor:
    layout = normalize_data_format(data_format)
    images = to_channels_last(convert_to_tensor(x), layout)
    y = depthwise(images, convert_to_tensor(kernel), sizes(strides, rank, "strides"),
                  padding_word(padding, causal=rank == 1), sizes(dilation, rank, "dilation_rate"))
    return from_channels_last(y, layout)


def depthwise_conv2d(x: Any, depthwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid",
                     data_format: str | None = None, dilation_rate: Any = (1, 1)) -> Tensor:
    """Each channel convolved with windows of its own; the kernel is (rows, columns, channels, multiples)."""
    return _depthwise(2, x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv1d(x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1, padding: str = "valid",
                     data_format: str | None = None, dilation_rate: Any = 1) -> Tensor:
    """A depthwise convolution over time, then one of window 1 over all channels."""
    y = _depthwise(1, x, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv1d(y, pointwise_kernel, data_format=data_format)


def separable_conv2d(x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = (1, 1),
                     padding: str = "valid", data_format: str | None = None, dilation_rate: Any = (1, 1)) -> Tensor:
    """A depthwise convolution of images, then one of window 1 over all channels."""
    y = _depthwise(2, x, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv2d(y, pointwise_kernel, data_format=data_format)


def _pooled(rank: int, x: Any, window: Any, strides: Any, padding: str, data_format: str | None, mode: str) -> Tensor:
    if mode not in ("max", "avg"):
        raise ValueError(f"Invalid pool_mode: {mode!r}. Expected 'max' or 'avg'.")
    layout = normalize_data_format(data_format)
    y = pooling.pool(to_channels_last(convert_to_tensor(x), layout), sizes(window, rank, "pool_size"), mode.upper(),
                     padding_word(padding).upper(), strides=sizes(strides, rank, "strides"))
    return from_channels_last(y, layout)


def pool2d(x: Any, pool_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
           pool_mode: str = "max") -> Tensor:
    """The largest value ("max") or the mean ("avg") of windows over height and width."""
    return _pooled(2, x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(x: Any, pool_size: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
           pool_mode: str = "max") -> Tensor:
    """The largest value ("max") or the mean ("avg") of windows over depth, height and width."""
    return _pooled(3, x, pool_size, strides, padding, data_format, pool_mode)


def _local(rank: int, inputs: Any, kernel: Any, window: Any, strides: Any, data_format: str | None) -> Tensor:
    """A convolution whose weights differ from place to place: kernel (places, window * channels, filters).

    The window's elements stand in the order in which the input has them: channels last, or channels first.
    """
    layout = normalize_data_format(data_format)
    x, weights = to_channels_last(convert_to_tensor(inputs), layout), convert_to_tensor(kernel)
    batch, *spatial, channels = known_rank("local_conv", x)
    taps, steps = sizes(window, rank, "kernel_size"), sizes(strides, rank, "strides")
    out = [(n - k) // s + 1 for n, k, s in zip(spatial, taps, steps, strict=True)]
    windows = [strided_slice(x, (0, *tap, 0), (batch, *out, channels), (1, *steps, 1))
               for tap in itertools.product(*map(range, taps))]
    places, features, filters = known_rank("local_conv", weights)
    rows = stack(windows, rank + 1 if layout == "channels_last" else rank + 2)
    patches = transpose(reshape(rows, (batch, places, features)), (1, 0, 2))
    y = reshape(transpose(matmul(patches, weights), (1, 0, 2)), (batch, *out, filters))
    return from_channels_last(y, layout)


def local_conv1d(inputs: Any, kernel: Any, kernel_size: Any, strides: Any, data_format: str | None = None) -> Tensor:
    """A convolution over time with other weights at each step: kernel (steps, window * channels, filters)."""
    return _local(1, inputs, kernel, kernel_size, strides, data_format)


def local_conv2d(inputs: Any, kernel: Any, kernel_size: Any, strides: Any, output_shape: Sequence[int] | None = None,
                 data_format: str | None = None) -> Tensor:
    """A convolution of images with other weights at each place: kernel (places, rows * columns * channels,
    filters)."""
    return _local(2, inputs, kernel, kernel_size, strides, data_format)
