"""The progress bar of a run."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..utils.progbar import Progbar, print_message
from .callback import Callback, Logs


class ProgbarLogger(Callback):
    """Shows the steps of a run and its metrics. Validation within an epoch is silent."""

    def __init__(self, count_mode: str = "steps", stateful_metrics: Any = None):
        super().__init__()
        self.target: int | None = None
        self.verbose, self.epochs = 1, 1
        self.seen = 0
        self.progbar: Progbar | None = None
        self._called_in_fit = False
        self._next = 0.0

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs, self.target = params.get("epochs", 1), params.get("steps")

    def counts(self, kind: str) -> bool:
        """Whether these batches ("train", "test", "predict") move the bar."""
        return kind != "test" or not self._called_in_fit

    def _start(self) -> None:
        self.seen, self._next = 0, 0.0
        self.progbar = Progbar(self.target, verbose=self.verbose, stateless_metrics=())

    def batch(self, step: int, read: Callable[[], Logs]) -> None:
        """Redraw when it is time: the metrics are read only then."""
        now = time.perf_counter()
        self.seen = step + 1
        if now < self._next or self.progbar is None or not self.progbar.live:
            return
        self._next = now + self.progbar.interval
        self.progbar.update(self.seen, list(read().items()), finalize=False)

    def _finish(self, logs: Logs | None) -> None:
        if self.progbar is None:
            self._start()
        assert self.progbar is not None
        if self.target is None:
            self.target = self.progbar.target = self.seen
        self.progbar.update(self.seen or self.target, list((logs or {}).items()), finalize=True)
        self.progbar = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._called_in_fit = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._called_in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start()
        if self.verbose and self.epochs > 1:
            print_message(f"Epoch {epoch + 1}/{self.epochs}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._called_in_fit:
            self._start()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._called_in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._start()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._finish(None)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.batch(batch, lambda: logs or {})

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._called_in_fit:
            self.batch(batch, lambda: logs or {})

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.batch(batch, dict)
