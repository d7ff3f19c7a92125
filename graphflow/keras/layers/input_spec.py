"""What a layer expects of its input, and the check of it."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.shapes import TensorShape

Shape = tuple[int | None, ...]


def shape_of(tensor: Any) -> Shape:
    """The static shape of a tensor or array as a tuple, None where unknown."""
    return tuple(tensor.shape.as_list() if isinstance(tensor, Tensor) else tensor.shape)


def is_shape(value: Any) -> bool:
    """Whether this is one shape rather than a nest of them."""
    return isinstance(value, (tuple, list)) and all(d is None or hasattr(d, "__index__") for d in value) or (
        isinstance(value, TensorShape))


class InputSpec:
    """Rank, and sizes of some axes (`axes`: {axis: size}) or of all (`shape`)."""

    def __init__(self, dtype: Any = None, shape: Any = None, ndim: int | None = None, max_ndim: int | None = None,
                 min_ndim: int | None = None, axes: Mapping[int, int | None] | None = None,
                 allow_last_axis_squeeze: bool = False, name: str | None = None, optional: bool = False):
        self.dtype, self.name, self.optional = dtype, name, optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(shape)
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}

    def get_config(self) -> dict[str, Any]:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        return cls(**config)

    def check(self, tensor: Any, layer: str, index: int = 0) -> None:
        """Raises ValueError, in Keras's words."""
        shape = shape_of(tensor)
        rank = len(shape)
        for what, wanted, wrong in (("ndim", self.ndim, self.ndim is not None and rank != self.ndim),
                                    ("max_ndim", self.max_ndim, self.max_ndim is not None and rank > self.max_ndim),
                                    ("min_ndim", self.min_ndim, self.min_ndim is not None and rank < self.min_ndim)):
            if wrong:
                self._refuse(layer, index, f"expected {what}={wanted}, found ndim={rank}. Full shape received: {shape}")
        for axis, size in self.axes.items():
            if size is not None and shape[axis] not in (size, None):
                self._refuse(layer, index, f"expected axis {axis} of input shape to have value {size}, but received "
                                           f"input with shape {shape}")
        if self.shape is not None and any(a is not None and b is not None and a != b
                                          for a, b in zip(self.shape, shape, strict=True)):
            self._refuse(layer, index, f"expected shape={self.shape}, found shape={shape}")

    def _refuse(self, layer: str, index: int, problem: str) -> None:
        raise ValueError(f"Input {self.name or index} of layer {layer!r} is incompatible with the layer: {problem}")


def given_input_shape(kwargs: dict[str, Any]) -> Shape | None:
    """Keras 2's ways to state the input's shape: input_shape, batch_input_shape, input_dim (and batch_size)."""
    batch = kwargs.pop("batch_size", None)
    full = kwargs.pop("batch_input_shape", kwargs.pop("batch_shape", None))
    shape, dim = kwargs.pop("input_shape", None), kwargs.pop("input_dim", None)
    length = kwargs.pop("input_length", None)
    kwargs.pop("input_dtype", None)
    if full is not None:
        return tuple(full)
    if shape is not None:
        return (batch, *(shape if hasattr(shape, "__iter__") else (shape,)))
    return None if dim is None else (batch, dim) if length is None else (batch, length, dim)
