"""Ops that address elements by value: gather, one-hot, and the scatter that undoes a gather."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import dims as dm
from ..dtypes import INTEGERS, DType, as_dtype, float32, float64, int32, int64
from ..errors import DTypeError, InvalidArgumentError
from ..ir import Operation, Tensor, TensorType
from ..opdef import COPY, INDEX, OpDef
from ..shapes import TensorShape, normalize_axis
from .arguments import check_dtype, is_tensor
from .constant import convert_to_tensor
from .dynamic_slice import items_of
from .elementwise import cast, ceil, equal, floordiv, maximum, where
from .symbolic import operand_dims, shape_operand, sizes_of, static_ints, symbolic_value
from .view import dim_scalar, expand_dims, known_rank, ones_of, reshape, shape_of


def checked_indices(indices: np.ndarray, limit: int) -> np.ndarray:
    """The indices, all in [0, limit). Raises InvalidArgumentError that names the first that is not."""
    bad = np.argwhere((indices < 0) | (indices >= limit))
    if len(bad):  # one of no axes has size 0
        place = f"[{','.join(map(str, bad[0]))}]" if indices.ndim else ""
        raise InvalidArgumentError(f"indices{place} = {indices[tuple(bad[0])]} is not in [0, {limit})")
    return indices


def index_fault(op: Operation, value: int, limit: int, at: int) -> str:
    """Says which index is out of range: the second input holds the indices."""
    dims = op.inputs[1].dims or ()
    known = all(isinstance(d, int) for d in dims[1:])
    place = ",".join(str(i) for i in np.unravel_index(at, (at + 1, *dims[1:]))) if known and dims else str(at)  # type: ignore[arg-type]
    return f"indices{f'[{place}]' if dims else ''} = {value} is not in [0, {limit})"


def _gather_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, indices = inputs
    check_dtype("GatherV2", indices, INTEGERS, "indices")
    axis = attrs["axis"]
    if x.dims is None or indices.dims is None:
        return [TensorType(x.dtype, None)]
    return [TensorType(x.dtype, (*x.dims[:axis], *indices.dims, *x.dims[axis + 1:]))]


def _gather_lower(emit: Any, op: Operation, index: Sequence[str]) -> str:
    x, indices = op.inputs
    axis, rank = op.attrs["axis"], len(indices.dims)  # type: ignore[arg-type]
    own = index[axis:axis + rank]
    at = emit.linear(indices.dims, own)
    if axis == 0:
        emit.fetch_ahead(x, indices, at)
    row = emit.checked_index(emit.element(indices, own), emit.size(x, axis), op, at)
    return emit.element(x, [*index[:axis], row, *index[axis + rank:]])


def _gather_grad(op: Operation, g: Tensor) -> Sequence[Any]:
    x, indices = op.inputs
    if op.attrs["axis"] == 0 and x.dims is not None and indices.dims is not None:
        count = dm.product(indices.dims)
        rows = g if len(indices.dims) == 1 else reshape(g, (count, *x.dims[1:]))
        return [IndexedSlices(rows, reshape(indices, (count,)), shape_of(x)), None]
    return [scatter_add(g, indices, shape_of(x), op.attrs["axis"]), None]


_gather = OpDef("GatherV2", INDEX, _gather_types, _gather_grad,
                lambda x, indices, axis: np.take(x, checked_indices(indices, x.shape[axis]), axis),
                lower=_gather_lower, fields={"fault": index_fault})


def gather(params: Any, indices: Any, axis: int = 0, name: str = "GatherV2") -> Tensor:
    """Slices of `params` along `axis` at `indices`, whose shape replaces that axis.

    Raises InvalidArgumentError when the graph runs with an index outside [0, size).
    """
    x, axis = convert_to_tensor(params, name="GatherV2/params"), static_ints("GatherV2", "axis", axis)
    if x.dims is not None or axis < 0:
        axis = normalize_axis("GatherV2", axis, len(known_rank("GatherV2", x)))
    return _gather(x, convert_to_tensor(indices, name="GatherV2/indices"), axis=axis, name=name)


def _scatter_reference(g: np.ndarray, indices: np.ndarray, shape: np.ndarray, axis: int) -> np.ndarray:
    out = np.zeros(tuple(shape), g.dtype)
    rows = np.moveaxis(g.reshape(*g.shape[:axis], indices.size, *g.shape[axis + indices.ndim:]), axis, 0)
    np.add.at(np.moveaxis(out, axis, 0), checked_indices(indices, shape[axis]).ravel(), rows)
    return out


# out[..., indices[i], ...] += g[..., i, ...], over an output of zeros
_scatter_add = OpDef(
    "SumRows", COPY, lambda inputs, attrs: [TensorType(inputs[0].dtype, sizes_of("SumRows", inputs[2]))],
    lambda op, g: [gather(g, op.inputs[1], op.attrs["axis"]), None, None], _scatter_reference,
    fields={"shape_operand": 2, "scatter": True})


def scatter_add(updates: Tensor, indices: Tensor, shape: Any, axis: int = 0) -> Tensor:
    """Zeros of `shape` to which slice i of `updates` along `axis` is added at indices[i]: what undoes a gather."""
    return _scatter_add(updates, indices, shape_operand(shape, "SumRows"), axis=axis)


class IndexedSlicesValue(NamedTuple):
    """What a session fetches for IndexedSlices: NumPy arrays."""

    values: np.ndarray
    indices: np.ndarray
    dense_shape: np.ndarray | None = None


class IndexedSlices:
    """Rows of a tensor that is zero elsewhere: row `indices[i]` is the sum of the `values[j]` with that index.

    `values` has the shape (n, *rest), `indices` (n,), and the tensor (of shape `dense_shape`) (size, *rest). It is what
    a gathered tensor's gradient is; where a tensor is wanted it stands for the dense one.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None):
        self.values = convert_to_tensor(values)
        self.indices = convert_to_tensor(indices)
        self.dense_shape = None if dense_shape is None else shape_operand(dense_shape)
        self._dense: Tensor | None = None

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    @property
    def op(self) -> Operation:
        return self.values.op

    @property
    def name(self) -> str:
        return self.values.name

    @property
    def graph(self) -> Any:
        return self.values.graph

    @property
    def device(self) -> str:
        return ""

    @property
    def shape(self) -> TensorShape:
        return TensorShape(None if self.dense_shape is None else operand_dims(self.dense_shape))

    def get_shape(self) -> TensorShape:
        return self.shape

    def consumers(self) -> list[Operation]:
        return self.values.consumers()

    def _as_graph_element(self) -> Tensor:
        """The dense tensor. Raises ValueError when its shape was not given."""
        if self._dense is None:
            if self.dense_shape is None:
                raise ValueError(f"Tensor conversion requested for IndexedSlices without dense_shape: {self!s}")
            with self.graph.control_dependencies(None):
                self._dense = scatter_add(self.values, self.indices, self.dense_shape)
        return self._dense

    def _fetch_parts(self) -> tuple[tuple[Any, ...], Callable[..., IndexedSlicesValue]]:
        return (self.values, self.indices, self.dense_shape), IndexedSlicesValue

    def _feed_parts(self, value: Any) -> list[tuple[Tensor, Any]]:
        return [(t, v) for t, v in zip((self.values, self.indices, self.dense_shape), value, strict=False)
                if t is not None]

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self.values, self.indices, self.dense_shape)

    def __repr__(self) -> str:
        shape = "" if self.dense_shape is None else f", dense_shape={self.dense_shape!r}"
        return f"IndexedSlices(indices={self.indices!r}, values={self.values!r}{shape})"


