"""`tf.train.experimental`."""
from __future__ import annotations

from .checkpoint_options import MaxShardSizePolicy, PythonState, ShardableTensor, ShardByTaskPolicy, ShardingCallback
from .loss_scale import DynamicLossScale, FixedLossScale, LossScale, MixedPrecisionLossScaleOptimizer
from .mixed_precision import disable_mixed_precision_graph_rewrite, enable_mixed_precision_graph_rewrite

__all__ = ["DynamicLossScale", "FixedLossScale", "LossScale", "MaxShardSizePolicy",
           "MixedPrecisionLossScaleOptimizer", "PythonState", "ShardByTaskPolicy", "ShardableTensor",
           "ShardingCallback", "disable_mixed_precision_graph_rewrite", "enable_mixed_precision_graph_rewrite"]
