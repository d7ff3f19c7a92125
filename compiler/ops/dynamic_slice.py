"""Slices from where a run says: the beginning is data, the size may be.

A slice at known bounds is another op (slicing.py), which needs no check and no operand.
"""
from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dims import Dim, DimLike
from ..dtypes import int32, int64
from ..errors import DTypeError, InvalidArgumentError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import INDEX, OpDef
from .arguments import check_same_dtype, is_tensor
from .constant import convert_to_tensor
from .elementwise import cast, floordiv, maximum, minimum, where
from .symbolic import operand_dims, shape_operand, symbolic_value
from .view import dim_scalar, shape_of, zeros

Bound = DimLike | Tensor


def items_of(op: str, what: str, value: Any, rank: int | None = None) -> list[Bound]:
    """The elements of a vector argument: ints and Dims where they are known, else integer scalars."""
    if not is_tensor(value):
        items = list(value) if hasattr(value, "__iter__") else [value]
        try:
            return [_known(op, what, v) if is_tensor(v) else v if isinstance(v, Dim) else operator.index(v)
                    for v in items]
        except TypeError:
            raise ShapeError(f"{op}: {what} must be made of integers, received {value!r}") from None
    vector = convert_to_tensor(value)
    if not vector.dtype.is_integer:
        raise DTypeError(f"{op}: {what} must be integers, received {vector!r}")
    known = symbolic_value(vector)
    if known is not None:
        return [v if isinstance(v, Dim) else int(v) for v in known.ravel()]
    if vector.op.type == "Pack":
        return [_known(op, what, t) for t in vector.op.inputs]
    length = vector.dims[0] if vector.dims and isinstance(vector.dims[0], int) else rank
    if not isinstance(length, int):
        raise ShapeError(f"{op}: the length of {what} must be known, received {vector!r}")
    return [vector[i] for i in range(length)]


def _known(op: str, what: str, value: Any) -> Bound:
    scalar = convert_to_tensor(value)
    if not scalar.dtype.is_integer:
        raise DTypeError(f"{op}: {what} must be integers, received {scalar!r}")
    found = symbolic_value(scalar)
    if found is None:
        return scalar
    item = found.item()
    return item if isinstance(item, Dim) else int(item)


def is_data(items: Sequence[Any]) -> bool:
    return any(isinstance(i, Tensor) for i in items)


def scalar_of(value: Bound) -> Tensor:
    """A bound as an integer scalar."""
    return value if isinstance(value, Tensor) else dim_scalar(value)


def vector_of(items: Sequence[Bound]) -> Tensor:
    """Bounds as an integer vector."""
    if not is_data(items):
        return shape_operand(tuple(items))
    wide = int64 if any(isinstance(i, Tensor) and i.dtype == int64 for i in items) else int32
    return convert_to_tensor([cast(scalar_of(i), wide) for i in items])


def _corners(x: np.ndarray, begin: np.ndarray, size: Sequence[int], strides: Sequence[int]) -> tuple[slice, ...]:
    """NumPy's slices, checked."""
    index = []
    for k, (d, b, n, s) in enumerate(zip(x.shape, begin.tolist(), size, strides, strict=True)):
        last = b + (n - 1) * s
        if n and not (0 <= b < d and 0 <= last < d):
            raise InvalidArgumentError(f"slice index {b} of dimension {k} out of bounds: Expected size[{k}] in "
                                       f"[0, {max(d - b, 0)}], but got {n}")
        index.append(slice(b, None if last + s < 0 else last + s, s) if n else slice(0, 0))
    return tuple(index)


def _first(emit: Any, op: Operation, begin: Tensor, k: int, d: DimLike, n: DimLike, stride: int) -> str:
    """The source of the checked first index of axis k."""
    limit = emit.dim(d) if stride < 0 else f"({emit.dim(d)} - ({emit.dim(n)} - 1) * {stride})"
    return emit.checked_index(emit.element(begin, [str(k)]), limit, op)


def _slice_lower(emit: Any, op: Operation, index: Sequence[str]) -> str:
    x, begin = op.inputs[:2]
    at = []
    for k, (i, s) in enumerate(zip(index, op.attrs["strides"], strict=True)):
        first = _first(emit, op, begin, k, x.dims[k], op.output.dims[k], s)  # type: ignore[index]
        at.append(f"{first} + ({i}) * {s}" if s != 1 else f"{first} + ({i})")
    return emit.element(x, at)


def _slice_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [TensorType(inputs[0].dtype, operand_dims(inputs[2]))]


