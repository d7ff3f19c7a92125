"""Losses of margins, overlaps and alignments, as functions of (y_true, y_pred)."""
from __future__ import annotations

from typing import Any

from ... import ctc as _ctc
from ...compiler.dtypes import int32
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops import nn
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.elementwise import cast
from ...compiler.ops.gather import one_hot, range_
from ...compiler.ops.reduction import reduce_all, reduce_logsumexp, reduce_max, reduce_mean, reduce_sum, size_of
from ...compiler.ops.view import broadcast_to, dim_scalar, expand_dims, reshape, zeros_of
from .. import backend
from ..masks import set_mask
from .functions import clip_shares, operands
from .loss import rank_of, same_rank


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """-sum(y_true * y_pred) of vectors made unit length: -1 where they agree."""
    truth, prediction = same_rank(*operands(y_true, y_pred))
    return -reduce_sum(_unit(truth, axis) * _unit(prediction, axis), axis)


def _unit(x: Tensor, axis: int) -> Tensor:
    return x * ew.rsqrt(ew.maximum(reduce_sum(ew.square(x), axis, keepdims=True), 1e-12))


def _signs(labels: Tensor) -> Tensor:
    """Labels 0 and 1 as -1 and 1; others as they are."""
    binary = reduce_all(ew.logical_or(ew.equal(labels, zeros_of(labels)), ew.equal(labels, zeros_of(labels) + 1)))
    return ew.where(binary, 2 * labels - 1, labels)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(max(1 - y_true * y_pred, 0)) over the last axis, for labels -1 and 1 (or 0 and 1)."""
    truth, prediction = operands(y_true, y_pred)
    return reduce_mean(ew.maximum(1 - _signs(truth) * prediction, 0.0), -1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(square(max(1 - y_true * y_pred, 0))) over the last axis."""
    truth, prediction = operands(y_true, y_pred)
    return reduce_mean(ew.square(ew.maximum(1 - _signs(truth) * prediction, 0.0)), -1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(largest score of the other classes - score of the class + 1, 0)."""
    truth, prediction = operands(y_true, y_pred)
    own = reduce_sum(truth * prediction, -1)
    return ew.maximum(reduce_max((1 - truth) * prediction, -1) - own + 1, 0.0)


def categorical_focal_crossentropy(y_true: Any, y_pred: Any, alpha: Any = 0.25, gamma: float = 2.0,
                                   from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1) -> Tensor:
    """Cross-entropy in which sure samples count less: times alpha * (1 - p)^gamma (Lin et al. 2017)."""
    truth, prediction = operands(y_true, y_pred)
    if label_smoothing:
        classes = cast(size_of(truth, (rank_of(truth) - 1,)), truth.dtype)
        truth = truth * (1 - label_smoothing) + label_smoothing / classes
    if from_logits:
        prediction = nn.softmax(prediction, axis)
    share = clip_shares(prediction / reduce_sum(prediction, axis, keepdims=True))
    factor = ew.power(1 - share, gamma) * convert_to_tensor(alpha, share.dtype)
    return reduce_sum(-factor * truth * ew.log(share), axis)


def binary_focal_crossentropy(y_true: Any, y_pred: Any, apply_class_balancing: bool = False, alpha: float = 0.25,
                              gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0,
                              axis: int = -1) -> Tensor:
    """Binary cross-entropy in which sure samples count less (Lin et al. 2017)."""
    truth, prediction = same_rank(*operands(y_true, y_pred))
    if label_smoothing:
        truth = truth * (1 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        prediction = ew.sigmoid(prediction)
    p = clip_shares(prediction)
    entropy = -(truth * ew.log(p) + (1 - truth) * ew.log(1 - p))
    sure = truth * prediction + (1 - truth) * (1 - prediction)
    values = ew.power(1 - sure, gamma) * entropy
    if apply_class_balancing:
        values = values * (truth * alpha + (1 - truth) * (1 - alpha))
    return reduce_mean(values, axis)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """(1 - p^q) / q for the probability p of the class index (Zhang & Sabuncu 2018)."""
    prediction = convert_to_tensor(y_pred)
    hot = one_hot(cast(y_true, int32), prediction.shape[-1], dtype=prediction.dtype)
    return (1 - ew.power(reduce_sum(prediction * hot, -1), q)) / q


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Tensor:
    """1 - 2 * overlap / (sum(y_true) + sum(y_pred))."""
    truth, prediction = operands(y_true, y_pred)
    total = reduce_sum(truth, axis) + reduce_sum(prediction, axis) + backend.epsilon()
    return 1 - 2 * reduce_sum(truth * prediction, axis) / total


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Tensor:
    """1 - overlap / (overlap + alpha * missed + beta * wrong) (Salehi et al. 2017)."""
    truth, prediction = operands(y_true, y_pred)
    both = reduce_sum(truth * prediction, axis)
    missed, wrong = reduce_sum((1 - prediction) * truth, axis), reduce_sum(prediction * (1 - truth), axis)
    return 1 - both / (both + missed * alpha + wrong * beta + backend.epsilon())


def circle(y_true: Any, y_pred: Any, ref_labels: Any = None, ref_embeddings: Any = None, remove_diagonal: bool = True,
           gamma: float = 80, margin: float = 0.4) -> Tensor:
    """Sun et al. 2020: embeddings of one class together, of others apart. Samples without a partner are masked."""
    prediction = convert_to_tensor(y_pred)
    labels = reshape(cast(y_true, int32), (-1,))
    others = prediction if ref_embeddings is None else convert_to_tensor(ref_embeddings)
    other_labels = labels if ref_labels is None else reshape(cast(ref_labels, int32), (-1,))
    distance = ew.maximum(1 - matmul(prediction, others, transpose_b=True), 0.0)
    same = ew.equal(expand_dims(labels, 1), expand_dims(other_labels, 0))
    positive, negative = same, ew.logical_not(same)
    if remove_diagonal:
        assert prediction.dims is not None and others.dims is not None
        rows, columns = range_(dim_scalar(prediction.dims[0])), range_(dim_scalar(others.dims[0]))
        positive = ew.logical_and(positive, ew.not_equal(expand_dims(rows, 1), expand_dims(columns, 0)))
    near = ew.maximum((margin + distance) * cast(positive, distance.dtype), 0.0)
    far = ew.maximum((1 + margin - distance) * cast(negative, distance.dtype), 0.0)
    lowest = zeros_of(distance) - float("inf")
    pull = reduce_logsumexp(ew.where(positive, -gamma * near * (margin - distance), lowest), 1)
    push = reduce_logsumexp(ew.where(negative, gamma * far * (1 - margin - distance), lowest), 1)
    values = ew.softplus(pull + push)
    set_mask(values, values > 0)
    return values


def ctc(y_true: Any, y_pred: Any) -> Tensor:
    """Connectionist temporal classification (Graves et al. 2006): labels [batch, length], 0 where there is none, and
    logits [batch, time, classes], class 0 the blank. Raises ValueError for other ranks.
    """
    labels, logits = cast(y_true, int32), convert_to_tensor(y_pred)
    if rank_of(labels) != 2 or rank_of(logits) != 3:
        raise ValueError("CTC expects targets of shape `(batch_size, max_length)` and logits of shape `(batch_size, "
                         f"max_length, num_classes)`. Received: y_true.shape={labels.shape}, "
                         f"y_pred.shape={logits.shape}")
    assert logits.dims is not None
    batch, time, _ = logits.dims
    lengths = reduce_sum(cast(ew.not_equal(labels, zeros_of(labels)), int32), -1)
    steps = broadcast_to(expand_dims(dim_scalar(time), 0), (batch,))
    return _ctc.ctc_loss_v2(labels, logits, lengths, steps, logits_time_major=False, blank_index=0)
