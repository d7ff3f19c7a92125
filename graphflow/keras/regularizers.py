"""Penalties on weights, added to the loss."""
from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.contraction import matmul
from ..compiler.ops.elementwise import abs_, maximum, rsqrt, square
from ..compiler.ops.reduction import reduce_sum
from .computed import Computing


class Regularizer(Computing):
    """Base class. Subclasses define `__call__(x)`, which gives a scalar."""

    def __call__(self, x: Any) -> Tensor:
        raise NotImplementedError("Regularizer subclasses must implement `__call__()`.")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        return {}


class L1L2(Regularizer):
    """l1 * sum(abs(x)) + l2 * sum(square(x))."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = (_factor(n, 0.0 if v is None else v) for n, v in (("l1", l1), ("l2", l2)))

    def __call__(self, x: Any) -> Tensor:
        x = convert_to_tensor(x)
        terms = [f * reduce_sum(function(x)) for f, function in ((self.l1, abs_), (self.l2, square)) if f]
        return sum(terms[1:], terms[0]) if terms else convert_to_tensor(0.0, x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(L1L2):
    """l1 * sum(abs(x))."""

    def __init__(self, l1: float = 0.01):
        super().__init__(l1=0.01 if l1 is None else l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(L1L2):
    """l2 * sum(square(x))."""

    def __init__(self, l2: float = 0.01):
        super().__init__(l2=0.01 if l2 is None else l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """factor * the mean of the absolute cosines between rows (or columns) of a matrix."""

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        if mode not in ("rows", "columns"):
            raise ValueError('Invalid value for argument `mode`. Expected one of {"rows", "columns"}. Received: '
                             f"mode={mode}")
        self.factor, self.mode = _factor("factor", factor), mode

    def __call__(self, x: Any) -> Tensor:
        x = convert_to_tensor(x)
        if x.dims is None or len(x.dims) != 2:
            raise ValueError(f"Inputs to OrthogonalRegularizer must have rank 2. Received: inputs.shape={x.shape}")
        axis = 1 if self.mode == "rows" else 0
        x = x * rsqrt(maximum(reduce_sum(square(x), axis, keepdims=True), 1e-12))
        product = matmul(x, x, transpose_b=True) if axis else matmul(x, x, transpose_a=True)
        size = int(x.shape[1 - axis])
        off = product * convert_to_tensor(1 - np.eye(size, dtype=x.dtype.np))
        pairs = size * (size - 1) / 2
        return self.factor * 0.5 * reduce_sum(abs_(off)) / pairs

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


def _factor(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ValueError(f"Invalid value for argument `{name}`: expected a non-negative float. "
                         f"Received: {name}={value}")
    return float(value)


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

_OBJECTS: dict[str, Any] = {"L1": L1, "L2": L2, "L1L2": L1L2, "l1": L1, "l2": L2, "l1_l2": L1L2,
                            "OrthogonalRegularizer": OrthogonalRegularizer,
                            "orthogonal_regularizer": OrthogonalRegularizer}


def get(identifier: Any) -> Any:
    """The regularizer for None, a name, config, instance or function."""
    from .utils.lookup import lookup
    return lookup("regularizer", identifier, _OBJECTS)


def serialize(regularizer: Any) -> Any:
    """The config of a regularizer, from which `deserialize` makes it again."""
    from .saving.serialization import serialize_keras_object
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The regularizer of a config or a name. Raises ValueError for unknown ones; `custom_objects` adds names."""
    from .saving.serialization import deserialize_keras_object
    return deserialize_keras_object(config, custom_objects, module_objects=_OBJECTS)
