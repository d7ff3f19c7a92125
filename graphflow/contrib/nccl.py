"""`tf.contrib.nccl`: sums over devices, of which there is one: every tensor given is on it."""
from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import add, maximum, minimum, multiply
from ..compiler.ops.view import identity

__all__ = ["all_max", "all_min", "all_prod", "all_sum", "broadcast", "reduce_sum"]


def _all(tensors: Sequence[Any], combine: Any) -> list[Tensor]:
    if not tensors:
        raise ValueError("Must pass >0 tensors to all reduce operations")
    total = reduce(combine, map(convert_to_tensor, tensors))
    return [identity(total) for _ in tensors]


def all_sum(tensors: Sequence[Any]) -> list[Tensor]:
    """The sum of the tensors, for each of them. Raises ValueError for none, as the others do."""
    return _all(tensors, add)


def all_prod(tensors: Sequence[Any]) -> list[Tensor]:
    """The product of the tensors, for each of them."""
    return _all(tensors, multiply)


def all_min(tensors: Sequence[Any]) -> list[Tensor]:
    """The least elements of the tensors, for each of them."""
    return _all(tensors, minimum)


def all_max(tensors: Sequence[Any]) -> list[Tensor]:
    """The largest elements of the tensors, for each of them."""
    return _all(tensors, maximum)


def reduce_sum(tensors: Sequence[Any]) -> Tensor:
    """The sum of the tensors."""
    return all_sum(tensors)[0]


def broadcast(tensor: Any) -> Tensor:
    """The tensor."""
    return identity(convert_to_tensor(tensor))
