"""The shape that a layer's own `compute_output_shape` states for its output (see legacy/stated_shapes.py)."""
from __future__ import annotations

from ..compiler.ir import Tensor

STATED = "_stated_shape"  # the attribute of such tensors


def stated_shape(tensor: Tensor) -> tuple[int | None, ...]:
    """The shape, with the sizes that were stated where they are not known. Raises ValueError for an unknown rank."""
    stated = vars(tensor).get(STATED)
    if stated is None or tensor.dims is None:
        return tuple(stated or tensor.shape.as_list())
    return tuple(size if known is None else known for known, size in zip(tensor.shape.as_list(), stated, strict=True))
