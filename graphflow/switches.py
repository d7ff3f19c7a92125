"""What scripts ask of the version they run on, and small helpers for shapes and conversions."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from .compiler.dims import fresh
from .compiler.dtypes import as_dtype
from .compiler.equality import disable_tensor_equality as disable_tensor_equality
from .compiler.equality import enable_tensor_equality as enable_tensor_equality
from .compiler.ir import Tensor, default_graph
from .compiler.ops import checks
from .compiler.ops.constant import convert_to_tensor, register_conversion
from .compiler.shapes import TensorShape
from .compiler.subgraph import lifted


def executing_eagerly() -> bool:
    """Whether ops run at once (see eager_mode): not where a graph is built."""
    return default_graph().eager


def executing_eagerly_outside_functions() -> bool:
    """Whether ops run at once outside the functions that build a graph."""
    with lifted():
        return executing_eagerly()


def _not_here() -> bool:
    """False: graphflow is TensorFlow 1 throughout."""
    return False


control_flow_v2_enabled = resource_variables_enabled = _not_here


def _accepted() -> None:
    """Nothing: accepted for scripts that set it."""


disable_control_flow_v2 = enable_control_flow_v2 = _accepted
disable_v2_tensorshape = _accepted


enable_v2_tensorshape = _accepted  # a known dimension is an int here


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


@contextlib.contextmanager
def container(container_name: str) -> Iterator[str]:
    """Accepted: resources are kept by session."""
    yield container_name


def no_regularizer(_: Any) -> None:
    """Within a variable scope, no regularizer, whatever the scopes around it set."""
    return None


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


def timestamp(name: str | None = None) -> Tensor:
    """The time when it runs: seconds since 1970, float64."""
    return checks.timestamp(name=name)

