"""`keras.config`: Keras's global settings."""
from __future__ import annotations

from typing import Any

from ..tracebacks import disable_traceback_filtering, enable_traceback_filtering, is_traceback_filtering_enabled
from .backend import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from .dtype_policies import dtype_policy, set_dtype_policy
from .saving.serialization import enable_unsafe_deserialization

__all__ = [
    "backend", "disable_flash_attention", "disable_interactive_logging", "disable_traceback_filtering", "dtype_policy",
    "enable_flash_attention", "enable_interactive_logging", "enable_traceback_filtering",
    "enable_unsafe_deserialization", "epsilon", "floatx", "image_data_format", "is_flash_attention_enabled",
    "is_interactive_logging_enabled", "is_nnx_enabled", "is_traceback_filtering_enabled", "max_epochs",
    "max_steps_per_epoch", "set_backend", "set_dtype_policy", "set_epsilon", "set_floatx", "set_image_data_format",
    "set_max_epochs", "set_max_steps_per_epoch",
]

_settings: dict[str, Any] = {"interactive_logging": True, "flash_attention": False,
                             "max_epochs": None, "max_steps_per_epoch": None}


def set_backend(backend: str) -> None:
    """Raises ValueError for every backend but the one there is: graphflow's graphs, by the name of TensorFlow's."""
    if backend not in ("tensorflow", "graphflow"):
        raise ValueError(f"Keras runs on graphflow's graphs here, whose name is 'tensorflow'. Received: {backend!r}")


def enable_interactive_logging() -> None:
    """Show progress in place, on standard output (the default)."""
    _settings["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Show progress through `logging`, as logs of batch jobs want it."""
    _settings["interactive_logging"] = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress goes to the terminal rather than to the log."""
    return _settings["interactive_logging"]


def enable_flash_attention() -> None:
    """Note that attention may be computed by blocks; on a CPU it is one fused loop in any case."""
    _settings["flash_attention"] = True


def disable_flash_attention() -> None:
    """Ask layers not to use flash attention: a setting that is kept, since attention is one kernel either way."""
    _settings["flash_attention"] = False


def is_flash_attention_enabled() -> bool:
    """What was last set with `enable_flash_attention` or `disable_flash_attention`."""
    return _settings["flash_attention"]


def is_nnx_enabled() -> bool:
    """Whether variables are those of JAX's NNX: never."""
    return False


def max_epochs() -> int | None:
    """The number of epochs after which every `fit` ends, None for no limit."""
    return _settings["max_epochs"]


def set_max_epochs(max_epochs: int | None) -> None:
    """Limit the epochs of every `fit`."""
    _settings["max_epochs"] = _limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The number of batches after which every epoch ends, None for no limit."""
    return _settings["max_steps_per_epoch"]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limit the batches of every epoch, of `evaluate` and of `predict`."""
    _settings["max_steps_per_epoch"] = _limit("max_steps_per_epoch", max_steps_per_epoch)


def _limit(name: str, value: int | None) -> int | None:
    if value is not None and (not isinstance(value, int) or value < 1):
        raise ValueError(f"`{name}` must be a positive integer or None. Received: {value!r}")
    return value
