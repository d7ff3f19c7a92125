"""Python's operators on tensors, with TensorFlow's op names."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import dims as dm
from ..dims import DimLike
from ..dtypes import int32
from ..equality import compares_elements
from ..errors import DTypeError, ShapeError
from ..ir import Graph, Operation, Tensor, TensorType
from ..opdef import COMPOSITE, HOST, OpDef
from ..shapes import Dims
from . import elementwise as ew
from .arguments import convert_all, is_tensor
from .constant import const, convert_to_tensor
from .contraction import matmul
from .dynamic_slice import Bound, dynamic_slice, is_data, python_range, scalar_of, vector_of
from .elementwise import cast
from .gather import gather, range_
from .slicing import strided_slice
from .state import placeholder
from .symbolic import symbolic_value
from .view import known_rank, reshape


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as Python 2 divided: integers give integers, towards minus infinity."""
    a, b = convert_all("div", (x, y))
    return (ew.floordiv if a.dtype.is_integer else ew.real_divide)(a, b, name or "div")


def divide(x: Any, y: Any, name: str = "truediv") -> Tensor:
    """True division: integers become float64 (float32 for 8 and 16 bits), as in Python 3 and TensorFlow."""
    x, y = convert_all("truediv", (x, y))
    return ew.real_divide(as_floats(x), as_floats(y), name)


def as_floats(x: Tensor) -> Tensor:
    """Integers as floats: float64, of 8 and 16 bits float32."""
    return ew.cast(x, "float32" if x.dtype.size <= 2 else "float64") if x.dtype.is_integer else x


