"""Sums, products and other arithmetic of sparse tensors, under TensorFlow 1's names: gathers and scatters of their
elements, which compile natively and have gradients."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arguments import renamed
from .compiler.dtypes import int32, int64
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops import sparse as positions
from .compiler.ops.complex import conj
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.cumulative import cumprod
from .compiler.ops.elementwise import abs_, cast, equal, exp, maximum, minimum, mod, where
from .compiler.ops.gather import gather, range_, scatter_add
from .compiler.ops.matrix_parts import adjoint
from .compiler.ops.positions import scatter_nd
from .compiler.ops.reduction import reduce_any, reduce_prod, reduce_sum
from .compiler.ops.segment import unsorted_segment_max, unsorted_segment_sum
from .compiler.ops.selection import where_true
from .compiler.ops.slicing import concat, slice_axis, stack
from .compiler.ops.view import expand_dims, identity, known_rank, reshape, shape_of, squeeze, stop_gradient, zeros_of
from .compiler.shapes import normalize_axis
from .framework import name_scope
from .math_ops import matmul
from .sparse_ops import column, has_rank, rank_of, size_along, sparse_retain, static_or_none, steps
from .sparse_tensor import SparseTensor, as_sparse

# reductions


def _axes(op: str, sp: SparseTensor, axis: Any) -> list[int]:
    rank = rank_of(op, sp)
    if axis is None:
        return list(range(rank))
    return sorted(normalize_axis(op, int(a), rank) for a in (axis if hasattr(axis, "__iter__") else [axis]))


def _flat(sp: SparseTensor, axes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """(where each element stands in the tensor of these axes, row by row; how many elements that has)."""
    position, total = column(sp, 0) * 0, constant(np.int64(1))
    for a in axes:
        size = size_along(sp, a)
        position, total = position * size + column(sp, a), total * size
    return position, total


def _reduce(op: str, combine: Callable[..., Tensor], sp_input: Any, axis: Any, keepdims: bool,
            name: str | None) -> Tensor:
    sp = as_sparse(sp_input)
    with name_scope(name, op):
        if axis is None and not keepdims:  # of whatever rank
            return reshape(combine(sp.values, _flat(sp, ())[0], 1), ())
        if not has_rank(sp):
            return _reduced_of_any_rank(combine, sp, axis, keepdims)
        return _reduced(op, combine, sp, axis, keepdims)


def _reduced_of_any_rank(combine: Callable[..., Tensor], sp: SparseTensor, axis: Any, keepdims: bool) -> Tensor:
    rank = shape_of(sp.dense_shape)[0]
    all_axes = range_(rank)
    gone = all_axes if axis is None else mod(reshape(convert_to_tensor(axis, int32), [-1]), rank)
    lost = cast(reduce_any(equal(expand_dims(all_axes, 1), expand_dims(gone, 0)), 1), int64)
    sizes = sp.dense_shape * (1 - lost) + lost
    position = reduce_sum(sp.indices * (cumprod(sizes, exclusive=True, reverse=True) * (1 - lost)), 1)
    reduced = combine(sp.values, position, reduce_prod(sizes))
    return reshape(reduced, sizes if keepdims else gather(sizes, squeeze(where_true(equal(lost, 0)), [1])))


def _reduced(op: str, combine: Callable[..., Tensor], sp: SparseTensor, axis: Any, keepdims: bool) -> Tensor:
    gone = _axes(op, sp, axis)
    kept = [a for a in range(rank_of(op, sp)) if a not in gone]
    static = static_or_none(sp.dense_shape)
    position, total = _flat(sp, kept)
    count: Any = total if static is None else int(np.prod([static[a] for a in kept], dtype=np.int64))
    reduced = combine(sp.values, position, count)
    one = constant(np.int64(1))
    sizes = [one if a in gone else size_along(sp, a) for a in range(len(gone) + len(kept))
             if keepdims or a not in gone]
    if static is not None:
        return reshape(reduced, [1 if a in gone else static[a] for a in range(len(static))
                                 if keepdims or a not in gone])
    return reshape(reduced, stack(sizes) if sizes else ())


def _reduce_max_or_zero(values: Tensor, position: Tensor, count: Any) -> Tensor:
    """The largest of each segment, 0 where it has no element."""
    hits = unsorted_segment_sum(cast(position * 0 + 1, int32), position, count)
    largest = unsorted_segment_max(values, position, count)
    return where(equal(hits, 0), zeros_of(values), largest)


def sparse_reduce_sum(sp_input: Any, axis: Any = None, keepdims: bool | None = None, reduction_axes: Any = None,
                      keep_dims: bool | None = None) -> Tensor:
    """The sum over `axis` (default all), dense."""
    return _reduce("SparseReduceSum", unsorted_segment_sum, sp_input, renamed("axis", axis, "reduction_axes",
                   reduction_axes), bool(renamed("keepdims", keepdims, "keep_dims", keep_dims)), None)


def sparse_reduce_max(sp_input: Any, axis: Any = None, keepdims: bool | None = None, reduction_axes: Any = None,
                      keep_dims: bool | None = None) -> Tensor:
    """The largest element present over `axis` (default all), dense; 0 where there is none."""
    return _reduce("SparseReduceMax", _reduce_max_or_zero, sp_input, renamed("axis", axis, "reduction_axes",
                   reduction_axes), bool(renamed("keepdims", keepdims, "keep_dims", keep_dims)), None)


def _reduce_sparse(op: str, combine: Callable[..., Tensor], sp_input: Any, axis: Any, keepdims: bool) -> SparseTensor:
    sp = as_sparse(sp_input)
    with name_scope(None, op):
        gone = _axes(op, sp, axis)
        rank = rank_of(op, sp)
        kept = [a for a in range(rank) if a not in gone]
        groups, place = positions.sparse_groups.operation(gather(sp.indices, np.array(kept, np.int32), 1)).outputs
        values = combine(sp.values, place, slice_axis(shape_of(groups), 0, 0, 1)[0])
        if not keepdims:
            return SparseTensor(groups, values, gather(sp.dense_shape, np.array(kept, np.int32)))
        columns = [slice_axis(groups, 1, kept.index(a), 1) if a in kept else expand_dims(reduce_sum(groups, 1) * 0, 1)
                   for a in range(rank)]
        sizes = [size_along(sp, a) if a in kept else constant(np.int64(1)) for a in range(rank)]
        return SparseTensor(concat(columns, 1), values, stack(sizes))


def sparse_reduce_sum_sparse(sp_input: Any, axis: Any = None, keepdims: bool | None = None, reduction_axes: Any = None,
                             keep_dims: bool | None = None) -> SparseTensor:
    """The sum over `axis`, sparse."""
    return _reduce_sparse("SparseReduceSumSparse", unsorted_segment_sum, sp_input,
                          renamed("axis", axis, "reduction_axes", reduction_axes),
                          bool(renamed("keepdims", keepdims, "keep_dims", keep_dims)))


def sparse_reduce_max_sparse(sp_input: Any, axis: Any = None, keepdims: bool | None = None, reduction_axes: Any = None,
                             keep_dims: bool | None = None) -> SparseTensor:
    """The largest element over `axis`, sparse."""
    return _reduce_sparse("SparseReduceMaxSparse", unsorted_segment_max, sp_input,
                          renamed("axis", axis, "reduction_axes", reduction_axes),
                          bool(renamed("keepdims", keepdims, "keep_dims", keep_dims)))


def sparse_softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The softmax over the elements present in each row (the last axis)."""
    sp = as_sparse(sp_input)
    with name_scope(name, "SparseSoftmax"):
        row = expand_dims(reduce_sum((sp.indices * steps(sp))[:, :-1], 1), 1)  # of whatever rank
        groups, place = positions.sparse_groups.operation(row).outputs
        count = slice_axis(shape_of(groups), 0, 0, 1)[0]
        peak = stop_gradient(unsorted_segment_max(sp.values, place, count))
        powers = exp(sp.values - gather(peak, place))
        return SparseTensor(sp.indices, powers / gather(unsorted_segment_sum(powers, place, count), place),
                            sp.dense_shape)


