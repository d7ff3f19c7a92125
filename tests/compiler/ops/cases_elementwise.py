"""Cases of the elementwise ops."""
from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from example import F32, F64, PAIRS, SHAPES, bools, case, floats, ints
from graphflow.compiler.dtypes import INTEGERS
from graphflow.compiler.ops import constant as c
from graphflow.compiler.ops import elementwise as ew

# elementwise: name -> (builder, NumPy, domain)

_erf, _erfc = (np.vectorize(f, otypes=[F64]) for f in (math.erf, math.erfc))
UNARY: dict[str, tuple[Any, Callable[..., Any], float, float]] = {
    "Neg": (ew.negative, np.negative, -2, 2), "Abs": (ew.abs_, np.abs, -2, 2), "Sign": (ew.sign, np.sign, -2, 2),
    "Square": (ew.square, np.square, -2, 2), "Sqrt": (ew.sqrt, np.sqrt, 0.2, 4),
    "Rsqrt": (ew.rsqrt, lambda x: 1 / np.sqrt(x), 0.2, 4), "Reciprocal": (ew.reciprocal, lambda x: 1 / x, 0.3, 3),
    "Exp": (ew.exp, np.exp, -3, 3), "Expm1": (ew.expm1, np.expm1, -1, 1), "Log": (ew.log, np.log, 0.2, 5),
    "Log1p": (ew.log1p, np.log1p, -0.7, 3), "Tanh": (ew.tanh, np.tanh, -3, 3),
    "Sigmoid": (ew.sigmoid, lambda x: 1 / (1 + np.exp(-x)), -4, 4), "Erf": (ew.erf, _erf, -3, 3),
    "Erfc": (ew.erfc, _erfc, -2, 2), "Sin": (ew.sin, np.sin, -4, 4), "Cos": (ew.cos, np.cos, -4, 4),
    "Tan": (ew.tan, np.tan, -1, 1), "Asin": (ew.asin, np.arcsin, -0.9, 0.9), "Acos": (ew.acos, np.arccos, -0.9, 0.9),
    "Atan": (ew.atan, np.arctan, -3, 3), "Sinh": (ew.sinh, np.sinh, -2, 2), "Cosh": (ew.cosh, np.cosh, -2, 2),
    "Asinh": (ew.asinh, np.arcsinh, -3, 3), "Acosh": (ew.acosh, np.arccosh, 1.3, 4),
    "Atanh": (ew.atanh, np.arctanh, -0.8, 0.8), "Floor": (ew.floor, np.floor, -3, 3), "Ceil": (ew.ceil, np.ceil, -3, 3),
    "Rint": (ew.rint, np.rint, -3, 3), "Round": (ew.round_half_even, np.rint, -3, 3),
    "Softplus": (ew.softplus, lambda x: np.log(1 + np.exp(x)), -4, 4),
    "Softsign": (ew.softsign, lambda x: x / (1 + np.abs(x)), -3, 3),
    "Relu": (ew.relu, lambda x: x * (x > 0), -2, 2), "Relu6": (ew.relu6, lambda x: np.clip(x, 0, 6), -3, 9),
    "Elu": (ew.elu, lambda x: np.where(x < 0, np.exp(x) - 1, x), -2, 2),
    "Selu": (ew.selu, lambda x: 1.0507009873554805 * np.where(x < 0, 1.6732632423543772 * (np.exp(x) - 1), x), -2, 2),
    "IsNan": (ew.is_nan, np.isnan, -1, 1), "IsInf": (ew.is_inf, np.isinf, -1, 1),
    "IsFinite": (ew.is_finite, np.isfinite, -1, 1),
}
SECOND = {"Square", "Sqrt", "Rsqrt", "Exp", "Log", "Tanh", "Sigmoid", "Softplus", "Mul", "RealDiv", "Pow"}
for _name, (_build, _numpy, _low, _high) in UNARY.items():
    for _n, _shape in enumerate(SHAPES):
        case(_name, _build, floats(_shape, _low, _high, seed=_n), expect=_numpy,
             second=_name in SECOND and _n in (0, 4))
    case(_name, _build, floats((3, 3), _low, _high, F64), expect=_numpy, grad=False)
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-40, -3.5, 88.0, -110.0], F32)
for _name in ("Neg", "Abs", "Sign", "Square", "Sqrt", "Exp", "Log", "Log1p", "Expm1", "Tanh", "Atan", "Floor", "Ceil",
              "Rint", "Round", "IsNan", "IsInf", "IsFinite"):
    case(_name, UNARY[_name][0], SPECIAL, expect=UNARY[_name][1], grad=False)
case("Rint", ew.rint, np.array([0.5, 1.5, 2.5, -0.5, -1.5], F32), expect=np.rint, grad=False)
for _name in ("Neg", "Abs", "Sign", "Square"):
    for _dtype in (np.int32, np.int64, np.int8):
        case(_name, UNARY[_name][0], ints((5,), -6, 7, _dtype), expect=UNARY[_name][1])
case("LogicalNot", ew.logical_not, bools((2, 3)), expect=np.logical_not)
for _dtype in INTEGERS:
    case("Invert", ew.invert, ints((5,), 0, 9, _dtype.np), expect=np.invert)

