"""The k largest of rows: the kernel against the reference, NaN, ties and rows of several blocks included."""
from __future__ import annotations

import numpy as np
import pytest
from graphflow.compiler.codegen.top import MOST
from graphflow.compiler.ops.sorting import _top

import graphflow as gf

SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 1.0], "f4")


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u1"])
@pytest.mark.parametrize("size, k", [(1, 1), (7, 7), (200, 5), (200, MOST), (200, MOST + 1)])
def test_the_largest_of_rows(dtype, size, k):
    random = np.random.default_rng(size + k)
    rows = [random.uniform(0, 200, size), random.integers(0, 4, size), np.arange(size), np.arange(size)[::-1]]
    if dtype[0] == "f":
        rows.append(random.choice(SPECIAL, size))
    x = np.stack(rows).astype(dtype)
    fed = gf.placeholder(x.dtype, [None, size])
    found = gf.Session().run(gf.nn.top_k(fed, k), {fed: x})
    for result, expected in zip(found, _top(x, np.array([k]), True), strict=True):
        np.testing.assert_array_equal(result, expected)
