"""Convolutions and pooling of inputs with one to three spatial axes, channels last or first."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import array_ops, pooling
from ...compiler.ir import Tensor
from ...compiler.ops import slicing, view
from ...compiler.ops.constant import convert_to_tensor
from ...convolution import convolution
from ..layers.arguments import data_format_word, from_channels_last, padding_word, sizes, to_channels_last
from ..layers.convolution import transposed_convolution
from ..layers.depthwise import depthwise
from ..layers.pooling import adapted
from .dtypes import strong


def _through_last(data_format: str | None, inputs: Any, compute: Callable[[Tensor, int], Tensor]) -> Tensor:
    """`compute` of the inputs with channels last and the number of spatial axes; the result in the given layout."""
    layout = data_format_word(data_format)
    x = convert_to_tensor(inputs)
    return from_channels_last(compute(to_channels_last(x, layout), len(view.known_rank("conv", x)) - 2), layout)


def _check_channels(x: Tensor, kernel: Tensor, position: int) -> None:
    """Raises ValueError if the input's channels are no whole number of groups of the kernel's."""
    channels, own = x.shape[-1], kernel.shape[position]
    if channels is not None and int(channels) % int(own):
        raise ValueError("The number of input channels must be evenly divisible by kernel's in_channels. Received "
                         f"input channels {channels} and kernel in_channels {own}.")


def conv(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
         dilation_rate: Any = 1) -> Tensor:
    """Cross-correlation with a kernel (*window, channels, filters); fewer channels than the inputs' make groups.

    `padding` is "valid" or "same". Raises ValueError for channels that do not fit.
    """
    given, weights = strong(inputs, kernel)

    def compute(x: Tensor, rank: int) -> Tensor:
        _check_channels(x, weights, -2)
        return convolution(x, weights, padding_word(padding).upper(), sizes(strides, rank, "strides"),
                           sizes(dilation_rate, rank, "dilation_rate"))
    return _through_last(data_format, given, compute)


def depthwise_conv(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
                   dilation_rate: Any = 1) -> Tensor:
    """Each channel of one- or two-dimensional inputs by itself: the kernel is (*window, channels, multiples)."""
    given, weights = strong(inputs, kernel)
    return _through_last(data_format, given, lambda x, rank: depthwise(
        x, weights, sizes(strides, rank, "strides"), padding_word(padding),
        sizes(dilation_rate, rank, "dilation_rate")))


def separable_conv(inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1, padding: str = "valid",
                   data_format: str | None = None, dilation_rate: Any = 1) -> Tensor:
    """A depthwise convolution, then one of window 1 over all channels."""
    each = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(each, pointwise_kernel, 1, "valid", data_format)


def conv_transpose(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
                   data_format: str | None = None, dilation_rate: Any = 1) -> Tensor:
    """The gradient of a convolution for its input; the kernel is (*window, filters, channels)."""
    given, weights = strong(inputs, kernel)

    def compute(x: Tensor, rank: int) -> Tensor:
        _check_channels(x, weights, -1)
        more = None if output_padding is None else sizes(output_padding, rank, "output_padding", 0)
        return transposed_convolution(x, weights, padding_word(padding), sizes(strides, rank, "strides"),
                                      sizes(dilation_rate, rank, "dilation_rate"), more)
    return _through_last(data_format, given, compute)


def _pooled(mode: str, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None) -> Tensor:
    def compute(x: Tensor, rank: int) -> Tensor:
        window = sizes(pool_size, rank, "pool_size")
        steps = window if strides is None else sizes(strides, rank, "strides")
        return pooling.pool(x, window, mode, padding_word(padding).upper(), strides=steps)
    return _through_last(data_format, inputs, compute)


def max_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
             ) -> Tensor:
    """The largest element of windows, `strides` (default: their size) apart."""
    return _pooled("MAX", inputs, pool_size, strides, padding, data_format)


def average_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
                 data_format: str | None = None) -> Tensor:
    """The mean of windows, `strides` (default: their size) apart; what is padded does not count."""
    return _pooled("AVG", inputs, pool_size, strides, padding, data_format)


def _adaptive(inputs: Any, output_size: Any, data_format: str | None, mean: bool) -> Tensor:
    def compute(x: Tensor, rank: int) -> Tensor:
        for axis, count in enumerate(sizes(output_size, rank, "output_size"), 1):
            x = adapted(x, axis, count, mean, "adaptive pooling")
        return x
    return _through_last(data_format, inputs, compute)


def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """The means of windows such that the spatial axes become `output_size`; they may overlap."""
    return _adaptive(inputs, output_size, data_format, True)


def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """The largest elements of windows such that the spatial axes become `output_size`."""
    return _adaptive(inputs, output_size, data_format, False)


def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Channels moved into blocks of height and width."""
    return _through_last(data_format, x, lambda t, _: array_ops.depth_to_space(t, block_size))


def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Blocks of height and width moved into the channels."""
    return _through_last(data_format, x, lambda t, _: array_ops.space_to_depth(t, block_size))


# windows of images [batch, channels, height, width] as columns

def _blocks(size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    """(window, dilation, padding, stride, number of windows), each for height and width."""
    k, d, p, s = (sizes(v, 2, n, 0) for v, n in ((kernel_size, "kernel_size"), (dilation, "dilation"),
                                                 (padding, "padding"), (stride, "stride")))
    counts = tuple((n + 2 * p[i] - d[i] * (k[i] - 1) - 1) // s[i] + 1 for i, n in enumerate(size))
    return k, d, p, s, counts


def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The windows of images [batch, channels, height, width] as columns: [batch, channels * window, windows]."""
    tensor = convert_to_tensor(x)
    batch, channels, *size = view.known_rank("unfold", tensor)
    k, d, p, s, counts = _blocks(size, kernel_size, dilation, padding, stride)
    padded = slicing.pad(tensor, [(0, 0), (0, 0), (p[0], p[0]), (p[1], p[1])])
    taps = [slicing.strided_slice(padded, (0, 0, i * d[0], j * d[1]), (batch, channels, *counts), (1, 1, *s))
            for i in range(k[0]) for j in range(k[1])]
    return view.reshape(slicing.stack(taps, 2), (batch, channels * k[0] * k[1], counts[0] * counts[1]))


def fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The inverse of `unfold`, windows that overlap being added: [batch, channels, *output_size]."""
    tensor = convert_to_tensor(x)
    size = sizes(output_size, 2, "output_size")
    k, d, p, s, counts = _blocks(size, kernel_size, dilation, padding, stride)
    batch, rows, _ = view.known_rank("fold", tensor)
    channels = rows // (k[0] * k[1])
    taps = slicing.unstack(view.reshape(tensor, (batch, channels, k[0] * k[1], *counts)), k[0] * k[1], 2)
    wide = (batch, channels, size[0] + 2 * p[0], size[1] + 2 * p[1])
    placed = [slicing.place(tap, wide, (0, 0, n // k[1] * d[0], n % k[1] * d[1]), (1, 1, *s))
              for n, tap in enumerate(taps)]
    total = placed[0]
    for tap in placed[1:]:
        total = total + tap
    return total[:, :, p[0]:p[0] + size[0], p[1]:p[1] + size[1]]


__all__ = [
    "adaptive_average_pool", "adaptive_max_pool", "average_pool", "conv", "conv_transpose", "depth_to_space",
    "depthwise_conv", "fold", "max_pool", "separable_conv", "space_to_depth", "unfold",
]
