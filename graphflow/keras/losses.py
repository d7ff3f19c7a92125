"""Losses: functions of (y_true, y_pred) that give one value per sample, and classes that reduce them to a scalar.

Cross-entropies of a softmax's or sigmoid's output are computed from its logits, as Keras does on TensorFlow.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..compiler.dtypes import int32, int64
from ..compiler.ir import Tensor
from ..compiler.ops import elementwise as ew
from ..compiler.ops import nn
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast
from ..compiler.ops.reduction import reduce_mean, reduce_sum, size_of
from ..compiler.ops.view import expand_dims, squeeze, transpose, zeros_of
from ..compiler.shapes import normalize_axis
from . import backend
from .naming import auto_name, object_name

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def rank_of(x: Tensor) -> int:
    return len(x.dims or ())


def same_rank(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Add or drop a last axis of size 1 where the ranks differ by one: labels (n,) for predictions (n, 1)."""
    if rank_of(a) == rank_of(b) + 1 and a.shape[-1] == 1:
        return (a, expand_dims(b, -1)) if rank_of(b) == 1 else (squeeze(a, -1), b)
    if rank_of(b) == rank_of(a) + 1 and b.shape[-1] == 1:
        return (expand_dims(a, -1), b) if rank_of(a) == 1 else (a, squeeze(b, -1))
    return a, b


