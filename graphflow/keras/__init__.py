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
    tree,
    utils,
)
from .dtype_policies import DTypePolicy, FloatDTypePolicy
from .initializers import Initializer
from .layers import Input, InputSpec, Layer
from .layers.node import KerasTensor
from .losses import Loss
from .metrics import Metric
from .models import Model, Sequential
from .models.function import Function
from .ops.operation import Operation
from .optimizers import Optimizer
from .regularizers import Regularizer
from .rematerialization import RematScope, remat
from .scopes import StatelessScope, SymbolicScope, device, name_scope
from .variables import Variable

_names = Names(globals(), {"wrappers": "wrappers",  # scikit-learn takes long to import
                           "distillation": "distillation", "export": "export",
                           "distribution": "distribution=module", "quantizers": "quantizers Quantizer",
                           "visualization": "visualization"})


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return _names.all()


__version__ = "3.15.1"  # the Keras release whose interface and files these are


def version() -> str:
    """The Keras release whose interface this is."""
    return __version__


__all__ = [
    "DTypePolicy", "FloatDTypePolicy", "Function", "Initializer", "Input", "InputSpec", "KerasTensor", "Layer", "Loss",
    "Metric", "Model", "Operation", "Optimizer", "Regularizer", "RematScope", "Sequential", "StatelessScope",
    "SymbolicScope", "Variable", "activations", "applications", "backend", "callbacks", "config", "constraints",
    "datasets", "device", "dtype_policies", "initializers", "layers", "losses", "metrics", "mixed_precision", "models",
    "name_scope", "ops", "optimizers", "preprocessing", "random", "regularizers", "remat", "saving", "tree", "utils",
    "version",
]
