"""Python's operators on tensors, with TensorFlow's op names."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import DimLike
from ..errors import DTypeError, ShapeError
from ..ir import Tensor
from . import elementwise as ew
from .arguments import convert_all
from .contraction import matmul
from .gather import gather
from .slicing import strided_slice
from .symbolic import symbolic_value
from .view import known_rank, reshape


def divide(x: Any, y: Any, name: str = "truediv") -> Tensor:
    """True division: integers become float64 (float32 for 8 and 16 bits), as in Python 3 and TensorFlow."""
    x, y = convert_all("truediv", (x, y))
    if x.dtype.is_integer:
        wide = "float32" if x.dtype.size <= 2 else "float64"
        x, y = ew.cast(x, wide), ew.cast(y, wide)
    return ew.real_divide(x, y, name)


def _logical(logical: Callable[..., Tensor], bitwise: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def build(x: Any, y: Any, name: str | None = None) -> Tensor:
        x, y = convert_all("and", (x, y))
        return (logical if x.dtype.is_bool else bitwise)(x, y, name)
    return build


def get_item(x: Tensor, key: Any, name: str = "strided_slice") -> Tensor:
    """NumPy's basic indexing: ints, slices, None, `...`; a scalar or vector integer tensor gathers along its axis."""
    items = list(key) if isinstance(key, tuple) else [key]
    dims = known_rank("StridedSlice", x)
    rank = len(dims)
    used = sum(1 for i in items if i is not None and i is not Ellipsis)
    if used > rank:
        raise ShapeError(f"StridedSlice: too many indices: {used}, but {x!r} has only {rank} dims")
    if not any(i is Ellipsis for i in items):
        items.append(Ellipsis)
    at = next(n for n, i in enumerate(items) if i is Ellipsis)
    items[at:at + 1] = [slice(None)] * (rank - used)
    begin: list[DimLike] = []
    sizes: list[DimLike] = []
    strides: list[int] = []
    final: list[DimLike | None] = []  # the shape after dropping integer axes and adding new ones
    gathers: list[tuple[int, Tensor]] = []
    for item in items:
        if item is None:
            final.append(1)
            continue
        axis = len(begin)
        dim = dims[axis]
        if isinstance(item, Tensor) and symbolic_value(item) is None:
            gathers.append((axis, item))
            item = slice(None)
        start, count, step, keep = _bounds(x, axis, dim, item)
        begin.append(start)
        sizes.append(count)
        strides.append(step)
        if keep:
            final.append(count)
    kept = tuple(final) == tuple(sizes)
    sliced = strided_slice(x, tuple(begin), tuple(sizes), tuple(strides), name=name if kept else f"{name}/slice")
    if gathers:
        if len(items) != rank or len(final) != rank or len(gathers) > 1:
            raise TypeError(f"StridedSlice: only one tensor index beside full slices is supported, received {key!r}")
        (axis, indices), = gathers
        return gather(sliced, indices, axis)
    return sliced if kept else reshape(sliced, tuple(final), name=name)


def _bounds(x: Tensor, axis: int, dim: DimLike, item: Any) -> tuple[DimLike, DimLike, int, bool]:
    """(begin, size, stride, whether the axis stays) of one index."""
    if isinstance(item, Tensor):
        item = symbolic_value(item).item()  # type: ignore[union-attr]
    if isinstance(item, (int, np.integer)) and not isinstance(item, bool):
        index = int(item)
        if isinstance(dim, int) and not -dim <= index < dim:
            raise ShapeError(f"StridedSlice: index {index} is out of range for axis {axis} of {x!r}")
        return (index if index >= 0 else dim + index), 1, 1, False
    if isinstance(item, dm.Dim):
        return item, 1, 1, False
    if not isinstance(item, slice):
        raise TypeError(f"StridedSlice: indices must be integers, slices, None, ... or integer tensors, "
                        f"received {item!r} for axis {axis} of {x!r}")
    step = 1 if item.step is None else _integer(item.step)
    if step == 0:
        raise ValueError("StridedSlice: the stride must not be 0")
    start, stop = _bound(item.start, dim), _bound(item.stop, dim)
    if isinstance(dim, int) and not isinstance(start, dm.Dim) and not isinstance(stop, dm.Dim):
        within = range(dim)[start:stop:step]
        return within.start, len(within), step, True
    low: DimLike
    high: DimLike
    if step < 0:
        high = dim - 1 if start is None else _clipped(start, dim, -1, dim - 1)
        low = -1 if stop is None else _clipped(stop, dim, -1, dim - 1)
        return high, dm.ceil_div(dm.maximum(high - low, 0), -step), step, True
    low = 0 if start is None else _clipped(start, dim, 0, dim)
    high = dim if stop is None else _clipped(stop, dim, 0, dim)
    return low, dm.ceil_div(dm.maximum(high - low, 0), step), step, True


def _clipped(bound: DimLike, dim: DimLike, lowest: int, highest: DimLike) -> DimLike:
    """A bound of a slice as Python counts it: from the end if negative, and between `lowest` and `highest`."""
    if isinstance(bound, int) and bound < 0:
        return dm.maximum(dim + bound, lowest)
    return dm.minimum(bound, highest)


def _bound(value: Any, dim: DimLike) -> DimLike | None:
    if isinstance(value, Tensor):
        known = symbolic_value(value)
        if known is None:
            raise ShapeError(f"StridedSlice: slice bounds must not depend on fed data, received {value!r}")
        value = known.item()
    return value if value is None or isinstance(value, dm.Dim) else _integer(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise DTypeError(f"StridedSlice: slice bounds and strides must be integers, received {value!r}")
    return value.__index__()


def _install() -> None:
    def both(name: str, build: Callable[..., Tensor], op_name: str) -> None:
        setattr(Tensor, f"__{name}__", lambda x, y: build(x, y, name=op_name))
        setattr(Tensor, f"__r{name}__", lambda x, y: build(y, x, name=op_name))

    both("add", ew.add, "add")
    both("sub", ew.subtract, "sub")
    both("mul", ew.multiply, "mul")
    both("truediv", divide, "truediv")
    both("floordiv", ew.floordiv, "floordiv")
    both("mod", ew.mod, "mod")
    both("pow", ew.power, "pow")
    both("matmul", lambda x, y, name: matmul(x, y, name=name), "matmul")
    both("and", _logical(ew.logical_and, ew.bitwise_and), "and")
    both("or", _logical(ew.logical_or, ew.bitwise_or), "or")
    both("xor", _logical(ew.logical_xor, ew.bitwise_xor), "xor")
    for name, build in (("lt", ew.less), ("le", ew.less_equal), ("gt", ew.greater), ("ge", ew.greater_equal)):
        setattr(Tensor, f"__{name}__", lambda x, y, build=build: build(x, y))
    Tensor.__neg__ = lambda x: ew.negative(x, name="Neg")  # type: ignore[method-assign]
    Tensor.__abs__ = lambda x: ew.abs_(x, name="Abs")  # type: ignore[method-assign]
    Tensor.__invert__ = lambda x: (ew.logical_not if x.dtype.is_bool else ew.invert)(x)  # type: ignore[method-assign]
    Tensor.__getitem__ = get_item  # type: ignore[method-assign]


_install()

