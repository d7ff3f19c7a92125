"""Keras on graphflow: models, layers, losses, metrics, optimizers, data sets and files, as in Keras 3."""
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

__version__ = "3.15.1"  # the Keras release whose interface and files these are

__all__ = [
    "DTypePolicy", "FloatDTypePolicy", "Input", "InputSpec", "Layer", "Loss", "Metric", "Model", "Optimizer",
    "Sequential", "Variable", "activations", "applications", "backend", "callbacks", "config", "constraints",
    "datasets", "dtype_policies", "initializers", "layers", "losses", "metrics", "mixed_precision", "models", "ops",
    "optimizers", "random", "regularizers", "saving", "utils",
]
