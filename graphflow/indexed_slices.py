"""IndexedSlices: what the gradient of a gathered tensor is, as rows at indices."""
from __future__ import annotations

from typing import Any

from .compiler.ops.gather import IndexedSlices, IndexedSlicesValue
from .framework import convert_to_tensor


def convert_to_tensor_or_indexed_slices(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """`value` as it is if it is IndexedSlices, else as a tensor. Raises ValueError for slices of another dtype."""
    if isinstance(value, IndexedSlices):
        if dtype is not None and value.dtype != dtype:
            raise ValueError(f"Tensor conversion requested dtype {dtype} for Tensor with dtype {value.dtype.name}: "
                             f"{value!r}")
        return value
    return convert_to_tensor(value, dtype, name)


__all__ = ["IndexedSlices", "IndexedSlicesValue", "convert_to_tensor_or_indexed_slices"]
