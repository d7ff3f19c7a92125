"""Keras's rules for dtypes (see ops/dtypes.py)."""
from __future__ import annotations

from ..ops.dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype

__all__ = ["is_float_dtype", "is_int_dtype", "result_type", "standardize_dtype"]
