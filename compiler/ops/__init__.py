"""The op set. Each module declares one family; importing this package declares them all."""
from . import (
    contraction,
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

__all__ = ["contraction", "cumulative", "elementwise", "gather", "nn", "operators", "random", "reduction", "slicing",
           "state", "symbolic", "view", "window"]
