"""Losses as functions of (y_true, y_pred) that give one value per sample.

Cross-entropies of a softmax's or sigmoid's output are computed from its logits, as Keras does on TensorFlow.
"""
from __future__ import annotations

import math
from typing import Any

from ...compiler.dtypes import int32, int64
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops import nn
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.reduction import reduce_mean, reduce_sum, size_of
from ...compiler.ops.view import squeeze, transpose, zeros_of
from ...compiler.shapes import normalize_axis
from .. import backend
from ..masks import set_mask
from .loss import rank_of, same_rank


def operands(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    prediction = convert_to_tensor(y_pred)
    if not prediction.dtype.is_floating:
        prediction = cast(prediction, backend.floatx())
    return cast(y_true, prediction.dtype), prediction


def pointwise(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    truth, prediction = same_rank(*operands(y_true, y_pred))
    if not truth.shape.is_compatible_with(prediction.shape) and rank_of(truth) == rank_of(prediction) and any(
            isinstance(a, int) and isinstance(b, int) and a != b and 1 not in (a, b)
            for a, b in zip(truth.dims or (), prediction.dims or (), strict=True)):
        raise ValueError(f"Arguments `y_true` and `y_pred` must have the same shape. Received: "
                         f"y_true.shape={truth.shape}, y_pred.shape={prediction.shape}")
    return truth, prediction


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean(square(y_true - y_pred)) over the last axis."""
    truth, prediction = pointwise(y_true, y_pred)
    return reduce_mean(ew.square(truth - prediction), -1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean(abs(y_true - y_pred)) over the last axis."""
    truth, prediction = pointwise(y_true, y_pred)
    return reduce_mean(ew.abs_(truth - prediction), -1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """100 * mean(abs((y_true - y_pred) / y_true)) over the last axis."""
    truth, prediction = pointwise(y_true, y_pred)
    return 100 * reduce_mean(ew.abs_((truth - prediction) / ew.maximum(ew.abs_(truth), backend.epsilon())), -1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean(square(log(y_true + 1) - log(y_pred + 1))) over the last axis."""
    logs = [ew.log(ew.maximum(y, backend.epsilon()) + 1) for y in pointwise(y_true, y_pred)]
    return reduce_mean(ew.square(logs[0] - logs[1]), -1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Half the squared error up to `delta`, linear beyond, averaged over the last axis."""
    truth, prediction = pointwise(y_true, y_pred)
    error = ew.abs_(prediction - truth)
    return reduce_mean(ew.where(error <= delta, 0.5 * ew.square(error), delta * error - 0.5 * delta * delta), -1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """mean(log(cosh(y_pred - y_true))) over the last axis."""
    truth, prediction = pointwise(y_true, y_pred)
    error = prediction - truth
    return reduce_mean(error + ew.softplus(error * -2.0) - math.log(2.0), -1)


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """sum(y_true * log(y_true / y_pred)) over the last axis."""
    truth, prediction = (clip_shares(y, 1.0) for y in operands(y_true, y_pred))
    return reduce_sum(truth * ew.log(truth / prediction), -1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """mean(y_pred - y_true * log(y_pred)) over the last axis."""
    truth, prediction = pointwise(y_true, y_pred)
    return reduce_mean(prediction - truth * ew.log(prediction + backend.epsilon()), -1)


def clip_shares(x: Tensor, high: float | None = None) -> Tensor:
    return ew.minimum(ew.maximum(x, backend.epsilon()), 1 - backend.epsilon() if high is None else high)


def _logits(prediction: Tensor, op_type: str) -> Tensor | None:
    """What a softmax or sigmoid was applied to, if `prediction` is its output."""
    return prediction.op.inputs[0] if prediction.op.type == op_type else None


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0,
                             axis: int = -1) -> Tensor:
    """-sum(y_true * log(y_pred)) over the classes."""
    truth, prediction = operands(y_true, y_pred)
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
    return -reduce_sum(truth * ew.log(clip_shares(share)), axis)


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
        scores = ew.log(clip_shares(prediction))
    last, axis = rank_of(scores) - 1, normalize_axis("sparse_categorical_crossentropy", axis, rank_of(scores))
    if axis != last:
        scores = transpose(scores, [*(a for a in range(last + 1) if a != axis), axis])
    if ignore_class is None:
        return nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
    valid = ew.not_equal(labels, ignore_class)
    losses = nn.sparse_softmax_cross_entropy_with_logits(ew.where(valid, labels, zeros_of(labels)), scores)
    losses = ew.where(valid, losses, zeros_of(losses))
    set_mask(losses, valid)  # those ignored do not count in means
    return losses


sparse_categorical_crossentropy.integer_targets = True  # type: ignore[attr-defined]


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0,
                        axis: int = -1) -> Tensor:
    """mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)) over the last axis."""
    truth, prediction = pointwise(y_true, y_pred)
    if label_smoothing:
        truth = truth * (1 - label_smoothing) + 0.5 * label_smoothing
    logits = prediction if from_logits else _logits(prediction, "Sigmoid")
    if logits is not None:
        return reduce_mean(nn.sigmoid_cross_entropy_with_logits(truth, logits), axis)
    p = clip_shares(prediction)
    return -reduce_mean(truth * ew.log(p) + (1 - truth) * ew.log(1 - p), axis)
