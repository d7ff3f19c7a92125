"""Ops that move elements without computing: reshapes (no data moves), index maps, and boxes copied into an output.

The `lower` of an INDEX op is `lower(emit, op, index)`: given the output index as source expressions it returns the
source of the element, asking `emit` for input elements and sizes (see codegen/loops.py).
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import Dim, DimLike
from ..dtypes import as_dtype, int32
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import ALIAS, COPY, INDEX, SOURCE, OpDef
from ..shapes import Dims, broadcast, format_dims, normalize_axis
from .constant import convert_to_tensor
from .families import check_same_dtype, convert_all, same_type, sum_to
from .symbolic import dims_vector, operand_dims, shape_operand

# shapes as values

_shape = OpDef("Shape", SOURCE,
               lambda inputs, attrs: [TensorType(attrs["out_type"],
                                                 (dm.fresh() if inputs[0].dims is None else len(inputs[0].dims),))],
               lambda op, g: [None], lambda x, out_type: np.array(x.shape, out_type.np))


def shape(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The shape as an integer vector, known when the graph runs."""
    return _shape(convert_to_tensor(input), out_type=as_dtype(out_type), name=name)


def shape_of(x: Tensor) -> Tensor:
    """The shape of `x` as a shape operand: without touching `x` where its shape is known up to symbols."""
    return shape(x) if x.dims is None else shape_operand(x.dims)


def size(x: Tensor, axis: Sequence[int] | None = None) -> Tensor:
    """The number of elements of `x` (along `axis`) as an int32 scalar."""
    if x.dims is None:
        from .reduction import reduce_prod
        sizes = shape(x)
        return reduce_prod(sizes if axis is None else pack(*[sizes[a] for a in axis]))
    count = dm.product(d for i, d in enumerate(x.dims) if axis is None or i in axis)
    if isinstance(count, Dim):
        return reshape(dims_vector(dims=(count,)), ())
    return convert_to_tensor(np.array(count, np.int32))


# the same elements under another shape


def _reshape_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, wanted = inputs
    dims = operand_dims(wanted)
    if dims is None:
        return [TensorType(x.dtype, None)]
    from .symbolic import symbolic_value
    open_axes = [i for i, d in enumerate(dims) if isinstance(d, int) and d == -1]
    if len(open_axes) > 1:
        raise ShapeError(f"Reshape: only one size may be -1, received {list(dims)}")
    if any(isinstance(d, int) and d < -1 for d in dims):
        raise ShapeError(f"Reshape: sizes must be non-negative or -1, received {list(dims)}")
    given = dm.product(d for d in dims if not (isinstance(d, int) and d == -1))
    total = None if x.dims is None else dm.product(x.dims)
    if open_axes:
        rest: DimLike
        if total is None or symbolic_value(wanted) is None:
            rest = dm.fresh()
        elif isinstance(given, int) and given == 0:
            rest = 0
        else:
            exact = dm.exact_quotient(total, given)
            if exact is None and isinstance(total, int) and isinstance(given, int):
                raise ShapeError(f"Reshape: cannot reshape {x!r} with {total} elements into "
                                 f"{_show(dims)} (the known sizes give a multiple of {given})")
            rest = exact if exact is not None else total // given
        dims = tuple(rest if i == open_axes[0] else d for i, d in enumerate(dims))
    elif isinstance(total, int) and isinstance(given, int) and total != given:
        raise ShapeError(f"Reshape: cannot reshape {x!r} with {total} elements into {_show(dims)} "
                         f"({given} elements)")
    return [TensorType(x.dtype, dims)]


def _show(dims: Dims) -> str:
    return str([d if isinstance(d, int) else None for d in dims])


