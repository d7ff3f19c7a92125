"""Functions of two numbers, of the dtype that both promote to."""
from __future__ import annotations

import math
from functools import partial
from typing import Any

from ....compiler.ir import Tensor
from ....compiler.ops import elementwise as ew
from ....compiler.ops import special
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.reduction import reduce_all
from ....compiler.ops.view import ones_of, zeros_of
from ..dtypes import as_tensor, floating_wide, is_int_dtype, strong, weak
from ..naming import alias, binary, named
from .elementwise import isnan, scalar


def _real(*values: Any) -> list[Tensor]:
    return weak(*values, also=(float,))


def _float(*values: Any) -> list[Tensor]:
    return strong(*values, also=(float,))


def _bools(*values: Any) -> list[Tensor]:
    return [as_tensor(v, "bool") for v in values]


def _no_bools(*values: Any) -> list[Tensor]:
    tensors = strong(*values)
    return [as_tensor(t, "int32") for t in tensors] if tensors[0].dtype.is_bool else tensors


def _logical(bools: Any, numbers: Any) -> Any:
    return lambda a, b: (bools if a.dtype.is_bool else numbers)(a, b)


add = binary("add", _logical(ew.logical_or, ew.add), "x1 + x2", weak)
subtract = binary("subtract", ew.subtract, "x1 - x2", weak)
multiply = binary("multiply", _logical(ew.logical_and, ew.multiply), "x1 * x2", weak)
divide = binary("divide", ew.real_divide, "x1 / x2, of integers as floats", _real)
true_divide = alias("true_divide", divide)
divide_no_nan = binary("divide_no_nan", special.div_no_nan, "x1 / x2, but 0 where x2 is 0", _real)
floor_divide = binary("floor_divide", ew.floordiv, "The largest integer not above x1 / x2", weak)
mod = binary("mod", ew.mod, "x1 - x2 * floor(x1 / x2), which has the sign of x2", _no_bools)
maximum = binary("maximum", _logical(ew.logical_or, ew.maximum), "The larger one (NaN if either is)", weak)
minimum = binary("minimum", _logical(ew.logical_and, ew.minimum), "The smaller one (NaN if either is)", weak)
arctan2 = binary("arctan2", ew.atan2, "The angle of the point (x2, x1) in radians", _float)
equal, not_equal = binary("equal", ew.equal, "x1 == x2", strong), binary("not_equal", ew.not_equal, "x1 != x2", strong)


def _ordered(function: Any) -> Any:
    """A comparison, of booleans as numbers."""
    return lambda a, b: function(*((as_tensor(t, "int32") for t in (a, b)) if a.dtype.is_bool else (a, b)))


greater = binary("greater", _ordered(ew.greater), "x1 > x2", strong)
greater_equal = binary("greater_equal", _ordered(ew.greater_equal), "x1 >= x2", strong)
less = binary("less", _ordered(ew.less), "x1 < x2", strong)
less_equal = binary("less_equal", _ordered(ew.less_equal), "x1 <= x2", strong)
logical_and = binary("logical_and", ew.logical_and, "Whether both are nonzero", _bools)
logical_or = binary("logical_or", ew.logical_or, "Whether one is nonzero", _bools)
logical_xor = binary("logical_xor", ew.logical_xor, "Whether exactly one is nonzero", _bools)


def _power(a: Tensor, b: Tensor) -> Tensor:
    if a.dtype.is_unsigned:
        return as_tensor(ew.power(as_tensor(a, "int32"), as_tensor(b, "int32")), a.dtype)
    return ew.power(a, b)


power = binary("power", _power, "x1 to the power of x2", weak)


def _bits(name: str, compute: Any, doc: str) -> Any:
    def operation(x: Any, y: Any) -> Tensor:
        return compute(*(weak if isinstance(y, int) and not isinstance(y, bool) else strong)(x, y))
    return named(name, operation, f"{doc}, elementwise, of integers.")


bitwise_and = _bits("bitwise_and", _logical(ew.logical_and, ew.bitwise_and), "The bits set in both")
bitwise_or = _bits("bitwise_or", _logical(ew.logical_or, ew.bitwise_or), "The bits set in either")
bitwise_xor = _bits("bitwise_xor", _logical(ew.logical_xor, ew.bitwise_xor), "The bits set in exactly one")
bitwise_left_shift = _bits("bitwise_left_shift", special.left_shift, "The bits of x moved up by y")
bitwise_right_shift = _bits("bitwise_right_shift", special.right_shift, "The bits of x moved down by y")
left_shift, right_shift = alias("left_shift", bitwise_left_shift), alias("right_shift", bitwise_right_shift)


def _ignoring_nan(compute: Any) -> Any:
    def operation(a: Tensor, b: Tensor) -> Tensor:
        if not a.dtype.is_floating:
            return compute(a, b)
        return ew.where(ew.is_nan(a), b, ew.where(ew.is_nan(b), a, compute(a, b)))
    return operation


