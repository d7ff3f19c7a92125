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
def kernel(a, x, y, n):
    for j in {loop}:
        v1 = load_{t}(a, j, 0)
        v2 = load_{t}(x, j, 1)
        store_{t}(y, j, {formula}, 2)
"""


def spread(low, high, count=3000):
    return 10 ** RANDOM.uniform(np.log10(low), np.log10(high), count)


def around(a):
    """Where the functions are neither 0 nor 1."""
    return a * np.clip(1 + 2 * RANDOM.normal(size=a.size) / np.sqrt(a), 0.01, 9)


A = spread(1e-3, 1e4)
POINTS = [(A, spread(1e-3, 1e4)), (A, around(A)), (A, A), (A, A + 1)]
LIMITS = {  # TensorFlow's, but that its igamma(0, 0) is 0
    "igamma": [(1, 0, 0), (2, INFINITY, 1), (0, 1, NAN), (-1, 1, NAN), (1, -1, NAN), (NAN, 1, NAN), (1, NAN, NAN),
               (0, 0, NAN), (2.5, 1e30, 1), (1e-30, 1, 1), (INFINITY, 5, 0),
               (INFINITY, 0, 0)],
    "igammac": [(1, 0, 1), (2, INFINITY, 0), (0, 1, NAN), (-1, 1, NAN), (1, -1, NAN), (NAN, 1, NAN), (1, NAN, NAN),
                (0, 0, NAN), (2.5, 1e30, 0), (1e30, 1, 1), (INFINITY, 5, 1),
                (INFINITY, 0.5, 1)],
}


@pytest.mark.parametrize("dtype, near", [("f4", 2e-7), ("f8", 1e-10)])
@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_near_the_reference(name, dtype, near):
    for points in POINTS:
        arguments = [values.astype(dtype) for values in points]
        want = getattr(sr, name)(*(values.astype("f8") for values in arguments))
        # the reference's exponent has an error of a few units in the last place of its largest term, a log(x)
        error = 1e-15 * np.abs(arguments[0] * np.log(arguments[1]))
        got = evaluate(f"{name}(x, y)", dtype, *arguments)
        assert np.all(np.abs(got - want) <= (near + error) * want + np.finfo(dtype).tiny)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", LIMITS)
def test_limits(name, dtype):
    *arguments, want = (np.array(column, dtype) for column in zip(*LIMITS[name], strict=True))
    np.testing.assert_array_equal(evaluate(f"{name}(x, y)", dtype, *arguments), want)
    np.testing.assert_array_equal(sr.double(getattr(sr, name))(*arguments), want)


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
    a, x = (np.concatenate(column).astype(dtype)[:5000 + 7] for column in zip(*POINTS, strict=True))
    t, formula = {"f4": "f32", "f8": "f64"}[dtype], f"{name}(v1, v2)"
    results = []
    for loop, step in (("range(n)", 1), ("vectors(0, n, 2)", 1), ("vectors(0, n, 1)", -1)):
        given, result = [np.ascontiguousarray(v[::step]) for v in (a, x)], np.empty_like(a)
        run(TEXT.format(t=t, loop=loop, formula=formula), *(v.ctypes.data for v in (*given, result)), a.size)
        results.append(result[::step])
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
