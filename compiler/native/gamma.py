"""The logarithm of the gamma function and its derivative, digamma.

From 5/2 on Stirling's formula (Abramowitz & Stegun 6.1.41 and 6.3.18) with a polynomial in 1 / x**2 for its series;
from 1 to 5/2 a polynomial times the factors of the function's zeros; below by the recurrence; left of 0 by the
reflection (6.1.17, 6.3.7). All coefficients are minimax (Remez exchange, relative error).

Left of 0 the error is relative to the largest term of the reflection: between the poles both functions have zeros.
"""
from __future__ import annotations

import math

from .exponential import INFINITY, NAN, log_in_parts, log_positive, normalize
from .expression import Value, copysign, elementwise, fabs, fma, horner, quick_two_sum, select

# lgamma(2 + t) / (t (1 + t)) for t in [-1, 1/2]; errors 2**-28 and 2**-60
LGAMMA = (
    (0.4227843355735149, -0.10031731833894675, 0.03296493333314032, -0.01238343552878045, 0.005000541931052744,
     -0.002116963578308842, 0.000894038022815628, -0.00037229695763395395, 0.0002843277000624788,
     -9.03999154590597e-05, -0.00013026537387287603, -0.00013733790482176164),
    (0.42278433509846713, -0.10031730167435393, 0.03296500062115612, -0.012384192193369718, 0.004998641164665425,
     -0.002108130834077743, 0.0009153769235590691, -0.0004057073928522282, 0.00018255261301298211,
     -8.309522619311773e-05, 3.8169159795167265e-05, -1.7660396719604057e-05, 8.220919131462017e-06,
     -3.857295852605186e-06, 1.8069953078398423e-06, -8.069819029593466e-07, 4.472703986528104e-07,
     -3.0160010295791353e-07, -1.1865600578098028e-07, 1.1803155150844075e-08, 4.363283857474651e-07,
     2.752260705116687e-07, -2.0028782781171213e-07, -4.1689282839722564e-07, -2.396705756187569e-07,
     -5.29630348711469e-08),
)
# x (lgamma(x) - (x - 1/2) (log(x) - 1) - LGAMMA_LIMIT) in x**-2, x >= 5/2; errors of lgamma 2**-32 and 2**-60
LGAMMA_LIMIT = 0.5 * math.log(2 * math.pi) - 0.5
LGAMMA_TAIL = (
    (0.08333329774409959, -0.0027760372084552495, 0.0007639727520681284, -0.00036764102929340357),
    (0.08333333333333175, -0.0027777777771200167, 0.0007936506920494341, -0.0005952298061279415,
     0.0008413346920996094, -0.0019034826893234511, 0.006071682451293459, -0.023415528480444578,
     0.09136571753052604, -0.3067725707641072, 0.771168712894044, -1.2402252060802823, 0.9389970607105104),
)
# digamma's zero less 2 in two parts; digamma(2 + t) / (t - zero) for t in [-1, 1/2]; errors 2**-28 and 2**-58
ZERO = ((-0.5383678674697876, 1.2438149938918909e-08), (-0.5383678550316376, -1.5522348162858677e-17))
DIGAMMA = (
    (0.7853075357679882, -0.2607389623587503, 0.10900039161432336, -0.049550482116029367, 0.023434735756236214,
     -0.011353944488652724, 0.00566742548009583, -0.002560357572611537, 0.0009600146509917878, -0.0015267947183999742,
     0.0005640949447824506, 0.0012184416536376327, 0.0009338351118436114),
    (0.7853075386041053, -0.2607389546830013, 0.10899991701762861, -0.0495510329176965, 0.023447309597530566,
     -0.011338432551664591, 0.005552254178658786, -0.00273957293648974, 0.0013581420175881886, -0.0006753124578575795,
     0.0003364351867661034, -0.00016782399105661505, 8.37487142713348e-05, -4.180148567006263e-05,
     2.1113446177430623e-05, -1.0499672761088438e-05, 4.289772044400236e-06, -3.224227882390875e-06,
     3.5657907495527814e-06, 2.81211084460271e-06, -1.2638929648717339e-06, -7.27201329697624e-06,
     -4.0044661733346e-06, 3.7758364456782827e-06, 6.560655866409662e-06, 3.5459123807809604e-06,
     7.378034511408284e-07),
)
# x**2 (digamma(x) - log(x) + 1 / (2 x)) in x**-2, x >= 5/2; errors of digamma 2**-31 and 2**-58
DIGAMMA_TAIL = (
    (-0.08333312876608802, 0.008321910351654551, -0.0037524516342111874, 0.002348181729546765),
    (-0.08333333333331634, 0.00833333332552589, -0.003968252655666915, 0.004166551609365513, -0.007569605369106414,
     0.020872943175980003, -0.07773900716573579, 0.3362973137391408, -1.4245772424360654, 5.079460373202071,
     -13.375862394416279, 22.34291586442765, -17.470972583685654),
)
# sin(pi f) / (pi f) in f**2, f <= 1/2; errors 2**-35 and 2**-61
SINE = (
    (0.9999999999788516, -1.6449340611397965, 0.8117421707801853, -0.19074762270984036, 0.026116205379528086,
     -0.002235224032008025),
    (1.0, -1.6449340668482262, 0.8117424252833373, -0.19075182412143052, 0.026147847804530045, -0.002346080886827961,
     0.0001484278008951897, -6.972000541435814e-06, 2.4493086122612e-07),
)


