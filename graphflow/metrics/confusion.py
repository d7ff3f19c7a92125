"""Counts of true and false positives and negatives, at one or many thresholds, and what is computed from them."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..compiler.dtypes import bool_, float32
from ..compiler.ir import Tensor
from ..compiler.names import named
from ..compiler.ops.constant import constant
from ..compiler.ops.cumulative import cumsum
from ..compiler.ops.elementwise import (
    cast,
    equal,
    log,
    logical_and,
    logical_not,
    maximum,
    minimum,
    real_divide,
    where,
)
from ..compiler.ops.gather import gather
from ..compiler.ops.reduction import argmax, argmin, reduce_min, reduce_sum
from ..compiler.ops.view import expand_dims, ones_of, reshape
from ..variable_scope import variable_scope
from ..variables import Variable, assign_add
from ..weighting import broadcast_weights
from .base import Metric, aligned, finish, metric_variable, ratio, value_of

EPSILON = 1e-7  # so that thresholds at the ends of [0, 1] leave nothing out
Collections = Sequence[str] | None
# what each count counts: whether the label is positive, and the prediction
KINDS = {"tp": (True, True), "fn": (True, False), "tn": (False, False), "fp": (False, True)}
NAMES = {"tp": "true_positives", "fn": "false_negatives", "tn": "true_negatives", "fp": "false_positives"}


def _counted(labels: Tensor, predictions: Tensor, kind: str) -> Tensor:
    positive, predicted = KINDS[kind]
    return cast(logical_and(labels if positive else logical_not(labels),
                            predictions if predicted else logical_not(predictions)), float32)


def _at_thresholds(labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any,
                   kinds: Sequence[str] = ("tp", "fn", "tn", "fp")) -> tuple[dict[str, Variable], dict[str, Tensor]]:
    """({kind: variable}, {kind: update}), each a vector with one count for each threshold."""
    y, p, weights = aligned(cast(labels, bool_), cast(predictions, float32), weights)
    factors = None if weights is None else reshape(broadcast_weights(cast(weights, float32), p), [1, -1])
    above = reshape(p, [1, -1]) > expand_dims(constant([float(t) for t in thresholds]), 1)
    positive = reshape(y, [1, -1])
    values, updates = {}, {}
    for kind in kinds:
        values[kind] = metric_variable([len(thresholds)], float32, NAMES[kind])
        hits = _counted(positive, above, kind)
        updates[kind] = assign_add(values[kind], reduce_sum(hits if factors is None else hits * factors, 1))
    return values, updates


def _count(kind: str, doc: str) -> Callable[..., Metric]:
    def count(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Collections = None,
              updates_collections: Collections = None, name: str | None = None) -> Metric:
        with variable_scope(name, NAMES[kind], [predictions, labels, weights]):
            y, p, weights = aligned(cast(labels, bool_), cast(predictions, bool_), weights)
            counter = metric_variable([], float32, "count")
            hits = _counted(y, p, kind)
            if weights is not None:
                hits = hits * cast(weights, float32)
            return finish(value_of(counter), assign_add(counter, reduce_sum(hits)), metrics_collections,
                          updates_collections)
    return named(NAMES[kind], count, doc)


def _count_at_thresholds(kind: str, doc: str) -> Callable[..., Metric]:
    def count(labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any = None,
              metrics_collections: Collections = None, updates_collections: Collections = None,
              name: str | None = None) -> Metric:
        with variable_scope(name, NAMES[kind], [predictions, labels, weights]):
            values, updates = _at_thresholds(labels, predictions, thresholds, weights, (kind,))
            return finish(value_of(values[kind]), updates[kind], metrics_collections, updates_collections)
    return named(f"{NAMES[kind]}_at_thresholds", count, doc)


true_positives = _count("tp", "The weight of the positives that are predicted positive.")
false_negatives = _count("fn", "The weight of the positives that are predicted negative.")
true_negatives = _count("tn", "The weight of the negatives that are predicted negative.")
false_positives = _count("fp", "The weight of the negatives that are predicted positive.")
true_positives_at_thresholds = _count_at_thresholds("tp", "`true_positives` where predictions above it are positive.")
false_negatives_at_thresholds = _count_at_thresholds("fn", "`false_negatives` where predictions up to it are negative.")
true_negatives_at_thresholds = _count_at_thresholds("tn", "`true_negatives` where predictions up to it are negative.")
false_positives_at_thresholds = _count_at_thresholds("fp", "`false_positives` where predictions above it are positive.")


def _rate(default_name: str, other: Callable[..., Metric], doc: str) -> Callable[..., Metric]:
    """true_positives / (true_positives + other)."""
    def rate(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Collections = None,
             updates_collections: Collections = None, name: str | None = None) -> Metric:
        with variable_scope(name, default_name, [predictions, labels, weights]):
            y, p, weights = aligned(cast(labels, bool_), cast(predictions, bool_), weights)
            tp, tp_update = true_positives(y, p, weights)
            rest, rest_update = other(y, p, weights)
            return finish(lambda: ratio(tp, tp + rest, "value"),
                          ratio(tp_update, tp_update + rest_update, "update_op"), metrics_collections,
                          updates_collections)
    return named(default_name, rate, doc)


def _rate_at_thresholds(default_name: str, other: str, doc: str) -> Callable[..., Metric]:
    def rate(labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any = None,
             metrics_collections: Collections = None, updates_collections: Collections = None,
             name: str | None = None) -> Metric:
        with variable_scope(name, f"{default_name}_at_thresholds", [predictions, labels, weights]):
            values, updates = _at_thresholds(labels, predictions, thresholds, weights, ("tp", other))

            def compute(counts: Any, which: str) -> Tensor:
                return real_divide(counts["tp"], EPSILON + counts["tp"] + counts[other],
                                   name=f"{default_name}_{which}")

            return finish(lambda: compute(values, "value"), compute(updates, "update_op"), metrics_collections,
                          updates_collections)
    return named(f"{default_name}_at_thresholds", rate, doc)


precision = _rate("precision", false_positives, "The fraction of predicted positives that are.")
recall = _rate("recall", false_negatives, "The fraction of positives that are predicted.")
precision_at_thresholds = _rate_at_thresholds("precision", "fp", "`precision` of predictions above each threshold.")
recall_at_thresholds = _rate_at_thresholds("recall", "fn", "`recall` of predictions above each threshold.")


def _spread(count: int, last: float = 1.0 + EPSILON) -> list[float]:
    return [-EPSILON, *((i + 1) / (count - 1) for i in range(count - 2)), last]


def auc(labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200,
        metrics_collections: Collections = None, updates_collections: Collections = None, curve: str = "ROC",
        name: str | None = None, summation_method: str = "trapezoidal",
        thresholds: Sequence[float] | None = None) -> Metric:
    """The area under the curve of recall over false positive rate ("ROC") or precision over recall ("PR").

    The curve is known at `num_thresholds` thresholds evenly in [0, 1] (or at those given). It is summed by trapezoids,
    from below ("minoring"), above ("majoring"), or for PR with "careful_interpolation" (Davis and Goadrich 2006).
    """
    with variable_scope(name, "auc", [labels, predictions, weights]):
        if curve not in ("ROC", "PR"):
            raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
        if summation_method not in ("trapezoidal", "careful_interpolation", "minoring", "majoring"):
            raise ValueError(f"Invalid summation_method: {summation_method}")
        points = _spread(num_thresholds) if thresholds is None else [-EPSILON, *sorted(thresholds), 1.0 + EPSILON]
        values, updates = _at_thresholds(labels, predictions, points, weights)

        def compute(counts: Any, which: str) -> Tensor:
            if curve == "PR" and summation_method == "careful_interpolation":
                return _interpolated(counts["tp"], counts["fp"], counts["fn"], which)
            return _area(counts, curve, summation_method, which)

        return finish(lambda: compute(values, "value"), compute(updates, "update_op"), metrics_collections,
                      updates_collections)


def _area(counts: Any, curve: str, method: str, name: str) -> Tensor:
    tp, fn, tn, fp = (counts[kind] + 0.0 for kind in ("tp", "fn", "tn", "fp"))
    small = 1e-6
    true_rate = (tp + small) / (tp + fn + small)
    x, y = (fp / (fp + tn + small), true_rate) if curve == "ROC" else (true_rate, (tp + small) / (tp + fp + small))
    steps = x[:-1] - x[1:]
    heights = {"minoring": minimum, "majoring": maximum}.get(method, lambda a, b: (a + b) / 2.0)(y[:-1], y[1:])
    return reduce_sum(steps * heights, name=name)


def _interpolated(tp: Any, fp: Any, fn: Any, name: str) -> Tensor:
    tp, fp, fn = tp + 0.0, fp + 0.0, fn + 0.0
    dtp, p = tp[:-1] - tp[1:], tp + fp
    slope = ratio(dtp, p[:-1] - p[1:], "prec_slope")
    intercept = tp[1:] - slope * p[1:]
    both = logical_and(p[:-1] > 0, p[1:] > 0)
    growth = where(both, ratio(p[:-1], p[1:], "recall_relative_ratio"), ones_of(p))
    return reduce_sum(ratio(slope * (dtp + intercept * log(growth)), tp[1:] + fn[1:], "pr_auc_increment"), name=name)


def sensitivity_at_specificity(labels: Any, predictions: Any, specificity: float, weights: Any = None,
                               num_thresholds: int = 200, metrics_collections: Collections = None,
                               updates_collections: Collections = None, name: str | None = None) -> Metric:
    """The recall at the threshold whose true negative rate is nearest to `specificity`."""
    if not 0 <= specificity <= 1:
        raise ValueError("`specificity` must be in the range [0, 1].")
    with variable_scope(name, "sensitivity_at_specificity", [predictions, labels, weights]):
        values, updates = _at_thresholds(labels, predictions, _spread(num_thresholds), weights)

        def compute(counts: Any, which: str) -> Tensor:
            tp, fn, tn, fp = (counts[kind] + 0.0 for kind in ("tp", "fn", "tn", "fp"))
            at = argmin(abs(tn / (tn + fp + EPSILON) - specificity), 0)
            return real_divide(gather(tp, at), gather(tp, at) + gather(fn, at) + EPSILON, name=which)

        return finish(lambda: compute(values, "value"), compute(updates, "update_op"), metrics_collections,
                      updates_collections)


def specificity_at_sensitivity(labels: Any, predictions: Any, sensitivity: float, weights: Any = None,
                               num_thresholds: int = 200, metrics_collections: Collections = None,
                               updates_collections: Collections = None, name: str | None = None) -> Metric:
    """The true negative rate at the (last) threshold whose recall is nearest to `sensitivity`."""
    if not 0 <= sensitivity <= 1:
        raise ValueError("`sensitivity` must be in the range [0, 1].")
    with variable_scope(name, "specificity_at_sensitivity", [predictions, labels, weights]):
        values, updates = _at_thresholds(labels, predictions, _spread(num_thresholds, 1.0 - EPSILON), weights)

        def compute(counts: Any, which: str) -> Tensor:
            tp, fn, tn, fp = (counts[kind] + 0.0 for kind in ("tp", "fn", "tn", "fp"))
            distance = abs(tp / (tp + fn + EPSILON) - sensitivity)
            at = argmax(cumsum(cast(equal(distance, reduce_min(distance)), float32)), 0)
            return real_divide(gather(tn, at), gather(tn, at) + gather(fp, at) + EPSILON, name=which)

        return finish(lambda: compute(values, "value"), compute(updates, "update_op"), metrics_collections,
                      updates_collections)
