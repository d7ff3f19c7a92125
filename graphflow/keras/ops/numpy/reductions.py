"""Sums, means, extremes and the like along axes; those that leave out NaN."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ....compiler.ir import Tensor
from ....compiler.names import named
from ....compiler.ops import cumulative, view
from ....compiler.ops import elementwise as ew
from ....compiler.ops import reduction as red
from ....compiler.ops.constant import convert_to_tensor
from ..dtypes import as_tensor, floating, result_type, summable, weak
from .arithmetic import maximum, minimum
from .elementwise import nan_to_num, scalar, signbit


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over `axis` (None: all); small integers and booleans are summed as int32 or uint32."""
    return red.reduce_sum(summable(x), axis, keepdims=keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The product over `axis` (None: all); small integers and booleans are multiplied as int32 or uint32."""
    return red.reduce_prod(summable(x) if dtype is None else as_tensor(x, dtype), axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean over `axis` (None: all), of half precision computed in float32; integers give floats."""
    tensor = convert_to_tensor(x)
    wide = result_type(tensor.dtype, "float32")
    total = red.reduce_mean(as_tensor(tensor, wide), axis, keepdims=keepdims)
    return as_tensor(total, tensor.dtype) if tensor.dtype.is_floating or tensor.dtype.is_complex else total


def _extremum(name: str, numbers: Any, bools: Any, wider: Any) -> Callable[..., Tensor]:
    def operation(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
        tensor = convert_to_tensor(x)
        found = (bools if tensor.dtype.is_bool else numbers)(tensor, axis, keepdims=keepdims)
        return found if initial is None else as_tensor(wider(found, initial), tensor.dtype)
    return named(name, operation, f"The {name}imum over `axis` (None: all), and of `initial` if that is given.")


max = _extremum("max", red.reduce_max, red.reduce_any, maximum)
min = _extremum("min", red.reduce_min, red.reduce_all, minimum)


def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The maximum over `axis` (None: all)."""
    return max(x, axis, keepdims)


def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The minimum over `axis` (None: all)."""
    return min(x, axis, keepdims)


def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The maximum less the minimum over `axis` (None: all)."""
    return red.reduce_max(x, axis, keepdims=keepdims) - red.reduce_min(x, axis, keepdims=keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether every element is nonzero, over `axis` (None: all)."""
    return red.reduce_all(as_tensor(x, "bool"), axis, keepdims=keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether an element is nonzero, over `axis` (None: all)."""
    return red.reduce_any(as_tensor(x, "bool"), axis, keepdims=keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean square of the distance from the mean, over `axis` (None: all)."""
    tensor = convert_to_tensor(x)
    wide = as_tensor(tensor, result_type(tensor.dtype, "float32"))
    centred = wide - red.reduce_mean(wide, axis, keepdims=True)
    squares = ew.square(ew.abs_(centred) if wide.dtype.is_complex else centred)
    found = red.reduce_mean(squares, axis, keepdims=keepdims)
    return found if wide.dtype.is_complex else as_tensor(found, result_type(tensor.dtype, float))


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The square root of the variance over `axis` (None: all)."""
    return ew.sqrt(var(floating(x), axis, keepdims))


def average(x: Any, axis: Any = None, weights: Any = None) -> Tensor:
    """The mean over `axis` (None: all), weighted: with weights like `x`, or one for each element along `axis`."""
    if weights is None:
        return red.reduce_mean(floating(x), axis)
    values, shares = weak(convert_to_tensor(x), convert_to_tensor(weights), also=(float,))
    dims, own = (view.known_rank("average", t) for t in (values, shares))
    if axis is not None and len(dims) != len(own):
        places = [own[0] if i == int(axis) % len(dims) else 1 for i in range(len(dims))]
        return red.reduce_sum(values * view.reshape(shares, places), axis) / red.reduce_sum(shares)
    return red.reduce_sum(values * shares, axis) / red.reduce_sum(shares, axis)


def count_nonzero(x: Any, axis: Any = None) -> Tensor:
    """How many elements are nonzero over `axis` (None: all): int32."""
    return red.reduce_sum(as_tensor(as_tensor(x, "bool"), "int32"), axis)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over `axis` (None: all), without overflow."""
    return red.reduce_logsumexp(floating(x), axis, keepdims)


# positions of extremes

def _position(name: str, function: Any, doc: str) -> Callable[..., Tensor]:
    def operation(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
        tensor = convert_to_tensor(x)
        dims = view.known_rank(name, tensor)
        if tensor.dtype.is_bool:
            tensor = as_tensor(tensor, "int32")
        if tensor.dtype.is_floating and dims:  # -0.0 lies below 0.0, as Keras has it
            tensor = as_tensor(tensor, result_type(tensor.dtype, "float32"))
            lowered = ew.logical_and(ew.equal(tensor, view.zeros_of(tensor)), signbit(tensor))
            tensor = ew.where(lowered, scalar(-1.1754943508222875e-38, tensor), tensor)
        flat = view.reshape(tensor, (-1,)) if axis is None else tensor
        found = function(flat, 0 if axis is None else axis, output_type="int32")
        if not keepdims:
            return found
        return view.reshape(found, [1] * len(dims)) if axis is None else view.expand_dims(found, axis)
    return named(name, operation,
                 f"Where the {doc} element stands along `axis` (None: among all), the first of equals: int32.")


argmax, argmin = _position("argmax", red.argmax, "largest"), _position("argmin", red.argmin, "smallest")


# running sums

def _running(name: str, function: Any, doc: str) -> Callable[..., Tensor]:
    def operation(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
        tensor = as_tensor(x, dtype)
        if tensor.dtype.is_bool:
            tensor = as_tensor(tensor, "int32")
        return function(view.reshape(tensor, (-1,)) if axis is None else tensor, 0 if axis is None else axis)
    return named(name, operation, f"The {doc} of the elements up to each along `axis` (None: of all, flat).")


cumsum = _running("cumsum", cumulative.cumsum, "sum")
cumprod = _running("cumprod", cumulative.cumprod, "product")


# NaN left out

def _without_nan(x: Any, value: float) -> Tensor:
    tensor = convert_to_tensor(x)
    return ew.where(ew.is_nan(tensor), scalar(value, tensor), tensor) if tensor.dtype.is_floating else tensor


def _ignoring_nan(name: str, function: Callable[..., Tensor], value: float, missing: Any, doc: str
                  ) -> Callable[..., Tensor]:
    """`function` with `value` in place of NaN, and `missing` where there is nothing but NaN."""
    def operation(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
        tensor = convert_to_tensor(x)
        found = function(_without_nan(tensor, value), axis, keepdims)
        if not tensor.dtype.is_floating or missing is None:
            return found
        return ew.where(red.reduce_all(ew.is_nan(tensor), axis, keepdims=keepdims), scalar(missing, found), found)
    return named(name, operation, f"The {doc} over `axis` (None: all) without regard to NaN.")


nansum = _ignoring_nan("nansum", sum, 0.0, None, "sum")
nanprod = _ignoring_nan("nanprod", prod, 1.0, None, "product")
nanmax = _ignoring_nan("nanmax", max, -math.inf, math.nan, "maximum")
nanmin = _ignoring_nan("nanmin", min, math.inf, math.nan, "minimum")
nanargmax = _ignoring_nan("nanargmax", argmax, -math.inf, -1, "position of the maximum")
nanargmin = _ignoring_nan("nanargmin", argmin, math.inf, -1, "position of the minimum")


def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The running sum along `axis` (None: of all, flat) with NaN as 0."""
    return cumsum(nan_to_num(x), axis, dtype)


def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The running product along `axis` (None: of all, flat) with NaN as 1."""
    return cumprod(nan_to_num(x, nan=1.0), axis, dtype)


def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean over `axis` (None: all) of what is not NaN."""
    tensor = convert_to_tensor(x)
    if axis in ((), []):
        return tensor
    if not tensor.dtype.is_floating:
        return red.reduce_mean(as_tensor(tensor, "float32"), axis, keepdims=keepdims)
    return nansum(tensor, axis, keepdims) / _count(tensor, axis, keepdims)


def _count(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    return red.reduce_sum(as_tensor(ew.logical_not(ew.is_nan(x)), x.dtype), axis, keepdims=keepdims)


def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The variance over `axis` (None: all) of what is not NaN."""
    tensor = floating(x)
    squares = ew.square(tensor - nanmean(tensor, axis, keepdims=True))
    return nansum(squares, axis, keepdims) / _count(tensor, axis, keepdims)


def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The standard deviation over `axis` (None: all) of what is not NaN."""
    return ew.sqrt(nanvar(x, axis, keepdims))


def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """The integral of `y` along `axis` by the trapezoidal rule, at points `x` or `dx` apart."""
    values = floating(y)
    rank = len(view.known_rank("trapezoid", values))

    def between(t: Tensor, combine: Any) -> Tensor:
        """What `combine` makes of neighbours along the axis, the last one now."""
        order = [i for i in range(rank) if i != axis % rank] + [axis % rank]
        moved = view.transpose(t, order)
        return combine(moved[..., 1:], moved[..., :-1])

    heights = 0.5 * between(values, ew.add)
    if x is None:
        return red.reduce_sum(heights * as_tensor(dx, values.dtype), -1)
    points = as_tensor(x, values.dtype)
    apart = points[1:] - points[:-1] if len(view.known_rank("trapezoid", points)) == 1 else between(points, ew.subtract)
    return red.reduce_sum(heights * apart, -1)


__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero", "cumprod", "cumsum", "max", "mean",
    "min", "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd",
    "nansum", "nanvar", "prod", "ptp", "std", "sum", "trapezoid", "var",
]
