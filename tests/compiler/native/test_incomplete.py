"""Functions of the kernels that iterate: against the references, at their limits, and in vectors as alone."""
from __future__ import annotations

import numpy as np
import pytest
from elementwise_loops import evaluate
from graphflow.compiler import special_reference as sr
from graphflow.compiler.native.processor import isa
from test_translate import run

INFINITY, NAN = np.inf, np.nan
RANDOM = np.random.default_rng(15)
TEXT = """
from graphflow.compiler.native.prelude import *

@compiled
def kernel(a, b, c, result, n):
    for j in {loop}:
        x = load_{t}(a, j, 0)
        y = load_{t}(b, j, 1)
        z = load_{t}(c, j, 2)
        store_{t}(result, j, {formula}, 3)
"""


def spread(low, high, count=3000):
    return 10 ** RANDOM.uniform(np.log10(low), np.log10(high), count)


def around(a):
    """Where the functions are neither 0 nor 1."""
    return a * np.clip(1 + 2 * RANDOM.normal(size=a.size) / np.sqrt(a), 0.01, 9)


A, B = spread(1e-3, 1e4), spread(1e-3, 1e4)
GAMMA = [(A, spread(1e-3, 1e4)), (A, around(A)), (A, A), (A, A + 1)]
WIDE = spread(0.1, 1e4)
FEW, Q = A[A < 50], B[A < 50]
POINTS = {
    "igamma": GAMMA, "igammac": GAMMA,
    # next to 1 the values of smaller arguments are what 1 less a rounded number leaves
    "betainc": [(A, B, RANDOM.uniform(size=A.size)), (WIDE, WIDE[::-1], WIDE / (WIDE + WIDE[::-1]))],
    "zeta": [(1 + FEW, Q), (np.full_like(A, 2), B)],
    "polygamma": [(np.floor(FEW), Q), (np.full_like(A, 1), B)],
}
LIMITS = {  # TensorFlow's, but that its igamma(0, 0) is 0
    "igamma": [(1, 0, 0), (2, INFINITY, 1), (0, 1, NAN), (-1, 1, NAN), (1, -1, NAN), (NAN, 1, NAN), (1, NAN, NAN),
               (0, 0, NAN), (2.5, 1e30, 1), (1e-30, 1, 1), (INFINITY, 5, 0),
               (INFINITY, 0, 0)],
    "igammac": [(1, 0, 1), (2, INFINITY, 0), (0, 1, NAN), (-1, 1, NAN), (1, -1, NAN), (NAN, 1, NAN), (1, NAN, NAN),
                (0, 0, NAN), (2.5, 1e30, 0), (1e30, 1, 1), (INFINITY, 5, 1),
                (INFINITY, 0.5, 1)],
    "betainc": [(1, 1, 0, 0), (1, 1, 1, 1), (0, 1, 0.5, NAN), (1, 0, 0.5, NAN), (1, 1, -1, NAN), (1, 1, 2, NAN),
                (NAN, 1, 0.5, NAN), (1, 1, NAN, NAN), (INFINITY, 1, 0.5, NAN), (1, INFINITY, 0.5, NAN)],
    "zeta": [(1, 1, INFINITY), (0.5, 1, NAN), (2, 0, INFINITY), (2, -1, INFINITY), (2.5, -0.5, NAN), (NAN, 1, NAN),
             (2, NAN, NAN), (2, INFINITY, 0), (300, 1, 1), (1, NAN, INFINITY), (0.5, NAN, NAN)],
    "polygamma": [(-1, 1, NAN), (0.5, 1, NAN), (1, 0, INFINITY), (2, 0, -INFINITY), (0, 0, -INFINITY), (1, NAN, NAN),
                  (NAN, 1, NAN), (3, INFINITY, 0)],
}


def called(name):
    return f"{name}({', '.join('xyz'[:len(LIMITS[name][0]) - 1])})"


@pytest.mark.parametrize("dtype, near", [("f4", 2e-7), ("f8", 1e-10)])
@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_near_the_reference(name, dtype, near):
    for points in POINTS[name]:
        arguments = [values.astype(dtype) for values in points]
        want = sr.double(getattr(sr, name))(*(values.astype("f8") for values in arguments))
        kept = np.isfinite(want.astype(dtype))
        # the reference's exponent has an error of a few units in the last place of its largest term, a log(a)
        size = sum(np.abs(values * np.log(values + (values == 0))) for values in arguments)
        got = evaluate(called(name), dtype, *arguments)
        assert np.all(np.abs(got - want)[kept] <= ((near + 1e-15 * size) * np.abs(want) + np.finfo(dtype).tiny)[kept])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", LIMITS)
def test_limits(name, dtype):
    *arguments, want = (np.array(column, dtype) for column in zip(*LIMITS[name], strict=True))
    np.testing.assert_array_equal(evaluate(called(name), dtype, *arguments), want)
    np.testing.assert_array_equal(sr.double(getattr(sr, name))(*arguments), want)


def test_zeta_left_of_zero():
    """TensorFlow's values."""
    got = evaluate("zeta(x, y)", "f8", np.array([2.0, 3.0]), np.array([-0.5, -1.5]))
    np.testing.assert_allclose(got, [8.934802200544679, 0.11810202582086413], rtol=1e-13)


def test_sum_of_poisson():
    """igammac(n, x) is the chance of fewer than n events where x are expected."""
    x = np.linspace(0.1, 30, 500)
    for n in range(1, 30):
        terms = np.cumprod([np.ones_like(x), *(x / k for k in range(1, n))], axis=0)
        want = np.exp(-x) * terms.sum(0)
        np.testing.assert_allclose(evaluate("igammac(x, y)", "f8", np.full_like(x, n), x), want, rtol=1e-13)


@pytest.mark.skipif(not isa().masks, reason="the processor masks no elements of vectors")
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", LIMITS)
def test_neighbours_in_a_vector_do_not_show(name, dtype):
    given = [np.concatenate(column).astype(dtype)[:5000 + 7] for column in zip(*POINTS[name], strict=True)]
    given += [given[0]] * (3 - len(given))
    results = []
    for loop, step in (("range(n)", 1), ("vectors(0, n, 2)", 1), ("vectors(0, n, 1)", -1)):
        arguments, result = [np.ascontiguousarray(v[::step]) for v in given], np.empty_like(given[0])
        text = TEXT.format(t={"f4": "f32", "f8": "f64"}[dtype], loop=loop, formula=called(name))
        run(text, *(v.ctypes.data for v in (*arguments, result)), result.size)
        results.append(result[::step])
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
