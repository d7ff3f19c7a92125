"""Metrics of the k best-scored classes against sets of labels.

`labels` [..., labels] (or [...] for one label each, or a SparseTensor) are class numbers; those that are no class never
count as found. `predictions` [..., classes] are scores. With `class_id` only that class counts.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..array_ops import shape, size
from ..compiler.dtypes import float64, int64
from ..compiler.errors import ShapeError
from ..compiler.ir import Tensor
from ..compiler.names import named
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.cumulative import cumsum
from ..compiler.ops.elementwise import cast, equal, logical_and, logical_not, minimum, real_divide
from ..compiler.ops.reduction import reduce_any, reduce_sum
from ..compiler.ops.sorting import top_k
from ..compiler.ops.view import expand_dims, ones_of
from ..framework import name_scope
from ..math import div_no_nan
from ..sparse_ops import sparse_tensor_to_dense
from ..variables import assign_add
from ..weighting import broadcast_weights, check_broadcastable
from .base import Metric, finish, metric_variable

Collections = Sequence[str] | None
ABSENT = -(2 ** 62)  # fills up the rows of sparse labels


def _at_k(name: str, k: int | None, class_id: int | None = None) -> str:
    label = f"{name}_at_{'k' if k is None else k}"
    return label if class_id is None else f"{label}_class{class_id}"


def _labels(labels: Any, predicted: Tensor) -> Tensor:
    """Labels as int64 with a last axis of labels."""
    if hasattr(labels, "dense_shape"):
        y = sparse_tensor_to_dense(labels, ABSENT, validate_indices=False)
        if y.dims is None and predicted.dims is not None:
            y.set_shape([None] * len(predicted.dims))
    else:
        y = convert_to_tensor(labels)
    y = cast(y, int64)
    if y.dims is None or predicted.dims is None or len(y.dims) == len(predicted.dims):
        return y
    if len(predicted.dims) == len(y.dims) + 1:
        return expand_dims(y, -1)
    raise ShapeError(f"Unexpected labels shape {y.shape} for predictions shape {predicted.shape}.")


def _distinct(ids: Tensor) -> Tensor:
    """Where each element is the first of its value in its row, and no filling."""
    same = cast(equal(expand_dims(ids, -1), expand_dims(ids, -2)), float64)  # [..., i, j]
    upto = cumsum(same, axis=-2)  # how many of elements 0 to i are equal to element j
    own = cast(equal(_positions(same, -1), _positions(same, -2)), float64)
    return logical_and(equal(reduce_sum(upto * own, -1), ones_of(upto)), ids > ABSENT)


def _positions(like: Tensor, axis: int) -> Tensor:
    """0, 1, 2, ... along an axis, in the shape of `like`."""
    ones = cast(equal(like, like), float64)
    return cumsum(ones, axis=axis, exclusive=True)


def _sizes(labels: Tensor, predicted: Tensor, class_id: int | None) -> dict[str, Tensor]:
    """For each row, how many distinct elements are in both sets, in the labels' or in the predictions' only."""
    match = equal(expand_dims(predicted, -1), expand_dims(labels, -2))
    found, hit = reduce_any(match, -1), reduce_any(match, -2)
    p, y = _distinct(predicted), _distinct(labels)
    if class_id is not None:
        chosen = convert_to_tensor(class_id, int64)
        p, y = logical_and(p, equal(predicted, chosen)), logical_and(y, equal(labels, chosen))
    masks = {"true_positive": logical_and(p, found), "false_positive": logical_and(p, logical_not(found)),
             "false_negative": logical_and(y, logical_not(hit))}
    return {kind: reduce_sum(cast(mask, float64), -1) for kind, mask in masks.items()}


def _counted(kind: str, sizes: Tensor, k: int | None, class_id: int | None, weights: Any) -> tuple[Any, Tensor]:
    with name_scope(None, _at_k(kind, k, class_id), [sizes]) as scope:
        if weights is not None:
            sizes = sizes * cast(check_broadcastable(weights, sizes), float64)
        variable = metric_variable([], float64, scope)
        return variable, assign_add(variable, reduce_sum(sizes), name="update")


def _rate_at_top_k(kind: str, other: str, doc: str) -> tuple[Callable[..., Metric], Callable[..., Metric]]:
    """true positives / (true positives + other), of given predictions and of the k best-scored."""
    def at_top_k(labels: Any, predictions_idx: Any, k: int | None = None, class_id: int | None = None,
                 weights: Any = None, metrics_collections: Collections = None, updates_collections: Collections = None,
                 name: str | None = None) -> Metric:
        with name_scope(name, _at_k(kind, k, class_id), [predictions_idx, labels, weights]) as scope:
            predicted = cast(predictions_idx, int64)
            sizes = _sizes(_labels(labels, predicted), predicted, class_id)
            tp, tp_update = _counted("true_positive", sizes["true_positive"], k, class_id, weights)
            rest, rest_update = _counted(other, sizes[other], k, class_id, weights)
            return finish(lambda: real_divide(tp, tp + rest, name=scope),
                          real_divide(tp_update, tp_update + rest_update, name="update"), metrics_collections,
                          updates_collections)

    def at_k(labels: Any, predictions: Any, k: int, class_id: int | None = None, weights: Any = None,
             metrics_collections: Collections = None, updates_collections: Collections = None,
             name: str | None = None) -> Metric:
        with name_scope(name, _at_k(kind, k, class_id), [predictions, labels, weights]) as scope:
            best = top_k(predictions, k)[1]
            return at_top_k(labels, best, k, class_id, weights, metrics_collections, updates_collections, scope)

    return (named(f"{kind}_at_top_k", at_top_k, f"{doc}, of the predicted classes."),
            named(f"{kind}_at_k", at_k, f"{doc}, of the `k` best-scored classes."))


precision_at_top_k, precision_at_k = _rate_at_top_k(
    "precision", "false_positive", "The fraction that are among the labels")
recall_at_top_k, recall_at_k = _rate_at_top_k(
    "recall", "false_negative", "The fraction of the labels that are among them")
sparse_precision_at_k = precision_at_k


def average_precision_at_k(labels: Any, predictions: Any, k: int, weights: Any = None,
                           metrics_collections: Collections = None, updates_collections: Collections = None,
                           name: str | None = None) -> Metric:
    """The mean over samples of the precision up to each of the `k` best-scored classes that is a label.

    Each sample's sum of these is divided by the number of its labels, at most `k`.
    """
    if k < 1:
        raise ValueError(f"Invalid k={k}.")
    with name_scope(name, _at_k("average_precision", k), [predictions, labels, weights]) as scope:
        scores = convert_to_tensor(predictions)
        best = cast(top_k(scores, k)[1], int64)
        y = _labels(labels, best)
        relevant = cast(reduce_any(equal(expand_dims(best, -1), expand_dims(y, -2)), -1), float64)
        retrieved = cumsum(relevant * 0 + 1, axis=-1)
        total = reduce_sum(cumsum(relevant, axis=-1) / retrieved * relevant, -1)
        classes = cast(shape(scores)[-1], int64)
        valid = logical_and(y >= 0, y < classes)
        number = minimum(reduce_sum(cast(valid, float64), -1), float(k))
        average = total / number
        if weights is None:
            batch = cast(size(average), float64)
        else:
            factors = broadcast_weights(cast(weights, float64), average)
            average, batch = average * factors, reduce_sum(factors)
        with name_scope("max") as place:
            most = metric_variable([], float64, place)
            most_update = assign_add(most, batch, name="update")
        with name_scope("total") as place:
            sums = metric_variable([], float64, place)
            sums_update = assign_add(sums, reduce_sum(average), name="update")
        return finish(lambda: div_no_nan(sums, most, name="mean"), div_no_nan(sums_update, most_update, name=scope),
                      metrics_collections, updates_collections)


sparse_average_precision_at_k = average_precision_at_k
