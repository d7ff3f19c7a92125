"""Arrays under TensorFlow 1's names: making, joining, cutting, indexing."""
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from .blocks import batch_to_space as batch_to_space
from .blocks import batch_to_space_nd as batch_to_space_nd
from .blocks import parallel_stack as parallel_stack
from .blocks import repeat as repeat
from .blocks import required_space_to_batch_paddings as required_space_to_batch_paddings
from .blocks import reverse_sequence as reverse_sequence
from .blocks import roll as roll
from .blocks import sequence_mask as sequence_mask
from .blocks import space_to_batch as space_to_batch
from .blocks import space_to_batch_nd as space_to_batch_nd
from .compiler import shapes
from .compiler.dims import Dim
from .compiler.dtypes import DType, as_dtype, float32, int32, string
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops import bits, matrix_parts, slicing, view
from .compiler.ops import gather as _gather
from .compiler.ops.arguments import is_tensor
from .compiler.ops.complex import conj
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.dynamic_slice import items_of
from .compiler.ops.elementwise import cast, equal, where
from .compiler.ops.operators import get_item
from .compiler.ops.reduction import reduce_prod, size_of
from .compiler.ops.symbolic import shape_operand, static_value
from .compiler.shapes import TensorShape
from .framework import name_scope
from .indexing import batch_gather as batch_gather
from .indexing import boolean_mask as boolean_mask
from .indexing import gather as gather
from .indexing import gather_nd as gather_nd
from .indexing import scatter_nd as scatter_nd
from .indexing import unique as unique
from .indexing import unique_with_counts as unique_with_counts
from .late import late, ranked
from .sparse_tensor import SparseTensor

MAX_CONSTANT = 1000  # larger zeros and ones are filled at run time, not kept in the graph

# making


def _filled(shape: Any, value: Any, dtype: Any, name: str) -> Tensor:
    element = as_dtype(dtype)
    scalar = _scalar(value, element)
    if not isinstance(shape, Tensor) and not hasattr(shape, "_as_graph_element"):
        sizes = TensorShape(shape).as_list() if not _has_tensor(shape) else [None]
        if None not in sizes and int(np.prod(sizes)) < MAX_CONSTANT:  # type: ignore[arg-type]
            return constant(np.full(sizes, scalar), element, name=name)
    with name_scope(name) as scope:
        return view.fill(shape, constant(scalar, element), scope)


def _scalar(value: int, element: DType) -> np.ndarray:
    """The value in the dtype; the zero of strings is the empty one."""
    return np.array(b"" if element == string and not value else value, element.np)


def _has_tensor(shape: Any) -> bool:
    return isinstance(shape, (list, tuple)) and any(isinstance(d, Dim) or is_tensor(d) for d in shape)


def zeros(shape: Any, dtype: Any = float32, name: str | None = None, layout: Any = None) -> Tensor:
    """A tensor of zeros; it stays on one device whatever `layout`."""
    return _filled(shape, 0, dtype, name or "zeros")


def ones(shape: Any, dtype: Any = float32, name: str | None = None, layout: Any = None) -> Tensor:
    """A tensor of ones; it stays on one device whatever `layout`."""
    return _filled(shape, 1, dtype, name or "ones")


def _like(tensor: Any, value: Any, dtype: Any, name: str) -> Tensor:
    if not value and hasattr(tensor, "map_values"):  # a SparseTensor, of whose shape the result is
        return _filled(tensor.dense_shape, value, tensor.dtype if dtype is None else dtype, name)
    x = convert_to_tensor(tensor)
    element = x.dtype if dtype is None else as_dtype(dtype)
    if x.shape.is_fully_defined():
        return _filled(x.shape, value, element, name)
    with name_scope(name, None, [x]) as scope:
        return view.fill(view.shape_of(x), constant(_scalar(value, element), element), scope)


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Zeros in the shape (and dtype, unless given) of `tensor`."""
    return _like(tensor, 0, dtype, name or "zeros_like")


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Ones in the shape (and dtype, unless given) of `tensor`."""
    return _like(tensor, 1, dtype, name or "ones_like")


def fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> Tensor:
    """A tensor of shape `dims` with every element `value`; it stays on one device whatever `layout`."""
    return view.fill(dims, value, name)


def eye(num_rows: int, num_columns: int | None = None, batch_shape: Any = None, dtype: Any = float32,
        name: str | None = None) -> Tensor:
    """The identity matrix, repeated for each element of `batch_shape`. The sizes may be data."""
    columns = num_rows if num_columns is None else num_columns
    if is_tensor(num_rows) or is_tensor(columns):
        with name_scope(name, "eye"):
            rows = view.expand_dims(_gather.range_(num_rows), 1)
            matrix = cast(equal(rows, view.expand_dims(_gather.range_(columns), 0)), dtype)
    else:
        matrix = constant(np.eye(num_rows, columns, dtype=as_dtype(dtype).np), name=name or "eye")
    if batch_shape is None:
        return matrix
    return view.broadcast_to(matrix, (*TensorShape(batch_shape).as_list(), *TensorShape(matrix.shape).as_list()))


def _values_dtype(indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None,
                  dtype: Any = None, name: Any = None) -> DType:
    given = next((v for v in (on_value, off_value) if v is not None), None)
    return as_dtype(dtype or float32) if given is None or dtype else convert_to_tensor(given).dtype


@partial(ranked, count=1, dtype=_values_dtype)
def one_hot(indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: int | None = None,
            dtype: Any = None, name: str | None = None) -> Tensor:
    """`on_value` (1) at each index along a new axis of size `depth`, `off_value` (0) elsewhere.

    An index outside [0, depth) gives a row of `off_value`.
    """
    return _gather.one_hot(indices, depth, on_value, off_value, axis, dtype, name or "one_hot")


# shapes


