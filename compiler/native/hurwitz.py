"""Hurwitz's zeta function, and by it the derivatives of digamma (Abramowitz & Stegun 6.4.10)."""
from __future__ import annotations

from ..special_reference import BERNOULLI
from .exponential import INFINITY, NAN, exp_of, log_in_parts, log_positive, normalize
from .expression import Value, elementwise, fabs, select
from .gamma import digamma_of, log_gamma
from .iteration import in_double, iterate

STEPS = 2000


def _is_whole(x: Value) -> Value:
    return x.call("llvm.floor").equals(x)


def _power(base: Value, x: Value) -> Value:
    """base**-x; below 0 for whole x."""
    size = exp_of(-x * log_positive(*normalize(fabs(base))))
    return select((base < 0) & ~_is_whole(x * 0.5), -size, size)


def _zeta(x: Value, q: Value, near: float) -> Value:
    """The sum of (q + k)**-x, from x + 10 on by Euler's and Maclaurin's formula."""
    def step(_: Value, base: Value, total: Value) -> tuple[Value, list[Value]]:
        term = _power(base, x)
        base, total = base + 1.0, total + term
        return (base < limit) & (fabs(term) > fabs(total) * near), [base, total]

    limit = x + 10.0
    pole, left = (q <= 0) & _is_whole(q), (q <= 0) & ~_is_whole(x)
    needed = (x > 1.0) & (q < limit) & ~(pole | left)
    base, total = iterate(needed, [q, q.constant(0.0)], step, STEPS)
    inverse = 1.0 / base
    factor, rest = x * inverse, base / (x - 1.0) + 0.5
    for k, weight in enumerate(BERNOULLI):
        rest = rest + factor * weight
        factor = factor * ((x + (2 * k + 1.0)) * inverse) * ((x + (2 * k + 2.0)) * inverse)
    total = select(base < limit, total, total + _power(base, x) * rest)
    value = select(pole, INFINITY, select(left, NAN, select(q.equals(INFINITY), 0.0, total)))
    return select(x > 1.0, value, select(x.equals(1.0), x.constant(INFINITY), NAN))


@elementwise
@in_double
def zeta(x: Value, q: Value, near: float) -> Value:
    """Infinite for x = 1 and q = 0, -1, ...; NaN for x < 1, and for q < 0 but where x is whole."""
    return _zeta(x, q, near)


@elementwise
@in_double
def polygamma(n: Value, x: Value, near: float) -> Value:
    """The n-th derivative of digamma; NaN for n < 0 or not whole."""
    order = n + 1.0
    size = exp_of(log_gamma(order, *log_in_parts(*normalize(order)))) * _zeta(order, x, near)
    value = select(_is_whole(n * 0.5), -size, size)
    return select(n.equals(0.0), digamma_of(x), select((n > 0) & _is_whole(n), value, NAN))


__all__ = ["polygamma", "zeta"]
