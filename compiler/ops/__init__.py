"""The op set. Each module declares one family; importing this package declares them all."""
from . import (
    contraction,
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

__all__ = ["contraction", "elementwise", "gather", "nn", "operators", "random", "reduction", "slicing", "state",
           "symbolic", "view", "window"]
