"""Special functions in NumPy, in double precision and on whole arrays.

Sources: Lanczos 1964 (gamma); Abramowitz & Stegun 6.3, 6.5, 9.6, 9.7, 23.1, 26.5 (digamma, incomplete gamma, Bessel,
Bernoulli numbers, incomplete beta); Wichura 1988, algorithm AS 241 (normal quantile); Lentz 1976 (continued fractions).
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

LANCZOS_G = 7
LANCZOS = (0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
           12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7)
# B(2k) / (2k)! for k = 1, 2, ...: Euler-Maclaurin's weights
BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
             -3617 / 10670622842880000, 43867 / 5109094217170944000)
# B(2k) / 2k: those of digamma
DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
STEPS = 2000  # of series and fractions, which stop when no element changes
TINY = 1e-300
CLOSE = 4e-16  # to 1: what rounding leaves
BLOCK = 1 << 12


def double(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """Computes in float64, without warnings, and rounds to the dtype of the first argument: of a block of elements at a
    time, whose intermediate results stay in the caches."""
    def reference(*arrays: np.ndarray) -> np.ndarray:
        wide = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in arrays))
        flat, result = [a.ravel() for a in wide], np.empty(wide[0].size, arrays[0].dtype)
        with np.errstate(all="ignore"):
            for low in range(0, result.size, BLOCK):
                result[low:low + BLOCK] = function(*(a[low:low + BLOCK] for a in flat))
        return result.reshape(wide[0].shape)
    return reference


def lgamma(x: np.ndarray) -> np.ndarray:
    z = np.where(x < 0.5, 1 - x, x) - 1
    series = LANCZOS[0] + sum(c / (z + k) for k, c in enumerate(LANCZOS[1:], 1))
    t = z + LANCZOS_G + 0.5
    value = 0.5 * np.log(2 * np.pi) + (z + 0.5) * np.log(t) - t + np.log(series)
    value = np.where(np.isinf(x), np.inf, value)
    # the sine of the fractional part, which is exact for large arguments
    reflected = np.log(np.pi / np.abs(np.sin(np.pi * (x - np.floor(x))))) - value
    return np.where(x < 0.5, np.where((x <= 0) & (x == np.floor(x)), np.inf, reflected), value)


def digamma(x: np.ndarray) -> np.ndarray:
    z = np.where(x < 0.5, 1 - x, x)
    shift = np.zeros_like(z)
    for _ in range(10):
        low = z < 10
        shift = shift + np.where(low, 1 / z, 0)
        z = np.where(low, z + 1, z)
    inverse = 1 / (z * z)
    tail = np.zeros_like(z)
    for c in reversed(DIGAMMA):
        tail = (tail + c) * inverse
    value = np.log(z) - 0.5 / z - tail - shift
    value = np.where(x < 0.5, value - np.pi / np.tan(np.pi * (x - np.floor(x))), value)
    return np.where((x <= 0) & (x == np.floor(x)), np.where(x == 0, -np.inf, np.nan), value)


def zeta(x: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Hurwitz's: the sum of (q + k) ** -x, by Euler and Maclaurin after 12 terms."""
    count = 12
    total = sum((q + k) ** -x for k in range(count))
    a = q + count
    total = total + a ** (1 - x) / (x - 1) + 0.5 * a ** -x
    factor, power = x.copy(), a ** (-x - 1)
    for k, c in enumerate(BERNOULLI):
        total = total + c * factor * power
        factor = factor * (x + 2 * k + 1) * (x + 2 * k + 2)
        power = power / (a * a)
    pole = (q <= 0) & (q == np.floor(q))
    value = np.where(pole, np.inf, np.where((q <= 0) & (x != np.floor(x)), np.nan, total))
    return np.where(x > 1, value, np.where(x == 1, np.inf, np.nan))


