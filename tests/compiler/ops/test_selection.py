"""What is different in vectors of integers, by a table of all numbers in between or without one, and counts."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "i8", "u8"])
@pytest.mark.parametrize("size", [0, 1, 70, 1000])
def test_unique(dtype, size):
    random, ends = np.random.default_rng(size), np.iinfo(dtype)
    for low, high in ((0, 3), (max(ends.min, -100), 100), (ends.max - 20, ends.max), (ends.min, ends.max)):
        x = random.integers(low, high, size, dtype=dtype, endpoint=True)
        values, index, count = gf.Session().run(gf.unique_with_counts(gf.constant(x)))
        assert values.tolist() == list(dict.fromkeys(x.tolist()))
        np.testing.assert_array_equal(values[index], x)
        np.testing.assert_array_equal(count, [(x == value).sum() for value in values])


def test_counts_leave_out_what_is_too_large():
    x = np.array([0, 2, 2, 9, 1], np.int32)
    session = gf.Session()
    assert session.run(gf.bincount(x, maxlength=3)).tolist() == [1, 1, 2]
    assert session.run(gf.bincount(x, weights=np.array([1, 2, 3, 4, 5], "f"), minlength=4, maxlength=4)).tolist() == [
        1, 5, 5, 0]
    assert session.run(gf.bincount(x[:0], minlength=2)).tolist() == [0, 0]