def _slice_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    x, begin = op.inputs[:2]
    return [overwrite(zeros(shape_of(x), x.dtype), begin, g, op.attrs["strides"]), None, None]


# out[i] = x[begin + i * stride]
_dynamic_slice = OpDef(
    "Slice", INDEX, _slice_types, _slice_grad,
    lambda x, begin, size, strides: x[_corners(x, begin, [int(n) for n in size], strides)],
    lower=_slice_lower, fields={"shape_operand": 2})


def dynamic_slice(x: Tensor, begin: Sequence[Bound], size: Sequence[Bound], strides: Sequence[int] | None = None,
                  name: str | None = None) -> Tensor:
    """size[k] elements along axis k from begin[k] on, strides[k] apart.

    Raises InvalidArgumentError when the graph runs if they are not all in `x`.
    """
    return _slice(x, vector_of(begin), vector_of(size), tuple(strides or (1,) * len(begin)), name)


def _slice(x: Tensor, begin: Tensor, size: Tensor, strides: tuple[int, ...], name: str | None = None) -> Tensor:
    return _dynamic_slice(x, begin, size, strides=strides, name=name)


# a part of a tensor replaced


def _overwrite_reference(x: np.ndarray, begin: np.ndarray, value: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    out = x.copy()
    out[_corners(x, begin, value.shape, strides)] = value
    return out


def _overwrite_lower(emit: Any, op: Operation, index: Sequence[str]) -> str:
    x, begin, value = op.inputs
    hits, at = [], []
    for k, (i, s) in enumerate(zip(index, op.attrs["strides"], strict=True)):
        n = value.dims[k]  # type: ignore[index]
        first = _first(emit, op, begin, k, x.dims[k], n, s)  # type: ignore[index]
        step = emit.let(f"(i64({i}) - {first}) * {1 if s > 0 else -1}", int64)
        inside = f"{step} >= 0 and {step} < {emit.dim(n)} * {abs(s)}"
        hits.append(f"({inside})" if abs(s) == 1 else f"({inside} and {step} % {abs(s)} == 0)")
        at.append(f"{step} // {abs(s)}" if abs(s) != 1 else step)
    if not hits:
        return emit.element(value, ())
    if any(isinstance(d, int) and d == 0 for d in value.dims or ()):
        return emit.element(x, index)
    hit = emit.let(" and ".join(hits), int32)
    new = emit.element(value, [emit.let(f"select({hit} != 0, i64({a}), i64(0))", int64) for a in at])
    return emit.let(f"select({hit} != 0, {new}, {emit.element(x, index)})", op.output.dtype)


def _overwrite_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    check_same_dtype("StridedSliceUpdate", [inputs[0], inputs[2]])
    return [inputs[0].type]


def _overwrite_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    begin, value = op.inputs[1:]
    strides = op.attrs["strides"]
    return [overwrite(g, begin, zeros(shape_of(value), value.dtype), strides), None,
            _slice(g, begin, shape_of(value), strides)]


# x with x[begin + i * stride] = value[i]
_overwrite = OpDef("StridedSliceUpdate", INDEX, _overwrite_types, _overwrite_grad, _overwrite_reference,
                   lower=_overwrite_lower)


def overwrite(x: Tensor, begin: Tensor, value: Tensor, strides: tuple[int, ...], name: str | None = None) -> Tensor:
    """`x` with the elements from `begin` on, `strides` apart, replaced by those of `value`, which has its rank."""
    return _overwrite(x, begin, value, strides=strides, name=name)


# Python's slices


def python_range(dim: DimLike, start: Any, stop: Any, step: Any) -> tuple[Bound, Bound]:
    """(first index, count) of range(dim)[start:stop:step] where a bound, or the step, is data."""
    size = scalar_of(dim)

    def by_direction(ahead: Any, back: Any) -> Any:
        return where(step > 0, ahead, back) if isinstance(step, Tensor) else ahead if step > 0 else back

    lowest, highest = by_direction(0, -1), by_direction(size, size - 1)

    def bound(value: Any, default: Any) -> Tensor:
        if value is None:
            return convert_to_tensor(default, int32)
        index = cast(scalar_of(value), int32)
        return minimum(maximum(where(index < 0, index + size, index), lowest), highest)

    first, last = bound(start, by_direction(lowest, highest)), bound(stop, by_direction(highest, lowest))
    count = maximum(floordiv(last - first + step + by_direction(-1, 1), step), 0)
    return first, count
