"""`tf.contrib.losses`: the losses with predictions before labels, always the mean over weights that are not 0.

Weights may have fewer axes than the losses: they then count for the first ones.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import losses as _losses
from ..compiler.ir import Tensor
from ..compiler.names import named
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.slicing import concat
from ..compiler.ops.view import reshape, shape
from ..framework import GraphKeys
from ..lazy import Names
from ..losses import add_loss as _add_loss
from ..losses import get_losses, get_regularization_losses, get_total_loss
from .framework.scopes import add_arg_scope

__all__ = ["absolute_difference", "add_loss", "compute_weighted_loss", "cosine_distance", "get_losses",
           "get_regularization_losses", "get_total_loss", "hinge_loss", "log_loss", "mean_pairwise_squared_error",
           "mean_squared_error", "sigmoid_cross_entropy", "softmax_cross_entropy", "sparse_softmax_cross_entropy"]


_names = Names(globals(), {"metric_learning": "metric_learning"})


def _weights(weights: Any, rank: int | None) -> Any:
    """Weights with axes of size 1 added at the end, up to that rank."""
    if isinstance(weights, (int, float)):
        return float(weights)
    w = convert_to_tensor(weights)
    if w.dims is None or rank is None or len(w.dims) in (0, rank):
        return w
    missing = rank - len(w.dims)
    if missing < 0:
        return w
    return reshape(w, [*w.dims, *[1] * missing] if all(isinstance(d, int) for d in w.dims) else concat(
        [shape(w), [1] * missing], 0))


@add_arg_scope
def add_loss(loss: Any, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Add a loss of one's own to those that `get_total_loss` adds up."""
    _add_loss(loss, loss_collection)


def compute_weighted_loss(losses: Any, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """The weighted mean of losses, over the elements whose weight is not 0."""
    x = convert_to_tensor(losses)
    return _losses.compute_weighted_loss(x, _weights(weights, x.shape.ndims), scope)


def _of_predictions(name: str) -> Callable[..., Tensor]:
    function = getattr(_losses, name)

    def loss(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None) -> Tensor:
        rank = convert_to_tensor(predictions).shape.ndims
        return function(labels, predictions, _weights(weights, rank), scope=scope)

    return add_arg_scope(named(name, loss, f"`tf.losses.{name}`, predictions first."))


absolute_difference = _of_predictions("absolute_difference")
mean_squared_error = _of_predictions("mean_squared_error")
mean_pairwise_squared_error = _of_predictions("mean_pairwise_squared_error")


@add_arg_scope
def log_loss(predictions: Any, labels: Any = None, weights: Any = 1.0, epsilon: float = 1e-7,
             scope: str | None = None) -> Tensor:
    """`tf.losses.log_loss`, predictions first."""
    rank = convert_to_tensor(predictions).shape.ndims
    return _losses.log_loss(labels, predictions, _weights(weights, rank), epsilon, scope)


@add_arg_scope
def hinge_loss(logits: Any, labels: Any = None, scope: str | None = None) -> Tensor:
    """The hinge loss of each element, in no collection."""
    return _losses.hinge_loss(labels, logits, scope=scope, loss_collection=None, reduction=_losses.Reduction.NONE)


@add_arg_scope
def cosine_distance(predictions: Any, labels: Any = None, axis: int | None = None, weights: Any = 1.0,
                    scope: str | None = None, dim: int | None = None) -> Tensor:
    """`tf.losses.cosine_distance`, predictions first."""
    rank = convert_to_tensor(predictions).shape.ndims
    return _losses.cosine_distance(labels, predictions, axis, _weights(weights, rank), scope, dim=dim)


@add_arg_scope
def sigmoid_cross_entropy(logits: Any, multi_class_labels: Any, weights: Any = 1.0, label_smoothing: float = 0,
                          scope: str | None = None) -> Tensor:
    """`tf.losses.sigmoid_cross_entropy`, logits first."""
    rank = convert_to_tensor(logits).shape.ndims
    return _losses.sigmoid_cross_entropy(multi_class_labels, logits, _weights(weights, rank), label_smoothing, scope)


@add_arg_scope
def softmax_cross_entropy(logits: Any, onehot_labels: Any, weights: Any = 1.0, label_smoothing: float = 0,
                          scope: str | None = None) -> Tensor:
    """`tf.losses.softmax_cross_entropy`, logits first."""
    return _losses.softmax_cross_entropy(onehot_labels, logits, _weights(weights, None), label_smoothing, scope)


@add_arg_scope
def sparse_softmax_cross_entropy(logits: Any, labels: Any, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """`tf.losses.sparse_softmax_cross_entropy`, logits first."""
    return _losses.sparse_softmax_cross_entropy(labels, logits, _weights(weights, None), scope)


def __getattr__(name: str) -> Any:
    return _names.load(name)
