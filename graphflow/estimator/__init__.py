"""`tf.estimator`: a model as a function of features, labels and mode, with training, evaluation and prediction.

Each call builds a graph of its own; what is learned passes between them through checkpoints in `model_dir`.
"""
from typing import Any

from ..lazy import Names
from . import export, inputs
from .configuration import RunConfig
from .runs import Estimator, WarmStartSettings
from .specification import EstimatorSpec, ModeKeys
from .training import EvalSpec, TrainSpec, train_and_evaluate

__all__ = ["EstimatorSpec", "Estimator", "EvalSpec", "ModeKeys", "RunConfig", "TrainSpec", "WarmStartSettings",
           "export", "inputs", "train_and_evaluate"]

_names = Names(globals(), {
    "canned": "BaselineClassifier BaselineRegressor DNNClassifier DNNLinearCombinedClassifier "
              "DNNLinearCombinedRegressor DNNRegressor LinearClassifier LinearRegressor",
    "exporters": "BestExporter Exporter FinalExporter LatestExporter",
})
__all__ += _names.own()


def __getattr__(name: str) -> Any:
    return _names.load(name)
