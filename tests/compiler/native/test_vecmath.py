"""The inlined math against wider arithmetic, at the special values, and in the assembly: vector code, no calls."""
from __future__ import annotations

import math
import platform
import re

import numpy as np
import pytest
from elementwise_loops import assembly, called_functions, compiled_loop, evaluate, evaluate_all, ulps
from graphflow.compiler.native import expression, vecmath
from graphflow.compiler.native.processor import GENERIC, isa

INF, NAN = math.inf, math.nan
FLOATS = ["f4", "f8"]
INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]
HAS_LONG_DOUBLE = np.finfo(np.longdouble).nmant > 60


def _logistic(x):
    return 1 / (1 + np.exp(-x))


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


UNARY = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "log2": np.log2, "tanh": np.tanh,
    "sigmoid": _logistic, "softplus": _softplus, "sinh": np.sinh, "cosh": np.cosh, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin,
    "acos": np.arccos, "atan": np.arctan, "rsqrt": lambda x: 1 / np.sqrt(x),
    "erf": np.vectorize(math.erf, otypes=["f8"]), "erfc": np.vectorize(math.erfc, otypes=["f8"]),
}
# the exceptions to 2 ulp; the float64 reference of erf and erfc is itself rounded
BOUNDS = {("tan", "f4"): 2.25, ("erf", "f8"): 2.5, ("erfc", "f8"): 2.5}


def wide(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64 if x.dtype == np.float32 else np.longdouble)


def points(name: str, dtype: str) -> np.ndarray:
    """Random bit patterns, ordinary numbers, and neighbourhoods of 0 and 1."""
    random = np.random.default_rng(sum(map(ord, name)))
    patterns = random.integers(0, 2 ** (8 * int(dtype[1])), 8000, dtype="u8").astype("u" + dtype[1]).view(dtype)
    if name in ("sin", "cos", "tan") and dtype == "f8":
        patterns = np.where(np.abs(patterns) < 2.0 ** 45, patterns, 1e5)
    unit = random.uniform(-1, 1, 3000)
    overflow = 90 if dtype == "f4" else 712
    ordinary = np.concatenate([unit, unit * 10, unit * overflow, 1 + unit / 2, unit * 1e-3])
    return np.concatenate([patterns, ordinary.astype(dtype)])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", UNARY)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_within_two_ulps(name, dtype):
    x = points(name, dtype)
    if name in ("erf", "erfc"):
        x = x[np.isfinite(x)]
    errors = ulps(evaluate(f"{name}(x)", dtype, x), UNARY[name](wide(x)))
    bound = BOUNDS.get((name, dtype), 2.0) + (0 if HAS_LONG_DOUBLE or dtype == "f4" else 1) + (0 if isa().fma else 1)
    assert errors.max() <= bound, f"{name}({x[errors.argmax()]!r}) is {errors.max():.2f} ulp off"


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_pow_within_two_ulps(dtype):
    random = np.random.default_rng(5)
    x = np.exp(random.normal(size=6000) * (20 if dtype == "f4" else 100)).astype(dtype)
    target = random.uniform(*((-104, 89) if dtype == "f4" else (-745, 710)), x.size)
    y = (target / np.log(x.astype("f8"))).astype(dtype)
    # the 80-bit pow is itself only good to a few of its ulps where the result is huge
    assert ulps(evaluate("pow(x, y)", dtype, x, y), np.power(wide(x), wide(y))).max() <= (2 if HAS_LONG_DOUBLE else 3)


@pytest.mark.parametrize("dtype", FLOATS)
def test_atan2_within_two_ulps(dtype):
    random = np.random.default_rng(6)
    y, x = (np.concatenate([random.normal(size=4000), random.choice([-1, 1], 4000) * np.exp(random.normal(size=4000)
            * 18)]).astype(dtype) for _ in range(2))
    assert ulps(evaluate("atan2(x, y)", dtype, y, x), np.arctan2(wide(y), wide(x))).max() <= 2


