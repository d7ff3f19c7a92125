"""Softmax and the cross-entropies: composites whose expansions fuse into one loop over the rows."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import FLOATS, int32, int64
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..shapes import Dims, broadcast, format_dims, normalize_axis
from .arguments import check_dtype, check_same_dtype, convert_all
from .constant import convert_to_tensor
from .elementwise import abs_, cast, check_index, exp, log, log1p, relu, sigmoid, where
from .families import composite
from .gather import one_hot
from .reduction import reduce_max, reduce_sum
from .slicing import concat
from .view import dim_scalar, expand_dims, known_rank, reshape, shape, stop_gradient, transpose, zeros_of


def _along_axis(name: str) -> Any:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        check_dtype(name, inputs[0], FLOATS)
        if inputs[0].dims is not None:
            attrs["axis"] = _axis(name, inputs[0].dims, attrs["axis"])
        return [inputs[0].type]
    return infer


def _axis(op: str, dims: Dims, axis: int) -> int:
    if not dims:
        raise ShapeError(f"{op}: the input must have rank 1 or more, received a scalar")
    return normalize_axis(op, axis, len(dims))


def _softmax_reference(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - np.max(x, axis, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis, keepdims=True)


def _softmax_expand(x: Tensor, axis: int) -> Tensor:
    e = exp(x - reduce_max(x, axis, keepdims=True))
    return e / reduce_sum(e, axis, keepdims=True)


def _softmax_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    y, axis = op.output, op.attrs["axis"]
    return [y * (g - reduce_sum(g * y, axis, keepdims=True))]


_softmax = composite("Softmax", infer=_along_axis("Softmax"), expand=_softmax_expand, reference=_softmax_reference,
                     grad=_softmax_grad)


def _log_softmax_reference(x: np.ndarray, axis: int) -> np.ndarray:
    shifted = x - np.max(x, axis, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.sum(np.exp(shifted), axis, keepdims=True))


def _log_softmax_expand(x: Tensor, axis: int) -> Tensor:
    shifted = x - reduce_max(x, axis, keepdims=True)
    return shifted - log(reduce_sum(exp(shifted), axis, keepdims=True))


_log_softmax = composite(
    "LogSoftmax", infer=_along_axis("LogSoftmax"), expand=_log_softmax_expand, reference=_log_softmax_reference,
    grad=lambda op, g: [g - exp(op.output) * reduce_sum(g, op.attrs["axis"], keepdims=True)])


def softmax(logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """exp(logits) / sum(exp(logits), axis), without overflow."""
    return _softmax(convert_to_tensor(logits, name="Softmax/logits"), axis=axis, name=name)


def log_softmax(logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """logits - log(sum(exp(logits), axis)), without overflow."""
    return _log_softmax(convert_to_tensor(logits, name="LogSoftmax/logits"), axis=axis, name=name)


# cross-entropy of a softmax with a distribution over the last axis


def _cross_entropy_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    name = "SoftmaxCrossEntropyWithLogits"
    logits, labels = inputs
    check_same_dtype(name, inputs)
    check_dtype(name, logits, FLOATS)
    shapes = [t.dims for t in inputs if t.dims is not None]
    dims = broadcast(name, *shapes)
    if dims == () and shapes:
        raise ShapeError(f"{name}: the logits must have rank 1 or more, received a scalar")
    return [TensorType(logits.dtype, dims[:-1] if dims and shapes else None)]


def _cross_entropy_reference(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return -np.sum(labels * _log_softmax_reference(logits, -1), -1)


def _cross_entropy_expand(logits: Tensor, labels: Tensor) -> Tensor:
    return reduce_sum(labels * -_log_softmax_expand(logits, -1), -1)


def _cross_entropy_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    """(softmax - labels) for the logits, as TensorFlow has it: exact for labels that sum to 1."""
    logits, labels = op.inputs
    g = _column(g)
    return g * (softmax(logits) - labels), g * -log_softmax(logits)


def _column(g: Tensor) -> Tensor:
    """A last axis of size 1 added, whatever the rank."""
    return expand_dims(g, -1) if g.dims is not None else reshape(g, concat([shape(g), [1]], 0))


_cross_entropy = composite("SoftmaxCrossEntropyWithLogits", infer=_cross_entropy_types, expand=_cross_entropy_expand,
                           reference=_cross_entropy_reference, grad=_cross_entropy_grad)


def softmax_cross_entropy_with_logits_v2(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """-sum(labels * log_softmax(logits)) over `axis`, with gradients for both."""
    scores, target = convert_all("SoftmaxCrossEntropyWithLogits", (logits, labels))
    if scores.dims is not None and _axis("SoftmaxCrossEntropyWithLogits", scores.dims, axis) != len(scores.dims) - 1:
        rank = len(scores.dims)
        order = [a for a in range(rank) if a != axis % rank] + [axis % rank]
        scores, target = transpose(scores, order), transpose(target, order)
    return _cross_entropy(scores, target, name=name)


def softmax_cross_entropy_with_logits(labels: Any = None, logits: Any = None, dim: int = -1,
                                      name: str | None = None, axis: int | None = None) -> Tensor:
    """-sum(labels * log_softmax(logits)) over the last axis; no gradient flows to the labels."""
    if labels is None or logits is None:
        raise ValueError("softmax_cross_entropy_with_logits: labels= and logits= must be given by name")
    return softmax_cross_entropy_with_logits_v2(stop_gradient(labels), logits, dim if axis is None else axis, name)


# the same with one class index per row


def _sparse_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    name = "SparseSoftmaxCrossEntropyWithLogits"
    logits, labels = inputs
    check_dtype(name, logits, FLOATS, "logits")
    check_dtype(name, labels, (int32, int64), "labels")
    if logits.dims is None or labels.dims is None:
        return [TensorType(logits.dtype, labels.dims if logits.dims is None else logits.dims[:-1])]
    if len(logits.dims) != len(labels.dims) + 1 or not labels.shape.is_compatible_with(logits.dims[:-1]):
        raise ShapeError(f"{name}: the rank of labels must be that of the logits without the last axis, and so their "
                         f"sizes; received labels {format_dims(labels.dims)} and logits {format_dims(logits.dims)}")
    return [TensorType(logits.dtype, logits.dims[:-1])]


def _sparse_reference(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    bad = labels[(labels < 0) | (labels >= logits.shape[-1])]
    if bad.size:
        raise InvalidArgumentError(f"Received a label value of {bad.ravel()[0]} which is outside the valid range of "
                                   f"[0, {logits.shape[-1]}).")
    return -np.take_along_axis(_log_softmax_reference(logits, -1), labels[..., None].astype(np.int64), -1)[..., 0]


def _hot(labels: Tensor, logits: Tensor) -> Tensor:
    *rows, classes = known_rank("SparseSoftmaxCrossEntropyWithLogits", logits)
    if labels.dims != tuple(rows):  # what is known of their sizes may differ
        labels = reshape(labels, rows)
    checked = check_index(labels, cast(dim_scalar(classes), labels.dtype), "Received a label value of {0} which is "
                          "outside the valid range of [0, {1}).")
    return one_hot(checked, classes, 1, 0, dtype=logits.dtype)


def _sparse_expand(logits: Tensor, labels: Tensor) -> Tensor:
    """logsumexp(x - max) - (x[label] - max): exact where x[label] itself is far from the maximum."""
    shifted = logits - reduce_max(logits, -1, keepdims=True)
    picked = reduce_sum(where(_hot(labels, logits) > 0, shifted, zeros_of(logits)), -1)
    return log(reduce_sum(exp(shifted), -1)) - picked


def _sparse_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    logits, labels = op.inputs
    return _column(g) * (softmax(logits) - _hot(labels, logits)), None


_sparse_cross_entropy = composite("SparseSoftmaxCrossEntropyWithLogits", infer=_sparse_types, expand=_sparse_expand,
                                  reference=_sparse_reference, grad=_sparse_grad)


def sparse_softmax_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Tensor:
    """-log_softmax(logits)[label] for each row. Raises InvalidArgumentError at run time for a label out of range."""
    if labels is None or logits is None:
        raise ValueError("sparse_softmax_cross_entropy_with_logits: labels= and logits= must be given by name")
    return _sparse_cross_entropy(convert_to_tensor(logits), convert_to_tensor(labels), name=name)


# sigmoid


def _sigmoid_reference(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits)))


_sigmoid_cross_entropy = composite(
    "SigmoidCrossEntropyWithLogits",
    infer=lambda inputs, attrs: [TensorType(check_same_dtype("SigmoidCrossEntropyWithLogits", inputs), broadcast(
        "SigmoidCrossEntropyWithLogits", *(t.dims for t in inputs)))],
    expand=lambda x, z: relu(x) - x * z + log1p(exp(-abs_(x))), reference=_sigmoid_reference,
    grad=lambda op, g: [g * (sigmoid(op.inputs[0]) - op.inputs[1]), -g * op.inputs[0]])


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Tensor:
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)), without overflow."""
    if labels is None or logits is None:
        raise ValueError("sigmoid_cross_entropy_with_logits: labels= and logits= must be given by name")
    x, z = convert_all("SigmoidCrossEntropyWithLogits", (logits, labels))
    if not x.shape.is_compatible_with(z.shape):
        raise ValueError(f"logits and labels must have the same shape ({x.shape} vs {z.shape})")
    return _sigmoid_cross_entropy(x, z, name=name)

