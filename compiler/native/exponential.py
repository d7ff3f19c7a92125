"""Exponentials and logarithms, and the hyperbolic functions and the logistic curve made of them.

Method: argument reduction by Cody and Waite (Software Manual for the Elementary Functions, 1980) with fused
multiply-add, minimax polynomials (Remez exchange, relative error), and reconstruction in two steps so that subnormal
results are rounded once. Structure of log and log1p after FDLIBM (Sun, 1993) and Cephes (Moshier, 1989); see Muller,
Elementary Functions, 3rd ed., chapters 9 and 11.
"""
from __future__ import annotations

from .expression import (
    Value,
    copysign,
    elementwise,
    fabs,
    fma,
    horner,
    power_of_two,
    quick_two_sum,
    round_to_integer,
    scale,
    select,
    two_sum,
)

INFINITY, NAN = float("inf"), float("nan")
LOG2_E = 1.4426950408889634
# ln 2 in two parts; the first has trailing zeros, so that its product with an exponent is exact without FMA too
LN2 = ((0.693145751953125, 1.428606765330187e-06), (0.6931471803691238, 1.9082149292705877e-10))
# (e**r - 1 - r) / r**2 on |r| <= ln(2) / 2; error of e**r 2**-31 and 2**-61
EXPM1 = (
    (0.5000000003745559, 0.16666666304174724, 0.04166647114957441, 0.008333416963924627, 0.0013934004678415636,
     0.0001982624597813519),
    (0.5, 0.16666666666666677, 0.04166666666666655, 0.008333333333321931, 0.0013888888888949488,
     0.00019841269885503214, 2.4801587189244668e-05, 2.7557244735046054e-06, 2.7557392401963525e-07,
     2.5108881598483962e-08, 2.087774479449176e-09),
)
# the same where an error relative to e**r will do: 2**-28 and 2**-58
EXP = (
    (0.49999993452066727, 0.1666652069055618, 0.04166838724110943, 0.008368709772767309, 0.0013814620865190566),
    (0.5000000000000011, 0.16666666666666413, 0.04166666666653026, 0.008333333333494368, 0.0013888888943599197,
     0.00019841269506716523, 2.480149313449762e-05, 2.7557586316090784e-06, 2.763023453748889e-07,
     2.5000058275681776e-08),
)
# (log(1 + f) - f + f**2 / 2) / f**3 on [sqrt(1/2), sqrt(2)] - 1; error 2**-29.7
LOG_SINGLE = (
    0.3333333109862309, -0.2500001515530397, 0.20001104681313847, -0.1666706755127521, 0.14236528156845768,
    -0.12429931393237932, 0.11799516301495973, -0.11508255575638889, 0.06731189071769751,
)
# (2 atanh(s) - 2 s) / s**3 in s**2 <= (3 - sqrt(8))**2; error 2**-59
LOG_DOUBLE = (
    0.6666666666666696, 0.39999999999613783, 0.2857142870496887, 0.22222201952200452, 0.18183405780246348,
    0.15317777429723872, 0.14761251604137657,
)
# (log(1 + f) - f) / f**2 on [0, 1]; errors of the logarithm 2**-30 and 2**-59
LOG_ABOVE_ONE = (
    (-0.4999998729111488, 0.33332689777418595, -0.24988578975369063, 0.1989793161097589, -0.16129334088059527,
     0.12467118716687164, -0.08307401826061517, 0.041981318704836366, -0.013631460480327316, 0.0020729436465702893),
    (-0.499999999999999, 0.3333333333331395, -0.24999999998632075, 0.19999999950442357, -0.16666665578843076,
     0.1428569837774225, -0.12499835237423483, 0.11109850183125558, -0.0999264707946305, 0.09057474507157073,
     -0.08212642355833066, 0.07341418042931934, -0.0631094452718678, 0.05039072070658003, -0.035877395021316635,
     0.02180843591302059, -0.010808063533832929, 0.004139899821410233, -0.0011396652335512196,
     0.00019945095182319337, -1.6599217504856883e-05),
)


