"""Slices, and tensors placed in larger ones: each the gradient of the other.

The `lower` of a COPY op gives (fill value or None, [(input, begin, strides)]): each input is copied into the output
from begin[k] on, strides[k] apart along axis k; with (..., first, size) only the size[k] elements from first[k] on.
"""
from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import Dim, DimLike
from ..dtypes import int32
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import COPY, INDEX, OpDef
from ..shapes import Dims
from .constant import convert_to_tensor
from .dynamic_slice import dynamic_slice, is_data, items_of, scalar_of
from .elementwise import cast, equal, where
from .view import known_rank, shape

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
        raise ShapeError(f"Slice: Shape must be rank {len(starts)} but is rank {len(dims)}: begin {begin!r} and size "
                         f"{size!r} must have one entry for each axis of {x!r}")
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
        counts = [_rest(d, b) if o else _count(d, b, n) if isinstance(n, Tensor) else n
                  for d, b, n, o in zip(rest, starts, sizes, open_end, strict=True)]
        result = dynamic_slice(x, starts, counts, name=scope)
        result.dims = tuple(c if k and not isinstance(c, Tensor) else dm.fresh()
                            for c, k in zip(counts, known, strict=True))
        return result


def _rest(d: Any, b: Any) -> Any:
    return scalar_of(d) - cast(scalar_of(b), int32) if is_data([d, b]) else d - b


def _count(d: Any, b: Any, n: Tensor) -> Tensor:
    """A size that is data, which may turn out to be -1."""
    return where(equal(n, -1), cast(_rest(d, b) if is_data([d, b]) else scalar_of(d - b), n.dtype), n)


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


# what leaves an axis at one end and enters it at the other: out[i] = x[i - shift]


def _roll_boxes(op: Operation) -> tuple[None, list[Any]]:
    x, = op.inputs
    halves = []  # of each axis: where they go, where they are from, and their sizes
    for d, by in zip(known_rank("Roll", x), op.attrs["shifts"], strict=True):
        cut = -by % dm.maximum(d, 1) if by else 0
        halves.append([(0, cut, d - cut), (d - cut, 0, cut)] if by else [(0, 0, d)])
    return None, [(x, *zip(*((begin, 1, first, size) for begin, first, size in part), strict=True))
                  for part in product(*halves)]


_roll = OpDef(
    "Roll", COPY, lambda inputs, attrs: [inputs[0].type],
    lambda op, g: [roll(g, tuple(-by for by in op.attrs["shifts"]))],
    lambda x, shifts: np.roll(x, shifts, tuple(range(x.ndim))), lower=_roll_boxes)


def roll(x: Tensor, shifts: Sequence[int], name: str | None = None) -> Tensor:
    """`x` with its elements moved on by shifts[k] along axis k, those at the end returning to the start."""
    return _roll(x, shifts=tuple(shifts), name=name)
