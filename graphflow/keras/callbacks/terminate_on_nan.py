"""Stopping when the loss is no number."""
from __future__ import annotations

import math

from ..utils.progbar import print_message
from .callback import Callback, Logs


class TerminateOnNaN(Callback):
    """Stop training at the first batch whose loss is NaN or infinite; with `raise_error` by a RuntimeError."""

    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            if self.raise_error:
                raise RuntimeError(f"NaN or Inf loss encountered at batch {batch}. Received: loss={loss}")
            print_message(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True
