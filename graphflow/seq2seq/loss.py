"""The cross-entropy of sequences."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..compiler.errors import ShapeError
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, not_equal
from ..compiler.ops.reduction import reduce_sum
from ..compiler.ops.special import div_no_nan
from ..compiler.ops.view import reshape, shape_of, zeros_of
from ..framework import name_scope
from ..late import of_rank
from ..nn_ops import sparse_softmax_cross_entropy_with_logits


def sequence_loss(logits: Any, targets: Any, weights: Any, average_across_timesteps: bool = True,
                  average_across_batch: bool = True, sum_over_timesteps: bool = False, sum_over_batch: bool = False,
                  softmax_loss_function: Callable[..., Any] | None = None, name: str | None = None) -> Tensor:
    """The weighted cross-entropy of `targets` int [batch, time] under `logits` [batch, time, classes].

    Over an axis the losses are averaged by the sum of the `weights` [batch, time], or summed and divided by the number
    of weights that are not 0, or kept. `softmax_loss_function(labels, logits)` replaces the cross-entropy. Raises
    ValueError for other ranks, or when an axis is to be both averaged and summed.
    """
    scores, ids, factors = (of_rank(convert_to_tensor(t), n) for t, n in ((logits, 3), (targets, 2), (weights, 2)))
    for what, tensor, rank, shape in (("Logits", scores, 3, "[batch_size x sequence_length x logits]"),
                                      ("Targets", ids, 2, "[batch_size x sequence_length]"),
                                      ("Weights", factors, 2, "[batch_size x sequence_length]")):
        if len(tensor.dims or ()) != rank:
            raise ShapeError(f"{what} must be a {shape} tensor, received {tensor!r}")
    for axis, average, total in (("timesteps", average_across_timesteps, sum_over_timesteps),
                                 ("batch", average_across_batch, sum_over_batch)):
        if average and total:
            raise ValueError(f"average_across_{axis} and sum_over_{axis} cannot be set to True at same time.")
    with name_scope(name, "sequence_loss", [scores, ids, factors]):
        entropy = softmax_loss_function or sparse_softmax_cross_entropy_with_logits
        losses = entropy(labels=reshape(ids, [-1]), logits=reshape(scores, [-1, scores.dims[2]]))  # type: ignore[index]
        losses = losses * reshape(factors, [-1])
        count = cast(not_equal(factors, zeros_of(factors)), losses.dtype)
        if average_across_timesteps and average_across_batch:
            return div_no_nan(reduce_sum(losses), reduce_sum(factors))
        if sum_over_timesteps and sum_over_batch:
            return div_no_nan(reduce_sum(losses), reduce_sum(count))
        losses = reshape(losses, shape_of(scores)[0:2])
        if average_across_timesteps or average_across_batch:
            axis = 0 if average_across_batch else 1  # type: ignore[assignment]
            return div_no_nan(reduce_sum(losses, axis), reduce_sum(factors, axis))
        if sum_over_timesteps or sum_over_batch:
            axis = 0 if sum_over_batch else 1  # type: ignore[assignment]
            return div_no_nan(reduce_sum(losses, axis), reduce_sum(count, axis))
        return losses
