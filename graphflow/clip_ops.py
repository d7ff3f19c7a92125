"""Clipping values and gradients."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .compiler.ir import Tensor
from .compiler.ops import elementwise, reduction
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.gather import IndexedSlices
from .compiler.ops.reduction import size_of
from .compiler.ops.view import ones_of
from .framework import name_scope


def _values(t: Any) -> Tensor:
    """A tensor, or the rows that IndexedSlices hold: clipping looks at these, as TensorFlow does, and leaves them
    slices, so that an optimizer still updates only their rows."""
    return t.values if isinstance(t, IndexedSlices) else convert_to_tensor(t)


def _like(t: Any, values: Tensor) -> Any:
    return IndexedSlices(values, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else values


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """Elements moved into [clip_value_min, clip_value_max]. Raises ValueError if broadcasting changes the shape."""
    x = _values(t)
    with name_scope(name, "clip_by_value", [x]) as scope:
        upper = elementwise.minimum(x, clip_value_max)
        clipped = elementwise.maximum(upper, clip_value_min, scope)
        if not clipped.shape.is_compatible_with(x.shape):
            raise ValueError(f"clip_by_value: the limits change the shape {x.shape} to {clipped.shape}")
        return _like(t, clipped)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """`t` scaled down so that its Euclidean norm (along `axes`) is at most `clip_norm`."""
    x = _values(t)
    with name_scope(name, "clip_by_norm", [x]) as scope:
        limit = convert_to_tensor(clip_norm, x.dtype)
        squares = reduction.reduce_sum(x * x, axes, True)
        # the gradient of sqrt is infinite at 0, and 0 * inf is not a number
        positive = squares > 0
        safe = elementwise.where(positive, squares, ones_of(x))
        norm = elementwise.where(positive, elementwise.sqrt(safe), squares)
        return _like(t, elementwise.real_divide(x * limit, elementwise.maximum(norm, limit), scope))


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """`t` scaled down so that its norm per element is at most `clip_norm`."""
    x = convert_to_tensor(t)
    with name_scope(name, "clip_by_average_norm", [x]) as scope:
        count = elementwise.cast(size_of(x), x.dtype)
        inverse = count * elementwise.rsqrt(reduction.reduce_sum(x * x))
        limit = convert_to_tensor(clip_norm, x.dtype)
        return elementwise.multiply(x, limit * elementwise.minimum(inverse, ones_of(x) / limit), scope)


def _list(function: str, t_list: Any) -> list[Any]:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError(f"`t_list` argument to `{function}` must be a list, received {t_list!r}")
    return list(t_list)


def global_norm(t_list: Any, name: str | None = None) -> Tensor:
    """The Euclidean norm of all elements of all tensors in `t_list`; None entries do not count."""
    tensors = [_values(t) for t in _list("global_norm", t_list) if t is not None]
    if not tensors:
        raise ValueError("global_norm: at least one tensor must be given")
    with name_scope(name, "global_norm", tensors) as scope:
        total = reduction.reduce_sum(elementwise.square(tensors[0]))
        for t in tensors[1:]:
            total = total + reduction.reduce_sum(elementwise.square(t))
        return elementwise.sqrt(total, scope)


def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None,
                        name: str | None = None) -> tuple[list[Any], Tensor]:
    """(the tensors scaled down together so that their `global_norm` is at most `clip_norm`, that norm).

    An infinite norm gives NaN, so that it is noticed. None entries stay None.
    """
    tensors = _list("clip_by_global_norm", t_list)
    norm = global_norm(tensors) if use_norm is None else convert_to_tensor(use_norm)
    with name_scope(name, "clip_by_global_norm", [norm]):
        limit = convert_to_tensor(clip_norm, norm.dtype)
        scale = limit * elementwise.minimum(1.0 / norm, ones_of(norm) / limit)
        scale = scale + (norm - norm)  # NaN for an infinite norm
        return [None if t is None else _like(t, _values(t) * scale) for t in tensors], norm
