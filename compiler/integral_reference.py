"""Functions that are integrals, in NumPy, in double precision and on whole arrays: Bessel's of the other kinds, those
of Dawson, Fresnel and Spence, the exponential integral.

Sources: Abramowitz & Stegun 5.1, 7.3, 9.1, 9.2, 9.6, 27.7 (definitions, series, expansions); Trefethen & Weideman 2014
(the trapezoidal rule, which converges geometrically for periodic integrands and those that fall off); Rybicki 1989
(Dawson's integral).
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

HANKEL = 25.0  # arguments from which the expansions at infinity of J and Y are exact to rounding


def _integral(integrand: Callable[[np.ndarray], np.ndarray], start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """From `start` to `end` (element by element), by Gauss and Legendre."""
    half = (end - start) / 2
    rule = zip(*np.polynomial.legendre.leggauss(64), strict=True)
    return half * sum(w * integrand(start + half * (1 + t)) for t, w in rule)


# Bessel's


def _first_kind(order: int, x: np.ndarray) -> np.ndarray:
    """J for 0 <= x <= 25: the mean of cos(order t - x sin t) over a period."""
    angles = np.pi * (np.arange(64) + 0.5) / 64
    return sum(np.cos(order * t - x * np.sin(t)) for t in angles) / 64


def _second_kind(order: int, x: np.ndarray) -> np.ndarray:
    """Y for 0 < x <= 25: Neumann's series of the first kind's functions."""
    even = [_first_kind(2 * k, x) for k in range(26)]
    log = np.log(x / 2) + np.euler_gamma
    if order == 0:
        return 2 / np.pi * (log * even[0] - 2 * sum((-1) ** k * even[k] / k for k in range(1, 26)))
    odd = [_first_kind(2 * k + 1, x) for k in range(25)]
    # minus the derivative of the series for Y0
    steps = sum((-1) ** k * (odd[k - 1] - odd[k]) / k for k in range(1, 25))
    return -2 / np.pi * (even[0] / x - log * odd[0] - steps)


def _far(order: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(J, Y) for x >= 25: Hankel's expansion."""
    term = np.ones_like(x)
    sums = [np.zeros_like(x), np.zeros_like(x)]
    for k in range(24):
        sums[k % 2] = sums[k % 2] + (-1) ** (k // 2) * term
        term = term * (4 * order * order - (2 * k + 1) ** 2) / ((k + 1) * 8 * x)
    angle, scale = x - (2 * order + 1) * np.pi / 4, np.sqrt(2 / (np.pi * x))
    return (scale * (sums[0] * np.cos(angle) - sums[1] * np.sin(angle)),
            scale * (sums[0] * np.sin(angle) + sums[1] * np.cos(angle)))


def _bessel_j(order: int, x: np.ndarray) -> np.ndarray:
    z = np.abs(x)
    value = np.where(z <= HANKEL, _first_kind(order, np.minimum(z, HANKEL)), _far(order, np.maximum(z, HANKEL))[0])
    # the mean is exact to rounding of 1, which near 0 is not enough
    value = np.where(z < 1e-3, 0.5 * z * (1 - z * z / 8) if order else value, value)
    return np.where(np.isinf(z), 0, value * (np.sign(x) if order else 1))


def _bessel_y(order: int, x: np.ndarray) -> np.ndarray:
    near = np.where((x > 0) & (x <= HANKEL), x, 1)
    value = np.where(x <= HANKEL, _second_kind(order, near), _far(order, np.maximum(x, HANKEL))[1])
    return np.where(x <= 0, -np.inf, np.where(np.isinf(x), 0, value))


def bessel_j0(x: np.ndarray) -> np.ndarray:
    return _bessel_j(0, x)


def bessel_j1(x: np.ndarray) -> np.ndarray:
    return _bessel_j(1, x)


def bessel_y0(x: np.ndarray) -> np.ndarray:
    return _bessel_y(0, x)


def bessel_y1(x: np.ndarray) -> np.ndarray:
    return _bessel_y(1, x)


def _bessel_k(order: int, x: np.ndarray) -> np.ndarray:
    """exp(x) K(x): the integral of exp(-x (cosh t - 1)) cosh(order t), by the trapezoidal rule."""
    z = np.where(x > 0, x, 1.0)
    step = 0.25 / np.sqrt(1 + z / 8)
    total = np.full_like(z, 0.5)
    for k in range(1, 3000):
        t = k * step
        term = np.exp(-z * 2 * np.sinh(t / 2) ** 2) * np.cosh(order * t)
        total = total + term
        if not np.any(term > 1e-18 * total):
            break
    value = np.where(np.isinf(z), 0, total * step)
    return np.where(x > 0, value, np.where(np.isnan(x), np.nan, np.inf))


def bessel_k0e(x: np.ndarray) -> np.ndarray:
    return _bessel_k(0, x)


def bessel_k1e(x: np.ndarray) -> np.ndarray:
    return _bessel_k(1, x)


def bessel_k0(x: np.ndarray) -> np.ndarray:
    return _bessel_k(0, x) * np.exp(-np.maximum(x, 0))


def bessel_k1(x: np.ndarray) -> np.ndarray:
    return _bessel_k(1, x) * np.exp(-np.maximum(x, 0))


# others


def dawsn(x: np.ndarray) -> np.ndarray:
    """exp(-x^2) times the integral of exp(t^2) from 0 to x."""
    step, z = 0.2, np.abs(x)
    nearest = 2 * np.round(z / (2 * step))
    rest = z - nearest * step
    total = sum(np.exp(-(rest - k * step) ** 2) / (nearest + k) for k in range(-35, 36, 2))
    square = z * z
    near = z * (1 - 2 / 3 * square * (1 - 0.4 * square * (1 - 2 / 7 * square * (1 - 2 / 9 * square))))
    value = np.where(z < 0.1, near, np.where(np.isinf(z), 0, total / np.sqrt(np.pi)))
    return np.copysign(value, x)


def expint(x: np.ndarray) -> np.ndarray:
    """The exponential integral Ei(x): the principal value of the integral of exp(t) / t from minus infinity to x. NaN
    for x < 0, as TensorFlow has it."""
    near, far = np.clip(x, 1e-300, 40), np.maximum(x, 40)
    term, series = np.ones_like(near), np.zeros_like(near)
    for k in range(1, 150):
        term = term * near / k
        series = series + term / k
    term = expansion = np.ones_like(far)
    for k in range(1, 38):
        term = term * k / far
        expansion = expansion + term
    value = np.where(x <= 40, np.euler_gamma + np.log(near) + series, np.exp(far) / far * expansion)
    return np.where(x < 0, np.nan, np.where(x == 0, -np.inf, np.where(np.isposinf(x), np.inf, value)))


def _fresnel(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(S, C): the integrals of sin and cos of pi t^2 / 2 from 0 to x."""
    z = np.abs(x)
    near, far = np.minimum(z, 6), np.maximum(z, 6)
    zero = np.zeros_like(z)
    sine, cosine = (_integral(lambda t, f=f: f(np.pi / 2 * t * t), zero, near)  # type: ignore[misc]
                    for f in (np.sin, np.cos))
    angle = np.pi / 2 * np.fmod(far * far, 4)
    inverse = 1 / (np.pi * far * far)
    f, g = np.zeros_like(z), np.zeros_like(z)
    term = np.ones_like(z)
    for k in range(8):  # 1, 1, 3, 15, ... times powers of the inverse, in turn to f and g
        f, term = f + (-1) ** k * term, term * (4 * k + 1) * inverse
        g, term = g + (-1) ** k * term, term * (4 * k + 3) * inverse
    f, g = f / (np.pi * far), g / (np.pi * far)
    sine = np.where(z <= 6, sine, 0.5 - f * np.cos(angle) - g * np.sin(angle))
    cosine = np.where(z <= 6, cosine, 0.5 + f * np.sin(angle) - g * np.cos(angle))
    return tuple(np.copysign(np.where(np.isinf(z), 0.5, v), x) for v in (sine, cosine))


def fresnel_sin(x: np.ndarray) -> np.ndarray:
    return _fresnel(x)[0]


def fresnel_cos(x: np.ndarray) -> np.ndarray:
    return _fresnel(x)[1]


def spence(x: np.ndarray) -> np.ndarray:
    """The integral of log(t) / (1 - t) from 1 to x, for x >= 0: Euler's dilogarithm of 1 - x."""
    z = np.where(x > 1, 1 / x, x)
    low = z < 0.5
    u = np.where(low, 1 - z, z)
    one = np.ones_like(u)
    value = _integral(lambda t: np.log(t) / (1 - t), one, np.where(u == 1, 0.75, u))
    value = np.where(u == 1, 0, value)
    # both reflections: z to 1 - z, x to 1 / x
    product = np.where((z > 0) & (z < 1), np.log(z) * np.log1p(-z), 0)
    value = np.where(low, np.pi ** 2 / 6 - product - value, value)
    value = np.where(x > 1, -0.5 * np.log(x) ** 2 - value, value)
    return np.where(x < 0, np.nan, value)