ARITHMETIC: dict[str, tuple[Any, Any, tuple[float, float], tuple[float, float]]] = {
    "AddV2": (ew.add, np.add, (-2, 2), (-2, 2)), "Sub": (ew.subtract, np.subtract, (-2, 2), (-2, 2)),
    "Mul": (ew.multiply, np.multiply, (-2, 2), (-2, 2)), "RealDiv": (ew.real_divide, np.divide, (-2, 2), (0.4, 2)),
    "FloorDiv": (ew.floordiv, np.floor_divide, (-5, 5), (0.4, 2)), "FloorMod": (ew.mod, np.mod, (-5, 5), (0.4, 2)),
    "TruncateMod": (ew.truncate_mod, np.fmod, (-5, 5), (0.4, 2)),
    "Maximum": (ew.maximum, np.maximum, (-2, 2), (-2, 2)), "Minimum": (ew.minimum, np.minimum, (-2, 2), (-2, 2)),
    "SquaredDifference": (ew.squared_difference, lambda a, b: (a - b) ** 2, (-2, 2), (-2, 2)),
    "Atan2": (ew.atan2, np.arctan2, (-2, 2), (0.3, 2)), "Pow": (ew.power, np.power, (0.3, 2), (-2, 2)),
}
for _name, (_build, _numpy, _a, _b) in ARITHMETIC.items():
    for _n, (_x, _y) in enumerate(PAIRS):
        case(_name, _build, floats(_x, *_a, seed=_n), floats(_y, *_b, seed=_n + 50), expect=_numpy,
             second=_name in SECOND and _n in (0, 3))
    if _name not in ("RealDiv", "Atan2", "Pow", "TruncateMod"):
        for _dtype in (np.int32, np.int64, np.uint8, np.int16):
            _low = 0 if _dtype == np.uint8 else -6
            case(_name, _build, ints((4, 1), max(_low, 3 if _dtype == np.uint8 else _low), 9, _dtype),
                 ints((3,), 1, 4, _dtype, 1), expect=_numpy)
_edge = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -2.0], F32)
for _name in ("AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "Pow", "TruncateMod"):
    case(_name, ARITHMETIC[_name][0], _edge[:, None], _edge, expect=ARITHMETIC[_name][1], grad=False)
case("TruncateMod", ew.truncate_mod, np.array([1e300, -1e300, 1e17, 2.0 ** 60 + 512])[:, None],
     np.array([3.0, -7.0, 0.1, 1e17]), expect=np.fmod, grad=False)
for _name in ("FloorDiv", "FloorMod"):
    case(_name, ARITHMETIC[_name][0], np.array([7, -7, 7, -7], np.int32), np.array([2, 2, -2, -2], np.int32),
         expect=ARITHMETIC[_name][1])
case("IntegerPow", ew.power, ints((3, 1), -4, 5), ints((4,), 0, 5, seed=1), expect=np.power)
case("IntegerPow", ew.power, ints((6,), 0, 5, np.uint8), ints((6,), 0, 3, np.uint8, 1), expect=np.power)

for _name, _build, _numpy in (("Equal", ew.equal, np.equal), ("NotEqual", ew.not_equal, np.not_equal),
                              ("Less", ew.less, np.less), ("LessEqual", ew.less_equal, np.less_equal),
                              ("Greater", ew.greater, np.greater),
                              ("GreaterEqual", ew.greater_equal, np.greater_equal)):
    for _x, _y in PAIRS:
        case(_name, _build, ints(_x, -2, 3), ints(_y, -2, 3, seed=1), expect=_numpy)
    case(_name, _build, _edge[:, None], _edge, expect=_numpy)
    case(_name, _build, ints((4,), 0, 3, np.int64), ints((4,), 0, 3, np.int64, 1), expect=_numpy)
case("Equal", ew.equal, bools((5,)), bools((5,), 1), expect=np.equal)
for _name, _build, _numpy in (("LogicalAnd", ew.logical_and, np.logical_and),
                              ("LogicalOr", ew.logical_or, np.logical_or),
                              ("LogicalXor", ew.logical_xor, np.logical_xor)):
    for _x, _y in PAIRS:
        case(_name, _build, bools(_x), bools(_y, 1), expect=_numpy)
for _name, _build, _numpy in (("BitwiseAnd", ew.bitwise_and, np.bitwise_and),
                              ("BitwiseOr", ew.bitwise_or, np.bitwise_or),
                              ("BitwiseXor", ew.bitwise_xor, np.bitwise_xor)):
    for _dtype in (np.int32, np.uint8, np.int64):
        case(_name, _build, ints((4, 1), 0, 99, _dtype), ints((3,), 0, 99, _dtype, 1), expect=_numpy)

for _cond, _x, _y in (((), (), ()), ((3,), (3,), (3,)), ((2, 1), (3,), (2, 3)), ((0,), (1,), ()), ((4,), (2, 1), ())):
    case("SelectV2", ew.where, bools(_cond), floats(_x), floats(_y, seed=1), expect=np.where)
case("SelectV2", ew.where, bools((4,)), ints((4,)), ints((4,), seed=1), expect=np.where)
_types = ("float32", "float64", "int32", "int64", "uint8", "bool", "int8", "uint16")
for _from in _types:
    for _to in _types:
        if _from != _to:
            case("Cast", partial(ew.cast, dtype=_to), floats((5,), 0, 9, seed=2).astype(_from),
                 expect=lambda x, to=_to: x.astype(to), grad=_from.startswith("f") and _to == "float64")
case("Cast", partial(ew.cast, dtype="int32"), np.array([-1.9, -0.5, 1.9], F32), expect=lambda x: x.astype(np.int32),
     grad=False)
case("CheckIndex", lambda i: ew.check_index(i, c.constant(4)), ints((2, 3), 0, 4), expect=lambda i: i)