SPECIAL = {
    "exp": [(0.0, 1), (-0.0, 1), (INF, INF), (-INF, 0.0), (NAN, NAN)],
    "expm1": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1), (NAN, NAN), (-800, -1)],
    "log": [(0.0, -INF), (-0.0, -INF), (1, 0.0), (INF, INF), (-1, NAN), (-INF, NAN), (NAN, NAN)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (-1, -INF), (-1.5, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)],
    "log2": [(0.0, -INF), (1, 0.0), (2, 1), (1024, 10), (0.125, -3), (INF, INF), (-1, NAN), (NAN, NAN)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (INF, 1), (-INF, -1), (50, 1), (-50, -1), (NAN, NAN)],
    "sigmoid": [(0.0, 0.5), (-0.0, 0.5), (INF, 1), (-INF, 0.0), (800, 1), (-800, 0.0), (NAN, NAN)],
    "softplus": [(INF, INF), (-INF, 0.0), (NAN, NAN), (1000, 1000), (-1000, 0.0)],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (INF, 1), (-INF, -1), (7, 1), (-7, -1), (NAN, NAN)],
    "erfc": [(0.0, 1), (-0.0, 1), (INF, 0.0), (-INF, 2), (30, 0.0), (-30, 2), (NAN, NAN)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)],
    "cos": [(0.0, 1), (-0.0, 1), (INF, NAN), (-INF, NAN), (NAN, NAN)],
    "tan": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)],
    "asin": [(0.0, 0.0), (-0.0, -0.0), (1.5, NAN), (-1.5, NAN), (INF, NAN), (NAN, NAN)],
    "acos": [(1, 0.0), (1.5, NAN), (-1.5, NAN), (-INF, NAN), (NAN, NAN)],
    "atan": [(0.0, 0.0), (-0.0, -0.0), (INF, math.pi / 2), (-INF, -math.pi / 2), (NAN, NAN)],
    "sinh": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (NAN, NAN), (800, INF)],
    "cosh": [(0.0, 1), (-0.0, 1), (INF, INF), (-INF, INF), (NAN, NAN), (-800, INF)],
    "asinh": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (NAN, NAN)],
    "acosh": [(1, 0.0), (0.5, NAN), (-3, NAN), (-INF, NAN), (INF, INF), (NAN, NAN)],
    "atanh": [(0.0, 0.0), (-0.0, -0.0), (1, INF), (-1, -INF), (1.5, NAN), (-INF, NAN), (NAN, NAN)],
    "sqrt": [(0.0, 0.0), (-0.0, -0.0), (4, 2), (-1, NAN), (INF, INF), (NAN, NAN)],
    "rsqrt": [(0.0, INF), (4, 0.5), (-1, NAN), (INF, 0.0), (NAN, NAN)],
    "floor": [(-0.0, -0.0), (1.5, 1), (-1.5, -2), (INF, INF), (NAN, NAN)],
    "ceil": [(-0.5, -0.0), (1.5, 2), (-1.5, -1), (-INF, -INF), (NAN, NAN)],
    "trunc": [(-0.5, -0.0), (1.5, 1), (-1.5, -1), (INF, INF), (NAN, NAN)],
    "rint": [(0.5, 0.0), (1.5, 2), (2.5, 2), (-0.5, -0.0), (-1.5, -2), (INF, INF), (NAN, NAN)],
    "fabs": [(-0.0, 0.0), (-3, 3), (-INF, INF), (NAN, NAN)],
    "absolute": [(-0.0, 0.0), (-3, 3), (-INF, INF), (NAN, NAN)],
    "sign": [(-2, -1), (0.0, 0.0), (-0.0, 0.0), (3, 1), (INF, 1), (-INF, -1), (NAN, NAN)],
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name, dtype):
    arguments, expected = (np.array(column, dtype) for column in zip(*SPECIAL[name], strict=True))
    result = evaluate(f"{name}(x)", dtype, arguments)
    np.testing.assert_array_equal(result, expected)
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(result[numbers]), np.signbit(expected[numbers]))


