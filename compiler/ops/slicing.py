"""Parts of tensors and tensors of parts: slices, pad, concat, stack, split, tile.

The `lower` of a COPY op gives (fill value or None, [(input, begin, strides)]): each input is copied into the output
from begin[k] on, strides[k] apart along axis k.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dims import Dim, DimLike
from ..dtypes import DType
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import COPY, INDEX, OpDef
from ..shapes import Dims, format_dims, normalize_axis
from .arguments import check_same_dtype, convert_all, is_tensor
from .constant import convert_to_tensor, register_conversion
from .reduction import reduce_sum
from .symbolic import static_dims, static_ints
from .view import expand_dims, identity, known_rank, reshape, reverse, squeeze

# slices: out[i] = x[begin + i * stride]


def _slice_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dims, size = known_rank("StridedSlice", inputs[0]), attrs["size"]
    if not len(dims) == len(size) == len(attrs["begin"]) == len(attrs["strides"]):
        raise ShapeError(f"StridedSlice: begin, size and strides must have one entry for each axis of {inputs[0]!r}")
    for axis, (d, b, n, s) in enumerate(zip(dims, attrs["begin"], size, attrs["strides"], strict=True)):
        if isinstance(d, int) and isinstance(b, int) and isinstance(n, int) and n:
            if n < 0 or not 0 <= b < d or not 0 <= b + (n - 1) * s < d:
                raise ShapeError(f"StridedSlice: slice index {b} of dimension {axis} out of bounds: {n} elements from "
                                 f"there, {s} apart, are not in an axis of size {d}")
    return [TensorType(inputs[0].dtype, size)]


def _slice_reference(x: np.ndarray, begin: Dims, size: Dims, strides: tuple[int, ...]) -> np.ndarray:
    return x[_slices(begin, size, strides)]


def _slices(begin: Any, size: Any, strides: tuple[int, ...]) -> tuple[slice, ...]:
    """NumPy's slices for size[k] elements from begin[k] on, strides[k] apart."""
    index = []
    for b, n, s in zip(begin, size, strides, strict=True):
        end = b + n * s
        index.append(slice(b, None if s < 0 and end < 0 else end, s) if n else slice(0, 0))
    return tuple(index)


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
    x = convert_to_tensor(input_, name="Slice/input")
    dims = known_rank("Slice", x)
    starts, sizes = static_dims("Slice", "begin", begin), static_dims("Slice", "size", size)
    if not len(starts) == len(sizes) == len(dims):
        raise ShapeError(f"Slice: begin {begin!r} and size {size!r} must have one entry for each axis of {x!r}")
    sizes = tuple(d - b if isinstance(n, int) and n == -1 else n
                  for d, b, n in zip(dims, starts, sizes, strict=True))
    for axis, (d, b, n) in enumerate(zip(dims, starts, sizes, strict=True)):
        if isinstance(d, int) and isinstance(b, int) and isinstance(n, int) and not 0 <= b <= b + n <= d:
            raise ShapeError(f"Slice: Expected size[{axis}] in [0, {d - b}] from begin {b} on, but got {n}, for {x!r}")
    return strided_slice(x, starts, sizes, (1,) * len(dims), name)


def slice_axis(x: Tensor, axis: int, begin: DimLike, size: DimLike, name: str | None = None) -> Tensor:
    """`size` elements along one axis from `begin` on."""
    dims = known_rank("StridedSlice", x)
    starts = tuple(begin if i == axis else 0 for i in range(len(dims)))
    return strided_slice(x, starts, tuple(size if i == axis else d for i, d in enumerate(dims)), (1,) * len(dims), name)


# boxes copied into an output


def _place_reference(x: np.ndarray, dims: Dims, begin: Dims, strides: tuple[int, ...], value: float) -> np.ndarray:
    out = np.full(dims, value, x.dtype)  # type: ignore[type-var]
    out[_slices(begin, x.shape, strides)] = x
    return out


_place = OpDef(
    "Place", COPY, lambda inputs, attrs: [TensorType(inputs[0].dtype, attrs["dims"])],
    lambda op, g: [strided_slice(g, op.attrs["begin"], known_rank("Place", op.inputs[0]), op.attrs["strides"])],
    _place_reference,
    lower=lambda op: (op.attrs["value"], [(op.inputs[0], op.attrs["begin"], op.attrs["strides"])]))


