"""Arguments that many layers share: their checks, and how they stand in a config."""
from __future__ import annotations

from typing import Any

from .. import activations, backend, constraints, initializers, regularizers

_KINDS = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


def pair(value: Any, name: str) -> tuple[int, int]:
    """One or two positive integers as a pair. Raises ValueError."""
    items = tuple(value) if hasattr(value, "__iter__") else (value, value)
    if len(items) != 2 or not all(hasattr(v, "__index__") and v > 0 for v in items):
        raise ValueError(f"The `{name}` argument must be a positive integer or a tuple of 2 positive integers. "
                         f"Received: {name}={value}")
    return int(items[0]), int(items[1])


def padding_word(value: str) -> str:
    """"valid" or "same". Raises ValueError."""
    word = str(value).lower()
    if word not in ("valid", "same"):
        raise ValueError(f"The `padding` argument must be 'valid' or 'same'. Received: padding={value!r}")
    return word


def data_format_word(value: str | None) -> str:
    """"channels_last" or "channels_first"; None is the global setting. Raises ValueError."""
    word = backend.image_data_format() if value is None else str(value).lower()
    if word not in ("channels_last", "channels_first"):
        raise ValueError("The `data_format` argument must be 'channels_last' or 'channels_first'. "
                         f"Received: data_format={value!r}")
    return word


def take_weight_arguments(layer: Any, **arguments: Any) -> None:
    """Keep `kernel_initializer=...` and the like as objects, found by their names or configs."""
    for name, value in arguments.items():
        setattr(layer, name, _KINDS[name.rpartition("_")[2]].get(value))


def weight_config(layer: Any, *names: str) -> dict[str, Any]:
    """These arguments as plain data."""
    return {name: _KINDS[name.rpartition("_")[2]].serialize(getattr(layer, name)) for name in names}


def activation_config(layer: Any) -> dict[str, Any]:
    return {"activation": activations.serialize(layer.activation)}
