"""Reductions over segments: rows of one id are combined into one row.

Sums add rows natively (gather.py), the others combine rows (positions.py); what the output's number of rows depends on
is an operand, so that it may be data.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import INTEGERS, NUMBERS, REALS, DType, as_dtype, int32
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..names import named, to_snake_case
from ..opdef import COMPOSITE, HOST, OpDef
from ..shapes import TensorShape, format_dims
from .arguments import check_dtype
from .constant import constant, convert_to_tensor
from .dynamic_slice import items_of, scalar_of, vector_of
from .elementwise import cast, equal, floordiv, logical_and, maximum, not_equal, real_divide, sqrt, where
from .gather import gather, scatter_add
from .positions import ROW_OPS, combine_rows
from .slicing import slice_
from .symbolic import operand_dims
from .view import broadcast_to, expand_dims, known_rank, ones_of, reshape, shape_of, zeros_of

UFUNCS = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}


def _count(ids: np.ndarray) -> np.ndarray:
    """The number of segments that sorted ids name. Raises InvalidArgumentError for others."""
    if np.any(ids[1:] < ids[:-1]):
        raise InvalidArgumentError("segment ids are not increasing")
    if ids.size and ids[0] < 0:
        raise InvalidArgumentError("segment ids must be >= 0")
    return np.array([ids[-1] + 1 if ids.size else 0], np.int32)


# the number of segments, as a vector of one; its value is never known while the graph is built, as in TensorFlow
_segment_count = OpDef("SegmentCount", HOST, lambda inputs, attrs: [TensorType(int32, (1,))], None, _count)


def _types(name: str, dtypes: Sequence[DType]) -> Callable[..., list[TensorType]]:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        data, ids, count = inputs
        check_dtype(name, data, dtypes, "data")
        check_dtype(name, ids, INTEGERS, "segment_ids")
        if data.dims is None or ids.dims is None:
            return [TensorType(data.dtype, None)]
        rank = len(ids.dims)
        if not TensorShape(data.dims[:rank]).is_compatible_with(ids.shape):
            raise ShapeError(f"{name}: the shape of data, {format_dims(data.dims)}, must begin with that of "
                             f"segment_ids, {format_dims(ids.dims)}")
        rows = operand_dims(count)
        assert rows is not None
        return [TensorType(data.dtype, (rows[0], *data.dims[rank:]))]
    return infer


def _empty(kind: str, dtype: DType, sorted_ids: bool) -> Any:
    """What a segment without rows gets."""
    if kind == "prod":
        return 1
    return 0 if kind == "sum" or sorted_ids else dtype.min if kind == "max" else dtype.max


def _reference(kind: str, sorted_ids: bool) -> Callable[..., np.ndarray]:
    def reference(data: np.ndarray, ids: np.ndarray, count: np.ndarray) -> np.ndarray:
        rows, rest = int(count.reshape(())), data.shape[ids.ndim:]
        flat, values = ids.ravel(), data.reshape(ids.size, *rest)
        if np.any(flat >= rows):
            raise InvalidArgumentError(f"segment_ids: {flat[flat >= rows][0]} is out of range [0, {rows})")
        dtype = as_dtype(data.dtype)
        out = np.full((rows, *rest), _empty(kind, dtype, False), data.dtype)
        UFUNCS[kind].at(out, flat[flat >= 0], values[flat >= 0])
        unnamed = np.ones(rows, bool)
        unnamed[flat[flat >= 0]] = False
        out[unnamed] = _empty(kind, dtype, sorted_ids)
        return out
    return reference


def _expand(kind: str, sorted_ids: bool) -> Callable[..., Tensor]:
    def expand(data: Tensor, ids: Tensor, count: Tensor) -> Tensor:
        size = dm.product(known_rank("SegmentSum", ids))
        rest = known_rank("SegmentSum", data)[len(known_rank("SegmentSum", ids)):]
        rows, = items_of("SegmentSum", "the number of segments", count)
        flat, values = reshape(ids, (size,)), reshape(data, (size, *rest))
        more = rows
        if not sorted_ids:  # rows of negative ids are dropped: they go into one more row, which is cut off
            flat = where(flat < 0, cast(scalar_of(rows), flat.dtype), flat)
            more = scalar_of(rows) + 1 if isinstance(rows, Tensor) else rows + 1
        if kind == "sum":
            total = scatter_add(values, flat, vector_of([more, *rest]))
        else:
            start = _empty(kind, data.dtype, False)
            total = combine_rows(ROW_OPS[kind], np.array(start, data.dtype.np), flat, values, more)
            if sorted_ids and kind != "prod":
                named = scatter_add(flat_ones(flat), flat, vector_of([more]))
                total = where(reshape(named > 0, vector_of([more, *[1] * len(rest)])), total, zeros_of(total))
        return total if sorted_ids else slice_(total, [0] * (len(rest) + 1), [rows, *rest])
    return expand


def flat_ones(ids: Tensor) -> Tensor:
    """A one for each id."""
    return broadcast_to(constant(np.ones((), np.int32), name="one"), shape_of(ids))


def _rows_of(x: Tensor, ids: Tensor) -> Tensor:
    """Each row's segment's row; zeros for negative ids."""
    found = gather(x, maximum(ids, zeros_of(ids)))
    kept = ids >= 0
    for _ in range(len(known_rank("SegmentSum", found)) - len(known_rank("SegmentSum", ids))):
        kept = expand_dims(kept, -1)
    return where(kept, found, zeros_of(found))


def _sum_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    return [_rows_of(g, op.inputs[1]), None, None]


def _extremum_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    """Equal extrema share the gradient evenly, as TensorFlow has it."""
    data, ids, count = op.inputs
    hits = equal(data, _rows_of(op.output, ids))
    shares = OPS["UnsortedSegmentSum"](cast(hits, g.dtype), ids, count)
    each = real_divide(g, where(equal(shares, zeros_of(shares)), ones_of(shares), shares))
    return [where(hits, _rows_of(each, ids), zeros_of(g)), None, None]


def _prod_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    """The product of the segment's other elements: at its only zero that of the nonzero ones, 0 beside two."""
    data, ids, count = op.inputs
    zero = equal(data, zeros_of(data))
    zeros = OPS["UnsortedSegmentSum"](cast(zero, g.dtype), ids, count)
    safe = where(zero, ones_of(data), data)
    others = _rows_of(OPS["UnsortedSegmentProd"](safe, ids, count), ids)
    number = _rows_of(zeros, ids)
    alone = logical_and(zero, equal(number, ones_of(number)))
    factor = where(alone, others, where(not_equal(number, zeros_of(number)), zeros_of(others), others / safe))
    return [_rows_of(g, ids) * factor, None, None]


