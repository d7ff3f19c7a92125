"""Further kinds of `tf.TypeSpec`, and the spec of a value."""
from __future__ import annotations

from typing import Any

from .compiler.dtypes import as_dtype, float32, int64
from .compiler.ops.constant import convert_to_tensor
from .control_flow import TensorArray
from .data.optional import OptionalSpec
from .data.structure import DatasetSpec
from .indexed_slices import IndexedSlices
from .sparse_tensor import SparseTensor
from .tensor_spec import SparseTensorSpec, TensorSpec, TypeSpec


class IndexedSlicesSpec(TensorSpec):
    """The dense shape and the dtype of IndexedSlices, and the dtype of their indices."""

    __slots__ = ("indices_dtype",)

    def __init__(self, shape: Any = None, dtype: Any = float32, indices_dtype: Any = int64,
                 dense_shape_dtype: Any = None, indices_shape: Any = None):
        super().__init__(shape, dtype)
        self.indices_dtype = as_dtype(indices_dtype)

    @property
    def value_type(self) -> Any:
        return IndexedSlices

    def __repr__(self) -> str:
        return f"IndexedSlicesSpec(shape={self.shape}, dtype={self.dtype!r}, indices_dtype={self.indices_dtype!r})"


class TensorArraySpec(TensorSpec):
    """The dtype of a TensorArray and the shape of its elements."""

    __slots__ = ("dynamic_size", "infer_shape")

    def __init__(self, element_shape: Any = None, dtype: Any = float32, dynamic_size: bool = False,
                 infer_shape: bool = True):
        super().__init__(element_shape, dtype)
        self.dynamic_size, self.infer_shape = dynamic_size, infer_shape

    @property
    def value_type(self) -> Any:
        return TensorArray

    def __repr__(self) -> str:
        return f"TensorArraySpec({self.shape}, {self.dtype!r}, {self.dynamic_size}, {self.infer_shape})"


class NoneTensorSpec(TypeSpec):
    """The spec of None as a part of elements."""

    __slots__ = ()

    @property
    def value_type(self) -> Any:
        return type(None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NoneTensorSpec)

    def __hash__(self) -> int:
        return hash(NoneTensorSpec)

    def __repr__(self) -> str:
        return "NoneTensorSpec()"


def type_spec_from_value(value: Any) -> Any:
    """The spec of a tensor, sparse tensor, IndexedSlices, TensorArray, dataset, or of what becomes a tensor.

    Raises TypeError for anything else.
    """
    if value is None:
        return NoneTensorSpec()
    if isinstance(value, TensorArray):
        return TensorArraySpec(value.element_shape, value.dtype, value.dynamic_size)
    if isinstance(value, IndexedSlices):
        return IndexedSlicesSpec(value.shape, value.dtype, value.indices.dtype)
    if isinstance(value, SparseTensor):
        return SparseTensorSpec(value.get_shape(), value.dtype)
    if hasattr(value, "element_spec") and hasattr(value, "_iterate"):
        return DatasetSpec(value.element_spec)
    if hasattr(value, "value_structure"):
        return OptionalSpec(value.value_structure)
    try:
        return TensorSpec.from_tensor(convert_to_tensor(value))
    except (TypeError, ValueError):
        raise TypeError(f"Could not build a TypeSpec for {value!r} of unsupported type {type(value)}.") from None
