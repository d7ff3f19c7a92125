"""Metrics of each class by itself: mean intersection over union, mean accuracy."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compiler.dtypes import DType, float32, float64, int64
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.contraction import matmul
from ..compiler.ops.elementwise import cast, check_index, equal, not_equal, where
from ..compiler.ops.gather import one_hot
from ..compiler.ops.reduction import reduce_mean, reduce_sum
from ..compiler.ops.view import expand_dims, ones_of, reshape, zeros_of
from ..math import div_no_nan
from ..variable_scope import variable_scope
from ..variables import assign_add
from .base import Metric, finish, metric_variable, ratio


def _flat(values: Any, dtype: DType) -> Tensor:
    x = cast(values, dtype)
    return x if x.dims is not None and len(x.dims) == 1 else reshape(x, [-1])


def _hot(classes: Tensor, count: int, what: str, dtype: DType) -> Tensor:
    checked = check_index(classes, constant(np.int64(count)), f"{what} {{0}} is not in [0, {{1}})")
    return one_hot(checked, count, 1, 0, dtype=dtype)


def mean_iou(labels: Any, predictions: Any, num_classes: int, weights: Any = None,
             metrics_collections: Sequence[str] | None = None, updates_collections: Sequence[str] | None = None,
             name: str | None = None) -> Metric:
    """The mean over the classes that occur of true positives / (true positives + false positives + false negatives).

    The update gives the matrix of all counts [label, prediction], float64. A label or prediction out of range raises
    InvalidArgumentError at run time.
    """
    with variable_scope(name, "mean_iou", [predictions, labels, weights]):
        convert_to_tensor(predictions).shape.assert_is_compatible_with(convert_to_tensor(labels).shape)
        matrix = metric_variable([num_classes, num_classes], float64, "total_confusion_matrix")
        rows = _hot(_flat(labels, int64), num_classes, "label", float64)
        columns = _hot(_flat(predictions, int64), num_classes, "prediction", float64)
        if weights is not None:
            rows = rows * expand_dims(_flat(weights, float64), 1)
        update = assign_add(matrix, matmul(rows, columns, transpose_a=True))

        def compute() -> Tensor:
            diagonal = constant(np.eye(num_classes))
            hits = cast(reduce_sum(matrix * diagonal, 0), float32)
            union = cast(reduce_sum(matrix, 0), float32) + cast(reduce_sum(matrix, 1), float32) - hits
            occurring = reduce_sum(cast(not_equal(union, zeros_of(union)), float32))
            overlap = hits / where(union > 0, union, ones_of(union))
            return div_no_nan(reduce_sum(overlap, name="mean_iou"), occurring)

        return finish(compute, update, metrics_collections, updates_collections)


def mean_per_class_accuracy(labels: Any, predictions: Any, num_classes: int, weights: Any = None,
                            metrics_collections: Sequence[str] | None = None,
                            updates_collections: Sequence[str] | None = None, name: str | None = None) -> Metric:
    """The mean over all classes of how often samples of that class are predicted so."""
    with variable_scope(name, "mean_accuracy", [predictions, labels, weights]):
        y = _flat(labels, int64)
        p = _flat(predictions, int64)
        p.shape.assert_is_compatible_with(y.shape)
        total, count = (metric_variable([num_classes], float32, n) for n in ("total", "count"))
        rows = _hot(y, num_classes, "label", float32)
        if weights is not None:
            rows = rows * expand_dims(_flat(weights, float32), 1)
        correct = rows * expand_dims(cast(equal(p, y), float32), 1)
        totals, hits = assign_add(total, reduce_sum(rows, 0)), assign_add(count, reduce_sum(correct, 0))
        return finish(lambda: reduce_mean(ratio(count, total, "accuracies"), name="mean_accuracy"),
                      ratio(hits, totals, "update_op"), metrics_collections, updates_collections)
