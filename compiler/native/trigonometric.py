"""Circular functions and their inverses.

Reduction modulo pi/2 after Cody and Waite (1980) with fused multiply-add; kernels of sin and cos on [-pi/4, pi/4] and
reductions of asin, acos and atan as in Cephes (Moshier, 1989) and FDLIBM (Sun, 1993), with minimax polynomials.

The reduction is exact to working precision for every float32, and for float64 below 2**45 = 3.5e13. Larger float64 are
taken for multiples of 2 pi: a full reduction would slow down every ordinary argument, as a loop that LLVM
vectorises cannot branch; one of explicit vectors (vectors.py) can, and does so for float32 beyond `LARGE`.
"""
from __future__ import annotations

from llvmlite import ir

from .exponential import INFINITY
from .expression import (
    DOUBLE,
    Value,
    copysign,
    elementwise,
    exact_fma,
    fabs,
    fma,
    horner,
    quick_two_sum,
    round_to_integer,
    select,
    sign_bit,
    sqrt,
    two_product,
)

# pi / 2 in parts of full precision
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
HALF_PI_SINGLE = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100059714e-15)
# float32 beyond which a count of quarter turns may be one off
LARGE = 8192.0
TWO_OVER_PI = 0.6366197723675814
# where a band of large numbers begins; 2**shift * 2 / pi modulo 4 in two parts, and 2**-shift, there
BANDS = (
    (0.0, 0.6366197723675814, -3.935735335036497e-17, 1.0),
    (2.0 ** 45, 0.8577204358975871, 2.5476313601644308e-17, 2.0 ** -22),
    (2.0 ** 67, 0.25516699311764457, -9.36186138372574e-18, 2.0 ** -44),
    (2.0 ** 89, -0.06009869095139399, 1.858264037650871e-19, 2.0 ** -66),
    (2.0 ** 111, -0.17985219560718455, 8.109755044395704e-18, 2.0 ** -88),
)
# (sin(r) - r) / r**3 and (cos(r) - 1 + r**2 / 2) / r**4 in r**2, |r| <= pi/4; errors 2**-37 and 2**-33; 2**-57, 2**-64
SIN = (
    (-0.16666666639632746, 0.008333329149721227, -0.00019839258021641363, 2.7175749010075737e-06),
    (-0.16666666666666644, 0.008333333333324144, -0.00019841269830670442, 2.755731387273372e-06,
     -2.5050773179198506e-08, 1.5897086542305206e-10),
)
COS = (
    (0.04166664565214773, -0.0013887306030441328, 2.4431204416322855e-05),
    (0.04166666666666659, -0.0013888888888872598, 2.4801587288491474e-05, -2.755731405637788e-07,
     2.087568185113e-09, -1.1357447155141433e-11),
)
# (asin(s) - s) / s**3 in s**2 <= 1/4; errors 2**-31 and 2**-55
ASIN = (
    (0.16666664838464768, 0.07500284622744713, 0.04455176533418491, 0.031556691518259176, 0.015281691856025301,
     0.03644486766943453),
    (0.16666666666666566, 0.07500000000089388, 0.04464285700999898, 0.030381952436981295, 0.022371903145549245,
     0.017357709673459957, 0.013903355793149975, 0.012059009515286634, 0.006972253650490814, 0.018388675395719294,
     -0.014540117015169746, 0.030820540463609013),
)
# (atan(t) - t) / t**3 in t**2 <= tan(pi/8)**2; errors 2**-30 and 2**-59
ATAN = (
    (-0.3333332858920416, 0.1999910759020416, -0.14253529268651965, 0.10657825130916206, -0.06222383056276079),
    (-0.33333333333333326, 0.19999999999988705, -0.14285714283475154, 0.11111110934664127, -0.09090901779372032,
     0.07692126692009163, -0.06663809711147467, 0.058527065648310984, -0.0505975554980582, 0.03855598129750841,
     -0.018417922455405585),
)


