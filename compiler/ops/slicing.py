"""Parts of tensors and tensors of parts: slices, pad, concat, stack, split, tile.

The `lower` of a COPY op gives (fill value or None, [(input, begin, strides)]): each input is copied into the output
from begin[k] on, strides[k] apart along axis k.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import Dim, DimLike
from ..dtypes import DType, int32
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import COPY, INDEX, OpDef
from ..shapes import Dims, format_dims, normalize_axis
from .arguments import check_same_dtype, convert_all, is_tensor
from .constant import convert_to_tensor, register_conversion
from .dynamic_slice import dynamic_slice, is_data, items_of, scalar_of, vector_of
from .elementwise import cast
from .families import composite
from .reduction import reduce_sum
from .symbolic import static_ints
from .view import (
    broadcast_to,
    expand_dims,
    identity,
    known_rank,
    reshape,
    reverse,
    shape,
    shape_of,
    squeeze,
    zeros,
)

# slices: out[i] = x[begin + i * stride]


def _slice_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dims, size = known_rank("StridedSlice", inputs[0]), attrs["size"]
    if not len(dims) == len(size) == len(attrs["begin"]) == len(attrs["strides"]):
        raise ShapeError(f"StridedSlice: begin, size and strides must have one entry for each axis of {inputs[0]!r}")
    for axis, (d, b, n, s) in enumerate(zip(dims, attrs["begin"], size, attrs["strides"], strict=True)):
        if isinstance(d, int) and isinstance(b, int) and isinstance(n, int) and n:
            if n < 0 or not 0 <= b < d or not 0 <= b + (n - 1) * s < d:
                raise ShapeError(f"slice index {b} of dimension {axis} out of bounds: Expected size[{axis}] "
                                 f"in [0, {max(d - b, 0)}], but got {n}, {s} apart, of an axis of size {d}")
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
    """size[k] elements along axis k from begin[k] on, strides[k] apart; without a name `x` itself where that is all."""
    if name is None and size == x.dims and not any(isinstance(b, Dim) or b for b in begin) and set(strides) <= {1}:
        return x
    return _strided_slice(x, begin=tuple(begin), size=tuple(size), strides=tuple(strides), name=name)


def slice_(input_: Any, begin: Any, size: Any, name: str = "Slice") -> Tensor:
    """`size` elements from `begin` on along each axis; a size of -1 means all that remain.

    Raises ShapeError for known bounds that are not in the tensor, InvalidArgumentError at run time for others.
    """
    x = convert_to_tensor(input_, name="Slice/input")
    rank = None if x.dims is None else len(x.dims)
    starts, sizes = items_of("Slice", "begin", begin, rank), items_of("Slice", "size", size, rank)
    dims = x.shape.with_rank(len(starts)).dims if x.dims is None else x.dims
    assert dims is not None
    if not len(starts) == len(sizes) == len(dims):
        raise ShapeError(f"Slice: begin {begin!r} and size {size!r} must have one entry for each axis of {x!r}")
    if is_data([*starts, *sizes]) or x.dims is None:
        return _data_slice(x, starts, sizes, dims, name)
    sizes = [d - b if isinstance(n, int) and n == -1 else n for d, b, n in zip(dims, starts, sizes, strict=True)]
    for axis, (d, b, n) in enumerate(zip(dims, starts, sizes, strict=True)):
        if isinstance(d, int) and isinstance(b, int) and isinstance(n, int) and not 0 <= b <= b + n <= d:
            raise ShapeError(f"Slice: Expected size[{axis}] in [0, {d - b}] from begin {b} on, but got {n}, for {x!r}")
    return strided_slice(x, tuple(starts), tuple(sizes), (1,) * len(dims), name)  # type: ignore[arg-type]


def _data_slice(x: Tensor, starts: list[Any], sizes: list[Any], dims: Dims, name: str) -> Tensor:
    with x.graph.name_scope(name) as scope:
        # a size for which the rest of a fed shape stands is not known, nor is any when one of them is data
        open_end = [isinstance(n, int) and n == -1 for n in sizes]
        known = [not is_data(sizes) and not (o and (isinstance(b, Tensor) or x.dims is None))
                 for b, o in zip(starts, open_end, strict=True)]
        rest: list[Any] = [shape(x)[k] for k in range(len(dims))] if x.dims is None else list(dims)
        counts = [_rest(d, b) if o else n for d, b, n, o in zip(rest, starts, sizes, open_end, strict=True)]
        result = dynamic_slice(x, starts, counts, name=scope)
        result.dims = tuple(c if k and not isinstance(c, Tensor) else dm.fresh()
                            for c, k in zip(counts, known, strict=True))
        return result


def _rest(d: Any, b: Any) -> Any:
    return scalar_of(d) - cast(scalar_of(b), int32) if is_data([d, b]) else d - b


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


def _pack_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dtype = check_same_dtype("Pack", inputs)
    merged = inputs[0].shape
    for t in inputs[1:]:
        if not merged.is_compatible_with(t.shape):
            raise ShapeError(f"Pack: Shapes must be equal, received {inputs[0].shape} and {t.shape}")
        merged = merged.merge_with(t.shape)
    if merged.dims is None:
        return [TensorType(dtype, None)]
    axis = attrs["axis"] = normalize_axis("Pack", attrs["axis"], len(merged.dims) + 1)
    return [TensorType(dtype, (*merged.dims[:axis], len(inputs), *merged.dims[axis:]))]


_pack = composite("Pack", infer=_pack_types,
                  expand=lambda *xs, axis: concat([expand_dims(x, axis) for x in xs], axis) if len(xs) > 1 else
                  expand_dims(xs[0], axis),
                  reference=lambda *xs, axis: np.stack(xs, axis),
                  grad=lambda op, g: unstack(g, len(op.inputs), op.attrs["axis"]))


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape joined along a new axis."""
    tensors = convert_all("Pack", unstack(values) if is_tensor(values) or isinstance(values, np.ndarray)
                          else list(values))
    if not tensors:
        raise ValueError("Pack: there must be at least one tensor to stack")
    return _pack(*tensors, axis=static_ints("Pack", "axis", axis), name=name)


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


