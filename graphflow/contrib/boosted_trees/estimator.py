"""Boosted trees with `fit`, `evaluate` and `predict`."""
from __future__ import annotations

from typing import Any

from ...compiler.dtypes import float32
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.slicing import concat
from ...compiler.ops.view import reshape
from ...estimator.boosted import StopWhenGrown, boosted_logits, boosting_step
from ...estimator.boosting import Options
from ...estimator.heads import Head, RegressionHead, class_head
from ...feature_column import input_layer
from ...losses import Reduction
from ..learn.estimators import Estimator
from .learner import LearnerConfig

__all__ = ["GradientBoostedDecisionTreeClassifier", "GradientBoostedDecisionTreeRegressor"]


def _dense(features: Any, columns: Any) -> Tensor:
    """[batch, features]: of feature columns, or of all features, by their keys' order."""
    if columns:
        return input_layer(features, columns)
    parts = [features[key] for key in sorted(features)] if isinstance(features, dict) else [features]
    tensors = [cast(convert_to_tensor(part), float32) for part in parts]
    return concat([t if len(t.shape) == 2 else reshape(t, [-1, 1]) for t in tensors], 1)


class _Boosted(Estimator):
    def __init__(self, head: Head, learner_config: LearnerConfig, examples_per_layer: int, num_trees: int | None,
                 center_bias: bool, feature_columns: Any, model_dir: Any, config: Any):
        penalty, bounds = learner_config.regularization, learner_config.constraints
        options = Options(num_trees or 2**31, bounds.max_tree_depth or 6,
                          learner_config.learning_rate_tuner.fixed.learning_rate or 0.1, penalty.l1, penalty.l2,
                          penalty.tree_complexity, bounds.min_node_weight, center_bias)

        def model_fn(features: Any, labels: Any, mode: str) -> Any:
            x = _dense(features, feature_columns)
            logits, ensemble = boosted_logits(x, head)
            given = features if isinstance(features, dict) else {}
            spec = head.spec(given, "predict" if mode == "infer" else mode, logits, labels, lambda loss: boosting_step(
                x, head, logits, ensemble, options, loss, examples=examples_per_layer))
            return spec._replace(training_hooks=(StopWhenGrown(ensemble, options.trees),))

        super().__init__(model_fn, model_dir, config)


class GradientBoostedDecisionTreeClassifier(_Boosted):
    """Classes by boosted trees. A layer grows from at least `examples_per_layer` examples; training ends with
    `num_trees` trees."""

    def __init__(self, learner_config: LearnerConfig, examples_per_layer: int, n_classes: int = 2,
                 num_trees: int | None = None, feature_columns: Any = None, weight_column_name: Any = None,
                 model_dir: Any = None, config: Any = None, label_keys: Any = None, feature_engineering_fn: Any = None,
                 logits_modifier_function: Any = None, center_bias: bool = True, **unused: Any):
        head = class_head(n_classes, label_vocabulary=label_keys, weight_column=weight_column_name,
                          loss_reduction=Reduction.SUM_OVER_BATCH_SIZE)
        super().__init__(head, learner_config, examples_per_layer, num_trees, center_bias, feature_columns, model_dir,
                         config)


class GradientBoostedDecisionTreeRegressor(_Boosted):
    """Numbers by boosted trees; arguments as of GradientBoostedDecisionTreeClassifier."""

    def __init__(self, learner_config: LearnerConfig, examples_per_layer: int, label_dimension: int = 1,
                 num_trees: int | None = None, feature_columns: Any = None, label_name: Any = None,
                 weight_column_name: Any = None, model_dir: Any = None, config: Any = None,
                 feature_engineering_fn: Any = None, logits_modifier_function: Any = None, center_bias: bool = True,
                 **unused: Any):
        head = RegressionHead(label_dimension, weight_column=weight_column_name,
                              loss_reduction=Reduction.SUM_OVER_BATCH_SIZE)
        super().__init__(head, learner_config, examples_per_layer, num_trees, center_bias, feature_columns, model_dir,
                         config)
