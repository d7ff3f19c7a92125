"""Products on a matrix unit against NumPy."""
from __future__ import annotations

import itertools

import numpy as np
import pytest
from graphflow.compiler.codegen import unit_gemm
from graphflow.compiler.codegen.gemm import lower_gemm
from graphflow.compiler.codegen.product import Product
from graphflow.compiler.native.processor import isa
from plans import guarded, run

import graphflow as gf

pytestmark = pytest.mark.skipif(not isa().matrix_unit, reason="the processor has no matrix unit")
PAYS = unit_gemm.pays
TRANSPOSES = list(itertools.product((False, True), repeat=2))


@pytest.fixture(autouse=True)
def on_matrix_unit(monkeypatch):
    monkeypatch.setattr(unit_gemm, "pays", lambda product: True)


def multiply(a, b, transpose_a=False, transpose_b=False, cuts=(0.4,)) -> np.ndarray:
    """The product of the matrices, or of stacks of them, which are given to the kernels as they would be transposed."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    strides = [[0 if own == 1 else int(np.prod(x.shape[i + 1:])) for i, own in enumerate(x.shape[:-2])] for x in (a, b)]
    c = guarded(np.full((*batch, a.shape[-2], b.shape[-1]), np.nan, np.float32))
    a, b = (guarded(x.swapaxes(-1, -2) if turned else x) for x, turned in ((a, transpose_a), (b, transpose_b)))
    m, n, k = *c.shape[-2:], a.shape[-2 if transpose_a else -1]
    calls = lower_gemm(a, b, c, dtype="f32", m=m, n=n, k=k, batch=batch, a_batch_strides=strides[0],
                       b_batch_strides=strides[1], transpose_a=transpose_a, transpose_b=transpose_b)
    assert calls[-1].name == "gemm_unit"
    run(calls, cuts)
    return c


def normal(*shape) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape, np.float32)


@pytest.mark.parametrize("transposes", TRANSPOSES)
@pytest.mark.parametrize("size", [(32, 32, 32), (2, 5, 3), (17, 33, 31), (33, 65, 47), (100, 700, 90), (40, 64, 300)])
def test_sizes(size, transposes):
    m, k, n = size
    for a, b in ((normal(m, k), normal(k, n)), (normal(3, m, k), normal(3, k, n)),
                 (normal(2, 1, m, k), normal(1, 2, k, n))):
        exact = a.astype(np.float64) @ b.astype(np.float64)
        np.testing.assert_allclose(multiply(a, b, *transposes), exact, rtol=1e-5, atol=3e-5)


def test_errors_are_those_of_float32():
    """Against sums in float64, beside NumPy's in float32."""
    a, b = normal(96, 1200), normal(1200, 80)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    ours, numpys = (np.sqrt(np.mean((c - exact) ** 2)) for c in (multiply(a, b), a @ b))
    assert ours < 2 * numpys
    whole = np.round(a * 1000)
    np.testing.assert_array_equal(multiply(whole, np.eye(1200, dtype=np.float32)), whole)


@pytest.mark.parametrize("transposes", TRANSPOSES)
def test_infinity_and_nan_stay_in_their_rows_and_columns(transposes):
    a, b = np.ones((70, 600), np.float32), np.full((600, 90), 3, np.float32)
    a[3, 5], a[69, 590], b[7, 50], b[550, 80] = np.nan, -np.inf, np.inf, np.nan
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(multiply(a, b, *transposes), a @ b)


def test_large_and_small_numbers():
    a, b = np.full((32, 32), 2.0 ** 100, np.float32), np.full((32, 32), 2.0 ** -100, np.float32)
    np.testing.assert_array_equal(multiply(a, b), np.full((32, 32), 32))
    assert (multiply(a, a) == np.inf).all() and (multiply(b, b) == 0).all()


def test_large_products_of_float32_pay():
    def product(m, n, k, dtype="f32"):
        return Product("a", "b", "c", dtype, m, n, k, k, 1, n, 1)

    assert PAYS(product(128, 512, 784)) and PAYS(product(4096, 256, 256))
    assert not any(PAYS(p) for p in (product(8, 512, 784), product(64, 64, 64), product(512, 512, 0),
                                     product(512, 512, 512, "f64")))


@pytest.mark.parametrize("size", [(64, 70, 1100), (33, 17, 530), (5, 40, 40)])
def test_updates_follow_their_products_band_by_band(size):
    """More columns than a band has, and rows and columns that fill no tile and no piece."""
    k, m, n = size
    a, b, start = normal(k, m), normal(k, n), normal(m, n)
    with gf.Graph().as_default(), gf.Session() as session:
        x, dy, weights = gf.placeholder(gf.float32, [k, m]), gf.placeholder(gf.float32, [k, n]), gf.Variable(start)
        loss = gf.reduce_sum(gf.matmul(x, weights) * dy)
        step = gf.train.MomentumOptimizer(0.01, 0.5).minimize(loss)
        session.run(gf.global_variables_initializer())
        for _ in range(2):
            session.run(step, {x: a, dy: b})
        gradient = a.T.astype(np.float64) @ b
        np.testing.assert_allclose(session.run(weights), start - 0.025 * gradient, rtol=1e-5, atol=1e-5)
