"""Ops whose result's size depends on values: where, unique, partitions; and counting. They run on the host."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import INTEGERS, REALS, DType, as_dtype, int32, int64
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, OpDef
from ..shapes import format_dims, normalize_axis
from .arguments import check_dtype, convert_all
from .constant import convert_to_tensor
from .dynamic_slice import items_of, vector_of
from .gather import gather, range_
from .symbolic import operand_dims, static_ints
from .view import fill, known_rank, reshape, shape, shape_of, squeeze

# positions


def _where_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    rank = dm.fresh() if inputs[0].dims is None else len(inputs[0].dims)
    return [TensorType(int64, (dm.fresh(), rank))]


def _where_reference(x: np.ndarray) -> np.ndarray:
    """`np.argwhere` in a third of its time: from flat positions axis by axis."""
    rest = np.flatnonzero(x if x.dtype != object else x != b"")
    positions = np.empty((len(rest), x.ndim), np.int64)
    for axis in range(x.ndim - 1, 0, -1):
        above = rest // x.shape[axis]
        np.subtract(rest, above * x.shape[axis], out=positions[:, axis])
        rest = above
    positions[:, :1] = rest[:, None]
    return positions


_where = OpDef("Where", HOST, _where_types, lambda op, g: [None], _where_reference)


def where_true(condition: Any, name: str | None = None) -> Tensor:
    """The positions of true (nonzero) elements in row-major order: int64 [count, rank]."""
    return _where(convert_to_tensor(condition), name=name)


def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask", axis: Any = None) -> Tensor:
    """The elements (or slices) of `tensor` where `mask` is true, one after another.

    `mask` has the shape of the axes of `tensor` from `axis` (default 0) on; they become one. Raises ValueError for a
    mask that is a scalar, of unknown rank or of another shape.
    """
    x, hits = convert_to_tensor(tensor, name="tensor"), convert_to_tensor(mask, name="mask")
    if hits.dims is None:
        raise ValueError("Number of mask dimensions must be specified, even if some dimensions are None.  E.g. "
                         "shape=[None] is ok, but shape=None is not.")
    if not hits.dims:
        raise ValueError("mask cannot be scalar.")
    if x.dims is None and not axis and len(hits.dims) == 1:  # rows of whatever there is
        with x.graph.name_scope(name):
            return gather(x, squeeze(where_true(hits), [1]))
    dims = known_rank("boolean_mask", x)
    first = 0 if axis is None else normalize_axis("boolean_mask", static_ints("boolean_mask", "axis", axis), len(dims))
    last = first + len(hits.dims)
    x.shape[first:last].assert_is_compatible_with(hits.shape)
    with x.graph.name_scope(name):
        flat = reshape(x, (*dims[:first], dm.product(dims[first:last]), *dims[last:])) if len(hits.dims) > 1 else x
        rows = squeeze(where_true(reshape(hits, [-1])), [1])
        return gather(flat, rows, first)


# sets


DENSE = 4  # numbers of a table for each integer, up to which their places are looked up in it


def _unique_reference(x: np.ndarray, out_idx: DType) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if x.dtype.kind in "iu" and x.size:
        low = int(x.min())
        span = int(x.max()) - low + 1
        if span <= DENSE * x.size:
            at = x - x.dtype.type(low) if x.dtype.kind == "u" else x.astype(np.intp, copy=False) - low
            return _unique_in_table(x, at.astype(np.intp, copy=False), span, out_idx)
    _, first, inverse, counts = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)  # in the order in which they come
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return x[first[order]], rank[inverse.reshape(-1)].astype(out_idx.np), counts[order].astype(out_idx.np)


def _unique_in_table(x: np.ndarray, at: np.ndarray, span: int, out_idx: DType
                     ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From a table of where each of `span` numbers comes first."""
    table: np.ndarray = np.full(span, -1, np.int32 if x.size < 2**31 else np.int64)
    table[at[::-1]] = np.arange(x.size - 1, -1, -1, dtype=table.dtype)  # of several places the last written stays
    comes_first = np.zeros(x.size, np.bool_)
    comes_first[table[table >= 0]] = True
    first = np.flatnonzero(comes_first)
    table[at[first]] = np.arange(len(first), dtype=table.dtype)
    inverse = table[at].astype(out_idx.np, copy=False)
    return x[first], inverse, np.bincount(inverse, minlength=len(first)).astype(out_idx.np)


