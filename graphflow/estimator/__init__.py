"""`tf.estimator`: a model as a function of features, labels and mode, with training, evaluation and prediction.

Each call builds a graph of its own; what is learned passes between them through checkpoints in `model_dir`.
"""
from typing import Any

from .. import train
from ..lazy import Names
from . import export, inputs
from .configuration import RunConfig
from .runs import Estimator, WarmStartSettings
from .specification import EstimatorSpec, ModeKeys
from .training import EvalSpec, TrainSpec, train_and_evaluate

__all__ = ["EstimatorSpec", "Estimator", "EvalSpec", "ModeKeys", "RunConfig", "TrainSpec", "WarmStartSettings",
           "export", "inputs", "train_and_evaluate"]

_names = Names(globals(), {
    "boosted": "BoostedTreesClassifier BoostedTreesRegressor",
    "canned": "BaselineClassifier BaselineRegressor DNNClassifier DNNLinearCombinedClassifier "
              "DNNLinearCombinedRegressor DNNRegressor LinearClassifier LinearRegressor",
    "early_stopping": "experimental",
    "exporters": "BestExporter Exporter FinalExporter LatestExporter",
    "extension": "add_metrics",
})
# what `tf.train` has under the same names
_HOOKS = ("CheckpointSaverHook", "CheckpointSaverListener", "FeedFnHook", "FinalOpsHook", "GlobalStepWaiterHook",
          "LoggingTensorHook", "NanLossDuringTrainingError", "NanTensorHook", "ProfilerHook", "SecondOrStepTimer",
          "SessionRunArgs", "SessionRunContext", "SessionRunHook", "SessionRunValues", "StepCounterHook",
          "StopAtStepHook", "SummarySaverHook", "VocabInfo")
__all__ += [*_names.own(), *_HOOKS]  # noqa: PLE0605 (the names are made on first use)


def __getattr__(name: str) -> Any:
    return getattr(train, name) if name in _HOOKS else _names.load(name)
