"""Sparse tensors put together, taken apart and made dense, under TensorFlow 1's names."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arguments import renamed
from .compiler.dtypes import as_dtype, bool_, float32, int64
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops import sparse as positions
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.cumulative import cumprod
from .compiler.ops.elementwise import cast, maximum, not_equal, where
from .compiler.ops.gather import IndexedSlices, gather
from .compiler.ops.positions import gather_nd
from .compiler.ops.reduction import reduce_max, reduce_sum
from .compiler.ops.selection import setdiff1d, where_true
from .compiler.ops.slicing import concat, slice_axis, stack
from .compiler.ops.symbolic import static_ints
from .compiler.ops.view import (
    broadcast_to,
    expand_dims,
    identity,
    known_rank,
    ones,
    reshape,
    shape_of,
    squeeze,
)
from .compiler.shapes import normalize_axis
from .framework import name_scope
from .late import of_rank, when_known
from .sparse_tensor import SparseTensor, as_sparse


def rank_of(op: str, sp: SparseTensor) -> int:
    """The number of axes. Raises ShapeError when it is not known while the graph is built."""
    for static in (sp.dense_shape.dims, (sp.indices.dims or ())[1:]):
        if static and isinstance(static[0], int):
            return static[0]
    raise ShapeError(f"{op}: the rank of {sp!r} must be known")


def has_rank(sp: SparseTensor) -> bool:
    """Whether the number of axes is known while the graph is built."""
    return any(static and isinstance(static[0], int) for static in (sp.dense_shape.dims, (sp.indices.dims or ())[1:]))


def when_ranked(make: Callable[[list[SparseTensor]], SparseTensor], inputs: list[SparseTensor]) -> SparseTensor:
    """`make(inputs)`, which must know the rank of the first, though only the run may tell it."""
    if has_rank(inputs[0]):
        return make(inputs)

    def build(rank: int, *parts: Tensor) -> list[Tensor]:
        whole = [identity(t) for t in parts]
        for k in range(0, len(whole), 3):
            whole[k].set_shape([None, rank])
            whole[k + 2].set_shape([rank])
        made = make([SparseTensor(*whole[k:k + 3]) for k in range(0, len(whole), 3)])
        return [made.values, made.indices, made.dense_shape]

    parts = [t for sp in inputs for t in (sp.indices, sp.values, sp.dense_shape)]
    values, indices, shape = when_known(shape_of(parts[2])[0], parts, build, (parts[1].dtype, int64, int64))
    return SparseTensor(of_rank(indices, 2), of_rank(values, 1), of_rank(shape, 1))


def column(sp: SparseTensor, axis: int) -> Tensor:
    """The positions along one axis, [n]."""
    return squeeze(slice_axis(sp.indices, 1, axis, 1), [1])


def size_along(sp: SparseTensor, axis: int) -> Tensor:
    return squeeze(slice_axis(sp.dense_shape, 0, axis, 1), [0])


def elements_at(sp: SparseTensor, dense: Tensor) -> Tensor:
    """The elements of `dense`, broadcast to the sparse tensor's shape, at its positions."""
    spread = broadcast_to(dense, sp.dense_shape)
    if spread.dims is not None:
        return gather_nd(spread, sp.indices)
    return gather(reshape(spread, [-1]), reduce_sum(sp.indices * steps(sp), 1))


def steps(sp: SparseTensor) -> Tensor:
    """How far apart neighbours along each axis are where the elements are laid out row by row, [rank]."""
    return cumprod(sp.dense_shape, exclusive=True, reverse=True)


# dense and sparse


def sparse_to_dense(sparse_indices: Any, output_shape: Any, sparse_values: Any, default_value: Any = 0,
                    validate_indices: bool = True, name: str | None = None) -> Tensor:
    """A tensor of shape `output_shape` with `sparse_values` ([n] or one for all) at `sparse_indices` ([n, rank]; [n] or
    a scalar for a vector) and `default_value` elsewhere.

    Raises InvalidArgumentError when the graph runs with positions outside, or with `validate_indices` not in order.
    """
    shape = convert_to_tensor(output_shape, name="SparseToDense/output_shape")
    values = convert_to_tensor(sparse_values, name="SparseToDense/sparse_values")
    indices = cast(convert_to_tensor(sparse_indices, name="SparseToDense/sparse_indices"), int64)
    if len(known_rank("SparseToDense", indices)) < 2:
        indices = reshape(indices, (-1, 1))
    if validate_indices:
        indices = positions.check_positions(indices, shape, what="SparseToDense")
    default = convert_to_tensor(default_value, values.dtype, "SparseToDense/default_value")
    return positions.sparse_to_dense(indices, shape, values, default, name=name)


