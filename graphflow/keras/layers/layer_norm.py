"""Normalization within each sample."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import maximum, rsqrt, square
from ...compiler.ops.reduction import reduce_mean, reduce_sum
from ...compiler.ops.view import reshape
from ..nest import as_list
from .arguments import take_weight_arguments, weight_config
from .input_spec import InputSpec
from .layer import Layer


class LayerNormalization(Layer):
    """Zero mean and unit variance over `axis` of each sample, then scale and offset (Ba et al. 2016)."""

    supports_masking = True
    input_spec: Any = InputSpec()

    def __init__(self, axis: Any = -1, epsilon: float = 0.001, center: bool = True, scale: bool = True,
                 beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", beta_regularizer: Any = None,
                 gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None,
                 rms_scaling: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise TypeError(f"Expected an int or a list/tuple of ints for the argument 'axis', but received: {axis!r}")
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.epsilon, self.center, self.scale, self.rms_scaling = epsilon, center, scale, rms_scaling
        take_weight_arguments(self, beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
                              beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer,
                              beta_constraint=beta_constraint, gamma_constraint=gamma_constraint)
        self.gamma: Any = None
        self.beta: Any = None

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in as_list(self.axis)):
            raise ValueError(f"Layer {self.name!r}: axis={self.axis} is out of bounds for input shape {input_shape}")
        self.axis = sorted(as_list(self.axis))
        shape = tuple(input_shape[a] for a in self.axis)
        if self.scale or self.rms_scaling:
            self.gamma = self.add_weight(shape, self.gamma_initializer, name="gamma",
                                         regularizer=self.gamma_regularizer, constraint=self.gamma_constraint)
        if self.center and not self.rms_scaling:
            self.beta = self.add_weight(shape, self.beta_initializer, name="beta", regularizer=self.beta_regularizer,
                                        constraint=self.beta_constraint)

    def call(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        axes = [a % len(inputs.dims) for a in self.axis]  # type: ignore[union-attr]
        mean = reduce_mean(inputs, axes, keepdims=True)
        factor = rsqrt(reduce_mean(square(inputs - mean), axes, keepdims=True) + self.epsilon)
        if self.gamma is not None:
            factor = factor * _along(self.gamma, inputs, axes)
        if self.rms_scaling:
            return inputs * factor
        y = (inputs - mean) * factor
        return y if self.beta is None else y + _along(self.beta, inputs, axes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon, "center": self.center,
                "scale": self.scale, "rms_scaling": self.rms_scaling,
                **weight_config(self, "beta_initializer", "gamma_initializer", "beta_regularizer",
                                "gamma_regularizer", "beta_constraint", "gamma_constraint")}


def _along(weight: Any, x: Tensor, axes: list[int]) -> Tensor:
    """A weight with one axis for each in `axes`, shaped to broadcast with `x`."""
    tensor = convert_to_tensor(weight)
    assert x.dims is not None and tensor.dims is not None
    if axes == list(range(len(x.dims) - len(axes), len(x.dims))):
        return tensor
    sizes = dict(zip(axes, tensor.dims, strict=True))
    return reshape(tensor, [sizes.get(a, 1) for a in range(len(x.dims))])


class RMSNormalization(Layer):
    """x / sqrt(mean(square(x))) over `axis`, times a scale (Zhang & Sennrich 2019)."""

    supports_masking = True
    input_spec: Any = InputSpec()

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis, self.epsilon = axis, epsilon

    def build(self, input_shape: Any) -> None:
        axes = as_list(self.axis)
        self.scale = self.add_weight(tuple(input_shape[a] for a in axes), "ones", name="scale")

    def call(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        axes = [a % len(inputs.dims) for a in as_list(self.axis)]
        factor = rsqrt(reduce_mean(square(inputs), axes, keepdims=True) + self.epsilon)
        return inputs * factor * _along(self.scale, inputs, axes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


class UnitNormalization(Layer):
    """x over its L2 norm along `axis`."""

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise TypeError(f"Invalid value for `axis` argument: expected an int or a list/tuple of ints. "
                            f"Received: axis={axis}")
        self.axis = axis if isinstance(axis, int) else list(axis)

    def call(self, inputs: Tensor) -> Tensor:
        return inputs * rsqrt(maximum(reduce_sum(square(inputs), as_list(self.axis), keepdims=True), 1e-12))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class GroupNormalization(Layer):
    """Zero mean and unit variance over each of `groups` groups of channels of a sample (Wu & He 2018)."""

    supports_masking = True
    input_spec: Any = InputSpec()

    def __init__(self, groups: int = 32, axis: int = -1, epsilon: float = 0.001, center: bool = True,
                 scale: bool = True, beta_initializer: Any = "zeros", gamma_initializer: Any = "ones",
                 beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.groups, self.axis, self.epsilon, self.center, self.scale = groups, axis, epsilon, center, scale
        take_weight_arguments(self, beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
                              beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer,
                              beta_constraint=beta_constraint, gamma_constraint=gamma_constraint)
        self.gamma: Any = None
        self.beta: Any = None

    def build(self, input_shape: Any) -> None:
        size = input_shape[self.axis]
        if size is None:
            raise ValueError(f"Axis {self.axis} of input tensor should have a defined dimension but the layer received "
                             f"an input with shape {input_shape}.")
        self.groups = size if self.groups == -1 else self.groups
        if size < self.groups or size % self.groups:
            raise ValueError(f"Number of groups ({self.groups}) must divide the number of channels ({size}).")
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})
        if self.scale:
            self.gamma = self.add_weight((size,), self.gamma_initializer, name="gamma",
                                         regularizer=self.gamma_regularizer, constraint=self.gamma_constraint)
        if self.center:
            self.beta = self.add_weight((size,), self.beta_initializer, name="beta", regularizer=self.beta_regularizer,
                                        constraint=self.beta_constraint)

    def call(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        rank = len(inputs.dims)
        axis = self.axis % rank
        split = *inputs.dims[:axis], self.groups, inputs.dims[axis] // self.groups, *inputs.dims[axis + 1:]
        over = [a for a in range(1, rank + 1) if a != axis]
        x = reshape(inputs, split)
        centred = x - reduce_mean(x, over, keepdims=True)
        variance = reduce_mean(square(centred), over, keepdims=True)
        y = reshape(centred * rsqrt(variance + self.epsilon), inputs.dims)
        if self.gamma is not None:
            y = y * _along(self.gamma, inputs, [axis])
        return y if self.beta is None else y + _along(self.beta, inputs, [axis])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups, "axis": self.axis, "epsilon": self.epsilon,
                "center": self.center, "scale": self.scale,
                **weight_config(self, "beta_initializer", "gamma_initializer", "beta_regularizer",
                                "gamma_regularizer", "beta_constraint", "gamma_constraint")}
