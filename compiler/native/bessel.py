"""The modified Bessel functions of the first kind of order 0 and 1, by themselves and times e**-|x|.

Near 0 the series (Abramowitz & Stegun 9.6.10), all of whose terms are positive; beyond, a polynomial in 1 / x times
e**x / sqrt(x) (9.7.1), whose coefficients interpolate at Chebyshev's points. Errors are a few units in the last place:
of x squared the series grows with as many times the error as x / 2.
"""
from __future__ import annotations

from math import factorial

from .exponential import INFINITY, exp_of, exp_of_magnitude
from .expression import Value, copysign, elementwise, fabs, horner, select, sqrt

# where the series ends, and its terms: the first that is left out is below 2**-30 and 2**-63 of the sum
NEAR, TERMS = (8.0, 15.0), (18, 36)
# e**-x I(x) sqrt(x) in NEAR / x; errors 2**-29 and 2**-62
FAR = (
    ((0.3989422808308432, 0.006233431268613515, 0.0004389431847622836, 5.336066858825431e-05, 2.0566802414428474e-05,
      -9.171976300552544e-06, 6.931148710740912e-06),
     (0.3989422804014327, 0.0033245190033453103, 0.00012466946262181956, 8.657601707742122e-06, 8.837941358392467e-07,
      1.1934458224239617e-07, 1.9801650947248716e-08, 5.3756667368768475e-09, -4.197004164128478e-09,
      1.4581845732132514e-08, -2.920511150144448e-08, 4.3859091375348206e-08, -4.745899009757484e-08,
      3.6152201962139225e-08, -1.832706802379085e-08, 5.540906922536235e-09, -7.50971352225924e-10)),
    ((0.39894227992196124, -0.018700372651012584, -0.0007312132411369521, -7.57561211626872e-05,
      -2.481305526008755e-05, 9.95827301125323e-06, -7.816014501071006e-06),
     (0.3989422804014327, -0.009973557010035857, -0.00020778243770529375, -1.2120642342144948e-05,
      -1.1363073987269884e-06, -1.4585986402618903e-07, -2.3436639469157657e-08, -6.05331016455776e-09,
      4.2877621061620914e-09, -1.5210213401337052e-08, 3.040736788115642e-08, -4.565114264773226e-08,
      4.936898190011674e-08, -3.758401495664867e-08, 1.903899977772952e-08, -5.75128535929639e-09,
      7.786462564637087e-10)),
)


def _parts(x: Value, order: int) -> tuple[Value, Value, Value]:
    """Whether |x| is near 0, I(|x|) if it is, and e**-|x| I(|x|) if it is not."""
    a, limit = fabs(x), x.pick(*NEAR)
    near = a <= limit
    quarter = select(near, a * a * 0.25, 0.0)
    series = horner(quarter, [1 / (factorial(k) * factorial(k + order)) for k in range(x.pick(*TERMS))])
    beyond = select(near, x.constant(limit), a)
    far = horner(limit / beyond, x.pick(*FAR[order])) / sqrt(beyond)
    return near, series * (a * 0.5) if order else series, far


def _scaled(x: Value, order: int) -> Value:
    near, series, far = _parts(x, order)
    return select(near, series * exp_of_magnitude(x), far)


def _plain(x: Value, order: int) -> Value:
    """By two factors e**(|x| / 2), as e**|x| overflows before I(x) does."""
    near, series, far = _parts(x, order)
    a = fabs(x)
    root = exp_of(a * 0.5)
    return select(near, series, select(a.equals(INFINITY), a, far * root * root))


@elementwise
def bessel_i0(x: Value) -> Value:
    return _plain(x, 0)


@elementwise
def bessel_i1(x: Value) -> Value:
    return copysign(_plain(x, 1), x)


@elementwise
def bessel_i0e(x: Value) -> Value:
    """e**-|x| I0(x)"""
    return _scaled(x, 0)


@elementwise
def bessel_i1e(x: Value) -> Value:
    """e**-|x| I1(x)"""
    return copysign(_scaled(x, 1), x)


__all__ = ["bessel_i0", "bessel_i0e", "bessel_i1", "bessel_i1e"]
