"""What a layer of `tf.layers` expects of its inputs."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..compiler.dtypes import as_dtype
from ..compiler.ir import Tensor


class InputSpec:
    """Dtype, rank (`ndim`, or from `min_ndim` to `max_ndim`), and sizes of some axes (`axes`) or of all (`shape`)."""

    def __init__(self, dtype: Any = None, shape: Any = None, ndim: int | None = None, max_ndim: int | None = None,
                 min_ndim: int | None = None, axes: Mapping[int, Any] | None = None):
        self.dtype = None if dtype is None else as_dtype(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(self.shape or ())
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}

    def check(self, tensor: Tensor, layer: str, index: int = 0) -> None:
        """Raises ValueError for a tensor that is known not to fit."""
        problem = self._problem(tensor)
        if problem:
            raise ValueError(f"Input {index} of layer {layer} is incompatible with the layer: {problem}")

    def _problem(self, tensor: Tensor) -> str | None:
        if tensor.shape.dims is None:
            ranked = self.ndim is not None or self.max_ndim is not None or self.min_ndim is not None
            return "its rank is undefined, but the layer requires a defined rank." if ranked else None
        sizes = tensor.shape.as_list()
        found = f"found ndim={len(sizes)}. Full shape received: {sizes}"
        if self.ndim is not None and len(sizes) != self.ndim:
            return f"expected ndim={self.ndim}, {found}"
        if self.max_ndim is not None and len(sizes) > self.max_ndim:
            return f"expected max_ndim={self.max_ndim}, {found}"
        if self.min_ndim is not None and len(sizes) < self.min_ndim:
            return f"expected min_ndim={self.min_ndim}, {found}"
        if self.dtype is not None and tensor.dtype != self.dtype:
            return f"expected dtype={self.dtype}, found dtype={tensor.dtype}"
        for axis, size in self.axes.items():
            if size is not None and sizes[axis] not in (size, None):
                return f"expected axis {axis} of input shape to have value {size} but received input with shape {sizes}"
        if self.shape is not None and any(a is not None and b is not None and a != b
                                          for a, b in zip(self.shape, sizes, strict=True)):
            return f"expected shape={self.shape}, found shape={sizes}"
        return None

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value}" for name, value in vars(self).items() if value)
        return f"InputSpec({given})"
