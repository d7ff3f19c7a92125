"""What becomes of numbers too small to be normal."""
from __future__ import annotations

import numpy as np
import pytest
from graphflow.compiler.native.rounding import HAS_MXCSR

import graphflow as gf


@pytest.mark.skipif(not HAS_MXCSR, reason="other processors keep them")
@pytest.mark.parametrize("size", [1, 1_000_000])
def test_kernels_flush_subnormal_results_and_python_does_not(size):
    x = gf.placeholder(gf.float32, [None])
    with gf.Session() as session:
        small, back = session.run([x * 0.5, x * 2 ** 24], {x: np.full(size, 1e-38, "f4") * np.float32(0.5)})
    assert (small == 0).all() and (back > 0).all(), "what is fed is read as it is"
    assert (np.full(size, 2e-38, "f4") * np.float32(0.25) > 0).all(), "the mode ends with the run"
