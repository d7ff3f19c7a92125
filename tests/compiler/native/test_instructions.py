"""Instructions beyond LLVM's: in vectors, in what is left over, and of both types in one kernel."""
from __future__ import annotations

import numpy as np
import pytest
from elementwise_loops import evaluate, evaluate_all


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_place_of_an_element_does_not_show(dtype):
    x = np.repeat(np.array([-101.3, -3.7, 0.0, 0.4, 88.1], dtype)[:, None], 63, 1)
    for row in evaluate("exp(x)", dtype, x):
        np.testing.assert_array_equal(row, row[0])


def test_both_types_in_one_kernel():
    x, y = np.linspace(-5, 5, 77, dtype=np.float32), np.linspace(-9, 9, 77)
    single, double = evaluate_all(["exp(x)", "exp(y)"], ["f4", "f8"], x, y)
    np.testing.assert_allclose(single, np.exp(x), 1e-6)
    np.testing.assert_allclose(double, np.exp(y), 1e-15)
