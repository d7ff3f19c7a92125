"""The op set. Each module declares one family; importing this package declares them all."""
from . import (
    candidate,
    contraction,
    conv3d,
    ctc,
    cumulative,
    depthwise,
    elementwise,
    gather,
    nn,
    operators,
    random,
    reduction,
    slicing,
    state,
    symbolic,
    view,
    window,
)

__all__ = [
    "candidate", "contraction", "conv3d", "ctc", "cumulative", "depthwise", "elementwise", "gather", "nn",
    "operators", "random", "reduction", "slicing", "state", "symbolic", "view", "window",
]
