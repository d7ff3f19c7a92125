"""The op set. Each module declares one family; importing this package declares nearly all, the rest when needed."""
from ..opdef import LATE
from . import (
    audio,
    beam,
    bits,
    candidate,
    checks,
    codecs,
    complex,
    contraction,
    conv3d,
    csv,
    ctc,
    cumulative,
    custom,
    depthwise,
    distributions,
    dynamic_slice,
    elementwise,
    example,
    factorization,
    fingerprint,
    gather,
    image,
    integrals,
    io,
    linalg,
    lookup,
    matrix_functions,
    matrix_parts,
    nn,
    operators,
    pooling_host,
    positions,
    quantized,
    random,
    reduction,
    regex,
    segment,
    selection,
    sets,
    slicing,
    sorting,
    sparse,
    special,
    spectral,
    standardize,
    state,
    stateless,
    string_parts,
    strings,
    summary,
    symbolic,
    view,
    window,
)

__all__ = [
    "audio", "beam", "bits", "candidate", "checks", "codecs", "complex", "contraction", "conv3d", "csv", "ctc",
    "cumulative", "custom", "depthwise", "distributions", "dynamic_slice", "elementwise", "example",
    "factorization", "fingerprint", "gather", "image", "integrals", "io", "linalg", "lookup", "matrix_functions",
    "matrix_parts", "nn", "operators", "pooling_host", "positions", "quantized", "random", "reduction", "regex",
    "segment", "selection", "sets", "slicing", "sorting", "sparse", "special", "spectral", "standardize", "state",
    "stateless", "string_parts", "strings", "summary", "symbolic", "view", "window",
]


def _declare_rest() -> None:
    from . import accumulator, queue, reader, sobol  # noqa: F401 (few programs use them, and all would wait)


LATE.append(_declare_rest)
