"""Ops that address elements by value: gather, one-hot, and the scatter that undoes a gather."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import dims as dm
from ..dtypes import INTEGERS, as_dtype, float32
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import COPY, INDEX, OpDef
from ..shapes import Dims, TensorShape, format_dims, normalize_axis
from .arguments import check_dtype, convert_all
from .constant import convert_to_tensor
from .elementwise import cast, check_index, where
from .reduction import reduce_sum
from .slicing import slice_axis
from .symbolic import operand_dims, shape_operand, sizes_of, static_dims, static_ints, symbolic_value
from .view import dim_scalar, known_rank, reshape, shape_of, squeeze, zeros_of


def _checked(name: str, indices: np.ndarray, limit: int) -> np.ndarray:
    bad = indices[(indices < 0) | (indices >= limit)]
    if bad.size:
        raise InvalidArgumentError(f"{name}: index {bad.ravel()[0]} is not in [0, {limit})")
    return indices


def _gather_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, indices = inputs
    check_dtype("GatherV2", indices, INTEGERS)
    axis = attrs["axis"]
    if x.dims is None or indices.dims is None:
        return [TensorType(x.dtype, None)]
    return [TensorType(x.dtype, (*x.dims[:axis], *indices.dims, *x.dims[axis + 1:]))]


def _gather_lower(emit: Any, op: Operation, index: Sequence[str]) -> str:
    x, indices = op.inputs
    axis, rank = op.attrs["axis"], len(indices.dims)  # type: ignore[arg-type]
    row = emit.checked_index(emit.element(indices, index[axis:axis + rank]), emit.size(x, axis), op)
    return emit.element(x, [*index[:axis], row, *index[axis + rank:]])


def _gather_grad(op: Operation, g: Tensor) -> Sequence[Any]:
    x, indices = op.inputs
    if op.attrs["axis"] == 0 and x.dims is not None and indices.dims is not None:
        count = dm.product(indices.dims)
        rows = g if len(indices.dims) == 1 else reshape(g, (count, *x.dims[1:]))
        return [IndexedSlices(rows, reshape(indices, (count,)), shape_of(x)), None]
    return [scatter_add(g, indices, shape_of(x), op.attrs["axis"]), None]


_gather = OpDef("GatherV2", INDEX, _gather_types, _gather_grad,
                lambda x, indices, axis: np.take(x, _checked("GatherV2", indices, x.shape[axis]), axis),
                lower=_gather_lower)


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
    np.add.at(np.moveaxis(out, axis, 0), _checked("SumRows", indices, shape[axis]).ravel(), rows)
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


# indices of several axes: flat indices into those axes made one


def _flat_index(op: str, indices: Tensor, dims: Dims) -> tuple[Tensor, int]:
    """The position in row-major order that the last axis of `indices` names in the first axes of `dims`, and how many
    axes that is."""
    depth = known_rank(op, indices)[-1:]
    if not depth or isinstance(depth[0], dm.Dim) or depth[0] > len(dims):
        raise ShapeError(f"{op}: the last size of the indices must be known and at most {len(dims)}, received "
                         f"{indices!r}")
    flat = zeros_of(indices)
    for k in range(depth[0]):
        size = cast(dim_scalar(dims[k]), indices.dtype)
        part = squeeze(slice_axis(indices, len(known_rank(op, indices)) - 1, k, 1), [-1])
        flat = flat * size + check_index(part, size)
    return flat, depth[0]


def gather_nd(params: Any, indices: Any, name: str = "GatherNd") -> Tensor:
    """The elements or slices of `params` at the positions that the last axis of `indices` holds.

    Raises InvalidArgumentError when the graph runs with an index out of range.
    """
    x, positions = convert_to_tensor(params, name=f"{name}/params"), convert_to_tensor(indices, name=f"{name}/indices")
    dims = known_rank("GatherNd", x)
    check_dtype("GatherNd", positions, INTEGERS)
    flat, depth = _flat_index("GatherNd", positions, dims)
    return gather(reshape(x, (dm.product(dims[:depth]), *dims[depth:])), flat, name=name)


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str = "ScatterNd") -> Tensor:
    """Zeros of `shape` with `updates` added at the positions that the last axis of `indices` holds."""
    positions, values = convert_to_tensor(indices, name=f"{name}/indices"), convert_to_tensor(updates)
    dims = static_dims("ScatterNd", "shape", shape)
    check_dtype("ScatterNd", positions, INTEGERS)
    flat, depth = _flat_index("ScatterNd", positions, dims)
    expected = (*known_rank("ScatterNd", positions)[:-1], *dims[depth:])
    if not values.shape.is_compatible_with(expected):
        raise ShapeError(f"ScatterNd: updates must have the shape {format_dims(expected)}, received {values!r}")
    total = scatter_add(values, flat, (dm.product(dims[:depth]), *dims[depth:]))
    return reshape(total, dims, name=name)


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
    check_dtype("OneHot", indices, INTEGERS)
    dims = None if indices.dims is None else (*indices.dims[:axis], attrs["depth"], *indices.dims[axis:])
    return [TensorType(inputs[1].dtype, dims)]


_one_hot = OpDef("OneHot", INDEX, _one_hot_types, lambda op, g: [None, _hot_grad(op, g, True), _hot_grad(op, g, False)],
                 _one_hot_reference, lower=_one_hot_lower)


def _hot_grad(op: Operation, g: Tensor, on: bool) -> Tensor:
    hits = one_hot(op.inputs[0], op.attrs["depth"], on, not on, op.attrs["axis"], "bool")
    return reduce_sum(where(hits, g, zeros_of(g)))


def one_hot(indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: int | None = None,
            dtype: Any = None, name: str | None = None) -> Tensor:
    """`on_value` where the position along the new axis (default last) equals the index, `off_value` elsewhere."""
    x = convert_to_tensor(indices)
    if x.dims is None:
        raise ShapeError(f"OneHot: the rank of {x!r} must be known")
    if isinstance(depth, Tensor):
        value = symbolic_value(depth)
        if value is None:
            raise ValueError(f"OneHot: depth must not depend on fed data, received {depth!r}")
        depth = value.item()
    element = as_dtype(dtype) if dtype is not None else next(
        (convert_to_tensor(v).dtype for v in (on_value, off_value) if v is not None), float32)
    position = len(x.dims) if axis is None or axis == -1 else normalize_axis("OneHot", axis, len(x.dims) + 1)
    return _one_hot(x, convert_to_tensor(1 if on_value is None else on_value, element),
                    convert_to_tensor(0 if off_value is None else off_value, element),
                    depth=depth if isinstance(depth, dm.Dim) else int(depth), axis=position, name=name)


# counting


def _range_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [TensorType(inputs[0].dtype, (attrs["length"],))]


_range = OpDef(
    "Range", INDEX, _range_types, lambda op, g: [None, None],
    lambda start, delta, length: (start + np.arange(length).astype(start.dtype) * delta).astype(start.dtype),
    lower=lambda emit, op, index: emit.let(
        f"{emit.element(op.inputs[0], ())} + {op.output.dtype.code}({index[0]}) * {emit.element(op.inputs[1], ())}",
        op.output.dtype))


def range_(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """start, start + delta, ... below `limit` (above it for a negative delta). The length must be known up to
    symbols: it may depend on shapes but not on data."""
    if limit is None:
        start, limit = 0, start
    if dtype is not None:
        first, last, step = (convert_to_tensor(v, dtype) for v in (start, limit, delta))
    else:
        first, last, step = convert_all("Range", (start, limit, delta))
    if first.dtype.is_integer:
        a, b, d = (symbolic_value(t) for t in (first, last, step))
    else:
        a, b, d = (t.op.attrs.get("value") for t in (first, last, step))
    if a is None or b is None or d is None:
        raise ShapeError("Range: start, limit and delta must not depend on fed data")
    a, b, d = a.item(), b.item(), d.item()
    if d == 0:
        raise ValueError("Range: delta must not be 0")
    if any(isinstance(v, dm.Dim) for v in (a, b, d)):
        length: dm.DimLike = dm.maximum((b - a + d - 1) // d, 0) if (a, d) != (0, 1) else b
    else:
        length = max(0, int(np.ceil((b - a) / d)))
    return _range(first, step, length=length, name=name)
