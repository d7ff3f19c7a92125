"""Gradient boosted trees as estimators: `BoostedTreesClassifier` and `BoostedTreesRegressor`."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import train
from ..array_ops import shape
from ..compiler.dtypes import float32, string
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast
from ..compiler.ops.view import identity
from ..feature_column import input_layer
from ..feature_column.categorical import BucketizedColumn
from ..framework import control_dependencies, gradients
from ..losses import Reduction
from ..script_ops import array_function
from ..variable_scope import get_variable
from ..variables import assign, assign_add
from . import boosting
from .heads import Head, RegressionHead, class_head
from .runs import Estimator

__all__ = ["BoostedTreesClassifier", "BoostedTreesRegressor"]


def boosted_logits(x: Tensor, head: Head) -> tuple[Tensor, Any]:
    """What the ensemble says of examples [batch, features], and the variable that it is in."""
    start = boosting.packed(boosting.nothing(head.size))
    ensemble = get_variable("boosted_trees", initializer=convert_to_tensor(start, string), trainable=False)

    def ask(data: Any, x: np.ndarray) -> np.ndarray:
        return boosting.logits(boosting.unpacked(_bytes(data)), x)

    found = array_function(ask, [ensemble, x], float32)
    found.set_shape([x.shape.as_list()[0], head.size])
    return identity(found), ensemble


def boosting_step(x: Tensor, head: Head, logits: Tensor, ensemble: Any, options: boosting.Options, loss: Tensor,
                  batches: int = 1, examples: int = 0) -> Any:
    """The operation that keeps a batch and, once there are so many batches and examples, grows a layer. The global step
    counts batches."""
    count = cast(shape(logits)[0], float32)
    g = gradients(loss, logits)[0] * (1.0 if head.reduction == Reduction.SUM else count)
    h = _second_derivative(head, logits)
    waiting: list[list[np.ndarray]] = []

    def grow(data: Any, *batch: np.ndarray) -> bytes:
        waiting.append(list(batch))
        if len(waiting) < batches or sum(len(x) for x, *_ in waiting) < examples:
            return _bytes(data)
        x, g, h = (np.concatenate(part) for part in zip(*waiting, strict=True))
        waiting.clear()
        return boosting.packed(boosting.grown(boosting.unpacked(_bytes(data)), x, g, h, options))

    new = array_function(grow, [ensemble, x, g, h], string)
    new.set_shape([])
    with control_dependencies([assign(ensemble, new)]):
        return assign_add(train.get_or_create_global_step(), 1).op


def _bytes(data: Any) -> bytes:
    value = data.item() if isinstance(data, np.ndarray) else data
    return value if isinstance(value, bytes) else bytes(value)


def _second_derivative(head: Head, logits: Tensor) -> Tensor:
    """Of an example's loss by each of its logits."""
    if isinstance(head, RegressionHead):
        return logits * 0.0 + 2.0
    found = head.predictions(logits)
    p = found["probabilities"] if head.size > 1 else found["logistic"]
    return p * (1.0 - p)


class StopWhenGrown(train.SessionRunHook):
    """Ends the training when all trees have grown."""

    def __init__(self, ensemble: Any, trees: int):
        self._ensemble, self._trees = ensemble, trees

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if boosting.unpacked(_bytes(run_context.session.run(self._ensemble))).finished >= self._trees:
            run_context.request_stop()


class _Boosted(Estimator):
    def __init__(self, head: Head, feature_columns: Any, n_batches_per_layer: int, options: boosting.Options,
                 model_dir: Any, config: Any):
        columns = list(feature_columns) if isinstance(feature_columns, Sequence) else [feature_columns]
        # thresholds are found anew: an ordered number is worth more than its bucket
        columns = [c.source if isinstance(c, BucketizedColumn) else c for c in columns]

        def model_fn(features: Any, labels: Any, mode: str) -> Any:
            x = input_layer(features, columns)
            logits, ensemble = boosted_logits(x, head)
            spec = head.spec(features, mode, logits, labels, lambda loss: boosting_step(
                x, head, logits, ensemble, options, loss, n_batches_per_layer))
            return spec._replace(training_hooks=(StopWhenGrown(ensemble, options.trees),))

        super().__init__(model_fn, model_dir, config)


class BoostedTreesClassifier(_Boosted):
    """Classes by boosted trees, of the features that dense columns (a bucketized one by its numbers) give."""

    def __init__(self, feature_columns: Any, n_batches_per_layer: int, model_dir: Any = None, n_classes: int = 2,
                 weight_column: Any = None, label_vocabulary: Any = None, n_trees: int = 100, max_depth: int = 6,
                 learning_rate: float = 0.1, l1_regularization: float = 0.0, l2_regularization: float = 0.0,
                 tree_complexity: float = 0.0, min_node_weight: float = 0.0, config: Any = None,
                 center_bias: bool = False, pruning_mode: str = "none", quantile_sketch_epsilon: float = 0.01,
                 train_in_memory: bool = False):
        head = class_head(n_classes, label_vocabulary=label_vocabulary, weight_column=weight_column,
                          loss_reduction=Reduction.SUM_OVER_BATCH_SIZE)
        options = boosting.Options(n_trees, max_depth, learning_rate, l1_regularization, l2_regularization,
                                   tree_complexity, min_node_weight, center_bias)
        super().__init__(head, feature_columns, n_batches_per_layer, options, model_dir, config)


class BoostedTreesRegressor(_Boosted):
    """Numbers by boosted trees; arguments as of BoostedTreesClassifier."""

    def __init__(self, feature_columns: Any, n_batches_per_layer: int, model_dir: Any = None, label_dimension: int = 1,
                 weight_column: Any = None, n_trees: int = 100, max_depth: int = 6, learning_rate: float = 0.1,
                 l1_regularization: float = 0.0, l2_regularization: float = 0.0, tree_complexity: float = 0.0,
                 min_node_weight: float = 0.0, config: Any = None, center_bias: bool = False,
                 pruning_mode: str = "none", quantile_sketch_epsilon: float = 0.01, train_in_memory: bool = False):
        head = RegressionHead(label_dimension, weight_column=weight_column,
                              loss_reduction=Reduction.SUM_OVER_BATCH_SIZE)
        options = boosting.Options(n_trees, max_depth, learning_rate, l1_regularization, l2_regularization,
                                   tree_complexity, min_node_weight, center_bias)
        super().__init__(head, feature_columns, n_batches_per_layer, options, model_dir, config)
