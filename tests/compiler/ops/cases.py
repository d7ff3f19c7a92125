"""The table of all cases: for each op of the registry, example inputs and what NumPy makes of them."""
from __future__ import annotations

import cases_audio
import cases_control
import cases_convolution
import cases_elementwise
import cases_files
import cases_indexing
import cases_linalg
import cases_moves
import cases_products
import cases_quantized
import cases_random
import cases_reduction
import cases_sequences
import cases_special
import cases_spectral
import cases_strings
from example import CASES

__all__ = [
    "CASES", "cases_audio", "cases_control", "cases_convolution", "cases_elementwise", "cases_files",
    "cases_indexing", "cases_linalg", "cases_moves", "cases_products", "cases_quantized", "cases_random",
    "cases_reduction", "cases_sequences", "cases_special", "cases_spectral", "cases_strings",
]