_reshape = OpDef("Reshape", ALIAS, _reshape_types, lambda op, g: [reshape(g, shape_of(op.inputs[0])), None],
                 lambda x, shape: np.reshape(x, tuple(int(d) if not isinstance(d, Dim) else d for d in shape)),
                 fields={"shape_operand": 1})


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The elements of `tensor` in the same order under `shape`; one size may be -1. Raises ShapeError."""
    x = convert_to_tensor(tensor)
    if isinstance(shape, (tuple, list)) and any(d is None for d in shape):
        shape = [-1 if d is None else d for d in shape]
    return _reshape(x, shape_operand(shape), name=name)


def expand_dims(input: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Tensor:
    """A new axis of size 1 at position `axis`."""
    x = convert_to_tensor(input)
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("expand_dims: axis is missing")
    if x.dims is None:
        raise ShapeError(f"ExpandDims: the rank of {x!r} must be known")
    position = normalize_axis("ExpandDims", axis, len(x.dims) + 1)
    return reshape(x, (*x.dims[:position], 1, *x.dims[position:]), name=name or "ExpandDims")


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Tensor:
    """Without the axes of size 1, or only without those in `axis`. Raises ShapeError if one of these is not 1."""
    x = convert_to_tensor(input)
    axis = squeeze_dims if axis is None else axis
    if x.dims is None:
        raise ShapeError(f"Squeeze: the rank of {x!r} must be known")
    if axis is None or (hasattr(axis, "__len__") and not len(axis)):
        axes = [i for i, d in enumerate(x.dims) if isinstance(d, int) and d == 1]
    else:
        axes = [normalize_axis("Squeeze", a, len(x.dims)) for a in (axis if hasattr(axis, "__iter__") else [axis])]
        for a in axes:
            if isinstance(x.dims[a], int) and x.dims[a] != 1:
                raise ShapeError(f"Squeeze: axis {a} of {x!r} has size {x.dims[a]}, expected 1")
    return reshape(x, tuple(d for i, d in enumerate(x.dims) if i not in axes), name=name or "Squeeze")


_identity = OpDef("Identity", ALIAS, same_type, lambda op, g: [g], lambda x: x)
_stop_gradient = OpDef("StopGradient", ALIAS, same_type, lambda op, g: [None], lambda x: x)


def identity(input: Any, name: str | None = None) -> Tensor:
    return _identity(convert_to_tensor(input), name=name)


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """The same value, through which no gradient flows."""
    return _stop_gradient(convert_to_tensor(input), name=name)


# index maps


def _broadcast_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, dims = inputs[0], operand_dims(inputs[1])
    if dims is not None and x.dims is not None and broadcast("BroadcastTo", x.dims, dims) != dims and not any(
            isinstance(d, Dim) for d in (*x.dims, *dims)):
        raise ShapeError(f"BroadcastTo: {x!r} does not broadcast to {format_dims(dims)}")
    return [TensorType(x.dtype, dims)]


def _aligned(emit: Any, x: Tensor, index: Sequence[str]) -> str:
    """The element of `x` that broadcasting puts at `index`."""
    return emit.broadcast_element(x, index)


_broadcast_to = OpDef("BroadcastTo", INDEX, _broadcast_types, lambda op, g: [sum_to(g, op.inputs[0]), None],
                      lambda x, shape: np.broadcast_to(x, tuple(shape)),
                      lower=lambda emit, op, index: _aligned(emit, op.inputs[0], index), fields={"shape_operand": 1})


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """`input` repeated to `shape` by NumPy's broadcasting rule."""
    x, wanted = convert_to_tensor(input), shape_operand(shape)
    return x if x.dims is not None and operand_dims(wanted) == x.dims else _broadcast_to(x, wanted, name=name)


