"""The inverse of the normal distribution function and that of erf: Wichura's rational functions (algorithm AS 241,
Applied Statistics 37, 1988), of 16 digits, in double precision throughout."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..special_reference import CENTRE, FAR, TAIL
from .exponential import INFINITY, NAN, log_positive, normalize
from .expression import DOUBLE, Value, copysign, elementwise, fabs, horner, select, sqrt


def _ratio(x: Value, polynomials: Any) -> Value:
    above, below = (horner(x, polynomial) for polynomial in polynomials)
    return above / below


def _quantile(q: Value, tail: Value) -> Value:
    """The normal quantile of 1/2 + q, `tail` being 1/2 - |q|."""
    r = sqrt(-log_positive(*normalize(tail)))
    outside = select(r <= 5, _ratio(r - 1.6, TAIL), _ratio(r - 5.0, FAR))
    outside = select(tail > 0, outside, select(tail < 0, NAN, q.constant(INFINITY)))
    # NaN is not within the centre, nor above or below 0: infinity plus it is NaN
    return select(fabs(q) <= 0.425, q * _ratio(0.180625 - q * q, CENTRE), copysign(outside, q) + (q - q))


def _in_double(x: Value, function: Callable[[Value], Value]) -> Value:
    if x.element == DOUBLE:
        return function(x)
    return function(x.convert("fpext", DOUBLE)).convert("fptrunc", x.element)


@elementwise
def ndtri(x: Value) -> Value:
    """The normal quantile: infinite at 0 and 1, NaN outside."""
    return _in_double(x, lambda p: _quantile(p - 0.5, select(p < 0.5, p, 1.0 - p)))


@elementwise
def erfinv(x: Value) -> Value:
    """The inverse of erf: infinite at -1 and 1, NaN outside."""
    return _in_double(x, lambda y: _quantile(y * 0.5, (1.0 - fabs(y)) * 0.5) * 0.7071067811865476)


__all__ = ["erfinv", "ndtri"]
