"""Evaluating with the averages of the weights."""
from __future__ import annotations

from typing import Any

from .. import backend
from .callback import Callback, Logs


class SwapEMAWeights(Callback):
    """During evaluation and prediction the weights are the averages that an optimizer with `use_ema=True` keeps; with
    `swap_on_epoch` at the end of epochs too, for other callbacks. Raises ValueError for another optimizer."""

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._ema_weights_in_model = False

    def _pairs(self) -> list[tuple[Any, Any]]:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
        if not optimizer.use_ema:
            raise ValueError("SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. Received: "
                             f"use_ema={optimizer.use_ema}")
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        return [(v, optimizer.slot("average", v)) for v in self.model.trainable_variables]

    def _swap(self, averages: bool) -> None:
        """Make the averages the model's weights, or put its own back."""
        if averages != self._ema_weights_in_model:
            pairs = self._pairs()
            values = backend.batch_get_value([v for pair in pairs for v in reversed(pair)])
            backend.batch_set_value(list(zip([v for pair in pairs for v in pair], values, strict=True)))
            self._ema_weights_in_model = averages

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(True)
            if epoch == (self.params or {}).get("epochs", 0) - 1:  # what fit ends with are the averages
                pairs = self._pairs()
                values = backend.batch_get_value([v for v, _ in pairs])
                backend.batch_set_value(list(zip([a for _, a in pairs], values, strict=True)))

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._swap(False)
