"""erf and erfc: a polynomial for small arguments; beyond, e to a polynomial for erf, which need not know its small
complement well, and e**-x**2 times a polynomial in 1 / (x + K) for erfc.

The latter form is Shepherd and Laframboise's (Mathematics of Computation 36, 1981), which has one division and covers
the whole half-line. All coefficients are minimax.
"""
from __future__ import annotations

from .exponential import clamp, exp_core, expm1_core, reduce_clamped, reduce_exponent
from .expression import (
    Value,
    copysign,
    elementwise,
    exact_fma,
    fabs,
    fma,
    horner,
    power_of_two,
    quick_two_sum,
    scale,
    select,
    two_product,
)

# erf(x) / x - 1 in x**2 <= 1; errors 2**-30 and 2**-63
ERF = (
    (0.1283791659138179, -0.3761262713637476, 0.11283600179624406, -0.026854444678391765, 0.005189535424591232,
     -0.0008020841518251459, 7.889119072085315e-05),
    (0.1283791670955126, -0.3761263890318375, 0.11283791670954885, -0.02686617064507787, 0.005223977624828394,
     -0.0008548326981423858, 0.0001205533113290754, -1.4925595771308064e-05, 1.646100846796314e-06,
     -1.635039615814245e-07, 1.4660328525181357e-08, -1.1374955789778035e-09, 5.960686654847134e-11),
)
# -log(erfc(x)) in x - 1, x in [1, where erf is 1]; errors of erf 2**-26 and 2**-55
COMPLEMENT = (
    (1.8496056078497196, 2.638958559387061, 0.8432267455508037, 0.041026323210752655, -0.009026190297171874,
     0.0011504266900210442),
    (1.8496055099332485, 2.6389675142347255, 0.8431072563621659, 0.041561097967080955, -0.01003382455423325,
     0.001977897241494259, -0.0002373001987520791, -2.634128886185178e-05, 2.7286416882837986e-05,
     -9.793572455676372e-06, 2.256262970284059e-06, -2.97344196504803e-07, -7.821823930431421e-09,
     1.3831821477492353e-08, -3.1986535449779816e-09, 3.6262339071715524e-10, -1.7403555858883156e-11),
)
# erfc(x) e**(x**2) / u in u - CENTRE, u = 1 / (x + K), x >= 3/4; errors 2**-30 and 2**-60
K = (2.5, 3.0)
CENTRE = (0.19321623258631132, 0.14972677595628414)
TAIL = (
    (1.027254542315502, 3.8722298104640482, 10.91718156757614, 20.91377411705168, 18.5615801215977,
     -23.127830767154446, -76.18906825874983, 18.43723456946983, 244.7872144877535),
    (0.9900031376480811, 4.635287185144403, 18.09673447376978, 57.16618334306115, 137.1342012548122,
     209.5169305654513, 35.7279966289727, -699.7713739759727, -1255.0152570307005, 1557.1494186828488,
     7771.937134857602, -2337.3987640693504, -45195.70673951286, 296.4138877844446, 285006.3943260313,
     -29773.029245283764, -1942260.9545668329, 1019202.6184639529, 12907165.270644192, -14051164.26004509,
     -60437388.84305549, 91520403.62016517),
)


def _tail(x: Value) -> Value:
    """erfc(x) for x >= 3/4; the rounding errors of each factor are carried along."""
    x = clamp(x, 0.75, x.pick(10.2, 27.5))
    square, low = two_product(x, x)
    r, n = reduce_clamped(-square)
    p, p_low = quick_two_sum(x.constant(1.0), expm1_core(r - low))
    bottom, bottom_low = quick_two_sum(x.constant(x.pick(*K)), x)
    u = 1.0 / bottom
    u_low = u * (exact_fma(-u, bottom, 1.0) - u * bottom_low)
    v = (u - x.pick(*CENTRE)) + u_low
    constant, *rest = x.pick(*TAIL)
    slope = horner(v, rest)
    factor = fma(v, slope, constant)
    factor_low = fma(v, slope, constant - factor)
    product, product_low = two_product(u, factor)
    product_low = product_low + fma(u, factor_low, u_low * factor)
    return scale(fma(p, product, fma(p, product_low, p_low * product)), n)


@elementwise
def erf(x: Value) -> Value:
    a = fabs(x)
    small = fma(x, horner(x * x, x.pick(*ERF)), x)
    beyond = clamp(a, 1.0, x.pick(3.95, 5.95)) - 1.0
    r, n = reduce_exponent(-horner(beyond, x.pick(*COMPLEMENT)))
    return select(a < 1.0, small, copysign(fma(-exp_core(r), power_of_two(n), 1.0), x))


@elementwise
def erfc(x: Value) -> Value:
    """1 - erf(x); up to 3/4 as (1 - x) - (erf(x) - x), whose first difference is exact where it matters."""
    a = fabs(x)
    tail = _tail(a)
    near = fma(-x, horner(x * x, x.pick(*ERF)), 1.0 - x)
    return select(a < 0.75, near, select(x < 0, 2.0 - tail, tail))


__all__ = ["erf", "erfc"]