# one-hot


def _one_hot_lower(emit: Any, op: Operation, index: Sequence[str]) -> str:
    indices, on, off = op.inputs
    axis = op.attrs["axis"]
    hit = f"{emit.element(indices, [*index[:axis], *index[axis + 1:]])} == {index[axis]}"
    return emit.let(f"select({hit}, {emit.element(on, ())}, {emit.element(off, ())})", op.output.dtype)


def _one_hot_reference(indices: np.ndarray, on: np.ndarray, off: np.ndarray, depth: int, axis: int) -> np.ndarray:
    shape = [1] * (indices.ndim + 1)
    shape[axis] = depth
    return np.where(np.expand_dims(indices, axis) == np.arange(depth).reshape(shape), on, off).astype(on.dtype)


def _one_hot_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    indices, axis = inputs[0], attrs["axis"]
    check_dtype("OneHot", indices, INTEGERS, "indices")
    dims = None if indices.dims is None else (*indices.dims[:axis], attrs["depth"], *indices.dims[axis:])
    return [TensorType(inputs[1].dtype, dims)]


# TensorFlow too has no gradient for the values
_one_hot = OpDef("OneHot", INDEX, _one_hot_types, lambda op, g: [None] * 3, _one_hot_reference, lower=_one_hot_lower)


