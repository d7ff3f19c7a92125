# ruff: noqa: F401 (this module is the list of names)
"""`tf.contrib.slim`: contrib's layers, argument scopes and variables under one name, and a training loop."""
from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from .. import framework as _framework
from .. import layers as _layers
from ..framework import add_arg_scope, arg_scope
from ..layers import utils

_MODULES = {"layers": "..layers", "learning": ".learning", "evaluation": ".evaluation", "losses": "..losses",
            "metrics": "..metrics", "model_analyzer": ".model_analyzer", "nets": ".nets",
            **dict.fromkeys(("data_decoder", "tfexample_decoder"), ".decoding"),
            **dict.fromkeys(("data_provider", "dataset", "dataset_data_provider", "parallel_reader", "prefetch_queue",
                             "queues"), ".providing")}


def __getattr__(name: str) -> Any:
    if name in _MODULES and importlib.util.find_spec(_MODULES[name], __name__) is not None:
        return importlib.import_module(_MODULES[name], __name__)
    for module in (_layers, _framework):
        if not name.startswith("_") and hasattr(module, name):
            value = globals()[name] = getattr(module, name)
            return value
    raise AttributeError(f"tf.contrib.slim.{name} is not in graphflow", name=name)


def __dir__() -> list[str]:
    return sorted({*dir(_layers), *dir(_framework), *_MODULES})
