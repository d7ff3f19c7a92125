"""What op builders share: turning arguments into tensors, and checking their element types."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..dtypes import DType
from ..errors import DTypeError, ShapeError
from ..ir import Tensor, TensorType, building_graph, default_graph
from .constant import convert_to_tensor


def is_tensor(value: Any) -> bool:
    """A tensor, or something that stands for one (a variable)?"""
    return isinstance(value, Tensor) or hasattr(value, "_as_graph_element")


def convert_all(op: str, values: Sequence[Any], name: str | None = None) -> list[Tensor]:
    """Tensors of one dtype: that of the first tensor among the values, which Python numbers then take on.

    Constants made here are named within the op, which will have the name `name`, so that they do not disturb the names
    of the user's own.
    """
    if not values:
        raise ShapeError(f"{op}: List argument 'values' to '{op}' Op with length 0 shorter than minimum length 1.")
    first_tensor = next((convert_to_tensor(v) for v in values if is_tensor(v)), None)
    names = [f"{op}/{'xyz'[i]}" if i < 3 else f"{op}/values_{i}" for i in range(len(values))]
    if name is not None and not all(map(is_tensor, values)):
        graph = default_graph() if first_tensor is None else building_graph(first_tensor)
        scope = name if name.endswith("/") else graph.unique_name(name, mark_as_used=False) + "/"
        full = [f"{scope}{part}" for part in "xyz"[:len(values)]]
        left = graph._by_name  # an op that could not be made leaves its constants
        names = [own if name in left else f"{name}/" for name, own in zip(full, names, strict=True)]
    try:
        if first_tensor is None:
            first = convert_to_tensor(values[0], name=names[0])
            rest = zip(values[1:], names[1:], strict=True)
            return [first, *(convert_to_tensor(v, name=n, preferred_dtype=first.dtype) for v, n in rest)]
        with building_graph(first_tensor).as_default():
            return [convert_to_tensor(v, None if is_tensor(v) else first_tensor.dtype, n)
                    for v, n in zip(values, names, strict=True)]
    except (DTypeError, ShapeError):
        raise
    except TypeError as error:
        raise DTypeError(f"{op}: {error}") from None
    except ValueError as error:
        raise ShapeError(f"{op}: {error}") from None


def check_dtype(op: str, tensor: Tensor, allowed: Sequence[DType], parameter: str = "x") -> None:
    if tensor.dtype not in allowed:
        raise DTypeError(f"{op}: Value passed to parameter '{parameter}' has DataType {tensor.dtype.name} not in list "
                         f"of allowed values: {', '.join(d.name for d in allowed)}; received {tensor!r}")


def check_same_dtype(op: str, inputs: Sequence[Tensor]) -> DType:
    first = inputs[0].dtype
    for name, tensor in zip("yz", inputs[1:], strict=False):
        if tensor.dtype != first:
            raise DTypeError(f"{op}: inputs must have the same dtype: Input '{name}' of '{op}' Op has type "
                             f"{tensor.dtype.name} that does not match type {first.name} of argument 'x'.")
    return first


def same_type(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    """The shape rule of an op whose output is like its first input."""
    return [inputs[0].type]