@pytest.mark.parametrize("dtype", FLOATS)
def test_odd_functions_return_tiny_arguments(dtype):
    """Subnormal in, the same subnormal out."""
    info = np.finfo(dtype)
    x = np.array([1, -1, 3, 12345], dtype) * info.smallest_subnormal
    for name in ("expm1", "log1p", "tanh", "sinh", "asinh", "atanh", "sin", "tan", "asin", "atan"):
        np.testing.assert_array_equal(evaluate(f"{name}(x)", dtype, x), x, err_msg=name)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_subnormal_results_and_overflow_boundaries():
    x = np.array([-100, -103.9, -104, 88.722, 88.73], "f4")
    np.testing.assert_array_equal(evaluate("exp(x)", "f4", x), np.exp(x.astype("f8")).astype("f4"))
    np.testing.assert_array_equal(evaluate("sigmoid(x)", "f4", x[:3]), np.exp(x[:3].astype("f8")).astype("f4"))
    x = np.array([-708.5, -745.1, -745.2, 709.78, 709.79])
    result = evaluate("exp(x)", "f8", x)
    assert 0 < result[1] < result[0] < np.finfo("f8").tiny and result[2] == 0
    assert result[3] < INF == result[4]
    assert evaluate("expm1(x)", "f4", np.array([88.722], "f4"))[0] < INF
    assert evaluate("cosh(x)", "f4", np.array([89.4], "f4"))[0] < INF
    assert evaluate("sinh(x)", "f8", np.array([-710.4]))[0] > -INF


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name, reference", [("pow", np.power), ("atan2", np.arctan2), ("fmod", np.fmod),
                                             ("mod", np.mod), ("floordiv", np.floor_divide), ("maximum", np.maximum),
                                             ("minimum", np.minimum), ("copysign", np.copysign)])
def test_special_pairs(name, reference, dtype):
    """Every pair of special values, as NumPy has it, signs of zeros included."""
    info = np.finfo(dtype)
    edge = np.array([0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 7.5, INF, -INF, NAN, info.max, -info.max, info.tiny,
                     info.smallest_subnormal, 1e30, 0.1, 2.0 ** 24 + 1, 2.0 ** 53, 2.0 ** 53 - 1], dtype)
    x, y = np.repeat(edge, edge.size), np.tile(edge, edge.size)
    result, expected = evaluate(f"{name}(x, y)", dtype, x, y), reference(x, y)
    tolerance = 4 * info.eps if name in ("pow", "atan2") else 0
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=0)
    if name not in ("maximum", "minimum"):  # NumPy leaves open which zero is larger
        numbers = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(result[numbers]), np.signbit(expected[numbers]))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_float_remainders_are_exact(dtype):
    random = np.random.default_rng(7)
    patterns = random.integers(0, 2 ** (8 * int(dtype[1])), (2, 4000), dtype="u8").astype("u" + dtype[1]).view(dtype)
    x, y = np.concatenate([patterns, random.normal(size=(2, 4000)).astype(dtype)], axis=1)
    results = evaluate_all(["fmod(x, y)", "mod(x, y)", "floordiv(x, y)"], [dtype] * 3, x, y)
    for result, reference in zip(results, (np.fmod, np.mod, np.floor_divide), strict=True):
        np.testing.assert_array_equal(result, reference(x, y))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_integer_functions(dtype):
    """Division by 0 gives 0 and MIN // -1 wraps, as in NumPy, and neither traps."""
    info, random = np.iinfo(dtype), np.random.default_rng(8)
    edge = np.array([info.min, info.min + 1, info.max, 0, 1, 2, -1 if info.min else 3]).astype(dtype)
    drawn = random.integers(info.min, info.max, (2, 3000), dtype=dtype, endpoint=True)
    small = random.integers(max(-6, info.min), 7, 3000).astype(dtype)
    x = np.concatenate([drawn[0], drawn[0], np.repeat(edge, edge.size)])
    y = np.concatenate([drawn[1], small, np.tile(edge, edge.size)])
    two = {"floordiv": np.floor_divide, "mod": np.mod, "maximum": np.maximum, "minimum": np.minimum}
    one = {"absolute": np.absolute, "sign": np.sign}
    calls = [f"{name}(x, y)" for name in two] + [f"{name}(x)" for name in one]
    results = evaluate_all(calls, [dtype] * len(calls), x, y)
    for call, result in zip(calls, results, strict=True):
        name = call.split("(")[0]
        np.testing.assert_array_equal(result, two[name](x, y) if name in two else one[name](x), err_msg=name)
    exponents = np.abs(small.astype("i8")).astype(dtype)
    np.testing.assert_array_equal(evaluate("ipow(x, y)", dtype, drawn[0], exponents), np.power(drawn[0], exponents))


