"""Quotients and remainders of 64 bits, exact at the ends of the range and next to multiples of the divisor."""
from __future__ import annotations

import numpy as np
from elementwise_loops import evaluate

ENDS = np.array([1, 2, 3, 7, 2**31, 2**53, 2**53 + 1, 2**62, 2**62 + 1, 2**63 - 2, 2**63 - 1, 999999999999999989])
ENDS = np.concatenate([ENDS, -ENDS, [-2**63]])


def test_whole_numbers():
    random = np.random.default_rng(15)
    wide = random.integers(-2**63, 2**63 - 1, (2, 50000))
    halves = random.integers(1, 2**31, (2, 50000)) * random.choice([-1, 1], (2, 50000))
    product = halves[0] * halves[1]
    n = np.concatenate([np.repeat([0, *ENDS], len(ENDS)), wide[0], product, product - 1, product + 1])
    d = np.concatenate([np.tile(ENDS, len(ENDS) + 1), wide[1] >> random.integers(0, 62, 50000), *[halves[1]] * 3])
    n, d = n[d != 0], d[d != 0]
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(evaluate("floordiv(x, y)", "i8", n, d), n // d)
        np.testing.assert_array_equal(evaluate("mod(x, y)", "i8", n, d), n % d)
    assert not evaluate("mod(x, y)", "i8", n[:3], np.zeros(3, np.int64)).any()


def test_doubles():
    """A quotient that one step finds, and one that takes many."""
    random = np.random.default_rng(16)
    values = [0.0, -0.0, 1.0, -1.0, 3.0, np.inf, -np.inf, np.nan, 1e308, -1e300]
    x = np.concatenate([random.normal(size=5000), 10.0 ** random.uniform(-200, 200, 5000), random.choice(values, 3000)])
    y = np.concatenate([random.normal(size=5000), -10.0 ** random.uniform(-200, 200, 5000),
                        random.choice(values, 3000)])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(evaluate("mod(x, y)", "f8", x, y), x % y)
        np.testing.assert_array_equal(evaluate("fmod(x, y)", "f8", x, y), np.fmod(x, y))
