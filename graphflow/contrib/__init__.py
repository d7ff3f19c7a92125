"""`tf.contrib`: the parts of TensorFlow 1's contrib that programs use. A submodule is loaded when it is first used."""
from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import Any

# what has moved to the top level since
_MOVED = {"autograph": "autograph", "feature_column": "feature_column", "hooks": "train", "keras": "keras",
          "linalg": "linalg", "optimizer_v2": "train", "signal": "signal", "stateless": "random_philox"}


def __getattr__(name: str) -> Any:
    module = f"{__name__}.{name}"
    if name in _MOVED:
        return importlib.import_module(f"{__package__.partition('.')[0]}.{_MOVED[name]}")
    if not name.startswith("_") and importlib.util.find_spec(module) is not None:
        return importlib.import_module(module)
    raise AttributeError(f"tf.contrib.{name} is not in graphflow; there are: {', '.join(__dir__())}", name=name)


def __dir__() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
