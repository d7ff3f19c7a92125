"""The op set. Each module declares one family; importing this package declares them all."""
from . import (
    candidate,
    contraction,
    ctc,
    cumulative,
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

__all__ = ["candidate", "contraction", "ctc", "cumulative", "elementwise", "gather", "nn", "operators", "random",
           "reduction", "slicing", "state", "symbolic", "view", "window"]
