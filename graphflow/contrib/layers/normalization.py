"""Normalization layers: by batch, layer, instance and group of channels."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import layers as core
from ...compiler.dtypes import bfloat16, float16
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, minimum, multiply, rsqrt, sqrt, square
from ...compiler.ops.reduction import reduce_sum
from ...compiler.ops.view import identity, known_rank, reshape
from ...compiler.shapes import normalize_axis
from ...framework import GraphKeys, control_dependencies, name_scope
from ...initializers import ones, zeros
from ...nn import batch_normalization, moments, normalize_moments, sufficient_statistics, weighted_moments
from ...training.moving_averages import unbiased_delta
from ...variable_scope import variable_scope
from ...variables import assign_sub
from ..framework.scopes import add_arg_scope
from ..framework.variables import model_variable
from .common import collect, finish, layout_of, model_variable_getter
from .utils import channel_dimension, get_variable_collections


class _BatchNorm(core.BatchNormalization):
    """With weighted samples, and moving averages that do not count their initial zeros."""

    batch_weights: Any = None
    zero_debias = False
    fusable_ranks = (2, 4)

    def moments(self, x: Tensor, axes: Sequence[int], keepdims: bool) -> tuple[Tensor, Tensor]:
        if self.batch_weights is None:
            return super().moments(x, axes, keepdims)
        weights = reshape(cast(self.batch_weights, x.dtype), [-1, *[1] * (len(known_rank("batch_norm", x)) - 1)])
        return weighted_moments(x, list(axes), weights, keepdims=keepdims)

    def moving_average(self, variable: Any, value: Tensor, flag: Tensor | None) -> Tensor:
        if not self.zero_debias or variable is not self.moving_mean:
            return super().moving_average(variable, value, flag)
        keep = convert_to_tensor(1 - self.momentum, variable.dtype)
        return assign_sub(variable, unbiased_delta(variable, value, keep, flag), name="AssignMovingAvg")


@add_arg_scope
def batch_norm(inputs: Any, decay: float = 0.999, center: bool = True, scale: bool = False, epsilon: float = 0.001,
               activation_fn: Any = None, param_initializers: dict[str, Any] | None = None,
               param_regularizers: dict[str, Any] | None = None,
               updates_collections: Any = GraphKeys.UPDATE_OPS, is_training: Any = True, reuse: Any = None,
               variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
               batch_weights: Any = None, fused: bool | None = None, data_format: str = "NHWC",
               zero_debias_moving_mean: bool = False, scope: Any = None, renorm: bool = False,
               renorm_clipping: dict[str, Any] | None = None, renorm_decay: float = 0.99,
               adjustment: Any = None) -> Tensor:
    """Batch normalization; the moving averages are updated by ops in `updates_collections`, or at once when None.

    `is_training` may be a tensor. `batch_weights` weights the samples of a batch.
    """
    x = convert_to_tensor(inputs)
    layout = layout_of(data_format)
    plain = updates_collections == GraphKeys.UPDATE_OPS and not zero_debias_moving_mean and batch_weights is None
    if renorm and not plain:
        raise ValueError("renorm is not supported with batch_weights, updates_collections or zero_debias_moving_mean")
    initial, penalties = param_initializers or {}, param_regularizers or {}
    with variable_scope(scope, "BatchNorm", [x], reuse=reuse, custom_getter=model_variable_getter()) as sc:
        layer = _BatchNorm(
            axis=1 if layout == "channels_first" else -1, momentum=decay, epsilon=epsilon, center=center, scale=scale,
            beta_initializer=initial.get("beta", zeros()), gamma_initializer=initial.get("gamma", ones()),
            moving_mean_initializer=initial.get("moving_mean", zeros()),
            moving_variance_initializer=initial.get("moving_variance", ones()),
            beta_regularizer=penalties.get("beta"), gamma_regularizer=penalties.get("gamma"), trainable=trainable,
            renorm=renorm, renorm_clipping=renorm_clipping, renorm_momentum=renorm_decay, adjustment=adjustment,
            name=sc.name, _scope=sc, _reuse=reuse)
        layer.batch_weights, layer.zero_debias = batch_weights, zero_debias_moving_mean
        layer.updates_collection = updates_collections if isinstance(updates_collections, str) else None
        layer.fused = fused is not False and batch_weights is None
        outputs = layer(x, training=is_training)
        if updates_collections is None:
            with control_dependencies(layer.updates):
                outputs = identity(outputs)
        collect(layer, variables_collections, moving_mean="moving_mean", moving_variance="moving_variance", beta="beta",
                gamma="gamma")
        return finish(outputs, sc, None, None, activation_fn, outputs_collections)


def _scale_and_center(shape: Any, dtype: Any, center: bool, scale: bool, initial: dict[str, Any] | None,
                      variables_collections: Any, trainable: bool) -> tuple[Any, Any]:
    """(beta, gamma), None for what is not wanted."""
    found = []
    for name, wanted, default in (("beta", center, zeros()), ("gamma", scale, ones())):
        found.append(model_variable(
            name, shape, dtype, (initial or {}).get(name, default), trainable=trainable,
            collections=get_variable_collections(variables_collections, name)) if wanted else None)
    return found[0], found[1]


@add_arg_scope
def layer_norm(inputs: Any, center: bool = True, scale: bool = True, activation_fn: Any = None, reuse: Any = None,
               variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
               begin_norm_axis: int = 1, begin_params_axis: int = -1, scope: Any = None) -> Tensor:
    """Each sample normalized over the axes from `begin_norm_axis` on (Ba, Kiros and Hinton 2016).

    beta and gamma have the shape of the inputs from `begin_params_axis` on.
    """
    x = convert_to_tensor(inputs)
    rank = len(known_rank("layer_norm", x))
    with variable_scope(scope, "LayerNorm", [x], reuse=reuse) as sc:
        first = begin_norm_axis + rank if begin_norm_axis < 0 else begin_norm_axis
        if begin_params_axis >= rank or first >= rank:
            raise ValueError(f"begin_params_axis ({begin_params_axis}) and begin_norm_axis ({first}) must be < "
                             f"rank(inputs) ({rank})")
        shape = x.shape[begin_params_axis:]
        if not shape.is_fully_defined():
            raise ValueError(f"Inputs {x.name}: shape(inputs)[{begin_params_axis}:] is not fully defined: {x.shape}")
        beta, gamma = _scale_and_center(shape, x.dtype, center, scale, None, variables_collections, trainable)
        mean, variance = moments(x, list(range(first, rank)), keep_dims=True)
        epsilon = 1e-3 if x.dtype in (float16, bfloat16) else 1e-12
        outputs = batch_normalization(x, mean, variance, beta, gamma, epsilon)
        return finish(outputs, sc, None, None, activation_fn, outputs_collections)


@add_arg_scope
def instance_norm(inputs: Any, center: bool = True, scale: bool = True, epsilon: float = 1e-6,
                  activation_fn: Any = None, param_initializers: dict[str, Any] | None = None, reuse: Any = None,
                  variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
                  data_format: str = "NHWC", scope: Any = None) -> Tensor:
    """Each channel of each sample normalized by itself (Ulyanov, Vedaldi and Lempitsky 2016)."""
    x = convert_to_tensor(inputs)
    layout = layout_of(data_format)
    rank = len(known_rank("instance_norm", x))
    axis = 1 if layout == "channels_first" else rank - 1
    with variable_scope(scope, "InstanceNorm", [x], reuse=reuse) as sc:
        channels = channel_dimension(x.shape, layout)
        beta, gamma = _scale_and_center([channels], x.dtype, center, scale, param_initializers, variables_collections,
                                        trainable)
        if axis == 1:
            beta, gamma = (None if v is None else reshape(v, [1, channels, *[1] * (rank - 2)]) for v in (beta, gamma))
        mean, variance = moments(x, [a for a in range(1, rank) if a != axis], keep_dims=True)
        outputs = batch_normalization(x, mean, variance, beta, gamma, epsilon, name="instancenorm")
        return finish(outputs, sc, None, None, activation_fn, outputs_collections)


@add_arg_scope
def group_norm(inputs: Any, groups: int = 32, channels_axis: int = -1, reduction_axes: Sequence[int] = (-3, -2),
               center: bool = True, scale: bool = True, epsilon: float = 1e-6, activation_fn: Any = None,
               param_initializers: dict[str, Any] | None = None, reuse: Any = None, variables_collections: Any = None,
               outputs_collections: Any = None, trainable: bool = True, scope: Any = None,
               mean_close_to_zero: bool = False) -> Tensor:
    """Each group of channels of each sample normalized by itself, over `reduction_axes` (Wu and He 2018)."""
    x = convert_to_tensor(inputs)
    dims = known_rank("group_norm", x)
    axis = normalize_axis("group_norm", channels_axis, len(dims))
    over = [normalize_axis("group_norm", a, len(dims)) for a in reduction_axes]
    channels = x.shape.as_list()[axis]
    if channels is None:
        raise ValueError(f"Inputs {x.name} has undefined channel dimension: {axis}.")
    if axis in over:
        raise ValueError("reduction_axis must be mutually exclusive with channels_axis")
    if groups > channels or channels % groups:
        raise ValueError(f"{channels} channels is not commensurate with {groups} groups.")
    split = (groups, channels // groups)
    with variable_scope(scope, "GroupNorm", [x], reuse=reuse) as sc:
        beta, gamma = _scale_and_center([channels], x.dtype, center, scale, param_initializers, variables_collections,
                                        trainable)
        spread = [*[1] * axis, *split, *[1] * (len(dims) - axis - 1)]
        parts = reshape(x, (*dims[:axis], *split, *dims[axis + 1:]))
        axes = [axis + 1, *(a + 1 if a > axis else a for a in over)]
        if mean_close_to_zero:
            mean, variance = normalize_moments(*sufficient_statistics(parts, axes, keep_dims=True)[:3], None)
        else:
            mean, variance = moments(parts, axes, keep_dims=True)
        beta, gamma = (None if v is None else reshape(v, spread) for v in (beta, gamma))
        outputs = reshape(batch_normalization(parts, mean, variance, beta, gamma, epsilon), dims)
        return finish(outputs, sc, None, None, activation_fn, outputs_collections)


@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: Any = None) -> Tensor:
    """The inputs divided by their length along an axis."""
    x = convert_to_tensor(inputs)
    with variable_scope(scope, "UnitNorm", [x]):
        if not 0 <= dim < len(known_rank("unit_norm", x)):
            raise ValueError("dim must be positive but smaller than the input rank.")
        return x / sqrt(epsilon + reduce_sum(square(x), dim, True))


def poincare_normalize(x: Any, axis: int = 1, epsilon: float = 1e-5, name: str | None = None) -> Tensor:
    """Vectors along `axis` brought into the ball of radius 1 - epsilon."""
    value = convert_to_tensor(x)
    with name_scope(name, "poincare_normalize", [value]) as scope:
        inverse = rsqrt(reduce_sum(square(value), axis, True))
        return multiply(value, minimum((1.0 - epsilon) * inverse, 1.0), scope)
