"""`tf.contrib.metrics`: the streaming metrics with predictions before labels, and a few more."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from .. import metrics as _metrics
from .. import ordering, sets
from ..array_ops import zeros
from ..compiler.dtypes import bool_, float32, int32, int64
from ..compiler.ir import Tensor
from ..compiler.names import named
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, equal, not_equal, sqrt
from ..compiler.ops.reduction import reduce_max, reduce_mean, reduce_sum
from ..compiler.ops.slicing import concat
from ..framework import GraphKeys, name_scope
from ..linalg import trace
from ..math import div_no_nan
from ..metrics.base import Metric, aligned, finish, metric_variable, value_of
from ..variable_scope import variable_scope
from ..variables import Variable, assign, assign_add

Collections = Sequence[str] | None


def _predictions_first(function: Callable[..., Metric], name: str) -> Callable[..., Metric]:
    """A metric of (labels, predictions, ...) as one of (predictions, labels, ...)."""
    given = list(inspect.signature(function).parameters.values())
    signature = inspect.Signature([given[1], given[0], *given[2:]])

    def metric(*args: Any, **kwargs: Any) -> Metric:
        return function(**signature.bind(*args, **kwargs).arguments)

    metric.__signature__ = signature  # type: ignore[attr-defined]
    return named(name, metric, f"{function.__doc__} Predictions come before labels.")


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


set_difference, set_intersection, set_size, set_union = sets.difference, sets.intersection, sets.size, sets.union


def confusion_matrix(labels: Any, predictions: Any, num_classes: Any = None, dtype: Any = int32,
                     name: str | None = None, weights: Any = None) -> Tensor:
    """`tf.confusion_matrix` with the weights last."""
    return ordering.confusion_matrix(labels, predictions, num_classes, dtype, name, weights)


def streaming_false_positive_rate(predictions: Any, labels: Any, weights: Any = None,
                                  metrics_collections: Collections = None, updates_collections: Collections = None,
                                  name: str | None = None) -> Metric:
    """Of the labels that are false, the share predicted true."""
    return _rate("false_positive", False, predictions, labels, weights, metrics_collections, updates_collections, name)


def streaming_false_negative_rate(predictions: Any, labels: Any, weights: Any = None,
                                  metrics_collections: Collections = None, updates_collections: Collections = None,
                                  name: str | None = None) -> Metric:
    """Of the labels that are true, the share predicted false."""
    return _rate("false_negative", True, predictions, labels, weights, metrics_collections, updates_collections, name)


def _rate(kind: str, of: bool, predictions: Any, labels: Any, weights: Any, metrics_collections: Collections,
          updates_collections: Collections, name: str | None) -> Metric:
    with variable_scope(name, f"{kind}_rate", [predictions, labels, weights]):
        y, p, w = aligned(cast(labels, bool_), cast(predictions, bool_), weights)
        scale = cast(equal(y, of), float32) * (1.0 if w is None else cast(w, float32))
        variables = [metric_variable([], float32, part) for part in ("wrong", "all")]
        wrong, whole = (assign_add(v, reduce_sum(part)) for v, part in zip(
            variables, (scale * cast(not_equal(y, p), float32), scale), strict=True))
        return finish(lambda: div_no_nan(*(v.value() for v in variables)), div_no_nan(wrong, whole),
                      metrics_collections, updates_collections)


def f1_score(labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200,
             metrics_collections: Collections = None, updates_collections: Collections = None,
             name: str | None = None) -> Metric:
    """The greatest F1, 2 precision recall / (precision + recall), over `num_thresholds` thresholds of predictions in
    [0, 1] spread evenly."""
    with variable_scope(name, "f1", [labels, predictions, weights]):
        edge = 1e-7
        thresholds = [-edge, *((i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)), 1 + edge]
        parts = [getattr(_metrics, f"{kind}_at_thresholds")(labels, predictions, thresholds, weights)
                 for kind in ("true_positives", "false_positives", "false_negatives")]

        def best(counts: Sequence[Tensor]) -> Tensor:
            tp, fp, fn = counts
            precision, recall = tp / (edge + tp + fp), tp / (edge + tp + fn)
            return reduce_max(2.0 * precision * recall / (precision + recall + edge))

        return finish(lambda: best([value for value, _ in parts]), best([update for _, update in parts]),
                      metrics_collections, updates_collections)


def cohen_kappa(labels: Any, predictions_idx: Any, num_classes: int, weights: Any = None,
                metrics_collections: Collections = None, updates_collections: Collections = None,
                name: str | None = None) -> Metric:
    """Cohen's kappa (1960): how much more often class numbers agree than by chance. Raises ValueError for fewer than
    two classes."""
    if num_classes < 2:
        raise ValueError(f"`num_classes` must be >= 2. Found: {num_classes}")
    with variable_scope(name, "cohen_kappa", [labels, predictions_idx, weights]):
        y, p, w = aligned(cast(labels, int64), cast(predictions_idx, int64), weights)
        variables = metric_variable([num_classes, num_classes], float32, "matrix")
        update = assign_add(variables, ordering.confusion_matrix(y, p, num_classes, float32, weights=w))

        def kappa(matrix: Tensor) -> Tensor:
            total = reduce_sum(matrix)
            chance = div_no_nan(reduce_sum(reduce_sum(matrix, 0) * reduce_sum(matrix, 1)), total)
            return 1.0 - div_no_nan(total - trace(matrix), total - chance)

        return finish(lambda: kappa(variables.value()), kappa(update), metrics_collections, updates_collections)


def streaming_concat(values: Any, axis: int = 0, max_size: int | None = None, metrics_collections: Collections = None,
                     updates_collections: Collections = None, name: str | None = None) -> Metric:
    """All values so far, joined along `axis`, at most `max_size` of them (the first). Raises ValueError for values
    whose other sizes are not known."""
    with variable_scope(name, "streaming_concat", [values]):
        x = convert_to_tensor(values)
        sizes = x.shape.as_list()
        if any(n is None for k, n in enumerate(sizes) if k != axis % len(sizes)):
            raise ValueError(f"all dimensions of `values` other than the dimension to concatenate along must have "
                             f"statically known size; received {x!r}")
        sizes[axis] = 0
        kept = Variable(lambda: zeros(sizes, x.dtype), trainable=False, name="array", validate_shape=False,
                        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES])
        joined = concat([kept.value(), x], axis)
        if max_size is not None:
            joined = joined[(*(slice(None),) * (axis % len(sizes)), slice(max_size))]
        update = assign(kept, joined, validate_shape=False)
        return finish(kept.value, update, metrics_collections, updates_collections)


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