def test_integer_power_of_negative_exponents_truncates():
    base, exponent = np.array([1, -1, -1, 2, -3], "i4"), np.array([-3, -3, -2, -1, -2], "i4")
    np.testing.assert_array_equal(evaluate("ipow(x, y)", "i4", base, exponent), [1, -1, 1, 0, 0])


@pytest.mark.parametrize("source", [*FLOATS, *INTEGERS, "b1"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_casts(source):
    """As NumPy's astype, for the values that the target can hold (of integers: all, they wrap)."""
    random = np.random.default_rng(9)
    targets = [*FLOATS, *INTEGERS, "b1"]
    if source == "b1":
        x = random.integers(0, 2, 200).astype("b1")
    elif source in FLOATS:
        x = np.concatenate([random.uniform(0, 127, 200), [0.0, -0.0, 0.5, 1, 126.9]]).astype(source)
    else:
        info = np.iinfo(source)
        x = random.integers(info.min, info.max, 200, dtype=source, endpoint=True)
    names = {"f4": "f32", "f8": "f64", "i1": "i8", "i2": "i16", "i4": "i32", "i8": "i64",
             "u1": "u8", "u2": "u16", "u4": "u32", "u8": "u64", "b1": "b1"}
    for target, result in zip(targets, evaluate_all([f"{names[t]}(x)" for t in targets], targets, x), strict=True):
        np.testing.assert_array_equal(result, x.astype(target), err_msg=target)


@pytest.mark.parametrize("source", FLOATS)
def test_casts_of_negative_and_special_floats(source):
    x = np.array([-1.9, -0.9, -100, 100.9], source)
    for target, name in (("i1", "i8"), ("i2", "i16"), ("i4", "i32"), ("i8", "i64")):
        np.testing.assert_array_equal(evaluate(f"{name}(x)", target, x), [-1, 0, -100, 100])
    x = np.array([NAN, INF, -INF, 0.0], source)
    np.testing.assert_array_equal(evaluate("b1(x)", "b1", x), [True, True, True, False])
    np.testing.assert_array_equal(evaluate("f32(x)", "f4", x), x.astype("f4"))


def test_literals_take_the_type_they_are_cast_to():
    x = np.array([1, 2, 3], "f4")
    np.testing.assert_array_equal(evaluate("x * f32(0.5) + f32(True) + f32(-2)", "f4", x), [-0.5, 0, 0.5])
    assert "cvtss2sd" not in assembly("x * f32(0.5)", "f4") and "cvtps2pd" not in assembly("x * f32(0.5)", "f4")


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, "b1"])
def test_select(dtype):
    condition = np.array([True, False, True, False])
    yes, no = np.array([1, 1, 0, 0], dtype), np.array([0, 0, 1, 1], dtype)
    np.testing.assert_array_equal(evaluate("select(x, y, z)", dtype, condition, yes, no), [1, 0, 0, 1])


@pytest.mark.parametrize("dtype", FLOATS)
def test_predicates(dtype):
    x = np.array([0, 1, INF, -INF, NAN, np.finfo(dtype).max], dtype)
    for name, reference in (("isnan", np.isnan), ("isinf", np.isinf), ("isfinite", np.isfinite)):
        np.testing.assert_array_equal(evaluate(f"{name}(x)", "b1", x), reference(x))


POLYNOMIALS = [*(name for name in UNARY if name != "rsqrt"), "pow", "atan2", "lgamma", "digamma"]
SHORT = ["sqrt", "rsqrt", "floor", "ceil", "trunc", "rint", "fabs", "sign", "maximum", "minimum", "copysign"]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64") or isa() is GENERIC, reason="reads AVX assembly")
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", [*POLYNOMIALS, *SHORT])
def test_loops_are_vectorised_without_calls(name, dtype):
    arity = 2 if name in ("pow", "atan2", "maximum", "minimum", "copysign") else 1
    text = assembly(f"{name}({', '.join('xy'[:arity])})", dtype, arity)
    assert not called_functions(text)
    registers = "zmm" if isa().vector_bytes == 64 and name in POLYNOMIALS else "[yz]mm"
    assert re.search(rf"\tv\w+\s.*%{registers}", text)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="reads x86 assembly")
