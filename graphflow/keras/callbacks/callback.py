"""The base class of callbacks."""
from __future__ import annotations

from typing import Any

Logs = dict[str, Any]


class Callback:
    """Base class: every method does nothing. `model` and `params` (verbose, epochs, steps) are set before a run.

    `validation_data` is, for validation on arrays, the list of inputs, targets and weights, as Keras 2 had it.
    """

    params: dict[str, Any] | None = None
    validation_data: list[Any] | None = None
    watches_batches = True  # False: what the class does at batches is not needed now, so that they cost nothing
    runs_last = False  # whether it is told after all others, whatever their order
    counted: tuple[str, ...] = ()  # the attributes that a backup keeps: numbers, and lists of arrays
    _model: Any = None

    def __init__(self) -> None:
        self.params = None

    @property
    def model(self) -> Any:
        return self._model

    @model.setter
    def model(self, value: Any) -> None:
        self._model = value

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self._model = model

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
        """After a batch of a prediction: `logs` holds its `outputs`."""
