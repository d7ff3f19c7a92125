"""`tf.dtypes`: element types and conversions between them."""
from __future__ import annotations

from . import dtypes_experimental as experimental
from .compiler.dtypes import (
    QUANTIZED_DTYPES,
    DType,
    as_dtype,
    bfloat16,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    qint8,
    qint16,
    qint32,
    quint8,
    quint16,
    resource,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
    variant,
)
from .compiler.dtypes import bool_ as bool
from .math_ops import cast, saturate_cast

half, double = float16, float64

__all__ = [
    "DType", "QUANTIZED_DTYPES", "as_dtype", "bfloat16", "bool", "cast", "complex128", "complex64", "double",
    "experimental", "float16", "float32", "float64", "half", "int16", "int32", "int64", "int8", "qint16", "qint32",
    "qint8", "quint16", "quint8", "resource", "saturate_cast", "string", "uint16", "uint32", "uint64", "uint8",
    "variant",
]


def __getattr__(name: str) -> object:
    if name in ("as_string", "complex"):
        import graphflow
        return getattr(graphflow, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
