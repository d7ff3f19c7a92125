"""Keras's optimizers."""
from __future__ import annotations

from typing import Any

from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..utils.lookup import lookup
from . import schedules
from .adam import Adam
from .adaptive import Adadelta, Adafactor, Adagrad, Adamax, AdamW, Ftrl, Lamb, Lion, Nadam
from .muon import Muon, ScheduleFreeAdamW
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .schedules import LearningRateSchedule
from .sgd import SGD

__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "LearningRateSchedule",
    "Lion", "Muon", "Nadam", "Optimizer", "RMSprop", "ScheduleFreeAdamW", "deserialize", "get", "schedules",
    "serialize",
]

_OBJECTS: dict[str, Any] = {name: c for c in (
    SGD, Adam, RMSprop, Adadelta, Adafactor, Adagrad, Adamax, AdamW, Ftrl, Lamb, Lion, Nadam, Muon, ScheduleFreeAdamW)
    for name in (c.__name__, c.__name__.lower())}


def get(identifier: Any) -> Any:
    """The optimizer for a name, config or instance."""
    return lookup("optimizer", identifier.lower() if isinstance(identifier, str) else identifier, _OBJECTS)


def serialize(optimizer: Any) -> Any:
    return serialize_keras_object(optimizer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    return deserialize_keras_object(config, custom_objects, _OBJECTS)
