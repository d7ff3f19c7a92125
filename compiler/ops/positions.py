"""Ops that address by several axes at once: the last axis of the indices holds positions in the first axes.

They become flat positions in those axes made one, so that the kernels of single indices serve them.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import DimLike
from ..dtypes import ALL, INTEGERS, REALS, DType, int32, int64
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..names import named, to_snake_case
from ..opdef import COPY, INDEX, OpDef
from ..shapes import Dims, format_dims
from .arguments import check_dtype, check_same_dtype
from .constant import convert_to_tensor
from .dynamic_slice import Bound, is_data, items_of, scalar_of, vector_of
from .elementwise import add, cast, equal, subtract, where
from .gather import checked_indices, gather, range_, scatter_add
from .view import broadcast_to, dim_scalar, fill, known_rank, reshape, shape_of, zeros, zeros_of


def _flat_lower(emit: Any, op: Operation, index: Sequence[str]) -> str:
    positions, sizes = op.inputs
    depth = op.attrs["depth"]
    emit.bake(depth)  # LLVM loads whole vectors of steps that it knows
    at, flat = emit.linear(op.output.dims, index), "i64(0)"
    for k in range(depth):
        size = f"i64({emit.element(sizes, [str(k)])})"
        part = emit.checked_index(emit.element(positions, [*index, str(k)]), size, op, at)
        flat = emit.let(f"{flat} * {size} + {part}", int64)
    return emit.let(f"{op.output.dtype.code}({flat})", op.output.dtype)


def _flat_reference(positions: np.ndarray, sizes: np.ndarray, depth: int) -> np.ndarray:
    bad = np.argwhere(np.any((positions < 0) | (positions >= sizes), axis=-1))
    if bad.size:
        place, value = ",".join(map(str, bad[0])), list(positions[tuple(bad[0])])
        raise InvalidArgumentError(f"indices[{place}] = [{', '.join(map(str, value))}] does not index into param shape "
                                   f"[{','.join(map(str, sizes))}]")
    flat = np.zeros(positions.shape[:-1], positions.dtype)
    for k in range(depth):
        flat = flat * sizes[k].astype(flat.dtype) + positions[..., k]
    return flat


def _flat_fault(op: Operation, value: int, limit: int, at: int) -> str:
    return f"indices[{at}] = [{value}] does not index into param shape [{limit}]"


# the position in row-major order that the last axis of the indices names in axes of the given sizes
_flat_position = OpDef("FlatPosition", INDEX,
                       lambda inputs, attrs: [TensorType(inputs[0].dtype, known_rank("GatherNd", inputs[0])[:-1])],
                       lambda op, g: [None, None], _flat_reference, lower=_flat_lower, fields={"fault": _flat_fault})


def flat_positions(op: str, indices: Tensor, dims: Sequence[Bound], first: int = 0) -> tuple[Tensor, int]:
    """The position in row-major order that the last axis of `indices` names in the axes of `dims` from `first` on, and
    how many axes that is."""
    known = known_rank(op, indices)
    depth = known[-1] if known else None
    if not isinstance(depth, int) or depth > len(dims) - first:
        raise ShapeError(f"{op}: indices.shape[-1] must be <= params.rank: the last size of the indices must be known "
                         f"and at most {len(dims) - first}, received {indices!r}")
    sizes = vector_of(dims[first:first + depth]) if depth else zeros([0], int32)
    return _flat_position(indices, sizes, depth=depth), depth


def _joined(dims: Sequence[Bound], count: int) -> list[Bound]:
    """The first `count` axes made one."""
    if not is_data(dims):
        return [dm.product(dims[:count]), *dims[count:]]
    total = scalar_of(1)
    for d in dims[:count]:
        total = total * cast(scalar_of(d), total.dtype)
    return [total, *dims[count:]]


def gather_nd(params: Any, indices: Any, batch_dims: int = 0, name: str = "GatherNd") -> Tensor:
    """The elements or slices of `params` at the positions that the last axis of `indices` holds.

    The first `batch_dims` axes of both count examples, each of which is gathered from by itself. Raises
    InvalidArgumentError when the graph runs with an index out of range.
    """
    x, positions = convert_to_tensor(params, name=f"{name}/params"), convert_to_tensor(indices, name=f"{name}/indices")
    check_dtype("GatherNd", positions, INTEGERS)
    dims = known_rank("GatherNd", x)
    flat, depth = flat_positions("GatherNd", positions, dims, batch_dims)
    if batch_dims:
        flat = batch_offsets(flat, dims[:batch_dims], dm.product(dims[batch_dims:batch_dims + depth])) + flat
    joined = batch_dims + depth
    return gather(reshape(x, (dm.product(dims[:joined]), *dims[joined:])), flat, name=name)


def batch_offsets(like: Tensor, batch: Dims, size: DimLike) -> Tensor:
    """For each example of the batch where its elements begin when they stand one after another, `size` each: shaped to
    broadcast with indices `like`, whose first axes are the batch."""
    count = dm.product(batch)
    offsets = cast(range_(count), like.dtype) * cast(dim_scalar(size), like.dtype)
    return reshape(offsets, (*batch, *[1] * (len(known_rank("Gather", like)) - len(batch))))


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str = "ScatterNd") -> Tensor:
    """Zeros of `shape` with `updates` added at the positions that the last axis of `indices` holds."""
    positions, values = convert_to_tensor(indices, name=f"{name}/indices"), convert_to_tensor(updates)
    check_dtype("ScatterNd", positions, INTEGERS)
    dims = items_of("ScatterNd", "shape", shape)
    flat, depth = flat_positions("ScatterNd", positions, dims)
    _check_updates("ScatterNd", positions, values, dims[depth:])
    total = scatter_add(values, flat, vector_of(_joined(dims, depth)))
    return reshape(total, vector_of(dims), name=name)


def _check_updates(op: str, indices: Tensor, updates: Tensor, rest: Sequence[Bound]) -> None:
    wanted = (*known_rank(op, indices)[:-1], *(dm.fresh() if isinstance(d, Tensor) else d for d in rest))
    if not updates.shape.is_compatible_with(wanted):
        raise ShapeError(f"{op}: Dimensions must be equal: updates must have the shape {format_dims(wanted)}, received "
                         f"{updates!r}")


# rows of a copy replaced or combined: out = x, then out[indices[i]] = combine(out[indices[i]], updates[i]) in turn


def _rows_types(name: str, dtypes: Sequence[DType]) -> Callable[..., list[TensorType]]:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        x, indices, updates = inputs
        check_dtype(name, indices, INTEGERS)
        check_dtype(name, x, dtypes)
        check_same_dtype(name, (x, updates))
        if x.dims is not None and indices.dims is not None:
            wanted = (*indices.dims, *x.dims[1:])
            if not updates.shape.is_compatible_with(wanted):
                raise ShapeError(f"{name}: updates must have the shape {format_dims(wanted)}, received {updates!r}")
        return [x.type]
    return infer


def _row_op(name: str, combine: str, at: Callable[..., Any], grad: Callable[..., Any],
            dtypes: Sequence[DType] = REALS) -> OpDef:
    """`combine` is the source of one element: `{0}` what is there, `{1}` the update."""
    def reference(x: np.ndarray, indices: np.ndarray, updates: np.ndarray, depth: int) -> np.ndarray:
        out, flat = x.copy(), checked_indices(indices, len(x)).ravel()
        at(out, flat, updates.reshape(flat.size, *x.shape[1:]))
        return out

    return OpDef(name, COPY, _rows_types(name, dtypes), grad, reference, fields={"copied_rows": combine})


def _last_wins(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    """What is overwritten has no gradient; of updates to one row each gets that row's, as TensorFlow has it."""
    indices, updates = op.inputs[1:]
    zero = broadcast_to(zeros_of(updates), shape_of(updates))
    return [_update_rows(g, indices, zero, depth=1), None, gather(g, indices)]


