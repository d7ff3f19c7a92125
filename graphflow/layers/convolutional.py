"""Convolution layers."""
from __future__ import annotations

from typing import Any

from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.slicing import pad
from ..compiler.ops.view import reshape
from ..compiler.shapes import TensorShape
from ..compiler.window import extent
from ..nn import bias_add
from ..nn import conv1d as _conv1d
from ..nn import conv2d as _conv2d
from ..nn import conv3d as _conv3d
from .base import ZEROS, InputSpec, Layer, activation_function, constraint, functional, initializer, regularizer

LAST = {1: "NWC", 2: "NHWC", 3: "NDHWC"}
FIRST = {1: "NCW", 2: "NCHW", 3: "NCDHW"}


def sizes(what: str, value: Any, count: int) -> tuple[int, ...]:
    """An integer, or one for each axis, as a tuple of `count`. Raises ValueError."""
    items = list(value) if hasattr(value, "__iter__") else [value] * count
    if len(items) != count or not all(hasattr(v, "__index__") or float(v).is_integer() for v in items):
        raise ValueError(f"The `{what}` argument must be a tuple of {count} integers. Received: {value}")
    return tuple(int(v) for v in items)


def layout(data_format: str, rank: int) -> str:
    """TensorFlow's name of a layout for "channels_last" or "channels_first". Raises ValueError."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError('The `data_format` argument must be one of "channels_first", "channels_last". Received: '
                         f"{data_format}")
    return (LAST if data_format == "channels_last" else FIRST)[rank]


class Conv(Layer):
    """Cross-correlation over `rank` axes, with `kernel` [*kernel_size, in, filters] and `bias` [filters]."""

    rank = 2

    compute_output_shape = Layer._shape_by_calling

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str = "channels_last", dilation_rate: Any = 1, activation: Any = None,
                 use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = ZEROS,
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True,
                 name: str | None = None, **kwargs: Any):
        super().__init__(trainable, name, activity_regularizer=regularizer(activity_regularizer), **kwargs)
        self.filters = int(filters)
        self.kernel_size = sizes("kernel_size", kernel_size, self.rank)
        self.strides = sizes("strides", strides, self.rank)
        self.padding = padding.lower()
        if self.padding not in ("valid", "same") and (self.padding != "causal" or self.rank > 1):
            raise ValueError('The `padding` argument must be a list/tuple or one of "valid", "same" (or "causal", only '
                             f"for `Conv1D). Received: {padding}")
        self.data_format = data_format
        self.format = layout(data_format, self.rank)
        self.dilation_rate = sizes("dilation_rate", dilation_rate, self.rank)
        self.activation = activation_function(activation) if activation is not None else None
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = initializer(kernel_initializer), initializer(bias_initializer)
        self.kernel_regularizer, self.bias_regularizer = regularizer(kernel_regularizer), regularizer(bias_regularizer)
        self.kernel_constraint, self.bias_constraint = constraint(kernel_constraint), constraint(bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.kernel: Any = None
        self.bias: Any = None

    def depth(self, input_shape: Any) -> int:
        """The channels of the input, which must be known."""
        axis = 1 if self.data_format == "channels_first" else -1
        found = TensorShape(input_shape).as_list()[axis]
        if found is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: found})
        return found

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight("kernel", self.kernel_shape(self.depth(input_shape)), self.dtype,
                                      self.kernel_initializer, self.kernel_regularizer, True, self.kernel_constraint)
        self.build_bias()

    def kernel_shape(self, depth: int) -> tuple[int, ...]:
        return (*self.kernel_size, depth, self.filters)

    def build_bias(self) -> None:
        if self.use_bias:
            self.bias = self.add_weight("bias", [self.filters], self.dtype, self.bias_initializer,
                                        self.bias_regularizer, True, self.bias_constraint)
        self.built = True

    def convolve(self, inputs: Any) -> Tensor:
        compute = {1: _conv1d, 2: _conv2d, 3: _conv3d}[self.rank]
        x, padding = convert_to_tensor(inputs), self.padding
        if padding == "causal":
            margin = (extent(self.kernel_size[0], self.dilation_rate[0]) - 1, 0)
            x = pad(x, [(0, 0), (0, 0), margin] if self.data_format == "channels_first" else [(0, 0), margin, (0, 0)])
            padding = "valid"
        return compute(x, self.kernel, self.strides, padding.upper(), data_format=self.format,  # type: ignore[operator]
                       dilations=self.dilation_rate)

    def call(self, inputs: Any) -> Tensor:
        return self.finish(self.convolve(inputs))

    def finish(self, y: Tensor) -> Tensor:
        """Bias and activation."""
        if self.use_bias:
            first = self.data_format == "channels_first"
            y = y + reshape(self.bias, (self.filters, 1)) if first and self.rank == 1 else bias_add(
                y, self.bias, "NCHW" if first else "NHWC")
        return y if self.activation is None else self.activation(y)


class Conv1D(Conv):
    """Cross-correlation of series [batch, width, channels]."""

    rank = 1


class Conv2D(Conv):
    """Cross-correlation of images [batch, height, width, channels]."""


class Conv3D(Conv):
    """Cross-correlation of volumes [batch, depth, height, width, channels]."""

    rank = 3


conv1d = functional(Conv1D, "Cross-correlation of series, with variables `kernel` and `bias`.")
conv2d = functional(Conv2D, "Cross-correlation of images, with variables `kernel` and `bias`.")
conv3d = functional(Conv3D, "Cross-correlation of volumes, with variables `kernel` and `bias`.")