def _operands(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    prediction = convert_to_tensor(y_pred)
    if not prediction.dtype.is_floating:
        prediction = cast(prediction, backend.floatx())
    return cast(y_true, prediction.dtype), prediction


def _pointwise(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    truth, prediction = same_rank(*_operands(y_true, y_pred))
    if not truth.shape.is_compatible_with(prediction.shape) and rank_of(truth) == rank_of(prediction) and any(
            isinstance(a, int) and isinstance(b, int) and a != b and 1 not in (a, b)
            for a, b in zip(truth.dims or (), prediction.dims or (), strict=True)):
        raise ValueError(f"Arguments `y_true` and `y_pred` must have the same shape. Received: "
                         f"y_true.shape={truth.shape}, y_pred.shape={prediction.shape}")
    return truth, prediction


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean(square(y_true - y_pred)) over the last axis."""
    truth, prediction = _pointwise(y_true, y_pred)
    return reduce_mean(ew.square(truth - prediction), -1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean(abs(y_true - y_pred)) over the last axis."""
    truth, prediction = _pointwise(y_true, y_pred)
    return reduce_mean(ew.abs_(truth - prediction), -1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """100 * mean(abs((y_true - y_pred) / y_true)) over the last axis."""
    truth, prediction = _pointwise(y_true, y_pred)
    return 100 * reduce_mean(ew.abs_((truth - prediction) / ew.maximum(ew.abs_(truth), backend.epsilon())), -1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean(square(log(y_true + 1) - log(y_pred + 1))) over the last axis."""
    logs = [ew.log(ew.maximum(y, backend.epsilon()) + 1) for y in _pointwise(y_true, y_pred)]
    return reduce_mean(ew.square(logs[0] - logs[1]), -1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Half the squared error up to `delta`, linear beyond, averaged over the last axis."""
    truth, prediction = _pointwise(y_true, y_pred)
    error = ew.abs_(prediction - truth)
    return reduce_mean(ew.where(error <= delta, 0.5 * ew.square(error), delta * error - 0.5 * delta * delta), -1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """mean(log(cosh(y_pred - y_true))) over the last axis."""
    truth, prediction = _pointwise(y_true, y_pred)
    error = prediction - truth
    return reduce_mean(error + ew.softplus(error * -2.0) - math.log(2.0), -1)


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """sum(y_true * log(y_true / y_pred)) over the last axis."""
    truth, prediction = (_clip(y, 1.0) for y in _operands(y_true, y_pred))
    return reduce_sum(truth * ew.log(truth / prediction), -1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """mean(y_pred - y_true * log(y_pred)) over the last axis."""
    truth, prediction = _pointwise(y_true, y_pred)
    return reduce_mean(prediction - truth * ew.log(prediction + backend.epsilon()), -1)


def _clip(x: Tensor, high: float | None = None) -> Tensor:
    return ew.minimum(ew.maximum(x, backend.epsilon()), 1 - backend.epsilon() if high is None else high)


def _logits(prediction: Tensor, op_type: str) -> Tensor | None:
    """What a softmax or sigmoid was applied to, if `prediction` is its output."""
    return prediction.op.inputs[0] if prediction.op.type == op_type else None


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0,
                             axis: int = -1) -> Tensor:
    """-sum(y_true * log(y_pred)) over the classes."""
    truth, prediction = _operands(y_true, y_pred)
    if rank_of(truth) != rank_of(prediction) or not truth.shape.is_compatible_with(prediction.shape):
        raise ValueError("Arguments `target` and `output` must have the same shape. Received: "
                         f"target.shape={truth.shape}, output.shape={prediction.shape}. For integer labels use "
                         "sparse_categorical_crossentropy.")
    if label_smoothing:
        classes = cast(size_of(truth, (rank_of(truth) - 1,)), truth.dtype)
        truth = truth * (1 - label_smoothing) + label_smoothing / classes
    logits = prediction if from_logits else _logits(prediction, "Softmax")
    if logits is not None:
        return nn.softmax_cross_entropy_with_logits_v2(truth, logits, axis)
    share = prediction / reduce_sum(prediction, axis, keepdims=True)
    return -reduce_sum(truth * ew.log(_clip(share)), axis)


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False,
                                    ignore_class: int | None = None, axis: int = -1) -> Tensor:
    """-log(y_pred[label]). A label out of range is an InvalidArgumentError when the step runs."""
    prediction, labels = convert_to_tensor(y_pred), convert_to_tensor(y_true)
    if not prediction.dtype.is_floating:
        prediction = cast(prediction, backend.floatx())
    if rank_of(labels) == rank_of(prediction) and labels.shape[axis] == 1:
        labels = squeeze(labels, axis)
    if rank_of(labels) != rank_of(prediction) - 1:
        raise ValueError("Argument `output` must have rank (ndim) `target.ndim + 1`. Received: "
                         f"target.shape={labels.shape}, output.shape={prediction.shape}. For one-hot labels use "
                         "categorical_crossentropy.")
    if labels.dtype not in (int32, int64):
        labels = cast(labels, int64 if labels.dtype.is_floating or labels.dtype.size > 2 else int32)
    scores = prediction if from_logits else _logits(prediction, "Softmax")
    if scores is None:
        scores = ew.log(_clip(prediction))
    last, axis = rank_of(scores) - 1, normalize_axis("sparse_categorical_crossentropy", axis, rank_of(scores))
    if axis != last:
        scores = transpose(scores, [*(a for a in range(last + 1) if a != axis), axis])
    if ignore_class is None:
        return nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
    valid = ew.not_equal(labels, ignore_class)
    losses = nn.sparse_softmax_cross_entropy_with_logits(ew.where(valid, labels, zeros_of(labels)), scores)
    return ew.where(valid, losses, zeros_of(losses))


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0,
                        axis: int = -1) -> Tensor:
    """mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)) over the last axis."""
    truth, prediction = _pointwise(y_true, y_pred)
    if label_smoothing:
        truth = truth * (1 - label_smoothing) + 0.5 * label_smoothing
    logits = prediction if from_logits else _logits(prediction, "Sigmoid")
    if logits is not None:
        return reduce_mean(nn.sigmoid_cross_entropy_with_logits(truth, logits), axis)
    p = _clip(prediction)
    return -reduce_mean(truth * ew.log(p) + (1 - truth) * ew.log(1 - p), axis)


class Loss:
    """Base class. Subclasses define `call(y_true, y_pred)`; `reduction` says what becomes of its values."""

    integer_targets = False  # whether targets are class indices, not to be cast to floats

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None):
        if reduction not in REDUCTIONS:
            raise ValueError(f"Invalid value for argument `reduction`. Expected one of {REDUCTIONS}. "
                             f"Received: reduction={reduction}")
        self.name = name or auto_name(type(self).__name__)
        self.reduction = reduction
        self.dtype = dtype or backend.floatx()

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        prediction = cast(y_pred, self.dtype)
        truth = convert_to_tensor(y_true) if self.integer_targets else cast(y_true, self.dtype)
        return reduce_weighted(self.call(truth, prediction), sample_weight, self.reduction)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        raise NotImplementedError(f"Loss {type(self).__name__} does not have a `call()` method implemented.")

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**config)


def reduce_weighted(values: Tensor, sample_weight: Any, reduction: str | None) -> Tensor:
    """The reduction of per-sample values times their weights."""
    weight: Tensor | None = None
    if sample_weight is not None:
        weight = cast(sample_weight, values.dtype)
        values, weight = same_rank(values, weight)
        values = values * weight
    if reduction in ("none", None) or values.dims == ():
        return values
    total = reduce_sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and weight is not None:
        divisor = reduce_sum(weight)
        return ew.where(ew.equal(divisor, 0), zeros_of(total), total / divisor)
    return total / cast(size_of(values), values.dtype)


class LossFunctionWrapper(Loss):
    """A loss from a function of (y_true, y_pred) and fixed further arguments."""

    def __init__(self, fn: Callable[..., Any], reduction: str | None = "sum_over_batch_size", name: str | None = None,
                 dtype: Any = None, **kwargs: Any):
        super().__init__(name or object_name(fn), reduction, dtype)
        self.fn, self._fn_kwargs = fn, kwargs
        self.integer_targets = fn is sparse_categorical_crossentropy

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        if not self.integer_targets:
            y_true, y_pred = same_rank(y_true, y_pred)
        return convert_to_tensor(self.fn(y_true, y_pred, **self._fn_kwargs))

    def get_config(self) -> dict[str, Any]:
        from .saving.serialization import serialize_keras_object
        return {**super().get_config(), "fn": serialize_keras_object(self.fn), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        from .saving.serialization import deserialize_keras_object
        return cls(**deserialize_keras_object(config))


class _Named(LossFunctionWrapper):
    """A loss function with a class of its own. `options` are its further arguments and their defaults."""

    function: Callable[..., Tensor]
    options: dict[str, Any] = {}

    def __init__(self, *args: Any, reduction: str | None = "sum_over_batch_size", name: str | None = None,
                 dtype: Any = None, **kwargs: Any):
        names = [*self.options, "reduction", "name", "dtype"]
        given = {"reduction": reduction, "name": name, "dtype": dtype, **kwargs, **dict(zip(names, args, strict=False))}
        unknown = set(given) - set(names)
        if unknown or len(args) > len(names):
            raise TypeError(f"{type(self).__name__}: unexpected arguments {sorted(unknown) or args}; expected {names}")
        options = {key: given.get(key, default) for key, default in self.options.items()}
        function = type(self).function
        super().__init__(function, given["reduction"], given["name"] or function.__name__, given["dtype"], **options)

    def get_config(self) -> dict[str, Any]:
        return {**Loss.get_config(self), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**config)


def _named(name: str, function: Callable[..., Tensor], **options: Any) -> Any:
    return type(name, (_Named,), {"function": staticmethod(function), "options": options, "__module__": __name__,
                                  "__doc__": function.__doc__})


MeanSquaredError = _named("MeanSquaredError", mean_squared_error)
MeanAbsoluteError = _named("MeanAbsoluteError", mean_absolute_error)
MeanAbsolutePercentageError = _named("MeanAbsolutePercentageError", mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _named("MeanSquaredLogarithmicError", mean_squared_logarithmic_error)
Huber = _named("Huber", huber, delta=1.0)
LogCosh = _named("LogCosh", log_cosh)
KLDivergence = _named("KLDivergence", kl_divergence)
Poisson = _named("Poisson", poisson)
BinaryCrossentropy = _named("BinaryCrossentropy", binary_crossentropy, from_logits=False, label_smoothing=0.0, axis=-1)
CategoricalCrossentropy = _named("CategoricalCrossentropy", categorical_crossentropy, from_logits=False,
                                 label_smoothing=0.0, axis=-1)
SparseCategoricalCrossentropy = _named("SparseCategoricalCrossentropy", sparse_categorical_crossentropy,
                                       from_logits=False, ignore_class=None, axis=-1)

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kl_divergence
logcosh = log_cosh

FUNCTIONS: dict[str, Any] = {f.__name__: f for f in (
    mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, huber,
    log_cosh, kl_divergence, poisson, binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy)}
FUNCTIONS |= {"mse": mse, "MSE": mse, "mae": mae, "MAE": mae, "mape": mape, "MAPE": mape, "msle": msle, "MSLE": msle,
              "kld": kld, "KLD": kld, "logcosh": log_cosh, "bce": binary_crossentropy, "BCE": binary_crossentropy}
_OBJECTS: dict[str, Any] = FUNCTIONS | {c.__name__: c for c in (
    MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, Huber, LogCosh,
    KLDivergence, Poisson, BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy)}


def get(identifier: Any) -> Any:
    """The loss for a name, config, instance or function."""
    from .utils.lookup import lookup
    return lookup("loss function", identifier, _OBJECTS)


def serialize(loss: Any) -> Any:
    from .saving.serialization import serialize_keras_object
    return serialize_keras_object(loss)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    from .saving.serialization import deserialize_keras_object
    return deserialize_keras_object(config, custom_objects, _OBJECTS)
