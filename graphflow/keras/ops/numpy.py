"""NumPy's functions on tensors."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops import gather as _gather
from ...compiler.ops import reduction as _reduction
from ...compiler.ops import slicing as _slicing
from ...compiler.ops import view as _view
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.contraction import matmul as _matmul
from ...compiler.ops.einsum import einsum as _einsum
from .. import backend

abs, negative, sign, square, sqrt, rsqrt = ew.abs_, ew.negative, ew.sign, ew.square, ew.sqrt, ew.rsqrt
exp, expm1, log, log1p, sin, cos, floor = ew.exp, ew.expm1, ew.log, ew.log1p, ew.sin, ew.cos, ew.floor
add, subtract, multiply, divide = ew.add, ew.subtract, ew.multiply, ew.real_divide
maximum, minimum, power = ew.maximum, ew.minimum, ew.power
equal, not_equal, less, less_equal = ew.equal, ew.not_equal, ew.less, ew.less_equal
greater, greater_equal = ew.greater, ew.greater_equal
logical_and, logical_or, logical_not = ew.logical_and, ew.logical_or, ew.logical_not


def _float(x: Any) -> Tensor:
    tensor = convert_to_tensor(x)
    return tensor if tensor.dtype.is_floating else ew.cast(tensor, backend.floatx())


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    return _reduction.reduce_sum(x, axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    return _reduction.reduce_mean(_float(x), axis, keepdims=keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    largest = _reduction.reduce_max(x, axis, keepdims=keepdims)
    return largest if initial is None else ew.maximum(largest, initial)


def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    smallest = _reduction.reduce_min(x, axis, keepdims=keepdims)
    return smallest if initial is None else ew.minimum(smallest, initial)


def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    return _reduction.reduce_prod(x, axis, keepdims=keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    return _reduction.reduce_all(ew.cast(x, "bool"), axis, keepdims=keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    return _reduction.reduce_any(ew.cast(x, "bool"), axis, keepdims=keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    tensor = _float(x)
    centre = _reduction.reduce_mean(tensor, axis, keepdims=True)
    return _reduction.reduce_mean(ew.square(tensor - centre), axis, keepdims=keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    return ew.sqrt(var(x, axis, keepdims))


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return _arg(_reduction.argmax, x, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return _arg(_reduction.argmin, x, axis, keepdims)


def _arg(function: Any, x: Any, axis: int | None, keepdims: bool) -> Tensor:
    tensor = convert_to_tensor(x)
    if axis is None:
        tensor = _view.reshape(tensor, (-1,))
    found = ew.cast(function(tensor, 0 if axis is None else axis), "int32")
    return _view.expand_dims(found, 0 if axis is None else axis) if keepdims else found


def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    return ew.minimum(ew.maximum(x, x_min), x_max)


def matmul(x1: Any, x2: Any) -> Tensor:
    return _matmul(x1, x2)


def einsum(subscripts: str, *operands: Any) -> Tensor:
    return _einsum(subscripts, *operands)


def where(condition: Any, x1: Any = None, x2: Any = None) -> Tensor:
    return ew.where(condition, x1, x2)


def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    return _slicing.concat(xs, axis)


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    return _slicing.stack(x, axis)


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Equal parts, or the parts between indices."""
    if not hasattr(indices_or_sections, "__iter__"):
        return _slicing.split(x, indices_or_sections, axis)
    tensor = convert_to_tensor(x)
    bounds = [0, *indices_or_sections, _view.known_rank("split", tensor)[axis]]
    return [_slicing.slice_axis(tensor, axis, a, b - a) for a, b in zip(bounds, bounds[1:], strict=False)]


def tile(x: Any, repeats: Any) -> Tensor:
    return _slicing.tile(x, repeats)


def repeat(x: Any, repeats: int, axis: int | None = None) -> Tensor:
    """Each element `repeats` times in a row."""
    tensor = convert_to_tensor(x)
    if axis is None:
        tensor, axis = _view.reshape(tensor, (-1,)), 0
    dims = _view.known_rank("repeat", tensor)
    axis %= len(dims)
    wide = _view.broadcast_to(_view.expand_dims(tensor, axis + 1), (*dims[:axis + 1], repeats, *dims[axis + 1:]))
    return _view.reshape(wide, (*dims[:axis], dims[axis] * repeats, *dims[axis + 1:]))


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Tensor:
    tensor = convert_to_tensor(x)
    widths = [pad_width] * len(_view.known_rank("pad", tensor)) if not hasattr(pad_width, "__iter__") else pad_width
    pairs = [(w, w) if not hasattr(w, "__iter__") else tuple(w) for w in widths]
    return _slicing.pad(tensor, pairs, mode.upper(), constant_values=constant_values or 0)


def reshape(x: Any, newshape: Any) -> Tensor:
    return _view.reshape(x, newshape)


def expand_dims(x: Any, axis: Any) -> Tensor:
    return _view.expand_dims(x, axis)


def squeeze(x: Any, axis: Any = None) -> Tensor:
    return _view.squeeze(x, axis)


def transpose(x: Any, axes: Any = None) -> Tensor:
    return _view.transpose(x, axes)


def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    tensor = convert_to_tensor(x)
    if axis is None:
        tensor, axis = _view.reshape(tensor, (-1,)), 0
    return _gather.gather(tensor, convert_to_tensor(indices), axis)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    values = _gather.range_(start, stop, 1 if step is None else step)
    return values if dtype is None else ew.cast(values, as_dtype(dtype))


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    return _view.zeros(shape, as_dtype(dtype or backend.floatx()))


def ones(shape: Any, dtype: Any = None) -> Tensor:
    return _view.ones(shape, as_dtype(dtype or backend.floatx()))


def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    return _view.zeros_like(x, dtype)


def ones_like(x: Any, dtype: Any = None) -> Tensor:
    return _view.ones_like(x, dtype)