# sums and extrema of two


def sparse_add(a: Any, b: Any, threshold: Any = None, thresh: Any = None) -> Any:
    """a + b: sparse where both are (without elements whose absolute value is below `threshold`), else dense."""
    limit = renamed("threshold", threshold, "thresh", thresh)
    sparse = [hasattr(x, "dense_shape") for x in (a, b)]
    if not any(sparse):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if all(sparse):
        first, second = as_sparse(a), as_sparse(b)
        first.shape.assert_is_compatible_with(second.shape)
        total = _combined(first, second, lambda x, y: x + y)
        return total if limit in (None, 0) else sparse_retain(total, abs_(total.values) >= limit)
    sp, dense = (as_sparse(a), b) if sparse[0] else (as_sparse(b), a)
    x = convert_to_tensor(dense, sp.dtype)
    indices = sp.indices if x.dims is None else reshape(sp.indices, [-1, len(x.dims)])  # a placeholder's rank is open
    return x + scatter_nd(indices, sp.values, cast(shape_of(x), int64))


def _combined(a: SparseTensor, b: SparseTensor, function: Callable[[Tensor, Tensor], Tensor]) -> SparseTensor:
    """A function of corresponding elements, those not present being 0."""
    with name_scope(None, "SparseAdd"):
        indices, of_a, of_b = positions.sparse_union.operation(a.indices, b.indices).outputs
        count = slice_axis(shape_of(indices), 0, 0, 1)
        full = [scatter_add(sp.values, place, count) for sp, place in ((a, of_a), (b, of_b))]
        return SparseTensor(indices, function(*full), identity(a.dense_shape))


