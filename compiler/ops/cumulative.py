"""Cumulative sums, products and logarithms of sums of exponentials along an axis."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..dtypes import FLOATS, NUMBERS, DType
from ..ir import Operation, Tensor, TensorType
from ..opdef import COPY, OpDef
from ..shapes import normalize_axis
from .arguments import check_dtype
from .complex import conj
from .constant import convert_to_tensor
from .elementwise import equal, exp, log, where
from .symbolic import static_ints
from .view import ones_of, zeros_of


def _types(name: str, dtypes: Sequence[DType]) -> Callable[..., list[TensorType]]:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        check_dtype(name, inputs[0], dtypes)
        if inputs[0].dims is not None:
            attrs["axis"] = normalize_axis(name, attrs["axis"], len(inputs[0].dims))
        return [inputs[0].type]
    return infer


def _accumulate(function: np.ufunc, identity: Callable[[np.dtype], Any]) -> Callable[..., np.ndarray]:
    def reference(x: np.ndarray, axis: int, exclusive: bool, reverse: bool) -> np.ndarray:
        x = np.flip(x, axis) if reverse else x
        if exclusive:  # the neutral element first, the last element left out
            neutral = np.full_like(np.take(x, [0] if x.shape[axis] else [], axis), identity(x.dtype))
            x = np.concatenate([neutral, np.take(x, np.arange(max(x.shape[axis] - 1, 0)), axis)], axis)
        total = function.accumulate(x, axis, dtype=x.dtype)
        return np.flip(total, axis) if reverse else total
    return reference


def _cumsum_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    return [_cumsum(g, **op.attrs | {"reverse": not op.attrs["reverse"]})]


def _cumprod_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    """Sums of the products that hold an element, divided by it; 0 at an element that is 0, as TensorFlow has it."""
    x, = op.inputs
    total = _cumsum(conj(op.output) * g, **op.attrs | {"reverse": not op.attrs["reverse"]})
    zero = equal(x, zeros_of(x))
    return [where(zero, zeros_of(x), total / conj(where(zero, ones_of(x), x)))]


def _logsumexp_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    """Sums of g * exp(x - y), each sign by itself in logarithms."""
    x, y, attrs = op.inputs[0], op.output, op.attrs | {"reverse": not op.attrs["reverse"]}
    lowest = convert_to_tensor(x.dtype.min, x.dtype)

    def part(positive: Tensor) -> Tensor:
        logs = where(positive > 0, log(where(positive > 0, positive, ones_of(x))), lowest)
        return exp(_cumlogsumexp(logs - y, **attrs) + x)
    return [part(g) - part(-g)]


def _lowest(dtype: Any) -> Any:
    """What TensorFlow starts exclusive sums with, in place of -inf."""
    return np.finfo(getattr(dtype, "np", dtype)).min


LOG_ADD = ("select({0} == {1}, {0} + {t}(0.6931471805599453), "
           "maximum({0}, {1}) + log1p(exp(-absolute({0} - {1}))))")


def _scan_op(name: str, combine: str, function: np.ufunc, identity: Callable[[Any], Any], grad: Callable[..., Any],
             dtypes: Sequence[DType] = NUMBERS) -> OpDef:
    """`combine` is the source of one step: `{0}` the total so far, `{1}` the element, `{t}` the type code."""
    return OpDef(name, COPY, _types(name, dtypes), grad, _accumulate(function, identity),
                 fields={"scan": (combine, identity)})


_cumsum: OpDef = _scan_op("Cumsum", "{0} + {1}", np.add, lambda dtype: 0, _cumsum_grad)
_cumprod = _scan_op("Cumprod", "{0} * {1}", np.multiply, lambda dtype: 1, _cumprod_grad)
_cumlogsumexp: OpDef = _scan_op("CumulativeLogsumexp", LOG_ADD, np.logaddexp, _lowest, _logsumexp_grad, FLOATS)


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """Element i is the sum of elements 0 to i along `axis`; `exclusive` leaves i out, `reverse` sums from the end."""
    return _scan(_cumsum, x, axis, exclusive, reverse, name)


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """Element i is the product of elements 0 to i along `axis`; `exclusive` leaves i out, `reverse` goes from the end.
    """
    return _scan(_cumprod, x, axis, exclusive, reverse, name)


def cumulative_logsumexp(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False,
                         name: str | None = None) -> Tensor:
    """Element i is log(sum(exp(x))) of elements 0 to i along `axis`, without overflow."""
    return _scan(_cumlogsumexp, x, axis, exclusive, reverse, name)


def _scan(op: OpDef, x: Any, axis: Any, exclusive: bool, reverse: bool, name: str | None) -> Tensor:
    tensor = convert_to_tensor(x, name=f"{op.name}/x")
    return op(tensor, axis=int(static_ints(op.name, "axis", axis)), exclusive=bool(exclusive), reverse=bool(reverse),
              name=name)
