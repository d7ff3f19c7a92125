"""Cases of special functions, against published values, and of the ops that guard 0."""
from __future__ import annotations

import math

import numpy as np
from example import F32, case, floats, ints
from graphflow.compiler.ops import integrals, special

X = floats((7,), 0.2, 3)
# Abramowitz & Stegun: tables 6.1, 6.4, 9.8, 23.3, 26.1 and section 7.1
case("Lgamma", special.lgamma, X, second=True, expect=lambda x: np.array([math.lgamma(v) for v in x], x.dtype))
case("Lgamma", special.lgamma, np.array([-0.5, -1.5, 0, 171], F32), grad=False,
     expect=lambda x: np.array([math.lgamma(-0.5), math.lgamma(-1.5), np.inf, math.lgamma(171)], F32))
case("Digamma", special.digamma, np.array([1, 0.5, 2, -0.5], F32), second=True,
     expect=lambda x: np.array([-0.5772156649, -1.9635100260, 0.4227843351, 0.0364899740], F32))
case("Polygamma", special.polygamma, np.array([1, 2, 0], F32), np.array([1, 1, 1], F32), grad=False,
     expect=lambda n, x: np.array([1.6449340668, -2.4041138063, -0.5772156649], F32))
case("Zeta", special.zeta, np.array([2, 4, 3], F32), np.array([1, 1, 2], F32), grad=False,
     expect=lambda x, q: np.array([1.6449340668, 1.0823232337, 0.2020569032], F32))
case("Igamma", special.igamma, np.array([1, 0.5, 3], F32), np.array([1, 0.25, 5], F32),
     expect=lambda a, x: np.array([0.6321205588, math.erf(0.5), 0.8753479805], F32))
# more than are computed at a time, by the series and by the fraction
case("Igamma", special.igamma, np.ones((2, 5000)), floats((2, 5000), 0.01, 9, dtype=np.float64),
     expect=lambda a, x: -np.expm1(-x), grad=False)
case("Igammac", special.igammac, np.array([1, 0.5, 3], F32), np.array([1, 0.25, 5], F32),
     expect=lambda a, x: np.array([0.3678794412, math.erfc(0.5), 0.1246520195], F32))
case("IgammaGradA", special.igamma_grad_a, np.array([1.5], F32), np.array([2.0], F32), grad=False,
     expect=lambda a, x: np.array([-0.2774335642], F32))
case("Betainc", special.betainc, np.array([1, 2, 0.5], F32), np.array([1, 3, 0.5], F32),
     np.array([0.3, 0.5, 0.25], F32), grad=False, expect=lambda a, b, x: np.array([0.3, 0.6875, 1 / 3], F32))
case("Erfinv", special.erfinv, floats((7,), -0.9, 0.9), second=True)
case("Erfinv", special.erfinv, np.array([0.5, -0.5, 1], F32), grad=False,
     expect=lambda x: np.array([0.4769362762, -0.4769362762, np.inf], F32))
case("Ndtri", special.ndtri, np.array([0.5, 0.975, 1e-9], F32), grad=False,
     expect=lambda p: np.array([0, 1.9599639845, -5.9978070150], F32))
for _name, _build, _values in (("BesselI0", special.bessel_i0, (1.0, 1.2660658778, 27.239871824)),
                               ("BesselI1", special.bessel_i1, (0.0, 0.5651591040, 24.335642142)),
                               ("BesselI0e", special.bessel_i0e, (1.0, 0.4657596077, 0.1835408126)),
                               ("BesselI1e", special.bessel_i1e, (0.0, 0.2079104154, 0.1639722669))):
    case(_name, _build, np.array([0, 1, 5], F32), grad=False, expect=lambda x, v=_values: np.array(v, F32))
    case(_name, _build, floats((5,), 0.3, 3))
