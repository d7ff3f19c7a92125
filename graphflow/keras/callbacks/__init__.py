"""Callbacks: what is told of a training run as it goes on."""
from __future__ import annotations

from typing import Any

from ...lazy import Names

_names = Names(globals(), {
    "backup_and_restore": "BackupAndRestore",
    "callback": "Callback",
    "callback_list": "CallbackList",
    "csv_logger": "CSVLogger",
    "early_stopping": "EarlyStopping",
    "history": "History",
    "lambda_callback": "LambdaCallback",
    "learning_rate_scheduler": "LearningRateScheduler",
    "model_checkpoint": "ModelCheckpoint",
    "monitor_callback": "MonitorCallback",
    "progbar_logger": "ProgbarLogger",
    "reduce_lr_on_plateau": "ReduceLROnPlateau",
    "remote_monitor": "RemoteMonitor",
    "swap_ema_weights": "SwapEMAWeights",
    "tensorboard": "TensorBoard",
    "terminate_on_nan": "TerminateOnNaN",
})
__all__ = _names.own()


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return _names.all()
