"""`tf.train.experimental`."""
from __future__ import annotations

from .loss_scale import DynamicLossScale, FixedLossScale, LossScale, MixedPrecisionLossScaleOptimizer
from .mixed_precision import disable_mixed_precision_graph_rewrite, enable_mixed_precision_graph_rewrite

__all__ = ["DynamicLossScale", "FixedLossScale", "LossScale", "MixedPrecisionLossScaleOptimizer",
           "disable_mixed_precision_graph_rewrite", "enable_mixed_precision_graph_rewrite"]