def _missing(op: Operation, grads: Sequence[Tensor | None]) -> list[Tensor]:
    """The gradients of all outputs, zeros for those that nothing depends on."""
    return [zeros(shape_of(y), y.dtype) if g is None else g for y, g in zip(op.outputs, grads, strict=True)]


def _unpack_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, count = inputs[0], attrs["num"]
    if x.dims is None:
        return [TensorType(x.dtype, None)] * count
    axis = attrs["axis"] = normalize_axis("Unpack", attrs["axis"], len(x.dims))
    if isinstance(x.dims[axis], int) and count != x.dims[axis]:
        raise ShapeError(f"Unpack: num is {count}, but axis {axis} of {x!r} has size {x.dims[axis]}")
    return [TensorType(x.dtype, (*x.dims[:axis], *x.dims[axis + 1:]))] * count


_unpack = composite("Unpack", infer=_unpack_types,
                    expand=lambda x, num, axis: [squeeze(slice_axis(x, axis, i, 1), [axis]) for i in range(num)],
                    reference=lambda x, num, axis: tuple(np.take(x, i, axis) for i in range(num)),
                    grad=lambda op, *gs: [stack(_missing(op, gs), op.attrs["axis"])])


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """The slices along an axis of known size (or `num` of them)."""
    x = convert_to_tensor(value, name="Unpack/value")
    if num is None:
        dims = x.dims
        count = None if dims is None else dims[normalize_axis("Unpack", axis, len(dims))]
        if not isinstance(count, int):
            raise ValueError(f"Cannot infer num from shape {x.shape}")
        num = count
    if num == 0:
        return []
    return list(_unpack.operation(x, num=int(num), axis=axis, name=name).outputs)


def _split_types(name: str) -> Any:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        x, sizes = inputs[0], attrs["sizes"]
        if x.dims is None:
            return [TensorType(x.dtype, None)] * (sizes if isinstance(sizes, int) else len(sizes))
        axis = attrs["axis"] = normalize_axis(name, attrs["axis"], len(x.dims))
        before, after = x.dims[:axis], x.dims[axis + 1:]
        return [TensorType(x.dtype, (*before, n, *after)) for n in _piece_sizes(name, x, axis, sizes)]
    return infer


