"""`tf.contrib.losses.metric_learning`: losses of embeddings [batch, n] by their labels."""
from __future__ import annotations

from typing import Any

from ..compiler.dtypes import float32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.contraction import matmul
from ..compiler.ops.elementwise import (
    cast,
    equal,
    exp,
    greater,
    less_equal,
    log,
    logical_and,
    logical_not,
    maximum,
    multiply,
    power,
    sqrt,
    square,
    where,
)
from ..compiler.ops.reduction import reduce_max, reduce_mean, reduce_min, reduce_sum
from ..compiler.ops.slicing import tile
from ..compiler.ops.view import reshape, shape, transpose, zeros_of
from ..linalg import set_diag
from ..math_ops import reduce_any
from ..nn import softmax_cross_entropy_with_logits_v2

__all__ = ["contrastive_loss", "lifted_struct_loss", "npairs_loss", "pairwise_distance", "triplet_semihard_loss"]


def pairwise_distance(feature: Any, squared: bool = False) -> Tensor:
    """[batch, batch]: the distances between embeddings, or their squares; the diagonal is 0."""
    x = convert_to_tensor(feature)
    lengths = reduce_sum(square(x), 1, True)
    squares = maximum(lengths + transpose(lengths) - 2.0 * matmul(x, x, transpose_b=True), 0.0)
    near = less_equal(squares, zeros_of(squares))
    distances = squares if squared else sqrt(squares + cast(near, float32) * 1e-16)
    distances = multiply(distances, cast(logical_not(near), float32))
    return set_diag(distances, reduce_sum(distances, 1) * 0.0)


def contrastive_loss(labels: Any, embeddings_anchor: Any, embeddings_positive: Any, margin: float = 1.0) -> Tensor:
    """Of pairs: squared distance where labels are 1, squared shortfall from `margin` where 0 (Hadsell et al. 2006)."""
    distances = sqrt(reduce_sum(square(convert_to_tensor(embeddings_anchor) - embeddings_positive), 1))
    same = cast(labels, float32)
    return reduce_mean(same * square(distances) + (1.0 - same) * square(maximum(margin - distances, 0.0)),
                       name="contrastive_loss")


def _masked_maximum(data: Tensor, mask: Tensor) -> Tensor:
    lowest = reduce_min(data, 1, True)
    return reduce_max((data - lowest) * mask, 1, True) + lowest


def _masked_minimum(data: Tensor, mask: Tensor) -> Tensor:
    highest = reduce_max(data, 1, True)
    return reduce_min((data - highest) * mask, 1, True) + highest


def _adjacency(labels: Any) -> tuple[Tensor, Tensor]:
    """(which pairs have one label, the labels as a column)."""
    column = reshape(convert_to_tensor(labels), [-1, 1])
    return equal(column, transpose(column)), column


def triplet_semihard_loss(labels: Any, embeddings: Any, margin: float = 1.0) -> Tensor:
    """The mean over pairs of one label of max(0, margin + their distance - that of a negative): the nearest one that is
    farther away than the positive, or the farthest (Schroff et al. 2015). Embeddings should be normalized."""
    distances = pairwise_distance(embeddings, squared=True)
    same, column = _adjacency(labels)
    count = shape(column)[0]
    other = logical_not(same)
    tiled = tile(distances, [count, 1])
    mask = logical_and(tile(other, [count, 1]), greater(tiled, reshape(transpose(distances), [-1, 1])))
    has_negative = transpose(reshape(reduce_any(mask, 1), [count, count]))
    outside = transpose(reshape(_masked_minimum(tiled, cast(mask, float32)), [count, count]))
    inside = tile(_masked_maximum(distances, cast(other, float32)), [1, count])
    losses = margin + distances - where(has_negative, outside, inside)
    positives = set_diag(cast(same, float32), reduce_sum(distances, 1) * 0.0)
    return multiply(reduce_sum(maximum(losses * positives, 0.0)), 1.0 / reduce_sum(positives),
                    name="triplet_semihard_loss")


def npairs_loss(labels: Any, embeddings_anchor: Any, embeddings_positive: Any, reg_lambda: float = 0.002,
                print_losses: bool = False) -> Tensor:
    """Cross entropy of the similarities between anchors and positives (Sohn 2016), with a penalty on their lengths."""
    anchors, positives = convert_to_tensor(embeddings_anchor), convert_to_tensor(embeddings_positive)
    penalty = 0.25 * reg_lambda * (reduce_mean(reduce_sum(square(anchors), 1))
                                   + reduce_mean(reduce_sum(square(positives), 1)))
    same = cast(_adjacency(labels)[0], float32)
    targets = same / reduce_sum(same, 1, True)
    similarity = matmul(anchors, positives, transpose_b=True)
    return reduce_mean(softmax_cross_entropy_with_logits_v2(labels=targets, logits=similarity)) + penalty


def lifted_struct_loss(labels: Any, embeddings: Any, margin: float = 1.0) -> Tensor:
    """The lifted structured loss of all pairs in a batch (Song et al. 2016)."""
    distances = pairwise_distance(embeddings)
    same, column = _adjacency(labels)
    other = cast(logical_not(same), float32)
    count = shape(column)[0]
    gaps = margin - distances
    row_maximum = _masked_maximum(gaps, other)
    largest = maximum(row_maximum, transpose(row_maximum))
    tiled_gaps = tile(gaps, [count, 1])
    exponents = exp(tiled_gaps - reshape(transpose(largest), [-1, 1])) * tile(other, [count, 1])
    sums = transpose(reshape(reduce_sum(exponents, 1, True), [count, count]))
    losses = largest + log(sums + transpose(sums)) + distances
    positives = set_diag(cast(same, float32), reduce_sum(distances, 1) * 0.0)
    pairs = reduce_sum(positives) / 2.0
    return multiply(0.25 * reduce_sum(power(maximum(losses * positives, 0.0), 2.0)), 1.0 / pairs,
                    name="liftedstruct_loss")