def half_pi(x: Value) -> tuple[float, float]:
    """pi / 2 as the sum of two numbers in the precision of x."""
    return x.pick(HALF_PI_SINGLE, HALF_PI)[:2]


def _reduce_single(x: Value) -> tuple[Value, Value, Value]:
    """As `_reduce_by_parts`, for float32 of any size, in float64: r is pi / 2 times the fraction of x (2 / pi).

    In a band of large numbers x is a multiple of 2**shift, so 2 / pi may be shifted and lose its multiples of 4, as in
    Payne and Hanek's reduction (1983); x has 24 bits, so that two words of the shifted 2 / pi suffice.
    """
    wide = x.convert("fpext", DOUBLE)
    size = fabs(wide)
    high, low = (wide.constant(part) for part in BANDS[0][1:3])
    for start, band_high, band_low, scale in BANDS[1:]:
        inside = size >= start
        high, low = select(inside, band_high * scale, high), select(inside, band_low * scale, low)
    product = wide * high
    count, n = round_to_integer(product)
    fraction = fma(wide, low, (product - count) + exact_fma(wide, high, -product))
    wide_r = fraction * HALF_PI[0]
    r = wide_r.convert("fptrunc", x.element)
    low = (wide_r - r.convert("fpext", DOUBLE)).convert("fptrunc", x.element)
    return r, low, n.convert("trunc", x.format.bits)


def _reduce(x: Value) -> tuple[Value, Value, Value]:
    """r + low and the quadrant n (integer) with x = n pi / 2 + r + low, |r| <= pi / 4."""
    if x.element == DOUBLE:
        return _reduce_by_parts(select(fabs(x) < 2.0 ** 45, x, x * 0.0))
    if not isinstance(x.type, ir.VectorType):
        return _reduce_single(x)
    # an explicit vector may branch: few hold a large argument
    builder, quick, quick_block = x.builder, _reduce_by_parts(x), x.builder.block
    large = (fabs(x) > LARGE).raw
    some = builder.icmp_unsigned("!=", builder.bitcast(large, ir.IntType(x.type.count)), ir.IntType(x.type.count)(0))
    with builder.if_then(some, likely=False):
        slow, slow_block = _reduce_single(x), builder.block
    chosen = []
    for a, b in zip(quick, slow, strict=True):
        phi = builder.phi(a.type)
        phi.add_incoming(a.raw, quick_block)
        phi.add_incoming(b.raw, slow_block)
        chosen.append(Value(builder, phi))
    return chosen[0], chosen[1], chosen[2]


def _reduce_by_parts(x: Value) -> tuple[Value, Value, Value]:
    """r + low and the quadrant n (integer) with x = n pi / 2 + r + low, |r| <= pi / 4, for |x| below 2**45 or, of
    float32, `LARGE`."""
    count, n = round_to_integer(x, TWO_OVER_PI)
    first, second, third = x.pick(HALF_PI_SINGLE, HALF_PI)
    r = exact_fma(count, -first, x)
    product, product_low = two_product(count, x.constant(second))
    reduced = r - product
    low = (r - reduced) - product
    low = low - fma(count, third, product_low)
    total = reduced + low
    return total, (reduced - total) + low, n


def sin_cos(r: Value, low: Value | None = None) -> tuple[Value, Value]:
    """sin and cos of r + low, |r| <= pi / 4."""
    z = r * r
    sine_low, cosine_low = (0.0, 0.0) if low is None else (low, -(r * low))
    sine = r + fma(r * z, horner(z, r.pick(*SIN)), sine_low)
    half = z * 0.5
    one_minus = 1.0 - half
    rounding = (1.0 - one_minus) - half
    cosine = one_minus + (rounding + fma(z * z, horner(z, r.pick(*COS)), cosine_low))
    return sine, cosine


def in_quadrant(sine: Value, cosine: Value, n: Value) -> Value:
    """sin(n pi / 2 + r) from sin(r) and cos(r)."""
    value = select((n & 1).equals(0), sine, cosine)
    flip = (n & 2) << (value.format.bits.width - 2)
    return (value.bits() ^ flip).as_float(value)


