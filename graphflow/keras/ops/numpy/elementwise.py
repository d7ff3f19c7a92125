"""Functions of one number: integers are computed as floats where the result is not an integer."""
from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from .... import math as gm
from ....compiler.dtypes import int32
from ....compiler.ir import Tensor
from ....compiler.ops import elementwise as ew
from ....compiler.ops.bits import bitcast
from ....compiler.ops.complex import angle as _angle
from ....compiler.ops.complex import conj as _conj
from ....compiler.ops.complex import imag as _imag
from ....compiler.ops.complex import real as _real
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.view import identity, ones_like, ones_of, zeros_like, zeros_of
from ... import backend
from ..dtypes import as_tensor, floating, floating_wide
from ..naming import alias, unary


def scalar(value: float, like: Tensor) -> Tensor:
    """A number in a tensor's dtype."""
    return convert_to_tensor(np.asarray(value).astype(like.dtype.np))


def is_number(x: Tensor) -> bool:
    """Whether the dtype has fractions (else nothing is to be rounded, and nothing is infinite)."""
    return x.dtype.is_floating or x.dtype.is_complex


arccos, arcsin = unary("arccos", ew.acos, "The inverse cosine"), unary("arcsin", ew.asin, "The inverse sine")
arctan = unary("arctan", ew.atan, "The inverse tangent")
arccosh = unary("arccosh", ew.acosh, "The inverse hyperbolic cosine")
arcsinh = unary("arcsinh", ew.asinh, "The inverse hyperbolic sine")
arctanh = unary("arctanh", ew.atanh, "The inverse hyperbolic tangent")
cos, sin = unary("cos", ew.cos, "The cosine"), unary("sin", ew.sin, "The sine")
tan = unary("tan", ew.tan, "The tangent")
cosh, sinh = unary("cosh", ew.cosh, "The hyperbolic cosine"), unary("sinh", ew.sinh, "The hyperbolic sine")
tanh = unary("tanh", ew.tanh, "The hyperbolic tangent")
ceil, floor = unary("ceil", ew.ceil, "Rounded up, as floats"), unary("floor", ew.floor, "Rounded down, as floats")
exp, expm1 = unary("exp", ew.exp, "e to the power of x"), unary("expm1", ew.expm1, "exp(x) - 1")
exp2 = unary("exp2", lambda x: ew.power(scalar(2, x), x), "2 to the power of x")
log, log1p = unary("log", ew.log, "The natural logarithm"), unary("log1p", ew.log1p, "log(1 + x)")
log2 = unary("log2", lambda x: ew.log(x) / scalar(math.log(2), x), "The logarithm to base 2")
log10 = unary("log10", lambda x: ew.log(x) / scalar(math.log(10), x), "The logarithm to base 10")
sqrt = unary("sqrt", ew.sqrt, "The square root")
reciprocal = unary("reciprocal", ew.reciprocal, "1 / x")
fabs = unary("fabs", ew.abs_, "The absolute value as a float")
i0 = unary("i0", gm.bessel_i0, "The modified Bessel function of the first kind and order 0", floating_wide)
cbrt = unary("cbrt", lambda x: ew.sign(x) * ew.power(ew.abs_(x), scalar(1 / 3, x)), "The cube root", floating_wide)
deg2rad = unary("deg2rad", lambda x: x * scalar(math.pi / 180, x), "Degrees in radians", floating_wide)
rad2deg = unary("rad2deg", lambda x: x * scalar(180 / math.pi, x), "Radians in degrees", floating_wide)
negative = unary("negative", ew.negative, "-x", convert_to_tensor)
copy = unary("copy", identity, "The same values", convert_to_tensor)
logical_not = unary("logical_not", ew.logical_not, "Whether x is zero", partial(as_tensor, dtype="bool"))
bitwise_invert = unary("bitwise_invert", ew.invert, "Every bit inverted, of integers", convert_to_tensor)
bitwise_not = alias("bitwise_not", bitwise_invert)
square = unary("square", ew.square, "x * x, of booleans as int32",
               lambda x: as_tensor(x, "int32") if convert_to_tensor(x).dtype.is_bool else convert_to_tensor(x))


def _sinc(x: Tensor) -> Tensor:
    turned = x * scalar(math.pi, x)
    return ew.where(ew.equal(x, zeros_of(x)), ones_of(x), ew.sin(turned) / turned)


sinc = unary("sinc", _sinc, "sin(pi x) / (pi x), 1 at 0")


def absolute(x: Any) -> Tensor:
    """The absolute value, elementwise; the magnitude of complex numbers."""
    tensor = convert_to_tensor(x)
    return tensor if tensor.dtype.is_unsigned or tensor.dtype.is_bool else ew.abs_(tensor)


abs = alias("abs", absolute)