def place(x: Tensor, dims: Dims | None, begin: Dims, strides: tuple[int, ...] | None = None, value: Any = 0,
          name: str | None = None) -> Tensor:
    """A tensor of shape `dims` filled with `value`, with `x` at begin[k], begin[k] + strides[k], ... of axis k."""
    assert dims is not None
    return _place(x, dims=tuple(dims), begin=tuple(begin), strides=tuple(strides or (1,) * len(dims)), value=value,
                  name=name)


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str = "Pad", constant_values: Any = 0) -> Tensor:
    """`tensor` with paddings[k] = (before, after) elements added along axis k.

    `mode` is "CONSTANT" (`constant_values`), "REFLECT" (mirrored at the border elements) or "SYMMETRIC" (mirrored,
    border elements included). Raises ShapeError for more mirrored elements than there are.
    """
    x = convert_to_tensor(tensor, name="Pad/tensor")
    rank = len(known_rank("Pad", x))
    pairs = [tuple(p) for p in static_ints("Pad", "paddings", paddings)]
    if len(pairs) != rank or any(len(p) != 2 for p in pairs):
        raise ShapeError(f"Pad: paddings must have one (before, after) for each axis of {x!r}, received {paddings!r}")
    if min((int(n) for p in pairs for n in p), default=0) < 0:
        raise ShapeError(f"Pad: paddings must be non-negative, received {paddings!r}")
    if mode.upper() in ("REFLECT", "SYMMETRIC"):
        for axis, (before, after) in enumerate(pairs):
            x = _mirrored(x, axis, int(before), int(after), mode.upper() == "REFLECT")
        return identity(x, name)
    if mode.upper() != "CONSTANT":
        raise ValueError(f"Pad: mode must be 'CONSTANT', 'REFLECT' or 'SYMMETRIC', received {mode!r}")
    starts = tuple(int(before) for before, _ in pairs)
    assert x.dims is not None
    dims = tuple(before + d + int(after) for (before, after), d in zip(pairs, x.dims, strict=True))
    value = static_ints("Pad", "constant_values", constant_values)
    return place(x, dims, starts, value=x.dtype.np.type(value).item(), name=name)


def _mirrored(x: Tensor, axis: int, before: int, after: int, reflect: bool) -> Tensor:
    size, skip = known_rank("MirrorPad", x)[axis], int(reflect)
    if isinstance(size, int) and max(before, after) > size - skip:
        raise ShapeError(f"MirrorPad: cannot add {max(before, after)} mirrored elements to axis {axis} of {x!r}")
    parts = [x]
    if before:
        parts.insert(0, reverse(slice_axis(x, axis, skip, before), axis))
    if after:
        parts.append(reverse(slice_axis(x, axis, size - skip - after, after), axis))
    return concat(parts, axis) if len(parts) > 1 else x


def _concat_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dtype, axis = check_same_dtype("ConcatV2", inputs), attrs["axis"]
    shapes = [t.dims for t in inputs if t.dims is not None]
    shown = " and ".join(format_dims(t.dims) for t in inputs)
    if any(len(s) != len(shapes[0]) for s in shapes):
        raise ShapeError(f"ConcatV2: the inputs must have the same rank, received {shown}")
    if len(shapes) < len(inputs):
        return [TensorType(dtype, None)]
    merged = list(shapes[0])
    for dims in shapes[1:]:
        for i, (a, b) in enumerate(zip(merged, dims, strict=True)):
            if i == axis:
                merged[i] = a + b
            elif isinstance(a, int) and isinstance(b, int) and a != b:
                raise ShapeError(f"ConcatV2: Dimension {i} must be equal, but are {a} and {b}, received {shown}")
            elif isinstance(b, int):
                merged[i] = b
    return [TensorType(dtype, tuple(merged))]


def _concat_boxes(op: Operation) -> tuple[None, list[tuple[Tensor, Dims, tuple[int, ...]]]]:
    boxes, axis = [], op.attrs["axis"]
    at: DimLike = 0
    for x in op.inputs:
        dims = known_rank("ConcatV2", x)
        boxes.append((x, tuple(at if i == axis else 0 for i in range(len(dims))), (1,) * len(dims)))
        at = at + dims[axis]
    return None, boxes


def _concat_grad(op: Operation, g: Tensor) -> list[Tensor]:
    return [strided_slice(g, begin, x.dims, strides) for x, begin, strides in _concat_boxes(op)[1]]  # type: ignore[arg-type]


_concat = OpDef("ConcatV2", COPY, _concat_types, _concat_grad, lambda *xs, axis: np.concatenate(xs, axis),
                lower=_concat_boxes)


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Tensors joined along an axis that exists. Raises ShapeError if their other sizes differ."""
    tensors = convert_all("ConcatV2", values if isinstance(values, (list, tuple)) else [values])
    ranks = [len(t.dims) for t in tensors if t.dims is not None]
    if not ranks:
        raise ShapeError("ConcatV2: the rank of at least one input must be known")
    axis = normalize_axis("ConcatV2", static_ints("ConcatV2", "axis", axis), ranks[0])
    return identity(tensors[0], name) if len(tensors) == 1 else _concat(*tensors, axis=axis, name=name)


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape joined along a new axis."""
    tensors = convert_all("Pack", unstack(values) if is_tensor(values) else list(values))
    if not tensors:
        raise ValueError("Pack: there must be at least one tensor to stack")
    for t in tensors[1:]:
        if not tensors[0].shape.is_compatible_with(t.shape):
            raise ShapeError(f"Pack: shapes must be equal, received {tensors[0].shape} and {t.shape}")
    axis = normalize_axis("Pack", axis, len(known_rank("Pack", tensors[0])) + 1)
    return concat([expand_dims(t, axis, name=f"{name}/part") for t in tensors], axis, name=name)


