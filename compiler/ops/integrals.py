"""Special functions that are integrals (see integral_reference.py), on the host; their gradients are TensorFlow's."""
from __future__ import annotations

import math

from .. import integral_reference as ir
from .elementwise import cos, equal, exp, log, sin, where
from .families import Build
from .special import special_function
from .view import ones_of, zeros_of

bessel_j0: Build = special_function("BesselJ0", ir.bessel_j0, "x", lambda g, y, x: (-g * bessel_j1(x),))
bessel_j1: Build = special_function("BesselJ1", ir.bessel_j1, "x", lambda g, y, x: (
    g * where(equal(x, zeros_of(x)), zeros_of(x) + 0.5, bessel_j0(x) - y / x),))
bessel_y0: Build = special_function("BesselY0", ir.bessel_y0, "x", lambda g, y, x: (-g * bessel_y1(x),))
bessel_y1: Build = special_function("BesselY1", ir.bessel_y1, "x", lambda g, y, x: (g * (bessel_y0(x) - y / x),))
bessel_k0: Build = special_function("BesselK0", ir.bessel_k0, "x", lambda g, y, x: (-g * bessel_k1(x),))
bessel_k1: Build = special_function("BesselK1", ir.bessel_k1, "x", lambda g, y, x: (g * (-bessel_k0(x) - y / x),))
bessel_k0e: Build = special_function("BesselK0e", ir.bessel_k0e, "x", lambda g, y, x: (g * (y - bessel_k1e(x)),))
bessel_k1e: Build = special_function("BesselK1e", ir.bessel_k1e, "x", lambda g, y, x: (
    g * (y * (1 - 1 / x) - bessel_k0e(x)),))

dawsn: Build = special_function("Dawsn", ir.dawsn, "x", lambda g, y, x: (g * (1 - 2 * x * y),))
expint: Build = special_function("Expint", ir.expint, "x", lambda g, y, x: (g * exp(x) / x,))
fresnel_cos: Build = special_function("FresnelCos", ir.fresnel_cos, "x", lambda g, y, x: (
    g * cos(math.pi / 2 * x * x),))
fresnel_sin: Build = special_function("FresnelSin", ir.fresnel_sin, "x", lambda g, y, x: (
    g * sin(math.pi / 2 * x * x),))
spence: Build = special_function("Spence", ir.spence, "x", lambda g, y, x: (
    g * where(equal(x, ones_of(x)), -ones_of(x), log(x) / (1 - x)),))
