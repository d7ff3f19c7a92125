"""Positions of sparse tensors: [n, rank] integers, worked on by the host.

These ops say where elements come from and go to; the elements themselves are moved by gathers and scatters, which have
gradients and kernels (see graphflow/sparse_ops.py).
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import DimLike
from ..dtypes import DType, bool_, float32, int64
from ..errors import InvalidArgumentError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, OpDef, no_gradient
from .positions import gather_nd
from .reduction import reduce_sum
from .symbolic import operand_dims


def _rank(positions: Tensor) -> DimLike:
    return dm.fresh() if positions.dims is None else positions.dims[1]


def _count(positions: Tensor) -> DimLike:
    return dm.fresh() if positions.dims is None else positions.dims[0]


def _index_op(name: str, types: Callable[[Sequence[Tensor], dict[str, Any]], list[tuple[DType, Any]]],
              reference: Callable[..., Any]) -> OpDef:
    """An op on positions; nothing flows back through it."""
    return OpDef(name, HOST, lambda inputs, attrs: [TensorType(*t) for t in types(inputs, attrs)],
                 no_gradient, reference)


def flat(indices: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """The positions in row-major order of a tensor of this shape. Raises InvalidArgumentError for one outside."""
    bad = np.argwhere(np.any((indices < 0) | (indices >= shape), axis=1))
    if bad.size:
        at = bad[0, 0]
        raise InvalidArgumentError(f"indices[{at}] = {indices[at].tolist()} is out of bounds: need 0 <= index < "
                                   f"{np.asarray(shape).tolist()}")
    position = np.zeros(len(indices), np.int64)
    for axis in range(indices.shape[1]):
        position = position * shape[axis] + indices[:, axis]
    return position


def unflat(position: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """The inverse of flat."""
    indices = np.empty((len(position), len(shape)), np.int64)
    for axis in range(len(shape) - 1, -1, -1):
        position, indices[:, axis] = np.divmod(position, max(int(shape[axis]), 1))
    return indices


# (indices, shape) -> the order [n] that sorts the positions row by row, equal ones as they were
sparse_order = _index_op("SparseOrder", lambda inputs, attrs: [(int64, (_count(inputs[0]),))],
                         lambda indices, shape: np.lexsort(indices.T[::-1]) if indices.shape[1] else np.arange(
                             len(indices)))


def _reshape(indices: np.ndarray, shape: np.ndarray, new_shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total, wanted = int(np.prod(shape)), new_shape.astype(np.int64)
    if np.sum(wanted == -1) == 1:
        rest = int(np.prod(wanted[wanted != -1]))
        wanted = np.where(wanted == -1, total // max(rest, 1), wanted)
    if int(np.prod(wanted)) != total:
        raise InvalidArgumentError(f"Input to reshape is a tensor with {total} dense values, but the requested shape "
                                   f"has {int(np.prod(wanted))}")
    return unflat(flat(indices, shape), wanted), wanted


# (indices, shape, new shape) -> (indices, shape), the elements staying as they are
sparse_reshape = _index_op(
    "SparseReshape",
    lambda inputs, attrs: [(int64, (_count(inputs[0]), *(inputs[2].dims or (dm.fresh(),)))), (int64, inputs[2].dims)],
    _reshape)


def _slice(indices: np.ndarray, shape: np.ndarray, start: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, ...]:
    size = np.clip(np.minimum(size, shape - start), 0, None)
    kept = np.flatnonzero(np.all((indices >= start) & (indices < start + size), axis=1))
    return kept, indices[kept] - start, size


def _kept_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[tuple[DType, Any]]:
    n = dm.fresh()
    return [(int64, (n,)), (int64, (n, _rank(inputs[0]))), (int64, inputs[1].dims)]


# (indices, shape, start, size) -> (which elements, their indices, the shape)
sparse_slice = _index_op("SparseSlice", _kept_types, _slice)


def _fill_rows(indices: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, ...]:
    rows = int(shape[0])
    if indices.size and not 0 <= indices[:, 0].min() <= indices[:, 0].max() < rows:
        raise InvalidArgumentError(f"SparseFillEmptyRows: a row of the indices is not in [0, {rows})")
    empty = np.ones(rows, bool)
    empty[indices[:, 0]] = False
    added = np.zeros((int(empty.sum()), indices.shape[1]), np.int64)
    added[:, 0] = np.flatnonzero(empty)
    both = np.concatenate([indices, added])
    order = np.argsort(both[:, 0], kind="stable")
    source = np.where(order < len(indices), order, -1)
    reverse = np.empty(len(both), np.int64)
    reverse[order] = np.arange(len(both))
    return both[order], source, empty, reverse[:len(indices)]


def _fill_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[tuple[DType, Any]]:
    n, dims = dm.fresh(), operand_dims(inputs[1])
    return [(int64, (n, _rank(inputs[0]))), (int64, (n,)), (bool_, (dims[0] if dims else dm.fresh(),)),
            (int64, (_count(inputs[0]),))]


# (indices, shape) -> (indices, source of each element or -1, which rows were empty, where each element went)
sparse_fill_rows = _index_op("SparseFillEmptyRows", _fill_types, _fill_rows)


def _union(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    both = np.concatenate([a, b])
    merged, place = np.unique(both, axis=0, return_inverse=True)
    place = place.reshape(-1)
    return merged, place[:len(a)], place[len(a):]


# (indices, indices) -> (all positions in order, where each of the first's, of the second's stands)
sparse_union = _index_op(
    "SparseUnion", lambda inputs, attrs: [(int64, (dm.fresh(), _rank(inputs[0]))), (int64, (_count(inputs[0]),)),
                                          (int64, (_count(inputs[1]),))], _union)

# (indices [n, k]) -> (the different rows in order, which of them each is)
def _groups(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, place = np.unique(indices, axis=0, return_inverse=True)
    return rows, place.reshape(-1)


sparse_groups = _index_op(
    "SparseGroups", lambda inputs, attrs: [(int64, (dm.fresh(), _rank(inputs[0]))), (int64, (_count(inputs[0]),))],
    _groups)


# (indices, shape) -> the indices, checked
def _checked(indices: np.ndarray, shape: np.ndarray, what: str) -> np.ndarray:
    position = flat(indices, shape)
    bad = np.flatnonzero(position[1:] <= position[:-1])
    if bad.size:
        at = int(bad[0]) + 1
        problem = "repeated" if position[at] == position[at - 1] else "out of order"
        raise InvalidArgumentError(f"{what}: indices[{at}] = {indices[at].tolist()} is {problem}")
    return indices


check_positions = _index_op("CheckPositions", lambda inputs, attrs: [(inputs[0].dtype, inputs[0].dims)], _checked)


# sparse to dense


def _to_dense(indices: np.ndarray, shape: np.ndarray, values: np.ndarray, default: np.ndarray) -> np.ndarray:
    dense = np.full(int(np.prod(shape)), default, values.dtype)
    dense[flat(indices, shape)] = values
    return dense.reshape(tuple(shape))


def _to_dense_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    at = gather_nd(g, op.inputs[0])
    return None, None, at, reduce_sum(g) - reduce_sum(at)


# (indices [n, rank], shape [rank], values [n] or (), default ()) -> the tensor
sparse_to_dense = OpDef("SparseToDense", HOST,
                        lambda inputs, attrs: [TensorType(inputs[2].dtype, operand_dims(inputs[1]))], _to_dense_grad,
                        _to_dense)


# edit distances


def _distance(a: Sequence[Any], b: Sequence[Any]) -> int:
    """Levenshtein's (1966): how many insertions, deletions and substitutions make `a` of `b`."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def _edit_distance(indices: np.ndarray, values: np.ndarray, shape: np.ndarray, truth_indices: np.ndarray,
                   truth_values: np.ndarray, truth_shape: np.ndarray, normalize: bool) -> np.ndarray:
    if len(shape) != len(truth_shape):
        raise InvalidArgumentError(f"EditDistance: hypothesis and truth have ranks {len(shape)} and "
                                   f"{len(truth_shape)}")
    outer = np.maximum(shape, truth_shape)[:-1]
    result = np.zeros(tuple(outer), np.float32)
    sequences: list[dict[tuple[int, ...], list[Any]]] = [{}, {}]
    for found, at, items in zip(sequences, (indices, truth_indices), (values, truth_values), strict=True):
        for position, item in zip(at.tolist(), items.tolist(), strict=True):
            found.setdefault(tuple(position[:-1]), []).append(item)
    for group in {*sequences[0], *sequences[1]}:
        hypothesis, truth = (s.get(group, []) for s in sequences)
        distance = float(_distance(hypothesis, truth))
        if normalize:
            distance = distance / len(truth) if truth else (np.inf if hypothesis else 0.0)
        result[group] = distance
    return result


