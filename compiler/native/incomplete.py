"""The regularised incomplete gamma and beta functions.

Gamma: below x = a + 1 the series, all of whose terms are positive (Abramowitz & Stegun 6.5.29), beyond the continued
fraction (6.5.31). Beta: the fraction (26.5.8) on the side of the mean where it converges fast. Fractions are computed
as sums (Steed's algorithm, Barnett et al., Computer Physics Communications 8, 1974).
"""
from __future__ import annotations

import math

from .exponential import INFINITY, NAN, exp_of, log1p_of, log_in_parts, log_positive, normalize
from .expression import Value, elementwise, fabs, select, sqrt
from .gamma import log_gamma, log_gamma_small, stirling_tail
from .iteration import in_double, iterate

STEPS = 2000  # at most: about 8 sqrt(a) are needed where x is near a


def _front(a: Value, x: Value) -> Value:
    """x**a e**-x / gamma(a): of large a by Stirling's formula, where the large terms of the exponent have cancelled."""
    small, ratio, excess = a < 2.5, x / a, (x - a) / a
    log_x = log_positive(*normalize(select(small, x, ratio)))
    log_ratio = select(fabs(excess) < 0.5, log1p_of(excess), log_x)
    near_zero = a * log_x - x - log_gamma_small(a, *log_in_parts(*normalize(a)))
    large = a * (log_ratio - excess) - stirling_tail(a)
    return exp_of(select(small, near_zero, large)) * select(small, 1.0, sqrt(a * (0.5 / math.pi)))


def _series(a: Value, x: Value, needed: Value, near: float) -> Value:
    """1 / a + x / (a (a + 1)) + ..."""
    def step(k: Value, term: Value, total: Value) -> tuple[Value, list[Value]]:
        term = term * (x / (a + k))
        return term > total * near, [term, total + term]

    first = 1.0 / a
    return iterate(needed, [first, first], step, STEPS)[1]


def _fraction(a: Value, x: Value, needed: Value, near: float) -> Value:
    """1 / (b + 1 (a - 1) / (b + 2 + 2 (a - 2) / (b + 4 + ...))), b = x + 1 - a."""
    def step(k: Value, inverse: Value, term: Value, total: Value) -> tuple[Value, list[Value]]:
        denominator = base + k * 2.0
        inverse = 1.0 / (denominator + k * (a - k) * inverse)
        term = term * (denominator * inverse - 1.0)
        return fabs(term) > fabs(total) * near, [inverse, term, total + term]

    base = x + 1.0 - a
    first = 1.0 / base
    return iterate(needed, [first, first, first], step, STEPS)[2]


def _lower_and_upper(a: Value, x: Value, near: float) -> tuple[Value, Value]:
    front, below = _front(a, x), x < a + 1.0
    needed = (front > 0) & (front < INFINITY)
    part = front * select(below, _series(a, x, needed & below, near), _fraction(a, x, needed & (x >= a + 1.0), near))
    zero, whole, bad = x.equals(0.0) | a.equals(INFINITY), x.equals(INFINITY), ~((a > 0) & (x >= 0))
    lower, upper = select(below, part, 1.0 - part), select(below, 1.0 - part, part)
    lower, upper = (select(zero, at_zero, select(whole, 1.0 - at_zero, value))
                    for value, at_zero in ((lower, x.constant(0.0)), (upper, x.constant(1.0))))
    return select(bad, NAN, lower), select(bad, NAN, upper)


@elementwise
@in_double
def igamma(a: Value, x: Value, near: float) -> Value:
    """The regularised lower incomplete gamma function; NaN for a <= 0 and x < 0."""
    return _lower_and_upper(a, x, near)[0]


@elementwise
@in_double
def igammac(a: Value, x: Value, near: float) -> Value:
    """1 - igamma, to its own precision where it is small."""
    return _lower_and_upper(a, x, near)[1]


def _beta_fraction(p: Value, q: Value, z: Value, needed: Value, near: float) -> Value:
    """1 / (1 + c1 / (1 + c2 / (1 + ...)))"""
    def odd(m: Value) -> Value:
        return -(p + m) * (p + q + m) * z / ((p + m * 2.0) * (p + m * 2.0 + 1.0))

    def even(m: Value) -> Value:
        return m * (q - m) * z / ((p + m * 2.0 - 1.0) * (p + m * 2.0))

    def step(m: Value, inverse: Value, term: Value, total: Value) -> tuple[Value, list[Value]]:
        for factor in (even(m), odd(m)):
            inverse = 1.0 / (1.0 + factor * inverse)
            term = term * (inverse - 1.0)
            total = total + term
        return fabs(term) > fabs(total) * near, [inverse, term, total]

    first = 1.0 / (1.0 + odd(z.constant(0.0)))
    return iterate(needed, [first, first - 1.0, first], step, STEPS)[2]


@elementwise
@in_double
def betainc(a: Value, b: Value, x: Value, near: float) -> Value:
    """The regularised incomplete beta function; NaN for a <= 0, b <= 0 and x outside 0 to 1."""
    swap = x > (a + 1.0) / (a + b + 2.0)
    p, q, z = select(swap, b, a), select(swap, a, b), select(swap, 1.0 - x, x)
    logs = [log_in_parts(*normalize(value)) for value in (p + q, p, q)]
    whole, of_p, of_q = (log_gamma(value, *log) for value, log in zip((p + q, p, q), logs, strict=True))
    front = exp_of(whole - of_p - of_q + p * log_positive(*normalize(z)) + q * log1p_of(-z)) / p
    part = front * _beta_fraction(p, q, z, (front > 0) & (front < INFINITY), near)
    value = select(x.equals(0.0), 0.0, select(x.equals(1.0), 1.0, select(swap, 1.0 - part, part)))
    return select((a > 0) & (b > 0) & (a < INFINITY) & (b < INFINITY) & (x >= 0) & (x <= 1), value, NAN)


__all__ = ["betainc", "igamma", "igammac"]
