"""Loops of explicit vectors: what the same loop does element by element."""
from __future__ import annotations

import numpy as np
import pytest
from elementwise_loops import ulps
from graphflow.compiler.native.processor import isa
from test_translate import run

pytestmark = pytest.mark.skipif(not isa().masks, reason="the processor masks no elements of vectors")

TEXT = """
from graphflow.compiler.native.prelude import *

@compiled
def kernel(a, m, y, z, kept, sums, n):
    k = load_i32(sums, 8, -1)
    total = {t}(0)
    for j in {loop}:
        x = load_{t}(a, j, 0)
        total = total + x
    highest = {t}(-1e999)
    product = {t}(1)
    for j in {loop}:
        x1 = j
        x = load_{t}(a, j, 0)
        v1 = select(load_b1(m, j, 1), x, -x / {t}(2.0))
        v2 = select(x1 == k, {t}(2.0), {t}(0.5)) * {formula}
        v3 = select(v2 > v1, v2 - v1, {t}(0))
        store_{t}(y, j + 1, v3, 2)
        store_{t}(kept, j, v1, 3)
        highest = maximum(highest, v3)
        product = product * (v1 / v1)
    lowest = {t}(1e999)
    for j in {loop}:
        v4 = load_{t}(kept, j, 3)
        lowest = minimum(lowest, v4)
        store_b1(z, j, v4 < {t}(0), 4)
    store_{t}(sums, 0, total, 5)
    store_{t}(sums, 1, highest, 5)
    store_{t}(sums, 2, lowest, 5)
    store_{t}(sums, 3, product, 5)
"""
FORMULA = ("(absolute(x) + exp(x) + expm1(x) + log(absolute(x)) + log1p(absolute(x)) + sigmoid(x) + tanh(x) + "
           "sin(x) + cos(x) + tan(x / {t}(4.0)) + {t}(f32(x)))")


def computed(dtype, loop, n):
    t = {"f4": "f32", "f8": "f64"}[dtype]
    random = np.random.default_rng(n)
    a, m = random.standard_normal(n + 64).astype(dtype), random.random(n + 64) < 0.5
    y, z, kept = np.full(n + 66, 9, dtype), np.full(n + 64, True), np.zeros(n + 64, dtype)
    sums = np.zeros(16, dtype)
    sums.view("i4")[8] = 5
    text = TEXT.format(t=t, loop=loop, formula=FORMULA.format(t=t))
    run(text, *(array.ctypes.data for array in (a, m, y, z, kept, sums)), n)
    return y, z[:n], kept[:n], sums[:4]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("n, copies", [(0, 1), (7, 1), (77, 2), (130, 4)])
def test_vectors_compute_what_elements_do(dtype, n, copies):
    tested = computed(dtype, f"vectors(0, n, {copies})", n), computed(dtype, "range(n)", n)
    for found, expected in zip(*tested, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_nan_wins_from_the_last_vector_too():
    text = """
from graphflow.compiler.native.prelude import compiled, f32, load_f32, maximum, store_f32

@compiled
def kernel(a, y, n):
    highest = f32(-1e999)
    for j in vectors(0, n, 2, 0):
        x = load_f32(a, j, 0)
        highest = maximum(highest, x)
    store_f32(y, 0, highest, 1)
"""
    a, y = np.arange(64, dtype="f4"), np.zeros(1, "f4")
    run(text, a.ctypes.data, y.ctypes.data, 35)
    assert y[0] == 34
    a[34] = np.nan
    run(text, a.ctypes.data, y.ctypes.data, 35)
    assert np.isnan(y[0])


@pytest.mark.parametrize("name, bound", [("sin", 1), ("cos", 1), ("tan", 2.25)])
def test_circular_functions_branch_where_one_argument_is_large(name, bound):
    """Within the same bounds on either side of the branch, of a vector's end, and of the numbers' range."""
    text = f"""
from graphflow.compiler.native.prelude import compiled, load_f32, store_f32, {name}

@compiled
def kernel(a, y, start, n):
    for j in vectors(start, n, 2):
        v0 = load_f32(a, j, 0)
        store_f32(y, j, {name}(v0), 1)
"""
    random = np.random.default_rng(14)
    small = random.uniform(-8192, 8192, 4000)
    large = np.exp(random.uniform(9, 88, 1000))
    a = np.concatenate([small, np.arange(1, 5000) * (np.pi / 2), large, small[:77], [1e30, np.inf]]).astype("f4")
    y = np.zeros_like(a)
    run(text, a.ctypes.data, y.ctypes.data, 5, a.size)
    assert not y[:5].any() and np.isnan(y[-1])
    assert ulps(y[5:-1], getattr(np, name)(a[5:-1].astype("f8"))).max() <= bound
