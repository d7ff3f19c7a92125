"""Estimators made from others."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .runs import Estimator
from .specification import EstimatorSpec, ModeKeys


def add_metrics(estimator: Estimator, metric_fn: Callable[..., dict[str, Any]]) -> Estimator:
    """`estimator` with the further metrics that `metric_fn` gives, a dict as `eval_metric_ops` of an EstimatorSpec.

    `metric_fn` takes any of features, labels, predictions and config, by name. Raises ValueError for other names."""
    wanted = set(inspect.signature(metric_fn).parameters)
    unknown = wanted - {"features", "labels", "predictions", "config"}
    if unknown:
        raise ValueError(f"metric_fn ({metric_fn}) has following not expected args: {sorted(unknown)}")
    own = set(inspect.signature(estimator.model_fn).parameters)

    def model_fn(features: Any, labels: Any, mode: str, params: Any, config: Any) -> EstimatorSpec:
        given = {"labels": labels, "mode": mode, "params": params, "config": config}
        spec = estimator.model_fn(features=features, **{k: v for k, v in given.items() if k in own})
        if mode != ModeKeys.EVAL:
            return spec
        known = {"features": features, "labels": labels, "predictions": spec.predictions, "config": config}
        more = metric_fn(**{name: known[name] for name in wanted})
        return spec._replace(eval_metric_ops={**spec.eval_metric_ops, **more})

    return Estimator(model_fn, estimator.model_dir, estimator.config, estimator.params)
