"""`tf.contrib.metrics`: the streaming metrics with predictions before labels, and a few more."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from .. import metrics as _metrics
from ..compiler.dtypes import float32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, equal, sqrt
from ..compiler.ops.reduction import reduce_mean, reduce_sum
from ..framework import name_scope
from ..math import div_no_nan
from ..metrics.base import Metric, aligned, finish, metric_variable, value_of
from ..variable_scope import variable_scope
from ..variables import assign_add

Collections = Sequence[str] | None


def _predictions_first(function: Callable[..., Metric], name: str) -> Callable[..., Metric]:
    """A metric of (labels, predictions, ...) as one of (predictions, labels, ...)."""
    given = list(inspect.signature(function).parameters.values())
    signature = inspect.Signature([given[1], given[0], *given[2:]])

    def metric(*args: Any, **kwargs: Any) -> Metric:
        return function(**signature.bind(*args, **kwargs).arguments)

    metric.__name__, metric.__doc__ = name, f"{function.__doc__} Predictions come before labels."
    metric.__signature__ = signature  # type: ignore[attr-defined]
    return metric


_SAME_NAMES = (
    "accuracy", "auc", "false_negatives", "false_negatives_at_thresholds", "false_positives",
    "false_positives_at_thresholds", "mean_absolute_error", "mean_cosine_distance", "mean_iou", "mean_relative_error",
    "mean_squared_error", "precision", "precision_at_thresholds", "recall", "recall_at_k", "recall_at_thresholds",
    "root_mean_squared_error", "sensitivity_at_specificity", "specificity_at_sensitivity", "true_negatives",
    "true_negatives_at_thresholds", "true_positives", "true_positives_at_thresholds",
)
_OTHER_NAMES = {"sparse_average_precision_at_k": "average_precision_at_k", "sparse_precision_at_k": "precision_at_k",
                "sparse_recall_at_k": "recall_at_k", "sparse_precision_at_top_k": "precision_at_top_k"}
streaming_mean, streaming_mean_tensor = _metrics.mean, _metrics.mean_tensor
streaming_percentage_less = _metrics.percentage_below


def __getattr__(name: str) -> Any:
    stem = name.removeprefix("streaming_")
    if name != stem and (stem in _SAME_NAMES or stem in _OTHER_NAMES):
        function = getattr(_metrics, _OTHER_NAMES.get(stem, stem))
        value = globals()[name] = _predictions_first(function, name)
        return value
    raise AttributeError(f"tf.contrib.metrics has no {name!r} in graphflow", name=name)


def __dir__() -> list[str]:
    return sorted({*globals(), *(f"streaming_{n}" for n in (*_SAME_NAMES, *_OTHER_NAMES))})


def accuracy(predictions: Any, labels: Any, weights: Any = None, name: str | None = None) -> Tensor:
    """How often predictions equal labels in this batch."""
    p, y = convert_to_tensor(predictions), convert_to_tensor(labels)
    if p.dtype != y.dtype:
        raise ValueError(f"Dtypes of predictions and labels should match. Given: predictions ({p.dtype.name}) and "
                         f"labels ({y.dtype.name})")
    with name_scope(name, "accuracy", [p, y]):
        correct = cast(equal(p, y), float32)
        if weights is None:
            return reduce_mean(correct)
        w = cast(weights, float32)
        return div_no_nan(reduce_sum(correct * w), reduce_sum(correct * 0 + w))


def aggregate_metrics(*value_update_tuples: Metric) -> tuple[list[Any], list[Any]]:
    """(values, updates) of several metrics."""
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    values, updates = zip(*value_update_tuples, strict=True)
    return list(values), list(updates)


def aggregate_metric_map(names_to_tuples: dict[str, Metric]) -> tuple[dict[str, Any], dict[str, Any]]:
    """({name: value}, {name: update}) of {name: metric}."""
    return ({name: value for name, (value, _) in names_to_tuples.items()},
            {name: update for name, (_, update) in names_to_tuples.items()})


def count(values: Any, weights: Any = None, metrics_collections: Collections = None,
          updates_collections: Collections = None, name: str | None = None) -> Metric:
    """The (weighted) number of elements seen."""
    with variable_scope(name, "count", [values, weights]):
        number = metric_variable([], float32, "count")
        _, x, w = aligned(None, values, weights)
        ones = cast(equal(x, x), float32)
        update = assign_add(number, reduce_sum(ones if w is None else ones * cast(w, float32)))
        return finish(value_of(number), update, metrics_collections, updates_collections)


def streaming_covariance(predictions: Any, labels: Any, weights: Any = None, metrics_collections: Collections = None,
                         updates_collections: Collections = None, name: str | None = None) -> Metric:
    """The unbiased covariance of predictions and labels."""
    with variable_scope(name, "covariance", [predictions, labels, weights]):
        y, p, w = aligned(cast(labels, float32), cast(predictions, float32), weights)
        factors = y * 0 + 1.0 if w is None else y * 0 + cast(w, float32)
        parts = {"count": factors, "sum_p": factors * p, "sum_y": factors * y, "sum_py": factors * p * y}
        variables = {label: metric_variable([], float32, label) for label in parts}
        updates = {label: assign_add(variables[label], reduce_sum(part)) for label, part in parts.items()}

        def compute(sums: Any) -> Tensor:
            centered = sums["sum_py"] - div_no_nan(sums["sum_p"] * sums["sum_y"], sums["count"])
            return div_no_nan(centered, sums["count"] - 1.0)

        return finish(lambda: compute({k: v.value() for k, v in variables.items()}), compute(updates),
                      metrics_collections, updates_collections)


def streaming_pearson_correlation(predictions: Any, labels: Any, weights: Any = None,
                                  metrics_collections: Collections = None, updates_collections: Collections = None,
                                  name: str | None = None) -> Metric:
    """The correlation coefficient of predictions and labels."""
    with variable_scope(name, "pearson_r", [predictions, labels, weights]):
        both = streaming_covariance(predictions, labels, weights, name="covariance")
        first = streaming_covariance(predictions, predictions, weights, name="variance_predictions")
        second = streaming_covariance(labels, labels, weights, name="variance_labels")
        value, update = (both[i] / sqrt(first[i] * second[i]) for i in range(2))
        return finish(lambda: value, update, metrics_collections, updates_collections)
