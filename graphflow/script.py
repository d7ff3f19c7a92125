"""`python -m graphflow run script.py [args]`: a TensorFlow 1 or Keras program, untouched."""
from __future__ import annotations

import collections
import collections.abc
import ctypes
import functools
import gc
import inspect
import os
import runpy
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import aliases
from .internal import getargspec
from .written_for import runs_at_once

# names that NumPy, and Python's library, had when such programs were written (numpy.org/doc/stable/release)
_NUMPY = {"bool": bool, "int": int, "float": float, "complex": complex, "object": object, "str": str, "long": int,
          "unicode": str, "float_": np.float64, "complex_": np.complex128, "unicode_": np.str_, "string_": np.bytes_,
          "NaN": np.nan, "NAN": np.nan, "Inf": np.inf, "Infinity": np.inf, "PINF": np.inf, "NINF": -np.inf,
          "infty": np.inf, "product": np.prod, "cumproduct": np.cumprod, "sometrue": np.any, "alltrue": np.all,
          "row_stack": np.vstack, "in1d": np.isin, "asscalar": lambda a: a.item(),
          "trapz": getattr(np, "trapezoid", None)}
_METHODS = {"tostring": lambda array, order="C": array.tobytes(order),
            "ptp": lambda array, *args, **kwargs: np.ptp(array, *args, **kwargs)}


def _as_before(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy 1's `array` or `asarray`: copy=False copies where it must, and sequences of different lengths become an
    array of objects."""
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("copy", True) is False:
            kwargs["copy"] = None
        try:
            return function(*args, **kwargs)
        except ValueError as error:
            if "inhomogeneous" not in str(error) or len(args) > 1 or kwargs.get("dtype") is not None:
                raise
            return function(*args, **{**kwargs, "dtype": object})
    return call


def run(path: str, arguments: Sequence[str] = (), module: bool = False, eager: bool | None = None) -> None:
    """Run a script (or, as `python -m` does, a module) with `tensorflow` and `keras` being graphflow; with `eager`, as
    TensorFlow 2 would, where operations run at once (None: if the script reads as one for that). Raises whatever the
    program raises."""
    prepare(2 if (runs_at_once(path) if eager is None else eager) else 1)
    sys.argv = [path, *arguments]
    sys.path[0] = os.getcwd() if module else os.path.dirname(os.path.abspath(path))
    if module:
        runpy.run_module(path, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(path, run_name="__main__")


def prepare(major: int = 1) -> None:
    """Make this process one in which programs for TensorFlow `major` run."""
    aliases.install(major)
    if major == 2:
        from .eager_mode import enable_v2_behavior  # which loads the runtime
        enable_v2_behavior()
    restore_names()


def restore_names() -> None:
    """Put back what NumPy and Python's library have removed since, where nothing stands in its place."""
    for name, value in _NUMPY.items():
        if value is not None and name not in np.__dict__:
            setattr(np, name, value)
    for name in ("array", "asarray"):
        if not hasattr(getattr(np, name), "__wrapped__"):
            setattr(np, name, _as_before(getattr(np, name)))
    for kind in (np.ndarray, np.generic):  # built-in types: only their own dictionaries take further methods
        methods = gc.get_referents(kind.__dict__)[0]
        for name, method in _METHODS.items():
            methods.setdefault(name, method)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
    for name in collections.abc.__all__:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    if not hasattr(inspect, "getargspec"):
        inspect.getargspec = getargspec  # type: ignore[attr-defined]
    if not hasattr(time, "clock"):
        time.clock = time.perf_counter  # type: ignore[attr-defined]
