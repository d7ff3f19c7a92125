"""`tf.contrib.sparsemax`: a softmax with zeros (Martins & Astudillo 2016)."""
from __future__ import annotations

from typing import Any

from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, greater, maximum, where
from ..compiler.ops.gather import range_
from ..compiler.ops.reduction import reduce_mean, reduce_sum
from ..compiler.ops.sorting import sort
from ..compiler.ops.view import zeros_of
from ..framework import name_scope
from ..math import cumsum

__all__ = ["sparsemax", "sparsemax_loss"]


def sparsemax(logits: Any, name: str | None = None) -> Tensor:
    """The point of the simplex nearest to each row of logits [batch, classes]."""
    with name_scope(name, "sparsemax", [logits]):
        z = convert_to_tensor(logits)
        z = z - reduce_mean(z, 1, True)
        largest = sort(z, direction="DESCENDING")
        place = cast(range_(1, z.shape[1].value + 1), z.dtype)
        sums = cumsum(largest, 1)
        held = cast(greater(1 + place * largest, sums), z.dtype)  # these are above the threshold
        count = reduce_sum(held, 1, True)
        return maximum(z - (reduce_sum(largest * held, 1, True) - 1) / count, 0)


def sparsemax_loss(logits: Any, sparsemax: Any, labels: Any, name: str | None = None) -> Tensor:
    """The loss [batch] of logits [batch, classes] whose `sparsemax` is given, whose gradient is sparsemax - labels."""
    with name_scope(name, "sparsemax_loss", [logits, sparsemax, labels]):
        z, p, y = convert_to_tensor(logits), convert_to_tensor(sparsemax), convert_to_tensor(labels)
        z = z - reduce_mean(z, 1, True)
        inside = where(greater(p, 0), p * (z - 0.5 * p), zeros_of(p))
        return reduce_sum(inside + y * (0.5 * y - z), 1)
