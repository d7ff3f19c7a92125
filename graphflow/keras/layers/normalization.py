"""Normalization layers."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, rsqrt, square, where
from ...compiler.ops.reduction import reduce_mean, reduce_sum
from ...compiler.ops.view import broadcast_to, expand_dims, reshape, zeros_of
from .. import backend
from .arguments import take_weight_arguments, weight_config
from .input_spec import InputSpec
from .layer import Layer


class BatchNormalization(Layer):
    """Zero mean and unit variance along `axis`, then scale `gamma` and offset `beta` (Ioffe & Szegedy 2015).

    In training by the batch's own statistics, whose moving averages the step updates; otherwise, and always when the
    layer is frozen, by the moving averages.
    """

    supports_masking = True

    def __init__(self, axis: int = -1, momentum: float = 0.99, epsilon: float = 0.001, center: bool = True,
                 scale: bool = True, beta_initializer: Any = "zeros", gamma_initializer: Any = "ones",
                 moving_mean_initializer: Any = "zeros", moving_variance_initializer: Any = "ones",
                 beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, synchronized: bool = False, renorm: bool = False,
                 renorm_clipping: Any = None, renorm_momentum: float = 0.99, **kwargs: Any):
        super().__init__(**kwargs)
        if renorm:
            raise ValueError("BatchNormalization: batch renormalization (renorm=True) is not supported.")
        self.axis = int(axis)
        self.momentum, self.epsilon = float(momentum), float(epsilon)
        self.center, self.scale, self.synchronized = center, scale, synchronized
        take_weight_arguments(
            self, beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer, moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint)
        self.gamma: Any = None
        self.beta: Any = None

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if not -rank <= self.axis < rank or input_shape[self.axis] is None:
            raise ValueError(f"Layer {self.name!r} normalizes axis {self.axis}, which must exist and have a known "
                             f"size. Received: input_shape={input_shape}")
        shape = (input_shape[self.axis],)
        if self.scale:
            self.gamma = self.add_weight(shape, self.gamma_initializer, name="gamma",
                                         regularizer=self.gamma_regularizer, constraint=self.gamma_constraint)
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, name="beta", regularizer=self.beta_regularizer,
                                        constraint=self.beta_constraint)
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, trainable=False, name="moving_mean")
        self.moving_variance = self.add_weight(shape, self.moving_variance_initializer, trainable=False,
                                               name="moving_variance")
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: shape[0]})

    def call(self, inputs: Tensor, training: bool = False, mask: Any = None) -> Tensor:
        assert inputs.dims is not None
        axis = self.axis % len(inputs.dims)
        axes = [a for a in range(len(inputs.dims)) if a != axis]
        last = axis == len(inputs.dims) - 1

        def spread(vector: Any) -> Tensor:
            """A vector along the normalized axis."""
            tensor = convert_to_tensor(vector)
            return tensor if last else reshape(tensor, [inputs.dims[axis] if a == axis else 1  # type: ignore[index]
                                                        for a in range(len(inputs.dims or ()))])

        if training and self.trainable:
            mean, variance = self._moments(inputs, axes, mask)
            flat = (inputs.dims[axis],)
            for moving, statistic in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + reshape(statistic, flat) * (1 - self.momentum))
        else:
            mean, variance = spread(self.moving_mean), spread(self.moving_variance)
        factor = rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * spread(self.gamma)
        y = (inputs - mean) * factor
        return y if self.beta is None else y + spread(self.beta)

    def _moments(self, x: Tensor, axes: list[int], mask: Any) -> tuple[Tensor, Tensor]:
        """The batch's mean and variance, reduced axes kept; of the elements where the mask holds, if there is one."""
        if mask is None:
            mean = reduce_mean(x, axes, keepdims=True)
            return mean, reduce_mean(square(x - mean), axes, keepdims=True)
        kept = broadcast_to(expand_dims(convert_to_tensor(mask), -1), x.dims)
        count = reduce_sum(cast(kept, x.dtype), axes, keepdims=True) + backend.epsilon()
        mean = reduce_sum(where(kept, x, zeros_of(x)), axes, keepdims=True) / count
        return mean, reduce_sum(where(kept, square(x - mean), zeros_of(x)), axes, keepdims=True) / count

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "momentum": self.momentum, "epsilon": self.epsilon,
                "center": self.center, "scale": self.scale,
                **weight_config(self, "beta_initializer", "gamma_initializer", "moving_mean_initializer",
                                "moving_variance_initializer", "beta_regularizer", "gamma_regularizer",
                                "beta_constraint", "gamma_constraint"),
                "synchronized": self.synchronized, "renorm": False, "renorm_clipping": None, "renorm_momentum": 0.99}
