"""What goes into and comes out of branches and loop bodies: nests of tensors, TensorArrays and values in parts."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..nest import flatten
from .tensor_array import TensorArray


class Leaf(NamedTuple):
    """A leaf of a nest as tensors, and what makes the like of it from others."""

    tensors: list[Tensor]
    rebuild: Callable[[Sequence[Tensor]], Any]


def leaves_of(structure: Any) -> list[Leaf]:
    """The leaves of a nest. Raises TypeError or ValueError for what is no tensor."""
    return [_leaf(value) for value in flatten(structure)]


def tensors_of(leaves: Sequence[Leaf]) -> list[Tensor]:
    return [t for leaf in leaves for t in leaf.tensors]


def rebuilt(leaves: Sequence[Leaf], tensors: Sequence[Tensor]) -> list[Any]:
    """The like of the leaves made from `tensors`."""
    remaining = iter(tensors)
    return [leaf.rebuild([next(remaining) for _ in leaf.tensors]) for leaf in leaves]


def _leaf(value: Any) -> Leaf:
    if isinstance(value, TensorArray):
        return Leaf([value.flow], lambda tensors: value.continued(tensors[0]))
    if hasattr(value, "values") and hasattr(value, "indices") and hasattr(value, "dense_shape"):
        names = [n for n in ("indices", "values", "dense_shape") if getattr(value, n) is not None]
        return Leaf([convert_to_tensor(getattr(value, n)) for n in names],
                    lambda tensors: type(value)(**dict(zip(names, tensors, strict=True))))
    return Leaf([convert_to_tensor(value)], lambda tensors: tensors[0])
