"""Factors, systems, inverses, determinants: the kernels against the references, with every remainder of a tile."""
from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from graphflow.compiler.ops.factorization import _cholesky_reference
from graphflow.compiler.ops.linalg import _triangular_solve

import graphflow as gf

SIZES = [1, 7, 8, 17, 48, 61, 100]
TOLERANCE = {"f4": 1e-4, "f8": 1e-11}


def definite(dtype, *shape):
    x = np.random.default_rng(shape[-1]).normal(size=(*shape, shape[-1]))
    return (x @ np.swapaxes(x, -1, -2) / shape[-1] + np.eye(shape[-1])).astype(dtype)


def run(build, *arrays):
    fed = [gf.placeholder(a.dtype, a.shape) for a in arrays]
    return gf.Session().run(build(*fed), dict(zip(fed, arrays, strict=True)))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n", SIZES)
def test_cholesky(dtype, n):
    x = definite(dtype, 2, n)
    factor = run(gf.cholesky, x + np.triu(np.full((n, n), np.nan, dtype), 1))  # the upper triangle is not read
    np.testing.assert_allclose(factor, _cholesky_reference(x), atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("columns", [1, 17, 100])
def test_triangular_solve(dtype, n, columns):
    a, b = definite(dtype, 2, n), np.random.default_rng(columns).normal(size=(2, n, columns)).astype(dtype)
    for lower, adjoint in product([True, False], repeat=2):
        # the other triangle is not read
        hidden = np.full((n, n), np.nan, dtype)
        given = a + (np.triu(hidden, 1) if lower else np.tril(hidden, -1))
        x = run(lambda a, b, how=(lower, adjoint): gf.matrix_triangular_solve(a, b, *how), given, b)
        np.testing.assert_allclose(x, _triangular_solve(a, b, lower, adjoint), atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("m, n", [(n, n) for n in SIZES] + [
    (1, 5), (5, 1), (7, 100), (100, 7), (61, 48), (48, 61), (20, 130), (130, 20), (130, 100)])
def test_qr(dtype, m, n):
    x = np.random.default_rng(m + n).normal(size=(2, m, n)).astype(dtype)
    for full in (False, True):
        found = run(lambda x, full=full: gf.qr(x, full_matrices=full), x)
        for a, b in zip(found, np.linalg.qr(x, "complete" if full else "reduced"), strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, atol=10 * TOLERANCE[dtype])
        q, r = found
        np.testing.assert_allclose(q @ r, x, atol=TOLERANCE[dtype])
        np.testing.assert_allclose(np.swapaxes(q, -1, -2) @ q, [np.eye(q.shape[-1])] * 2, atol=TOLERANCE[dtype])
        assert not np.tril(r, -1).any()


def test_qr_at_the_limits():
    for x in (np.eye(5, 3), np.zeros((4, 4)), np.ones((4, 3)), np.diag([1., -2, 0, 3])):  # LAPACK's signs
        for a, b in zip(run(gf.qr, x), np.linalg.qr(x), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)
    x = np.random.default_rng(0).normal(size=(20, 17)).astype("f4")
    for scale in (1e-30, 1e30):
        q, r = run(gf.qr, x * np.float32(scale))
        np.testing.assert_allclose(q @ (r / np.float32(scale)), x, atol=1e-5)
    x[3, 5] = np.nan
    assert all(np.isnan(y).any() for y in run(gf.qr, x))
    assert [y.shape for y in run(gf.qr, np.zeros((0, 3), "f4"))] == [(0, 0), (0, 3)]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n", SIZES)
def test_general_matrices(dtype, n):
    """Rows have to change places: within a panel, and across those before."""
    a = np.roll(definite(dtype, 2, n), n // 2 + 1, axis=-2)
    b = np.random.default_rng(n).normal(size=(2, n, 3)).astype(dtype)
    for adjoint in (False, True):
        matrix = np.swapaxes(a, -1, -2) if adjoint else a
        solved, inverse = run(lambda a, b, how=adjoint: (gf.matrix_solve(a, b, how), gf.matrix_inverse(a, how)), a, b)
        np.testing.assert_allclose(matrix @ solved, b, atol=TOLERANCE[dtype])
        np.testing.assert_allclose(matrix @ inverse, np.stack([np.eye(n)] * 2), atol=TOLERANCE[dtype])
    factors, rows = run(lambda a: gf.linalg.lu(a), a)
    lower, upper = np.tril(factors, -1) + np.eye(n, dtype=dtype), np.triu(factors)
    np.testing.assert_allclose(lower @ upper, np.take_along_axis(a, rows[..., None], 1), atol=TOLERANCE[dtype])
    assert np.abs(lower).max() <= 1
    determinant, (sign, log) = run(lambda a: (gf.matrix_determinant(a), gf.linalg.slogdet(a)), a)
    np.testing.assert_allclose(determinant, np.linalg.det(a), rtol=100 * TOLERANCE[dtype])
    np.testing.assert_allclose(sign, np.linalg.slogdet(a)[0])
    np.testing.assert_allclose(log, np.linalg.slogdet(a)[1], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("count, n", [(16, 1), (19, 2), (100, 4), (33, 7), (16, 17), (9, 24)])
def test_many_small_matrices(dtype, count, n):
    """They are solved side by side, the last few beside others that are not there."""
    a = definite(dtype, count, n)
    a[::3] = np.roll(a[::3], n // 2 + 1, axis=-2)  # the rows of some change places
    b = np.random.default_rng(n).normal(size=(count, n, 3)).astype(dtype)
    for adjoint in (False, True):
        matrix = np.swapaxes(a, -1, -2) if adjoint else a
        solved, inverse = run(lambda a, b, how=adjoint: (gf.matrix_solve(a, b, how), gf.matrix_inverse(a, how)), a, b)
        np.testing.assert_allclose(matrix @ solved, b, atol=TOLERANCE[dtype])
        np.testing.assert_allclose(matrix @ inverse, np.stack([np.eye(n)] * count), atol=TOLERANCE[dtype])
    (factors, rows), determinant = run(lambda a: (gf.linalg.lu(a), gf.matrix_determinant(a)), a)
    lower, upper = np.tril(factors, -1) + np.eye(n, dtype=dtype), np.triu(factors)
    np.testing.assert_allclose(lower @ upper, np.take_along_axis(a, rows[..., None], 1), atol=TOLERANCE[dtype])
    assert np.abs(lower).max() <= 1
    np.testing.assert_allclose(determinant, np.linalg.det(a), rtol=100 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("count, n", [(16, 1), (19, 2), (100, 4), (33, 7), (16, 17)])
def test_many_small_triangles(dtype, count, n):
    hidden, a = np.full((n, n), np.nan, dtype), definite(dtype, count, n)
    factor = run(gf.cholesky, a + np.triu(hidden, 1))
    np.testing.assert_allclose(factor, _cholesky_reference(a), atol=TOLERANCE[dtype])
    b = np.random.default_rng(n).normal(size=(count, n, 3)).astype(dtype)
    for lower, adjoint in product([True, False], repeat=2):
        given = a + (np.triu(hidden, 1) if lower else np.tril(hidden, -1))
        x = run(lambda a, b, how=(lower, adjoint): gf.matrix_triangular_solve(a, b, *how), given, b)
        np.testing.assert_allclose(x, _triangular_solve(a, b, lower, adjoint), atol=TOLERANCE[dtype])


def test_one_of_many_small_matrices_has_no_factors():
    """Which one does not matter, nor does NaN in another; determinants there are."""
    for place in (0, 16, 18):
        a = definite("f4", 19, 3)
        a[place] = np.diag([1.0, 0.0, 2.0])
        for function in (gf.matrix_inverse, gf.linalg.lu, lambda a: gf.matrix_solve(a, a)):
            with pytest.raises(gf.errors.InvalidArgumentError, match="Input is not invertible"):
                run(function, a)
        with pytest.raises(gf.errors.InvalidArgumentError, match="Cholesky decomposition was not successful"):
            run(gf.cholesky, a)
        with pytest.raises(gf.errors.InvalidArgumentError, match="Input matrix is not invertible"):
            run(gf.matrix_triangular_solve, a, np.ones((19, 3, 1), "f4"))
        np.testing.assert_allclose(run(gf.matrix_determinant, a), np.linalg.det(a), rtol=1e-4)
    a[18], a[5, 1, 1] = np.eye(3), np.nan
    inverse = run(gf.matrix_inverse, a)
    assert np.isnan(inverse[5]).any() and np.isfinite(np.delete(inverse, 5, 0)).all()


def test_one_matrix_for_several_right_hand_sides():
    a, b = definite("f4", 9), np.ones((2, 9, 1), "f4")
    for solve in (gf.matrix_solve, gf.matrix_triangular_solve):
        expected = np.linalg.solve(a if solve is gf.matrix_solve else np.tril(a), b)
        np.testing.assert_allclose(run(solve, a, b), expected, rtol=1e-4)


def test_singular_matrices_have_determinants():
    zeros = np.zeros((2, 5, 5))
    determinant, (sign, log) = run(lambda a: (gf.matrix_determinant(a), gf.linalg.slogdet(a)), zeros)
    assert not determinant.any() and not sign.any() and (log == -np.inf).all()
    for function in (gf.matrix_inverse, gf.linalg.lu, lambda a: gf.matrix_solve(a, a)):
        with pytest.raises(gf.errors.InvalidArgumentError, match="Input is not invertible"):
            run(function, zeros)


def test_faults():
    with pytest.raises(gf.errors.InvalidArgumentError, match="Cholesky decomposition was not successful"):
        run(gf.cholesky, -definite("f4", 3, 9))
    with pytest.raises(gf.errors.InvalidArgumentError, match="Cholesky decomposition was not successful"):
        run(gf.cholesky, np.full((2, 2), np.nan, "f4"))
    singular = np.diag([1.0, 0.0, 2.0])
    with pytest.raises(gf.errors.InvalidArgumentError, match="Input matrix is not invertible"):
        run(gf.matrix_triangular_solve, singular, np.ones((3, 1)))
