"""`keras.mixed_precision`: the names that tf.keras has for dtype policies and loss scaling."""
import sys

from .dtype_policies import DTypePolicy, Policy, dtype_policy, set_dtype_policy
from .optimizers import LossScaleOptimizer

global_policy, set_global_policy = dtype_policy, set_dtype_policy
set_policy, experimental = set_dtype_policy, sys.modules[__name__]  # as TensorFlow 2.0 to 2.3 had them

__all__ = ["DTypePolicy", "LossScaleOptimizer", "Policy", "dtype_policy", "global_policy", "set_dtype_policy",
           "set_global_policy"]
