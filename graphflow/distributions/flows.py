"""Normalizing flows: bijectors whose shift and scale of an element are learned functions of other elements."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..clip_ops import clip_by_value
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import exp, log, relu, sqrt
from ..compiler.ops.reduction import reduce_sum
from ..compiler.ops.slicing import concat, split, unstack
from ..compiler.ops.view import known_rank, reshape, shape, stop_gradient, zeros_like
from ..control_flow import while_loop
from ..initializers import glorot_uniform
from ..layers import BatchNormalization as BatchNormalizationLayer
from ..layers import Dense, dense
from ..template import make_template
from .bijectors import Bijector

__all__ = ["BatchNormalization", "MaskedAutoregressiveFlow", "RealNVP", "masked_autoregressive_default_template",
           "masked_dense", "real_nvp_default_template"]

ShiftAndScale = Callable[..., Any]


def _depth(x: Tensor) -> int:
    """The size of the last axis. Raises NotImplementedError, as TensorFlow does, where it is not known."""
    depth = x.shape[-1].value
    if depth is None:
        raise NotImplementedError("Rightmost dimension must be known prior to graph execution.")
    return int(depth)


def _scaled(x: Tensor, shift: Any, log_scale: Any) -> Tensor:
    y = x if log_scale is None else x * exp(log_scale)
    return y if shift is None else y + shift


def _unscaled(y: Tensor, shift: Any, log_scale: Any) -> Tensor:
    x = y if shift is None else y - shift
    return x if log_scale is None else x * exp(-log_scale)


def _total(log_scale: Any, like: Tensor) -> Tensor:
    return constant(np.zeros((), like.dtype.np)) if log_scale is None else reduce_sum(log_scale, -1)


class MaskedAutoregressiveFlow(Bijector):
    """y[i] = x[i] exp(s[i]) + t[i], where (t, s) = `shift_and_log_scale_fn(y)` use y[0] to y[i - 1] only (Papamakarios
    et al. 2017). The inverse is one evaluation, forward a loop over the elements; `Invert` gives the other way round.
    """

    def __init__(self, shift_and_log_scale_fn: ShiftAndScale, is_constant_jacobian: bool = False,
                 validate_args: bool = False, unroll_loop: bool = False, name: str | None = None):
        super().__init__(is_constant_jacobian=is_constant_jacobian, validate_args=validate_args,
                         forward_min_event_ndims=1, name=name or "masked_autoregressive_flow")
        self._shift_and_log_scale_fn = shift_and_log_scale_fn
        self._unroll_loop = unroll_loop

    def _forward(self, x: Tensor) -> Tensor:
        size = x.shape[-1].value
        if self._unroll_loop:
            if size is None:
                raise ValueError("The final dimension of `x` must be known at graph construction time if "
                                 "`unroll_loop=True`.")
            y = zeros_like(x)
            for _ in range(size):
                y = _scaled(x, *self._shift_and_log_scale_fn(y))
            return y
        count = shape(x)[-1] if size is None else size
        return while_loop(lambda i, y: i < count, lambda i, y: (i + 1, _scaled(x, *self._shift_and_log_scale_fn(y))),
                          (constant(0), zeros_like(x)))[1]

    def _inverse(self, y: Tensor) -> Tensor:
        return _unscaled(y, *self._shift_and_log_scale_fn(y))

    def _inverse_log_det_jacobian(self, y: Tensor) -> Tensor:
        return -_total(self._shift_and_log_scale_fn(y)[1], y)


class RealNVP(Bijector):
    """The first `num_masked` elements stay, and `shift_and_log_scale_fn(x0, how many others)` of them shifts and scales
    the others (Dinh et al. 2017)."""

    def __init__(self, num_masked: int, shift_and_log_scale_fn: ShiftAndScale, is_constant_jacobian: bool = False,
                 validate_args: bool = False, name: str | None = None):
        if num_masked < 0:
            raise ValueError("num_masked must be a non-negative integer.")
        super().__init__(is_constant_jacobian=is_constant_jacobian, validate_args=validate_args,
                         forward_min_event_ndims=1, name=name or "real_nvp")
        self._num_masked = num_masked
        self._shift_and_log_scale_fn = shift_and_log_scale_fn

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor, Any, Any]:
        depth = _depth(x)
        if self._num_masked >= depth:
            raise ValueError("Number of masked units must be smaller than the event size.")
        kept, moved = x[..., :self._num_masked], x[..., self._num_masked:]
        return kept, moved, *self._shift_and_log_scale_fn(kept, depth - self._num_masked)

    def _forward(self, x: Tensor) -> Tensor:
        kept, moved, shift, log_scale = self._parts(x)
        return concat([kept, _scaled(moved, shift, log_scale)], -1)

    def _inverse(self, y: Tensor) -> Tensor:
        kept, moved, shift, log_scale = self._parts(y)
        return concat([kept, _unscaled(moved, shift, log_scale)], -1)

    def _forward_log_det_jacobian(self, x: Tensor) -> Tensor:
        return _total(self._parts(x)[3], x)

    def _inverse_log_det_jacobian(self, y: Tensor) -> Tensor:
        return -_total(self._parts(y)[3], y)


class BatchNormalization(Bijector):
    """The inverse of batch normalization, so that the inverse of this normalizes: in training by the batch."""

    def __init__(self, batchnorm_layer: Any = None, training: bool = True, validate_args: bool = False,
                 name: str = "batch_normalization"):
        super().__init__(validate_args=validate_args, forward_min_event_ndims=1, name=name)
        self.batchnorm = batchnorm_layer or BatchNormalizationLayer(gamma_constraint=lambda x: relu(x) + 1e-6)
        self._training = training

    def _inverse(self, y: Tensor) -> Tensor:
        return self.batchnorm(y, training=self._training)

    def _forward(self, x: Tensor) -> Tensor:
        layer = self.batchnorm
        if not layer.built:
            layer(x, training=False)
        y = x if layer.beta is None else x - layer.beta
        y = y if layer.gamma is None else y / layer.gamma
        return y * sqrt(layer.moving_variance + layer.epsilon) + layer.moving_mean

    def _inverse_log_det_jacobian(self, y: Tensor) -> Tensor:
        layer = self.batchnorm
        if not layer.built:
            layer(y, training=self._training)
        if self._training:
            _, variance = layer.moments(y, list(range(len(known_rank("BatchNormalization", y)) - 1)), False)
        else:
            variance = layer.moving_variance.value()
        total = -0.5 * reduce_sum(log(variance + layer.epsilon))
        return total if layer.gamma is None else total + reduce_sum(log(layer.gamma))


# the networks


def _mask(num_blocks: int, n_in: int, n_out: int, exclusive: bool) -> np.ndarray:
    """[n_in, n_out]: 1 where block i of the inputs may reach a block of the outputs: those from i (i + 1) on."""
    mask = np.zeros((n_out, n_in), np.float32)
    wide, tall = n_in // num_blocks, n_out // num_blocks
    for k in range(num_blocks):
        mask[(k + exclusive) * tall:, k * wide:(k + 1) * wide] = 1
    return mask.T


def masked_dense(inputs: Any, units: int, num_blocks: int | None = None, exclusive: bool = False,
                 kernel_initializer: Any = None, reuse: Any = None, name: str | None = None, **kwargs: Any) -> Tensor:
    """A dense layer whose outputs, in `num_blocks` blocks, depend on the blocks of inputs before theirs (and, unless
    `exclusive`, on their own) only (Germain et al. 2015)."""
    x = convert_to_tensor(inputs)
    depth = _depth(x)
    mask = _mask(depth if num_blocks is None else num_blocks, depth, units, exclusive)
    start = glorot_uniform() if kernel_initializer is None else kernel_initializer

    def initial(shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return start(shape, dtype) * constant(mask)

    layer = _Masked(units, mask, kernel_initializer=initial, name=name, _scope=name, _reuse=reuse, **kwargs)
    return layer(x)


class _Masked(Dense):
    """A dense layer of whose kernel only what the mask leaves is used."""

    def __init__(self, units: int, mask: np.ndarray, **kwargs: Any):
        super().__init__(units, **kwargs)
        self._mask = mask

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.kernel = self.kernel * constant(self._mask)


def masked_autoregressive_default_template(
        hidden_layers: Sequence[int], shift_only: bool = False, activation: Any = relu,
        log_scale_min_clip: float = -5.0, log_scale_max_clip: float = 3.0, log_scale_clip_gradient: bool = False,
        name: str | None = None, **kwargs: Any) -> Callable[..., Any]:
    """A function of x for MaskedAutoregressiveFlow: layers of `masked_dense`, which give (shift, log scale)."""
    def network(x: Any) -> tuple[Tensor, Tensor | None]:
        x = convert_to_tensor(x)
        depth = _depth(x)
        outer = shape(x)
        hidden = reshape(x, (1, depth)) if len(known_rank("masked_autoregressive_default_template", x)) == 1 else x
        for k, units in enumerate(hidden_layers):
            hidden = masked_dense(hidden, units, depth, exclusive=k == 0, activation=activation, **kwargs)
        hidden = masked_dense(hidden, (1 if shift_only else 2) * depth, depth, exclusive=not hidden_layers,
                              activation=None, **kwargs)
        if shift_only:
            return reshape(hidden, outer), None
        shift, log_scale = unstack(reshape(hidden, concat([outer, [2]], 0)), 2, axis=-1)
        shift.set_shape(x.shape)
        log_scale.set_shape(x.shape)
        clipped = clip_by_value(log_scale, log_scale_min_clip, log_scale_max_clip)
        return shift, clipped if log_scale_clip_gradient else log_scale + stop_gradient(clipped - log_scale)

    return make_template(name or "masked_autoregressive_default_template", network)


def real_nvp_default_template(hidden_layers: Sequence[int], shift_only: bool = False, activation: Any = relu,
                              name: str | None = None, **kwargs: Any) -> Callable[..., Any]:
    """A function of (x, number of outputs) for RealNVP: dense layers, which give (shift, log scale)."""
    def network(x: Any, output_units: int) -> tuple[Tensor, Tensor | None]:
        hidden = convert_to_tensor(x)
        for units in hidden_layers:
            hidden = dense(hidden, units, activation=activation, **kwargs)
        hidden = dense(hidden, (1 if shift_only else 2) * output_units, activation=None, **kwargs)
        if shift_only:
            return hidden, None
        shift, log_scale = split(hidden, 2, axis=-1)
        return shift, log_scale

    return make_template(name or "real_nvp_default_template", network)
