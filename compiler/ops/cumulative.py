"""Cumulative sums and products along an axis."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..dtypes import NUMBERS
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, OpDef
from ..shapes import normalize_axis
from .arguments import check_dtype
from .constant import convert_to_tensor
from .elementwise import equal, where
from .symbolic import static_ints
from .view import known_rank, ones_of, zeros_of


def _types(name: str) -> Callable[..., list[TensorType]]:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        check_dtype(name, inputs[0], NUMBERS)
        return [inputs[0].type]
    return infer


def _accumulate(function: np.ufunc) -> Callable[..., np.ndarray]:
    def reference(x: np.ndarray, axis: int, exclusive: bool, reverse: bool) -> np.ndarray:
        x = np.flip(x, axis) if reverse else x
        if exclusive:  # the neutral element first, the last element left out
            neutral = np.full_like(np.take(x, [0] if x.shape[axis] else [], axis), function.identity)
            x = np.concatenate([neutral, np.take(x, np.arange(max(x.shape[axis] - 1, 0)), axis)], axis)
        total = function.accumulate(x, axis, dtype=x.dtype)
        return np.flip(total, axis) if reverse else total
    return reference


def _cumsum_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    return [_cumsum(g, **op.attrs | {"reverse": not op.attrs["reverse"]})]


def _cumprod_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    """Sums of the products that hold an element, divided by it; 0 at an element that is 0, as TensorFlow has it."""
    x, = op.inputs
    total = _cumsum(op.output * g, **op.attrs | {"reverse": not op.attrs["reverse"]})
    zero = equal(x, zeros_of(x))
    return [where(zero, zeros_of(x), total / where(zero, ones_of(x), x))]


_cumsum = OpDef("Cumsum", HOST, _types("Cumsum"), _cumsum_grad, _accumulate(np.add))
_cumprod = OpDef("Cumprod", HOST, _types("Cumprod"), _cumprod_grad, _accumulate(np.multiply))


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """Element i is the sum of elements 0 to i along `axis`; `exclusive` leaves i out, `reverse` sums from the end."""
    return _scan(_cumsum, x, axis, exclusive, reverse, name)


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """Element i is the product of elements 0 to i along `axis`; `exclusive` leaves i out, `reverse` goes from the end.
    """
    return _scan(_cumprod, x, axis, exclusive, reverse, name)


def _scan(op: OpDef, x: Any, axis: Any, exclusive: bool, reverse: bool, name: str | None) -> Tensor:
    tensor = convert_to_tensor(x, name=f"{op.name}/x")
    axis = normalize_axis(op.name, static_ints(op.name, "axis", axis), len(known_rank(op.name, tensor)))
    return op(tensor, axis=axis, exclusive=bool(exclusive), reverse=bool(reverse), name=name)
