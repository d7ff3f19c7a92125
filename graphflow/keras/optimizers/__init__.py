"""Keras's optimizers."""
from __future__ import annotations

import sys
from typing import Any

from ...training.optimizer import Optimizer as TrainOptimizer
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..utils.lookup import lookup
from . import legacy, schedules
from .adam import Adam
from .adaptive import Adadelta, Adafactor, Adagrad, Adamax, AdamW, Ftrl, Lamb, Lion, Nadam
from .loss_scale import LossScaleOptimizer
from .multi import MultiOptimizer, OptimizerMap
from .muon import Muon, ScheduleFreeAdamW
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .schedules import LearningRateSchedule
from .sgd import SGD
from .tf_optimizer import TFOptimizer

__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "LearningRateSchedule",
    "Lion", "LossScaleOptimizer", "MultiOptimizer", "Muon", "Nadam", "Optimizer", "OptimizerMap", "RMSprop",
    "ScheduleFreeAdamW", "TFOptimizer", "adadelta", "adagrad", "adam", "adamax", "deserialize", "get", "legacy",
    "nadam", "rmsprop", "schedules", "serialize", "sgd",
]

_OBJECTS: dict[str, Any] = {name: c for c in (
    SGD, Adam, RMSprop, Adadelta, Adafactor, Adagrad, Adamax, AdamW, Ftrl, Lamb, Lion, Nadam, Muon, ScheduleFreeAdamW,
    LossScaleOptimizer, MultiOptimizer, OptimizerMap) for name in (c.__name__, c.__name__.lower())}

experimental = sys.modules[__name__]  # where TensorFlow 2 had those that are these now
# Keras 2's names of the classes
sgd, rmsprop, adagrad, adadelta, adam, adamax, nadam = SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam


def get(identifier: Any) -> Any:
    """The optimizer for a name, config or instance; one of TensorFlow 1's is wrapped."""
    if isinstance(identifier, TrainOptimizer):
        return TFOptimizer(identifier)
    found = lookup("optimizer", identifier.lower() if isinstance(identifier, str) else identifier, _OBJECTS)
    if found is not None and not isinstance(found, Optimizer):
        raise ValueError(f"Could not interpret optimizer identifier: {identifier!r}")
    return found


def serialize(optimizer: Any) -> Any:
    """The optimizer as plain data."""
    return serialize_keras_object(optimizer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The optimizer that plain data describe. The case of a class's name does not matter: it is made lower, as Keras
    does, in `config` too.
    """
    if isinstance(config, dict) and str(config.get("class_name")).lower() in _OBJECTS:
        config["class_name"] = config["class_name"].lower()
    return deserialize_keras_object(config, custom_objects, module_objects=_OBJECTS)
