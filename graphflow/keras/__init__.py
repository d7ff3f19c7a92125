"""Keras on graphflow: models, layers, losses, metrics, optimizers, data sets and files, as in Keras 3."""
from typing import Any

from ..lazy import Names
from . import (
    activations,
    applications,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    ops,
    optimizers,
    preprocessing,
    random,
    regularizers,
    saving,
    utils,
)
from .dtype_policies import DTypePolicy, FloatDTypePolicy
from .layers import Input, InputSpec, Layer
from .losses import Loss
from .metrics import Metric
from .models import Model, Sequential
from .optimizers import Optimizer
from .variables import Variable

_names = Names(globals(), {"wrappers": "wrappers"})  # scikit-learn takes long to import


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return _names.all()


__version__ = "3.15.1"  # the Keras release whose interface and files these are

__all__ = [
    "DTypePolicy", "FloatDTypePolicy", "Input", "InputSpec", "Layer", "Loss", "Metric", "Model", "Optimizer",
    "Sequential", "Variable", "activations", "applications", "backend", "callbacks", "config", "constraints",
    "datasets", "dtype_policies", "initializers", "layers", "losses", "metrics", "mixed_precision", "models", "ops",
    "optimizers", "preprocessing", "random", "regularizers", "saving", "utils",
]
