"""sinh and cosh by the addition theorem, without a division; the inverse hyperbolic functions through log1p.

See Muller, Elementary Functions, 3rd ed., 11.1; formulas of the inverses as in FDLIBM (Sun, 1993).
"""
from __future__ import annotations

from .exponential import LN2, NAN, clamp, log1p_of, reduce_exponent
from .expression import (
    Value,
    copysign,
    elementwise,
    fabs,
    fma,
    horner,
    power_of_two,
    quick_two_sum,
    select,
    sqrt,
)

# (sinh(r) - r) / r**3 and (cosh(r) - 1) / r**2 in r**2, |r| <= ln(2) / 2; errors 2**-37, 2**-34; 2**-61, 2**-70
SINH = (
    (0.16666666706919092, 0.008333300221031936, 0.00019898744200833206),
    (0.16666666666666669, 0.00833333333332708, 0.000198412698738408, 2.755725545614175e-06, 2.5105421947729485e-08),
)
COSH = (
    (0.5000000036246842, 0.04166636852342698, 0.0013940632509998753),
    (0.5, 0.041666666666666685, 0.0013888888888873119, 2.4801587348994424e-05, 2.755725219906983e-07,
     2.0921621204858064e-09),
)
# the same of sinh up to r = 1; errors 2**-34 and 2**-63
SINH_SMALL = (
    (0.1666666648872522, 0.008333350597718444, 0.00019836066295431551, 2.8174394413162056e-06),
    (0.16666666666666669, 0.008333333333333175, 0.0001984126984141756, 2.7557319160647102e-06, 2.505212266885608e-08,
     1.6057290639423757e-10, 7.757937834342586e-13),
)


def _halves(a: Value) -> tuple[Value, Value, Value, Value]:
    """For a = n ln 2 + r >= 0: (2**n + 2**-n) / 8 and (2**n - 2**-n) / 8, sinh(r) and cosh(r) - 1.

    An eighth, because 2**n overflows where the result does not yet.
    """
    r, n = reduce_exponent(clamp(a, 0.0, a.pick(90.0, 711.0)))
    z = r * r
    growing = power_of_two(n - 3.0)
    limit = a.pick(60.0, 500.0)
    falling = power_of_two(-3.0 - select(n > limit, limit, n))
    sine = fma(r * z, horner(z, a.pick(*SINH)), r)
    return growing + falling, growing - falling, sine, z * horner(z, a.pick(*COSH))


@elementwise
def sinh(x: Value) -> Value:
    """sinh(n ln 2) cosh(r) + cosh(n ln 2) sinh(r); below 1, where these would cancel, a polynomial."""
    a = fabs(x)
    z = x * x
    plus, minus, sine, cosine = _halves(a)
    result = (fma(plus, sine, minus * cosine) + minus) * 4.0
    return copysign(select(a < 1.0, fma(a * z, horner(z, x.pick(*SINH_SMALL)), a), result), x)


@elementwise
def cosh(x: Value) -> Value:
    """cosh(n ln 2) cosh(r) + sinh(n ln 2) sinh(r)."""
    plus, minus, sine, cosine = _halves(fabs(x))
    return (fma(minus, sine, plus * cosine) + plus) * 4.0


@elementwise
def asinh(x: Value) -> Value:
    """log1p(a + a**2 / (1 + sqrt(a**2 + 1))), a = |x|; log(a) + ln 2 where the square would overflow."""
    a = fabs(x)
    large = a > x.pick(2.0 ** 30, 2.0 ** 60)
    bounded = select(large, 1.0, a)
    square = bounded * bounded
    z, low = quick_two_sum(bounded, square / (sqrt(square + 1.0) + 1.0))
    y = log1p_of(select(large, a, z), select(large, 0.0, low))
    return copysign(y + select(large, LN2[1][0] + LN2[1][1], x.constant(0.0)), x)


@elementwise
def acosh(x: Value) -> Value:
    """log1p(t + sqrt(t (t + 2))), t = x - 1; log(x) + ln 2 where the square would overflow."""
    large = x > x.pick(2.0 ** 30, 2.0 ** 60)
    t = select(large, 1.0, x - 1.0)
    root = sqrt(fma(t, t, t * 2.0))
    y = log1p_of(select(large, x, t + root)) + select(large, LN2[1][0] + LN2[1][1], x.constant(0.0))
    return select(x < 1.0, NAN, y)


@elementwise
def atanh(x: Value) -> Value:
    """log1p(2 a / (1 - a)) / 2, a = |x|."""
    a = fabs(x)
    return copysign(log1p_of(a * 2.0 / (1.0 - a)) * 0.5, x)


__all__ = ["acosh", "asinh", "atanh", "cosh", "sinh"]
