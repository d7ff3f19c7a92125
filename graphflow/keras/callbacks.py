"""Callbacks: what is told of a training run as it goes on.

A batch costs nothing for callbacks that do not look at batches, and the metrics are fetched only for those that do.
"""
from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .utils.progbar import Progbar, print_message

Logs = dict[str, Any]
Read = Callable[[], Logs]


class Callback:
    """Base class: every method does nothing. `model` and `params` are set before a run."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.model: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self.model = model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch (counted from 0)."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After a prediction."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Keras 2's name for on_train_batch_begin."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Keras 2's name for on_train_batch_end."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of an evaluation."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of a prediction."""


class CallbackList:
    """The callbacks of one run, with the History and the progress bar that Keras adds."""

    def __init__(self, callbacks: Any = None, add_history: bool = False, model: Any = None, verbose: int = 0,
                 epochs: int = 1, steps: int | None = None):
        given = list(callbacks) if isinstance(callbacks, (list, tuple)) else [] if callbacks is None else [callbacks]
        for callback in given:
            if not isinstance(callback, Callback):
                raise TypeError(f"Callbacks must be instances of keras.callbacks.Callback. Received: {callback!r}")
        if add_history:
            history = next((c for c in given if isinstance(c, History)), None) or History()
            if history not in given:
                given.append(history)
            model.history = history
        self.callbacks = given
        self.progress = ProgbarLogger(steps, epochs, verbose) if verbose else None
        params = {"verbose": verbose, "epochs": epochs, "steps": steps}
        for callback in given:
            callback.set_params(params)
            callback.set_model(model)
        self.train_batches = self._batch_hooks("train", "batch")
        self.test_batches = self._batch_hooks("test", shown=not add_history)
        self.predict_batches = self._batch_hooks("predict")

    def _batch_hooks(self, kind: str, old: str | None = None, shown: bool = True) -> tuple[Any, Any]:
        """(begin(step), end(step, read)) for those who listen to batches, None where no one does. `shown`: whether the
        progress bar counts these batches (not those of the validation within an epoch)."""
        def listeners(when: str) -> list[Callable[..., None]]:
            names = [f"on_{kind}_batch_{when}", *([f"on_{old}_{when}"] if old else [])]
            return [getattr(c, names[0]) for c in self.callbacks if any(
                n in vars(c) or getattr(type(c), n) is not getattr(Callback, n) for n in names)]

        starts, ends, progress = listeners("begin"), listeners("end"), self.progress if shown else None

        def begin(step: int) -> None:
            for listener in starts:
                listener(step, {})

        def end(step: int, read: Read) -> None:
            if ends:
                logs = read()
                for listener in ends:
                    listener(step, dict(logs))
            if progress is not None:
                progress.batch(step, read)

        return begin if starts else None, end if ends or progress is not None else None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._tell("on_train_begin", logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._tell("on_train_end", logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.progress is not None:
            self.progress.begin(epoch)
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self.progress is not None:
            self.progress.end(logs)
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._tell("on_test_begin", logs, starts=True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._tell("on_test_end", logs, ends=True)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._tell("on_predict_begin", logs, starts=True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._tell("on_predict_end", logs, ends=True)

    def _tell(self, event: str, logs: Logs | None, starts: bool = False, ends: bool = False) -> None:
        own = self.progress is not None and not self.progress.in_epoch
        if starts and own and self.progress is not None:
            self.progress.begin(None)
        for callback in self.callbacks:
            getattr(callback, event)(logs or {})
        if ends and self.progress is not None and self.progress.alone:
            self.progress.end(logs or {})


class ProgbarLogger:
    """The progress bar of a run."""

    def __init__(self, steps: int | None, epochs: int, verbose: int):
        self.steps, self.epochs, self.verbose = steps, epochs, verbose
        self.in_epoch = self.alone = False
        self._bar: Progbar | None = None
        self._next = 0.0
        self._done = 0

    def begin(self, epoch: int | None) -> None:
        """`epoch` None: an evaluation or prediction of its own."""
        if epoch is not None and self.epochs > 1:
            print_message(f"Epoch {epoch + 1}/{self.epochs}")
        self.in_epoch, self.alone = epoch is not None, epoch is None
        self._bar = Progbar(self.steps, verbose=self.verbose)
        self._next, self._done = 0.0, 0

    def batch(self, step: int, read: Read) -> None:
        """Redraw when it is time: the metrics are read only then."""
        now = time.perf_counter()
        self._done = step + 1
        if now < self._next or self._bar is None or not self._bar.live:
            return
        self._next = now + self._bar.interval
        self._bar.update(step + 1, list(read().items()), finalize=False)

    def end(self, logs: Logs) -> None:
        if self._bar is not None:
            self._bar.update(self._done, list(logs.items()), finalize=True)
        self.in_epoch = self.alone = False
        self._bar = None


class History(Callback):
    """`history`: each metric's values by epoch; `epoch`: their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)


class LambdaCallback(Callback):
    """Functions as a callback: `LambdaCallback(on_epoch_end=lambda epoch, logs: ...)`."""

    def __init__(self, **functions: Callable[..., None]):
        super().__init__()
        for name, function in functions.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise TypeError(f"LambdaCallback: unknown event {name!r}")
            if function is not None:
                setattr(self, name, function)


class _Monitor(Callback):
    """A callback that compares a metric with the best so far."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0, best: float | None = None):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"`mode` must be 'auto', 'min' or 'max'. Received: mode={mode!r}")
        grows = any(word in monitor for word in ("acc", "auc", "precision", "recall", "f1"))
        upward = mode == "max" or mode == "auto" and grows
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(min_delta)
        self._sign = 1.0 if upward else -1.0
        self.best = best

    def improves(self, value: float, on: float | None) -> bool:
        return on is None or self._sign * (value - on) > self.min_delta

    def value(self, logs: Logs | None) -> float | None:
        """The monitored metric; warns when there is none."""
        found = (logs or {}).get(self.monitor)
        if found is None:
            warnings.warn(f"{type(self).__name__} conditioned on metric `{self.monitor}` which is not available. "
                          f"Available metrics are: {','.join(logs or {})}", stacklevel=3)
        return found


class EarlyStopping(_Monitor):
    """Stop when a metric has not improved for `patience` epochs."""

    def __init__(self, monitor: str = "val_loss", min_delta: float = 0, patience: int = 0, verbose: int = 0,
                 mode: str = "auto", baseline: float | None = None, restore_best_weights: bool = False,
                 start_from_epoch: int = 0):
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: Sequence[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self.value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.improves(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.improves(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            print_message(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print_message("Restoring model weights from the end of the best epoch: "
                              f"{self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class ModelCheckpoint(_Monitor):
    """Save the model after each epoch, or only when a metric is the best so far.

    `filepath` may name the epoch and metrics: "model-{epoch:02d}-{val_loss:.2f}.keras".
    """

    def __init__(self, filepath: Any, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
                 save_weights_only: bool = False, mode: str = "auto", save_freq: str = "epoch",
                 initial_value_threshold: float | None = None):
        super().__init__(monitor, mode, 0.0, initial_value_threshold)
        if save_freq != "epoch":
            raise ValueError(f"ModelCheckpoint: save_freq must be 'epoch'. Received: save_freq={save_freq!r}")
        self.filepath, self.verbose = str(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        path = self.filepath.format(epoch=epoch + 1, **(logs or {}))
        if self.save_best_only:
            current = self.value(logs)
            if current is None or not self.improves(current, self.best):
                return
            self.best = current
        if self.verbose:
            print_message(f"Epoch {epoch + 1}: saving model to {path}")
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)
