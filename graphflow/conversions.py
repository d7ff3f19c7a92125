"""Tensors of a program's own types; dimensions as numbers."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .compiler.dims import fresh
from .compiler.dtypes import as_dtype
from .compiler.ir import Tensor
from .compiler.ops.constant import convert_to_tensor, register_conversion
from .compiler.shapes import TensorShape


def is_symbolic_tensor(tensor: Any) -> bool:
    """Whether it is a tensor of a graph."""
    return isinstance(tensor, Tensor)


def dimension_value(dimension: Any) -> int | None:
    """A dimension as an int, None where it is unknown."""
    return getattr(dimension, "value", dimension)


def dimension_at_index(shape: Any, index: int) -> Any:
    """The dimension at `index`, an unknown one where the rank is unknown."""
    dims = TensorShape(shape)
    return fresh() if dims.dims is None else dims[index]


def register_tensor_conversion_function(base_type: Any, conversion_func: Callable[..., Any], priority: int = 100
                                        ) -> None:
    """Let tensors be made of `base_type` (a type or several) by conversion_func(value, dtype, name, as_ref), which may
    return NotImplemented. Of several functions for a type the one registered first counts."""
    types = base_type if isinstance(base_type, tuple) else (base_type,)
    if not all(isinstance(t, type) for t in types):
        raise TypeError("base_type must be a type or a tuple of types.")
    if not callable(conversion_func):
        raise TypeError("conversion_func must be callable.")

    def convert(value: Any, dtype: Any, name: str | None) -> Tensor | None:
        result = conversion_func(value, dtype=dtype, name=name, as_ref=False)
        if result is NotImplemented:
            return None
        tensor = convert_to_tensor(result)
        if dtype is not None and tensor.dtype != as_dtype(dtype):
            raise RuntimeError(f"Conversion function {conversion_func!r} for type {base_type} returned incompatible "
                               f"dtype: requested = {as_dtype(dtype).name}, actual = {tensor.dtype.name}")
        return tensor

    register_conversion(types, convert)