def clamp(x: Value, low: float, high: float) -> Value:
    """x within [low, high]; NaN stays."""
    x = select(x < low, low, x)
    return select(x > high, high, x)


def reduce_exponent(x: Value) -> tuple[Value, Value]:
    """r and the whole n with x = n ln 2 + r, |r| <= ln(2) / 2."""
    n, _ = round_to_integer(x, LOG2_E)
    high, low = x.pick(*LN2)
    return fma(n, -low, fma(n, -high, x)), n


def expm1_core(r: Value) -> Value:
    """e**r - 1 for |r| <= ln(2) / 2."""
    return fma(r * r, horner(r, r.pick(*EXPM1)), r)


def exp_core(r: Value) -> Value:
    """e**r for |r| <= ln(2) / 2."""
    return horner(r, (1.0, 1.0, *r.pick(*EXP)))


def reduce_clamped(x: Value) -> tuple[Value, Value]:
    """As `reduce_exponent`, for an exponential of any x: clamped where e**x is infinite or 0."""
    return reduce_exponent(clamp(x, *x.pick((-104.0, 89.0), (-746.0, 710.0))))


def exp_of_magnitude(x: Value) -> Value:
    """e**-|x|"""
    minus, least = -fabs(x), x.pick(-104.0, -746.0)
    r, n = reduce_exponent(select(minus < least, least, minus))
    return scale(exp_core(r), n)


def exp_of(x: Value, low: Value | None = None) -> Value:
    """e**(x + low), where low is a rounding error of x."""
    r, n = reduce_clamped(x)
    return scale(exp_core(r if low is None else r + low), n)


@elementwise
def exp(x: Value) -> Value:
    return exp_of(x)


@elementwise
def expm1(x: Value) -> Value:
    """e**x - 1 as s e + (s - 1) with s = 2**n, halved while it is assembled, else the last binade would overflow."""
    r, n = reduce_exponent(clamp(x, *x.pick((-18.0, 89.0), (-38.0, 710.0))))
    e = expm1_core(r)
    s = power_of_two(n - 1.0)
    result = fma(s, e, s - 0.5) * 2.0
    return copysign(select(n.equals(0.0), e, result), x)


def split_exponent(x: Value) -> tuple[Value, Value]:
    """m in [sqrt(1/2), sqrt(2)) and the integer e with x = m 2**e, for x positive and normal."""
    form = x.format
    root = x.constant(0.7071067811865476).bits()
    shifted = x.bits() - root
    mantissa = (shifted & ((1 << form.mantissa) - 1)) + root
    return mantissa.as_float(x), shifted.arithmetic_shift(form.mantissa)


def normalize(x: Value) -> tuple[Value, Value]:
    """x, or x 2**mantissa if it is subnormal; and the exponent (an integer) to add to the result's."""
    form = x.format
    tiny = x < form.smallest
    return select(tiny, x * 2.0 ** form.mantissa, x), select(tiny, x.bits().constant(-form.mantissa), 0)


def integer_to_float(n: Value, like: Value) -> Value:
    """A small integer as float by adding it to the bits of a large float: AVX2 cannot convert 64-bit integers."""
    magic = like.constant(1.5 * 2.0 ** like.format.mantissa)
    return (n + magic.bits()).as_float(like) - magic


def _log_rest(f: Value, e: Value) -> Value:
    """log(1 + f) - f for 1 + f in [sqrt(1/2), sqrt(2)], with the low part of e ln 2."""
    half_square = f * f * 0.5
    if f.pick(True, False):
        correction = f * f * f * horner(f, LOG_SINGLE)
    else:
        s = f / (f + 2.0)
        z = s * s
        correction = s * (half_square + z * horner(z, LOG_DOUBLE))
    return fma(e, f.pick(*LN2)[1], correction) - half_square


def _log_core(f: Value, e: Value) -> Value:
    """log(1 + f) + e ln 2 for 1 + f in [sqrt(1/2), sqrt(2)]."""
    return fma(e, f.pick(*LN2)[0], f + _log_rest(f, e))


