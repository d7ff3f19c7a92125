"""pow: the logarithm and its product with the exponent carried in more precision than the result has.

float32 goes through float64, with polynomials as short as float32 allows. float64 carries the logarithm as an
unevaluated sum of two (double-double, Dekker 1971), as SLEEF does (Shibata and Petrogalli, 2020), because the
exponential magnifies its relative error up to 745 times.
"""
from __future__ import annotations

from .exponential import (
    INFINITY,
    NAN,
    clamp,
    exp_of,
    integer_to_float,
    normalize,
    reduce_exponent,
    split_exponent,
)
from .expression import (
    DOUBLE,
    SINGLE,
    Value,
    elementwise,
    exact_fma,
    fabs,
    fma,
    horner,
    quick_two_sum,
    scale,
    select,
    sign_bit,
    two_product,
    two_sum,
)

LN2_LONG = (0.6931471805599453, 2.3190468138462996e-17)
TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
# in s**2 <= (3 - sqrt(8))**2: (2 atanh(s) - 2 s - 2/3 s**3) / s**5, error of the whole 2**-66
ATANH = (
    0.4000000000000078, 0.2857142857070142, 0.2222222242552117, 0.18181791779662507, 0.15386446275440344,
    0.13263490846420628, 0.1313876575903688,
)
# for float32: (2 atanh(s) - 2 s) / s**3, error 2**-45; (e**r - 1 - r) / r**2, error of e**r 2**-34
ATANH_SHORT = (0.6666666667334367, 0.3999999627400769, 0.28572050986787645, 0.22178321043330268, 0.19556516728387213)
EXP_SHORT = (0.5000000078291594, 0.16666666860799845, 0.041666268606156825, 0.008333264362818636,
             0.0013946171073100666, 0.00019918376578807495)


def _log_short(x: Value) -> Value:
    """log(x) to 44 bits, x a positive normal float64."""
    m, e = split_exponent(x)
    f = m - 1.0
    s = f / (m + 1.0)
    z = s * s
    return fma(integer_to_float(e, x), LN2_LONG[0], fma(s * z, horner(z, ATANH_SHORT), s * 2.0))


def _exp_short(x: Value) -> Value:
    """e**x to 34 bits, x a float64."""
    r, n = reduce_exponent(clamp(x, -800.0, 800.0))
    return scale(fma(fma(horner(r, EXP_SHORT), r, 1.0), r, 1.0), n)


def _log_pair(x: Value) -> tuple[Value, Value]:
    """log(x) as a sum of two, x positive and finite: e ln 2 + 2 atanh(s), s = (m - 1) / (m + 1)."""
    normal, extra = normalize(x)
    m, e = split_exponent(normal)
    exponent = integer_to_float(e + extra, x)
    f = m - 1.0
    bottom, bottom_low = two_sum(m, x.constant(1.0))
    reciprocal = 1.0 / bottom
    s = f * reciprocal
    s_low = (exact_fma(-s, bottom, f) - s * bottom_low) * reciprocal
    z, z_low = two_product(s, s)
    z_low = fma(s * 2.0, s_low, z_low)
    factor, factor_low = quick_two_sum(x.constant(TWO_THIRDS[0]), fma(z, horner(z, ATANH), TWO_THIRDS[1]))
    cube, cube_low = two_product(s, z)
    cube_low = cube_low + fma(s, z_low, s_low * z)
    term, term_low = two_product(cube, factor)
    term_low = term_low + fma(cube, factor_low, cube_low * factor)
    high, low = two_product(exponent, x.constant(LN2_LONG[0]))
    low = fma(exponent, LN2_LONG[1], low)
    first, first_low = two_sum(high, s * 2.0)
    second, second_low = quick_two_sum(first, term)
    return quick_two_sum(second, ((low + first_low) + (s_low * 2.0 + second_low)) + term_low)


def _power(a: Value, y: Value) -> Value:
    """a**y for a >= 0, where that is not 1 by definition."""
    if a.type == SINGLE:
        wide = a.convert("fpext", DOUBLE)
        logarithm = _log_limits(wide, _log_short(wide))
        return _exp_short(logarithm * y.convert("fpext", DOUBLE)).convert("fptrunc", SINGLE)
    high, low = _log_pair(a)
    product, rounding = two_product(high, y)
    rounding = fma(low, y, rounding)
    product = _log_limits(a, high) * y
    return exp_of(product, select(fabs(product) < 800.0, rounding, 0.0))


def _log_limits(a: Value, logarithm: Value) -> Value:
    """The logarithm at 0, infinity and NaN."""
    return select(a.equals(0.0), -INFINITY, select(a < INFINITY, logarithm, a))


@elementwise
def pow(x: Value, y: Value) -> Value:
    """x**y with the special values of C's Annex F."""
    a = fabs(x)
    whole = y.call("llvm.floor").equals(y)
    half = y * 0.5
    odd = whole & ~half.call("llvm.floor").equals(half)
    result = select(a.equals(1.0) | y.equals(0.0), 1.0, _power(a, y))
    result = select(sign_bit(x) & odd, -result, result)
    return select((x < 0.0) & (a < INFINITY) & ~whole, NAN, result)


__all__ = ["pow"]
