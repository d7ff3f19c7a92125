"""Arguments that many layers share: their checks, and how they stand in a config."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.view import transpose
from .. import activations, backend, constraints, initializers, regularizers

_KINDS = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


def sizes(value: Any, rank: int, name: str, minimum: int = 1) -> tuple[int, ...]:
    """One integer for all axes or one for each of `rank`, as a tuple. Raises ValueError."""
    items = tuple(value) if hasattr(value, "__iter__") else (value,) * rank
    if len(items) != rank or not all(hasattr(v, "__index__") and v >= minimum for v in items):
        raise ValueError(f"The `{name}` argument must be a tuple of {rank} integers. Received {name}={value}, "
                         f"including values that are not integers of at least {minimum}." if len(items) == rank else
                         f"The `{name}` argument must be a tuple of {rank} integers. Received: {name}={value}")
    return tuple(int(v) for v in items)


def integers(value: Any, name: str) -> tuple[Any, ...]:
    """As many integers as there are, as a tuple; None stays. Raises ValueError."""
    items = tuple(value) if hasattr(value, "__iter__") else (value,)
    if not all(item is None or hasattr(item, "__index__") for item in items):
        raise ValueError(f"The `{name}` argument must be made of integers. Received: {name}={value!r}")
    return tuple(item if item is None else int(item) for item in items)


def padding_word(value: str, causal: bool = False) -> str:
    """"valid", "same" or, where it is `causal`, "causal". Raises ValueError."""
    word = str(value).lower()
    if word not in ("valid", "same", *(("causal",) if causal else ())):
        raise ValueError(f"The `padding` argument must be 'valid' or 'same'. Received: padding={value!r}")
    return word


def to_channels_last(x: Tensor, data_format: str) -> Tensor:
    """Channels as the last axis, where `data_format` has them as the second."""
    rank = len(x.dims or ())
    return x if data_format == "channels_last" else transpose(x, (0, *range(2, rank), 1))


def from_channels_last(x: Tensor, data_format: str) -> Tensor:
    """The inverse of `to_channels_last`."""
    rank = len(x.dims or ())
    return x if data_format == "channels_last" else transpose(x, (0, rank - 1, *range(1, rank - 1)))


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
