"""The callbacks of a run as one.

A batch costs nothing for callbacks that do not look at batches, and the metrics are fetched only for those that do.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..legacy.log_names import Logs as OldNames
from ..nest import flatten
from .callback import Callback, Logs
from .history import History
from .progbar_logger import ProgbarLogger

Read = Callable[[], Logs]
Hook = Callable[..., None] | None


class CallbackList(Callback):
    """Tells several callbacks, in their order, of a run. `params` are handed to each."""

    def __init__(self, callbacks: Any = None, add_history: bool = False, add_progbar: bool = False, model: Any = None,
                 **params: Any):
        super().__init__()
        self.callbacks: list[Any] = [c for c in flatten(callbacks) if c is not None]
        for callback in self.callbacks:
            if not hasattr(callback, "set_model"):
                raise TypeError(f"Callbacks must be instances of keras.callbacks.Callback. Received: {callback!r}")
        self.callbacks.sort(key=lambda callback: getattr(callback, "runs_last", False))
        self._history = self._one_of(History, add_history)
        self.progress = self._one_of(ProgbarLogger, add_progbar)
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def _one_of(self, kind: type, add: bool) -> Any:
        found = next((c for c in self.callbacks if isinstance(c, kind)), None)
        if found is None and add:
            self.callbacks.append(found := kind())
        return found

    def append(self, callback: Any) -> None:
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks if params else ():
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)
            if getattr(callback, "runs_last", False):
                callback.others = self.callbacks

    def hand_on_validation_data(self, arrays: list[Any] | None) -> None:
        """Set Keras 2's `validation_data` of the callbacks."""
        for callback in self.callbacks if arrays is not None else ():
            callback.validation_data = arrays

    # batches, for the loops of fit, evaluate and predict

    def batch_hooks(self, kind: str) -> tuple[Hook, Hook]:
        """(begin(step), end(step, read)) for those who listen to batches of "train", "test" or "predict"; None where
        no one does. `read()` gives the logs."""
        progress = self.progress if self.progress is not None and self.progress.counts(kind) else None
        starts, ends = self._listeners(kind, "begin"), self._listeners(kind, "end")

        def begin(step: int) -> None:
            for listener in starts:
                listener(step, {})

        def end(step: int, read: Read) -> None:
            if ends:
                logs = OldNames(read())
                for listener in ends:
                    listener(step, logs)
            if progress is not None:
                progress.batch(step, read)

        return begin if starts else None, end if ends or progress is not None else None

    def _listeners(self, kind: str, when: str) -> list[Callable[..., None]]:
        names = [f"on_{kind}_batch_{when}", *([f"on_batch_{when}"] if kind == "train" else [])]

        def listens(callback: Any) -> bool:
            if not getattr(callback, "watches_batches", True):
                return False
            base = ProgbarLogger if isinstance(callback, ProgbarLogger) else Callback
            return any(n in vars(callback) or getattr(type(callback), n, None) is not getattr(base, n) for n in names)
        return [found for c in self.callbacks if listens(c) and (found := getattr(c, names[0], None)) is not None]

    def _tell(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            method = getattr(callback, event, None)
            if method is not None:
                method(*arguments)

    # the events, for loops of the user's own

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._tell("on_train_begin", {} if logs is None else logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._tell("on_train_end", {} if logs is None else logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._tell("on_epoch_begin", epoch, {} if logs is None else logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._tell("on_epoch_end", epoch, {} if logs is None else logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._tell("on_test_begin", {} if logs is None else logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._tell("on_test_end", {} if logs is None else logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._tell("on_predict_begin", {} if logs is None else logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._tell("on_predict_end", {} if logs is None else logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self.on_train_batch_begin(batch, logs)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.on_train_batch_end(batch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._tell("on_train_batch_begin", batch, {} if logs is None else logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._tell("on_train_batch_end", batch, {} if logs is None else logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._tell("on_test_batch_begin", batch, {} if logs is None else logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._tell("on_test_batch_end", batch, {} if logs is None else logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._tell("on_predict_batch_begin", batch, {} if logs is None else logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._tell("on_predict_batch_end", batch, {} if logs is None else logs)
