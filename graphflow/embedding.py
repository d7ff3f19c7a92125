"""Lookups of several embeddings at once, combined row by row."""
from __future__ import annotations

from typing import Any

from .compiler.dtypes import int64
from .compiler.ir import Tensor
from .compiler.ops.constant import constant
from .compiler.ops.elementwise import cast, sqrt, where
from .compiler.ops.segment import segment_mean, segment_sum
from .compiler.ops.slicing import concat, slice_axis
from .compiler.ops.special import div_no_nan
from .compiler.ops.view import expand_dims, known_rank, reshape, shape_of, zeros_of
from .framework import name_scope
from .nn_ops import embedding_lookup
from .sparse_ops import column, rank_of, sparse_fill_empty_rows, sparse_reshape, sparse_retain
from .sparse_tensor import SparseTensor, as_sparse

COMBINERS = ("mean", "sqrtn", "sum")


def embedding_lookup_sparse(params: Any, sp_ids: Any, sp_weights: Any, partition_strategy: str = "mod",
                            name: str | None = None, combiner: str | None = None,
                            max_norm: float | None = None, allow_fast_lookup: bool = False) -> Tensor:
    """For each row of the sparse ids [batch, any] the embeddings of its ids combined: their "mean" (default), "sum", or
    "sqrtn" (the sum over the root of the sum of squared weights), with `sp_weights` of the same positions.

    Each row must have an id (see safe_embedding_lookup_sparse). Raises ValueError for another combiner.
    """
    combiner = combiner or "mean"
    if combiner not in COMBINERS:
        raise ValueError("combiner must be one of 'mean', 'sqrtn' or 'sum'")
    if not isinstance(sp_ids, SparseTensor):
        raise TypeError("sp_ids must be SparseTensor")
    if sp_weights is not None and not isinstance(sp_weights, SparseTensor):
        raise TypeError("sp_weights must be either None or SparseTensor")
    with name_scope(name, "embedding_lookup_sparse") as scope:
        rows = column(sp_ids, 0)
        found = embedding_lookup(params, sp_ids.values, partition_strategy, max_norm=max_norm)
        if sp_weights is None:
            if combiner == "sum":
                return segment_sum(found, rows, name=scope)
            return segment_mean(found, rows, scope, 1.0 if combiner == "mean" else 0.5)
        weights = cast(sp_weights.values, found.dtype)
        rank = len(known_rank("embedding_lookup_sparse", found))

        def spread(x: Tensor) -> Tensor:
            """With axes of size 1 for those of an embedding."""
            for _ in range(rank - 1):
                x = expand_dims(x, -1)
            return x

        total = segment_sum(found * spread(weights), rows)
        if combiner == "sum":
            return total
        norm = segment_sum(weights, rows) if combiner == "mean" else sqrt(segment_sum(weights * weights, rows))
        return div_no_nan(total, spread(norm))


def safe_embedding_lookup_sparse(embedding_weights: Any, sparse_ids: Any, sparse_weights: Any = None,
                                 combiner: str | None = "mean", default_id: int | None = None, name: str | None = None,
                                 partition_strategy: str = "div", max_norm: float | None = None,
                                 allow_fast_lookup: bool = False) -> Tensor:
    """embedding_lookup_sparse for ids [d0, ..., dn, any] of which some are negative or have no positive weight: these
    are left out. A row without ids gets the embedding `default_id`, or 0."""
    ids = as_sparse(sparse_ids)
    weights = None if sparse_weights is None else as_sparse(sparse_weights)
    with name_scope(name, "embedding_lookup"):
        rank = rank_of("safe_embedding_lookup_sparse", ids)
        shape = ids.dense_shape
        if rank != 2:
            last = slice_axis(shape, 0, rank - 1, 1)
            flat = concat([constant([-1], int64), last], 0)
            ids = sparse_reshape(ids, flat)
            weights = None if weights is None else sparse_reshape(weights, flat)
        valid = ids.values >= 0
        if weights is not None and combiner != "sum":
            valid = valid & (weights.values > 0)
        ids, weights = sparse_retain(ids, valid), None if weights is None else sparse_retain(weights, valid)
        ids, empty = sparse_fill_empty_rows(ids, default_id or 0)
        if weights is not None:
            weights, _ = sparse_fill_empty_rows(weights, 1.0)
        result = embedding_lookup_sparse(embedding_weights, ids, weights, partition_strategy, None, combiner, max_norm)
        if default_id is None:
            hidden = empty
            for _ in range(len(known_rank("safe_embedding_lookup_sparse", result)) - 1):
                hidden = expand_dims(hidden, -1)
            result = where(hidden, zeros_of(result), result)
        if rank == 2:
            return result
        width = slice_axis(shape_of(result), 0, 1, len(known_rank("safe_embedding_lookup_sparse", result)) - 1)
        return reshape(result, concat([slice_axis(shape, 0, 0, rank - 1), cast(width, int64)], 0))
