"""Batch normalization (Ioffe and Szegedy 2015), batch renormalization (Ioffe 2017), and in virtual batches."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..array_ops import shape
from ..compiler.dtypes import bfloat16, bool_, float16, float32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, maximum, minimum, relu, sqrt, where
from ..compiler.ops.reduction import reduce_mean, size_of
from ..compiler.ops.view import identity, known_rank, ones_of, reshape, stop_gradient, zeros_of
from ..compiler.shapes import TensorShape, normalize_axis
from ..framework import control_dependencies, name_scope
from ..nn import batch_normalization as _batch_normalization
from ..nn import moments
from ..variables import assign, assign_sub
from .base import ONES, ZEROS, InputSpec, Layer, constant_bool, constraint, functional, initializer, regularizer


class BatchNormalization(Layer):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, for each index of `axis`.

    In training, mean and variance are the batch's, and `updates` (collection UPDATE_OPS) move `moving_mean` and
    `moving_variance` towards them by 1 - momentum; these are used otherwise. `training` may be a tensor.
    `renorm` corrects the batch's statistics towards moving ones, within `renorm_clipping` (rmax, rmin, dmax).
    `virtual_batch_size` normalizes that many samples at a time. `adjustment` is a function from the input's shape to
    (scale, bias), applied in training before gamma and beta. Where `fused` is not False and can be (images, one axis
    of channels, none of these extensions), the moving variance takes in the unbiased variance, as TensorFlow's fused
    kernel gives it.
    """

    fusable_ranks: Sequence[int] = (4,)

    def __init__(self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True,
                 scale: bool = True, beta_initializer: Any = ZEROS, gamma_initializer: Any = ONES,
                 moving_mean_initializer: Any = ZEROS, moving_variance_initializer: Any = ONES,
                 beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, renorm: bool = False, renorm_clipping: dict[str, Any] | None = None,
                 renorm_momentum: float = 0.99, fused: bool | None = None, trainable: bool = True,
                 virtual_batch_size: int | None = None, adjustment: Callable[..., Any] | None = None,
                 name: str | None = None, **kwargs: Any):
        super().__init__(trainable, name, **kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.momentum, self.epsilon, self.center, self.scale = momentum, epsilon, center, scale
        self.beta_initializer, self.gamma_initializer = initializer(beta_initializer), initializer(gamma_initializer)
        self.moving_mean_initializer = initializer(moving_mean_initializer)
        self.moving_variance_initializer = initializer(moving_variance_initializer)
        self.beta_regularizer, self.gamma_regularizer = regularizer(beta_regularizer), regularizer(gamma_regularizer)
        self.beta_constraint, self.gamma_constraint = constraint(beta_constraint), constraint(gamma_constraint)
        self.renorm, self.renorm_momentum = renorm, renorm_momentum
        self.renorm_clipping = renorm_clipping or {}
        self.virtual_batch_size, self.adjustment = virtual_batch_size, adjustment
        for what, given in (("renorm", renorm), ("virtual_batch_size", virtual_batch_size is not None),
                            ("adjustment", adjustment is not None)):
            if fused and given:
                raise ValueError(f"Passing both fused=True and {what} is not supported")
        if set(self.renorm_clipping) - {"rmax", "rmin", "dmax"}:
            raise ValueError(f"renorm_clipping {renorm_clipping} contains keys not in ('rmax', 'rmin', 'dmax')")
        self.fused = fused
        self.gamma: Any = None
        self.beta: Any = None

    def build(self, input_shape: Any) -> None:
        sizes = TensorShape(input_shape).as_list()
        rank = len(sizes)
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        self.axis = sorted(normalize_axis(self.name, a, rank) for a in given)
        if any(sizes[a] is None for a in self.axis):
            raise ValueError(f"Input has undefined `axis` dimension. Input shape: {TensorShape(input_shape)}")
        if self.virtual_batch_size is not None and (self.virtual_batch_size <= 0 or 0 in self.axis
                                                    or self.adjustment is not None):
            raise ValueError("virtual_batch_size must be a positive integer that divides the true batch size of the "
                             "input Tensor, with axis 0 the batch and no adjustment")
        if self.fused and rank == 4 and self.axis not in ([1], [3]):
            raise ValueError("Unsupported axis, fused batch norm only supports axis == [1] or axis == [3]")
        self.unbiased = self.fused is not False and rank in self.fusable_ranks and len(self.axis) == 1 and not (
            self.renorm or self.virtual_batch_size is not None or self.adjustment is not None)
        self.input_spec = InputSpec(ndim=rank, axes={a: sizes[a] for a in self.axis})
        if len(self.axis) == 1 and self.virtual_batch_size is None:
            dims: list[Any] = [sizes[self.axis[0]]]
        else:
            dims = [sizes[a] if a in self.axis else 1 for a in range(rank)]
            if self.virtual_batch_size is not None:
                dims.insert(1, 1)
                self.axis = [a + 1 for a in self.axis]
        weight = self._weight(dims)
        if self.scale:
            self.gamma = weight("gamma", self.gamma_initializer, True, self.gamma_regularizer, self.gamma_constraint)
        if self.center:
            self.beta = weight("beta", self.beta_initializer, True, self.beta_regularizer, self.beta_constraint)
        self.moving_mean = weight("moving_mean", self.moving_mean_initializer)
        self.moving_variance = weight("moving_variance", self.moving_variance_initializer)
        if self.renorm:
            self.moving_stddev = weight("moving_stddev", self._stddev_initializer)
            self.renorm_mean = weight("renorm_mean", self.moving_mean_initializer)
            self.renorm_stddev = weight("renorm_stddev", self._stddev_initializer)
        self.built = True

    def _weight(self, dims: Sequence[int]) -> Callable[..., Any]:
        dtype = float32 if self.dtype in (float16, bfloat16) else self.dtype

        def make(name: str, initial: Any, trainable: bool = False, penalty: Any = None, limit: Any = None) -> Any:
            return self.add_weight(name, dims, dtype, initial, penalty, trainable, limit)

        return make

    def _stddev_initializer(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    def call(self, inputs: Any, training: Any = False) -> Tensor:
        x = convert_to_tensor(inputs)
        known = constant_bool(training)
        flag = cast(training, bool_) if known is None else None
        if flag is not None and flag.dims is None:  # a placeholder that was given no shape
            flag = reshape(flag, ())
        given = known_rank(self.name, x)
        if self.virtual_batch_size is not None:
            x = reshape(x, (self.virtual_batch_size, -1, *given[1:]))
        rank = len(known_rank(self.name, x))
        axes = [a for a in range(rank) if a not in self.axis]
        if self.virtual_batch_size is not None:
            axes.remove(1)
        broadcast = [x.dims[a] if a in self.axis else 1 for a in range(rank)]  # type: ignore[index]

        def spread(v: Any) -> Any:
            """A vector along the axis, wherever that is."""
            return v if v is None or len(v.shape) == rank or axes == list(range(rank - 1)) else reshape(v, broadcast)

        scale, offset = spread(self.gamma), spread(self.beta)
        if known is False:
            mean, variance = self.moving_mean.value(), self.moving_variance.value()
        else:
            scale, offset = self._adjusted(x, flag, scale, offset)
            keep = self.virtual_batch_size is not None or len(self.axis) > 1
            mean, variance = self.moments(cast(x, self.moving_mean.dtype), axes, keep)
            new_mean, new_variance = mean, variance
            if self.unbiased:
                count = cast(size_of(x, tuple(axes)), variance.dtype)
                new_variance = variance * (count / maximum(count - 1, 1))
            mean, variance = _choose(flag, mean, self.moving_mean), _choose(flag, variance, self.moving_variance)
            if self.virtual_batch_size is not None:
                new_mean, new_variance = reduce_mean(mean, 1, True), reduce_mean(variance, 1, True)
            if self.renorm:
                r, d, new_mean, new_variance = self._renormalized(new_mean, new_variance, flag)
                scale, offset = _compose(spread(r), spread(d), scale, offset)
            self._move(new_mean, new_variance, flag)
        mean, variance = (cast(spread(v), x.dtype) for v in (mean, variance))
        scale, offset = (None if v is None else cast(v, x.dtype) for v in (scale, offset))
        outputs = _batch_normalization(x, mean, variance, offset, scale, self.epsilon)
        return outputs if self.virtual_batch_size is None else reshape(outputs, given)

    def moments(self, x: Tensor, axes: Sequence[int], keepdims: bool) -> tuple[Tensor, Tensor]:
        """(mean, variance) of a batch."""
        return moments(x, axes, keepdims=keepdims)

    def moving_average(self, variable: Any, value: Tensor, flag: Tensor | None) -> Tensor:
        """A moving average, moved."""
        return _moving_average(variable, value, self.momentum, flag)

    def _adjusted(self, x: Tensor, flag: Tensor | None, scale: Any, offset: Any) -> tuple[Any, Any]:
        if self.adjustment is None:
            return scale, offset
        by, shift = (convert_to_tensor(v) for v in self.adjustment(shape(x)))
        return _compose(_choose(flag, by, ones_of(by)), _choose(flag, shift, zeros_of(shift)), scale, offset)

    def _renormalized(self, mean: Tensor, variance: Tensor, flag: Tensor | None) -> tuple[Tensor, ...]:
        """(r, d, mean, variance): the corrections, and the statistics once the moving ones have taken them in."""
        stddev = sqrt(variance + self.epsilon)
        base = maximum(self.renorm_stddev, self.epsilon ** 0.5)
        r, d = stddev / base, (mean - self.renorm_mean) / base
        low, high, limit = (self.renorm_clipping.get(key) for key in ("rmin", "rmax", "dmax"))
        r = r if low is None else maximum(r, cast(low, r.dtype))
        r = r if high is None else minimum(r, cast(high, r.dtype))
        d = d if limit is None else minimum(maximum(d, -cast(limit, d.dtype)), cast(limit, d.dtype))
        r, d = _choose(flag, r, ones_of(r)), _choose(flag, d, zeros_of(d))
        moved = [_moving_average(v, value, self.renorm_momentum, flag)
                 for v, value in ((self.renorm_mean, mean), (self.renorm_stddev, stddev))]
        with control_dependencies(moved):
            return stop_gradient(r), stop_gradient(d), identity(mean), identity(variance)

    def _move(self, mean: Tensor, variance: Tensor, flag: Tensor | None) -> None:
        self.add_update(self.moving_average(self.moving_mean, mean, flag))
        if not self.renorm:
            self.add_update(self.moving_average(self.moving_variance, variance, flag))
            return
        stddev = _moving_average(self.moving_stddev, sqrt(variance + self.epsilon), self.momentum, flag)
        squared = relu(stddev * stddev - self.epsilon)  # rounding may make it negative
        with name_scope("AssignNewValue") as scope:
            self.add_update(assign(self.moving_variance, _choose(flag, squared, self.moving_variance), name=scope))

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        return TensorShape(input_shape)


def _choose(flag: Tensor | None, value: Tensor, other: Any) -> Tensor:
    """`value` in training, else `other`; no flag says that this is training."""
    return value if flag is None else where(flag, value, other)


def _compose(scale: Tensor, offset: Tensor, then_scale: Any, then_offset: Any) -> tuple[Tensor, Tensor]:
    """(scale, offset) of x * scale + offset and then another of them."""
    if then_scale is not None:
        scale, offset = scale * then_scale, offset * then_scale
    return scale, offset if then_offset is None else offset + then_offset


def _moving_average(variable: Any, value: Tensor, momentum: Any, flag: Tensor | None) -> Tensor:
    """The variable moved towards `value` by 1 - momentum, in training."""
    with name_scope("AssignMovingAvg") as scope:
        decay = cast(1.0 - momentum, variable.dtype)
        delta = (variable.value() - cast(value, variable.dtype)) * decay
        return assign_sub(variable, _choose(flag, delta, zeros_of(delta)), name=scope)


batch_normalization = functional(
    BatchNormalization, "Batch normalization; the updates of its moving averages are in the collection UPDATE_OPS.",
    {"training": False}, order=[
        "inputs", "axis", "momentum", "epsilon", "center", "scale", "beta_initializer", "gamma_initializer",
        "moving_mean_initializer", "moving_variance_initializer", "beta_regularizer", "gamma_regularizer",
        "beta_constraint", "gamma_constraint", "training", "trainable", "name", "reuse", "renorm", "renorm_clipping",
        "renorm_momentum", "fused", "virtual_batch_size", "adjustment"])
