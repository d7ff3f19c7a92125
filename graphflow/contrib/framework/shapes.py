"""Checks of shapes and dtypes, in the older spelling of contrib."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...check_ops import assert_same_float_dtype, assert_scalar
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.reduction import reduce_sum
from ...compiler.ops.symbolic import static_value
from ...compiler.shapes import TensorShape
from ...framework import is_tensor, name_scope
from ...math_ops import add_n

__all__ = ["assert_same_float_dtype", "assert_scalar", "assert_scalar_int", "reduce_sum_n", "with_same_shape",
           "with_shape"]


def assert_scalar_int(tensor: Any, name: str | None = None) -> Tensor:
    """The tensor. Raises ValueError unless it is an integer scalar."""
    x = convert_to_tensor(tensor)
    if not x.dtype.is_integer:
        raise ValueError(f"Expected integer type for {x.name}, received type: {x.dtype.name}.")
    return assert_scalar(x, name)


def with_shape(expected_shape: Any, tensor: Any) -> Tensor:
    """The tensor, known to have that shape. Raises ValueError where it is known not to."""
    x = convert_to_tensor(tensor)
    if is_tensor(expected_shape):
        known = static_value(convert_to_tensor(expected_shape))
        expected_shape = None if known is None else known.tolist()
    x.shape.assert_is_compatible_with(TensorShape(expected_shape))
    x.set_shape(expected_shape)
    return x


def with_same_shape(expected_tensor: Any, tensor: Any) -> Tensor:
    """The second tensor, known to have the first one's shape. Raises ValueError where it is known not to."""
    return with_shape(convert_to_tensor(expected_tensor).shape, tensor)


def reduce_sum_n(tensors: Sequence[Any], name: str | None = None) -> Tensor:
    """The sum of all elements of all tensors."""
    if not tensors:
        raise ValueError("No tensors provided.")
    with name_scope(name, "reduce_sum_n", tensors) as scope:
        return add_n([reduce_sum(t) for t in tensors], name=scope)