def _stack_tensors(value: Any, dtype: DType | None, name: str | None) -> Tensor | None:
    """The conversion of a (nested) list that has tensors in it."""
    leaves = _tensor_leaves(value)
    if not leaves:
        return None
    like = dtype or leaves[0].dtype
    return stack([convert_to_tensor(v, like) for v in value], name=name or "stack")


def _tensor_leaves(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in _tensor_leaves(v)]
    return [value] if is_tensor(value) else []


register_conversion((list, tuple), _stack_tensors)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """The slices along an axis of known size."""
    x = convert_to_tensor(value, name="Unpack/value")
    dims = known_rank("Unpack", x)
    axis = normalize_axis("Unpack", axis, len(dims))
    count = dims[axis] if num is None else num
    if isinstance(count, Dim):
        raise ValueError(f"Cannot infer num from shape {x.shape}")
    if isinstance(dims[axis], int) and count != dims[axis]:
        raise ShapeError(f"Unpack: num is {count}, but axis {axis} of {x!r} has size {dims[axis]}")
    return [squeeze(slice_axis(x, axis, i, 1), [axis], name=name) for i in range(count)]


def split(value: Any, num_or_size_splits: Any, axis: int = 0, num: int | None = None, name: str = "split",
          split_dim: int | None = None) -> list[Tensor]:
    """Pieces along `axis`: that many equal ones, or of the given sizes (one may be -1)."""
    x = convert_to_tensor(value, name="Split/value")
    dims = known_rank("Split", x)
    axis = normalize_axis("Split", static_ints("Split", "axis", axis if split_dim is None else split_dim), len(dims))
    total = dims[axis]
    if isinstance(num_or_size_splits, (int, np.integer)):
        count = int(num_or_size_splits)
        if count < 1 or isinstance(total, int) and total % count:
            raise ShapeError(f"Split: axis {axis} of {x!r} has size {total}, which does not divide evenly by {count}")
        sizes: list[DimLike] = [total // count] * count
    else:
        sizes = list(static_dims("Split", "the sizes", num_or_size_splits))
        if sizes.count(-1) > 1:
            raise ShapeError(f"Split: only one size may be -1, received {sizes}")
        if -1 in sizes:
            rest = total
            for s in sizes:
                rest = rest - s if s != -1 else rest
            sizes = [rest if s == -1 else s for s in sizes]
        known = [s for s in sizes if isinstance(s, int)]
        if isinstance(total, int) and len(known) == len(sizes) and (sum(known) != total or min(known, default=0) < 0):
            raise ShapeError(f"Split: sizes {sizes} do not add up to {total}, the size of axis {axis} of {x!r}")
    pieces: list[Tensor] = []
    at: DimLike = 0
    for size in sizes:
        pieces.append(slice_axis(x, axis, at, size, name))
        at = at + size
    return pieces


# repetition


def _tile_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dims = known_rank("Tile", inputs[0])
    return [TensorType(inputs[0].dtype, tuple(d * m for d, m in zip(dims, attrs["multiples"], strict=True)))]


def _tile_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    dims: list[DimLike] = []
    for d, m in zip(known_rank("Tile", op.inputs[0]), op.attrs["multiples"], strict=True):
        dims += [m, d]
    return [reduce_sum(reshape(g, dims), range(0, len(dims), 2))]


_tile = OpDef(
    "Tile", INDEX, _tile_types, _tile_grad, lambda x, multiples: np.tile(x, multiples),
    lower=lambda emit, op, index: emit.element(
        op.inputs[0], [f"({i}) % {emit.size(op.inputs[0], a)}" for a, i in enumerate(index)]))


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """`input` repeated multiples[i] times along axis i."""
    x = convert_to_tensor(input, name="Tile/input")
    times = static_dims("Tile", "multiples", multiples)
    if len(times) != len(known_rank("Tile", x)):
        raise ShapeError(f"Tile: multiples must have one entry for each axis of {x!r}, received {multiples!r}")
    if any(isinstance(m, int) and m < 0 for m in times):
        raise ShapeError(f"Tile: multiples must be non-negative, received {multiples!r}")
    return _tile(x, multiples=times, name=name)
