# ruff: noqa: F401 (this module is the list of names)
"""`tf.math.special`: names, whose modules say what they do."""
from __future__ import annotations

from .compiler.ops.integrals import (
    bessel_j0,
    bessel_j1,
    bessel_k0,
    bessel_k0e,
    bessel_k1,
    bessel_k1e,
    bessel_y0,
    bessel_y1,
    dawsn,
    expint,
    fresnel_cos,
    fresnel_sin,
    spence,
)
from .compiler.ops.special import bessel_i0, bessel_i0e, bessel_i1, bessel_i1e