def polygamma(n: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The n-th derivative of digamma, for whole n >= 0; NaN for other n."""
    value = np.where(n % 2 == 0, -1.0, 1.0) * np.exp(lgamma(n + 1)) * zeta(n + 1, x)
    return np.where(n == 0, digamma(x), np.where((n == np.floor(n)) & (n > 0), value, np.nan))


def igamma(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The regularised lower incomplete gamma function."""
    return _incomplete_gamma(a, x)[0]


def igammac(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The regularised upper incomplete gamma function."""
    return _incomplete_gamma(a, x)[1]


def _incomplete_gamma(a: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    front = np.exp(a * np.log(x) - x - lgamma(a))
    low = x < a + 1
    lower, upper = np.empty_like(x), np.empty_like(x)
    lower[low] = front[low] * _series(a[low], x[low])
    upper[low] = 1 - lower[low]
    rest, far = a[~low], x[~low]
    upper[~low] = front[~low] * _fraction(far + 1 - rest, lambda k: (k * (rest - k), far + 2 * k + 1 - rest),
                                          np.isfinite(front[~low]))
    lower[~low] = 1 - upper[~low]
    bad = (x < 0) | (a <= 0) | np.isnan(a) | np.isnan(x)
    none = (x == 0) | np.isinf(a)
    lower = np.where(none, 0, np.where(np.isinf(x), 1, lower))
    return np.where(bad, np.nan, lower), np.where(bad, np.nan, np.where(none | np.isinf(x), 1 - lower, upper))


def _series(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """1 / a + x / (a (a + 1)) + ..., short where x < a + 1."""
    term = total = 1 / a
    for k in range(1, STEPS):
        term = term * x / (a + k)
        total = total + term
        if not np.any(np.abs(term) > 1e-17 * np.abs(total)):
            break
    return total


def _fraction(first: np.ndarray, step: Callable[[int], tuple[np.ndarray, np.ndarray]], needed: np.ndarray
              ) -> np.ndarray:
    """1 / (first + a1 / (b1 + a2 / (b2 + ...))) for (ak, bk) = step(k), by Lentz's method."""
    c = np.full_like(first, 1 / TINY)
    d = 1 / np.where(first == 0, TINY, first)
    value = d
    for k in range(1, STEPS):
        a, b = step(k)
        d = a * d + b
        c = b + a / c
        d = 1 / np.where(np.abs(d) < TINY, TINY, d)
        c = np.where(np.abs(c) < TINY, TINY, c)
        value = value * c * d
        if not np.any(needed & (np.abs(c * d - 1) > CLOSE)):
            break
    return value


def betainc(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The regularised incomplete beta function."""
    swap = x > (a + 1) / (a + b + 2)
    p, q, z = np.where(swap, b, a), np.where(swap, a, b), np.where(swap, 1 - x, x)
    front = np.exp(lgamma(p + q) - lgamma(p) - lgamma(q) + p * np.log(z) + q * np.log1p(-z)) / p

    def step(k: int) -> tuple[np.ndarray, np.ndarray]:
        m = k // 2
        if k % 2:
            return -(p + m) * (p + q + m) * z / ((p + 2 * m) * (p + 2 * m + 1)), np.ones_like(z)
        return m * (q - m) * z / ((p + 2 * m - 1) * (p + 2 * m)), np.ones_like(z)

    value = front * _fraction(np.ones_like(z), step, np.isfinite(front))
    value = np.where(swap, 1 - value, value)
    value = np.where(x == 0, 0, np.where(x == 1, 1, value))
    return np.where((a <= 0) | (b <= 0) | (x < 0) | (x > 1), np.nan, value)


CENTRE = ((3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
           4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
          (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
           3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3))
TAIL = ((1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
         1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
        (1.0, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
         1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9))
FAR = ((6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 2.96560571828504891230e-1,
        2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
       (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
        7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15))


def _ratio(polynomials: Any, x: np.ndarray) -> np.ndarray:
    above, below = (np.polynomial.polynomial.polyval(x, np.array(p)) for p in polynomials)
    return above / below


def _quantile(q: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """The normal quantile of 1/2 + q, `tail` being 1/2 - |q|."""
    r = np.sqrt(-np.log(tail))
    outside = np.sign(q) * np.where(r <= 5, _ratio(TAIL, r - 1.6), _ratio(FAR, r - 5))
    value = np.where(np.abs(q) <= 0.425, q * _ratio(CENTRE, 0.180625 - q * q), outside)
    return np.where(tail == 0, np.sign(q) * np.inf, np.where(tail < 0, np.nan, value))


def ndtri(p: np.ndarray) -> np.ndarray:
    """The normal quantile: -inf at 0, inf at 1, NaN outside."""
    return _quantile(p - 0.5, np.minimum(p, 1 - p))


def erfinv(x: np.ndarray) -> np.ndarray:
    """The inverse of erf: infinite at -1 and 1, NaN outside."""
    return _quantile(x / 2, (1 - np.abs(x)) / 2) / np.sqrt(2)


def _bessel_i(order: int, x: np.ndarray) -> np.ndarray:
    """exp(-|x|) I_order(|x|): the series up to 30, all of whose terms are positive, Hankel's expansion beyond."""
    z = np.abs(x)
    near = np.minimum(z, 30)
    quarter = near * near / 4
    term = total = np.ones_like(z) if order == 0 else near / 2
    for k in range(1, 80):
        term = term * quarter / (k * (k + order))
        total = total + term
    far = np.maximum(z, 30)
    term = expansion = np.ones_like(z)
    for k in range(1, 30):
        term = -term * (4 * order * order - (2 * k - 1) ** 2) / (8 * k * far)
        expansion = expansion + term
    return np.where(z <= 30, total * np.exp(-near), expansion / np.sqrt(2 * np.pi * far))


def bessel_i0e(x: np.ndarray) -> np.ndarray:
    return _bessel_i(0, x)


def bessel_i1e(x: np.ndarray) -> np.ndarray:
    return np.sign(x) * _bessel_i(1, x)


def bessel_i0(x: np.ndarray) -> np.ndarray:
    return _bessel_i(0, x) * np.exp(np.abs(x))


def bessel_i1(x: np.ndarray) -> np.ndarray:
    return bessel_i1e(x) * np.exp(np.abs(x))


def igamma_grad_a(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """d igamma / da, by a central difference of fourth order."""
    h = 1e-3 * np.maximum(a, 1e-3)
    near, far = igamma(a + h, x) - igamma(a - h, x), igamma(a + 2 * h, x) - igamma(a - 2 * h, x)
    return (8 * near - far) / (12 * h)
