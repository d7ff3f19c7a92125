"""Rows put in order by digits: against the references, with NaN, zeros, ties, both ends of integers, short and long."""
from __future__ import annotations

import numpy as np
import pytest
from compiled import kernels
from graphflow.compiler.codegen.sort import CANDIDATES, NUMPYS, SHORT
from graphflow.compiler.dtypes import as_dtype
from graphflow.compiler.ops.sorting import _in_order, _order, _top

import graphflow as gf

SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 1.0, -1.0, 3e-40, -3e-40])


def rows(dtype, size: int) -> np.ndarray:
    random, kind = np.random.default_rng(size), as_dtype(dtype)
    made = [random.integers(0, 4, size), np.arange(size) % 120, np.arange(size)[::-1] % 120,
            random.normal(size=size) * 30 + 60 * kind.is_unsigned]
    if kind.is_floating:
        made.append(random.choice(SPECIAL, size))
        return np.stack(made).astype(kind.np)
    ends = np.array([kind.min, kind.max, 0, 1], kind.np)
    return np.stack([*(np.abs(row).astype(kind.np) for row in made), random.choice(ends, size)])


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int8", "uint8", "int16", "uint32",
                                   "int32", "int64", "uint64"])
@pytest.mark.parametrize("size", [1, SHORT, SHORT + 1, NUMPYS + 1, CANDIDATES + 100])
def test_rows_in_order(dtype, size):
    x, k = rows(dtype, size), min(size, 70)
    fed = gf.placeholder(dtype, x.shape)
    found = gf.Session().run([gf.sort(fed), gf.sort(fed, -1, "DESCENDING"), gf.argsort(fed),
                              gf.argsort(fed, -1, "DESCENDING"), *gf.nn.top_k(fed, k)], {fed: x})
    wanted = [_in_order(x, False), _in_order(x, True), _order(x, False), _order(x, True), *_top(x, np.array(k), True)]
    for value, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(value.astype(np.float64) if x.dtype.kind not in "iu" else value,
                                      want.astype(np.float64) if x.dtype.kind not in "iu" else want)


def test_sorting_is_a_kernel():
    x = np.zeros((3, NUMPYS + 1), np.float32)
    for build in (gf.sort, gf.argsort, lambda t: gf.nn.top_k(t, 80)[0]):
        call, = kernels(build, x)
        assert call.tasks == 3 and "in order" in call.source
    short, = kernels(gf.sort, x[:, 1:])
    assert not hasattr(short, "source")
    empty = gf.Session().run([gf.sort(np.zeros((0, 5), "f")), gf.argsort(np.zeros((3, 0), "f"))])
    assert [value.shape for value in empty] == [(0, 5), (3, 0)]


def test_zeros_keep_their_signs():
    x = np.where(np.arange(NUMPYS + 1) % 3 == 0, -0.0, 0.0).astype(np.float32)
    fed = gf.placeholder(gf.float32, x.shape)
    found = gf.Session().run(gf.sort(fed), {fed: x})
    assert np.signbit(found).sum() == np.signbit(x).sum()