def sign(x: Any) -> Tensor:
    """-1, 0 or 1, in the dtype of `x`."""
    tensor = convert_to_tensor(x)
    return as_tensor(ew.sign(as_tensor(tensor, "int32")), tensor.dtype) if tensor.dtype.is_unsigned else ew.sign(tensor)


def signbit(x: Any) -> Tensor:
    """Whether the sign bit is set, as it is in -0.0."""
    tensor = convert_to_tensor(x)
    if tensor.dtype.is_floating:
        tensor = bitcast(ew.cast(tensor, "float32"), dtype=int32)
    return ew.less(tensor, zeros_of(tensor)) if tensor.dtype.is_integer else zeros_like(tensor, "bool")


def trunc(x: Any) -> Tensor:
    """Rounded towards zero, in the dtype of `x`."""
    tensor = convert_to_tensor(x)
    if not is_number(tensor):
        return tensor
    return ew.where(tensor < scalar(0, tensor), ew.ceil(tensor), ew.floor(tensor))


def round(x: Any, decimals: int = 0) -> Tensor:
    """Rounded to that many decimals, halves to even, in the dtype of `x`."""
    tensor = convert_to_tensor(x)
    if not is_number(tensor) and decimals >= 0:
        return tensor
    if decimals == 0:
        return ew.round_half_even(tensor)
    value = tensor if is_number(tensor) else as_tensor(tensor, backend.floatx())
    factor = scalar(10.0 ** decimals, value)
    return as_tensor(ew.round_half_even(value * factor) / factor, tensor.dtype)


def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """x, but at least `x_min` and at most `x_max`, in its own dtype (booleans as int32)."""
    tensor = convert_to_tensor(x)
    tensor = as_tensor(tensor, "int32") if tensor.dtype.is_bool else tensor
    low, high = (as_tensor(v, tensor.dtype) for v in (x_min, x_max))
    return ew.minimum(ew.maximum(tensor, low), high)


def _test(name: str, test: Any, otherwise: bool, doc: str) -> Any:
    """A test of floats whose result is known for integers."""
    def compute(x: Tensor) -> Tensor:
        if is_number(x):
            return test(x)
        return (ones_like if otherwise else zeros_like)(x, "bool")
    return unary(name, compute, doc, convert_to_tensor)


isfinite = _test("isfinite", ew.is_finite, True, "Whether x is neither infinite nor NaN")
isinf = _test("isinf", ew.is_inf, False, "Whether x is infinite")
isnan = _test("isnan", ew.is_nan, False, "Whether x is NaN")
isneginf = _test("isneginf", lambda x: ew.equal(x, scalar(-math.inf, x)), False, "Whether x is negative infinity")
isposinf = _test("isposinf", lambda x: ew.equal(x, scalar(math.inf, x)), False, "Whether x is positive infinity")


def isreal(x: Any) -> Tensor:
    """Whether the imaginary part is 0."""
    tensor = convert_to_tensor(x)
    part = _imag(tensor) if tensor.dtype.is_complex else tensor
    return ew.equal(part, zeros_of(part)) if tensor.dtype.is_complex else ones_like(tensor, "bool")


def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """NaN as `nan`, infinities as `posinf` and `neginf` (by default the largest and lowest numbers of the dtype)."""
    tensor = convert_to_tensor(x)
    if not tensor.dtype.is_floating:
        return tensor
    high = tensor.dtype.max if posinf is None else posinf
    low = tensor.dtype.min if neginf is None else neginf
    tensor = ew.where(ew.is_nan(tensor), scalar(nan, tensor), tensor)
    tensor = ew.where(ew.equal(tensor, scalar(math.inf, tensor)), scalar(high, tensor), tensor)
    return ew.where(ew.equal(tensor, scalar(-math.inf, tensor)), scalar(low, tensor), tensor)


# complex numbers

real = unary("real", _real, "The real part", convert_to_tensor)
imag = unary("imag", _imag, "The imaginary part", convert_to_tensor)
conj = unary("conj", _conj, "The complex conjugate", convert_to_tensor)
conjugate = alias("conjugate", conj)


def angle(x: Any) -> Tensor:
    """The angle in radians: of a real number 0, or pi if it is negative."""
    tensor = floating(x)
    if tensor.dtype.is_complex:
        return _angle(tensor)
    return ew.where(tensor < scalar(0, tensor), scalar(math.pi, tensor), tensor * scalar(0, tensor))


__all__ = [
    "abs", "absolute", "angle", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "bitwise_invert",
    "bitwise_not", "cbrt", "ceil", "clip", "conj", "conjugate", "copy", "cos", "cosh", "deg2rad", "exp", "exp2",
    "expm1", "fabs", "floor", "i0", "imag", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal", "log",
    "log10", "log1p", "log2", "logical_not", "nan_to_num", "negative", "rad2deg", "real", "reciprocal", "round", "sign",
    "signbit", "sin", "sinc", "sinh", "sqrt", "square", "tan", "tanh", "trunc",
]