def _log_limits(x: Value, finite: Value) -> Value:
    """The logarithm's values at 0, below it, at infinity and NaN; `finite` elsewhere."""
    y = select(x < INFINITY, finite, x)
    y = select(x.equals(0.0), -INFINITY, y)
    return select(x < 0, NAN, y)


def log_positive(x: Value, extra: Value | int = 0) -> Value:
    """log(x) + extra ln 2 for x positive, normal and finite."""
    m, e = split_exponent(x)
    return _log_core(m - 1.0, integer_to_float(e + extra, x))


def log_in_parts(x: Value, extra: Value) -> tuple[Value, Value]:
    """log(x) + extra ln 2 as a sum of two numbers, for x positive, normal and finite."""
    m, e = split_exponent(x)
    f, exponent = m - 1.0, integer_to_float(e + extra, x)
    total, low = quick_two_sum(exponent * x.pick(*LN2)[0], f)
    return total, low + _log_rest(f, exponent)


@elementwise
def log(x: Value) -> Value:
    return _log_limits(x, log_positive(*normalize(x)))


@elementwise
def log2(x: Value) -> Value:
    """log(m) log2(e) summed from the smallest term up (Cephes log2f); exact at powers of two."""
    normal, extra = normalize(x)
    m, e = split_exponent(normal)
    f = m - 1.0
    half_square = f * f * 0.5
    if f.pick(True, False):
        rest = f * f * f * horner(f, LOG_SINGLE) - half_square
    else:
        s = f / (f + 2.0)
        z = s * s
        rest = s * (half_square + z * horner(z, LOG_DOUBLE)) - half_square
    above_one = LOG2_E - 1.0
    small = fma(rest, above_one, fma(f, above_one, rest))
    return _log_limits(x, integer_to_float(e + extra, x) + (small + f))


def log1p_of(x: Value, low: Value | None = None) -> Value:
    """log(1 + x + low): 1 + x is split into mantissa and exponent, and its rounding error is added to the mantissa."""
    total, error = two_sum(x, x.constant(1.0))
    if low is not None:
        error = error + low
    m, e = split_exponent(total)
    exponent = integer_to_float(e, x)
    large = total > x.pick(2.0 ** 60, 2.0 ** 200)
    f = (m - 1.0) + select(large, 0.0, error * power_of_two(-exponent))
    y = _log_core(f, exponent)
    y = select(x < INFINITY, y, x)
    y = select(x.equals(-1.0), -INFINITY, y)
    return select(x < -1.0, NAN, y)


@elementwise
def log1p(x: Value) -> Value:
    return copysign(log1p_of(x), x)


@elementwise
def softplus(x: Value) -> Value:
    """log(1 + e**x) = max(x, 0) + log(1 + f), f = e**-|x|."""
    f = exp_of_magnitude(x)
    return select(x > 0, x, 0.0) + fma(f * f, horner(f, x.pick(*LOG_ABOVE_ONE)), f)


@elementwise
def sigmoid(x: Value) -> Value:
    """The logistic function: 1 / (1 + e**-x), and e**x / (1 + e**x) below 0, so that the left tail runs out through
    the subnormals."""
    e = exp_of_magnitude(x)
    left = x < 0
    y = select(left, e, 1.0) / (e + 1.0)
    return select(left, fma(-e, y, e), y)


@elementwise
def tanh(x: Value) -> Value:
    """q / (q + 2), q = e**2|x| - 1, as a sum whose first term is exact and near it: the second's errors are small."""
    a = fabs(x)
    limit = x.pick(10.0, 22.0)
    r, n = reduce_exponent(select(a > limit, limit, a) * 2.0)
    s = power_of_two(n)
    q = fma(s, expm1_core(r), s - 1.0)
    near = select(a > 1.0, 1.0, a)
    return copysign(near + fma(-near, q, q - near * 2.0) / (q + 2.0), x)


__all__ = ["exp", "expm1", "log", "log1p", "log2", "sigmoid", "softplus", "tanh"]
