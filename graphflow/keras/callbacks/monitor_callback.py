"""The base class of callbacks that compare a metric with the best so far."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...compiler.site import warn
from .callback import Callback

UP = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "sensitivity", "specificity", "similarity",
      "true_positives", "true_negatives")
DOWN = ("loss", "error", "mse", "mae", "mape", "msle", "crossentropy", "hinge", "divergence", "kld", "poisson",
        "log_cosh", "logcosh", "false_positives", "false_negatives")


class MonitorCallback(Callback):
    """`mode` says whether a metric should fall ("min") or grow ("max"); with "auto" its name and class tell.

    `baseline` is what the first value has to beat, and an improvement must exceed `min_delta`.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None,
                 min_delta: float = 0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warn(f"{type(self).__name__} mode '{mode}' is unknown, fallback to auto mode.")
            mode = "auto"
        self.monitor, self.mode = monitor, mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def _set_monitor_op(self) -> None:
        """Raises ValueError where the direction cannot be told."""
        upward = self.mode == "max" if self.mode != "auto" else self._grows()
        self.monitor_op = np.greater if upward else np.less
        if not upward:
            self.min_delta *= -1

    def _grows(self) -> bool:
        name = self.monitor.removeprefix("val_")
        known = (m for metric in getattr(self.model, "metrics", ()) for m in getattr(metric, "metrics", [metric]))
        metric = next((m for m in known if m.name == name), None)
        direction = getattr(metric, "_direction", None)
        if direction is not None:
            return direction == "up"
        words = f"{name} {getattr(getattr(metric, '_fn', metric), '__name__', type(metric).__name__)}".lower()
        if any(word in words for word in DOWN):
            return False
        if any(word in words for word in UP):
            return True
        raise ValueError(f"{type(self).__name__} callback received monitor={self.monitor}, but Keras isn't able to "
                         "automatically determine whether that metric should be maximized or minimized. Pass "
                         "`mode='max'` in order to monitor based on the highest metric value, or pass `mode='min'` "
                         "in order to use the lowest value.")

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        if self.monitor_op is None:  # at the first value: then the model's metrics are known
            self._set_monitor_op()
        assert self.monitor_op is not None
        return reference is None or bool(self.monitor_op(value - self.min_delta, reference))
