"""`tf.contrib.learn`'s metrics: functions by the keys of what they compare."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from ...compiler.ops.view import reshape

__all__ = ["MetricSpec", "PredictionKey", "metric_ops"]

PredictionKey = SimpleNamespace(CLASSES="classes", PROBABILITIES="probabilities", LOGITS="logits", LOGISTIC="logistic",
                                SCORES="scores", TOP_K="top_k", GENERIC="output")


class MetricSpec:
    """A metric `metric_fn(predictions, labels[, weights])` of a prediction, a label and a feature by their keys."""

    def __init__(self, metric_fn: Callable[..., Any], prediction_key: str | None = None, label_key: str | None = None,
                 weight_key: str | None = None):
        self.metric_fn, self.prediction_key = metric_fn, prediction_key
        self.label_key, self.weight_key = label_key, weight_key

    def create_metric_ops(self, inputs: Any, labels: Any, predictions: Any) -> tuple[Any, Any]:
        """(value, update) of the metric. Raises ValueError where a key is missing or does not fit."""
        compared = _chosen("predictions", predictions, self.prediction_key), _chosen("labels", labels, self.label_key)
        weights = {} if self.weight_key is None else {"weights": _chosen("features", inputs, self.weight_key)}
        taken = _parameters(self.metric_fn)
        target = next((name for name in ("labels", "targets", "label", "target") if name in taken), None)
        prediction = next((name for name in ("predictions", "prediction") if name in taken), None)
        if target is None or prediction is None:
            found = self.metric_fn(*compared, **weights)
        else:
            found = self.metric_fn(**{prediction: compared[0], target: compared[1]}, **weights)
        return found if isinstance(found, tuple) else (found, found)


def _parameters(function: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return inspect.signature(function).parameters
    except ValueError:  # a builtin
        return {}


def _chosen(what: str, values: Any, key: str | None) -> Any:
    """The tensor that a key stands for."""
    if not isinstance(values, Mapping):
        if key is not None:
            raise ValueError(f"MetricSpec with {what} key {key} requires {what} dict, got {values}.")
        return values
    if key == PredictionKey.CLASSES and "class_ids" in values:  # what a classifier's "classes" were
        return reshape(values["class_ids"], [-1])
    if key is None and len(values) == 1:
        return next(iter(values.values()))
    if key is None or key not in values:
        raise ValueError(f"MetricSpec without a fitting {what} key: {key!r} is none of {list(values)}.")
    return values[key]


def metric_ops(metrics: Mapping[Any, Any], features: Any, labels: Any, predictions: Any) -> dict[str, tuple[Any, Any]]:
    """{name: (value, update)} of metrics by name: MetricSpecs, or functions (predictions, labels); a name (name, key)
    says which prediction the function takes."""
    made = {}
    for name, metric in metrics.items():
        key, of = name if isinstance(name, tuple) else (name, None)
        spec = metric if isinstance(metric, MetricSpec) else MetricSpec(metric, of)
        made[key] = spec.create_metric_ops(features, labels, predictions)
    return made
