"""What streaming metrics share, and the means that most of them are.

A metric is a pair: its value so far, and an op that takes in a batch and gives the value with it. The sums lie in local
variables, in the collections LOCAL_VARIABLES and METRIC_VARIABLES.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..array_ops import ones_like, size
from ..compiler.dtypes import DType, float32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, equal, less, real_divide, sqrt, squared_difference, where
from ..compiler.ops.reduction import reduce_sum
from ..compiler.ops.view import expand_dims, identity, squeeze, zeros_of
from ..framework import GraphKeys, add_to_collections, control_dependencies
from ..initializers import zeros
from ..math import div_no_nan
from ..variable_scope import variable_scope
from ..variables import Variable, assign_add
from ..weighting import broadcast_weights, remove_squeezable

Metric = tuple[Tensor, Tensor]


def metric_variable(shape: Any, dtype: DType, name: str) -> Variable:
    """A local variable of zeros."""
    return Variable(lambda: zeros()(shape, dtype=dtype), trainable=False, name=name, dtype=dtype,
                    collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES])


def aligned(labels: Any, predictions: Any, weights: Any) -> tuple[Tensor, Tensor, Any]:
    """All three with axes of size 1 removed or added at the end where ranks differ by one."""
    if labels is None:
        y, p = None, convert_to_tensor(predictions)
    else:
        y, p = remove_squeezable(labels, predictions)
        p.shape.assert_is_compatible_with(y.shape)
    if weights is None:
        return y, p, None  # type: ignore[return-value]
    w = convert_to_tensor(weights)
    if w.dims and p.dims is not None:
        if len(w.dims) == len(p.dims) + 1:
            w = squeeze(w, [-1])
        elif len(w.dims) == len(p.dims) - 1:  # type: ignore[arg-type]
            w = expand_dims(w, -1)
    return y, p, w  # type: ignore[return-value]


def finish(value: Callable[[], Tensor], update: Tensor, metrics_collections: Any, updates_collections: Any) -> Metric:
    """(value, update), in their collections. The value must not wait for what surrounds it."""
    with control_dependencies(None):
        result = value()
    if metrics_collections:
        add_to_collections(metrics_collections, result)
    if updates_collections:
        add_to_collections(updates_collections, update)
    return result, update


def ratio(numerator: Any, denominator: Any, name: str) -> Tensor:
    """numerator / denominator, 0 where nothing has been counted."""
    return div_no_nan(numerator, denominator, name=name)


def mean(values: Any, weights: Any = None, metrics_collections: Sequence[str] | None = None,
         updates_collections: Sequence[str] | None = None, name: str | None = None) -> Metric:
    """The weighted mean of all elements seen."""
    with variable_scope(name, "mean", [values, weights]):
        x = cast(values, float32)
        total, count = metric_variable([], float32, "total"), metric_variable([], float32, "count")
        if weights is None:
            number = cast(size(x), float32)
        else:
            _, x, weights = aligned(None, x, weights)
            factors = broadcast_weights(cast(weights, float32), x)
            x, number = x * factors, reduce_sum(factors)
        added = assign_add(total, reduce_sum(x))
        with control_dependencies([x]):  # a number known beforehand counts only once there are values
            counted = assign_add(count, number)
        return finish(lambda: ratio(total, count, "value"), ratio(added, counted, "update_op"), metrics_collections,
                      updates_collections)


def mean_tensor(values: Any, weights: Any = None, metrics_collections: Sequence[str] | None = None,
                updates_collections: Sequence[str] | None = None, name: str | None = None) -> Metric:
    """The weighted mean of each element over all batches, which have one shape."""
    with variable_scope(name, "mean", [values, weights]):
        x = cast(values, float32)
        total = metric_variable(x.shape, float32, "total_tensor")
        count = metric_variable(x.shape, float32, "count_tensor")
        number = ones_like(x)
        if weights is not None:
            _, x, weights = aligned(None, x, weights)
            factors = broadcast_weights(cast(weights, float32), x)
            x, number = x * factors, number * factors
        with control_dependencies([x]):
            counted = assign_add(count, number)
        update = ratio(assign_add(total, x), counted, "update_op")
        return finish(lambda: ratio(total, count, "value"), update, metrics_collections, updates_collections)


def accuracy(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Sequence[str] | None = None,
             updates_collections: Sequence[str] | None = None, name: str | None = None) -> Metric:
    """How often predictions equal labels."""
    y, p, weights = aligned(labels, predictions, weights)
    correct = cast(equal(cast(p, y.dtype), y), float32)
    return mean(correct, weights, metrics_collections, updates_collections, name or "accuracy")


def mean_absolute_error(labels: Any, predictions: Any, weights: Any = None,
                        metrics_collections: Sequence[str] | None = None,
                        updates_collections: Sequence[str] | None = None, name: str | None = None) -> Metric:
    """The mean of abs(predictions - labels)."""
    y, p, weights = aligned(labels, predictions, weights)
    return mean(abs(p - y), weights, metrics_collections, updates_collections, name or "mean_absolute_error")


def mean_cosine_distance(labels: Any, predictions: Any, dim: int, weights: Any = None,
                         metrics_collections: Sequence[str] | None = None,
                         updates_collections: Sequence[str] | None = None, name: str | None = None) -> Metric:
    """1 - the mean of sum(predictions * labels) along `dim`, for vectors of length 1."""
    y, p, weights = aligned(labels, predictions, weights)
    similarity, update = mean(reduce_sum(p * y, [dim], True), weights, None, None, name or "mean_cosine_distance")
    return finish(lambda: 1.0 - similarity, 1.0 - update, metrics_collections, updates_collections)


def mean_relative_error(labels: Any, predictions: Any, normalizer: Any, weights: Any = None,
                        metrics_collections: Sequence[str] | None = None,
                        updates_collections: Sequence[str] | None = None, name: str | None = None) -> Metric:
    """The mean of abs(labels - predictions) / normalizer, with 0 where the normalizer is 0."""
    y, p, weights = aligned(labels, predictions, weights)
    p, n = remove_squeezable(p, normalizer)
    p.shape.assert_is_compatible_with(n.shape)
    errors = where(equal(n, zeros_of(n)), zeros_of(y), real_divide(abs(y - p), n))
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_relative_error")


def mean_squared_error(labels: Any, predictions: Any, weights: Any = None,
                       metrics_collections: Sequence[str] | None = None,
                       updates_collections: Sequence[str] | None = None, name: str | None = None) -> Metric:
    """The mean of (labels - predictions) ** 2."""
    y, p, weights = aligned(labels, predictions, weights)
    return mean(squared_difference(y, p), weights, metrics_collections, updates_collections,
                name or "mean_squared_error")


def root_mean_squared_error(labels: Any, predictions: Any, weights: Any = None,
                            metrics_collections: Sequence[str] | None = None,
                            updates_collections: Sequence[str] | None = None, name: str | None = None) -> Metric:
    """The square root of the mean squared error."""
    value, update = mean_squared_error(labels, predictions, weights, None, None, name or "root_mean_squared_error")
    return finish(lambda: sqrt(value), sqrt(update), metrics_collections, updates_collections)


def percentage_below(values: Any, threshold: Any, weights: Any = None,
                     metrics_collections: Sequence[str] | None = None,
                     updates_collections: Sequence[str] | None = None, name: str | None = None) -> Metric:
    """The fraction (not percentage) of elements below `threshold`."""
    below = cast(less(values, threshold), float32)
    return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")


def value_of(variable: Variable) -> Callable[[], Tensor]:
    """The value of a variable as a metric's value."""
    return lambda: identity(variable)