def _unique_types(count: int) -> Callable[..., list[TensorType]]:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        x, found = inputs[0], dm.fresh()
        if x.dims is not None and len(x.dims) != 1:
            raise ShapeError(f"Unique: Shape must be rank 1 but is rank {len(x.dims)}, received {x!r}")
        index = attrs["out_idx"]
        return [TensorType(x.dtype, (found,)), TensorType(index, x.dims or (dm.fresh(),)),
                TensorType(index, (found,))][:count]
    return infer


_unique = OpDef("Unique", HOST, _unique_types(2), lambda op, *g: [None],
                lambda x, out_idx: _unique_reference(x, out_idx)[:2])
_unique_with_counts = OpDef("UniqueWithCounts", HOST, _unique_types(3), lambda op, *g: [None], _unique_reference)


def unique(x: Any, out_idx: Any = int32, name: str | None = None) -> tuple[Tensor, ...]:
    """(the different elements of a vector in the order in which they come, for each element which of these it is)."""
    return _unique.operation(convert_to_tensor(x), out_idx=as_dtype(out_idx), name=name).outputs


def unique_with_counts(x: Any, out_idx: Any = int32, name: str | None = None) -> tuple[Tensor, ...]:
    """As `unique`, and how often each of the different elements comes."""
    return _unique_with_counts.operation(convert_to_tensor(x), out_idx=as_dtype(out_idx), name=name).outputs


def _distinct_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, axis = inputs[0], attrs["axis"]
    count = dm.fresh() if attrs["size"] is None else attrs["size"]
    dims: Any = (count,) if axis is None else x.dims and (*x.dims[:axis], count, *x.dims[axis + 1:])
    inverse = x.dims if axis is None or not x.dims else (x.dims[axis],)
    return [TensorType(x.dtype, dims), TensorType(int32, (count,)), TensorType(int32, inverse),
            TensorType(int32, (count,))]


def _distinct(x: np.ndarray, axis: int | None, ordered: bool, size: int | None, fill: Any) -> tuple[np.ndarray, ...]:
    _, first, inverse, counts = np.unique(x, return_index=True, return_inverse=True, return_counts=True, axis=axis)
    order = np.arange(len(first)) if ordered else np.argsort(first)
    found = (np.take(x.reshape(-1) if axis is None else x, first[order], axis or 0), first[order],
             np.argsort(order)[inverse.reshape(x.shape if axis is None else -1)], counts[order])
    if size is not None:
        more = max(size - len(first), 0)

        def fitted(values: np.ndarray, along: int, value: Any) -> np.ndarray:
            widths = [(0, more if i == along else 0) for i in range(values.ndim)]
            return np.pad(np.take(values, range(min(size, len(first))), along), widths, constant_values=value)
        found = fitted(found[0], axis or 0, fill), fitted(found[1], 0, 1), found[2], fitted(found[3], 0, 0)
    return found[0], *(f.astype(np.int32) for f in found[1:])


_unique_along = OpDef("UniqueAlong", HOST, _distinct_types, lambda op, *g: [None], _distinct)


def unique_along(x: Any, axis: int | None = None, ordered: bool = True, size: int | None = None,
                 fill: Any = 0) -> tuple[Tensor, ...]:
    """(the different elements of `x`, or slices along `axis`; where each comes first; which of them each element is;
    how often each comes).

    They come in lexicographic order, or as they first come if not `ordered`; with `size` as many, the rest being
    `fill`.
    """
    return _unique_along.operation(convert_to_tensor(x), axis=axis, ordered=ordered, size=size, fill=fill).outputs


def _list_diff_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    count = dm.fresh()
    return [TensorType(inputs[0].dtype, (count,)), TensorType(attrs["out_idx"], (count,))]


def _list_diff(x: np.ndarray, y: np.ndarray, out_idx: DType) -> tuple[np.ndarray, np.ndarray]:
    kept = np.flatnonzero(~np.isin(x, y))
    return x[kept], kept.astype(out_idx.np)


_setdiff = OpDef("ListDiff", HOST, _list_diff_types, lambda op, *g: [None, None], _list_diff)


