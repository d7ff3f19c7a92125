"""A learning rate for each epoch."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import backend
from ..utils.progbar import print_message
from ..variables import Variable
from .callback import Callback, Logs


def rate_of(optimizer: Any) -> float:
    """The present learning rate."""
    return float(backend.eval(getattr(optimizer, _attribute(optimizer))))


def set_rate(optimizer: Any, rate: float) -> None:
    """Make it the learning rate from now on."""
    held = getattr(optimizer, _attribute(optimizer))
    if isinstance(held, Variable):
        held.assign(rate)
    else:
        setattr(optimizer, _attribute(optimizer), rate)


def _attribute(optimizer: Any) -> str:
    """What an optimizer calls its rate: those that programs wrote for Keras 2 say `lr`."""
    return "learning_rate" if hasattr(optimizer, "learning_rate") else "lr"


class LearningRateScheduler(Callback):
    """Before each epoch the rate becomes `schedule(epoch, rate)` (or `schedule(epoch)`), a float. Raises ValueError
    for another result."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        if not hasattr(optimizer, _attribute(optimizer)):
            raise ValueError('Optimizer must have a "learning_rate" attribute.')
        rate = self.schedule(epoch, rate_of(optimizer)) if _takes_two(self.schedule) else self.schedule(epoch)
        if not isinstance(rate, (float, np.floating)):
            raise ValueError(f"The output of the `schedule` function should be a float. Got: {rate}")
        set_rate(optimizer, float(rate))
        if self.verbose > 0:
            print_message(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = rate_of(self.model.optimizer)


def _takes_two(schedule: Callable[..., float]) -> bool:
    try:
        inspect.signature(schedule).bind(0, 0.0)
    except (TypeError, ValueError):
        return False
    return True
