"""Elementwise ops: arithmetic, comparison, logic, unary math, select and cast.

`lower` is the source of one element in a generated kernel; its function names are those of native/prelude.py.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..dtypes import ALL, COMPLEX, FLOATS, INTEGERS, NUMBERS, REALS, DType, as_dtype, bool_
from ..errors import DTypeError, InvalidArgumentError, UnimplementedError
from ..ir import Operation, Tensor, TensorType
from ..opdef import ELEMENTWISE, OpDef
from ..shapes import broadcast
from .arguments import convert_all
from .complex import complex_abs, complex_sign, conj
from .constant import convert_to_tensor
from .families import Build, binary, comparison, elementwise, unary
from .view import broadcast_to, ones_of, shape_of, zeros_of

SIGNED = tuple(d for d in REALS if not d.is_unsigned)
ANALYTIC = FLOATS + COMPLEX
# Abramowitz & Stegun 7.1.1: d erf / dx = 2 / sqrt(pi) * exp(-x^2)
TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)


def _erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf, otypes=[x.dtype])(x) if x.size else x.copy()


def _erfc(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erfc, otypes=[x.dtype])(x) if x.size else x.copy()


def _sigmoid(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "c":
        return 1 / (1 + np.exp(-x))
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e)).astype(x.dtype)


def _squared_modulus(x: np.ndarray) -> np.ndarray:
    return np.square(x) if x.dtype.kind != "c" else x * np.conj(x)


def _integer_division(function: Any) -> Any:
    """NumPy's rule, but an integer divided by zero is an error."""
    def reference(x: Any, y: Any) -> Any:
        if isinstance(x, np.ndarray) and x.dtype == object or isinstance(y, np.ndarray) and y.dtype == object:
            return function(x, y)
        if np.asarray(y).dtype.kind in "iu" and not np.all(y) and np.broadcast(x, y).size:
            raise InvalidArgumentError("Integer division by zero")
        with np.errstate(all="ignore"):
            return function(x, y)
    return reference


def _checked_division(source: str) -> Any:
    """The lowering of a division that fails for an integer divided by zero."""
    def lower(emit: Any, op: Operation, operands: Sequence[str]) -> str:
        y = op.inputs[1]
        if y.dtype.is_integer and not (y.op.type == "Const" and np.all(y.op.attrs["value"])):
            divisor = emit.let(operands[1], y.dtype)
            emit.fault_unless(f"{divisor} != 0", divisor, f"{y.dtype.code}(1)", op)
            operands = [operands[0], divisor]
        return emit.let(source.format(*operands), op.output.dtype)
    return lower


DIVISION_FAULT = {"fault": lambda op, value, limit, at: "Integer division by zero"}


# arithmetic

add = binary("AddV2", lower="{0} + {1}", reference=np.add, grad=lambda g, y, a, b: (g, g))
subtract = binary("Sub", lower="{0} - {1}", reference=np.subtract, grad=lambda g, y, a, b: (g, -g))
multiply = binary("Mul", lower="{0} * {1}", reference=np.multiply, grad=lambda g, y, a, b: (g * b, g * a))
real_divide = binary("RealDiv", lower="{0} / {1}", reference=np.divide, dtypes=ANALYTIC,
                     grad=lambda g, y, a, b: (g / b, -g * y / b))
floordiv = binary("FloorDiv", lower=_checked_division("floordiv({0}, {1})"), fields=DIVISION_FAULT,
                  reference=_integer_division(np.floor_divide), dtypes=REALS,
                  grad=lambda g, y, a, b: (None, None))
mod = binary("FloorMod", lower=_checked_division("mod({0}, {1})"), fields=DIVISION_FAULT,
             reference=_integer_division(np.mod), dtypes=REALS,
             grad=lambda g, y, a, b: (g, -g * floordiv(a, b)))
truncate_mod = binary("TruncateMod", lower="fmod({0}, {1})", reference=np.fmod, dtypes=FLOATS,
                      grad=lambda g, y, a, b: (g, -g * ((a - y) / b)))
maximum = binary("Maximum", lower="maximum({0}, {1})", reference=np.maximum, dtypes=REALS,
                 grad=lambda g, y, a, b: (where(a >= b, g, zeros_of(g)), where(a >= b, zeros_of(g), g)))
minimum = binary("Minimum", lower="minimum({0}, {1})", reference=np.minimum, dtypes=REALS,
                 grad=lambda g, y, a, b: (where(a <= b, g, zeros_of(g)), where(a <= b, zeros_of(g), g)))