def setdiff1d(x: Any, y: Any, index_dtype: Any = int32, name: str | None = None) -> tuple[Tensor, ...]:
    """(the elements of vector `x` that are not in `y`, their positions)."""
    vectors = convert_all("ListDiff", (x, y))
    for t in vectors:
        if t.dims is not None and len(t.dims) != 1:
            raise ShapeError(f"ListDiff: Shape must be rank 1 but is rank {len(t.dims)}, received {t!r}")
    return _setdiff.operation(*vectors, out_idx=as_dtype(index_dtype), name=name).outputs


# partitions


def _partition_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    data, partitions = inputs
    check_dtype("DynamicPartition", partitions, (int32,), "partitions")
    if data.dims is None or partitions.dims is None:
        return [TensorType(data.dtype, None)] * attrs["num_partitions"]
    rank = len(partitions.dims)
    if not data.shape[:rank].is_compatible_with(partitions.shape):
        raise ShapeError(f"DynamicPartition: the shape of data, {format_dims(data.dims)}, must begin with that of "
                         f"partitions, {format_dims(partitions.dims)}")
    return [TensorType(data.dtype, (dm.fresh(), *data.dims[rank:])) for _ in range(attrs["num_partitions"])]


def _partition(data: np.ndarray, partitions: np.ndarray, num_partitions: int) -> tuple[np.ndarray, ...]:
    bad = partitions[(partitions < 0) | (partitions >= num_partitions)]
    if bad.size:
        raise InvalidArgumentError(f"partitions: {bad.ravel()[0]} is not in [0, {num_partitions})")
    return tuple(data[partitions == i] for i in range(num_partitions))


def _partition_grad(op: Operation, *grads: Tensor | None) -> Sequence[Tensor | None]:
    data, partitions = op.inputs
    count = op.attrs["num_partitions"]
    size = dm.product(known_rank("DynamicPartition", partitions))
    positions = reshape(range_(size), shape_of(partitions))
    indices = dynamic_partition(positions, partitions, count)
    rest = known_rank("DynamicPartition", data)[len(known_rank("DynamicPartition", partitions)):]
    parts = [fill(vector_of([shape(i)[0], *rest]), np.zeros((), data.dtype.np)) if g is None else g
             for g, i in zip(grads, indices, strict=True)]
    return [reshape(dynamic_stitch(indices, parts), shape_of(data)), None]


_dynamic_partition = OpDef("DynamicPartition", HOST, _partition_types, _partition_grad, _partition)


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Tensor]:
    """`data` in `num_partitions` tensors: part i holds the rows whose entry in `partitions` is i, in their order."""
    return list(_dynamic_partition.operation(convert_to_tensor(data), convert_to_tensor(partitions),
                                             num_partitions=int(num_partitions), name=name).outputs)


def _stitch_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    half = len(inputs) // 2
    first, data = inputs[0], inputs[half]
    if first.dims is None or data.dims is None:
        return [TensorType(data.dtype, None)]
    constant = [t.op.attrs["value"] for t in inputs[:half] if t.op.type == "Const"]
    rows: dm.DimLike = dm.fresh()
    if len(constant) == half:
        rows = int(max((v.max() for v in constant if v.size), default=-1)) + 1
    return [TensorType(data.dtype, (rows, *data.dims[len(first.dims):]))]


def _stitch(*arrays: np.ndarray) -> np.ndarray:
    half = len(arrays) // 2
    indices, data = arrays[:half], arrays[half:]
    rows = max((int(i.max()) + 1 for i in indices if i.size), default=0)
    out = np.zeros((rows, *data[0].shape[indices[0].ndim:]), data[0].dtype)
    for i, d in zip(indices, data, strict=True):
        out[i] = d
    return out


def _stitch_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    half = len(op.inputs) // 2
    return [None] * half + [gather(g, i) for i in op.inputs[:half]]


_dynamic_stitch = OpDef("DynamicStitch", HOST, _stitch_types, _stitch_grad, _stitch)


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """Rows of several tensors put together: row indices[k][i] of the result is data[k][i], the last one where several
    are given. There are as many rows as the largest index says."""
    positions = [convert_to_tensor(i, int32) for i in indices]
    return _dynamic_stitch(*positions, *convert_all("DynamicStitch", list(data)), name=name)


