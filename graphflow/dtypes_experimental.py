# ruff: noqa: F401 (this module is the list of names)
"""`tf.dtypes.experimental`: element types of few bits, of the package ml_dtypes."""
from __future__ import annotations

from .compiler.dtypes import (
    float4_e2m1fn,
    float8_e4m3b11fnuz,
    float8_e4m3fn,
    float8_e4m3fnuz,
    float8_e5m2,
    float8_e5m2fnuz,
    int2,
    int4,
    uint2,
    uint4,
)