@elementwise
def sin(x: Value) -> Value:
    r, low, n = _reduce(x)
    return select(x.equals(0.0), x, in_quadrant(*sin_cos(r, low), n))


@elementwise
def cos(x: Value) -> Value:
    r, low, n = _reduce(x)
    return in_quadrant(*sin_cos(r, low), n + 1)


@elementwise
def tan(x: Value) -> Value:
    r, low, n = _reduce(x)
    sine, cosine = sin_cos(r, low)
    even = (n & 1).equals(0)
    quotient = select(even, sine, -cosine) / select(even, cosine, sine)
    return select(x.equals(0.0), x, quotient)


def _asin_core(a: Value) -> tuple[Value, Value, Value]:
    """Whether a < 1/2; and s + t = asin(a) if so, else asin(sqrt((1 - a) / 2)), from which the rest follows."""
    small = a < 0.5
    z = select(small, a * a, (1.0 - a) * 0.5)
    s = select(small, a, sqrt(z))
    return small, s, s * z * horner(z, a.pick(*ASIN))


@elementwise
def asin(x: Value) -> Value:
    small, s, t = _asin_core(fabs(x))
    high, low = half_pi(x)
    difference, rounding = quick_two_sum(x.constant(high), s * -2.0)
    return copysign(select(small, s + t, difference + (rounding + fma(t, -2.0, low))), x)


@elementwise
def acos(x: Value) -> Value:
    small, s, t = _asin_core(fabs(x))
    high, low = half_pi(x)
    s, t = copysign(s, x), copysign(t, x)
    near_one = select(x < 0, ((high + s) + (low + t)) * 2.0, (s + t) * 2.0)
    return select(small, (high - s) + (low - t), near_one)


def _atan_of_ratio(a: Value, b: Value) -> Value:
    """atan(a / b) for a, b >= 0, with one division: above tan(pi/8) and tan(3 pi/8) by the addition theorem."""
    high, low = (a.constant(part) for part in half_pi(a))
    steep, diagonal = a > b * 2.414213562373095, a > b * 0.41421356237309503
    top = select(steep, -b, select(diagonal, a - b, a))
    bottom = select(steep, a, select(diagonal, a + b, b))
    base = select(steep, high, select(diagonal, high * 0.5, 0.0))
    base_low = select(steep, low, select(diagonal, low * 0.5, 0.0))
    t = select(top.equals(0.0), 0.0, top / bottom)
    z = t * t
    return base + (t + fma(t * z, horner(z, a.pick(*ATAN)), base_low))


@elementwise
def atan(x: Value) -> Value:
    a = fabs(x)
    angle = _atan_of_ratio(a, x.constant(1.0))
    angle = select(a.equals(INFINITY), half_pi(x)[0], angle)
    return copysign(select(x.is_nan(), x, angle), x)


@elementwise
def atan2(y: Value, x: Value) -> Value:
    """The angle of (x, y) in [-pi, pi], with the signed zeros and infinities of C's atan2."""
    a, b = fabs(y), fabs(x)
    both_infinite = a.equals(INFINITY) & b.equals(INFINITY)
    a, b = select(both_infinite, 1.0, a), select(both_infinite, 1.0, b)
    larger = select(a < b, b, a)
    factor = select(larger > 2.0 ** 100, 2.0 ** -40, select(larger < 2.0 ** -60, 2.0 ** 60, x.constant(1.0)))
    a, b = a * factor, b * factor
    high, low = half_pi(x)
    angle = _atan_of_ratio(a, b)
    angle = select(a.equals(INFINITY), high, select(b.equals(INFINITY), 0.0, angle))
    angle = select(sign_bit(x), (high - angle) + (high + 2.0 * low), angle)
    return copysign(select(x.is_nan() | y.is_nan(), x + y, angle), y)


__all__ = ["acos", "asin", "atan", "atan2", "cos", "sin", "tan"]