def _edit_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[tuple[DType, Any]]:
    shapes = [operand_dims(inputs[2]), operand_dims(inputs[5])]
    if any(s is None for s in shapes):
        return [(float32, None)]
    return [(float32, tuple(dm.maximum(a, b) for a, b in zip(*shapes, strict=True))[:-1])]


edit_distance = _index_op("EditDistance", _edit_types, _edit_distance)


def _count_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[tuple[DType, Any]]:
    values, weights = inputs[1], inputs[2]
    count, rank = dm.fresh(), 2 if attrs["by_row"] else 1
    return [(int64, (count, rank)), (values.dtype if attrs["plain"] else weights.dtype, (count,)), (int64, (rank,))]


def _count_reference(rows: np.ndarray, values: np.ndarray, weights: np.ndarray, height: np.ndarray, minlength: int,
                     maxlength: int, binary: bool, by_row: bool, plain: bool) -> tuple[np.ndarray, ...]:
    if np.any(values < 0):
        raise InvalidArgumentError("SparseCount: Input values must all be non-negative, received "
                                   f"{values[values < 0][0]}")
    width = maxlength if maxlength > 0 else max(int(values.max(initial=0)) + 1, minlength)
    used = values < width if maxlength > 0 else np.ones(len(values), bool)
    keys, at = np.unique(rows[used] * width + values[used] if by_row else values[used].astype(np.int64),
                         return_inverse=True)
    totals = np.zeros(len(keys), values.dtype if plain else weights.dtype)
    np.add.at(totals, at, 1 if plain else weights[used])
    if binary:
        totals = np.ones_like(totals)
    shape = np.array([int(height), width] if by_row else [width], np.int64)
    return unflat(keys, shape), totals, shape


# rows [n], values [n], weights [n] (empty for `plain` counts), number of rows -> indices, values and shape of the
# sparse table of how often each value comes (in each row, if `by_row`)
count_values = _index_op("SparseCount", _count_types, _count_reference)
