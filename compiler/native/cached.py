"""Compilation of functions that Numba's disk cache holds from then on, and that load from it without its compiler."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys
from numba.core.sigutils import normalize_signature

rtsys.initialize(cpu_target.target_context)  # the allocator that parallel regions link to


class Cache(FunctionCache):
    """Numba's, but for one thing: what is in it loads without the implementations of Python's and NumPy's functions,
    which take 0.2 s to import (0.35 s with SciPy, whose BLAS Numba looks for). Compiling imports them by itself."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


def c_function(signature: str, **options: Any) -> Callable[[Callable[..., Any]], CFunc]:
    """As numba.cfunc with cache=True."""
    def compile(function: Callable[..., Any]) -> CFunc:
        compiled: Any = CFunc(function, normalize_signature(signature), locals={}, options=options)
        compiled._cache = Cache(function)
        compiled.compile()
        return compiled

    return compile


def native(signature: str, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """As numba.njit with cache=True and nogil=True."""
    def compile(function: Callable[..., Any]) -> Any:
        dispatcher = njit(nogil=True, **options)(function)
        dispatcher._cache = Cache(function)
        dispatcher.compile(signature)
        dispatcher.disable_compile()
        return dispatcher

    return compile
