"""The op set. Each module declares one family; importing this package declares them all."""
from . import (
    candidate,
    complex,
    contraction,
    conv3d,
    ctc,
    cumulative,
    depthwise,
    elementwise,
    factorization,
    gather,
    linalg,
    matrix_functions,
    matrix_parts,
    nn,
    operators,
    pooling_host,
    random,
    reduction,
    slicing,
    spectral,
    state,
    symbolic,
    view,
    window,
)

__all__ = [
    "candidate", "complex", "contraction", "conv3d", "ctc", "cumulative", "depthwise", "elementwise",
    "factorization", "gather", "linalg", "matrix_functions", "matrix_parts", "nn", "operators", "pooling_host",
    "random", "reduction", "slicing", "spectral", "state", "symbolic", "view", "window",
]
