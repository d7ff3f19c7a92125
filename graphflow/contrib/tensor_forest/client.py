"""A random forest as an estimator."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ... import metrics
from ...compiler.dtypes import float32, int64
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.reduction import argmax
from ...compiler.ops.slicing import concat
from ...compiler.ops.view import reshape
from ...framework import control_dependencies
from ...training.global_step import get_or_create_global_step
from ...variables import assign_add
from ..learn.estimators import Estimator, ModelFnOps
from .tensor_forest import ForestHParams, RandomForestGraphs

__all__ = ["TensorForestEstimator", "random_forest"]


class TensorForestEstimator(Estimator):
    """A forest with `fit`, `evaluate` (accuracy, or for regression mean squared error) and `predict` (probabilities and
    classes, or scores). A dict of features is joined by its keys' order."""

    def __init__(self, params: ForestHParams, device_assigner: Any = None, model_dir: Any = None,
                 feature_engineering_fn: Any = None, early_stopping_rounds: int = 100,
                 graph_builder_class: type[RandomForestGraphs] = RandomForestGraphs, config: Any = None,
                 **unused: Any):
        self.params_of_forest = params if hasattr(params, "num_outputs") else params.fill()

        def model(features: Any, labels: Any, mode: str) -> ModelFnOps:
            return _model(self.params_of_forest, graph_builder_class, features, labels, mode)

        super().__init__(model, model_dir, config)


def _joined(features: Any) -> Tensor:
    if not isinstance(features, dict):
        return cast(convert_to_tensor(features), float32)
    parts = [cast(convert_to_tensor(features[key]), float32) for key in sorted(features)]
    return concat([part if len(part.shape) == 2 else reshape(part, [-1, 1]) for part in parts], 1)


def _model(params: ForestHParams, graphs: type[RandomForestGraphs], features: Any, labels: Any, mode: str
           ) -> ModelFnOps:
    forest, x = graphs(params), _joined(features)
    values, _, variance = forest.inference_graph(x)
    if params.regression:
        predictions = {"scores": values, "variance": variance}
    else:
        predictions = {"probabilities": values, "classes": argmax(values, 1)}
    if labels is None:
        return ModelFnOps(mode, predictions)
    if isinstance(labels, dict):
        labels = next(iter(labels.values()))
    if params.regression:
        measured = {"mean_squared_error": metrics.mean_squared_error(
            reshape(cast(labels, float32), [-1, params.num_outputs]), values)}
    else:
        measured = {"accuracy": metrics.accuracy(cast(reshape(labels, [-1]), int64), predictions["classes"])}
    with control_dependencies([forest.training_graph(x, labels)]):
        train = assign_add(get_or_create_global_step(), 1).op
    return ModelFnOps(mode, predictions, forest.training_loss(x, labels), train, measured)


random_forest = SimpleNamespace(TensorForestEstimator=TensorForestEstimator)
