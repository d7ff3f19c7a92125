# ruff: noqa: F401 (this module is the list of names)
"""`tf.bitwise`: the bits of integers, element by element."""
from __future__ import annotations

from .compiler.ops.elementwise import bitwise_and, bitwise_or, bitwise_xor, invert
from .compiler.ops.special import left_shift, right_shift