def _sine_ratio(f: Value) -> Value:
    """sin(pi f) / (pi f) for |f| <= 1/2."""
    return horner(f * f, f.pick(*SINE))


def _from_whole(a: Value) -> Value:
    """a less the nearest whole number, exactly; NaN at infinity."""
    return a - a.call("llvm.rint")


def log_gamma_small(a: Value, log_a: Value, log_low: Value) -> Value:
    """lgamma for 0 < a < 5/2, whose logarithm this is, in two parts."""
    shifted = a < 1.0
    t = a - select(shifted, a.constant(1.0), 2.0)
    return fma(fma(t, t, t), horner(t, a.pick(*LGAMMA)), select(shifted, -log_a, 0.0)) - select(shifted, log_low, 0.0)


def stirling_tail(a: Value) -> Value:
    """lgamma(a) - (a - 1/2) log(a) + a - log(2 pi) / 2 for a >= 5/2."""
    inverse = 1.0 / a
    return inverse * horner(inverse * inverse, a.pick(*LGAMMA_TAIL))


def log_gamma(a: Value, log_a: Value, log_low: Value) -> Value:
    """lgamma for a > 0, whose logarithm this is, in two parts."""
    half_less = a - 0.5
    factor, factor_low = quick_two_sum(log_a, a.constant(-1.0))
    rest = fma(half_less, factor_low + log_low, stirling_tail(a))
    return select(a < 2.5, log_gamma_small(a, log_a, log_low), fma(half_less, factor, rest) + LGAMMA_LIMIT)


@elementwise
def lgamma(x: Value) -> Value:
    """log |gamma(x)|; infinite at 0 and the negative whole numbers."""
    a = fabs(x)
    log_a, log_low = log_in_parts(*normalize(a))
    value = log_gamma(a, log_a, log_low)
    # less log |x sin(pi x) / pi|: next to 0, where the product may be subnormal, twice log |x| and that of the ratio
    f, central = fabs(_from_whole(a)), a < 0.5
    sine = log_positive(_sine_ratio(f) * select(central, 1.0, f))
    log_a = log_a + log_low
    reflected = -(value + sine) - log_a - select(central, log_a, 0.0)
    value = select(x < 0, reflected, value)
    pole = (x <= 0) & f.equals(0.0)
    return select(pole | a.equals(INFINITY), INFINITY, value)


def digamma_of(x: Value) -> Value:
    """The derivative of `lgamma`: minus infinity at 0, NaN at the negative whole numbers."""
    a = fabs(x)
    shifted, inverse = a < 1.0, 1.0 / a
    high, low = x.pick(*ZERO)
    t = a - select(shifted, a.constant(1.0), 2.0)
    small = ((t - high) - low) * horner(t, x.pick(*DIGAMMA))
    square = inverse * inverse
    large = log_positive(a) - fma(square, -horner(square, x.pick(*DIGAMMA_TAIL)), inverse * 0.5)
    value = select(a < 2.5, small, large)
    # digamma(a) + 1 / a + pi / tan(pi a)
    f = _from_whole(a)
    size = fabs(f)
    rest = 0.5 - size
    cotangent = copysign(rest * _sine_ratio(rest) / (size * _sine_ratio(size)) * math.pi, f)
    left = value + select(shifted, 0.0, inverse) + cotangent
    right = select(a.equals(INFINITY), x, value - select(shifted, inverse, 0.0))
    return select(x < 0, select(f.equals(0.0), NAN, left), right)


@elementwise
def digamma(x: Value) -> Value:
    return digamma_of(x)


__all__ = ["digamma", "lgamma"]