_fill = OpDef("Fill", INDEX, lambda inputs, attrs: [TensorType(inputs[0].dtype, operand_dims(inputs[1]))],
              lambda op, g: [sum_to(g, op.inputs[0]), None], lambda value, shape: np.full(tuple(shape), value),
              lower=lambda emit, op, index: emit.element(op.inputs[0], ()), fields={"shape_operand": 1})


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` with every element `value`."""
    scalar = convert_to_tensor(value)
    if scalar.dims != ():
        raise ShapeError(f"Fill: the value must be a scalar, received shape {format_dims(scalar.dims)}")
    return _fill(scalar, shape_operand(dims), name=name)


_transpose = OpDef(
    "Transpose", INDEX,
    lambda inputs, attrs: [TensorType(inputs[0].dtype, tuple(inputs[0].dims[a] for a in attrs["perm"]))],  # type: ignore[index]
    lambda op, g: [transpose(g, np.argsort(op.attrs["perm"]))],
    lambda x, perm: np.ascontiguousarray(np.transpose(x, perm)),
    lower=lambda emit, op, index: emit.element(
        op.inputs[0], [index[op.attrs["perm"].index(a)] for a in range(len(index))]))


def transpose(a: Any, perm: Any = None, name: str = "transpose") -> Tensor:
    """Axes permuted: axis i of the result is axis perm[i] of `a`; reversed when `perm` is None."""
    x = convert_to_tensor(a)
    if x.dims is None:
        raise ShapeError(f"Transpose: the rank of {x!r} must be known")
    order = tuple(reversed(range(len(x.dims)))) if perm is None else tuple(
        normalize_axis("Transpose", int(p), len(x.dims)) for p in perm)
    if sorted(order) != list(range(len(x.dims))):
        raise ShapeError(f"Transpose: perm {order} is not a permutation of the {len(x.dims)} axes of {x!r}")
    return x if order == tuple(range(len(order))) and perm is not None else _transpose(x, perm=order, name=name)


def _reverse_index(emit: Any, op: Operation, index: Sequence[str]) -> str:
    x = op.inputs[0]
    return emit.element(x, [f"{emit.size(x, a)} - 1 - ({i})" if a in op.attrs["axis"] else i
                            for a, i in enumerate(index)])


_reverse = OpDef("Reverse", INDEX, same_type, lambda op, g: [reverse(g, op.attrs["axis"])],
                 lambda x, axis: np.flip(x, axis), lower=_reverse_index)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """Elements in reverse order along each axis in `axis`."""
    x = convert_to_tensor(tensor)
    axes = tuple(axis) if hasattr(axis, "__iter__") else (axis,)
    return _reverse(x, axis=tuple(normalize_axis("Reverse", int(a), len(x.dims or ())) for a in axes), name=name)


_tile = OpDef(
    "Tile", INDEX,
    lambda inputs, attrs: [TensorType(inputs[0].dtype, tuple(
        d * m for d, m in zip(inputs[0].dims, attrs["multiples"], strict=True)))],  # type: ignore[arg-type]
    lambda op, g: [_tile_grad(op, g)], lambda x, multiples: np.tile(x, multiples),
    lower=lambda emit, op, index: emit.element(
        op.inputs[0], [f"({i}) % {emit.size(op.inputs[0], a)}" for a, i in enumerate(index)]))


def _tile_grad(op: Operation, g: Tensor) -> Tensor:
    from .reduction import reduce_sum
    dims: list[DimLike] = []
    for d, m in zip(op.inputs[0].dims, op.attrs["multiples"], strict=True):  # type: ignore[arg-type]
        dims += [m, d]
    return reduce_sum(reshape(g, dims), range(0, len(dims), 2))


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """`input` repeated multiples[i] times along axis i."""
    x = convert_to_tensor(input)
    times = operand_dims(shape_operand(multiples))
    if x.dims is None or times is None or len(times) != len(x.dims):
        raise ShapeError(f"Tile: multiples must have one entry for each axis of {x!r}, received {multiples!r}")
    return _tile(x, multiples=times, name=name)


# slices: out[i] = x[begin + i * stride]


def _slice_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [TensorType(inputs[0].dtype, attrs["size"])]


def _slice_reference(x: np.ndarray, begin: Dims, size: Dims, strides: tuple[int, ...]) -> np.ndarray:
    index = []
    for b, n, s in zip(begin, size, strides, strict=True):
        end = b + n * s
        index.append(slice(b, None if s < 0 and end < 0 else end, s))
    return x[tuple(index)]


_strided_slice = OpDef(
    "StridedSlice", INDEX, _slice_types,
    lambda op, g: [place(g, op.inputs[0].dims, op.attrs["begin"], op.attrs["strides"])],
    _slice_reference,
    lower=lambda emit, op, index: emit.element(op.inputs[0], [
        f"{emit.dim(b)} + ({i}) * {s}" if s != 1 else f"{emit.dim(b)} + ({i})" if b != 0 else i
        for b, s, i in zip(op.attrs["begin"], op.attrs["strides"], index, strict=True)]))


def strided_slice(x: Tensor, begin: Dims, size: Dims, strides: tuple[int, ...], name: str | None = None) -> Tensor:
    """size[k] elements along axis k from begin[k] on, strides[k] apart."""
    if size == x.dims and all(isinstance(b, int) and b == 0 for b in begin) and all(s == 1 for s in strides):
        return x
    return _strided_slice(x, begin=tuple(begin), size=tuple(size), strides=tuple(strides), name=name)


def slice_(input_: Any, begin: Any, size: Any, name: str = "Slice") -> Tensor:
    """`size` elements from `begin` on along each axis; a size of -1 means all that remain."""
    x = convert_to_tensor(input_)
    starts, sizes = operand_dims(shape_operand(begin)), operand_dims(shape_operand(size))
    if x.dims is None or starts is None or sizes is None or not len(starts) == len(sizes) == len(x.dims):
        raise ShapeError(f"Slice: begin {begin!r} and size {size!r} must have one entry for each axis of {x!r}")
    sizes = tuple(d - b if isinstance(n, int) and n == -1 else n
                  for d, b, n in zip(x.dims, starts, sizes, strict=True))
    for axis, (d, b, n) in enumerate(zip(x.dims, starts, sizes, strict=True)):
        if isinstance(d, int) and isinstance(b, int) and isinstance(n, int) and not 0 <= b <= b + n <= d:
            raise ShapeError(f"Slice: begin {b} and size {n} do not fit axis {axis} of {x!r}")
    return strided_slice(x, starts, sizes, (1,) * len(x.dims), name)


# boxes copied into an output: `lower` gives (fill value or None, [(input, begin, strides)])


def _place_reference(x: np.ndarray, dims: Dims, begin: Dims, strides: tuple[int, ...], value: float) -> np.ndarray:
    out = np.full(dims, value, x.dtype)
    ends = [b + s * n for b, s, n in zip(begin, strides, x.shape, strict=True)]
    out[tuple(slice(b, None if s < 0 and e < 0 else e, s) for b, e, s in zip(begin, ends, strides, strict=True))] = x
    return out


_place = OpDef(
    "Place", COPY, lambda inputs, attrs: [TensorType(inputs[0].dtype, attrs["dims"])],
    lambda op, g: [strided_slice(g, op.attrs["begin"], op.inputs[0].dims, op.attrs["strides"])],  # type: ignore[arg-type]
    _place_reference,
    lower=lambda op: (op.attrs["value"], [(op.inputs[0], op.attrs["begin"], op.attrs["strides"])]))


def place(x: Tensor, dims: Dims | None, begin: Dims, strides: tuple[int, ...] | None = None, value: Any = 0,
          name: str | None = None) -> Tensor:
    """A tensor of shape `dims` filled with `value`, with `x` at begin[k], begin[k] + strides[k], ... of axis k."""
    assert dims is not None
    return _place(x, dims=tuple(dims), begin=tuple(begin), strides=tuple(strides or (1,) * len(dims)), value=value,
                  name=name)


def pad(tensor: Any, paddings: Any, constant_values: Any = 0, name: str = "Pad") -> Tensor:
    """`tensor` with paddings[k] = (before, after) elements of `constant_values` added along axis k."""
    x = convert_to_tensor(tensor)
    if x.dims is None or len(paddings) != len(x.dims):
        raise ShapeError(f"Pad: paddings must have one (before, after) for each axis of {x!r}, received {paddings!r}")
    before = tuple(int(p[0]) for p in paddings)
    after = tuple(int(p[1]) for p in paddings)
    if min((*before, *after), default=0) < 0:
        raise ShapeError(f"Pad: paddings must be non-negative, received {paddings!r}")
    dims = tuple(b + d + a for b, d, a in zip(before, x.dims, after, strict=True))
    return x if dims == x.dims else place(x, dims, before, value=constant_values, name=name)


def _concat_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dtype, axis = check_same_dtype("ConcatV2", inputs), attrs["axis"]
    first = inputs[0].dims
    if any(t.dims is None for t in inputs):
        return [TensorType(dtype, None)]
    merged = list(first)  # type: ignore[arg-type]
    for t in inputs[1:]:
        assert t.dims is not None
        if len(t.dims) != len(merged):
            raise ShapeError(f"ConcatV2: ranks differ, {' and '.join(format_dims(i.dims) for i in inputs)}")
        for i, (a, b) in enumerate(zip(merged, t.dims, strict=True)):
            if i == axis:
                merged[i] = a + b
            elif isinstance(a, int) and isinstance(b, int) and a != b:
                raise ShapeError(f"ConcatV2: sizes differ along axis {i}, "
                                 f"{' and '.join(format_dims(x.dims) for x in inputs)}")
            elif isinstance(b, int):
                merged[i] = b
    return [TensorType(dtype, tuple(merged))]


def _concat_boxes(op: Operation) -> tuple[None, list[tuple[Tensor, Dims, tuple[int, ...]]]]:
    boxes, at, axis = [], 0, op.attrs["axis"]
    for x in op.inputs:
        assert x.dims is not None
        begin: list[DimLike] = [0] * len(x.dims)
        begin[axis] = at
        boxes.append((x, tuple(begin), (1,) * len(begin)))
        at = at + x.dims[axis]
    return None, boxes


def _concat_grad(op: Operation, g: Tensor) -> list[Tensor]:
    return [strided_slice(g, begin, x.dims, strides) for x, begin, strides in _concat_boxes(op)[1]]  # type: ignore[arg-type]


_concat = OpDef("ConcatV2", COPY, _concat_types, _concat_grad, lambda *xs, axis: np.concatenate(xs, axis),
                lower=_concat_boxes)


def concat(values: Any, axis: int, name: str = "concat") -> Tensor:
    """Tensors joined along an axis that exists. Raises ShapeError if their other sizes differ."""
    tensors = convert_all("ConcatV2", values if isinstance(values, (list, tuple)) else [values])
    ranks = [len(t.dims) for t in tensors if t.dims is not None]
    if not ranks:
        raise ShapeError("ConcatV2: the rank of at least one input must be known")
    axis = normalize_axis("ConcatV2", int(axis), ranks[0])
    return identity(tensors[0], name) if len(tensors) == 1 else _concat(*tensors, axis=axis, name=name)


def pack(*values: Any, axis: int = 0, name: str | None = None) -> Tensor:
    """Tensors of one shape joined along a new axis."""
    tensors = convert_all("Pack", values)
    if tensors[0].dims is None:
        raise ShapeError(f"Pack: the rank of {tensors[0]!r} must be known")
    for t in tensors[1:]:
        if not tensors[0].shape.is_compatible_with(t.shape):
            raise ShapeError(f"Pack: shapes must be equal, received {tensors[0].shape} and {t.shape}")
    axis = normalize_axis("Pack", axis, len(tensors[0].dims) + 1)
    return concat([expand_dims(t, axis) for t in tensors], axis, name=name or "stack")


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    return pack(*values, axis=axis, name=name)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """The slices along an axis of known size."""
    x = convert_to_tensor(value)
    if x.dims is None:
        raise ShapeError(f"Unpack: the rank of {x!r} must be known")
    axis = normalize_axis("Unpack", axis, len(x.dims))
    count = x.dims[axis] if num is None else num
    if isinstance(count, Dim):
        raise ValueError(f"Cannot infer num from shape {x.shape}")
    return [squeeze(s, [axis]) for s in split(x, [1] * count, axis, name=name)]


def split(value: Any, num_or_size_splits: Any, axis: int = 0, num: int | None = None, name: str = "split",
          split_dim: int | None = None) -> list[Tensor]:
    """Pieces along `axis`: that many equal ones, or of the given sizes (one may be -1)."""
    x = convert_to_tensor(value)
    if x.dims is None:
        raise ShapeError(f"Split: the rank of {x!r} must be known")
    axis = normalize_axis("Split", axis if split_dim is None else split_dim, len(x.dims))
    total = x.dims[axis]
    if isinstance(num_or_size_splits, (int, np.integer)):
        count = int(num_or_size_splits)
        if isinstance(total, int) and total % count:
            raise ShapeError(f"Split: size {total} of axis {axis} is not divisible by {count}")
        sizes: list[DimLike] = [total // count] * count
    else:
        sizes = [s if isinstance(s, Dim) else int(s) for s in num_or_size_splits]
        if -1 in sizes:
            rest = total - sum(s for s in sizes if isinstance(s, int) and s != -1)
            sizes = [rest if s == -1 else s for s in sizes]
        elif isinstance(total, int) and all(isinstance(s, int) for s in sizes) and sum(sizes) != total:  # type: ignore[arg-type]
            raise ShapeError(f"Split: sizes {sizes} do not add up to {total}, the size of axis {axis} of {x!r}")
    pieces, at = [], 0
    for piece in sizes:
        begin: list[DimLike] = [0] * len(x.dims)
        begin[axis] = at
        dims = tuple(piece if i == axis else d for i, d in enumerate(x.dims))
        pieces.append(strided_slice(x, tuple(begin), dims, (1,) * len(dims), name=name))
        at = at + piece
    return pieces


