"""Conds, loops and arrays of tensors."""
from .cond import case, cond, smart_cond, switch_case
from .functional import foldl, foldr, map_fn, scan
from .tensor_array import TensorArray
from .vectorized import vectorized_map
from .while_loop import while_loop

__all__ = ["TensorArray", "case", "cond", "foldl", "foldr", "map_fn", "scan", "smart_cond", "switch_case",
           "vectorized_map", "while_loop"]