def _extremum_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    """The gradient goes to all elements that are the extremum."""
    x, indices, updates = op.inputs
    y = op.output
    zero = zeros_of(g)
    return [where(equal(x, y), g, zero), None, where(equal(updates, gather(y, indices)), gather(g, indices), zero)]


_update_rows = _row_op("UpdateRows", "{1}", np.ndarray.__setitem__, _last_wins, ALL)
_max_rows = _row_op("MaxRows", "maximum({0}, {1})", np.maximum.at, _extremum_grad)
_min_rows = _row_op("MinRows", "minimum({0}, {1})", np.minimum.at, _extremum_grad)
# its gradient is that of the op made of it (see segment.py)
_multiply_rows = _row_op("MultiplyRows", "{0} * {1}", np.multiply.at, lambda op, g: [None, None, None])


def combine_rows(op: OpDef, start: Any, indices: Tensor, updates: Tensor, rows: Bound) -> Tensor:
    """Rows full of `start` combined with updates[i] at indices[i]: a flat vector of indices, `rows` rows."""
    rest = known_rank(op.name, updates)[1:]
    value = convert_to_tensor(start, updates.dtype)
    return op(fill(vector_of([rows, *rest]), value), indices, updates, depth=1)


ROW_OPS = {"max": _max_rows, "min": _min_rows, "prod": _multiply_rows}


def _scattered(op: OpDef | None, default_name: str, sign: int = 1) -> Callable[..., Tensor]:
    def build(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        x, positions = convert_to_tensor(tensor), convert_to_tensor(indices)
        values = convert_to_tensor(updates, x.dtype)
        dims = known_rank(default_name, x)
        with x.graph.name_scope(name or default_name) as scope:
            flat, depth = flat_positions(default_name, positions, dims)
            _check_updates(default_name, positions, values, dims[depth:])
            if op is None:
                total = reshape(scatter_add(values, flat, (dm.product(dims[:depth]), *dims[depth:])), dims)
                return (add if sign > 0 else subtract)(x, total, name=scope)
            count = dm.product(known_rank(default_name, flat))
            rows = op(reshape(x, (dm.product(dims[:depth]), *dims[depth:])), reshape(flat, (count,)),
                      reshape(values, (count, *dims[depth:])), depth=1)
            return reshape(rows, dims, name=scope)
    return named(to_snake_case(default_name), build, (
        f"{default_name}: `tensor` with `updates` brought in at `indices`.\n\n"
        "`indices` has shape [..., k] for positions on the first k axes of `tensor`, `updates` has shape [..., the "
        "other axes] and its dtype.\nRaises ValueError for shapes that do not fit."))


tensor_scatter_update = _scattered(_update_rows, "TensorScatterUpdate")
tensor_scatter_add = _scattered(None, "TensorScatterAdd")
tensor_scatter_sub = _scattered(None, "TensorScatterSub", -1)
tensor_scatter_max = _scattered(_max_rows, "TensorScatterMax")
tensor_scatter_min = _scattered(_min_rows, "TensorScatterMin")
