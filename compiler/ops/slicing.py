"""Tensors of parts and parts of tensors: pad, concat, stack, split, tile (slices.py has slices)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import DimLike
from ..dtypes import DType, int32
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import COMPOSITE, COPY, OpDef
from ..shapes import Dims, format_dims, normalize_axis, unequal
from .arguments import check_same_dtype, convert_all, is_tensor
from .constant import convert_to_tensor, register_conversion
from .dynamic_slice import is_data, items_of, overwrite, scalar_of, vector_of
from .elementwise import cast
from .families import composite
from .mirror import mirror_pad
from .reduction import reduce_sum
from .slices import place, slice_, slice_axis, strided_slice
from .symbolic import static_ints
from .view import (
    broadcast_to,
    expand_dims,
    fill,
    identity,
    known_rank,
    reshape,
    reverse,
    shape_of,
    squeeze,
    zeros,
)

# elements around a tensor


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str = "Pad", constant_values: Any = 0) -> Tensor:
    """`tensor` with paddings[k] = (before, after) elements added along axis k; all may be data.

    `mode` is "CONSTANT" (`constant_values`), "REFLECT" (mirrored at the border elements) or "SYMMETRIC" (mirrored,
    border elements included). Raises ShapeError for more mirrored elements than there are.
    """
    x = convert_to_tensor(tensor, name="Pad/tensor")
    pairs = _paddings(x, paddings)
    if mode.upper() not in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        raise ValueError('Pad: Value of argument `mode` expected to be one of "CONSTANT", "REFLECT", or "SYMMETRIC". '
                         f"Received `mode` = {mode!r}")
    if x.dims is None:
        x = identity(x)
        x.set_shape([None] * len(pairs))
    if mode.upper() != "CONSTANT":
        skip = int(mode.upper() == "REFLECT")
        if not is_data([n for pair in pairs for n in pair]) and all(
                isinstance(n, int) and n >= 0 for pair, d in zip(pairs, known_rank("MirrorPad", x), strict=True)
                if pair != (0, 0) for n in (*pair, d)):
            for axis, pair in enumerate(pairs):
                _check_mirrored(x, axis, pair, skip)
            return mirror_pad(x, paddings=tuple(pairs), skip=skip, name=name)
        for axis, (before, after) in enumerate(pairs):
            x = _mirrored(x, axis, before, after, skip)
        return identity(x, name)
    if not (is_tensor(constant_values) or x.dtype.is_string
            or is_data([n for pair in pairs for n in pair])):
        dims = tuple(before + d + after for (before, after), d in zip(pairs, known_rank("Pad", x), strict=True))
        known = x.dtype.np.type(static_ints("Pad", "constant_values", constant_values)).item()
        return place(x, dims, tuple(before for before, _ in pairs), value=known, name=name)
    with x.graph.name_scope(name) as scope:
        counts = [_total(before, d, after) for (before, after), d in zip(pairs, known_rank("Pad", x), strict=True)]
        value = b"" if x.dtype.is_string and constant_values == 0 else constant_values
        filled = fill(vector_of(counts), convert_to_tensor(value, x.dtype))
        result = overwrite(filled, vector_of([before for before, _ in pairs]), x, (1,) * len(pairs), scope)
        result.dims = tuple(dm.fresh() if isinstance(n, Tensor) else n for n in counts)
        return result


def _paddings(x: Tensor, paddings: Any) -> list[tuple[Any, Any]]:
    """Pairs of sizes: numbers, or tensors where they are data."""
    rows = paddings if isinstance(paddings, (list, tuple)) else convert_to_tensor(paddings)
    if isinstance(rows, Tensor):
        if rows.dims is None or len(rows.dims) != 2 or not all(isinstance(d, int) for d in rows.dims):
            raise ShapeError(f"Pad: paddings must be a matrix of known shape, received {rows!r}")
        flat = items_of("Pad", "paddings", reshape(rows, [-1]))
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
        fits = rows.dims[1] == 2
    else:
        pairs = [tuple(items_of("Pad", "paddings", row)) for row in rows]  # type: ignore[misc]
        fits = all(len(pair) == 2 for pair in pairs)
    if not fits or x.dims is not None and len(pairs) != len(x.dims):
        raise ShapeError(f"Pad: paddings must have one (before, after) for each axis of {x!r}, received {paddings!r}: "
                         f"Shape must be rank {len(pairs)} but is rank {'?' if x.dims is None else len(x.dims)}")
    if any(isinstance(n, int) and n < 0 for pair in pairs for n in pair):
        raise ShapeError(f"Pad: paddings must be non-negative, received {paddings!r}")
    return pairs


def _total(before: Any, d: Any, after: Any) -> Any:
    if not is_data([before, after]):
        return before + d + after
    return cast(scalar_of(before), int32) + scalar_of(d) + cast(scalar_of(after), int32)


def _check_mirrored(x: Tensor, axis: int, pair: tuple[Any, Any], skip: int) -> None:
    size = known_rank("MirrorPad", x)[axis]
    if isinstance(size, int) and any(isinstance(n, int) and n > max(0, size - skip) for n in pair):
        raise ShapeError(f"MirrorPad: cannot add {pair[0]} and {pair[1]} mirrored elements to axis {axis} of {x!r}")


def _mirrored(x: Tensor, axis: int, before: Any, after: Any, skip: int) -> Tensor:
    """`x` with elements in front of and behind an axis, mirrored; the first and last `skip` are not repeated."""
    dims = known_rank("MirrorPad", x)
    size = dims[axis]
    _check_mirrored(x, axis, (before, after), skip)

    def part(begin: Any, count: Any) -> Tensor:
        if not is_data([begin, count]):
            return reverse(slice_axis(x, axis, begin, count), axis)
        return reverse(slice_(x, [begin if k == axis else 0 for k in range(len(dims))],
                              [count if k == axis else -1 for k in range(len(dims))]), axis)

    parts = [x]
    if isinstance(before, Tensor) or before:
        parts.insert(0, part(skip, before))
    if isinstance(after, Tensor) or after:
        parts.append(part(scalar_of(size) - skip - after if isinstance(after, Tensor) else size - skip - after, after))
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
    axis = attrs["axis"] = normalize_axis("ConcatV2", axis, len(merged))
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
    """Tensors joined along an axis that exists. Raises ShapeError if there are none, or their other sizes differ."""
    tensors = convert_all("ConcatV2", values if isinstance(values, (list, tuple)) else [values])
    ranks = [len(t.dims) for t in tensors if t.dims is not None]
    axis = static_ints("ConcatV2", "axis", axis)
    axis = normalize_axis("ConcatV2", axis, ranks[0]) if ranks else axis
    return identity(tensors[0], name) if len(tensors) == 1 else _concat(*tensors, axis=axis, name=name)


def _pack_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dtype = check_same_dtype("Pack", inputs)
    merged = inputs[0].shape
    for t in inputs[1:]:
        if not merged.is_compatible_with(t.shape):
            raise ShapeError(f"Pack: {unequal(merged.dims, t.dims)}; received {inputs[0].shape} and {t.shape}")
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
        raise ShapeError(f"Unpack: Dimension must be {count} but is {x.dims[axis]}: axis {axis} of {x!r}")
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
        raise ShapeError(f"{name}: can't split axis of size {total} into pieces of size "
                         f"[{','.join(map(str, sizes))}]: axis {axis} of {x!r}")
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


def _tile_expand(x: Tensor, multiples: Sequence[DimLike]) -> Tensor:
    """A repeated axis becomes (times, size), is broadcast, and joined again."""
    parts: list[DimLike] = []
    wanted: list[DimLike] = []
    dims = known_rank("Tile", x)
    for d, m in zip(dims, multiples, strict=True):
        joined = isinstance(m, int) and m == 1 or isinstance(d, int) and d == 1
        parts += [d] if joined else [1, d]
        wanted += [d * m] if joined else [m, d]
    return reshape(broadcast_to(reshape(x, parts), wanted), [d * m for d, m in zip(dims, multiples, strict=True)])


_tile = OpDef("Tile", COMPOSITE, _tile_types, _tile_grad, lambda x, multiples: np.tile(x, multiples),
              expand=_tile_expand)


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """`input` repeated multiples[i] times along axis i. Multiples may be data."""
    x = convert_to_tensor(input, name="Tile/input")
    dims = known_rank("Tile", x)
    times = items_of("Tile", "multiples", multiples, len(dims))
    if len(times) != len(dims):
        raise ShapeError(f"Tile: multiples must have one entry for each axis of {x!r}, received {multiples!r}: Shape "
                         f"must be rank {len(known_rank('Tile', x))} but is rank {len(times)}")
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
