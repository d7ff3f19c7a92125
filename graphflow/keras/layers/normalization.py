"""Normalization layers."""
from __future__ import annotations

from typing import Any

import numpy as np

from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, maximum, minimum, relu, rsqrt, sqrt, square, where
from ...compiler.ops.reduction import reduce_sum
from ...compiler.ops.standardize import standardize
from ...compiler.ops.view import broadcast_to, expand_dims, reshape, stop_gradient, zeros_of
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
    input_spec: Any = InputSpec()

    def __init__(self, axis: int = -1, momentum: float = 0.99, epsilon: float = 0.001, center: bool = True,
                 scale: bool = True, beta_initializer: Any = "zeros", gamma_initializer: Any = "ones",
                 moving_mean_initializer: Any = "zeros", moving_variance_initializer: Any = "ones",
                 beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, synchronized: bool = False, renorm: bool = False,
                 renorm_clipping: Any = None, renorm_momentum: float = 0.99, **kwargs: Any):
        super().__init__(**kwargs)
        unknown = set(renorm_clipping or ()) - {"rmax", "rmin", "dmax"}
        if unknown:
            raise ValueError(f"Received invalid keys for `renorm_clipping` argument: {sorted(unknown)}. Supported "
                             "values: 'rmax', 'rmin', 'dmax'")
        self.renorm, self.renorm_clipping = renorm, {} if renorm and renorm_clipping is None else renorm_clipping
        self.renorm_momentum = float(renorm_momentum)
        if not hasattr(axis, "__index__"):
            raise ValueError(f"The `axis` argument must be an integer. Received: axis={axis!r}")
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
        if self.renorm:
            for name, initializer in (("moving_stddev", self._initial_stddev),
                                      ("renorm_mean", self.moving_mean_initializer),
                                      ("renorm_stddev", self._initial_stddev)):
                setattr(self, name, self.add_weight(shape, initializer, trainable=False, name=name))
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: shape[0]})

    def call(self, inputs: Tensor, training: Any = False, mask: Any = None) -> Tensor:
        if isinstance(training, Tensor):  # the averages move, but stay as they are where it is false
            return where(training, self._normalized(inputs, True, mask, training),
                         self._normalized(inputs, False, mask))
        return self._normalized(inputs, training, mask)

    def _normalized(self, inputs: Tensor, training: bool, mask: Any, moves: Tensor | None = None) -> Tensor:
        assert inputs.dims is not None
        axis = self.axis % len(inputs.dims)
        axes = [a for a in range(len(inputs.dims)) if a != axis]
        last = axis == len(inputs.dims) - 1

        def spread(vector: Any) -> Tensor:
            """A vector along the normalized axis."""
            tensor = convert_to_tensor(vector)
            return tensor if last else reshape(tensor, [inputs.dims[axis] if a == axis else 1  # type: ignore[index]
                                                        for a in range(len(inputs.dims or ()))])

        gamma, beta = (None if v is None else spread(v) for v in (self.gamma, self.beta))
        standard: Tensor | None = None
        if training and self.trainable:
            if mask is None:
                operands = [inputs] if gamma is None or self.renorm else [inputs, gamma]
                standard, mean, variance = standardize.operation(
                    *operands, axis=tuple(axes), epsilon=self.epsilon).outputs
            else:
                mean, variance = self._moments(inputs, axes, mask)
            if self.renorm:
                gamma, beta = self._renormalized(mean, variance, gamma, beta, spread)
                deviation = sqrt(variance + self.epsilon)
                self._move("renorm", self.renorm_momentum, moves, mean=mean, stddev=deviation)
                self._move("moving", self.momentum, moves, mean=mean, stddev=deviation)
                self.moving_variance.assign(relu(square(self.moving_stddev.value()) - self.epsilon))
            else:
                self._move("moving", self.momentum, moves, mean=mean, variance=variance)
        else:
            mean, variance = spread(self.moving_mean), spread(self.moving_variance)
        if standard is not None:
            y = standard * gamma if self.renorm else standard
        else:
            factor = rsqrt(variance + self.epsilon)
            y = (inputs - mean) * (factor if gamma is None else factor * gamma)
        return y if beta is None else y + beta

    def _move(self, kind: str, momentum: float, moves: Tensor | None, **statistics: Tensor) -> None:
        """Let averages of this kind follow the batch's statistics, where `moves` is not false."""
        for name, statistic in statistics.items():
            average = getattr(self, f"{kind}_{name}")
            moved = average * momentum + reshape(statistic, average.shape) * (1 - momentum)
            average.assign(moved if moves is None else where(moves, moved, average))

    def _renormalized(self, mean: Tensor, variance: Tensor, gamma: Any, beta: Any, spread: Any) -> tuple[Any, Any]:
        """Scale and offset that make up for what the batch's statistics differ from their averages (Ioffe 2017)."""
        deviation = maximum(spread(self.renorm_stddev), float(np.sqrt(self.epsilon)))
        r = stop_gradient(sqrt(variance + self.epsilon) / deviation)
        d = stop_gradient((mean - spread(self.renorm_mean)) / deviation)
        limits = self.renorm_clipping or {}
        if limits.get("rmin") is not None:
            r = maximum(r, float(limits["rmin"]))
        if limits.get("rmax") is not None:
            r = minimum(r, float(limits["rmax"]))
        if limits.get("dmax") is not None:
            d = minimum(maximum(d, -float(limits["dmax"])), float(limits["dmax"]))
        scale, shift = (r, d) if gamma is None else (r * gamma, d * gamma)
        return scale, shift if beta is None else shift + beta

    def _initial_stddev(self, shape: Any, dtype: Any = None) -> Any:
        return sqrt(convert_to_tensor(self.moving_variance_initializer(shape, dtype=dtype)))

    def _moments(self, x: Tensor, axes: list[int], mask: Any) -> tuple[Tensor, Tensor]:
        """The mean and variance of the elements where the mask holds, reduced axes kept."""
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
                "synchronized": self.synchronized, "renorm": self.renorm, "renorm_clipping": self.renorm_clipping,
                "renorm_momentum": self.renorm_momentum}
