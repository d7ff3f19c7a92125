"""`keras.mixed_precision`: the names that tf.keras has for dtype policies and loss scaling."""
from .dtype_policies import DTypePolicy, Policy, dtype_policy, set_dtype_policy
from .optimizers import LossScaleOptimizer

global_policy, set_global_policy = dtype_policy, set_dtype_policy

__all__ = ["DTypePolicy", "LossScaleOptimizer", "Policy", "dtype_policy", "global_policy", "set_dtype_policy",
           "set_global_policy"]
