"""The record of a run, which `fit` returns."""
from __future__ import annotations

from typing import Any

from ..legacy.log_names import Logs as OldNames
from .callback import Callback, Logs


class History(Callback):
    """`history`: each metric's values by epoch; `epoch`: their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = OldNames()
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)
        self.model.history = self
