"""What weights must satisfy after each update."""
from __future__ import annotations

from typing import Any

from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import maximum, minimum, relu, sqrt, square
from ..compiler.ops.reduction import reduce_sum
from . import backend
from .computed import Computing


class Constraint(Computing):
    """Base class. Subclasses define `__call__(w)`, which gives the constrained weight."""

    def __call__(self, w: Any) -> Tensor:
        raise NotImplementedError("Constraint subclasses must implement `__call__()`.")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        return cls(**config)


def _norm(w: Tensor, axis: Any) -> Tensor:
    return sqrt(reduce_sum(square(w), axis, keepdims=True))


class MaxNorm(Constraint):
    """The norm along `axis` is at most `max_value`."""

    def __init__(self, max_value: float = 2, axis: Any = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Tensor:
        w = convert_to_tensor(w)
        norm = _norm(w, self.axis)
        return w * (minimum(norm, float(self.max_value)) / (norm + backend.epsilon()))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """No weight is negative."""

    def __call__(self, w: Any) -> Tensor:
        return relu(w)


class UnitNorm(Constraint):
    """The norm along `axis` is 1."""

    def __init__(self, axis: Any = 0):
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        w = convert_to_tensor(w)
        return w / (_norm(w, self.axis) + backend.epsilon())

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """The norm along `axis` is between `min_value` and `max_value`, approached at `rate`."""

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Tensor:
        w = convert_to_tensor(w)
        norm = _norm(w, self.axis)
        wanted = maximum(minimum(norm, float(self.max_value)), float(self.min_value))
        return w * ((self.rate * wanted + (1 - self.rate) * norm) / (norm + backend.epsilon()))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
maxnorm, nonneg, unitnorm = max_norm, non_neg, unit_norm  # Keras 1's names

_OBJECTS: dict[str, Any] = {c.__name__: c for c in (MaxNorm, NonNeg, UnitNorm, MinMaxNorm)} | {
    "max_norm": MaxNorm, "non_neg": NonNeg, "unit_norm": UnitNorm, "min_max_norm": MinMaxNorm,
    "maxnorm": MaxNorm, "nonneg": NonNeg, "unitnorm": UnitNorm}


def get(identifier: Any) -> Any:
    """The constraint for None, a name, config, instance or function."""
    from .utils.lookup import lookup
    return lookup("constraint", identifier, _OBJECTS)


def serialize(constraint: Any) -> Any:
    """The config of a constraint, from which `deserialize` makes it again."""
    from .saving.serialization import serialize_keras_object
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The constraint of a config or a name. Raises ValueError for unknown ones; `custom_objects` adds names."""
    from .saving.serialization import deserialize_keras_object
    return deserialize_keras_object(config, custom_objects, module_objects=_OBJECTS)
