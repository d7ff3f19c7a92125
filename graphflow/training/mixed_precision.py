"""The rewrite of a graph to half precision, which TensorFlow makes for GPUs."""
from __future__ import annotations

from typing import Any

from ..logging import info
from . import loss_scale as experimental
from .loss_scale import DynamicLossScale, FixedLossScale, LossScale, MixedPrecisionLossScaleOptimizer
from .optimizer import Optimizer

__all__ = ["DynamicLossScale", "FixedLossScale", "LossScale", "MixedPrecisionLossScaleOptimizer",
           "disable_mixed_precision_graph_rewrite", "enable_mixed_precision_graph_rewrite", "experimental"]


def enable_mixed_precision_graph_rewrite(opt: Any, loss_scale: Any = "dynamic") -> Any:
    """`opt`: accepted, as graphs are computed in the precision that they say. Raises ValueError for no optimizer."""
    if not isinstance(opt, Optimizer) and not hasattr(opt, "apply_gradients"):
        raise ValueError('"opt" must be an instance of a tf.train.Optimizer or a tf.keras.optimizers.Optimizer, but '
                         f"got: {opt!r}")
    info("Mixed precision is accepted and not used: this is a CPU, where half precision is slower.")
    return opt


def disable_mixed_precision_graph_rewrite() -> None:
    """Nothing: see `enable_mixed_precision_graph_rewrite`."""