def one_hot(indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: int | None = None,
            dtype: Any = None, name: str | None = None) -> Tensor:
    """`on_value` where the position along the new axis (default last) equals the index, `off_value` elsewhere.

    A depth that is data is compared when the graph runs. Raises TypeError for values of different dtypes.
    """
    x = convert_to_tensor(indices)
    rank = len(known_rank("OneHot", x))
    element = None if dtype is None else as_dtype(dtype)
    for value in (on_value, off_value):
        if value is not None:
            given = convert_to_tensor(value, element if not is_tensor(value) else None).dtype
            if element is not None and given != element:
                raise DTypeError(f"OneHot: dtype {given.name} of a value does not match {element.name}")
            element = given
    element = element or float32
    position = rank if axis is None or axis == -1 else normalize_axis("OneHot", axis, rank + 1)
    on, off = (convert_to_tensor(d if v is None else v, element) for v, d in ((on_value, 1), (off_value, 0)))
    size, = items_of("OneHot", "depth", [depth])
    if isinstance(size, Tensor):
        counts = reshape(range_(size), [-1 if a == position else 1 for a in range(rank + 1)])
        return where(equal(expand_dims(cast(x, counts.dtype), position), counts), on, off, name=name)
    return _one_hot(x, on, off, depth=size, axis=position, name=name)


# counting


def _range_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [TensorType(inputs[0].dtype, operand_dims(inputs[2]))]


def _nth(emit: Any, dtype: DType, index: str, start: str, delta: str) -> str:
    return emit.let(f"{dtype.code}({start} + {dtype.code}({index}) * {delta})", dtype)


_range = OpDef(
    "Range", INDEX, _range_types, lambda op, g: [None, None, None],
    lambda start, delta, length: (start + np.arange(length[0]).astype(start.dtype) * delta).astype(start.dtype),
    lower=lambda emit, op, index: _nth(emit, op.output.dtype, index[0], *(emit.element(x, ()) for x in op.inputs[:2])),
    fields={"shape_operand": 2})


def range_(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """start, start + delta, ... below `limit` (above it for a negative delta). The bounds may be data.

    Raises ValueError for a known delta of 0.
    """
    if limit is None:
        start, limit = 0, start
    if dtype is not None:
        first, last, step = (convert_to_tensor(v, as_dtype(dtype)) if not is_tensor(v) else cast(v, dtype)
                             for v in (start, limit, delta))
    else:
        first, last, step = _widest((start, limit, delta))
    return _range(first, step, _range_length(first, last, step), name=name)


# the order in which TensorFlow widens the bounds of a range
WIDTHS = (int32, int64, float32, float64)


def _widest(bounds: Sequence[Any]) -> list[Tensor]:
    bounds = [dim_scalar(v) if isinstance(v, dm.Dim) else v for v in bounds]
    kinds = [(convert_to_tensor(v).dtype if is_tensor(v) else as_dtype(
        np.asarray(v).dtype if isinstance(v, (np.ndarray, np.generic)) else float if isinstance(v, float) else int))
        for v in bounds]
    widest = max(kinds, key=lambda d: WIDTHS.index(d) if d in WIDTHS else len(WIDTHS))
    names = ("Range/start", "Range/limit", "Range/delta")
    return [cast(v, widest) if is_tensor(v) else convert_to_tensor(v, widest, n)
            for v, n in zip(bounds, names, strict=True)]


def _range_length(first: Tensor, last: Tensor, step: Tensor) -> Tensor:
    """The number of elements as a shape operand."""
    a, b, d = ((symbolic_value(t) if t.dtype.is_integer else t.op.attrs.get("value")) for t in (first, last, step))
    if d is not None and d.item() == 0:
        raise ValueError("Range: Requires delta != 0")
    if a is None or b is None or d is None:
        if first.dtype.is_integer:
            toward = where(step > 0, step - ones_of(step), step + ones_of(step))
            count = cast(floordiv(last - first + toward, step), int32)
        else:
            count = cast(ceil((last - first) / step), int32)
        return reshape(maximum(count, 0), [1])
    low, high, by = a.item(), b.item(), d.item()
    if all(isinstance(v, (int, float)) for v in (low, high, by)) and (high - low) * by < 0:
        order, sign = ("<=", ">") if by > 0 else (">=", "<")
        raise ValueError(f"Range: Requires start {order} limit when delta {sign} 0: {low}/{high}")
    if any(isinstance(v, dm.Dim) for v in (low, high, by)):
        length: dm.DimLike = dm.maximum((high - low + by - 1) // by, 0) if (low, by) != (0, 1) else high
    else:
        length = max(0, math.ceil((high - low) / by))
    return shape_operand((length,), "Range")
