"""Cholesky factors and triangular systems: the kernels against the references, of every size of tile and remainder."""
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


def test_faults():
    with pytest.raises(gf.errors.InvalidArgumentError, match="Cholesky decomposition was not successful"):
        run(gf.cholesky, -definite("f4", 3, 9))
    with pytest.raises(gf.errors.InvalidArgumentError, match="Cholesky decomposition was not successful"):
        run(gf.cholesky, np.full((2, 2), np.nan, "f4"))
    singular = np.diag([1.0, 0.0, 2.0])
    with pytest.raises(gf.errors.InvalidArgumentError, match="Input matrix is not invertible"):
        run(gf.matrix_triangular_solve, singular, np.ones((3, 1)))
