"""`tf.sparse`."""
from __future__ import annotations

from .accumulators import SparseConditionalAccumulator
from .ordering import sparse_segment_mean as segment_mean
from .ordering import sparse_segment_sqrt_n as segment_sqrt_n
from .ordering import sparse_segment_sum as segment_sum
from .sparse_counts import bincount
from .sparse_cross import cross, cross_hashed
from .sparse_math import sparse_add as add
from .sparse_math import sparse_maximum as maximum
from .sparse_math import sparse_minimum as minimum
from .sparse_math import sparse_reduce_max as reduce_max
from .sparse_math import sparse_reduce_max_sparse as reduce_max_sparse
from .sparse_math import sparse_reduce_sum as reduce_sum
from .sparse_math import sparse_reduce_sum_sparse as reduce_sum_sparse
from .sparse_math import sparse_softmax as softmax
from .sparse_math import sparse_tensor_dense_matmul as matmul
from .sparse_ops import from_dense
from .sparse_ops import sparse_concat as concat
from .sparse_ops import sparse_expand_dims as expand_dims
from .sparse_ops import sparse_eye as eye
from .sparse_ops import sparse_fill_empty_rows as fill_empty_rows
from .sparse_ops import sparse_mask as mask
from .sparse_ops import sparse_merge as merge
from .sparse_ops import sparse_reorder as reorder
from .sparse_ops import sparse_reset_shape as reset_shape
from .sparse_ops import sparse_reshape as reshape
from .sparse_ops import sparse_retain as retain
from .sparse_ops import sparse_slice as slice
from .sparse_ops import sparse_split as split
from .sparse_ops import sparse_tensor_to_dense as to_dense
from .sparse_ops import sparse_to_indicator as to_indicator
from .sparse_ops import sparse_transpose as transpose
from .sparse_tensor import SparseTensor
from .sparse_tensor import sparse_placeholder as placeholder

sparse_dense_matmul = matmul

__all__ = [
    "SparseConditionalAccumulator", "SparseTensor", "add",
    "bincount", "concat", "cross", "cross_hashed", "expand_dims", "eye", "fill_empty_rows",
    "from_dense", "mask", "matmul", "maximum", "merge", "minimum", "placeholder", "reduce_max",
    "reduce_max_sparse", "reduce_sum", "reduce_sum_sparse", "reorder", "reset_shape", "reshape", "retain",
    "segment_mean", "segment_sqrt_n", "segment_sum", "slice", "softmax", "sparse_dense_matmul", "split",
    "to_dense", "to_indicator", "transpose",
]