def _inverse(x: np.ndarray) -> np.ndarray:
    out = np.full(x.shape, -1, x.dtype)
    bad = x[(x < 0) | (x >= len(x))]
    if bad.size:
        raise InvalidArgumentError(f"{bad[0]} is not between 0 and {len(x)}")
    out[x] = np.arange(len(x), dtype=x.dtype)
    if np.any(out < 0):
        values, counts = np.unique(x, return_counts=True)
        raise InvalidArgumentError(f"{values[counts > 1][0]} is duplicated in the input.")
    return out


def _vector_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    check_dtype("InvertPermutation", inputs[0], INTEGERS)
    return [TensorType(inputs[0].dtype, inputs[0].shape.with_rank(1).dims)]


_invert = OpDef("InvertPermutation", HOST, _vector_types, lambda op, g: [None], _inverse)


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The inverse of a permutation of 0 .. n - 1. Raises InvalidArgumentError at run time for other vectors."""
    return _invert(convert_to_tensor(x), name=name)


# counting


def _count_reference(values: np.ndarray, size: np.ndarray, weights: np.ndarray) -> np.ndarray:
    flat, each, count = values.ravel(), weights.ravel(), int(size.reshape(()))
    if flat.size and flat.min() < 0:
        raise InvalidArgumentError("Input arr must be non-negative!")
    if flat.size and flat.max() >= count:
        kept = flat < count
        flat, each = flat[kept], each[kept] if each.size else each
    if not weights.size:
        return np.bincount(flat, minlength=count).astype(weights.dtype)
    out = np.zeros(count, weights.dtype)
    np.add.at(out, flat, each)
    return out


_bincount = OpDef("Bincount", HOST, lambda inputs, attrs: [TensorType(inputs[2].dtype, operand_dims(inputs[1]))],
                  lambda op, g: [None, None, None], _count_reference)


def count_values(values: Tensor, size: Any, weights: Tensor, name: str | None = None) -> Tensor:
    """How often (or with which total of `weights`, unless that is empty) each of 0 .. size - 1 comes in `values`."""
    check_dtype("Bincount", values, (int32,))
    return _bincount(values, vector_of(items_of("Bincount", "size", [size])), weights, name=name)


def _bins(values: np.ndarray, value_range: np.ndarray, nbins: int) -> np.ndarray:
    low, high = value_range
    if not low < high:
        raise InvalidArgumentError(f"value_range should satisfy value_range[0] < value_range[1], but got {value_range}")
    scaled = np.floor(nbins * ((values - low) / (high - low)))
    return np.clip(np.nan_to_num(scaled), 0, nbins - 1)


def _histogram(values: np.ndarray, value_range: np.ndarray, nbins: int, dtype: DType) -> np.ndarray:
    return np.bincount(_bins(values, value_range, nbins).ravel().astype(np.int64), minlength=nbins).astype(dtype.np)


_histogram_fixed_width = OpDef(
    "HistogramFixedWidth", HOST, lambda inputs, attrs: [TensorType(attrs["dtype"], (attrs["nbins"],))],
    lambda op, g: [None, None], _histogram)
_histogram_bins = OpDef(
    "HistogramFixedWidthBins", HOST, lambda inputs, attrs: [TensorType(attrs["dtype"], inputs[0].dims)],
    lambda op, g: [None, None],
    lambda values, value_range, nbins, dtype: _bins(values, value_range, nbins).astype(dtype.np))


def histogram_fixed_width(values: Any, value_range: Any, nbins: Any = 100, dtype: Any = int32,
                          name: str | None = None, bins_only: bool = False) -> Tensor:
    """The number of values in each of `nbins` equal bins over value_range; what lies outside counts to the end bins.

    With `bins_only` the bin of each value instead.
    """
    x = convert_to_tensor(values)
    check_dtype("HistogramFixedWidth", x, REALS)
    op = _histogram_bins if bins_only else _histogram_fixed_width
    return op(x, convert_to_tensor(value_range, x.dtype), nbins=int(static_ints(op.name, "nbins", nbins)),
              dtype=as_dtype(dtype), name=name)