def test_calls_would_be_seen():
    assert called_functions(assembly("fmod(x, y)", "f8", 2)) == {"fmod"}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_processors_without_fma(dtype, monkeypatch):
    """Multiply and add where llvm.fma would be a library call; what cancels is compensated by Dekker's products."""
    monkeypatch.setattr(expression, "isa", lambda: GENERIC)
    random = np.random.default_rng(10)
    x, y = random.uniform(0.01, 0.99, (2, 2000)).astype(dtype)
    large = random.uniform(0, 1e6, 2000).astype(dtype)
    cases = [(f"{name}(x)", x, UNARY[name]) for name in ("exp", "log", "tanh", "sigmoid", "asin", "sinh", "erf")]
    cases += [("sin(x)", large, np.sin), ("erfc(x)", x * 8, UNARY["erfc"])]
    for call, argument, reference in cases:
        assert ulps(_compiled_anew(call, argument, y), reference(wide(argument))).max() <= 3, call
    assert ulps(_compiled_anew("pow(y, x)", large, y), np.power(wide(y), wide(large))).max() <= 3
    np.testing.assert_array_equal(_compiled_anew("mod(x, y)", large, y), np.mod(large, y))


def _compiled_anew(call: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Compiled without a look at the loops of other tests; must not multiply and add in one instruction."""
    dtype = x.dtype.str[1:]
    kernel = compiled_loop.__wrapped__((call + "  ",), (dtype, dtype), (dtype,))
    result = np.empty_like(x)
    buffers, dims = np.array([x.ctypes.data, y.ctypes.data, result.ctypes.data]), np.zeros(2, np.int64)
    kernel.function(buffers.ctypes.data, dims.ctypes.data, 0, x.size, 0)
    assert not re.search(r"v?fn?m(add|sub)|\$fma", kernel.assembly)
    return result


@pytest.mark.skipif(isa().vector_bytes < 64, reason="the divider takes all of them")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_square_roots_shared_with_the_multipliers_are_correctly_rounded():
    """Every mantissa of two binades, by either way (a vector on it is the other one's turn), then any bits at all with
    every special value."""
    edge = np.array([0.0, -0.0, INF, -INF, NAN, -1, 2.0 ** -126, 2.0 ** -149, 3e-39, -3e-39, 2.0 ** -96,
                     np.nextafter(np.float32(2.0 ** -96), np.float32(0)), np.finfo("f4").max], "f4")
    random = np.random.default_rng(11)
    calls = ["sqrt(x)", "sqrt(z)", "sqrt(y)", "sqrt(absolute(z))"]
    assert "vrsqrt14ps" in compiled_loop(tuple(calls), ("f4",) * 3, ("f4",) * 4).assembly
    for first in range(0x3F800000, 0x40800000, 1 << 22):  # 1 to 4
        x = np.arange(first, first + (1 << 22), dtype="u4").view("f4")
        z = random.integers(0, 1 << 32, x.size, dtype="u4").view("f4")
        z[:16 * edge.size] = np.repeat(edge, 16)
        z[1 << 20:1 << 21] *= np.float32(2.0 ** -100)
        y = np.roll(x, 16)
        for result, argument in zip(evaluate_all(calls, ["f4"] * 4, x, y, z), (x, z, y, np.abs(z)), strict=True):
            np.testing.assert_array_equal(result, np.sqrt(argument))
            np.testing.assert_array_equal(np.signbit(result), np.signbit(np.sqrt(argument)))
        np.testing.assert_array_equal(evaluate("sqrt(x)", "f4", z), np.sqrt(z))


def test_every_name_is_an_intrinsic():
    assert all(type(getattr(vecmath, name)).__name__ == "_Intrinsic" for name in vecmath.__all__)