fmax = binary("fmax", _ignoring_nan(ew.maximum), "The larger one, or the one that is not NaN", weak)
fmin = binary("fmin", _ignoring_nan(ew.minimum), "The smaller one, or the one that is not NaN", weak)


def _fmod(a: Tensor, b: Tensor) -> Tensor:
    if a.dtype.is_floating:
        return ew.truncate_mod(a, b)
    wide = "int32" if a.dtype.is_unsigned else a.dtype
    x, y = as_tensor(a, wide), as_tensor(b, wide)
    return as_tensor(ew.sign(x) * ew.mod(ew.abs_(x), ew.abs_(y)), a.dtype)


fmod = binary("fmod", _fmod, "The rest of x1 / x2 towards zero, which has the sign of x1", _no_bools)
heaviside = binary("heaviside", lambda x, h: ew.where(x < zeros_of(x), zeros_of(x), ew.where(
    x > zeros_of(x), ones_of(x), h)), "0 where x1 is negative, 1 where positive, x2 where it is 0", floating_wide)


def _hypot(a: Tensor, b: Tensor) -> Tensor:
    high, low = ew.maximum(ew.abs_(a), ew.abs_(b)), ew.minimum(ew.abs_(a), ew.abs_(b))
    return high * ew.sqrt(1.0 + ew.square(special.div_no_nan(low, high)))


hypot = binary("hypot", _hypot, "sqrt(x1 * x1 + x2 * x2) without overflow", floating_wide)


def _log_sum(a: Tensor, b: Tensor, scale: float) -> Tensor:
    """The logarithm, to base exp(scale), of the sum of two powers of that base."""
    apart = a - b
    total = ew.maximum(a, b) + ew.log1p(ew.exp(-ew.abs_(apart) * scale)) / scale
    return ew.where(ew.is_nan(apart), a + b, total)


logaddexp = binary("logaddexp", partial(_log_sum, scale=1.0), "log(exp(x1) + exp(x2))", _float)
logaddexp2 = binary("logaddexp2", partial(_log_sum, scale=math.log(2)), "log2(2**x1 + 2**x2)", _float)


def ldexp(x1: Any, x2: Any) -> Tensor:
    """x1 * 2**x2, elementwise. Raises TypeError if `x2` is not of integers."""
    exponent = convert_to_tensor(x2)
    if not is_int_dtype(exponent.dtype):
        raise TypeError(f"ldexp exponent must be an integer type. Received: x2 dtype={exponent.dtype.name}")
    a, b = _float(x1, exponent)
    kept = ew.logical_or(ew.is_inf(a), ew.equal(a, zeros_of(a)))
    return ew.where(kept, a, a * ew.power(scalar(2, a), b))


def _integers(name: str, op: Any) -> Any:
    def compute(a: Tensor, b: Tensor) -> Tensor:
        if not a.dtype.is_integer:
            raise TypeError(f"Arguments to {name} must be integers. Received: dtype={a.dtype.name}")
        return op(a, b)
    return compute


gcd = binary("gcd", _integers("gcd", special.gcd), "The greatest common divisor", strong)
lcm = binary("lcm", _integers("lcm", special.lcm), "The least common multiple", strong)


def nextafter(x1: Any, x2: Any) -> Tensor:
    """The float64 next to x1 towards x2, in the dtype of the result."""
    dtype = _float(x1, x2)[0].dtype
    return as_tensor(special.nextafter(as_tensor(x1, "float64"), as_tensor(x2, "float64")), dtype)


# comparisons with a tolerance

def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Whether abs(x1 - x2) <= atol + rtol * abs(x2), elementwise; integers must be equal."""
    a, b = strong(x1, x2)
    if not a.dtype.is_floating:
        return ew.equal(a, b)
    near = ew.abs_(a - b) <= ew.abs_(b) * rtol + atol
    return ew.logical_or(near, ew.logical_and(isnan(a), isnan(b))) if equal_nan else near


def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Whether all elements are close, as `isclose` says, or equal: a scalar."""
    a, b = strong(x1, x2)
    close = isclose(a, b, rtol, atol, equal_nan)
    if a.dtype.is_floating:
        finite = ew.logical_and(ew.is_finite(a), ew.is_finite(b))
        close = ew.logical_or(ew.logical_and(close, finite), ew.equal(a, b))
        if equal_nan:
            close = ew.logical_or(close, ew.logical_and(isnan(a), isnan(b)))
    return reduce_all(close)


__all__ = [
    "add", "allclose", "arctan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "divide", "divide_no_nan", "equal", "floor_divide", "fmax", "fmin", "fmod", "gcd", "greater",
    "greater_equal", "heaviside", "hypot", "isclose", "lcm", "ldexp", "left_shift", "less", "less_equal", "logaddexp",
    "logaddexp2", "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "mod", "multiply", "nextafter",
    "not_equal", "power", "right_shift", "subtract", "true_divide",
]
