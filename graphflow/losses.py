"""`tf.losses`: a loss of a batch as a weighted scalar, kept in the collection that `get_total_loss` adds up.

`weights` is a scalar, or broadcasts against the elements' losses with the same rank: an element of weight 0 does not
count. `reduction` says what becomes of the weighted elements.
"""
from __future__ import annotations

from typing import Any

from .arguments import renamed
from .array_ops import ones_like, shape, size
from .compiler.dtypes import float32
from .compiler.ir import Tensor
from .compiler.ops import elementwise
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, where
from .compiler.ops.reduction import reduce_sum
from .compiler.ops.view import known_rank, ones_of, stop_gradient, zeros_of
from .framework import GraphKeys, add_to_collection, constant, get_collection, name_scope
from .math import div_no_nan
from .math_ops import add_n
from .nn import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from .weighting import broadcast_weights, check_broadcastable, remove_squeezable, squeeze_weights


class Reduction:
    """What becomes of the weighted losses of the elements."""

    NONE = "none"  # they stay as they are
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"  # their sum over the number of elements
    MEAN = "weighted_mean"  # their sum over the sum of the weights
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"  # their sum over the number of weights that are not 0
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        return cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def validate(cls, key: str) -> None:
        """Raises ValueError for a word that is not a reduction."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


def _present(losses: Tensor, weights: Tensor, per_batch: bool = False) -> Tensor:
    """How many elements have a weight other than 0 (for each sample: [batch, 1, ...])."""
    nonzero = where(elementwise.equal(weights, zeros_of(weights)), zeros_of(weights), ones_of(weights))
    present = broadcast_weights(nonzero, losses)
    return reduce_sum(present, range(1, len(known_rank("losses", present))) if per_batch else None, per_batch)


def _count(losses: Tensor) -> Tensor:
    return cast(size(losses), losses.dtype)


def compute_weighted_loss(losses: Any, weights: Any = 1.0, scope: str | None = None,
                          loss_collection: str | None = GraphKeys.LOSSES,
                          reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    """`losses` of elements times `weights`, reduced, and added to `loss_collection`; computed as float32.

    Raises ValueError for weights that do not broadcast against the losses.
    """
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss", [losses, weights]):
        given = convert_to_tensor(losses)
        factors = cast(check_broadcastable(weights, given), float32)
        elements = cast(given, float32)
        weighted = elementwise.multiply(elements, factors)
        if reduction == Reduction.NONE:
            loss = weighted
        else:
            loss = reduce_sum(weighted)
            if reduction == Reduction.MEAN:
                loss = div_no_nan(loss, reduce_sum(ones_like(elements) * factors), name="value")
            elif reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
                whole = isinstance(weights, (int, float)) and weights != 0
                loss = div_no_nan(loss, _count(elements) if whole else _present(elements, factors), name="value")
            elif reduction == Reduction.SUM_OVER_BATCH_SIZE:
                loss = div_no_nan(loss, _count(elements), name="value")
        loss = cast(loss, given.dtype)
        add_loss(loss, loss_collection)
        return loss


def _operands(first: str, labels: Any, second: str, predictions: Any) -> tuple[Tensor, Tensor]:
    """Both as float32, of one shape. Raises ValueError for None and for shapes that differ."""
    for name, value in ((first, labels), (second, predictions)):
        if value is None:
            raise ValueError(f"{name} must not be None.")
    p, y = cast(predictions, float32), cast(labels, float32)
    p.shape.assert_is_compatible_with(y.shape)
    return y, p


def absolute_difference(labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
                        loss_collection: str | None = GraphKeys.LOSSES,
                        reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    """abs(predictions - labels)."""
    with name_scope(scope, "absolute_difference", [predictions, labels, weights]) as name:
        y, p = _operands("labels", labels, "predictions", predictions)
        return compute_weighted_loss(abs(p - y), weights, name, loss_collection, reduction)


def cosine_distance(labels: Any, predictions: Any, axis: int | None = None, weights: Any = 1.0,
                    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
                    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS, dim: int | None = None) -> Tensor:
    """1 - sum(labels * predictions) along `axis`, for vectors of length 1."""
    along = renamed("axis", axis, "dim", dim)
    if along is None:
        raise ValueError("You must specify 'axis'.")
    with name_scope(scope, "cosine_distance_loss", [predictions, labels, weights]) as name:
        y, p = _operands("labels", labels, "predictions", predictions)
        losses = 1 - reduce_sum(p * y, along, True)
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


def hinge_loss(labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
               loss_collection: str | None = GraphKeys.LOSSES,
               reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    """max(0, 1 - (2 labels - 1) logits), for labels 0 and 1."""
    with name_scope(scope, "hinge_loss", [logits, labels, weights]) as name:
        y, x = _operands("labels", labels, "logits", logits)
        losses = elementwise.relu(1 - (2 * y - 1) * x)
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


def huber_loss(labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0, scope: str | None = None,
               loss_collection: str | None = GraphKeys.LOSSES,
               reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    """0.5 * e ** 2 for errors e up to `delta`, delta * (abs(e) - 0.5 * delta) beyond (Huber 1964)."""
    with name_scope(scope, "huber_loss", [predictions, labels, weights]) as name:
        y, p = _operands("labels", labels, "predictions", predictions)
        error = abs(p - y)
        quadratic = elementwise.minimum(error, delta)
        losses = 0.5 * (quadratic * quadratic) + delta * (error - quadratic)
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


def log_loss(labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None = None,
             loss_collection: str | None = GraphKeys.LOSSES,
             reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    """-labels * log(predictions + epsilon) - (1 - labels) * log(1 - predictions + epsilon)."""
    with name_scope(scope, "log_loss", [predictions, labels, weights]) as name:
        y, p = _operands("labels", labels, "predictions", predictions)
        losses = -(y * elementwise.log(p + epsilon)) - (1 - y) * elementwise.log(1 - p + epsilon)
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


def mean_pairwise_squared_error(labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
                                loss_collection: str | None = GraphKeys.LOSSES) -> Tensor:
    """The mean over all pairs of elements in a sample of the squared error of their difference (Eigen et al. 2014)."""
    with name_scope(scope, "mean_pairwise_squared_error", [predictions, labels, weights]):
        y, p = _operands("labels", labels, "predictions", predictions)
        difference = p - y
        factors = cast(check_broadcastable(weights, difference), float32)
        axes = range(1, len(known_rank("mean_pairwise_squared_error", difference)))
        present = _present(difference, factors, per_batch=True)
        squares = reduce_sum(elementwise.square(difference), axes, True)
        first = 2.0 * div_no_nan(squares, elementwise.maximum(present - 1, 0.0))
        total = reduce_sum(difference, axes, True)
        second = 2.0 * div_no_nan(elementwise.square(total), elementwise.maximum(present * (present - 1), 0.0))
        loss = reduce_sum((first - second) * factors)
        mean = where(reduce_sum(present) > 0, loss, zeros_of(loss), name="value")
        add_loss(mean, loss_collection)
        return mean


def mean_squared_error(labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
                       loss_collection: str | None = GraphKeys.LOSSES,
                       reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    """(predictions - labels) ** 2."""
    with name_scope(scope, "mean_squared_error", [predictions, labels, weights]) as name:
        y, p = _operands("labels", labels, "predictions", predictions)
        losses = elementwise.squared_difference(p, y)
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


def sigmoid_cross_entropy(multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0,
                          scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
                          reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    """`nn.sigmoid_cross_entropy_with_logits`, with labels moved towards 1/2 by `label_smoothing`."""
    if multi_class_labels is None:
        raise ValueError("multi_class_labels must not be None.")
    if logits is None:
        raise ValueError("logits must not be None.")
    with name_scope(scope, "sigmoid_cross_entropy_loss", [logits, multi_class_labels, weights]) as name:
        x = convert_to_tensor(logits)
        y = cast(multi_class_labels, x.dtype)
        x.shape.assert_is_compatible_with(y.shape)
        if label_smoothing > 0:
            y = y * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(labels=y, logits=x, name="xentropy")
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


def softmax_cross_entropy(onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0,
                          scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
                          reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    """`nn.softmax_cross_entropy_with_logits`, with labels moved towards 1 / classes by `label_smoothing`."""
    if onehot_labels is None:
        raise ValueError("onehot_labels must not be None.")
    if logits is None:
        raise ValueError("logits must not be None.")
    with name_scope(scope, "softmax_cross_entropy_loss", [logits, onehot_labels, weights]) as name:
        x = convert_to_tensor(logits)
        y = cast(onehot_labels, x.dtype)
        x.shape.assert_is_compatible_with(y.shape)
        if label_smoothing > 0:
            classes = cast(shape(y)[-1], x.dtype)
            y = y * (1.0 - label_smoothing) + label_smoothing / classes
        losses = softmax_cross_entropy_with_logits_v2(labels=stop_gradient(y), logits=x, name="xentropy")
        return compute_weighted_loss(losses, weights, name, loss_collection, reduction)


def sparse_softmax_cross_entropy(labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
                                 loss_collection: str | None = GraphKeys.LOSSES,
                                 reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> Tensor:
    """`nn.sparse_softmax_cross_entropy_with_logits`; labels may have a last axis of size 1."""
    if labels is None:
        raise ValueError("labels must not be None.")
    if logits is None:
        raise ValueError("logits must not be None.")
    with name_scope(scope, "sparse_softmax_cross_entropy_loss", [logits, labels, weights]) as name:
        y, x = remove_squeezable(labels, logits, rank_difference=1)
        losses = sparse_softmax_cross_entropy_with_logits(labels=y, logits=x, name="xentropy")
        factors = weights if isinstance(weights, (int, float)) else squeeze_weights(weights, losses)
        return compute_weighted_loss(losses, factors, name, loss_collection, reduction)


# the collections


def add_loss(loss: Any, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Add a loss of one's own to those that `get_total_loss` adds up."""
    if loss_collection:
        add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Any]:
    """The losses made so far (in the name scope `scope`)."""
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """The regularization losses made so far (in the name scope `scope`)."""
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    """The sum of the regularization losses, 0 when there are none."""
    losses = get_regularization_losses(scope)
    return add_n(losses, name=name) if losses else constant(0.0)


def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss",
                   scope: str | None = None) -> Tensor:
    """The sum of the losses, and of the regularization losses unless told otherwise."""
    losses = get_losses(scope)
    if add_regularization_losses:
        losses += get_regularization_losses(scope)
    return add_n(losses, name=name)