def _logical(logical: Callable[..., Tensor], bitwise: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def build(x: Any, y: Any, name: str | None = None) -> Tensor:
        x, y = convert_all("and", (x, y))
        return (logical if x.dtype.is_bool else bitwise)(x, y, name)
    return build


def get_item(x: Tensor, key: Any, name: str = "strided_slice") -> Tensor:
    """NumPy's basic indexing: ints, slices, None, `...`, bounds that are integer scalars; a vector of integers gathers.
    They may stand in a list, as TensorFlow has it.

    Raises TypeError for other indices, ShapeError for too many or for known ones out of range.
    """
    parts = isinstance(key, list) and any(i is None or i is Ellipsis or isinstance(i, slice) for i in key)
    items = list(key) if parts or isinstance(key, tuple) else [key]
    if x.dims is None:
        return deferred_item(x, [_item(i) if i is not Ellipsis else i for i in items], name)
    dims = x.dims
    rank = len(dims)
    used = sum(1 for i in items if i is not None and i is not Ellipsis)
    if used > rank:
        raise ShapeError(f"StridedSlice: too many indices: Index out of range using input dim {rank}; {x!r} has only "
                         f"{rank} dims, received {used} indices")
    if not any(i is Ellipsis for i in items):
        items.append(Ellipsis)
    at = next(n for n, i in enumerate(items) if i is Ellipsis)
    items[at:at + 1] = [slice(None)] * (rank - used)
    items = [reshape(i, ()) if is_tensor(i) and convert_to_tensor(i).dims is None else i for i in items]
    vectors = [n for n, i in enumerate(items) if is_tensor(i) and convert_to_tensor(i).dims != ()]
    if vectors:
        return _gathered(x, items, vectors, name)
    items = [_item(i) for i in items]
    x, items = _with_known_steps(x, items)
    dims = known_rank("StridedSlice", x)
    if is_data([i for item in items for i in _parts(item)]):
        with x.graph.name_scope(name) as scope:
            return _index(x, dims, items, scope)
    return _index(x, dims, items, name)


# indexing a tensor of unknown rank: what it comes to is decided when the graph is compiled


class _Data(NamedTuple):
    """The number of an input that stands in the index."""

    number: int


def _replaced(key: Sequence[Any], function: Callable[[Any], Any]) -> tuple[Any, ...]:
    return tuple(slice(*(function(p) for p in _parts(i))) if isinstance(i, slice) else function(i) for i in key)


def _with(key: Sequence[Any], data: Sequence[Any]) -> tuple[Any, ...]:
    return _replaced(key, lambda p: data[p.number] if isinstance(p, _Data) else p)


def _deferred_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x = inputs[0]
    if x.dims is None:
        return [TensorType(x.dtype, None)]
    with Graph().as_default():
        first, *rest = (placeholder(t.dtype, t.shape) for t in inputs)
        return [TensorType(x.dtype, get_item(first, _with(attrs["key"].items, rest)).dims)]


class _Key:
    """An index as an attribute: compared by identity."""

    def __init__(self, items: tuple[Any, ...]):
        self.items = items


def _deferred_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    return [_deferred_item_grad(*op.inputs, g, key=op.attrs["key"]), *[None] * (len(op.inputs) - 1)]


def _numbers(data: Sequence[np.ndarray]) -> list[int]:
    return [int(d) for d in data]


def _item_grad(x: np.ndarray, *rest: np.ndarray, key: _Key) -> np.ndarray:
    out = np.zeros_like(x)
    out[_with(key.items, _numbers(rest[:-1]))] = rest[-1]
    return out


_deferred_item = OpDef("StridedSliceOfUnknownRank", COMPOSITE, _deferred_types, _deferred_grad,
                       lambda x, *data, key: x[_with(key.items, _numbers(data))],
                       expand=lambda x, *data, key: get_item(x, _with(key.items, data)))
_deferred_item_grad = OpDef("StridedSliceOfUnknownRankGrad", HOST, lambda inputs, attrs: [inputs[0].type],
                            lambda op, g: [None] * (len(op.inputs) - 1) + [
                                _deferred_item(g, *op.inputs[1:-1], key=op.attrs["key"])], _item_grad)


def deferred_item(x: Tensor, items: list[Any], name: str) -> Tensor:
    """The indexed tensor, of unknown rank."""
    data: list[Tensor] = []

    def numbered(part: Any) -> Any:
        if not isinstance(part, Tensor):
            return part
        data.append(part)
        return _Data(len(data) - 1)

    key = _replaced(items, numbered)
    return _deferred_item(x, *data, key=_Key(key), name=name)


def _gathered(x: Tensor, items: list[Any], vectors: list[int], name: str) -> Tensor:
    indices = convert_to_tensor(items[vectors[0]])
    if len(vectors) > 1 or not indices.dtype.is_integer or any(i is None for i in items):
        _refuse(items[vectors[0]])
    full = [slice(None) if n == vectors[0] else i for n, i in enumerate(items)]
    if any(i != slice(None) for i in full if not isinstance(i, Tensor)) or is_data(full):
        x = get_item(x, tuple(full))
    return gather(x, indices, vectors[0], name)


def _refuse(item: Any) -> None:
    raise TypeError("Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 "
                    f"tensors are valid indices, got {item!r}")


def _parts(item: Any) -> tuple[Any, ...]:
    return (item.start, item.stop, item.step) if isinstance(item, slice) else (item,)


def _item(item: Any) -> Any:
    """An index with what is known of its tensors: ints, Dims, and scalars of data."""
    if item is None:
        return None
    if isinstance(item, slice):
        return slice(*(None if p is None else _bound(p) for p in _parts(item)))
    if not is_tensor(item) and not isinstance(item, dm.Dim) and (
            isinstance(item, (bool, np.bool_)) or not hasattr(item, "__index__")):
        _refuse(item)
    return _bound(item)


def _bound(value: Any) -> Bound:
    if isinstance(value, dm.Dim):
        return value
    if not is_tensor(value):
        if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
            raise DTypeError(f"StridedSlice: slice bounds and strides must be integers, received {value!r}")
        return value.__index__()
    scalar = convert_to_tensor(value)
    if not scalar.dtype.is_integer:
        _refuse(value)
    known = symbolic_value(scalar)
    if known is None:
        return scalar
    return known.item() if isinstance(known.item(), dm.Dim) else int(known.item())


def _with_known_steps(x: Tensor, items: list[Any]) -> tuple[Tensor, list[Any]]:
    """What is left to index when slices whose step is data have been gathered."""
    rest = list(items)
    for n, item in enumerate(items):
        if isinstance(item, slice) and isinstance(item.step, Tensor):
            axis, step = sum(i is not None for i in items[:n]), cast(item.step, int32)
            first, count = python_range(known_rank("StridedSlice", x)[axis], item.start, item.stop, step)
            x = gather(x, first + range_(count) * step, axis)
            rest[n] = slice(None)
    return x, rest


def _index(x: Tensor, dims: Dims, items: list[Any], name: str) -> Tensor:
    """The slice, then its shape without the axes of single indices and with the new ones."""
    data = is_data([p for item in items for p in _parts(item)])
    begin: list[Bound] = []
    sizes: list[Bound] = []
    strides: list[int] = []
    final: list[Bound] = []   # the shape after dropping integer axes and adding new ones
    static: list[DimLike] = []  # what TensorFlow knows of it
    for item in items:
        if item is None:
            final.append(1)
            static.append(1)
            continue
        axis = len(begin)
        dim = dims[axis]
        start, count, step, keep = _bounds(x, axis, dim, item)
        begin.append(start)
        sizes.append(count)
        strides.append(step)
        if keep:
            full = isinstance(item, slice) and item.start is None and item.stop is None
            final.append(count)
            unknown = isinstance(count, Tensor) or (data and not full) or isinstance(dim, dm.Dim)
            static.append(dm.fresh() if unknown and not isinstance(count, dm.Dim) else count)  # type: ignore[arg-type]
    kept = len(final) == len(sizes) and all(a is b or a == b for a, b in zip(final, sizes, strict=True)
                                            if not is_data([a, b]))
    whole = name if kept else f"{name}slice" if name.endswith("/") else f"{name}/slice"
    if data:
        sliced = dynamic_slice(x, begin, sizes, strides, name=whole)
    else:
        sliced = strided_slice(x, tuple(begin), tuple(sizes), tuple(strides), name=whole)  # type: ignore[arg-type]
    result = sliced if kept else reshape(sliced, vector_of(final), name=name)
    result.dims = tuple(static)
    return result


def _bounds(x: Tensor, axis: int, dim: DimLike, item: Any) -> tuple[Bound, Bound, int, bool]:
    """(begin, size, stride, whether the axis stays) of one index."""
    if isinstance(item, Tensor):
        index = cast(item, int32)
        return ew.where(index < 0, index + scalar_of(dim), index), 1, 1, False
    if isinstance(item, int):
        if isinstance(dim, int) and not -dim <= item < dim:
            raise ShapeError(f"slice index {item} of dimension {axis} out of bounds for {x!r}")
        return (item if item >= 0 else dim + item), 1, 1, False
    if isinstance(item, dm.Dim):
        return item, 1, 1, False
    step = 1 if item.step is None else item.step
    if step == 0:
        raise ValueError("StridedSlice: strides[0] must be non-zero")
    start, stop = item.start, item.stop
    if is_data([start, stop]):
        return *python_range(dim, start, stop, step), step, True
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


_TWO_SIDED = ("add", "sub", "mul", "truediv", "div", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")


def _equality(build: Callable[..., Tensor], same: bool) -> Callable[..., Any]:
    def operator(x: Tensor, y: Any) -> Any:
        if y is None or isinstance(y, str) and not x.dtype.is_string or not compares_elements():
            return (x is y) == same
        try:
            return build(x, y)
        except ShapeError:  # elements of such shapes are never equal
            return const(value=np.array(not same))
    return operator


def _install() -> None:
    def both(name: str, build: Callable[..., Tensor], op_name: str) -> None:
        setattr(Tensor, f"__{name}__", lambda x, y: build(x, y, name=op_name))
        setattr(Tensor, f"__r{name}__", lambda x, y: build(y, x, name=op_name))

    both("add", ew.add, "add")
    both("sub", ew.subtract, "sub")
    both("mul", ew.multiply, "mul")
    both("truediv", divide, "truediv")
    both("div", div, "div")
    both("floordiv", ew.floordiv, "floordiv")
    both("mod", ew.mod, "mod")
    both("pow", ew.power, "pow")
    both("matmul", lambda x, y, name: matmul(x, y, name=name), "matmul")
    both("and", _logical(ew.logical_and, ew.bitwise_and), "and")
    both("or", _logical(ew.logical_or, ew.bitwise_or), "or")
    both("xor", _logical(ew.logical_xor, ew.bitwise_xor), "xor")
    for name, build in (("lt", ew.less), ("le", ew.less_equal), ("gt", ew.greater), ("ge", ew.greater_equal)):
        setattr(Tensor, f"__{name}__", lambda x, y, build=build: build(x, y))
    for name, build, same in (("eq", ew.equal, True), ("ne", ew.not_equal, False)):
        setattr(Tensor, f"__{name}__", _equality(build, same))
    Tensor.__neg__ = lambda x: ew.negative(x, name="Neg")  # type: ignore[method-assign]
    Tensor.__abs__ = lambda x: ew.abs_(x, name="Abs")  # type: ignore[method-assign]
    Tensor.__invert__ = lambda x: (ew.logical_not if x.dtype.is_bool else ew.invert)(x)  # type: ignore[method-assign]
    Tensor.__getitem__ = get_item  # type: ignore[method-assign]
    names = {f"{side}{name}" for name in _TWO_SIDED for side in ("", "r")} | {
        "lt", "le", "gt", "ge", "eq", "ne", "neg", "abs", "invert", "getitem"}
    Tensor.OVERLOADABLE_OPERATORS = {f"__{name}__" for name in names}  # what libraries give their own classes


_install()

