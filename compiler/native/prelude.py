"""The names generated kernels import."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .halves import *  # noqa: F401,F403
from .memory import *  # noqa: F401,F403
from .rng import *  # noqa: F401,F403
from .vecmath import *  # noqa: F401,F403


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Marks the function of a module's text that is to be translated (translate.py)."""
    return function
