"""`tf.contrib.learn`: estimators with `fit`, data sets and vocabularies."""
from typing import Any

from ...lazy import Names
from . import datasets, preprocessing

_names = Names(globals(), {
    "estimators": "DNNClassifier DNNLinearCombinedClassifier DNNLinearCombinedRegressor DNNRegressor Estimator "
                  "Experiment LinearClassifier LinearRegressor ModeKeys ModelFnOps RunConfig SKCompat "
                  "estimators infer_real_valued_columns_from_input learn_runner",
    "learn_io": "io=learn_io", "metric_spec": "MetricSpec PredictionKey", "monitors": "monitors",
})
__all__ = ["datasets", "preprocessing", *_names.own()]


def __getattr__(name: str) -> Any:
    return _names.load(name)