def _piece_sizes(name: str, x: Tensor, axis: int, sizes: Any) -> list[DimLike]:
    total = known_rank(name, x)[axis]
    if isinstance(sizes, int):
        if sizes < 1 or isinstance(total, int) and total % sizes:
            raise ShapeError(f"{name}: axis {axis} of {x!r} has size {total}, which does not divide evenly by {sizes}: "
                             f"Dimension size must be evenly divisible by {sizes} but is {total}")
        return [total // sizes] * sizes
    known = [n for n in sizes if not (isinstance(n, int) and n == -1)]
    if len(sizes) - len(known) > 1:
        raise ShapeError(f"{name}: only one size may be -1, received {list(sizes)}")
    rest = total - sum(known)
    found = [rest if isinstance(n, int) and n == -1 else n for n in sizes]
    if isinstance(rest, int) and (rest < 0 or rest and len(known) == len(sizes)) or any(
            isinstance(n, int) and n < 0 for n in found):
        raise ShapeError(f"{name}: sizes {list(sizes)} do not add up to {total}, the size of axis {axis} of {x!r}")
    return found


def _pieces(name: str) -> Any:
    def expand(x: Tensor, sizes: Any, axis: int) -> list[Tensor]:
        pieces: list[Tensor] = []
        at: DimLike = 0
        for n in _piece_sizes(name, x, axis, sizes):
            pieces.append(slice_axis(x, axis, at, n))
            at = at + n
        return pieces
    return expand


def _split_reference(x: np.ndarray, sizes: Any, axis: int) -> tuple[np.ndarray, ...]:
    if isinstance(sizes, int):
        return tuple(np.split(x, sizes, axis))
    sizes = [x.shape[axis] - sum(sizes) - 1 if n == -1 else n for n in sizes]
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis))


def _split_grad(op: Operation, *grads: Tensor | None) -> list[Tensor]:
    return [concat(_missing(op, grads), op.attrs["axis"])]


_split, _split_v = (composite(name, infer=_split_types(name), expand=_pieces(name), reference=_split_reference,
                              grad=_split_grad) for name in ("Split", "SplitV"))


def split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str = "split",
          split_dim: Any = None) -> list[Tensor]:
    """Pieces along `axis`: that many equal ones, or of the given sizes (one may be -1).

    Sizes that are data are cut when the graph runs; `num` says how many there are if their vector does not.
    """
    x = convert_to_tensor(value, name="Split/value")
    axis = static_ints("Split", "axis", axis if split_dim is None else split_dim)
    if is_tensor(num_or_size_splits) and convert_to_tensor(num_or_size_splits).dims == ():
        num_or_size_splits = static_ints("Split", "num_or_size_splits", num_or_size_splits)
    if isinstance(num_or_size_splits, (int, np.integer)):
        return list(_split.operation(x, sizes=int(num_or_size_splits), axis=axis, name=name).outputs)
    sizes = items_of("Split", "the sizes", num_or_size_splits, num)
    if not is_data(sizes):
        return list(_split_v.operation(x, sizes=tuple(sizes), axis=axis, name=name).outputs)
    axis = normalize_axis("Split", axis, len(known_rank("Split", x)))
    pieces, at = [], scalar_of(0)
    for n in sizes:
        count = cast(scalar_of(n), at.dtype)
        begin: list[Any] = [at if k == axis else 0 for k in range(len(x.dims or ()))]
        pieces.append(slice_(x, begin, [count if k == axis else -1 for k in range(len(begin))], name))
        pieces[-1].dims = tuple(dm.fresh() if k == axis else d for k, d in enumerate(x.dims or ()))
        at = at + count
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
    """`input` repeated multiples[i] times along axis i. Multiples may be data."""
    x = convert_to_tensor(input, name="Tile/input")
    dims = known_rank("Tile", x)
    times = items_of("Tile", "multiples", multiples, len(dims))
    if len(times) != len(dims):
        raise ShapeError(f"Tile: multiples must have one entry for each axis of {x!r}, received {multiples!r}")
    if any(isinstance(m, int) and m < 0 for m in times):
        raise ShapeError(f"Tile: multiples must be non-negative, received {multiples!r}")
    if not is_data(times):
        return _tile(x, multiples=tuple(times), name=name)
    with x.graph.name_scope(name or "Tile") as scope:  # axis k becomes (times, size), repeated and joined again
        pairs = [n for m, d in zip(times, dims, strict=True) for n in (m, d)]
        parts = reshape(x, tuple(n for d in dims for n in (1, d)))
        joined = [cast(scalar_of(m), int32) * scalar_of(d) if is_data([m]) else m * d
                  for m, d in zip(times, dims, strict=True)]
        return reshape(broadcast_to(parts, vector_of(pairs)), vector_of(joined), name=scope)
