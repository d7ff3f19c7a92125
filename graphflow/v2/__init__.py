"""TensorFlow 2: TensorFlow 1's names, and what some of them mean since.

It is `tf.compat.v2`, and `tensorflow` in a script for TensorFlow 2 that `python -m graphflow run` runs.
"""
from __future__ import annotations

import importlib
import sys
from typing import Any

from ..indexing import where_v2

_v1 = sys.modules[__package__.rpartition(".")[0]]
_KERAS = ("initializers", "losses", "metrics", "optimizers")  # Keras's since
_OWN = ("image", "nn", "random")  # with functions that take other arguments

MODULES = (*_KERAS, *_OWN)

where = where_v2


def __getattr__(name: str) -> Any:
    if name in _KERAS:
        return importlib.import_module(f"{_v1.__name__}.keras.{name}")
    if name in _OWN:
        return importlib.import_module(f"{__name__}.{name}")
    return getattr(_v1, name)


def __dir__() -> list[str]:
    return sorted({"where", *MODULES, *dir(_v1)})
