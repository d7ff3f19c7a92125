"""The names generated kernels import, and the one decorator that compiles them."""
from __future__ import annotations

from .cached import c_function
from .memory import *  # noqa: F401,F403
from .rng import *  # noqa: F401,F403
from .vecmath import *  # noqa: F401,F403

SIGNATURE = "void(int64, int64, int64, int64, int64)"
# NaN and infinity must survive: neither nnan nor ninf; divisions by zero give infinity, not an exception
FASTMATH = {"contract", "reassoc", "nsz", "arcp"}

compiled = c_function(SIGNATURE, fastmath=FASTMATH, error_model="numpy")
