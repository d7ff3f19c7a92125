"""Cases of keras.ops: NumPy's functions of elements, reductions, tensors from numbers.

The numbers that Keras gives are in expected.npz (see make_expected.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras_ops_data import BO, A, B, I, N, U, V, f32

CASES: dict[str, Callable[[Any], Any]] = {
    "arccosh": lambda o: o.arccosh(V),
    "erf": lambda o: o.erf(A),
    "erfc": lambda o: o.erfc(A),
    "imag": lambda o: o.imag(np.array([1 + 2j], np.complex64)),
    "angle": lambda o: o.angle(np.array([1 + 2j, -1], np.complex64)),
    "angler": lambda o: o.angle(A),
    "round2": lambda o: o.round(A * 1.2345, decimals=1),
    "roundi": lambda o: o.round(o.convert_to_tensor(I), decimals=-1),
    "nan_to_num2": lambda o: o.nan_to_num(np.array([np.nan, np.inf, -np.inf], f32), nan=1.0, posinf=5.0),
    "bitwise_and": lambda o: o.bitwise_and(np.array([5, 6, 7], np.int32), np.array([1, 2, 3], np.int32)),
    "bitwise_and:8": lambda o: o.bitwise_and(o.convert_to_tensor([5, 6], "int8"), o.convert_to_tensor([1, 2], "uint8")),
    "bitwise_and:s": lambda o: (
        o.bitwise_and(o.convert_to_tensor([5, 6], "int16"), 2)
        if "shift" in "bitwise_and"
        else o.bitwise_and(o.convert_to_tensor([5, 6], "int16"), o.convert_to_tensor(2, "int32"))
    ),
    "bitwise_or": lambda o: o.bitwise_or(np.array([5, 6, 7], np.int32), np.array([1, 2, 3], np.int32)),
    "bitwise_or:8": lambda o: o.bitwise_or(o.convert_to_tensor([5, 6], "int8"), o.convert_to_tensor([1, 2], "uint8")),
    "bitwise_or:s": lambda o: (
        o.bitwise_or(o.convert_to_tensor([5, 6], "int16"), 2)
        if "shift" in "bitwise_or"
        else o.bitwise_or(o.convert_to_tensor([5, 6], "int16"), o.convert_to_tensor(2, "int32"))
    ),
    "bitwise_xor": lambda o: o.bitwise_xor(np.array([5, 6, 7], np.int32), np.array([1, 2, 3], np.int32)),
    "bitwise_xor:8": lambda o: o.bitwise_xor(o.convert_to_tensor([5, 6], "int8"), o.convert_to_tensor([1, 2], "uint8")),
    "bitwise_xor:s": lambda o: (
        o.bitwise_xor(o.convert_to_tensor([5, 6], "int16"), 2)
        if "shift" in "bitwise_xor"
        else o.bitwise_xor(o.convert_to_tensor([5, 6], "int16"), o.convert_to_tensor(2, "int32"))
    ),
    "bitwise_left_shift": lambda o: o.bitwise_left_shift(np.array([5, 6, 7], np.int32), np.array([1, 2, 3], np.int32)),
    "bitwise_left_shift:8": lambda o: o.bitwise_left_shift(
        o.convert_to_tensor([5, 6], "int8"), o.convert_to_tensor([1, 2], "uint8")
    ),
    "bitwise_left_shift:s": lambda o: (
        o.bitwise_left_shift(o.convert_to_tensor([5, 6], "int16"), 2)
        if "shift" in "bitwise_left_shift"
        else o.bitwise_left_shift(o.convert_to_tensor([5, 6], "int16"), o.convert_to_tensor(2, "int32"))
    ),
    "bitwise_right_shift": lambda o: o.bitwise_right_shift(
        np.array([5, 6, 7], np.int32), np.array([1, 2, 3], np.int32)
    ),
    "bitwise_right_shift:8": lambda o: o.bitwise_right_shift(
        o.convert_to_tensor([5, 6], "int8"), o.convert_to_tensor([1, 2], "uint8")
    ),
    "bitwise_right_shift:s": lambda o: (
        o.bitwise_right_shift(o.convert_to_tensor([5, 6], "int16"), 2)
        if "shift" in "bitwise_right_shift"
        else o.bitwise_right_shift(o.convert_to_tensor([5, 6], "int16"), o.convert_to_tensor(2, "int32"))
    ),
    "left_shift": lambda o: o.left_shift(np.array([5, 6, 7], np.int32), np.array([1, 2, 3], np.int32)),
    "left_shift:8": lambda o: o.left_shift(o.convert_to_tensor([5, 6], "int8"), o.convert_to_tensor([1, 2], "uint8")),
    "left_shift:s": lambda o: (
        o.left_shift(o.convert_to_tensor([5, 6], "int16"), 2)
        if "shift" in "left_shift"
        else o.left_shift(o.convert_to_tensor([5, 6], "int16"), o.convert_to_tensor(2, "int32"))
    ),
    "right_shift": lambda o: o.right_shift(np.array([5, 6, 7], np.int32), np.array([1, 2, 3], np.int32)),
    "right_shift:8": lambda o: o.right_shift(o.convert_to_tensor([5, 6], "int8"), o.convert_to_tensor([1, 2], "uint8")),
    "right_shift:s": lambda o: (
        o.right_shift(o.convert_to_tensor([5, 6], "int16"), 2)
        if "shift" in "right_shift"
        else o.right_shift(o.convert_to_tensor([5, 6], "int16"), o.convert_to_tensor(2, "int32"))
    ),
    "gcd": lambda o: o.gcd(np.array([5, 6, 7], np.int32), np.array([1, 2, 3], np.int32)),
    "gcd:8": lambda o: o.gcd(o.convert_to_tensor([5, 6], "int8"), o.convert_to_tensor([1, 2], "uint8")),
    "lcm": lambda o: o.lcm(np.array([5, 6, 7], np.int32), np.array([1, 2, 3], np.int32)),
    "lcm:8": lambda o: o.lcm(o.convert_to_tensor([5, 6], "int8"), o.convert_to_tensor([1, 2], "uint8")),
    "invert": lambda o: o.bitwise_invert(I),
    "bnot": lambda o: o.bitwise_not(I),
    "ldexp": lambda o: o.ldexp(A, I),
    "nextafter": lambda o: o.nextafter(A, B),
    "allclose": lambda o: o.allclose(A, A + 1e-09),
    "isclose_nan": lambda o: o.isclose(N, N, equal_nan=True),
    "max_init": lambda o: o.max(A, initial=2.5),
    "min_init": lambda o: o.min(o.convert_to_tensor(I), axis=0, initial=0),
    "average": lambda o: o.average(A),
    "average1": lambda o: o.average(A, axis=1, weights=V),
    "average2": lambda o: o.average(A, axis=0, weights=np.abs(B)),
    "averagei": lambda o: o.average(I),
    "cumsum": lambda o: o.cumsum(A),
    "cumsum:1": lambda o: o.cumsum(A, axis=1),
    "cumsum:b": lambda o: o.cumsum(BO),
    "cumsum:dt": lambda o: o.cumsum(I, dtype="float32"),
    "cumprod": lambda o: o.cumprod(A),
    "cumprod:1": lambda o: o.cumprod(A, axis=1),
    "cumprod:b": lambda o: o.cumprod(BO),
    "cumprod:dt": lambda o: o.cumprod(I, dtype="float32"),
    "nancumsum": lambda o: o.nancumsum(A),
    "nancumsum:1": lambda o: o.nancumsum(A, axis=1),
    "nancumsum:b": lambda o: o.nancumsum(BO),
    "nancumsum:nan": lambda o: o.nancumsum(N, axis=1),
    "nancumprod": lambda o: o.nancumprod(A),
    "nancumprod:1": lambda o: o.nancumprod(A, axis=1),
    "nancumprod:b": lambda o: o.nancumprod(BO),
    "nancumprod:nan": lambda o: o.nancumprod(N, axis=1),
    "trapezoid": lambda o: o.trapezoid(A),
    "trapezoid_x": lambda o: o.trapezoid(A, x=V),
    "trapezoid_0": lambda o: o.trapezoid(A, axis=0, dx=0.5),
    "trapezoid_xm": lambda o: o.trapezoid(A, x=B, axis=1),
    "quantile_s": lambda o: o.quantile(A, 0.3),
    "quantile_k": lambda o: o.quantile(A, 0.3, axis=0, keepdims=True),
    "quantile_all": lambda o: o.quantile(A, [0.2, 0.7]),
    "quantile_kk": lambda o: o.quantile(A, [0.3, 0.6], axis=1, keepdims=True),
    "percentile": lambda o: o.percentile(A, [10, 60], axis=-1),
    "quantile_i": lambda o: o.quantile(I, 0.4),
    "quantile_two": lambda o: o.quantile(A.reshape(1, 2, 3), [0.2, 0.5], axis=(0, 2)),
    "nanpercentile": lambda o: o.nanpercentile(N, 40, axis=0),
    "quantile_nan": lambda o: o.quantile(N, 0.5, axis=1),
    "nanq_all": lambda o: o.nanquantile(N, 0.5),
    "arange1": lambda o: o.arange(*(3,)),
    "arange2": lambda o: o.arange(*(1, 4)),
    "arange3": lambda o: o.arange(*(1, 2, 0.25)),
    "arange4": lambda o: o.arange(*(5.0,)),
    "arange5": lambda o: o.arange(*(10, 0, -3)),
    "zeros": lambda o: o.zeros((2, 3)),
    "ones": lambda o: o.ones([2]),
    "empty": lambda o: o.empty((1,)),
    "full": lambda o: o.full((2, 3), [1, 2, 3]),
    "full_like": lambda o: o.full_like(I, 7),
    "full_like2": lambda o: o.full_like(I, 1.5, dtype="float32"),
    "zeros_like": lambda o: o.zeros_like(I),
    "ones_like": lambda o: o.ones_like(A, "int8"),
    "empty_like": lambda o: o.empty_like(I),
    "eye": lambda o: o.eye(3),
    "eye2": lambda o: o.eye(2, 4, k=-1),
    "identity": lambda o: o.identity(2),
    "tri2": lambda o: o.tri(3, 4, k=-1),
    "tril": lambda o: o.tril(A, k=-1),
    "triu": lambda o: o.triu(A, k=1),
    "tril0": lambda o: o.tril(I),
    "triu0": lambda o: o.triu(np.arange(18).reshape(2, 3, 3)),
    "linspace": lambda o: o.linspace(0, 1, 5),
    "linspace2": lambda o: o.linspace(2.0, 3.0, num=4, endpoint=False),
    "linspace3": lambda o: o.linspace(0, 4, 3, retstep=True),
    "linspace4": lambda o: o.linspace(U, V, 3, axis=1),
    "linspace5": lambda o: o.linspace(0, 10, 4, dtype="int32"),
    "linspace6": lambda o: o.linspace(U, 2.0, 3, axis=-1),
    "linspace1": lambda o: o.linspace(3, 5, 1),
    "logspace": lambda o: o.logspace(0, 2, 4),
    "logspace2": lambda o: o.logspace(0, 3, 4, base=2),
    "geomspace": lambda o: o.geomspace(1, 1000, 4),
    "geomspace2": lambda o: o.geomspace(-1.0, -8.0, 4),
    "meshgrid2": lambda o: o.meshgrid(np.array([1, 2, 3]), np.array([4, 5]), indexing="ij"),
    "bartlett1": lambda o: o.bartlett(1),
    "bartlett5": lambda o: o.bartlett(5),
    "bartlett6": lambda o: o.bartlett(6),
    "blackman1": lambda o: o.blackman(1),
    "blackman5": lambda o: o.blackman(5),
    "blackman6": lambda o: o.blackman(6),
    "hamming1": lambda o: o.hamming(1),
    "hamming5": lambda o: o.hamming(5),
    "hamming6": lambda o: o.hamming(6),
    "hanning1": lambda o: o.hanning(1),
    "hanning5": lambda o: o.hanning(5),
    "hanning6": lambda o: o.hanning(6),
    "kaiser": lambda o: o.kaiser(5, 3.0),
    "vander": lambda o: o.vander(V),
    "vander2": lambda o: o.vander(np.array([1, 2, 3]), N=2, increasing=True),
    "array": lambda o: o.array([1, 2], "float32"),
}

UNARY = """abs absolute arcsinh arctan ceil cbrt copy cos cosh deg2rad rad2deg exp exp2 expm1 fabs floor i0 isfinite
isinf isnan isneginf isposinf isreal log1p logical_not negative sign signbit sin sinc sinh square tan tanh
trunc conj real nan_to_num""".split()
SHARES = "log log2 log10 sqrt arcsin arccos arctanh reciprocal rsqrt erfinv".split()
BINARY = """add subtract multiply divide true_divide divide_no_nan floor_divide maximum minimum arctan2 equal not_equal
greater greater_equal less less_equal logical_and logical_or logical_xor fmax fmin hypot heaviside logaddexp logaddexp2
mod fmod isclose""".split()
REDUCTIONS = """sum prod mean max min amax amin ptp all any var std argmax argmin median nansum nanprod nanmean nanmax
nanmin nanvar nanstd nanmedian nanargmax nanargmin logsumexp""".split()
for _n in UNARY:
    CASES[_n] = lambda o, n=_n: getattr(o, n)(A)
for _n in SHARES:
    CASES[_n] = lambda o, n=_n: getattr(o, n)(U)
for _n in BINARY:
    CASES[_n] = lambda o, n=_n: getattr(o, n)(A, B)
for _n in REDUCTIONS:
    CASES[f"{_n}, all"] = lambda o, n=_n: getattr(o, n)(A)
    CASES[f"{_n}, axis"] = lambda o, n=_n: getattr(o, n)(A, axis=-2, keepdims=True)
    if _n.startswith("nan"):
        CASES[f"{_n}, nan"] = lambda o, n=_n: getattr(o, n)(N, axis=1)
for _m in ("linear", "lower", "higher", "midpoint", "nearest"):
    CASES[f"quantile, {_m}"] = lambda o, m=_m: o.quantile(A, [0.1, 0.5, 0.83], axis=1, method=m)