def sparse_tensor_to_dense(sp_input: Any, default_value: Any = None, validate_indices: bool = True,
                           name: str | None = None) -> Tensor:
    """The dense tensor, with `default_value` (0, or the empty string) where `sp_input` has no element."""
    sp = as_sparse(sp_input)
    if default_value is None:
        default_value = b"" if sp.dtype.is_string else np.zeros((), sp.dtype.np)
    dense = sparse_to_dense(sp.indices, sp.dense_shape, sp.values, default_value, validate_indices, name)
    return dense


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """The elements of `tensor` that are not 0 (not the empty string)."""
    with name_scope(name, "dense_to_sparse"):
        x = convert_to_tensor(tensor)
        nothing = constant(b"") if x.dtype.is_string else constant(np.zeros((), x.dtype.np))
        indices = where_true(not_equal(x, nothing))
        return SparseTensor(indices, gather_nd(x, indices), cast(shape_of(x), int64))


def from_positions(x: Tensor) -> SparseTensor:
    """All elements of a dense tensor."""
    indices = where_true(broadcast_to(constant(True), shape_of(x)))
    return SparseTensor(indices, reshape(x, (-1,)), cast(shape_of(x), int64))


def sparse_to_indicator(sp_input: Any, vocab_size: int, name: str | None = None) -> Tensor:
    """bool [..., vocab_size], true where the ids of `sp_input` [..., n] point to."""
    sp = as_sparse(sp_input)
    with name_scope(name, "SparseToIndicator"):
        marked = SparseTensor(sp.indices, broadcast_to(constant(True), shape_of(sp.values)), sp.dense_shape)
        merged = sparse_merge(sp, marked, vocab_size)
        return sparse_tensor_to_dense(merged, False, validate_indices=False)


# order and shape