def shape(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The shape as an integer vector, known when the graph runs."""
    if isinstance(input, SparseTensor):
        return cast(input.dense_shape, out_type, name)
    x = convert_to_tensor(input)
    if x.shape.is_fully_defined():
        return constant(np.array(x.dims, as_dtype(out_type).np), name=name or "Shape")
    return view.shape(x, name, out_type)


def shape_n(input: Sequence[Any], out_type: Any = int32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors."""
    return [shape(x, name, out_type) for x in input]


def size(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The number of elements, a scalar; of a SparseTensor with the zeros that it leaves out."""
    if isinstance(input, SparseTensor):
        return cast(reduce_prod(input.dense_shape), out_type, name)
    x = convert_to_tensor(input)
    with name_scope(name, "Size", [x]) as scope:
        return view.identity(cast(size_of(x), out_type), scope)


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of axes, a scalar (not the rank of a matrix)."""
    if isinstance(input, SparseTensor):
        return size(input.dense_shape, name)
    x = convert_to_tensor(input)
    if x.dims is not None:
        return constant(np.array(len(x.dims), np.int32), name=name or "Rank")
    with name_scope(name, "Rank", [x]):
        return view.reshape(view.shape(view.shape(x)), ())


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """`x`, with what `shape` says about its shape. Raises ValueError when the static shapes contradict."""
    tensor = view.identity(x, name or "EnsureShape")
    tensor.set_shape(shape)
    return tensor


@late("perm", rank=int)
def transpose(a: Any, perm: Any = None, name: str = "transpose", conjugate: bool = False) -> Tensor:
    """Axes permuted: axis i of the result is axis perm[i] of `a`; reversed when `perm` is None."""
    return view.transpose(conj(a) if conjugate else a, perm, name)


@ranked
def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """The last two axes swapped. Raises ValueError for fewer axes."""
    return matrix_parts.matrix_transpose(a, conjugate, name)


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape that two shapes, given as integer vectors, broadcast to."""
    a, b = (shape_operand(s, "BroadcastArgs") for s in (shape_x, shape_y))
    with name_scope(None, "BroadcastArgs", [a, b]):
        rank = max(len(items_of("BroadcastArgs", "a shape", v)) for v in (a, b))
        a, b = (slicing.pad(v, [[rank - len(items_of("BroadcastArgs", "a shape", v)), 0]], constant_values=1)
                for v in (a, b))
        return where(equal(a, 1), b, a)


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape that two static shapes broadcast to. Raises ValueError when they do not."""
    return TensorShape(shapes.broadcast("broadcast_static_shape", TensorShape(shape_x).dims, TensorShape(shape_y).dims))


# cutting


def strided_slice(input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0,
                  ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None,
                  name: str | None = None) -> Tensor:
    """input_[begin[0]:end[0]:strides[0], ...]. Bit k of a mask changes item k: no begin, no end, `...`, a new axis, or
    the single element begin[k]. The bounds may be data."""
    starts, ends = items_of("strided_slice", "begin", begin), items_of("strided_slice", "end", end)
    steps = [1] * len(starts) if strides is None else items_of("strided_slice", "strides", strides)
    if not len(starts) == len(ends) == len(steps):
        raise ValueError(f"strided_slice: begin, end and strides must have one length, received {len(starts)}, "
                         f"{len(ends)} and {len(steps)}")
    key: list[Any] = []
    for k, (first, last, step) in enumerate(zip(starts, ends, steps, strict=True)):
        bit = 1 << k
        if ellipsis_mask & bit:
            key.append(Ellipsis)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            key.append(first)
        else:
            key.append(slice(None if begin_mask & bit else first, None if end_mask & bit else last, step))
    return get_item(convert_to_tensor(input_), tuple(key), name or "strided_slice")


def meshgrid(*args: Any, indexing: str = "xy", name: str = "meshgrid") -> list[Tensor]:
    """The coordinates of a grid spanned by vectors; with indexing "xy" the first two axes are swapped, as NumPy's."""
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing parameter must be either 'xy' or 'ij'")
    with name_scope(name, "meshgrid", args):
        vectors = [view.reshape(v, [-1]) for v in args]
        count = len(vectors)
        axes = [1, 0, *range(2, count)] if indexing == "xy" and count > 1 else list(range(count))
        lengths = [v.dims[0] for v in vectors]  # type: ignore[index]
        dims: list[Any] = [0] * count
        for n, axis in enumerate(axes):
            dims[axis] = lengths[n]
        return [view.broadcast_to(view.reshape(v, [lengths[n] if a == axes[n] else 1 for a in range(count)]), dims)
                for n, v in enumerate(vectors)]


@ranked
def space_to_depth(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """Blocks of `block_size`^2 pixels of [batch, height, width, channels] moved into the channels."""
    x = _image("space_to_depth", input, data_format)
    n, h, w, c = x.dims  # type: ignore[misc]
    with name_scope(name, "SpaceToDepth", [x]):
        blocks = view.reshape(x, [n, h // block_size, block_size, w // block_size, block_size, c])
        return view.reshape(view.transpose(blocks, [0, 1, 3, 2, 4, 5]),
                            [n, h // block_size, w // block_size, c * block_size * block_size])


@ranked
def depth_to_space(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """The inverse of `space_to_depth`."""
    x = _image("depth_to_space", input, data_format)
    n, h, w, c = x.dims  # type: ignore[misc]
    with name_scope(name, "DepthToSpace", [x]):
        depth = c // (block_size * block_size)
        blocks = view.reshape(x, [n, h, w, block_size, block_size, depth])
        return view.reshape(view.transpose(blocks, [0, 1, 3, 2, 4, 5]), [n, h * block_size, w * block_size, depth])


def _image(op: str, value: Any, data_format: str) -> Tensor:
    x = convert_to_tensor(value)
    if data_format != "NHWC":
        raise ValueError(f"{op}: data_format must be NHWC, received {data_format!r}")
    if x.dims is None or len(x.dims) != 4:
        raise ShapeError(f"{op}: the input must have rank 4, received {x.shape}")
    return x


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The same bytes as elements of another dtype; a last axis appears or goes where that one is smaller or larger."""
    return bits.bitcast(convert_to_tensor(input), dtype=as_dtype(type), name=name)


def guarantee_const(input: Any, name: str | None = None) -> Tensor:
    """The tensor: a promise, which is not used, that its value never changes."""
    return view.identity(input, name or "GuaranteeConst")


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The value of a tensor that is known while the graph is built, else None."""
    return static_value(convert_to_tensor(tensor))
