"""Bessel functions and quantiles of the kernels against the references, in double precision, and their limits."""
from __future__ import annotations

import numpy as np
import pytest
from elementwise_loops import evaluate, ulps
from graphflow.compiler import special_reference as sr

INFINITY, NAN = np.inf, np.nan
RANDOM = np.random.default_rng(14)
WIDE = np.concatenate([RANDOM.normal(size=4000) * 8, RANDOM.normal(size=1000) * 30, [1e-30, 8, 15, -8, 85.0]])
CLOSED = np.concatenate([RANDOM.uniform(size=4000), 10.0 ** RANDOM.uniform(-35, 0, 1000)])
POINTS = {"bessel_i0": WIDE, "bessel_i1": WIDE, "bessel_i0e": WIDE, "bessel_i1e": WIDE, "ndtri": CLOSED,
          "erfinv": np.concatenate([CLOSED, -CLOSED, 1 - 10.0 ** RANDOM.uniform(-15, 0, 1000)])}
LIMITS = {
    "bessel_i0": ([0, -INFINITY, 1e30, NAN], [1, INFINITY, INFINITY, NAN]),
    "bessel_i1": ([0, -INFINITY, INFINITY, NAN], [0, -INFINITY, INFINITY, NAN]),
    "bessel_i0e": ([0, INFINITY, NAN], [1, 0, NAN]),
    "bessel_i1e": ([0, -INFINITY, NAN], [0, 0, NAN]),
    "ndtri": ([0, 1, 0.5, -1, 1.5, NAN, INFINITY], [-INFINITY, INFINITY, 0, NAN, NAN, NAN, NAN]),
    "erfinv": ([0, 1, -1, 1.5, -2, NAN, -INFINITY], [0, INFINITY, -INFINITY, NAN, NAN, NAN, NAN]),
}


@pytest.mark.parametrize("dtype, most", [("f4", 4.5), ("f8", 24)])
@pytest.mark.parametrize("name", POINTS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_near_the_reference(name, dtype, most):
    x = POINTS[name].astype(dtype)
    want = getattr(sr, name)(x.astype(np.float64))
    kept = np.isfinite(want.astype(dtype))
    errors = ulps(evaluate(f"{name}(x)", dtype, x), want)[kept]
    assert errors.max() <= most, f"{name}({x[kept][errors.argmax()]!r}) is {errors.max():.2f} ulp off"


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_limits(name, dtype):
    x, want = (np.array(values, dtype) for values in LIMITS[name])
    np.testing.assert_array_equal(evaluate(f"{name}(x)", dtype, x), want)


def test_no_overflow_before_the_value_does():
    """e**x is infinite from 88.8 on, I0(x) from 91.9 on."""
    assert np.isfinite(evaluate("bessel_i0(x)", "f4", np.array([91.0], "f4")))
    assert np.isfinite(evaluate("bessel_i1(x)", "f8", np.array([712.0])))
