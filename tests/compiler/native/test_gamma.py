"""lgamma and digamma of the kernels against Stirling's series in extended precision."""
from __future__ import annotations

import math

import numpy as np
import pytest
from elementwise_loops import evaluate, ulps

FLOATS = ["f4", "f8"]
PI = np.longdouble("3.14159265358979323846264338327950288")
# B(2k) for k = 1, 2, ... (Abramowitz & Stegun 23.2)
BERNOULLI = [np.longdouble(a) / b for a, b in ((1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6),
                                               (-3617, 510), (43867, 798), (-174611, 330))]
# next to the function's zeros the reference is not good to 1/4 ulp of float64
ZEROS = {"lgamma": (1, 2), "digamma": (1.4616321449683623,)}
ONLY_LONG = pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="needs a long double that is longer")


def _reference(name: str, x: np.ndarray) -> np.ndarray:
    """The function at positive x, by the recurrence from x + k >= 20."""
    z = x.astype(np.longdouble)
    product, total = np.ones_like(z), np.zeros_like(z)
    for _ in range(20):
        low = z < 20
        product, total = product * np.where(low, z, 1), total + np.where(low, 1 / z, 0)
        z = z + low
    if name == "digamma":
        series = sum(b / (2 * k * z ** (2 * k)) for k, b in enumerate(BERNOULLI, 1))
        return np.log(z) - 1 / (2 * z) - series - total
    series = sum(b / (2 * k * (2 * k - 1) * z ** (2 * k - 1)) for k, b in enumerate(BERNOULLI, 1))
    return (z - np.longdouble(0.5)) * np.log(z) - z + np.log(2 * PI) / 2 + series - np.log(product)


def _points(dtype: str) -> np.ndarray:
    random = np.random.default_rng(12)
    large = 80 if dtype == "f4" else 600
    return np.concatenate([random.uniform(0, 3, 8000), random.uniform(3, 30, 1000),
                           np.exp(random.uniform(-large, large, 1000))]).astype(dtype)


@ONLY_LONG
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ZEROS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_within_nine_quarters_ulp(name, dtype):
    x = _points(dtype)
    if dtype == "f8":
        x = x[np.all([np.abs(x - zero) > 0.05 for zero in ZEROS[name]], axis=0)]
    errors = ulps(evaluate(f"{name}(x)", dtype, x), _reference(name, x))
    assert errors.max() <= 2.25, f"{name}({x[errors.argmax()]!r}) is {errors.max():.2f} ulp off"


@ONLY_LONG
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ZEROS)
def test_left_of_zero(name, dtype):
    """To working precision of the reflection's terms, which cancel at the zeros."""
    a = np.random.default_rng(13).uniform(0.01, 20, 4000).astype(dtype)
    a = a[np.abs(a - np.rint(a)) > 1e-3]
    angle, at_a = PI * (a - np.rint(a)).astype(np.longdouble), _reference(name, a)
    if name == "lgamma":
        exact = np.log(PI / (a * np.abs(np.sin(angle)))) - at_a
    else:
        exact = at_a + 1 / a.astype(np.longdouble) + PI / np.tan(angle)
    error = np.abs(evaluate(f"{name}(x)", dtype, -a) - exact)
    assert np.max(error / (np.abs(exact) + np.abs(at_a) + 1)) < 3 * np.finfo(dtype).eps


def test_next_to_the_zeros():
    """Values to 17 digits, from an expansion about each zero."""
    x = np.array([1 + 2.0 ** -20, 1 - 2.0 ** -40, 2 + 2.0 ** -20, 2 - 2.0 ** -40])
    expected = [-5.5047500661488668e-7, 5.2497458900896244e-13, 4.0319885504430155e-7, -3.8452011276437939e-13]
    np.testing.assert_allclose(evaluate("lgamma(x)", "f8", x), expected, rtol=4.5e-16)
    np.testing.assert_allclose(evaluate("digamma(x)", "f8", np.array([1.4616321449683623, 1.4616])),
                               [-9.2412655217294275e-17, -3.110625123034165e-5], rtol=4.5e-16)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name, values", [
    ("lgamma", [(0.0, math.inf), (-0.0, math.inf), (1, 0.0), (2, 0.0), (-1, math.inf), (-2.0 ** 60, math.inf),
                (math.inf, math.inf), (-math.inf, math.inf), (math.nan, math.nan)]),
    ("digamma", [(0.0, -math.inf), (-0.0, -math.inf), (-1, math.nan), (-2.0 ** 60, math.nan), (math.inf, math.inf),
                 (-math.inf, math.nan), (math.nan, math.nan)])])
def test_limits(name, values, dtype):
    x, expected = (np.array(column, dtype) for column in zip(*values, strict=True))
    np.testing.assert_array_equal(evaluate(f"{name}(x)", dtype, x), expected)


@pytest.mark.parametrize("dtype", FLOATS)
def test_subnormal_arguments(dtype):
    """-log(x) on both sides of 0, as any smaller term rounds away."""
    x = np.array([1, -1, 12345], dtype) * np.finfo(dtype).smallest_subnormal
    np.testing.assert_allclose(evaluate("lgamma(x)", dtype, x), -np.log(np.abs(x.astype("f8"))),
                               rtol=2 * np.finfo(dtype).eps)
