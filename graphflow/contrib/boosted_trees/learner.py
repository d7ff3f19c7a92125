"""How boosted trees learn: the messages of TensorFlow's learner.proto, as far as they say anything here."""
from __future__ import annotations

from ...config import _Options

__all__ = ["LearnerConfig", "LearningRateConfig", "LearningRateFixedConfig", "TreeConstraintsConfig",
           "TreeRegularizationConfig"]


class TreeRegularizationConfig(_Options):
    """Penalties, for gradients averaged over a layer's examples."""

    l1: float
    l2: float
    tree_complexity: float

    _fields = {"l1": 0.0, "l2": 0.0, "tree_complexity": 0.0}


class TreeConstraintsConfig(_Options):
    """Bounds of a tree; a depth of 0 is 6."""

    max_tree_depth: int
    min_node_weight: float

    _fields = {"max_tree_depth": 0, "min_node_weight": 0.0, "max_number_of_unique_feature_columns": 0}


class LearningRateFixedConfig(_Options):
    """One rate for all trees; 0 is 0.1."""

    learning_rate: float

    _fields = {"learning_rate": 0.0}


class LearningRateConfig(_Options):
    """The rate of learning."""

    fixed: LearningRateFixedConfig

    _fields = {"fixed": LearningRateFixedConfig}


class LearnerConfig(_Options):
    """How trees grow. A tree always has a vector of values in its leaves, and grows layer by layer."""

    regularization: TreeRegularizationConfig
    constraints: TreeConstraintsConfig
    learning_rate_tuner: LearningRateConfig
    PRUNING_MODE_UNSPECIFIED, PRE_PRUNE, POST_PRUNE = 0, 1, 2
    GROWING_MODE_UNSPECIFIED, WHOLE_TREE, LAYER_BY_LAYER = 0, 1, 2
    MULTI_CLASS_STRATEGY_UNSPECIFIED, TREE_PER_CLASS, FULL_HESSIAN, DIAGONAL_HESSIAN = 0, 1, 2, 3
    NORMAL_DECISION_TREE, OBLIVIOUS_DECISION_TREE = 0, 1
    _fields = {"num_classes": 0, "feature_fraction_per_tree": 0.0, "feature_fraction_per_level": 0.0,
               "regularization": TreeRegularizationConfig, "constraints": TreeConstraintsConfig, "pruning_mode": 0,
               "growing_mode": 0, "learning_rate_tuner": LearningRateConfig, "multi_class_strategy": 0,
               "weak_learner_type": 0}
