"""`tf.contrib.nn`: losses with their arguments the other way round, and activations."""
from __future__ import annotations

from typing import Any

from ..candidate_sampling import sampled_softmax_loss
from ..compiler.dtypes import int64
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, floor, minimum
from ..compiler.ops.view import reshape, shape
from ..framework import name_scope
from ..nn import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    softplus,
    sparse_softmax_cross_entropy_with_logits,
)
from ..random_ops import random_uniform

__all__ = ["alpha_dropout", "deprecated_flipped_sigmoid_cross_entropy_with_logits",
           "deprecated_flipped_softmax_cross_entropy_with_logits",
           "deprecated_flipped_sparse_softmax_cross_entropy_with_logits",
           "sampled_sparse_softmax_loss", "scaled_softplus"]

_SELU_MINIMUM = -1.7580993408473766  # what a scaled exponential linear unit tends to


def alpha_dropout(x: Any, keep_prob: Any, noise_shape: Any = None, seed: int | None = None,
                  name: str | None = None) -> Tensor:
    """Dropout for scaled exponential linear units, which keeps mean and variance (Klambauer et al. 2017): dropped
    elements become the units' smallest value. `noise_shape` is broadcast to the shape of `x`."""
    with name_scope(name, "alpha_dropout", [x]):
        x = convert_to_tensor(x, name="x")
        noise = shape(x) if noise_shape is None else noise_shape
        kept = floor(keep_prob + random_uniform(noise, dtype=x.dtype, seed=seed))
        scale = (keep_prob + _SELU_MINIMUM ** 2 * keep_prob * (1 - keep_prob)) ** -0.5
        return scale * (x * kept + _SELU_MINIMUM * (1 - kept)) - scale * _SELU_MINIMUM * (1 - keep_prob)


def scaled_softplus(x: Any, alpha: Any, clip: Any = None, name: str | None = None) -> Tensor:
    """alpha ln(1 + exp(x / alpha)), at most `clip`: a rectifier with a soft bend as wide as `alpha`."""
    with name_scope(name, "scaled_softplus", [x, alpha]):
        y = alpha * softplus(convert_to_tensor(x, name="x") / alpha)
        return y if clip is None else minimum(y, clip)


def sampled_sparse_softmax_loss(weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int,
                                num_classes: int, sampled_values: Any = None, remove_accidental_hits: bool = True,
                                partition_strategy: str = "mod", name: str = "sampled_sparse_softmax_loss") -> Tensor:
    """`tf.nn.sampled_softmax_loss`, [batch], of one class an example: `labels` [batch] or [batch, 1]."""
    labels = cast(reshape(labels, [-1, 1]), int64)
    return sampled_softmax_loss(weights, biases, labels, inputs, num_sampled, num_classes, 1, sampled_values,
                                remove_accidental_hits, partition_strategy, name)


def deprecated_flipped_softmax_cross_entropy_with_logits(logits: Any, labels: Any, dim: int = -1,
                                                         name: str | None = None) -> Tensor:
    """`tf.nn.softmax_cross_entropy_with_logits`, the logits first."""
    return softmax_cross_entropy_with_logits(labels=labels, logits=logits, dim=dim, name=name)


def deprecated_flipped_sparse_softmax_cross_entropy_with_logits(logits: Any, labels: Any,
                                                                name: str | None = None) -> Tensor:
    """`tf.nn.sparse_softmax_cross_entropy_with_logits`, the logits first."""
    return sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name=name)


def deprecated_flipped_sigmoid_cross_entropy_with_logits(logits: Any, targets: Any, name: str | None = None) -> Tensor:
    """`tf.nn.sigmoid_cross_entropy_with_logits`, the logits first."""
    return sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name=name)
