"""Activations as layers of their own."""
from __future__ import annotations

from typing import Any

from ...compiler.dtypes import bool_
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, exp, relu, where
from ...compiler.ops.reduction import reduce_logsumexp
from ...compiler.ops.view import zeros_of
from .. import activations
from ..nest import as_list
from .arguments import take_weight_arguments, weight_config
from .input_spec import InputSpec
from .layer import Layer


class ReLU(Layer):
    """max(x, 0), with a slope below the threshold and a ceiling if given."""

    supports_masking = True

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0,
                 **kwargs: Any):
        super().__init__(**kwargs)
        for name, value in (("max_value", max_value or 0.0), ("negative_slope", negative_slope),
                            ("threshold", threshold)):
            if value is None or value < 0:
                raise ValueError(f"{name} of a ReLU layer cannot be None or a negative value. Received: "
                                 f"{name}={value}")
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, inputs: Tensor) -> Tensor:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_value": self.max_value, "negative_slope": self.negative_slope,
                "threshold": self.threshold}


class LeakyReLU(Layer):
    """x where positive, else negative_slope * x."""

    supports_masking = True

    def __init__(self, negative_slope: float = 0.3, alpha: float | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        negative_slope = negative_slope if alpha is None else alpha
        if negative_slope is None or negative_slope < 0:
            raise ValueError("The negative_slope value of a Leaky ReLU layer cannot be None or negative value. "
                             f"Expected a float. Received: negative_slope={negative_slope}")
        self.negative_slope = negative_slope

    def call(self, inputs: Tensor) -> Tensor:
        return activations.leaky_relu(inputs, self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(Layer):
    """x where positive, else alpha * (exp(x) - 1)."""

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Tensor) -> Tensor:
        return activations.elu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class PReLU(Layer):
    """x where positive, else alpha * x with a learned alpha for each feature (He et al. 2015), shared along
    `shared_axes`.
    """

    supports_masking = True
    input_spec: Any = InputSpec()

    def __init__(self, alpha_initializer: Any = "zeros", alpha_regularizer: Any = None, alpha_constraint: Any = None,
                 shared_axes: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        take_weight_arguments(self, alpha_initializer=alpha_initializer, alpha_regularizer=alpha_regularizer,
                              alpha_constraint=alpha_constraint)
        self.shared_axes = None if shared_axes is None else as_list(shared_axes)

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            shape[axis - 1] = 1
        self.alpha = self.add_weight(tuple(shape), self.alpha_initializer, name="alpha",
                                     regularizer=self.alpha_regularizer, constraint=self.alpha_constraint)
        axes = {i: input_shape[i] for i in range(1, len(input_shape)) if i not in self.shared_axes} if (
            self.shared_axes) else {}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Tensor) -> Tensor:
        return relu(inputs) - self.alpha * relu(-inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **weight_config(self, "alpha_initializer", "alpha_regularizer",
                                                        "alpha_constraint"), "shared_axes": self.shared_axes}


class ThresholdedReLU(Layer):
    """x where it is above `theta`, else 0 (Keras 2)."""

    supports_masking = True
    input_spec: Any = InputSpec()

    def __init__(self, theta: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        if theta is None or theta < 0:
            raise ValueError(f"Theta of a Thresholded ReLU layer cannot be None, expecting a non-negative float. "
                             f"Received: {theta}")
        self.theta = float(theta)

    def call(self, inputs: Tensor) -> Tensor:
        return where(inputs > self.theta, inputs, zeros_of(inputs))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "theta": self.theta}


class Softmax(Layer):
    """exp(x) / sum(exp(x)) along `axis` (one or several); a mask keeps elements out."""

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        kept = None if mask is None else convert_to_tensor(mask)
        if kept is not None:
            kept = kept if kept.dtype == bool_ else kept > cast(0.5, kept.dtype)
            inputs = where(kept, inputs, zeros_of(inputs) - 1e9)
        axes = as_list(self.axis)
        y = activations.softmax(inputs, axes[0]) if len(axes) == 1 else exp(
            inputs - reduce_logsumexp(inputs, axes, keepdims=True))
        return y if kept is None else where(kept, y, zeros_of(y))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