squared_difference = binary("SquaredDifference", lower="({0} - {1}) * ({0} - {1})",
                            reference=lambda a, b: _squared_modulus(a - b),
                            grad=lambda g, y, a, b: (2 * g * conj(a - b), -2 * g * conj(a - b)))
atan2 = binary("Atan2", lower="atan2({0}, {1})", reference=np.arctan2, dtypes=FLOATS,
               grad=lambda g, y, a, b: (g * b / (a * a + b * b), -g * a / (a * a + b * b)))
_pow_float = binary(
    "Pow", lower="pow({0}, {1})", reference=np.power, dtypes=ANALYTIC,
    # log(a) counts as 0 where a <= 0, as TensorFlow has it; a safe base keeps NaN out of the untaken branch
    grad=lambda g, y, a, b: (g * b * power(a, b - 1), g * y * log(where(_has_log(a), a, ones_of(a)))))


def _has_log(x: Tensor) -> Tensor:
    return not_equal(x, zeros_of(x)) if x.dtype.is_complex else x > 0


def _integer_power(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    result = np.ones(np.broadcast(a, b).shape, np.result_type(a, b))
    base, exponent = np.broadcast_to(a, result.shape).copy(), np.broadcast_to(b, result.shape).copy()
    result[exponent < 0] = 0
    while np.any(exponent > 0):
        result = np.where(exponent & 1, result * base, result)
        base, exponent = base * base, np.where(exponent > 0, exponent >> 1, 0)
    return result.astype(a.dtype)


_pow_integer = binary("IntegerPow", lower="ipow({0}, {1})", reference=_integer_power, dtypes=INTEGERS)


def power(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x ** y by elements; integers stay integers."""
    x, y = convert_all("Pow", (x, y))
    return (_pow_integer if x.dtype.is_integer else _pow_float)(x, y, name=name or "Pow")


# unary math

analytic = partial(unary, dtypes=ANALYTIC)

negative = unary("Neg", lower="-{0}", reference=np.negative, dtypes=SIGNED + COMPLEX, grad=lambda g, y, x: -g)
abs_ = unary("Abs", lower="absolute({0})", reference=np.abs, dtypes=SIGNED, grad=lambda g, y, x: g * sign(x),
             if_complex=complex_abs)
sign: Build = unary("Sign", lower="sign({0})", reference=np.sign, dtypes=SIGNED,
                    grad=lambda g, y, x: broadcast_to(zeros_of(g), shape_of(x)), if_complex=complex_sign)
square = unary("Square", lower="{0} * {0}", reference=np.square, dtypes=NUMBERS, grad=lambda g, y, x: 2 * g * x)
sqrt = analytic("Sqrt", lower="sqrt({0})", reference=np.sqrt, grad=lambda g, y, x: g * 0.5 / y)
rsqrt = analytic("Rsqrt", lower="rsqrt({0})", reference=lambda x: (1 / np.sqrt(x)).astype(x.dtype),
                 grad=lambda g, y, x: -0.5 * g * y * y * y)
reciprocal = analytic("Reciprocal", lower="{t}(1) / {0}", reference=lambda x: (1 / x).astype(x.dtype),
                      grad=lambda g, y, x: -g * y * y)
exp = analytic("Exp", lower="exp({0})", reference=np.exp, grad=lambda g, y, x: g * y)
expm1 = analytic("Expm1", lower="expm1({0})", reference=np.expm1, grad=lambda g, y, x: g * (y + 1))
log: Build = analytic("Log", lower="log({0})", reference=np.log, grad=lambda g, y, x: g / x)
log1p = analytic("Log1p", lower="log1p({0})", reference=np.log1p, grad=lambda g, y, x: g / (1 + x))
tanh = analytic("Tanh", lower="tanh({0})", reference=np.tanh, grad=lambda g, y, x: g * (1 - y * y))
sigmoid = analytic("Sigmoid", lower="sigmoid({0})", reference=_sigmoid, grad=lambda g, y, x: g * y * (1 - y))
erf = unary("Erf", lower="erf({0})", reference=_erf, grad=lambda g, y, x: g * TWO_OVER_SQRT_PI * exp(-x * x))
erfc = unary("Erfc", lower="erfc({0})", reference=_erfc, grad=lambda g, y, x: -g * TWO_OVER_SQRT_PI * exp(-x * x))
sin = analytic("Sin", lower="sin({0})", reference=np.sin, grad=lambda g, y, x: g * cos(x))
cos: Build = analytic("Cos", lower="cos({0})", reference=np.cos, grad=lambda g, y, x: -g * sin(x))
tan = analytic("Tan", lower="tan({0})", reference=np.tan, grad=lambda g, y, x: g * (1 + y * y))
asin = analytic("Asin", lower="asin({0})", reference=np.arcsin, grad=lambda g, y, x: g * rsqrt(1 - x * x))
acos = analytic("Acos", lower="acos({0})", reference=np.arccos, grad=lambda g, y, x: -g * rsqrt(1 - x * x))
atan = analytic("Atan", lower="atan({0})", reference=np.arctan, grad=lambda g, y, x: g / (1 + x * x))
sinh = analytic("Sinh", lower="sinh({0})", reference=np.sinh, grad=lambda g, y, x: g * cosh(x))
cosh: Build = analytic("Cosh", lower="cosh({0})", reference=np.cosh, grad=lambda g, y, x: g * sinh(x))
asinh = analytic("Asinh", lower="asinh({0})", reference=np.arcsinh, grad=lambda g, y, x: g * rsqrt(x * x + 1))
acosh = analytic("Acosh", lower="acosh({0})", reference=np.arccosh, grad=lambda g, y, x: g / sinh(y))
atanh = analytic("Atanh", lower="atanh({0})", reference=np.arctanh, grad=lambda g, y, x: g / (1 - x * x))
floor = unary("Floor", lower="floor({0})", reference=np.floor, grad=lambda g, y, x: None)
ceil = unary("Ceil", lower="ceil({0})", reference=np.ceil, grad=lambda g, y, x: None)
round_half_even = unary("Round", lower="rint({0})", reference=np.rint, dtypes=ANALYTIC, grad=lambda g, y, x: None)
rint = unary("Rint", lower="rint({0})", reference=np.rint, grad=lambda g, y, x: None)
softplus = unary("Softplus", lower="maximum({0}, {t}(0)) + log1p(exp(-absolute({0})))",
                 reference=lambda x: np.logaddexp(x, 0).astype(x.dtype), grad=lambda g, y, x: g * sigmoid(x))
softsign = unary("Softsign", lower="{0} / ({t}(1) + absolute({0}))", reference=lambda x: x / (1 + np.abs(x)),
                 grad=lambda g, y, x: g / square(1 + abs_(x)))

# activations: through y where that spares keeping x

relu = unary("Relu", lower="maximum({0}, {t}(0))", reference=lambda x: np.maximum(x, x.dtype.type(0)), dtypes=REALS,
             grad=lambda g, y, x: where(y > 0, g, zeros_of(g)))
relu6 = unary("Relu6", lower="minimum(maximum({0}, {t}(0)), {t}(6))",
              reference=lambda x: np.clip(x, x.dtype.type(0), x.dtype.type(6)), dtypes=REALS,
              grad=lambda g, y, x: where(logical_and(y > 0, y < 6), g, zeros_of(g)))
elu = unary("Elu", lower="select({0} < {t}(0), expm1({0}), {0})",
            reference=lambda x: np.asarray(np.where(x < 0, np.expm1(np.minimum(x, 0)), x), x.dtype),
            grad=lambda g, y, x: where(y < 0, g * (y + 1), g))
# Klambauer et al. 2017, "Self-Normalizing Neural Networks"
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
selu = unary("Selu", lower=f"{{t}}({SELU_SCALE}) * select({{0}} < {{t}}(0), {{t}}({SELU_ALPHA}) * expm1({{0}}), {{0}})",
             reference=lambda x: (SELU_SCALE * np.where(x < 0, SELU_ALPHA * np.expm1(np.minimum(x, 0)), x)
                                  ).astype(x.dtype),
             grad=lambda g, y, x: where(y < 0, g * (y + SELU_SCALE * SELU_ALPHA), g * SELU_SCALE))

# comparison and logic

equal = comparison("Equal", lower="{0} == {1}", reference=np.equal, dtypes=ALL)
not_equal = comparison("NotEqual", lower="{0} != {1}", reference=np.not_equal, dtypes=ALL)
less = comparison("Less", lower="{0} < {1}", reference=np.less, dtypes=REALS)
less_equal = comparison("LessEqual", lower="{0} <= {1}", reference=np.less_equal, dtypes=REALS)
greater = comparison("Greater", lower="{0} > {1}", reference=np.greater, dtypes=REALS)
greater_equal = comparison("GreaterEqual", lower="{0} >= {1}", reference=np.greater_equal, dtypes=REALS)
logical_and: Build = binary("LogicalAnd", lower="{0} & {1}", reference=np.logical_and, dtypes=(bool_,))
logical_or = binary("LogicalOr", lower="{0} | {1}", reference=np.logical_or, dtypes=(bool_,))
logical_xor = binary("LogicalXor", lower="{0} ^ {1}", reference=np.logical_xor, dtypes=(bool_,))
logical_not = unary("LogicalNot", lower="not {0}", reference=np.logical_not, dtypes=(bool_,))
bitwise_and = binary("BitwiseAnd", lower="{0} & {1}", reference=np.bitwise_and, dtypes=INTEGERS)
bitwise_or = binary("BitwiseOr", lower="{0} | {1}", reference=np.bitwise_or, dtypes=INTEGERS)
bitwise_xor = binary("BitwiseXor", lower="{0} ^ {1}", reference=np.bitwise_xor, dtypes=INTEGERS)
invert = unary("Invert", lower="~{0}", reference=np.invert, dtypes=INTEGERS)
is_nan = unary("IsNan", lower="isnan({0})", reference=np.isnan, result=bool_)
is_inf = unary("IsInf", lower="isinf({0})", reference=np.isinf, result=bool_)
is_finite = unary("IsFinite", lower="isfinite({0})", reference=np.isfinite, result=bool_)

# select


def _select_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    condition, x, y = inputs
    if condition.dtype != bool_:
        raise DTypeError(f"SelectV2: the condition must be bool, received {condition!r}")
    if x.dtype != y.dtype:
        raise DTypeError(f"SelectV2: both branches must have one dtype, received {x.dtype.name} and {y.dtype.name}")
    return [TensorType(x.dtype, broadcast("SelectV2", condition.dims, x.dims, y.dims))]


def _select_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    condition = op.inputs[0]
    return None, where(condition, g, zeros_of(g)), where(condition, zeros_of(g), g)


select = OpDef("SelectV2", ELEMENTWISE, _select_types, _select_grad, np.where, lower="select({0}, {1}, {2})")


def where(condition: Any, x: Any, y: Any, name: str | None = None) -> Tensor:
    """Elements of `x` where `condition` holds, of `y` elsewhere, with broadcasting."""
    x, y = convert_all("where", (x, y))
    return select(convert_to_tensor(condition, bool_), x, y, name=name or "Select")


# cast

def _cast_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    x = op.inputs[0]
    return [cast(g, x.dtype) if x.dtype.is_differentiable and op.output.dtype.is_differentiable else None]


_cast = OpDef("Cast", ELEMENTWISE, lambda inputs, attrs: [TensorType(attrs["dtype"], inputs[0].dims)], _cast_grad,
              lambda x, dtype: _astype(x, dtype), lower="{t}({0})")


def _astype(x: np.ndarray, dtype: DType) -> np.ndarray:
    if x.dtype.kind == "c" and not dtype.is_complex:
        x = x.real
    with np.errstate(all="ignore"):
        return x.astype(dtype.np)


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """`x` with elements converted to `dtype`, by C's rules (floats truncate towards zero)."""
    x, dtype = convert_to_tensor(x), as_dtype(dtype)
    if x.dtype.is_string != dtype.is_string:
        raise UnimplementedError(f"Cast {x.dtype.name} to {dtype.name} is not supported: {x!r}")
    return x if x.dtype == dtype else _cast(x, dtype=dtype, name=name or "Cast")


def _lower_check(emit: Any, op: Operation, operands: list[str]) -> str:
    index, limit = operands
    source = op.inputs[1].op
    if source.type == "Const" and limit not in emit.levels:  # no literal, so that another limit is the same kernel
        limit = emit.argument(("limit", op), int(source.attrs["value"]))
    return emit.let(f"{op.output.dtype.code}({emit.checked_index(index, limit, op)})", op.output.dtype)


# an index that must lie in [0, limit), a scalar: else the run fails with `message`, in which {0} is the index and {1}
# the limit
_check_index = elementwise("CheckIndex", 2, dtypes=INTEGERS, lower=_lower_check,
                           reference=lambda x, limit, message: _checked(x, limit, message),
                           fields={"fault": lambda op, value, limit, at: op.attrs["message"].format(value, limit)})


def check_index(x: Tensor, limit: Tensor, message: str = "index {0} is not in [0, {1})") -> Tensor:
    """`x`, all in [0, limit). Raises InvalidArgumentError with the message when the graph runs with another."""
    return _check_index(x, limit, message=message)


def _checked(x: np.ndarray, limit: np.ndarray, message: str) -> np.ndarray:
    bad = x[(x < 0) | (x >= limit)] if x.ndim else x.reshape(1)[(x.reshape(1) < 0) | (x.reshape(1) >= limit)]
    if bad.size:
        raise InvalidArgumentError(message.format(bad.ravel()[0], int(limit)))
    return x