OPS: dict[str, OpDef] = {}


for _kind, _title, _grad, _dtypes in (("sum", "Sum", _sum_grad, NUMBERS), ("prod", "Prod", _prod_grad, REALS),
                                      ("max", "Max", _extremum_grad, REALS), ("min", "Min", _extremum_grad, REALS)):
    for _sorted in (True, False):
        _name = f"{'' if _sorted else 'Unsorted'}Segment{_title}"
        OPS[_name] = OpDef(_name, COMPOSITE, _types(_name, _dtypes), _grad, _reference(_kind, _sorted),
                           expand=_expand(_kind, _sorted), fields={"shape_operand": 2})


def _of_sorted(name: str) -> Callable[..., Tensor]:
    def build(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
        x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        check_dtype(op.name, ids, INTEGERS)
        result = op(x, ids, _segment_count(ids, name=f"{name or op.name}/count"), name=name)
        if result.dims is not None:
            result.dims = (dm.fresh(), *result.dims[1:])
        return result
    op = OPS[name]
    return named(to_snake_case(name), build, (
        f"{name}: row i combines the rows of `data` whose id is i; the ids, one for each row, ascend.\n\n"
        "`segment_ids` has an integer dtype and the first axis of `data`; there are as many rows as the last id + 1.\n"
        "Raises InvalidArgumentError for ids that descend or are negative."))


def _of_unsorted(name: str) -> Callable[..., Tensor]:
    def build(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
        x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        return op(x, ids, vector_of(items_of(op.name, "num_segments", [num_segments])), name=name)
    op = OPS[name]
    return named(to_snake_case(name), build, (
        f"{name}: row i of `num_segments` rows combines the rows of `data` of id i, in any order.\n\n"
        "The shape of `segment_ids`, of an integer dtype, begins that of `data`; rows with a negative id count "
        "nowhere."))


segment_sum, segment_prod, segment_max, segment_min = (
    _of_sorted(f"Segment{t}") for t in ("Sum", "Prod", "Max", "Min"))
unsorted_segment_sum, unsorted_segment_prod, unsorted_segment_max, unsorted_segment_min = (
    _of_unsorted(f"UnsortedSegment{t}") for t in ("Sum", "Prod", "Max", "Min"))


def _averaged(power: float, total: Tensor, count: Tensor, name: str | None) -> Tensor:
    """Sums over the number of their rows (or its root), at least one."""
    number = maximum(count, ones_of(count))
    for _ in range(len(known_rank("SegmentMean", total)) - 1):
        number = expand_dims(number, -1)
    if total.dtype.is_integer:
        towards_zero = where(total < zeros_of(total), number - ones_of(number), zeros_of(number))
        return floordiv(total + towards_zero, number, name=name)
    return real_divide(total, sqrt(number) if power == 0.5 else number, name=name)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None, power: float = 1.0) -> Tensor:
    """The mean of each segment's rows (with `power` 0.5 their sum over the root of their number); ids are sorted."""
    x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    with x.graph.name_scope(name or "SegmentMean") as scope:
        return _averaged(power, segment_sum(x, ids), segment_sum(cast(flat_ones(ids), x.dtype), ids), scope)


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None,
                          power: float = 1.0) -> Tensor:
    """The mean of the rows of each id (with `power` 0.5 their sum over the root of their number)."""
    x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    with x.graph.name_scope(name or "UnsortedSegmentMean") as scope:
        count = unsorted_segment_sum(cast(flat_ones(ids), x.dtype), ids, num_segments)
        return _averaged(power, unsorted_segment_sum(x, ids, num_segments), count, scope)
