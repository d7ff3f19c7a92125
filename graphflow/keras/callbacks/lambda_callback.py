"""Functions as a callback."""
from __future__ import annotations

from collections.abc import Callable

from .callback import Callback


class LambdaCallback(Callback):
    """`LambdaCallback(on_epoch_end=lambda epoch, logs: ...)`: any of the events by name. Raises TypeError for another
    name."""

    def __init__(self, on_epoch_begin: Callable[..., object] | None = None,
                 on_epoch_end: Callable[..., object] | None = None,
                 on_train_begin: Callable[..., object] | None = None,
                 on_train_end: Callable[..., object] | None = None,
                 on_train_batch_begin: Callable[..., object] | None = None,
                 on_train_batch_end: Callable[..., object] | None = None, **kwargs: Callable[..., object] | None):
        super().__init__()
        functions = {"on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_begin": on_train_begin,
                     "on_train_end": on_train_end, "on_train_batch_begin": on_train_batch_begin,
                     "on_train_batch_end": on_train_batch_end, **kwargs}
        for name, function in functions.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise TypeError(f"LambdaCallback: unknown event {name!r}")
            if function is not None:
                setattr(self, name, function)