def sparse_reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The elements in row-major order of their positions."""
    sp = as_sparse(sp_input)
    with name_scope(name, "SparseReorder"):
        order = positions.sparse_order(sp.indices, sp.dense_shape)
        return SparseTensor(gather(sp.indices, order), gather(sp.values, order), identity(sp.dense_shape))


def sparse_reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """The same elements under another shape, in which one size may be -1."""
    sp, known = as_sparse(sp_input), static_or_none(shape)
    size = sp.shape.num_elements()
    if size is not None and known is not None and -1 not in known and size != np.prod(known):
        raise ValueError(f"Cannot reshape a tensor with {size} elements to shape {known} ({np.prod(known)} elements).")
    with name_scope(name, "SparseReshape"):
        indices, dense_shape = positions.sparse_reshape.operation(
            sp.indices, sp.dense_shape, cast(convert_to_tensor(shape), int64)).outputs
        if known is not None and -1 not in known:
            dense_shape = constant(np.array(known, np.int64))
        return SparseTensor(indices, identity(sp.values), dense_shape)


def static_or_none(value: Any) -> list[int] | None:
    """Integers known while the graph is built."""
    try:
        return [int(v) for v in np.ravel(static_ints("shape", "it", value))]
    except (ShapeError, TypeError):
        return None


def sparse_transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """Axes permuted: axis i of the result is axis perm[i]; reversed without `perm`."""
    def moved(inputs: list[SparseTensor]) -> SparseTensor:
        sp, = inputs
        rank = rank_of("SparseTranspose", sp)
        order = list(range(rank))[::-1] if perm is None else [int(p) % rank for p in static_ints("it", "perm", perm)]
        chosen = constant(np.array(order, np.int32))
        return sparse_reorder(SparseTensor(gather(sp.indices, chosen, 1), sp.values, gather(sp.dense_shape, chosen)))

    with name_scope(name, "SparseTranspose"):
        return when_ranked(moved, [as_sparse(sp_input)])


def sparse_expand_dims(sp_input: Any, axis: Any = None, name: str | None = None) -> SparseTensor:
    """A new axis of size 1 at position `axis` (default last)."""
    sp = as_sparse(sp_input)
    rank = rank_of("sparse_expand_dims", sp)
    at = normalize_axis("sparse_expand_dims", -1 if axis is None else axis, rank + 1)
    with name_scope(name, "expand_dims"):
        columns = [slice_axis(sp.indices, 1, a, 1) for a in range(rank)]
        zero = expand_dims(column(sp, 0) * 0, 1)
        sizes = [size_along(sp, a) for a in range(rank)]
        sizes.insert(at, constant(np.int64(1)))
        return SparseTensor(concat([*columns[:at], zero, *columns[at:]], 1), sp.values, stack(sizes))


def sparse_reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """The same elements within `new_shape`, or the smallest shape that holds them."""
    sp = as_sparse(sp_input)
    if new_shape is None:
        return SparseTensor(sp.indices, sp.values, maximum(reduce_max(sp.indices, 0), constant(np.int64(-1))) + 1)
    shape = cast(convert_to_tensor(new_shape), int64)
    known = static_or_none(new_shape)
    if known is not None:
        if len(known) != rank_of("sparse_reset_shape", sp):
            raise ValueError(f"Shapes must have the same rank: {known} for {sp!r}")
        old = static_or_none(sp.dense_shape)
        if old is not None and any(n < o for n, o in zip(known, old, strict=True)):
            raise ValueError(f"Requested dense_shape {known} is smaller than {old}")
    return SparseTensor(sp.indices, sp.values, shape)


# parts and wholes


def sparse_slice(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """The elements within a box of `size` from `start` on."""
    sp = as_sparse(sp_input)
    with name_scope(name, "SparseSlice"):
        begin, extent = (cast(convert_to_tensor(v), int64) for v in (start, size))
        kept, indices, shape = positions.sparse_slice.operation(sp.indices, sp.dense_shape, begin, extent).outputs
        return SparseTensor(indices, gather(sp.values, kept), shape)


def sparse_split(keyword_required: Any = None, sp_input: Any = None, num_split: int | None = None, axis: Any = None,
                 name: str | None = None, split_dim: Any = None) -> list[SparseTensor]:
    """`num_split` parts along `axis`; if the size does not divide, the first ones are larger by one."""
    axis = renamed("axis", axis, "split_dim", split_dim)
    if sp_input is None or num_split is None or axis is None:
        raise ValueError("sparse_split: sp_input, num_split and axis are required, as keyword arguments")
    sp = as_sparse(sp_input)
    rank = rank_of("sparse_split", sp)
    at = normalize_axis("sparse_split", axis, rank)
    with name_scope(name, "SparseSplit"):
        size = size_along(sp, at)
        share, extra = size // num_split, size % num_split
        parts, begin = [], constant(np.int64(0))
        for k in range(num_split):
            extent = share + cast(extra > k, int64)
            zero = constant(np.zeros(rank, np.int64))
            along = constant(np.eye(rank, dtype=np.int64)[at])
            parts.append(sparse_slice(sp, zero + along * begin, sp.dense_shape * (1 - along) + along * extent))
            begin = begin + extent
        return parts


def sparse_concat(axis: Any = None, sp_inputs: Any = None, name: str | None = None, expand_nonconcat_dim: bool = False,
                  concat_dim: Any = None, expand_nonconcat_dims: bool | None = None) -> SparseTensor:
    """Sparse tensors one after another along `axis`. The other sizes must agree, unless they may be expanded to the
    largest (`expand_nonconcat_dims`)."""
    where_to = renamed("axis", axis, "concat_dim", concat_dim)
    expand = expand_nonconcat_dim if expand_nonconcat_dims is None else expand_nonconcat_dims

    def joined(inputs: list[SparseTensor]) -> SparseTensor:
        rank = rank_of("SparseConcat", inputs[0])
        at = normalize_axis("SparseConcat", where_to, rank)
        along = constant(np.eye(rank, dtype=np.int64)[at])
        shape, parts = inputs[0].dense_shape, [inputs[0].indices]
        for sp in inputs[1:]:
            known = [static_or_none(s) for s in (shape, sp.dense_shape)]
            if not expand and None not in known and any(
                    a != b for i, (a, b) in enumerate(zip(*known, strict=True)) if i != at):
                raise ValueError(f"SparseConcat: the shapes {known[0]} and {known[1]} differ in other axes than {at}")
            parts.append(sp.indices + along * shape)
            shape = maximum(shape, sp.dense_shape) * (1 - along) + along * (shape + sp.dense_shape)
        return sparse_reorder(SparseTensor(concat(parts, 0), concat([sp.values for sp in inputs], 0), shape))

    with name_scope(name, "SparseConcat"):
        return when_ranked(joined, [as_sparse(sp) for sp in sp_inputs])


def sparse_retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """The elements for which the vector `to_retain` is true."""
    sp, kept = as_sparse(sp_input), convert_to_tensor(to_retain, bool_)
    kept.shape.with_rank(1).assert_is_compatible_with(sp.values.shape)
    where_kept = squeeze(where_true(kept), [1])
    return SparseTensor(gather(sp.indices, where_kept), gather(sp.values, where_kept), identity(sp.dense_shape))


def sparse_fill_empty_rows(sp_input: Any, default_value: Any, name: str | None = None) -> tuple[SparseTensor, Tensor]:
    """(with `default_value` at [i, 0, ...] in each row i that had no element; which rows these are, bool)."""
    sp = as_sparse(sp_input)
    with name_scope(name, "SparseFillEmptyRows"):
        default = convert_to_tensor(default_value, sp.dtype)
        indices, source, empty, _ = positions.sparse_fill_rows.operation(sp.indices, sp.dense_shape).outputs
        extended = concat([sp.values, reshape(default, (1,))], 0)
        last = cast(shape_of(sp.values), int64)
        values = gather(extended, where(source < 0, last, source))
        return SparseTensor(indices, values, sp.dense_shape), empty


def sparse_merge(sp_ids: Any, sp_values: Any, vocab_size: Any, name: str | None = None,
                 already_sorted: bool = False) -> SparseTensor:
    """[..., vocab_size] with the values at the ids, which take the place of the last axis of `sp_ids`; several ids add
    an axis each."""
    several = isinstance(sp_ids, (list, tuple)) and not hasattr(sp_ids, "dense_shape")
    ids = [as_sparse(i) for i in (sp_ids if several else [sp_ids])]
    sizes = list(vocab_size) if several else [vocab_size]
    values = as_sparse(sp_values)
    with name_scope(name, "SparseMerge"):
        rank = rank_of("SparseMerge", ids[0])
        columns = [expand_dims(cast(i.values, int64), 1) for i in ids]
        indices = concat([slice_axis(ids[0].indices, 1, 0, rank - 1), *columns], 1)
        extents = [reshape(cast(convert_to_tensor(s), int64), (1,)) for s in sizes]
        shape = concat([slice_axis(ids[0].dense_shape, 0, 0, rank - 1), *extents], 0)
        merged = SparseTensor(indices, values.values, shape)
        return merged if already_sorted else sparse_reorder(merged)


def sparse_mask(a: IndexedSlices, mask_indices: Any, name: str | None = None) -> IndexedSlices:
    """The IndexedSlices without the rows at `mask_indices`."""
    with name_scope(name, "sparse_mask"):
        indices, kept = setdiff1d(a.indices, convert_to_tensor(mask_indices, a.indices.dtype))
        return IndexedSlices(gather(a.values, kept), indices, a.dense_shape)


def sparse_eye(num_rows: int, num_columns: int | None = None, dtype: Any = float32,
               name: str | None = None) -> SparseTensor:
    """The identity matrix."""
    columns = num_rows if num_columns is None else num_columns
    with name_scope(name, "eye"):
        count = min(num_rows, columns)
        indices = np.repeat(np.arange(count, dtype=np.int64)[:, None], 2, 1)
        return SparseTensor(indices, ones((count,), as_dtype(dtype)), [num_rows, columns])


def edit_distance(hypothesis: Any, truth: Any, normalize: bool = True, name: str = "edit_distance") -> Tensor:
    """Levenshtein's distance between the sequences in the last axes, over the length of the true ones if `normalize`
    (inf where that is 0), float32."""
    ours, theirs = as_sparse(hypothesis), as_sparse(truth)
    return positions.edit_distance(ours.indices, ours.values, ours.dense_shape, theirs.indices, theirs.values,
                                   theirs.dense_shape, normalize=bool(normalize), name=name)
