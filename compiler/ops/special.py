"""Special functions, some of them on the host; products, quotients and logarithms that count 0 times anything as 0."""
from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import special_reference as sr
from ..dtypes import COMPLEX, FLOATS, INTEGERS, DType
from ..ir import Operation, Tensor, TensorType
from ..names import named, to_snake_case
from ..opdef import ELEMENTWISE, HOST, OpDef
from ..shapes import broadcast
from .arguments import check_dtype, check_same_dtype, convert_all
from .elementwise import cast, exp, log, log1p, not_equal, sign, where
from .families import Build, Grad, binary, unary
from .view import ones_of, zeros_of


def special_function(name: str, function: Callable[..., Any], arguments: str, grad: Grad,
                     dtypes: Sequence[DType] = FLOATS, exact: bool = False, lower: str = "") -> Build:
    """An elementwise function, computed on the host, in double precision unless `exact`, where it has no kernel:
    `lower` is the source of an element.

    `arguments` are the names of its inputs; `grad(g, y, *inputs)` gives a gradient for each.
    """
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        dtype = check_same_dtype(name, inputs)
        check_dtype(name, inputs[0], dtypes)
        return [TensorType(dtype, broadcast(name, *(t.dims for t in inputs)))]

    def op_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
        return grad(g, op.output, *op.inputs)

    op = OpDef(name, ELEMENTWISE if lower else HOST, infer, op_grad, function if exact else sr.double(function),
               lower or None)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([*(inspect.Parameter(argument, kind) for argument in arguments.split()),
                                   inspect.Parameter("name", kind, default=None)])

    def build(*args: Any, **kwargs: Any) -> Tensor:
        given = signature.bind(*args, **kwargs).arguments
        label = given.pop("name", None)
        return op(*convert_all(op.name, list(given.values())), name=label)

    build.op = op  # type: ignore[attr-defined]
    build.__signature__ = signature  # type: ignore[attr-defined]
    return named(to_snake_case(name), build, (
        f"{name}, element by element, with broadcasting{'' if lower else '; computed by its reference'}"
        f"{'' if exact else ', in double precision'}.\n\n"
        f"`{', '.join(arguments.split())}`: {', '.join(dtype.name for dtype in dtypes)}; the result is of the same "
        "dtype."))


lgamma: Build = unary("Lgamma", lower="lgamma({0})", reference=sr.double(sr.lgamma),
                      grad=lambda g, y, x: g * digamma(x))
digamma: Build = unary("Digamma", lower="digamma({0})", reference=sr.double(sr.digamma),
                       grad=lambda g, y, x: g * polygamma(ones_of(x), x))
polygamma: Build = special_function("Polygamma", sr.polygamma, "a x",
                                    lambda g, y, n, x: (None, g * polygamma(n + 1, x)), lower="polygamma({0}, {1})")
zeta: Build = special_function("Zeta", sr.zeta, "x q", lambda g, y, x, q: (None, -g * x * zeta(x + 1, q)),
                               lower="zeta({0}, {1})")
igamma_grad_a = special_function("IgammaGradA", sr.igamma_grad_a, "a x", lambda g, y, a, x: (None, None))