def sparse_maximum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The larger of corresponding elements, those not present being 0."""
    with name_scope(name, "SparseSparseMaximum"):
        return _combined(as_sparse(sp_a), as_sparse(sp_b), maximum)


def sparse_minimum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The smaller of corresponding elements, those not present being 0."""
    with name_scope(name, "SparseSparseMinimum"):
        return _combined(as_sparse(sp_a), as_sparse(sp_b), minimum)


# products


def sparse_tensor_dense_matmul(sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False,
                               name: str | None = None) -> Tensor:
    """A sparse matrix [m, k] times a dense one [k, n] (either one adjoint), dense [m, n]: for each element present a
    row of `b`, scaled and added. A sparse `b` with a dense `sp_a` is taken as (b^H a^H)^H."""
    if hasattr(b, "dense_shape"):
        return adjoint(sparse_tensor_dense_matmul(b, sp_a, not adjoint_b, not adjoint_a, name))
    sp = as_sparse(sp_a)
    with name_scope(name, "SparseTensorDenseMatMul") as scope:
        dense = convert_to_tensor(b, sp.dtype)
        if adjoint_b:
            dense = adjoint(dense)
        columns, static = known_rank("SparseTensorDenseMatMul", dense), static_or_none(sp.dense_shape)
        rows, inner = (1, 0) if adjoint_a else (0, 1)
        if len(columns) != 2:
            raise ShapeError(f"SparseTensorDenseMatMul: Shape must be rank 2 but is rank {len(columns)}: {dense!r}")
        if static is not None and isinstance(columns[0], int) and static[inner] != columns[0]:
            raise ShapeError(f"SparseTensorDenseMatMul: Dimensions must be equal, but are {static[inner]} and "
                             f"{columns[0]}")
        values = conj(sp.values) if adjoint_a else sp.values
        # along another axis than the first, so that the gradient is dense, as TensorFlow's is
        found = squeeze(gather(expand_dims(dense, 0), column(sp, inner), 1), [0])
        scaled = expand_dims(values, 1) * found
        total: Any = cast(size_along(sp, rows), int32) if static is None else static[rows]
        return identity(unsorted_segment_sum(scaled, column(sp, rows), total), scope)


def sparse_matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, a_is_sparse: bool = False,
                  b_is_sparse: bool = False, name: str | None = None) -> Tensor:
    """The product of dense matrices; the hints that they hold many zeros are not used."""
    return matmul(a, b, transpose_a, transpose_b, name=name)
