"""The mathematics of generated kernels: names they write as plain calls, each inlined as straight-line vector code.

Arguments are float32 or float64 and the result is of the same type. Errors are at most 2 units in the last place, with
the limits of IEEE 754 and C's Annex F at NaN, infinities, zeros and subnormals; the signs of zeros are those of C.
"""
from __future__ import annotations

from . import (
    bessel,
    elementary,
    errorfunction,
    exponential,
    gamma,
    hurwitz,
    hyperbolic,
    incomplete,
    power,
    quantile,
    trigonometric,
)
from .bessel import *  # noqa: F403
from .elementary import *  # noqa: F403
from .errorfunction import *  # noqa: F403
from .exponential import *  # noqa: F403
from .gamma import *  # noqa: F403
from .hurwitz import *  # noqa: F403
from .hyperbolic import *  # noqa: F403
from .incomplete import *  # noqa: F403
from .power import *  # noqa: F403
from .quantile import *  # noqa: F403
from .trigonometric import *  # noqa: F403

__all__ = [
    *bessel.__all__, *elementary.__all__, *errorfunction.__all__, *exponential.__all__, *gamma.__all__,
    *hurwitz.__all__, *hyperbolic.__all__, *incomplete.__all__, *power.__all__, *quantile.__all__,
    *trigonometric.__all__,
]