def _igamma_grad(g: Tensor, a: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    return g * igamma_grad_a(a, x), g * exp((a - 1) * log(x) - x - lgamma(a))


igamma = special_function("Igamma", sr.igamma, "a x", lambda g, y, a, x: _igamma_grad(g, a, x),
                          lower="igamma({0}, {1})")
igammac = special_function("Igammac", sr.igammac, "a x", lambda g, y, a, x: _igamma_grad(-g, a, x),
                           lower="igammac({0}, {1})")
# TensorFlow too has no gradient for a and b
betainc = special_function("Betainc", sr.betainc, "a b x", lambda g, y, a, b, x: (
    None, None, g * exp((a - 1) * log(x) + (b - 1) * log1p(-x) - lgamma(a) - lgamma(b) + lgamma(a + b))),
    lower="betainc({0}, {1}, {2})")
erfinv = unary("Erfinv", lower="erfinv({0})", reference=sr.double(sr.erfinv),
               grad=lambda g, y, x: g * (math.sqrt(math.pi) / 2) * exp(y * y))
ndtri = unary("Ndtri", lower="ndtri({0})", reference=sr.double(sr.ndtri),
              grad=lambda g, y, x: g * math.sqrt(2 * math.pi) * exp(y * y / 2))


def _slope(x: Tensor, value: Tensor) -> Tensor:
    """The value, but 1/2 at 0, where it is 0 / 0."""
    zero = zeros_of(x)
    return where(not_equal(x, zero), value, zero + 0.5)


def _safe(x: Tensor) -> Tensor:
    return where(not_equal(x, zeros_of(x)), x, ones_of(x))


bessel_i0: Build = unary("BesselI0", lower="bessel_i0({0})", reference=sr.double(sr.bessel_i0),
                         grad=lambda g, y, x: g * bessel_i1(x))
bessel_i1: Build = unary("BesselI1", lower="bessel_i1({0})", reference=sr.double(sr.bessel_i1),
                         grad=lambda g, y, x: g * _slope(x, bessel_i0(x) - y / _safe(x)))
bessel_i0e: Build = unary("BesselI0e", lower="bessel_i0e({0})", reference=sr.double(sr.bessel_i0e),
                          grad=lambda g, y, x: g * (bessel_i1e(x) - sign(x) * y))
bessel_i1e: Build = unary("BesselI1e", lower="bessel_i1e({0})", reference=sr.double(sr.bessel_i1e),
                          grad=lambda g, y, x: g * _slope(x, bessel_i0e(x) - y * (sign(x) + 1 / _safe(x))))

gcd = special_function("Gcd", np.gcd, "x y", lambda g, y, a, b: (None, None), INTEGERS, exact=True)
lcm = special_function("Lcm", np.lcm, "x y", lambda g, y, a, b: (None, None), INTEGERS, exact=True)
nextafter = special_function("NextAfter", np.nextafter, "x1 x2", lambda g, y, a, b: (g, g * 0), exact=True)

# 0 times anything is 0


def _guarded(zero: str, function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """The reference of an op that is 0 where its first ("x") or second ("y") input is."""
    def reference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        dtype = x.dtype
        x, y = np.broadcast_arrays(x, y)
        at = (x if zero == "x" else y) == 0
        with np.errstate(all="ignore"):
            return np.where(at, dtype.type(0), function(x, y)).astype(dtype)
    return reference


def _indicator(x: Tensor) -> Tensor:
    return cast(not_equal(x, zeros_of(x)), x.dtype)


ANALYTIC = FLOATS + COMPLEX
xlogy: Build = binary(
    "Xlogy", lower="select({0} == {t}(0), {t}(0), {0} * log({1}))", dtypes=ANALYTIC,
    reference=_guarded("x", lambda x, y: x * np.log(y)),
    grad=lambda g, out, x, y: (g * xlogy(_indicator(x), y), g * xdivy(x, y)))
xlog1py: Build = binary(
    "Xlog1py", lower="select({0} == {t}(0), {t}(0), {0} * log1p({1}))", dtypes=ANALYTIC,
    reference=_guarded("x", lambda x, y: x * np.log1p(y)),
    grad=lambda g, out, x, y: (g * xlog1py(_indicator(x), y), g * xdivy(x, y + 1)))
xdivy: Build = binary(
    "Xdivy", lower="select({0} == {t}(0), {t}(0), {0} / {1})", dtypes=ANALYTIC,
    reference=_guarded("x", lambda x, y: x / y),
    grad=lambda g, out, x, y: (g * xdivy(_indicator(x), y), g * xdivy(-x, y * y)))
div_no_nan: Build = binary(
    "DivNoNan", lower="select({1} == {t}(0), {t}(0), {0} / {1})", dtypes=ANALYTIC,
    reference=_guarded("y", lambda x, y: x / y),
    grad=lambda g, out, x, y: (div_no_nan(g, y), g * div_no_nan(div_no_nan(-x, y), y)))
multiply_no_nan: Build = binary(
    "MulNoNan", lower="select({1} == {t}(0), {t}(0), {0} * {1})", dtypes=ANALYTIC,
    reference=_guarded("y", lambda x, y: x * y),
    grad=lambda g, out, x, y: (multiply_no_nan(g, y), multiply_no_nan(x, g)))

# shifts; a count beyond the width is not defined, as in C

left_shift = binary("LeftShift", lower="{0} << {1}", reference=np.left_shift, dtypes=INTEGERS)
right_shift = binary("RightShift", lower="{0} >> {1}", reference=np.right_shift, dtypes=INTEGERS)
