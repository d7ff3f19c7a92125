"""What is known of a value without having it: `tf.TypeSpec`, of tensors and sparse tensors (type_specs.py has more)."""
from __future__ import annotations

from typing import Any

from .compiler.dtypes import DType, as_dtype, float32
from .compiler.ir import Tensor
from .compiler.shapes import TensorShape


class TypeSpec:
    """What is known of a value before there is one."""

    __slots__ = ()

    @property
    def value_type(self) -> Any:
        """The class of such values."""
        return Tensor

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a value of that spec, or that value, is one of this."""
        return self == spec_or_value


class TensorSpec(TypeSpec):
    """The shape and dtype of a tensor."""

    __slots__ = ("dtype", "name", "shape")

    def __init__(self, shape: Any, dtype: Any = float32, name: str | None = None):
        shape = TensorShape(shape)
        self.shape = TensorShape(None if shape.dims is None else shape.as_list())
        self.dtype: DType = as_dtype(dtype)
        self.name = name

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> TensorSpec:
        return cls(spec.shape, spec.dtype, name or getattr(spec, "name", None))

    @classmethod
    def from_tensor(cls, tensor: Tensor, name: str | None = None) -> TensorSpec:
        return cls(tensor.shape, tensor.dtype, name or tensor.op.name)

    def is_compatible_with(self, spec_or_tensor: Any) -> bool:
        """Whether a value of that spec, or that tensor, is one of this."""
        return self.dtype == spec_or_tensor.dtype and self.shape.is_compatible_with(spec_or_tensor.shape)

    def most_specific_compatible_type(self, other: Any) -> TensorSpec:
        """A spec that both fit. Raises ValueError when dtypes differ."""
        if type(other) is not type(self) or self.dtype != other.dtype:
            raise ValueError(f"Types are not compatible: {self} vs {other}")
        mine, theirs = self.shape, other.shape
        if mine.dims is None or theirs.dims is None or len(mine.dims) != len(theirs.dims):
            return type(self)(None, self.dtype)
        return type(self)([a if a == b else None for a, b in zip(mine.as_list(), theirs.as_list(), strict=True)],
                          self.dtype)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r})"


class SparseTensorSpec(TensorSpec):
    """The dense shape and the dtype of a sparse tensor."""

    def __init__(self, shape: Any = None, dtype: Any = float32):
        super().__init__(shape, dtype)

    def __repr__(self) -> str:
        return f"SparseTensorSpec({self.shape}, {self.dtype!r})"

    @property
    def value_type(self) -> Any:
        from .sparse_tensor import SparseTensor  # which tells of itself in these words
        return SparseTensor
