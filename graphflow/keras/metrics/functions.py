"""Metrics as functions of (y_true, y_pred)."""
from __future__ import annotations

from typing import Any

from ...compiler.dtypes import int32
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.gather import one_hot
from ...compiler.ops.reduction import argmax, reduce_any, reduce_mean, reduce_sum
from ...compiler.ops.view import expand_dims, squeeze
from .. import backend, losses
from ..losses.loss import rank_of, same_rank


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where equal."""
    prediction = convert_to_tensor(y_pred)
    truth, prediction = same_rank(cast(y_true, prediction.dtype), prediction)
    return cast(ew.equal(truth, prediction), backend.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where y_pred lies on the same side of the threshold as the label, 0 or 1."""
    truth, prediction = same_rank(convert_to_tensor(y_true), convert_to_tensor(y_pred))
    prediction = prediction if prediction.dtype.is_floating else cast(prediction, backend.floatx())
    return cast(ew.equal(truth, cast(prediction > threshold, truth.dtype)), backend.floatx())


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest score is that of the one-hot label."""
    return cast(ew.equal(argmax(y_true, -1), argmax(y_pred, -1)), backend.floatx())


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest score is that of the class index."""
    truth, prediction = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    if rank_of(truth) == rank_of(prediction) and truth.shape[-1] == 1:
        truth = squeeze(truth, -1)
    best = argmax(prediction, -1)
    hits = ew.equal(truth, cast(best, truth.dtype)) if truth.dtype.is_floating else ew.equal(
        cast(truth, best.dtype), best)
    hits = squeeze(hits, -1) if rank_of(hits) > 1 and hits.shape[-1] == 1 else hits
    return cast(hits, backend.floatx())


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where the one-hot label is among the k largest scores."""
    return sparse_top_k_categorical_accuracy(argmax(y_true, -1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Tensor:
    """1 where the class index is among the k largest scores (or the first k of `y_pred`, class indices then)."""
    truth, prediction = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    if rank_of(truth) == rank_of(prediction) and truth.shape[-1] == 1:
        truth = squeeze(truth, -1)
    if from_sorted_ids:
        first = prediction[..., :k]
        return cast(reduce_any(ew.equal(expand_dims(cast(truth, prediction.dtype), -1), first), -1), backend.floatx())
    own = reduce_sum(prediction * one_hot(cast(truth, int32), prediction.shape[-1], dtype=prediction.dtype), -1,
                     keepdims=True)
    above = reduce_sum(cast(prediction > own, int32), -1)
    hits = ew.logical_and(above < k, ew.is_finite(squeeze(own, -1)))
    return cast(hits, backend.floatx())


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The cosine of the angle between vectors: 1 where they agree."""
    return -losses.cosine_similarity(y_true, y_pred, axis)


def _centred(y_true: Any, y_pred: Any, axis: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Both without their means, and the means."""
    prediction = convert_to_tensor(y_pred)
    truth, prediction = same_rank(cast(y_true, prediction.dtype), prediction)
    means = [reduce_mean(t, axis, keepdims=True) for t in (truth, prediction)]
    return truth - means[0], prediction - means[1], means[0], means[1]


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The correlation along `axis`."""
    a, b, _, _ = _centred(y_true, y_pred, axis)
    a, b = (t / ew.sqrt(reduce_mean(ew.square(t), axis, keepdims=True)) for t in (a, b))
    return reduce_mean(a * b, axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Agreement along `axis` (Lin 1989), with the covariance as Keras takes it."""
    a, b, mean_a, mean_b = _centred(y_true, y_pred, axis)
    spread = (reduce_mean(ew.square(a), axis, keepdims=True) + reduce_mean(ew.square(b), axis, keepdims=True)
              + ew.square(mean_a - mean_b))
    return reduce_mean(2 * (a + mean_a - mean_b) * b / (spread + backend.epsilon()), axis)
