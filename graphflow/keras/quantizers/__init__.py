"""Weights and activations in few bits."""
from __future__ import annotations

import inspect
from typing import Any

from ..naming import to_snake_case
from .configs import Float8QuantizationConfig, Int4QuantizationConfig, Int8QuantizationConfig, QuantizationConfig
from .floats import (
    compute_float8_amax_history,
    compute_float8_scale,
    fake_quant_with_min_max_vars,
    quantize_and_dequantize,
)
from .integers import (
    AbsMaxQuantizer,
    Quantizer,
    abs_max_quantize,
    abs_max_quantize_grouped_with_zero_point,
    pack_int4,
    unpack_int4,
)

_OBJECTS: dict[str, Any] = {name: c for c in (Quantizer, AbsMaxQuantizer, QuantizationConfig, Int8QuantizationConfig,
                                              Int4QuantizationConfig, Float8QuantizationConfig)
                            for name in (c.__name__, to_snake_case(c.__name__))}


def serialize(initializer: Any) -> Any:
    """The config of a quantizer, from which `deserialize` makes it again."""
    from ..saving.serialization import serialize_keras_object
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The quantizer of a config or a name. Raises ValueError for unknown ones; `custom_objects` adds names."""
    from ..saving.serialization import deserialize_keras_object
    return deserialize_keras_object(config, custom_objects, module_objects=_OBJECTS)


def get(identifier: Any, **kwargs: Any) -> Any:
    """The quantizer for a name (made with `kwargs`), a config, a class or a quantizer; None for None. Raises
    ValueError.
    """
    if identifier is None:
        return None
    found = deserialize(identifier) if isinstance(identifier, dict) else (
        _OBJECTS.get(identifier) if isinstance(identifier, str) else identifier)
    if not callable(found):
        raise ValueError(f"Could not interpret quantizer identifier: {identifier}")
    return found(**kwargs) if inspect.isclass(found) else found


__all__ = [
    "AbsMaxQuantizer", "Float8QuantizationConfig", "Int4QuantizationConfig", "Int8QuantizationConfig",
    "QuantizationConfig", "Quantizer", "abs_max_quantize", "abs_max_quantize_grouped_with_zero_point",
    "compute_float8_amax_history", "compute_float8_scale", "deserialize", "fake_quant_with_min_max_vars", "get",
    "pack_int4", "quantize_and_dequantize", "serialize", "unpack_int4",
]