for _name, _values in {  # TensorFlow's, at 0.3, 1, 7, 40
    "bessel_j0": (0.9776262465, 0.7651976866, 0.3000792705, 0.0073668906),
    "bessel_j1": (0.1483188163, 0.4400505857, -0.0046828235, 0.1260383180),
    "bessel_y0": (-0.8072735778, 0.0882569642, -0.0259497440, 0.1259364171),
    "bessel_y1": (-2.2931051384, -0.7812128213, -0.3026672370, -0.0057935058),
    "bessel_k0": (1.3724600605, 0.4210244382, 0.0004247957, 8.392861100e-19),
    "bessel_k1": (3.0559920335, 0.6019072302, 0.0004541825, 8.497131955e-19),
    "bessel_k0e": (1.8526273008, 1.1444630798, 0.4658450961, 0.1975555850),
    "bessel_k1e": (4.1251577622, 1.6361534863, 0.4980715751, 0.2000099673),
    "dawsn": (0.2826316650, 0.5380795069, 0.0721809747, 0.0125039099),
    "expint": (-0.3026685393, 1.8951178164, 191.5047433355, 6039718263611242.0),
    "fresnel_cos": (0.2994009761, 0.7798934004, 0.5454670925, 0.4999984169),
    "fresnel_sin": (0.0141169980, 0.4382591474, 0.4997047895, 0.4920422538),
    "spence": (0.8893776243, 0.0, -3.0899420511, -8.3302975277),
}.items():
    _build = getattr(integrals, _name)
    _type = _build.op.name
    case(_type, _build, np.array([0.3, 1, 7, 40], np.float64), grad=False,
         expect=lambda x, v=_values: np.array(v))
    case(_type, _build, floats((5,), 0.3, 3))
# at and below 0
case("BesselK0", integrals.bessel_k0, np.array([-1, 0], F32), grad=False, expect=lambda x: np.array([np.inf] * 2, F32))
case("BesselY1", integrals.bessel_y1, np.array([-1, 0], F32), grad=False, expect=lambda x: np.array([-np.inf] * 2, F32))
case("Spence", integrals.spence, np.array([-1, 0], F32), grad=False,
     expect=lambda x: np.array([np.nan, np.pi ** 2 / 6], F32))

ZEROS = np.array([0, 0, 2, -1.5], F32)
OTHERS = np.array([0, 3, 4, 0.5], F32)
case("Xlogy", special.xlogy, ZEROS, OTHERS, grad=False,
     expect=lambda x, y: np.array([0, 0, 2 * np.log(4), -1.5 * np.log(0.5)], F32))
case("Xlog1py", special.xlog1py, ZEROS, OTHERS, grad=False, expect=lambda x, y: x * np.log1p(y))
case("Xdivy", special.xdivy, ZEROS, OTHERS, grad=False, expect=lambda x, y: np.array([0, 0, 0.5, -3], F32))
case("DivNoNan", special.div_no_nan, OTHERS, ZEROS, grad=False, expect=lambda x, y: np.array([0, 0, 2, -1 / 3], F32))
case("MulNoNan", special.multiply_no_nan, np.array([np.nan, np.inf, 2, 3], F32), ZEROS, grad=False,
     expect=lambda x, y: np.array([0, 0, 4, -4.5], F32))
for _name, _build in (("Xlogy", special.xlogy), ("Xlog1py", special.xlog1py), ("Xdivy", special.xdivy),
                      ("DivNoNan", special.div_no_nan), ("MulNoNan", special.multiply_no_nan)):
    case(_name, _build, floats((3, 2), 0.5, 2), floats((2,), 0.5, 2, seed=1))
case("LeftShift", special.left_shift, ints((5,), -9, 9), ints((5,), 0, 4), expect=np.left_shift)
case("RightShift", special.right_shift, ints((5,), -99, 99, np.int8), ints((5,), 0, 4, np.int8), expect=np.right_shift)

case("Gcd", special.gcd, np.array([12, -9, 0], np.int32), np.array([18], np.int32), grad=False,
     expect=lambda a, b: np.array([6, 9, 18], np.int32))
case("Lcm", special.lcm, np.array([4, 0], np.int64), np.array([6, 3], np.int64), grad=False,
     expect=lambda a, b: np.array([12, 0], np.int64))
case("NextAfter", special.nextafter, np.array([1, 0], F32), np.array([2, -1], F32), grad=False,
     expect=lambda a, b: np.array([1 + 2.0 ** -23, -1.401298464324817e-45], F32))
